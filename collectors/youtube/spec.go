package youtube

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// UnitsPerDay is what Google grants a project a day, unless it was asked for more.
const UnitsPerDay = 10_000

// Spec describes the collector to the configuration, the daemon and picket
// connect.
func Spec() collectors.Spec {
	return collectors.Spec{
		Name: Network, Title: "YouTube", Every: 2 * time.Minute,
		Credential: []collectors.Key{
			{Name: "api_key", Type: collectors.KeySecret, Help: "an API key, which shows what is public"},
			{Name: "client_id", Type: collectors.KeyText, Help: "the OAuth client's id, such as 1234.apps.googleusercontent.com"},
			{Name: "client_secret", Type: collectors.KeySecret, Help: "the OAuth client's secret"},
			{Name: "refresh_token", Type: collectors.KeySecret, Help: "the refresh token of the channel's owner with the scope youtube.readonly, which shows private videos, too"},
			{Name: "units", Type: collectors.KeyNumber, Default: fmt.Sprint(UnitsPerDay), Least: 100, Most: 100_000_000, Help: "how many units of quota the project has a day, such as 10000"},
			{Name: "base_url", Type: collectors.KeyURL, Default: DefaultBaseURL, Help: "where the YouTube Data API answers, such as " + DefaultBaseURL},
			{Name: "token_url", Type: collectors.KeyURL, Default: DefaultTokenURL, Help: "where access tokens are made, such as " + DefaultTokenURL},
		},
		Own: []collectors.Key{
			{Name: "channel", Type: collectors.KeyText, Check: CheckChannel, Help: "the channel's id or handle where it is not the account's name, such as UC and 22 characters"},
			{Name: "mentions", Type: collectors.KeyTruth, Default: "false", Help: "whether comments on the channel's videos are read, true or false"},
			{Name: "watch", Type: collectors.KeyNumber, Default: fmt.Sprint(DefaultWatch), Least: pageSize, Most: MaxWatch, Help: "how many of the newest videos are looked at for edits and deletions, such as 200"},
			{Name: "backfill", Type: collectors.KeyNumber, Default: fmt.Sprint(DefaultBackfill), Least: 1, Most: MaxBackfill, Help: "how many videos the first connection reads at most, such as 200"},
			{Name: "overlap", Type: collectors.KeyDuration, Default: "1h", Least: 60, Most: int64(MaxOverlap / time.Second), Help: "how late uploads and comments may turn up, such as 1h"},
		},
		Units:        collectors.Units{PerDay: UnitsPerDay, Zone: zone, Cost: Cost},
		CheckAccount: CheckChannel,
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
		Guide: `1. In the Google Cloud console make a project, and enable in it the
   YouTube Data API v3.
2. For what is public: under APIs and services, Credentials, make an API key,
   and restrict it to that API and to this machine's address. That is api_key.
3. For private and unlisted videos too: there, make an OAuth client of type
   Desktop app, publish the consent screen (tokens of one in testing end after
   seven days), and have the channel's owner make a refresh token with the one
   scope https://www.googleapis.com/auth/youtube.readonly
   Give client_id, client_secret and refresh_token.
4. channel is the id that YouTube Studio shows under Settings, Channel,
   Advanced. A handle does, too, until whoever takes over the channel changes
   it; Picket remembers the id once it has seen it.`,
		Limits:  "10,000 units a day per project until midnight Pacific, 1 a request: 2 to 5 a poll",
		Hides:   "logins, managers, second factors, apps; who of the managers acted; thumbnails; community posts; with an API key whether a video was deleted or made private",
		Library: "google.golang.org/api, golang.org/x/oauth2",
	}
}

func configOf(s collectors.Setting) Config {
	return Config{
		Account: s.Source, Channel: s.Text("channel"), BaseURL: s.Text("base_url"), TokenURL: s.Text("token_url"),
		APIKey: s.Secret("api_key"), ClientID: s.Text("client_id"), ClientSecret: s.Secret("client_secret"), RefreshToken: s.Secret("refresh_token"),
		Session: s.Credential, Mentions: s.Truth("mentions"), Watch: s.Number("watch"), Backfill: s.Number("backfill"), Overlap: s.Duration("overlap"),
	}
}

// Verify looks at the channel and its newest videos. Its errors are those of
// Poll.
func (c *Collector) Verify(ctx context.Context) (collectors.Seen, error) {
	r := &round{ctx: ctx, c: c, st: &state{Version: cursorVersion}, met: map[string]bool{}}
	a, err := c.channelOf(r)
	if err == nil && len(a.items) == 0 {
		err = &collectors.Forbidden{Mend: mendChannel, Err: fmt.Errorf("%s: YouTube shows no channel %s", a.endpoint, c.cfg.Channel)}
	}
	if err != nil {
		return collectors.Seen{}, r.failed("channel", err)
	}
	ch, err := readChannel(a.items[0])
	if err != nil {
		return collectors.Seen{}, r.failed("channel", &collectors.Malformed{Field: a.endpoint + " answer, items[0]", Err: c.bare(err)})
	}
	r.st.Channel, r.st.Uploads = ch.id, ch.uploads
	if err := r.uploads(); err != nil {
		return collectors.Seen{}, err
	}
	seen := collectors.Seen{Name: ch.handle, Lines: ch.lines()}
	seen.Name = cmp.Or(seen.Name, ch.id)
	line := "no video can be seen"
	if n := len(r.page.Activities); n > 0 {
		line = fmt.Sprintf("%d newest videos read, the last of %s", n, r.page.Activities[0].Time.Format(time.RFC3339))
	}
	seen.Lines = append(seen.Lines, line)
	if c.cfg.RefreshToken == "" {
		seen.Lines = append(seen.Lines, "an API key: only what is public is seen, and a video made private looks deleted")
	}
	return seen, nil
}

// Shows says what the API tells of a channel that is read with this
// configuration.
func (c Config) Shows() collectors.Shows {
	s := collectors.Shows{
		Kinds: []activity.Kind{activity.KindPost, activity.KindEdit, activity.KindDelete, activity.KindProfile, activity.KindFollowers},
		Without: map[string]collectors.Lack{
			"app":        {Why: "YouTube does not tell with which app a video was uploaded"},
			"ip":         {Why: "YouTube does not tell where a video came from"},
			"geo":        {Why: "YouTube does not tell where a video came from"},
			"device":     {Why: "YouTube does not tell with which device something was uploaded"},
			"user_agent": {Why: "YouTube does not tell with which device something was uploaded"},
			"actor":      {Why: "YouTube does not tell which of a channel's managers acted"},
			"outcome":    {Why: "YouTube does not tell of attempts"},
		},
	}
	s.HideKinds(collectors.Lack{Why: "the YouTube Data API shows no logins", Mend: "watch the identity provider that guards the managers' Google accounts, such as googleworkspace"},
		activity.KindLogin, activity.KindLoginFailure, activity.KindLogout, activity.KindSession, activity.KindMFAChange, activity.KindPasswordChange,
		activity.KindTokenGrant, activity.KindTokenRevoke)
	s.HideKinds(collectors.Lack{Why: "the YouTube Data API does not show who manages a channel"}, activity.KindRoleChange)
	if c.Mentions {
		s.Kinds = append(s.Kinds, activity.KindMention, activity.KindReply)
	} else {
		s.HideKinds(collectors.Lack{Why: "comments are not read", Mend: "set mentions: true; it takes one more unit a poll"}, activity.KindMention, activity.KindReply)
	}
	return s
}
