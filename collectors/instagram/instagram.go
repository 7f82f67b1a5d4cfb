package instagram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/metagraph"
)

// Network is the Network of every activity of this package.
const Network = "instagram"

// Where the Graph API is, for tokens by Facebook Login and by Instagram Login.
const (
	DefaultBaseURL = "https://graph.facebook.com"
	loginHost      = "graph.instagram.com"
)

// storyLife is how long a story is shown.
const storyLife = 24 * time.Hour

// Config says which account is read and how. Account, User and Token must be
// given.
type Config struct {
	// Account is the connected account as Picket calls it, "instagram/acme".
	Account string
	// User is the account's id in the Graph API, "17841405822304914", or "me"
	// with a token by Instagram Login.
	User string

	// Access is how the Graph API is reached; an empty BaseURL takes
	// DefaultBaseURL. doc.go names the scopes of its token.
	metagraph.Access

	// Mentions also reads media that tag the account, and comments under its
	// newest media; the account's own comments are replies.
	Mentions bool

	metagraph.Options
}

// Collector reads one account.
type Collector struct {
	cfg    Config
	reader *metagraph.Reader
}

// New returns a collector of one account. Its error names every fault of cfg by
// the key of the configuration.
func New(cfg Config, deps collectors.Deps) (*Collector, error) {
	var errs []error
	if name, ok := strings.CutPrefix(cfg.Account, Network+"/"); !ok || name == "" {
		errs = append(errs, fmt.Errorf("account: %q; want instagram/ and a name, such as instagram/acme", cfg.Account))
	}
	errs = append(errs, checkUser(cfg.User))
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultBaseURL
	}
	reader, err := metagraph.NewReader(cfg.Access, cfg.source(), cfg.Options, deps)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("instagram: %w", err)
	}
	return &Collector{cfg: cfg, reader: reader}, nil
}

// checkUser refuses what is no id: names are not taken in its place.
func checkUser(s string) error {
	if s == "me" || s != "" && len(s) <= 32 && strings.Trim(s, "0123456789") == "" {
		return nil
	}
	return fmt.Errorf("user: %q; want the account's id in the Graph API, such as 17841405822304914, or me with a token by Instagram Login", s)
}

// Poll implements collectors.Collector.
func (c *Collector) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	return c.reader.Poll(ctx, cursor)
}

// Fields that are asked for, and how many of the newest media have how many of
// their comments read.
const (
	profileFields = "id,username,name,biography,website,profile_picture_url,followers_count,follows_count,media_count"
	mediaFields   = "id,caption,media_type,media_product_type,timestamp,permalink,username,media_url,thumbnail_url,children{id,media_type,media_url}"
	taggedFields  = "id,caption,media_type,timestamp,permalink,username"
	commentFields = "id,text,timestamp,username,from{id,username},parent_id"

	commentsOf = 25
	commentsAt = 50
)

// source says what is read of the account.
func (c *Config) source() metagraph.Source {
	media := url.Values{"fields": {mediaFields}}
	s := metagraph.Source{
		Network: Network, Account: c.Account, Object: c.User,
		ProfileFields: profileFields, Profile: readProfile,
		Timelines: []metagraph.Timeline{
			{Name: "media", Edge: "media", Params: media, Map: readMedia},
			{Name: "stories", Edge: "stories", Params: media, Map: readMedia, Life: storyLife},
		},
	}
	if !c.Mentions {
		return s
	}
	if !c.login() {
		s.Voices = []metagraph.Voice{{Name: "tags", Edge: "tags", Params: url.Values{"fields": {taggedFields}}, Map: readTagged}}
	}
	s.Comments = &metagraph.Comments{
		Edge: "media",
		Params: url.Values{
			"fields": {fmt.Sprintf("id,comments.limit(%d){%s,replies{%s}}", commentsAt, commentFields, commentFields)},
			"limit":  {fmt.Sprint(commentsOf)},
		},
		Map: readComment,
	}
	return s
}

// login reports whether the token is by Instagram Login.
func (c *Config) login() bool {
	u, err := url.Parse(c.BaseURL)
	return err == nil && strings.EqualFold(u.Hostname(), loginHost)
}
