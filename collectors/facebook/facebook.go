package facebook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/metagraph"
)

// Network is the Network of every activity of this package.
const Network = "facebook"

// DefaultBaseURL is where the Graph API is.
const DefaultBaseURL = "https://graph.facebook.com"

// Config says which Page is read and how. Account and Token must be given.
type Config struct {
	// Account is the connected account as Picket calls it, "facebook/acme".
	Account string
	// Page is the Page's id or username; empty takes the name in Account.
	Page string

	// Access is how the Graph API is reached; an empty BaseURL takes
	// DefaultBaseURL. Its token is of the Page, or of a system user with a task
	// on it, with the scopes that doc.go names. With its AppSecret each request
	// carries a proof, so that a stolen token alone is of no use where the app
	// asks for one.
	metagraph.Access

	// Mentions also reads public posts that tag the Page, and comments under
	// its newest posts; the Page's own comments are replies.
	Mentions bool
	// People also reads who has a task on the Page, by /roles.
	People bool
	// Business is the id of the business portfolio that owns the Page; with it
	// its people and system users with a task are read, by /assigned_users.
	Business string
	// Apps also reads which apps are subscribed to the Page.
	Apps bool

	metagraph.Options
}

// Collector reads one Page.
type Collector struct {
	cfg    Config
	reader *metagraph.Reader
}

// New returns a collector of one Page. Its error names every fault of cfg by
// the key of the configuration.
func New(cfg Config, deps collectors.Deps) (*Collector, error) {
	var errs []error
	name, ok := strings.CutPrefix(cfg.Account, Network+"/")
	if !ok || name == "" {
		errs = append(errs, fmt.Errorf("account: %q; want facebook/ and a name, such as facebook/acme", cfg.Account))
	}
	if cfg.Page == "" {
		cfg.Page = name
	}
	if ok {
		errs = append(errs, metagraph.CheckID("page", cfg.Page))
	}
	if cfg.Business != "" {
		errs = append(errs, metagraph.CheckID("business", cfg.Business))
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultBaseURL
	}
	reader, err := metagraph.NewReader(cfg.Access, cfg.source(), cfg.Options, deps)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("facebook: %w", err)
	}
	return &Collector{cfg: cfg, reader: reader}, nil
}

// Poll implements collectors.Collector.
func (c *Collector) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	return c.reader.Poll(ctx, cursor)
}

// Fields that are asked for. What nobody reads is left out: Meta counts the
// time that an answer takes.
const (
	profileFields = "id,name,username,about,description,website,phone,emails,category,link,verification_status,is_published," +
		"single_line_address,cover{id},picture{url},followers_count,fan_count"
	postFields = "id,created_time,updated_time,message,story,status_type,parent_id,is_published,is_hidden,permalink_url," +
		"from{id,name},application{id,name},admin_creator{id,name},message_tags{id,name,type}," +
		"attachments{type,media_type,title,url,unshimmed_url,target{id},media{source,image{src}}," +
		"subattachments{type,media_type,url,target{id},media{source,image{src}}}}"
	taggedFields  = "id,created_time,message,permalink_url,from{id,name},message_tags{id,name,type}"
	commentFields = "id,created_time,message,permalink_url,parent{id},from{id,name},application{id,name},admin_creator{id,name}"
)

// commentsAt is how many of the newest posts have their comments read, and how
// many of each.
const (
	commentsOf = 25
	commentsAt = 50
)

// source says what is read of the Page.
func (c *Config) source() metagraph.Source {
	s := metagraph.Source{
		Network: Network, Account: c.Account, Object: c.Page, Page: true,
		ProfileFields: profileFields, Profile: readProfile,
		Timelines: []metagraph.Timeline{{
			Name: "posts", Edge: "published_posts",
			Params: url.Values{"fields": {postFields}, "include_hidden": {"true"}}, Map: readPost,
		}},
	}
	if c.People {
		s.Grants = append(s.Grants, metagraph.Grant{
			Name: "roles", Edge: "roles", Params: url.Values{"fields": {"id,name,tasks"}}, Entry: readMember, Always: true,
		})
	}
	if c.Business != "" {
		s.Grants = append(s.Grants, metagraph.Grant{
			Name: "assigned users", Edge: "assigned_users",
			Params: url.Values{"business": {c.Business}, "fields": {"id,name,user_type,tasks"}}, Entry: readMember,
		})
	}
	if c.Apps {
		s.Grants = append(s.Grants, metagraph.Grant{
			Name: "apps", Edge: "subscribed_apps", Params: url.Values{"fields": {"id,name"}}, Apps: true, Entry: readMember,
		})
	}
	if c.Mentions {
		s.Voices = []metagraph.Voice{{
			Name: "tagged posts", Edge: "tagged", Params: url.Values{"fields": {taggedFields}}, Map: readTagged,
		}}
		s.Comments = &metagraph.Comments{
			Edge: "published_posts",
			Params: url.Values{
				"fields": {fmt.Sprintf("id,comments.order(reverse_chronological).filter(stream).limit(%d){%s}", commentsAt, commentFields)},
				"limit":  {fmt.Sprint(commentsOf)},
			},
			Map: readComment,
		}
	}
	return s
}
