package exports

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/picketd/picket/collectors/mastodon"
)

// openMastodon reads an account's archive: outbox.json with everything that the
// account posted, and actor.json with who it is.
func openMastodon(ctx context.Context, path string, opts Options) (*Export, error) {
	s := &sorted{account: opts.Account, network: mastodon.Network}
	e := &Export{source: s}
	found := false
	err := walk(ctx, path, reading{
		wanted: func(name string) bool { return under(name, "outbox.json") || under(name, "actor.json") },
		visit: func(name string, in io.Reader) error {
			if under(name, "actor.json") {
				owner, err := mastodonOwner(in)
				if err != nil {
					s.fault(name, 1, err)
				}
				e.Owner = owner
				return nil
			}
			if found {
				return errors.New("outbox.json is in it twice; give one archive as the server gave it")
			}
			found = true
			return s.outbox(ctx, name, in)
		},
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errors.New("holds no outbox.json; expected the archive that the server gave, .tar.gz or .zip, or the folder that it unpacks to")
	}
	s.leave("likes, bookmarks and pictures", "Picket learns from posts and boosts", 0)
	s.done()
	return e, nil
}

func (s *sorted) outbox(ctx context.Context, name string, in io.Reader) error {
	return s.list(ctx, name, "orderedItems", in, func(n int, data []byte) error {
		a, err := mastodon.Outbox(data)
		if errors.Is(err, mastodon.ErrNoPost) {
			s.leave("activities", "are neither posts nor boosts", 1)
			return nil
		}
		if err != nil {
			s.fault(name, n, err)
			return nil
		}
		return s.add(name, n, a)
	})
}

func mastodonOwner(in io.Reader) (Owner, error) {
	data, err := small(in, maxSmall)
	if err != nil {
		return Owner{}, err
	}
	var actor struct {
		ID   string `json:"id"`
		Name string `json:"preferredUsername"`
	}
	if err := json.Unmarshal(data, &actor); err != nil {
		return Owner{}, fmt.Errorf("expected an actor (an object): %w", err)
	}
	u, err := url.Parse(actor.ID)
	if err != nil || u.Host == "" || actor.Name == "" {
		return Owner{}, errors.New("id and preferredUsername: expected the account's address and name")
	}
	return Owner{Handle: actor.Name + "@" + strings.ToLower(u.Host), ID: actor.ID}, nil
}
