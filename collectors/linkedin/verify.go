package linkedin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// Verify looks at the page, its followers, its newest posts and whatever else is
// configured, and asks what the token may do where the app's secret is given. It
// proves that a poll can read what it must. Its errors are those of Poll.
func (c *Collector) Verify(ctx context.Context) (collectors.Seen, error) {
	r := &round{ctx: ctx, c: c, st: &state{Version: cursorVersion}}
	seen := collectors.Seen{Name: c.cfg.number()}
	if err := r.profile(); err != nil {
		return collectors.Seen{}, asLimited(err)
	}
	followers, err := r.countFollowers()
	if err != nil {
		return collectors.Seen{}, r.failed("followers", asLimited(err))
	}
	of := r.st.Profile.Values
	seen.Lines = append(seen.Lines, collectors.Clip(plain(fmt.Sprintf("%s, linkedin.com/company/%s, id %s, %.0f followers", of["name"], of["handle"], c.cfg.number(), followers)), 300))
	if err := r.posts(); err != nil {
		return collectors.Seen{}, err
	}
	seen.Lines = append(seen.Lines, r.newest())
	if c.cfg.People {
		if err := r.people(); err != nil {
			return collectors.Seen{}, asLimited(err)
		}
		seen.Lines = append(seen.Lines, fmt.Sprintf("people with a role on the page: %d", len(r.st.Roles.Entries)))
	}
	if c.cfg.Mentions {
		if err := r.comments(); err != nil {
			return collectors.Seen{}, asLimited(err)
		}
		line := "comments can be read"
		if len(r.st.Watch) == 0 {
			line = "no post yet whose comments could be read"
		}
		seen.Lines = append(seen.Lines, line)
	}
	return c.verifyToken(ctx, seen)
}

// newest says what was read of the posts.
func (r *round) newest() string {
	n, last := 0, time.Time{}
	for i := range r.page.Activities {
		n++
		if at := r.page.Activities[i].Time; at.After(last) {
			last = at
		}
	}
	if n == 0 {
		return "no posts yet"
	}
	return fmt.Sprintf("%d newest posts read, the last of %s", n, last.Format(time.RFC3339))
}

// verifyToken adds what the token may do.
func (c *Collector) verifyToken(ctx context.Context, seen collectors.Seen) (collectors.Seen, error) {
	if c.cfg.ClientID == "" || c.cfg.ClientSecret == "" {
		seen.Warnings = append(seen.Warnings, "what the token may do, and when it ends, is not known: LinkedIn tells it with client_id and client_secret only; it ends 60 days after it was made")
		return seen, nil
	}
	s, err := c.introspect(ctx)
	if err != nil {
		return collectors.Seen{}, fmt.Errorf("linkedin: look-up of the token: %w", asLimited(err))
	}
	now := c.deps.Now()
	scopes := strings.FieldsFunc(c.words(s.Scope), func(r rune) bool { return r == ',' || r == ' ' })
	seen.Lines = append(seen.Lines, "token with "+strings.Join(scopes, ", "))
	if tooMuch := slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return !strings.HasPrefix(s, "w_") && !strings.HasPrefix(s, "rw_") }); len(tooMuch) > 0 {
		seen.Warnings = append(seen.Warnings, "the token can do more than read: "+strings.Join(tooMuch, ", ")+"; make it anew without these")
	}
	ends, what := time.Unix(s.Expires, 0).UTC(), "token"
	if c.cfg.RefreshToken != "" {
		ends, what = c.session.RefreshEnds, "refresh_token"
	}
	if ends.Year() <= 1970 { // not told
		return seen, nil
	}
	line := fmt.Sprintf("the %s ends on %s, in %d days", what, ends.Format(time.DateOnly), int(ends.Sub(now).Hours()/24))
	if ends.Before(now.Add(tokenWarning)) {
		seen.Warnings = append(seen.Warnings, line+"; make another before")
		return seen, nil
	}
	seen.Lines = append(seen.Lines, line)
	return seen, nil
}
