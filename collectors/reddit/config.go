package reddit

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// Network is the Network of every activity of this package.
const Network = "reddit"

// Where Reddit answers, and the bounds and defaults of Config.
const (
	DefaultBaseURL  = "https://oauth.reddit.com"
	DefaultTokenURL = "https://www.reddit.com/api/v1/access_token" //nolint:gosec // an address

	DefaultWatch    = 200
	MaxWatch        = 250
	DefaultBackfill = 200
	MaxBackfill     = 1000
	DefaultOverlap  = time.Hour
	MaxOverlap      = 48 * time.Hour
	MaxModerates    = 10
)

// Config says which account is read and how. Account, ClientID and one way of
// access must be given.
type Config struct {
	// Account is the connected account as Picket calls it, "reddit/acme"; the
	// part after the slash is the user's name.
	Account string
	// BaseURL and TokenURL are where Reddit answers; empty takes the defaults.
	BaseURL, TokenURL string
	// ClientID and ClientSecret are of the app; an installed app has no secret.
	ClientID     string
	ClientSecret collectors.Secret
	// RefreshToken is a permanent grant of the account to the app.
	RefreshToken collectors.Secret
	// Password is the account's, for an app of type script, which Reddit lets do
	// without a grant. It is not used where RefreshToken is given.
	Password collectors.Secret
	// Session is the name under which access tokens are kept; empty keeps them
	// in memory only.
	Session string
	// Mentions also reads what others answer to the account and where they name
	// it, from its inbox.
	Mentions bool
	// Moderates are the subreddits whose changes of moderators are read.
	Moderates []string
	// Watch is how many of the newest submissions, and of the newest comments,
	// are read again to find edits and deletions.
	Watch int
	// Backfill is how many submissions, and how many comments, the first
	// connection reads at most.
	Backfill int
	// Overlap is how far back each round looks for items that turned up late.
	Overlap time.Duration
}

func (c *Config) name() string { return strings.TrimPrefix(c.Account, Network+"/") }

func (c *Config) complete() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	name, ok := strings.CutPrefix(c.Account, Network+"/")
	if !ok || CheckName(name) != nil {
		fault("account: %q; want reddit/ and the user's name, such as reddit/acme", collectors.Clip(c.Account, 100))
	}
	c.BaseURL = cmp.Or(c.BaseURL, DefaultBaseURL)
	c.TokenURL = cmp.Or(c.TokenURL, DefaultTokenURL)
	c.Watch = cmp.Or(c.Watch, DefaultWatch)
	c.Backfill = cmp.Or(c.Backfill, DefaultBackfill)
	c.Overlap = cmp.Or(c.Overlap, DefaultOverlap)
	if _, err := collectors.ParseURL(c.BaseURL, DefaultBaseURL, "requests carry a token"); err != nil {
		fault("base_url: %w", err)
	}
	if _, err := collectors.ParseURL(c.TokenURL, DefaultTokenURL, "requests carry a token"); err != nil {
		fault("token_url: %w", err)
	}
	errs = append(errs, c.checkAccess(), c.checkModerates())
	if c.Watch < pageSize || c.Watch > MaxWatch {
		fault("watch: %d; want %d to %d", c.Watch, pageSize, MaxWatch)
	}
	if c.Backfill < 1 || c.Backfill > MaxBackfill {
		fault("backfill: %d; want 1 to %d", c.Backfill, MaxBackfill)
	}
	if c.Overlap < time.Minute || c.Overlap > MaxOverlap {
		fault("overlap: %s; want 1m to %s", c.Overlap, MaxOverlap)
	}
	return errors.Join(errs...)
}

func (c *Config) checkAccess() error {
	switch {
	case c.ClientID == "":
		return errors.New("client_id: missing; give the id of the app, which stands under its name at www.reddit.com/prefs/apps")
	case c.RefreshToken == "" && c.Password == "":
		return errors.New("refresh_token: missing; give the one that the account granted the app, or with an app of type script the account's password")
	case c.RefreshToken == "" && c.ClientSecret == "":
		return errors.New("client_secret: missing; an app of type script has one, at www.reddit.com/prefs/apps")
	}
	for key, s := range map[string]string{"client_id": c.ClientID, "client_secret": c.ClientSecret.Reveal(), "refresh_token": c.RefreshToken.Reveal()} {
		if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("%s: holds spaces or other characters that none has; copy it anew", key)
		}
	}
	return nil
}

func (c *Config) checkModerates() error {
	if len(c.Moderates) > MaxModerates {
		return fmt.Errorf("moderates: %d subreddits; want at most %d", len(c.Moderates), MaxModerates)
	}
	for i, s := range c.Moderates {
		if err := CheckName(s); err != nil {
			return fmt.Errorf("moderates: %w", err)
		}
		if slices.ContainsFunc(c.Moderates[:i], func(o string) bool { return strings.EqualFold(o, s) }) {
			return fmt.Errorf("moderates: %q is there twice", s)
		}
	}
	return nil
}

// scopes are the rights that this configuration needs.
func (c *Config) scopes() []string {
	out := []string{"history", "identity", "read"}
	if len(c.Moderates) > 0 {
		out = append(out, "modlog")
	}
	if c.Mentions {
		out = append(out, "privatemessages")
	}
	return out
}

// CheckName refuses what is neither a user's nor a subreddit's name: letters,
// digits, _ and -, at most 21 of them.
func CheckName(s string) error {
	bad := strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
	if s == "" || len(s) > maxName || bad {
		return fmt.Errorf("%q; want a name without u/ or r/, such as acme", collectors.Clip(s, 100))
	}
	return nil
}

// maxName bounds the name of a user or a subreddit, in bytes.
const maxName = 21
