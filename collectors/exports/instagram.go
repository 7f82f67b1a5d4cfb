package exports

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/instagram"
	"github.com/picketd/picket/collectors/metagraph"
)

// instagramFile is a file of what Instagram gives to who downloads their
// information, and how each item of its list is read.
type instagramFile struct {
	name *regexp.Regexp
	in   []string // the folders that it is in; none for any
	read func(data []byte) (activity.Activity, error)
}

func instagramFiles() []instagramFile {
	media := func(what string) func([]byte) (activity.Activity, error) {
		return func(data []byte) (activity.Activity, error) { return instagram.ExportedMedia(data, what) }
	}
	security := func(kind activity.Kind) func([]byte) (activity.Activity, error) {
		return func(data []byte) (activity.Activity, error) { return instagram.ExportedSecurity(data, kind) }
	}
	folders := []string{"media", "content", "."}
	return []instagramFile{
		{regexp.MustCompile(`^(posts|archived_posts|reels|igtv_videos)(_\d+)?\.json$`), folders, media("post")},
		{regexp.MustCompile(`^stories(_\d+)?\.json$`), folders, media("story")},
		{regexp.MustCompile(`^login_activity\.json$`), nil, security(activity.KindLogin)},
		{regexp.MustCompile(`^logout_activity\.json$`), nil, security(activity.KindLogout)},
		{regexp.MustCompile(`^password_change_activity\.json$`), nil, security(activity.KindPasswordChange)},
		{regexp.MustCompile(`^profile_changes\.json$`), nil, instagram.ExportedChange},
	}
}

// instagramWho says whose information it is.
const instagramWho = "personal_information.json"

// instagramFileOf finds how a file is read, nil for one that is not.
func instagramFileOf(name string) *instagramFile {
	base, dir := strings.ToLower(path.Base(name)), strings.ToLower(path.Base(path.Dir(name)))
	for _, f := range instagramFiles() {
		if f.name.MatchString(base) && (f.in == nil || slices.Contains(f.in, dir)) {
			return &f
		}
	}
	return nil
}

func openInstagram(ctx context.Context, name string, opts Options) (*Export, error) {
	s := &sorted{account: opts.Account, network: instagram.Network}
	e := &Export{source: s}
	found, hint := false, ""
	err := walk(ctx, name, reading{
		wanted: func(name string) bool {
			base := strings.ToLower(path.Base(name))
			if strings.HasPrefix(base, "posts_") && strings.HasSuffix(base, ".html") {
				hint = "; this one is in HTML"
			}
			return base == instagramWho || instagramFileOf(name) != nil
		},
		visit: func(name string, in io.Reader) error {
			f := instagramFileOf(name)
			if f == nil {
				return s.person(&e.Owner, name, in)
			}
			found = true
			return s.list(ctx, name, anyName, in, func(n int, data []byte) error { return s.instagram(name, n, data, f) })
		},
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errors.New("holds no posts_1.json, stories.json or login_activity.json; expected what Instagram gives to who downloads their information, in the format JSON" + hint)
	}
	s.leave("comments, messages, likes and followers", "Picket learns from posts, logins and changes of the profile", 0)
	s.done()
	return e, nil
}

// instagram takes an item of a file.
func (s *sorted) instagram(name string, n int, data []byte, f *instagramFile) error {
	a, err := f.read(data)
	switch {
	case errors.Is(err, instagram.ErrOther):
		s.leave("changes of the profile", "what changed "+instagram.ErrOther.Error(), 1)
		return nil
	case err != nil:
		s.fault(name, n, err)
		return nil
	}
	return s.add(name, n, a)
}

// person reads whose information it is: the name stands behind a word in the
// language of the account, of which two are known.
func (s *sorted) person(owner *Owner, name string, in io.Reader) error {
	data, err := small(in, maxSmall)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var said struct {
		User []struct {
			Values map[string]struct {
				Value metagraph.Loose[metagraph.Mended] `json:"value"`
			} `json:"string_map_data"`
		} `json:"profile_user"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		s.fault(name, 1, fmt.Errorf("expected whose information it is (an object): %w", err))
		return nil
	}
	for _, u := range said.User {
		for word, v := range u.Values {
			if word = strings.ToLower(word); word == "username" || word == "benutzername" {
				owner.Handle = string(v.Value.V)
			}
		}
	}
	return nil
}
