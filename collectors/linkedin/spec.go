package linkedin

import (
	"context"
	"fmt"
	"time"

	"github.com/picketd/picket/collectors"
)

// CallsPerDay is what Picket takes of a day for a credential where nothing else
// is configured. LinkedIn publishes no number but that of its Development tier.
const CallsPerDay = 1000

// Spec describes the collector to the configuration, the daemon and picket
// connect.
func Spec() collectors.Spec {
	return collectors.Spec{
		Name: Network, Title: "LinkedIn", Every: 5 * time.Minute,
		Credential: []collectors.Key{
			{Name: "token", Type: collectors.KeySecret, Help: "an access token of a member who administers the page, which lasts 60 days"},
			{Name: "client_id", Type: collectors.KeyText, Help: "the app's client id, such as 77abcdefghijkl"},
			{Name: "client_secret", Type: collectors.KeySecret, Help: "the app's client secret"},
			{Name: "refresh_token", Type: collectors.KeySecret, Help: "a refresh token of a member who administers the page, which lasts 365 days; in place of token"},
			{Name: "units", Type: collectors.KeyNumber, Default: fmt.Sprint(CallsPerDay), Least: 24, Most: 10_000_000, Help: "how many calls a day the credential may make, until midnight UTC, such as 100 in the Development tier"},
			{Name: "version", Type: collectors.KeyText, Default: DefaultVersion, Check: CheckVersion, Help: "the version of LinkedIn's API, a year and a month, such as " + DefaultVersion},
			{Name: "base_url", Type: collectors.KeyURL, Default: DefaultBaseURL, Help: "where LinkedIn's API answers, such as " + DefaultBaseURL},
			{Name: "auth_url", Type: collectors.KeyURL, Default: DefaultAuthURL, Help: "where access tokens are made, such as " + DefaultAuthURL},
		},
		Own: []collectors.Key{
			{Name: "people", Type: collectors.KeyTruth, Default: "true", Help: "whether who has a role on the page is read, true or false"},
			{Name: "mentions", Type: collectors.KeyTruth, Default: "false", Help: "whether comments on the newest posts are read; needs r_organization_social_feed"},
			{Name: "comment_posts", Type: collectors.KeyNumber, Default: fmt.Sprint(DefaultCommentPosts), Least: 1, Most: MaxCommentPosts, Help: "on how many of the newest posts comments are read, one call each, such as 5"},
			{Name: "look_every", Type: collectors.KeyDuration, Default: "15m", Least: 60, Most: int64(MaxLook / time.Second), Help: "how often profile, people and comments are read, such as 15m"},
			{Name: "watch", Type: collectors.KeyNumber, Default: fmt.Sprint(DefaultWatch), Least: 1, Most: MaxWatch, Help: "how many of the newest posts are compared for edits and deletions, such as 100"},
			{Name: "backfill", Type: collectors.KeyNumber, Default: fmt.Sprint(DefaultBackfill), Least: 1, Most: MaxBackfill, Help: "how many posts of history the first connection reads, such as 200"},
			{Name: "overlap", Type: collectors.KeyDuration, Default: "15m", Least: 1, Most: int64(MaxOverlap / time.Second), Help: "how late posts and comments may turn up, such as 15m"},
			{Name: "page_size", Type: collectors.KeyNumber, Default: fmt.Sprint(DefaultPageSize), Least: MinPageSize, Most: DefaultPageSize, Help: "how many posts a call asks for, such as 100"},
		},
		Endpoint:     Endpoint,
		Units:        collectors.Units{PerDay: CallsPerDay, Cost: Cost},
		CheckAccount: CheckOrganization,
		New: func(s collectors.Setting, deps collectors.Deps) (collectors.Collector, error) {
			return New(configOf(s), deps)
		},
		Shows: func(s collectors.Setting) collectors.Shows { return configOf(s).Shows() },
		Verify: func(ctx context.Context, s collectors.Setting, deps collectors.Deps) (collectors.Seen, error) {
			c, err := New(configOf(s), deps)
			if err != nil {
				return collectors.Seen{}, err
			}
			return c.Verify(ctx)
		},
		Guide: `1. On linkedin.com/developers make an app for the organisation, have a super
   admin of its page verify it, and request the product Community Management
   API, which must be the app's only one. LinkedIn reviews the request.
2. In the app's Auth tab, under OAuth 2.0 tools, have a super admin of the page
   make a token with r_organization_social and r_organization_admin; for
   mentions add r_organization_social_feed. Leave all that begin with w_ or rw_
   off: r_ can read alone. That is token; it ends after 60 days.
3. Where LinkedIn grants the app refresh tokens, give client_id, client_secret
   and refresh_token in its place: Picket then makes tokens itself for a year.
4. The account is the number in the address of the page's admin view:
   linkedin.com/company/2414183/admin
5. The Analytics tab shows what the app may call a day. In the Development tier
   that is 100 calls for each member: set units: 100, every: 30m and
   look_every: 4h. A day is over at midnight UTC.
LinkedIn bounds how long what members say may be kept: ask it before mentions.`,
		Limits:  "unpublished, by the day (UTC), app and member; 100 calls a member in the Development tier; Picket makes 1,000 unless units says otherwise",
		Hides:   "logins, second factors, apps; who of the admins posted; names of people with a role; answers to comments, messages, mentions elsewhere",
		Library: "none: REST over net/http",
	}
}

func configOf(s collectors.Setting) Config {
	return Config{
		Account: s.Source, BaseURL: s.Text("base_url"), AuthURL: s.Text("auth_url"), Version: s.Text("version"),
		Token: s.Secret("token"), ClientID: s.Text("client_id"), ClientSecret: s.Secret("client_secret"), RefreshToken: s.Secret("refresh_token"),
		Session: s.Credential, People: s.Truth("people"), Mentions: s.Truth("mentions"), CommentPosts: s.Number("comment_posts"),
		Look: s.Duration("look_every"), Watch: s.Number("watch"), Backfill: s.Number("backfill"), PageSize: s.Number("page_size"), Overlap: s.Duration("overlap"),
	}
}
