package linkedin

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// Network is the Network of every activity of this package.
const Network = "linkedin"

// Where LinkedIn answers, and the bounds and defaults of Config.
const (
	DefaultBaseURL = "https://api.linkedin.com"
	DefaultAuthURL = "https://www.linkedin.com/oauth/v2"
	// DefaultVersion is the version of the API that this was written against.
	DefaultVersion = "202609"

	DefaultWatch        = 100
	MaxWatch            = 100
	DefaultBackfill     = 200
	MaxBackfill         = 4000
	DefaultPageSize     = 100 // most that LinkedIn documents for a page
	MinPageSize         = 10
	DefaultOverlap      = 15 * time.Minute
	MaxOverlap          = 24 * time.Hour
	DefaultLook         = 15 * time.Minute
	MaxLook             = 24 * time.Hour
	DefaultCommentPosts = 5
	MaxCommentPosts     = 25
)

// Config says which organisation's page is read and how. Account must be given,
// and either Token or ClientID, ClientSecret and RefreshToken. Zero numbers take
// the defaults.
type Config struct {
	// Account is the connected account as Picket calls it: "linkedin/" and the
	// organisation's number.
	Account string
	// BaseURL and AuthURL are where the API and the token endpoint answer; empty
	// takes the defaults.
	BaseURL, AuthURL string
	// Version is the version of the API, a year and a month: "202609". LinkedIn
	// serves one for a year at least.
	Version string
	// Token is an access token of a member who administers the page. It lasts 60
	// days. It is not used where RefreshToken is given.
	Token collectors.Secret
	// ClientID and ClientSecret are of the app, RefreshToken is what the member
	// allowed it; it lasts 365 days. With the first two, Verify also asks LinkedIn
	// what the token may do.
	ClientID                   string
	ClientSecret, RefreshToken collectors.Secret
	// Session is the name under which access tokens are kept; empty keeps them
	// in memory only.
	Session string
	// People also reads who has a role on the page.
	People bool
	// Mentions also reads comments on the CommentPosts newest posts; the page's
	// own comments are replies.
	Mentions     bool
	CommentPosts int
	// Look is how often profile, followers, people and comments are read.
	Look time.Duration
	// Watch is how many of the newest posts are compared to find edits and
	// deletions, Backfill how many the first connection reads, PageSize how many
	// a request asks for.
	Watch, Backfill, PageSize int
	// Overlap is how far back each round looks for posts and comments that turned
	// up late.
	Overlap time.Duration
}

func (c Config) complete() (Config, error) {
	var errs []error
	name, ok := strings.CutPrefix(c.Account, Network+"/")
	if !ok {
		errs = append(errs, fmt.Errorf("account: %q; want linkedin/ and the organisation's number, such as linkedin/2414183", collectors.Clip(c.Account, 60)))
	} else if err := CheckOrganization(name); err != nil {
		errs = append(errs, fmt.Errorf("account: %w", err))
	}
	c.BaseURL = cmp.Or(c.BaseURL, DefaultBaseURL)
	c.AuthURL = cmp.Or(c.AuthURL, DefaultAuthURL)
	c.Version = cmp.Or(c.Version, DefaultVersion)
	errs = append(errs, checkURL("base_url", c.BaseURL, DefaultBaseURL), checkURL("auth_url", c.AuthURL, DefaultAuthURL))
	if err := CheckVersion(c.Version); err != nil {
		errs = append(errs, fmt.Errorf("version: %w", err))
	}
	errs = append(errs, c.checkAccess())
	number := func(key string, p *int, value, least, most int) {
		*p = cmp.Or(*p, value)
		if *p < least || *p > most {
			errs = append(errs, fmt.Errorf("%s: %d; want %d to %d", key, *p, least, most))
		}
	}
	number("comment_posts", &c.CommentPosts, DefaultCommentPosts, 1, MaxCommentPosts)
	number("watch", &c.Watch, DefaultWatch, 1, MaxWatch)
	number("backfill", &c.Backfill, DefaultBackfill, 1, MaxBackfill)
	number("page_size", &c.PageSize, DefaultPageSize, MinPageSize, DefaultPageSize)
	span := func(key string, p *time.Duration, value, least, most time.Duration) {
		*p = cmp.Or(*p, value)
		if *p < least || *p > most {
			errs = append(errs, fmt.Errorf("%s: %s; want %s to %s", key, *p, least, most))
		}
	}
	span("look_every", &c.Look, DefaultLook, time.Minute, MaxLook)
	span("overlap", &c.Overlap, DefaultOverlap, time.Second, MaxOverlap)
	return c, errors.Join(errs...)
}

func (c *Config) checkAccess() error {
	switch {
	case c.RefreshToken != "" && (c.ClientID == "" || c.ClientSecret == ""):
		return errors.New("refresh_token: given without client_id and client_secret; give those of the app that it was made with")
	case c.RefreshToken == "" && c.Token == "":
		return errors.New("token: missing; give an access token of a member who administers the page, or client_id, client_secret and refresh_token")
	}
	for _, s := range []struct {
		key   string
		value string
	}{
		{"token", c.Token.Reveal()},
		{"client_id", c.ClientID},
		{"client_secret", c.ClientSecret.Reveal()},
		{"refresh_token", c.RefreshToken.Reveal()},
	} {
		if strings.ContainsFunc(s.value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("%s: holds spaces or other characters that none has; copy it anew", s.key)
		}
	}
	return nil
}

// number returns the organisation's number.
func (c *Config) number() string { return strings.TrimPrefix(c.Account, Network+"/") }

// urn returns the organisation as LinkedIn calls it.
func (c *Config) urn() string { return "urn:li:organization:" + c.number() }

// CheckOrganization refuses what is no organisation's number.
func CheckOrganization(s string) error {
	if !regexp.MustCompile(`^[1-9][0-9]{0,17}$`).MatchString(s) {
		return fmt.Errorf("%q; want the organisation's number, such as 2414183: it stands in the address of the page's admin view, linkedin.com/company/2414183/admin", collectors.Clip(s, 60))
	}
	return nil
}

// CheckVersion refuses what cannot be a version of the API.
func CheckVersion(s string) error {
	if !regexp.MustCompile(`^20[0-9]{2}(0[1-9]|1[0-2])$`).MatchString(s) {
		return fmt.Errorf("%q; want a year and a month, such as %s", collectors.Clip(s, 20), DefaultVersion)
	}
	return nil
}

// checkURL keeps tokens off the open network.
func checkURL(key, s, example string) error {
	if _, err := collectors.ParseURL(s, example, "others could read the token"); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}
