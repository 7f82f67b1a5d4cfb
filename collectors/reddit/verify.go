package reddit

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/picketd/picket/collectors"
)

// Verify looks at the account, its newest submissions and comments, whose the
// grant is, and where wanted the inbox and the logs of moderators: four requests
// and one for each of those. It proves that a poll can read what it must. Its
// errors are those of Poll.
func (c *Collector) Verify(ctx context.Context) (collectors.Seen, error) {
	r := newRound(ctx, c, newState())
	u, err := r.user()
	if err != nil {
		return collectors.Seen{}, r.failed("profile", err)
	}
	seen := collectors.Seen{Name: u.Name, Lines: []string{u.line()}}
	paths := []string{"/user/" + c.cfg.name() + "/" + submissions, "/user/" + c.cfg.name() + "/" + comments}
	if c.cfg.Mentions {
		paths = append(paths, "/message/inbox")
	}
	for _, name := range c.cfg.Moderates {
		paths = append(paths, "/r/"+name+"/about/log")
	}
	for _, path := range paths {
		line, err := c.glance(ctx, path)
		if err != nil {
			return collectors.Seen{}, r.failed("look at "+path, err)
		}
		seen.Lines = append(seen.Lines, line)
	}
	owner, err := r.owner()
	if err != nil {
		return collectors.Seen{}, r.failed("owner of the grant", err)
	}
	seen.Warnings = c.warnings(owner)
	return seen, nil
}

// glance reads the newest items of a list.
func (c *Collector) glance(ctx context.Context, path string) (string, error) {
	a, err := c.list(ctx, path, url.Values{"limit": {strconv.Itoa(pageSize)}, "mark": {"false"}})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: %d newest read", path, len(a.items)), nil
}

// line says what an account is, for a person.
func (u *user) line() string {
	parts := []string{"u/" + plain(u.Name)}
	if u.Subreddit != nil && plain(u.Subreddit.Title) != "" {
		parts = append(parts, collectors.Clip(plain(u.Subreddit.Title), 100))
	}
	for _, m := range u.metrics() {
		parts = append(parts, strconv.FormatFloat(m.Value, 'f', -1, 64)+" "+strings.ReplaceAll(m.Name, "_", " "))
	}
	return strings.Join(parts, ", ")
}

// owner asks whose the grant is.
func (r *round) owner() (string, error) {
	b, err := r.c.get(r.ctx, "/api/v1/me", nil)
	if err != nil {
		return "", err
	}
	var me struct {
		Name string `json:"name"`
	}
	if err := r.c.read(b, &me, "an account with name"); err != nil {
		return "", err
	}
	return collectors.Clip(r.c.words(me.Name), 40), nil
}

// warnings say what the grant may do beyond reading, and what it does not show.
func (c *Collector) warnings(owner string) []string {
	var out []string
	if !strings.EqualFold(owner, c.cfg.name()) {
		out = append(out, fmt.Sprintf("the grant is of %s and not of the account: what the account hides from others is not seen", owner))
	}
	granted := strings.FieldsFunc(c.session.Scope, func(r rune) bool { return r == ' ' || r == ',' })
	if slices.Contains(granted, "*") {
		return append(out, "the grant may do everything, posting and deleting included: make one with the scopes "+strings.Join(c.cfg.scopes(), " "))
	}
	more := slices.DeleteFunc(granted, func(s string) bool { return slices.Contains(c.cfg.scopes(), s) })
	if len(more) > 0 {
		out = append(out, "the grant has scopes that are not needed, make one without: "+collectors.Clip(c.words(strings.Join(more, " ")), maxWords))
	}
	if c.cfg.Mentions {
		out = append(out, "Reddit has no scope that only reads the inbox: privatemessages may also send messages in the account's name")
	}
	if c.cfg.RefreshToken == "" {
		out = append(out, "this is the account's password, which may do everything: a refresh_token may only read")
	}
	return out
}
