package exports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/picketd/picket/collectors/bluesky"
)

// openBluesky reads an account's repository, a CAR file, alone or in a folder or
// an archive.
func openBluesky(ctx context.Context, name string, opts Options) (*Export, error) {
	s := &sorted{account: opts.Account, network: bluesky.Network}
	e := &Export{source: s}
	err := walk(ctx, name, reading{
		wanted: func(name string) bool {
			base := path.Base(name)
			return strings.HasSuffix(strings.ToLower(base), ".car") && !strings.HasPrefix(base, "._") // which Macs put beside each file
		},
		visit: func(name string, in io.Reader) error {
			if e.Owner.ID != "" {
				return errors.New("holds more than one .car file; give the repository of one account")
			}
			did, err := s.repository(ctx, name, in)
			e.Owner.ID = did
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	if e.Owner.ID == "" {
		return nil, errors.New("holds no .car file; expected the repository that Bluesky exports, such as repo.car")
	}
	s.leave("pictures, direct messages, preferences and the handle", "a repository does not hold them", 0)
	s.done()
	return e, nil
}

func (s *sorted) repository(ctx context.Context, name string, in io.Reader) (string, error) {
	n := 0
	repo, err := bluesky.ReadRepository(ctx, in, s.account, func(one bluesky.Exported) error {
		n++
		if one.Err == nil {
			return s.add(name, n, one.Activity)
		}
		s.fault(name, n, fmt.Errorf("%s: %w", plain(one.Where), one.Err))
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if repo.Others > 0 {
		s.leave("likes, follows and other records", "Picket learns from posts, reposts and the profile", repo.Others)
	}
	return repo.DID, nil
}
