package instagram

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
		Name: Network, Title: "Instagram", Every: 2 * time.Minute,
		Credential: metagraph.CredentialKeys(DefaultBaseURL),
		Own: append([]collectors.Key{
			{Name: "user", Type: collectors.KeyText, Required: true, Check: checkUser, Help: "the account's id in the Graph API, such as 17841405822304914, or me with a token by Instagram Login"},
			{Name: "mentions", Type: collectors.KeyTruth, Default: "false", Help: "whether posts that tag the account and comments are read; needs instagram_manage_comments"},
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
		Guide: `1. The account must be a professional one, connected to a Facebook Page. On
   developers.facebook.com make an app of type Business, and connect it to the
   business portfolio that owns the Page.
2. In the business settings, under System users, make one and assign the Page
   and the Instagram account to it with the least task.
3. There, generate a token for the app, without an end, with instagram_basic,
   pages_show_list and pages_read_engagement; add instagram_manage_comments for
   mentions. Leave instagram_content_publish off.
4. The id for user is what the Graph API Explorer answers with that token to
   GET /PAGE?fields=instagram_business_account.
5. app_secret stands in the app's dashboard under Settings, Basic.`,
		Limits:  fmt.Sprintf("4,800 calls in 24 h for each impression of the account; Picket holds back from %d %% on", metagraph.HoldAt),
		Hides:   "who posted and with which app; logins; edits of what is no caption; live films; mentions with an @ outside comments (webhooks only)",
		Library: "none: REST over net/http",
	}
}

func configOf(s collectors.Setting) Config {
	return Config{
		Account: s.Source, User: s.Text("user"), Access: metagraph.AccessOf(s),
		Mentions: s.Truth("mentions"), Options: metagraph.OptionsOf(s),
	}
}

// Verify looks at the account, its newest media and the token. Its errors are
// those of Poll.
func (c *Collector) Verify(ctx context.Context, now time.Time) (collectors.Seen, error) {
	s, err := c.reader.Look(ctx)
	if err != nil {
		return collectors.Seen{}, err
	}
	needed := []string{"instagram_basic", "pages_show_list", "pages_read_engagement"}
	comments := "instagram_manage_comments"
	if c.cfg.login() {
		needed, comments = []string{"instagram_business_basic"}, "instagram_business_manage_comments"
	}
	if c.cfg.Mentions {
		needed = append(needed, comments)
	}
	return s.Seen(now, "media", needed...), nil
}

// Shows says what the Graph API tells of an account that is read with this
// configuration.
func (c Config) Shows() collectors.Shows {
	s := collectors.Shows{
		Kinds: []activity.Kind{activity.KindPost, activity.KindProfile, activity.KindFollowers},
		Without: map[string]collectors.Lack{
			"actor":      {Why: "Instagram does not tell which of several people posted"},
			"app":        {Why: "Instagram does not tell with which app something was posted"},
			"ip":         {Why: "Instagram does not tell where a post came from"},
			"geo":        {Why: "Instagram does not tell where a post came from"},
			"device":     {Why: "Instagram does not tell with which device something was posted"},
			"user_agent": {Why: "Instagram does not tell with which device something was posted"},
			"lang":       {Why: "Instagram does not tell the language of a post"},
			"outcome":    {Why: "Instagram does not tell of attempts"},
		},
	}
	const page = "connect the Facebook Page that the account belongs to"
	s.HideKinds(collectors.Lack{Why: "Instagram shows logins to people only, not to the Graph API", Mend: "watch the identity provider that guards the people's accounts"},
		activity.KindLogin, activity.KindLoginFailure, activity.KindLogout, activity.KindSession)
	s.HideKinds(collectors.Lack{Why: "the Graph API shows no changes of password or second factor"}, activity.KindMFAChange, activity.KindPasswordChange)
	s.HideKinds(collectors.Lack{Why: "who has access is kept with the Page", Mend: page + ", with business or people"}, activity.KindRoleChange)
	s.HideKinds(collectors.Lack{Why: "which apps have access is kept with the Page", Mend: page + ", with apps"}, activity.KindTokenGrant, activity.KindTokenRevoke)
	s.HideKinds(collectors.Lack{Why: "messages are not read"}, activity.KindMessage)
	s.HideKinds(collectors.Lack{Why: "Instagram does not show what of others an account shared"}, activity.KindRepost)
	metagraph.Choose(&s, c.Watch >= 0, collectors.Lack{Why: "edits and deletions are not looked for", Mend: "set watch above 0"}, activity.KindEdit, activity.KindDelete)
	metagraph.Choose(&s, c.Mentions, collectors.Lack{Why: "tags and comments are not read", Mend: "set mentions: true; the token needs instagram_manage_comments"}, activity.KindMention, activity.KindReply)
	return s
}
