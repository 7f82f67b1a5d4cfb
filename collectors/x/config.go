package x

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// Values of Config.API and Config.FieldsParam.
const (
	APIv2  = "v2"   // today's API, translated under go-twitter
	APIv11 = "v1.1" // passed through, for contracts that still have it

	FieldsTweet = "tweet.fields" // the words of the guides
	FieldsPost  = "post.fields"  // the words of openapi.json 2.167
)

// Defaults of Config. Prices are those of docs.x.com,
// x-api/getting-started/pricing, read 2026-08-22. Where the credential belongs
// to the connected account itself, its posts and mentions are "owned reads" at
// 0.001 dollars; whether it does cannot be seen from here, so the default is
// the higher price.
const (
	DefaultBaseURL   = "https://api.x.com"
	DefaultOverlap   = 15 * time.Minute
	DefaultBackfill  = 200
	DefaultRehydrate = 100
	DefaultPricePost = 0.005
	DefaultPriceUser = 0.010

	DefaultPriceMessage = 0.010
)

const (
	maxRehydrate = 100  // ids of one look-up
	maxBackfill  = 3200 // what a timeline keeps
	maxOverlap   = 24 * time.Hour
)

// Config says which account is read and how. One of BearerToken and the four
// OAuth 1.0a values must be given. With Activity the bearer token must be, and
// the four may be beside it: they then sign what reads the account.
type Config struct {
	// Account is the connected account as Picket calls it, "x/acme". Empty:
	// "x/" and Username in lower case.
	Account string
	// UserID is X's number of the account. Empty: it is looked up once by
	// Username, or is the OAuth 1.0a user's own when that is empty too.
	UserID string
	// Username is the account's handle without @.
	Username string

	// API is APIv2 (also when empty) or APIv11.
	API string
	// BaseURL is the API's root without version, DefaultBaseURL when empty.
	// Other than https is taken only for loopback addresses.
	BaseURL string
	// FieldsParam is FieldsTweet (also when empty) or FieldsPost: which of the
	// two vocabularies requests to API v2 use.
	FieldsParam string

	BearerToken    collectors.Secret
	ConsumerKey    collectors.Secret
	ConsumerSecret collectors.Secret
	AccessToken    collectors.Secret
	AccessSecret   collectors.Secret

	// Activity is ActivityStream or ActivityWebhook where X tells at once of what
	// happens to the account, see Listener; empty where it is polled alone. It is
	// for API v2. For a webhook ConsumerSecret is needed, too.
	Activity string

	// Mentions also reads posts of others that mention the account. API v1.1
	// offers this to OAuth 1.0a only.
	Mentions bool
	// DirectMessages also reads the messages that the account sends. X shows
	// them to OAuth 1.0a of the account itself, and with API v2, only.
	DirectMessages bool
	// Rehydrate is how many of the newest own posts are looked up in every
	// round to find deletions: 0 takes DefaultRehydrate, negative none. Each
	// is charged once a day.
	Rehydrate int
	// Backfill is how many posts of history the first connection reads, 0
	// takes DefaultBackfill.
	Backfill int
	// Overlap is how long before the last round posts are read again, because
	// X delivers some late; 0 takes DefaultOverlap.
	Overlap time.Duration

	// PricePost, PriceUser and PriceMessage are US dollars for each post (or
	// media item), user and direct message read. Zero takes the defaults with
	// API v2 and means free with API v1.1, which is not sold per use.
	PricePost    float64
	PriceUser    float64
	PriceMessage float64
}

// complete fills in defaults and returns every fault of the configuration.
func (c Config) complete() (Config, error) {
	c.setDefaults()
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if c.Account == "" {
		fault("account: empty; give the connected account's name, such as x/acme, or a username")
	} else if !strings.HasPrefix(c.Account, "x/") || len(c.Account) == len("x/") {
		fault("account: %q; want x/ and a name, such as x/acme", c.Account)
	}
	if c.UserID != "" && parseID(c.UserID) == 0 {
		fault("user_id: %q; want the account's number in decimal digits", c.UserID)
	}
	if c.Username != "" && !isHandle(c.Username) {
		fault("username: %q; want 1 to 15 letters, digits or _ without @", c.Username)
	}
	if c.API != APIv2 && c.API != APIv11 {
		fault("api: %q; want %s or %s", c.API, APIv2, APIv11)
	}
	if c.FieldsParam != FieldsTweet && c.FieldsParam != FieldsPost {
		fault("fields_param: %q; want %s or %s", c.FieldsParam, FieldsTweet, FieldsPost)
	}
	if err := checkBaseURL(c.BaseURL); err != nil {
		fault("base_url: %w", err)
	}
	if err := c.checkCredentials(); err != nil {
		errs = append(errs, err)
	}
	if err := c.checkActivity(); err != nil {
		errs = append(errs, err)
	}
	switch {
	case c.DirectMessages && c.API == APIv11:
		fault("direct_messages: they are read with API v2 only; use api: v2")
	case c.DirectMessages && !c.oauth1():
		fault("direct_messages: X shows them to the account itself only; give the four OAuth 1.0a values of the account")
	}
	if c.Rehydrate > maxRehydrate {
		fault("rehydrate: %d; X looks up at most %d posts in one request", c.Rehydrate, maxRehydrate)
	}
	if c.Backfill < 1 || c.Backfill > maxBackfill {
		fault("backfill: %d; want 1 to %d, all that X keeps of a timeline", c.Backfill, maxBackfill)
	}
	if c.Overlap < 0 || c.Overlap > maxOverlap {
		fault("overlap: %s; want 0s to %s", c.Overlap, maxOverlap)
	}
	if c.PricePost < 0 || c.PriceUser < 0 || c.PriceMessage < 0 {
		fault("price_post, price_user and price_message: %g, %g and %g; want US dollars per item read, 0 or more", c.PricePost, c.PriceUser, c.PriceMessage)
	}
	return c, errors.Join(errs...)
}

