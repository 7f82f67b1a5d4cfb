package github

import (
	"context"
	"time"

	"github.com/picketd/picket/collectors"
)

// Spec describes the collector to the rest of Picket.
func Spec() collectors.Spec {
	return collectors.Spec{
		Name: Network, Title: "GitHub", Multi: true, Every: time.Minute,
		Credential: []collectors.Key{
			{Name: "token", Type: collectors.KeySecret, Required: true, Help: "a personal access token that may read the audit log"},
			{Name: "base_url", Type: collectors.KeyURL, Default: DefaultBaseURL, Help: "the API's URL, on a server of your own such as https://github.acme.example/api/v3"},
		},
		Own: []collectors.Key{
			{Name: "org", Type: collectors.KeyText, Help: "the login of the organisation, such as acme; without it and enterprise the source's name", Check: checkSlug},
			{Name: "enterprise", Type: collectors.KeyText, Help: "the slug of an enterprise, in place of org", Check: checkSlug},
			{
				Name: "include", Type: collectors.KeyText, Default: IncludeWeb, Choices: []string{IncludeWeb, IncludeGit, IncludeAll},
				Help: "web for what people do, git for clones, fetches and pushes, all for both",
			},
			{Name: "overlap", Type: collectors.KeyDuration, Default: DefaultOverlap.String(), Least: 1, Most: int64(maxOverlap / time.Second), Help: "how far back late events are looked for, such as 10m"},
			{Name: "backfill", Type: collectors.KeyDuration, Default: DefaultBackfill.String(), Least: 1, Most: int64(maxBackfill / time.Second), Help: "how much history the first connection reads, such as 720h"},
		},
		Endpoint: Endpoint,
		New: func(s collectors.Setting, deps collectors.Deps) (collectors.Collector, error) {
			c, err := New(configOf(s), deps)
			if err != nil {
				return nil, err // a nil *Collector would be no nil Collector
			}
			return c, nil
		},
		Shows: func(s collectors.Setting) collectors.Shows { return configOf(s).Shows() },
		Verify: func(ctx context.Context, s collectors.Setting, deps collectors.Deps) (collectors.Seen, error) {
			c, err := New(configOf(s), deps)
			if err != nil {
				return collectors.Seen{}, err
			}
			return c.Verify(ctx)
		},
		Guide: `An owner of the organisation makes the token, on github.com under Settings,
Developer settings, Personal access tokens. Either a fine-grained token whose
resource owner is the organisation, with the organisation permission
Administration: read and no repository; or a classic one with the scope
read:audit_log and nothing else, which an enterprise's log needs. Where the
organisation has single sign-on, authorise the classic token for it.
Switch on IP addresses: the organisation's Settings, Logs, Audit log, Settings.`,
		Limits:  "1,750 requests an hour for each log, 100 events each",
		Hides:   "failed logins, second factors and passwords, unless an enterprise of managed users is read; IP addresses until an owner lets them be shown",
		Library: "google/go-github",
	}
}

// configOf makes the settings of a configuration file a Config.
func configOf(s collectors.Setting) Config {
	c := Config{
		Source: s.Source, BaseURL: s.Text("base_url"), Token: s.Secret("token"),
		Org: s.Text("org"), Enterprise: s.Text("enterprise"), Include: s.Text("include"), Accept: s.Accept,
		Overlap: s.Duration("overlap"), Backfill: s.Duration("backfill"),
	}
	if c.Org == "" && c.Enterprise == "" {
		c.Org = s.Account()
	}
	return c
}
