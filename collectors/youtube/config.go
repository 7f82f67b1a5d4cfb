package youtube

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// Network is the Network of every activity of this package.
const Network = "youtube"

// pageSize is the most videos that a page of a playlist holds, and that are asked
// for by id at once.
const pageSize = 50

// Where Google answers, and the bounds and defaults of Config.
const (
	DefaultBaseURL  = "https://youtube.googleapis.com"
	DefaultTokenURL = "https://oauth2.googleapis.com/token" //nolint:gosec // an address
	DefaultWatch    = 200
	MaxWatch        = 300
	DefaultBackfill = 200
	MaxBackfill     = 20_000
	DefaultOverlap  = time.Hour
	MaxOverlap      = 48 * time.Hour
)

// Config says which channel is read and how. Account and one way of access must
// be given.
type Config struct {
	// Account is the connected account as Picket calls it, "youtube/acme".
	Account string
	// Channel is the channel's id, "UC" and 22 characters, or its handle; empty
	// takes the name in Account as one of them.
	Channel string
	// BaseURL and TokenURL are where Google answers; empty takes the defaults.
	BaseURL, TokenURL string
	// APIKey reads what is public. It is not used where RefreshToken is given.
	APIKey collectors.Secret
	// ClientID, ClientSecret and RefreshToken are of an OAuth client that the
	// channel's owner gave the scope youtube.readonly; they show unlisted and
	// private videos, too.
	ClientID                   string
	ClientSecret, RefreshToken collectors.Secret
	// Session is the name under which access tokens are kept; empty keeps them
	// in memory only.
	Session string
	// Mentions also reads comments on the channel's videos.
	Mentions bool
	// Watch is how many of the newest videos are read again to find edits and
	// deletions, 50 to MaxWatch.
	Watch int
	// Backfill is how many videos the first connection reads at most.
	Backfill int
	// Overlap is how far back each round looks for uploads and comments that
	// turned up late.
	Overlap time.Duration
}

func (c Config) complete() (Config, error) {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	name, ok := strings.CutPrefix(c.Account, Network+"/")
	if !ok || name == "" {
		fault("account: %q; want youtube/ and a handle or a channel's id, such as youtube/acme", c.Account)
	}
	c.Channel = cmp.Or(c.Channel, name)
	if ok {
		if err := CheckChannel(c.Channel); err != nil {
			fault("channel: %w", err)
		}
	}
	c.BaseURL = cmp.Or(c.BaseURL, DefaultBaseURL)
	c.TokenURL = cmp.Or(c.TokenURL, DefaultTokenURL)
	c.Watch = cmp.Or(c.Watch, DefaultWatch)
	c.Backfill = cmp.Or(c.Backfill, DefaultBackfill)
	c.Overlap = cmp.Or(c.Overlap, DefaultOverlap)
	if _, err := collectors.ParseURL(c.BaseURL, DefaultBaseURL, "requests carry a key or a token"); err != nil {
		fault("base_url: %w", err)
	}
	if _, err := collectors.ParseURL(c.TokenURL, DefaultTokenURL, "requests carry a key or a token"); err != nil {
		fault("token_url: %w", err)
	}
	errs = append(errs, c.checkAccess())
	if c.Watch < pageSize || c.Watch > MaxWatch {
		fault("watch: %d; want %d to %d", c.Watch, pageSize, MaxWatch)
	}
	if c.Backfill < 1 || c.Backfill > MaxBackfill {
		fault("backfill: %d; want 1 to %d", c.Backfill, MaxBackfill)
	}
	if c.Overlap < time.Minute || c.Overlap > MaxOverlap {
		fault("overlap: %s; want 1m to %s", c.Overlap, MaxOverlap)
	}
	return c, errors.Join(errs...)
}

func (c *Config) checkAccess() error {
	switch {
	case c.RefreshToken != "" && (c.ClientID == "" || c.ClientSecret == ""):
		return errors.New("refresh_token: given without client_id and client_secret; give those of the OAuth client that it was made with")
	case c.RefreshToken == "" && c.ClientSecret != "":
		return errors.New("refresh_token: missing; give the one that the channel's owner made for client_id, or an api_key alone")
	case c.RefreshToken == "" && c.APIKey == "":
		return errors.New("api_key: missing; give an API key for what is public, or client_id, client_secret and refresh_token")
	}
	for key, s := range map[string]collectors.Secret{"api_key": c.APIKey, "client_secret": c.ClientSecret, "refresh_token": c.RefreshToken} {
		if strings.ContainsFunc(s.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("%s: holds spaces or other characters that none has; copy it anew", key)
		}
	}
	return nil
}

// CheckChannel refuses what is neither a handle nor a channel's id.
func CheckChannel(s string) error {
	s = strings.TrimPrefix(s, "@")
	if s == "" || len(s) > 100 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || strings.ContainsRune("/?#&\"<>\\", r) }) {
		return fmt.Errorf("%q; want a handle such as acme, or a channel's id, UC and 22 characters", collectors.Clip(s, 100))
	}
	return nil
}

// isChannelID reports whether a name is a channel's id.
func isChannelID(s string) bool { return len(s) == 24 && strings.HasPrefix(s, "UC") && isID(s) }

// maxID bounds ids of videos, comments, playlists and channels, in bytes.
const maxID = 128

// isID reports whether Google's id can go into a query and a cursor: base64 for
// URLs, and a dot in those of replies.
func isID(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxID
}