func (c *Config) setDefaults() {
	c.API = cmp.Or(c.API, APIv2)
	c.BaseURL = cmp.Or(c.BaseURL, DefaultBaseURL)
	c.FieldsParam = cmp.Or(c.FieldsParam, FieldsTweet)
	c.Rehydrate = cmp.Or(c.Rehydrate, DefaultRehydrate)
	c.Backfill = cmp.Or(c.Backfill, DefaultBackfill)
	c.Overlap = cmp.Or(c.Overlap, DefaultOverlap)
	if c.API == APIv2 {
		c.PricePost = cmp.Or(c.PricePost, DefaultPricePost)
		c.PriceUser = cmp.Or(c.PriceUser, DefaultPriceUser)
		c.PriceMessage = cmp.Or(c.PriceMessage, DefaultPriceMessage)
	}
	if c.Account == "" && c.Username != "" {
		c.Account = "x/" + strings.ToLower(c.Username)
	}
}

// oauth1 reports whether requests are signed with OAuth 1.0a.
func (c *Config) oauth1() bool { return c.AccessToken != "" }

func (c *Config) checkCredentials() error {
	given := 0
	for _, s := range []collectors.Secret{c.ConsumerKey, c.ConsumerSecret, c.AccessToken, c.AccessSecret} {
		if s != "" {
			given++
		}
	}
	switch {
	case c.BearerToken == "" && given == 0:
		return errors.New("credential: none; give bearer_token, or consumer_key, consumer_secret, access_token and access_secret")
	case c.BearerToken != "" && given > 0 && c.Activity == "":
		return errors.New("credential: bearer_token and OAuth 1.0a values are both given; keep one of them")
	case c.Activity == ActivityWebhook && c.ConsumerSecret == "":
		return errors.New("consumer_secret: empty; X signs its calls to a webhook with the app's")
	case given > 0 && given < 4 && (c.Activity != ActivityWebhook || given > 1): // the secret that signatures need may stand alone
		return fmt.Errorf("credential: %d of the 4 OAuth 1.0a values; give consumer_key, consumer_secret, access_token and access_secret", given)
	case !c.oauth1() && c.UserID == "" && c.Username == "":
		return errors.New("user_id: empty, and so is username; a bearer token does not tell whose account it is, give one of them")
	case !c.oauth1() && c.API == APIv11 && c.Mentions:
		return errors.New("mentions: API v1.1 gives them to OAuth 1.0a only; give the four OAuth 1.0a values or use api: v2")
	}
	return nil
}

func (c *Config) checkActivity() error {
	switch {
	case c.Activity == "":
		return nil
	case c.Activity != ActivityStream && c.Activity != ActivityWebhook:
		return fmt.Errorf("activity: %q; want %s or %s, or nothing", c.Activity, ActivityStream, ActivityWebhook)
	case c.API == APIv11:
		return errors.New("activity: X tells of it beside API v2 only; use api: v2")
	case c.BearerToken == "":
		return errors.New("activity: X tells of it to the app's bearer token only; give bearer_token too")
	}
	return nil
}

// checkBaseURL keeps credentials off the open network.
func checkBaseURL(s string) error {
	_, err := collectors.ParseURL(s, DefaultBaseURL, "requests carry the credential")
	return err
}

// isHandle reports whether s has the form of a username in openapi.json 2.167.
func isHandle(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_':
		default:
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 15
}

// parseID returns an id of X as a number, 0 if it is none.
func parseID(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || s[0] == '+' {
		return 0
	}
	return n
}

func formatID(id int64) string { return strconv.FormatInt(id, 10) }
