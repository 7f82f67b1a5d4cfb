package mastodon

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// Defaults of Config.
const (
	DefaultOverlap  = 15 * time.Minute
	DefaultBackfill = 200
	DefaultWatch    = pageSize // what one request reads
)

const (
	maxBackfill = 4000
	maxWatch    = 200
	maxOverlap  = 24 * time.Hour
	maxName     = 255
)

// Config says which account is read and how. Server and Name must be given.
type Config struct {
	// Account is the connected account as Picket calls it,
	// "mastodon/acme@social.example". Empty: "mastodon/", Name and, where Name
	// has none, the server's host.
	Account string
	// Server is the URL of the server that is asked, "https://social.example".
	// Other than https is taken only for loopback addresses.
	Server string
	// Name is the account's name there without the first @: "acme", or
	// "acme@other.example" for an account that Server knows from elsewhere.
	Name string

	// Token is an access token with the scopes read:accounts and read:statuses,
	// and read:notifications for Mentions. It need not be the account's own,
	// but only that one sees its application names, its posts to followers, its
	// mentions and, where the server lists them, its tokens. Empty reads what the server shows to everybody.
	Token collectors.Secret

	// Mentions also reads who mentions or quotes the account; it needs a Token
	// of the account itself. Direct messages are left out.
	Mentions bool
	// Watch is how many of the newest statuses are read again every ten minutes
	// to find edits and deletions, up to 200: 0 takes DefaultWatch, negative
	// none. Each 40 are one request.
	Watch int
	// Backfill is how many statuses of history the first connection reads, up
	// to 4000; 0 takes DefaultBackfill.
	Backfill int
	// Overlap is how long before the last round statuses are read again,
	// because some turn up late; 0 takes DefaultOverlap.
	Overlap time.Duration
}

// complete fills in defaults and returns every fault of the configuration.
func (c Config) complete() (Config, *url.URL, error) {
	c.Watch = cmp.Or(c.Watch, DefaultWatch)
	c.Backfill = cmp.Or(c.Backfill, DefaultBackfill)
	c.Overlap = cmp.Or(c.Overlap, DefaultOverlap)
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	base, err := parseServer(c.Server)
	if err != nil {
		fault("server: %w", err)
	}
	if !isName(c.Name) {
		fault("name: %q; want the account's name without the first @, such as acme, or acme@other.example", collectors.Clip(c.Name, maxName))
	}
	if c.Account == "" && len(errs) == 0 {
		c.Account = Network + "/" + strings.ToLower(c.Name)
		if !strings.Contains(c.Name, "@") {
			c.Account += "@" + strings.ToLower(base.Hostname())
		}
	}
	if c.Account != "" && (!strings.HasPrefix(c.Account, Network+"/") || len(c.Account) == len(Network)+1) {
		fault("account: %q; want mastodon/ and a name, such as mastodon/acme@social.example", c.Account)
	}
	if strings.ContainsFunc(c.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		fault("token: holds spaces or other characters that no access token has; copy it anew")
	}
	if c.Mentions && c.Token == "" {
		fault("mentions: they are shown to the account only; give its token, or switch mentions off")
	}
	if c.Watch > maxWatch {
		fault("watch: %d; want at most %d, or less than 0 for none", c.Watch, maxWatch)
	}
	if c.Backfill < 1 || c.Backfill > maxBackfill {
		fault("backfill: %d; want 1 to %d", c.Backfill, maxBackfill)
	}
	if c.Overlap < 0 || c.Overlap > maxOverlap {
		fault("overlap: %s; want 0s to %s", c.Overlap, maxOverlap)
	}
	return c, base, errors.Join(errs...)
}

// parseServer reads the server's URL and keeps tokens and answers off the open
// network.
func parseServer(s string) (*url.URL, error) {
	return collectors.ParseURL(s, "https://social.example", "others could read the token and change the answers")
}

// isName reports whether s can be an account's name with or without a host:
// letters of any script stand in hosts, everything that ends a path does not.
func isName(s string) bool {
	user, host, remote := strings.Cut(s, "@")
	if user == "" || remote && host == "" || len(s) > maxName {
		return false
	}
	bad := func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("/?#%&@:\\\ufffd", r) }
	return !strings.ContainsFunc(user, bad) && !strings.ContainsFunc(strings.Replace(host, ":", "", 1), bad)
}
