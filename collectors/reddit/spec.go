package reddit

import (
	"context"
	"fmt"
	"time"

	"github.com/picketd/picket/collectors"
)

// Spec describes the collector to the configuration, the daemon and picket
// connect.
func Spec() collectors.Spec {
	return collectors.Spec{
		Name: Network, Title: "Reddit", Every: time.Minute,
		Credential: []collectors.Key{
			{Name: "client_id", Type: collectors.KeyText, Required: true, Help: "the app's id, which stands under its name, such as p-jcoLKBynTLew"},
			{Name: "client_secret", Type: collectors.KeySecret, Help: "the app's secret; an installed app has none"},
			{Name: "refresh_token", Type: collectors.KeySecret, Help: "the permanent refresh token that the account granted the app"},
			{Name: "password", Type: collectors.KeySecret, Help: "in place of refresh_token with an app of type script, the account's password"},
			{Name: "base_url", Type: collectors.KeyURL, Default: DefaultBaseURL, Help: "where the API answers, such as " + DefaultBaseURL},
			{Name: "token_url", Type: collectors.KeyURL, Default: DefaultTokenURL, Help: "where access tokens are made, such as " + DefaultTokenURL},
		},
		Own: []collectors.Key{
			{Name: "mentions", Type: collectors.KeyTruth, Default: "false", Help: "whether replies and mentions are read from the inbox, true or false; needs the scope privatemessages"},
			{Name: "moderates", Type: collectors.KeyList, Check: CheckName, Help: "subreddits whose changes of moderators are read, such as [acme, acmehelp]; needs the scope modlog"},
			{Name: "watch", Type: collectors.KeyNumber, Default: fmt.Sprint(DefaultWatch), Least: pageSize, Most: MaxWatch, Help: "how many of the newest submissions, and of the newest comments, are looked at for edits and deletions, such as 200"},
			{Name: "backfill", Type: collectors.KeyNumber, Default: fmt.Sprint(DefaultBackfill), Least: 1, Most: MaxBackfill, Help: "how many submissions, and how many comments, the first connection reads at most, such as 200"},
			{Name: "overlap", Type: collectors.KeyDuration, Default: "1h", Least: 60, Most: int64(MaxOverlap / time.Second), Help: "how late items may turn up, such as 1h"},
		},
		Endpoint:     Endpoint,
		CheckAccount: CheckName,
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
		Guide: `1. Reddit lets only apps use its API that it has approved: ask for that first
   (support.reddithelp.com, Responsible Builder Policy).
2. At www.reddit.com/prefs/apps, logged in as the account, make an app of type
   web app with the redirect uri http://localhost:8080. client_id stands under
   its name, client_secret beside "secret".
3. Open in the same browser, with the app's id in place of ID, in one line:
   https://www.reddit.com/api/v1/authorize?client_id=ID&response_type=code
   &state=picket&redirect_uri=http://localhost:8080&duration=permanent
   &scope=history+identity+read
   Add +privatemessages for mentions and +modlog for moderates; allow it, and
   copy the code from the address that the browser is sent to, up to #.
4. Within minutes have it exchanged for the refresh token, in one line:
   curl -u ID:SECRET -A "picket setup by /u/NAME"
   -d grant_type=authorization_code -d code=CODE
   -d redirect_uri=http://localhost:8080
   https://www.reddit.com/api/v1/access_token
5. An app of type script works with the account's password in its place. That
   may do everything and fails with a second factor: better give a token.`,
		Limits:  "100 requests a minute for each app, over 10 minutes: 3 to 5 a poll; the newest 1,000 of each list, 90 days of a log of moderators",
		Hides:   "logins, sessions, authorised apps, chat and private messages; comments that moderators removed, from their author; who of an account's people acted",
		Library: "none: REST over net/http",
	}
}

func configOf(s collectors.Setting) Config {
	return Config{
		Account: s.Source, BaseURL: s.Text("base_url"), TokenURL: s.Text("token_url"),
		ClientID: s.Text("client_id"), ClientSecret: s.Secret("client_secret"), RefreshToken: s.Secret("refresh_token"), Password: s.Secret("password"),
		Session: s.Credential, Mentions: s.Truth("mentions"), Moderates: s.List("moderates"),
		Watch: s.Number("watch"), Backfill: s.Number("backfill"), Overlap: s.Duration("overlap"),
	}
}
