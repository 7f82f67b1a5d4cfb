package github

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/picketd/picket/collectors"
)

// Values of Config.Include.
const (
	// IncludeWeb reads what people did in the browser and through the API.
	IncludeWeb = "web"
	// IncludeGit reads git.clone, git.fetch and git.push only, which GitHub
	// keeps for seven days.
	IncludeGit = "git"
	// IncludeAll reads both. Each fetch of a build server is an event then.
	IncludeAll = "all"
)

// Defaults and bounds of Config.
const (
	DefaultBaseURL  = "https://api.github.com"
	DefaultOverlap  = 10 * time.Minute
	DefaultBackfill = 30 * 24 * time.Hour // 20 working days or more: rules about logins learn from so many

	// Retention is how long GitHub.com keeps events, and GitRetention how long
	// it keeps those of Git. A server of one's own keeps what it is told to.
	Retention    = 180 * 24 * time.Hour
	GitRetention = 7 * 24 * time.Hour

	pageSize    = 100 // the most that may be asked for
	maxOverlap  = 24 * time.Hour
	maxBackfill = Retention - time.Hour // a request takes a while
	maxSlug     = 100                   // bytes of an organisation's or enterprise's name
)

// Config says which log is read and how. Token, Accept and one of Org and
// Enterprise must be given.
type Config struct {
	// Source is the source as Picket calls it, "github/acme"; it stands in
	// error texts. Empty: "github/" and the organisation or enterprise.
	Source string
	// BaseURL is the API: DefaultBaseURL when empty, "https://api.acme.ghe.com"
	// with data residency, "https://github.acme.example/api/v3" on a server of
	// one's own. Other than https is taken only for loopback addresses.
	BaseURL string
	// Token is a personal access token, see the package comment.
	Token collectors.Secret
	// Org is the login of an organisation, Enterprise the slug of an
	// enterprise, whose log also holds the logins of managed users.
	Org, Enterprise string
	// Include is one of the Include constants, IncludeWeb when empty.
	Include string
	// Accept reports whether an identity, "github/octocat", guards an account.
	// Events of others are dropped. It is called from Poll only and must not
	// block.
	Accept func(identity string) bool
	// Overlap is how long before the last look events are read again, because
	// some become visible late; 0 takes DefaultOverlap.
	Overlap time.Duration
	// Backfill is how much history the first connection reads, 0 takes
	// DefaultBackfill. It teaches and raises no findings.
	Backfill time.Duration
}

// complete fills in defaults and returns every fault of the configuration.
func (c Config) complete() (Config, error) {
	c.BaseURL = cmp.Or(c.BaseURL, DefaultBaseURL)
	c.Include = cmp.Or(c.Include, IncludeWeb)
	c.Overlap = cmp.Or(c.Overlap, DefaultOverlap)
	c.Backfill = cmp.Or(c.Backfill, DefaultBackfill)
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")

	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := checkBaseURL(c.BaseURL); err != nil {
		fault("base_url: %w", err)
	}
	if err := checkToken(c.Token); err != nil {
		fault("token: %w", err)
	}
	switch {
	case c.Org == "" && c.Enterprise == "":
		fault("org: missing; give the login of an organisation, or enterprise")
	case c.Org != "" && c.Enterprise != "":
		fault("enterprise: given beside org; give one of them, and a source of its own to the other: an enterprise's log holds those of its organisations")
	}
	for key, slug := range map[string]string{"org": c.Org, "enterprise": c.Enterprise} {
		if err := checkSlug(slug); err != nil {
			fault("%s: %w", key, err)
		}
	}
	c.Source = cmp.Or(c.Source, Network+"/"+strings.ToLower(c.Org+c.Enterprise))
	if !strings.HasPrefix(c.Source, Network+"/") || len(c.Source) == len(Network)+1 {
		fault("source: %q; want github/ and a name, such as github/acme", c.Source)
	}
	if c.Accept == nil {
		fault("accept: none; give a function that tells which identities guard an account")
	}
	switch c.Include {
	case IncludeWeb, IncludeGit, IncludeAll:
	default:
		fault("include: %q; want %s, %s or %s", c.Include, IncludeWeb, IncludeGit, IncludeAll)
	}
	if c.Overlap < 0 || c.Overlap > maxOverlap {
		fault("overlap: %s; want 0s to %s", c.Overlap, maxOverlap)
	}
	if c.Backfill < 0 || c.Backfill > maxBackfill {
		fault("backfill: %s; want 0s to %s, as GitHub keeps 180 days", c.Backfill, maxBackfill)
	}
	return c, errors.Join(errs...)
}

// path is the log's path below the base URL, without a slash before it.
func (c *Config) path() string {
	if c.Enterprise != "" {
		return "enterprises/" + url.PathEscape(c.Enterprise) + "/audit-log"
	}
	return "orgs/" + url.PathEscape(c.Org) + "/audit-log"
}

func checkSlug(s string) error {
	odd := strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
	if odd || len(s) > maxSlug || strings.Trim(s, ".") != s {
		return fmt.Errorf("%q; want the name as it stands in the address of its page, such as acme", collectors.Clip(s, maxSlug))
	}
	return nil
}

func checkToken(token collectors.Secret) error {
	s := token.Reveal()
	switch {
	case s == "":
		return errors.New("empty; give a personal access token that may read the audit log")
	case strings.HasPrefix(s, "Bearer ") || strings.HasPrefix(s, "token "):
		return errors.New(`begins with "Bearer " or "token "; give the token alone`)
	case strings.HasPrefix(s, "ghs_"), strings.HasPrefix(s, "ghu_"), strings.HasPrefix(s, "eyJ"):
		return errors.New("is a token of a GitHub App, which ends within hours; give a personal access token")
	case strings.HasPrefix(s, "ghr_"):
		return errors.New("is a refresh token; give a personal access token")
	case strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' }):
		return errors.New("holds spaces, line ends or other characters that no token has; copy it again")
	}
	return nil
}

// checkBaseURL keeps the token off the open network, and catches the addresses
// of pages, which have no API.
func checkBaseURL(s string) error {
	u, err := collectors.ParseURL(s, DefaultBaseURL, "requests carry the token")
	if err != nil {
		return err
	}
	switch host := strings.ToLower(u.Hostname()); {
	case host == "github.com" || host == "www.github.com":
		return fmt.Errorf("%q is the web site; give %s", s, DefaultBaseURL)
	case strings.HasSuffix(host, ".ghe.com") && !strings.HasPrefix(host, "api."):
		return fmt.Errorf("%q is the web site; give https://api.%s", s, host)
	case strings.HasSuffix(u.Path, "/audit-log"):
		return fmt.Errorf("%q; leave the path of the log out", s)
	}
	return nil
}
