package exports

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/picketd/picket/collectors/facebook"
	"github.com/picketd/picket/collectors/metagraph"
)

// openFacebook reads what Facebook gives to who downloads a Page's information:
// profile_posts_1.json, profile_posts_2.json and so on, and whose they are.
func openFacebook(ctx context.Context, name string, opts Options) (*Export, error) {
	s := &sorted{account: opts.Account, network: facebook.Network}
	e := &Export{source: s}
	posts := regexp.MustCompile(`(?i)^profile_posts(_\d+)?\.json$`)
	found, hint := false, ""
	err := walk(ctx, name, reading{
		wanted: func(name string) bool {
			base := strings.ToLower(path.Base(name))
			switch {
			case posts.MatchString(base):
				return true
			case strings.HasPrefix(base, "your_posts"):
				hint = "; this one is of a person, and Picket reads Pages"
			case strings.HasPrefix(base, "profile_posts") && strings.HasSuffix(base, ".html"):
				hint = "; this one is in HTML"
			}
			return base == pageInformation || base == pageDashboard
		},
		visit: func(name string, in io.Reader) error {
			base := strings.ToLower(path.Base(name))
			if !posts.MatchString(base) {
				return s.page(&e.Owner, base, name, in)
			}
			found = true
			return s.list(ctx, name, "", in, func(n int, data []byte) error {
				a, err := facebook.ExportedPost(data)
				if err == nil {
					return s.add(name, n, a)
				}
				s.fault(name, n, err)
				return nil
			})
		},
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errors.New("holds no posts/profile_posts_1.json; expected a Page's information as Facebook gives it in the format JSON" + hint)
	}
	s.leave("comments, messages, stories and films that are no posts", "Picket learns from posts", 0)
	s.leave("which app posted, and who of the Page's people", "the export does not say", 0)
	s.done()
	return e, nil
}

// The files that say whose information it is.
const (
	pageInformation = "profile_information.json"
	pageDashboard   = "your_professional_dashboard_activity.json"
)

// page reads whose information it is. The dashboard knows the name alone, and
// only counts where the other file is missing.
func (s *sorted) page(owner *Owner, base, name string, in io.Reader) error {
	data, err := small(in, maxSmall)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var said struct {
		Profile struct {
			Username metagraph.Mended `json:"username"`
			URI      string           `json:"profile_uri"`
			Name     struct {
				Full metagraph.Mended `json:"full_name"`
			} `json:"name"`
		} `json:"profile_v2"`
		Dashboard []struct {
			Name metagraph.Mended `json:"page_name"`
		} `json:"prodash_activity"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		s.fault(name, 1, fmt.Errorf("expected whose information it is (an object): %w", err))
		return nil
	}
	if base == pageInformation {
		p := &said.Profile
		id := p.URI[strings.LastIndexAny(p.URI, "/=")+1:]
		if handle := cmp.Or(p.Username, p.Name.Full); handle != "" || id != "" {
			*owner = Owner{Handle: string(handle), ID: id}
		}
	} else if *owner == (Owner{}) && len(said.Dashboard) > 0 {
		owner.Handle = string(said.Dashboard[0].Name)
	}
	return nil
}
