package facebook

import (
	"context"
	"fmt"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/metagraph"
)

// Spec describes the collector to the configuration, the daemon and picket
// connect.
func Spec() collectors.Spec {
	return collectors.Spec{
		Name: Network, Title: "Facebook", Every: 2 * time.Minute,
		Credential: metagraph.CredentialKeys(DefaultBaseURL),
		Own: append([]collectors.Key{
			{Name: "page", Type: collectors.KeyText, Check: func(s string) error { return metagraph.CheckID("page", s) }, Help: "the Page's id or username where it is not the account's name, such as 100200300"},
			{Name: "mentions", Type: collectors.KeyTruth, Default: "false", Help: "whether posts that tag the Page and comments are read; needs pages_read_user_content"},
			{Name: "people", Type: collectors.KeyTruth, Default: "false", Help: "whether who has a task on the Page is read, by /roles; needs pages_manage_metadata"},
			{Name: "business", Type: collectors.KeyText, Check: func(s string) error { return metagraph.CheckID("business", s) }, Help: "the id of the business portfolio that owns the Page, to read its people with a task; needs pages_manage_metadata"},
			{Name: "apps", Type: collectors.KeyTruth, Default: "false", Help: "whether the apps subscribed to the Page are read; needs pages_manage_metadata"},
		}, metagraph.OptionKeys("posts")...),
		CheckAccount: func(name string) error { return metagraph.CheckID("name", name) },
		New: func(s collectors.Setting, deps collectors.Deps) (collectors.Collector, error) {
			return New(configOf(s), deps)
		},
		Shows: func(s collectors.Setting) collectors.Shows { return configOf(s).Shows() },
		Verify: func(ctx context.Context, s collectors.Setting, deps collectors.Deps) (collectors.Seen, error) {
			c, err := New(configOf(s), deps)
			if err != nil {
				return collectors.Seen{}, err
			}
			return c.Verify(ctx, deps.Now())
		},
		Guide: `1. On developers.facebook.com make an app of type Business, and connect it to
   the business portfolio that owns the Page.
2. In the business settings, under System users, make one; assign the Page to
   it with the least task: "Content" (CREATE_CONTENT) lets it read posts.
3. There, generate a token for the app, without an end, with pages_show_list and
   pages_read_engagement; add pages_read_user_content for mentions, and
   pages_manage_metadata for apps and people. Leave pages_manage_posts off.
   A Page's own token will do too; of a system user's Picket asks for it.
4. app_secret stands in the app's dashboard under Settings, Basic.`,
		Limits:  fmt.Sprintf("4,800 calls in 24 h for each engaged user of the Page; Picket holds back from %d %% on", metagraph.HoldAt),
		Hides:   "logins, sessions, second factors; reels, stories and scheduled posts; apps that are not subscribed; who tags the Page where that is a person",
		Library: "none: REST over net/http",
	}
}

func configOf(s collectors.Setting) Config {
	return Config{
		Account: s.Source, Page: s.Text("page"), Access: metagraph.AccessOf(s),
		Mentions: s.Truth("mentions"), People: s.Truth("people"), Business: s.Text("business"), Apps: s.Truth("apps"),
		Options: metagraph.OptionsOf(s),
	}
}

// Verify looks at the Page, its newest posts and the token. Its errors are those
// of Poll.
func (c *Collector) Verify(ctx context.Context, now time.Time) (collectors.Seen, error) {
	s, err := c.reader.Look(ctx)
	if err != nil {
		return collectors.Seen{}, err
	}
	needed := []string{"pages_show_list", "pages_read_engagement"}
	if c.cfg.Mentions {
		needed = append(needed, "pages_read_user_content")
	}
	if c.cfg.People || c.cfg.Apps || c.cfg.Business != "" {
		needed = append(needed, "pages_manage_metadata")
	}
	seen := s.Seen(now, "posts", needed...)
	if seen.Name == "" { // a Page without a username
		seen.Name = s.Profile.ID
	}
	return seen, nil
}

// Shows says what the Graph API tells of a Page that is read with this
// configuration.
func (c Config) Shows() collectors.Shows {
	s := collectors.Shows{
		Kinds: []activity.Kind{activity.KindPost, activity.KindRepost, activity.KindProfile, activity.KindFollowers},
		Without: map[string]collectors.Lack{
			"ip":         {Why: "Facebook does not tell where a post came from"},
			"geo":        {Why: "Facebook does not tell where a post came from"},
			"device":     {Why: "Facebook does not tell with which device something was posted"},
			"user_agent": {Why: "Facebook does not tell with which device something was posted"},
			"lang":       {Why: "Facebook does not tell the language of a post"},
			"outcome":    {Why: "Facebook does not tell of attempts"},
		},
	}
	s.HideKinds(collectors.Lack{Why: "Facebook shows logins to people only, not to the Graph API", Mend: "watch the identity provider that guards the people's accounts"},
		activity.KindLogin, activity.KindLoginFailure, activity.KindLogout, activity.KindSession)
	s.HideKinds(collectors.Lack{Why: "the Graph API shows no changes of password or second factor"}, activity.KindMFAChange, activity.KindPasswordChange)
	s.HideKinds(collectors.Lack{Why: "messages of a Page are not read"}, activity.KindMessage)
	metagraph.Choose(&s, c.Watch >= 0, collectors.Lack{Why: "edits and deletions are not looked for", Mend: "set watch above 0"}, activity.KindEdit, activity.KindDelete)
	metagraph.Choose(&s, c.Mentions, collectors.Lack{Why: "mentions and comments are not read", Mend: "set mentions: true; the token needs pages_read_user_content"}, activity.KindMention, activity.KindReply)
	metagraph.Choose(&s, c.People || c.Business != "", collectors.Lack{Why: "who has a task on the Page is not read", Mend: "set business to the portfolio's id, or people: true for a classic Page; the token needs pages_manage_metadata"}, activity.KindRoleChange)
	metagraph.Choose(&s, c.Apps, collectors.Lack{Why: "the apps subscribed to the Page are not read", Mend: "set apps: true; the token needs pages_manage_metadata"}, activity.KindTokenGrant, activity.KindTokenRevoke)
	return s
}
