package github

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/github/githubtest"
)

// kinds of error that the scheduler tells apart.
const (
	wantLimited   = "limited"
	wantForbidden = "forbidden"
	wantMalformed = "malformed"
	wantRetry     = "retry"
)

func kindOf(err error) string {
	var limited *collectors.RateLimited
	var forbidden *collectors.Forbidden
	var malformed *collectors.Malformed
	switch {
	case err == nil:
		return "none"
	case errors.As(err, &limited):
		return wantLimited
	case errors.As(err, &forbidden):
		return wantForbidden
	case errors.As(err, &malformed):
		return wantMalformed
	}
	return wantRetry
}

func TestErrors(t *testing.T) {
	rows := []struct {
		fault string
		kind  string
		until time.Duration // from now, of limits
		says  []string      // parts of the message
	}{
		{githubtest.Fault401, wantForbidden, 0, []string{"status 401", "Bad credentials", "8A1C:2F0B:51:7E:6A2B", "make a new personal access token"}},
		{githubtest.Fault401Echo, wantForbidden, 0, []string{"bad header: Bearer [redacted]"}},
		{githubtest.Fault403, wantForbidden, 0, []string{"status 403", "Resource not accessible", "read:audit_log", "Administration: read"}},
		{githubtest.Fault403SSO, wantForbidden, 0, []string{"single sign-on", "https://github.example/orgs/acme/sso"}},
		{githubtest.Fault404, wantForbidden, 0, []string{"status 404", "Not Found", "check org or enterprise", "Only GitHub Enterprise Cloud and Enterprise Server"}},
		{githubtest.Fault422, wantForbidden, 0, []string{"status 422", "Validation Failed", "newer Picket"}},
		{githubtest.FaultRenamed, wantForbidden, 0, []string{"status 301", "was renamed", "/organizations/65/audit-log"}},
		{githubtest.FaultRedirect, wantForbidden, 0, []string{"status 302", "https://other.example", "sent to no address that is not configured"}},
		{githubtest.FaultLimited, wantLimited, 1200 * time.Second, []string{"status 403", "API rate limit exceeded"}},
		{githubtest.Fault429, wantLimited, 1200 * time.Second, []string{"status 429", "secondary rate limit"}},
		{githubtest.FaultSecondary, wantLimited, 1200 * time.Second, []string{"status 403", "secondary rate limit"}},
		{githubtest.FaultBare, wantLimited, time.Minute, []string{"status 403", "secondary rate limit"}},
		{githubtest.Fault500, wantRetry, 0, []string{"status 500", "Server Error"}},
		{githubtest.Fault503, wantRetry, 0, []string{"status 503", "Service Unavailable"}},
		{githubtest.FaultHTML502, wantRetry, 0, []string{"status 502", "Bad Gateway", "text/html", "Unicorn"}},
		{githubtest.FaultHTML, wantRetry, 0, []string{"answer is not JSON", "text/html", "check base_url"}},
		{githubtest.FaultTruncated, wantRetry, 0, []string{"answer is cut off"}},
		{githubtest.FaultBroken, wantRetry, 0, []string{"answer breaks off after", "unexpected EOF"}},
		{githubtest.FaultEmpty, wantRetry, 0, []string{"answer is cut off", "empty"}},
		{githubtest.FaultObject, wantMalformed, 0, []string{"is no array of events"}},
		{githubtest.FaultLongLink, wantMalformed, 0, []string{"malformed Link", "cursor of 20000 bytes; want at most 8192"}},
	}
	for _, row := range rows {
		t.Run(row.fault, func(t *testing.T) {
			w := newWorld(t, githubtest.Options{})
			w.srv.Add(githubtest.Event{Action: "user.login", Actor: "editor-1"})
			if err := w.srv.AddFault(githubtest.Fault{Kind: row.fault, Times: 1, Reset: 1200}); err != nil {
				t.Fatal(err)
			}
			_, err := w.c.Poll(t.Context(), nil)
			if kindOf(err) != row.kind {
				t.Fatalf("%v is %s, want %s", err, kindOf(err), row.kind)
			}
			for _, part := range append(row.says, "GET /orgs/acme/audit-log", "github/acme") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "AZSCKtL4U8yX1H3sCQIV") {
				t.Errorf("%q holds a secret", err)
			}
			if limited, ok := errors.AsType[*collectors.RateLimited](err); ok {
				if want := start().Add(row.until); !limited.Until.Equal(want) {
					t.Errorf("until %s, want %s", limited.Until, want)
				}
			}
			if page := w.poll(nil); len(page.Activities) != 1 {
				t.Errorf("%d activities once it is over, want 1", len(page.Activities))
			}
			if row.kind != wantMalformed && w.srv.Count() != 2 {
				t.Errorf("%d requests, want 2: nothing is retried or followed", w.srv.Count())
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.c.Poll(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was cancelled", err)
	}
	if _, err := w.c.Verify(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("verify: %v, want that it was cancelled", err)
	}
}

// A transport that fails may name the request, whose headers hold the token.
func TestTransportErrorTellsNoToken(t *testing.T) {
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return nil, errors.New("proxy refuses " + r.Header.Get("Authorization"))
	})}
	c, err := New(Config{Org: "acme", Token: token, Accept: editors}, collectors.Deps{HTTP: client, Now: start})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Poll(t.Context(), nil)
	if want := "github: audit log of github/acme: GET /orgs/acme/audit-log: proxy refuses Bearer [redacted]"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestConfig(t *testing.T) {
	good := Config{Org: "acme", Token: token, Accept: editors}
	for _, row := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no token", func(c *Config) { c.Token = "" }, "token: empty; give a personal access token"},
		{"a header", func(c *Config) { c.Token = "Bearer " + token }, "give the token alone"},
		{"a token of an app", func(c *Config) { c.Token = "ghs_abc" }, "ends within hours"},
		{"a line end", func(c *Config) { c.Token = "ghp_abc\n" }, "copy it again"},
		{"neither", func(c *Config) { c.Org = "" }, "org: missing"},
		{"both", func(c *Config) { c.Enterprise = "acme-corp" }, "enterprise: given beside org"},
		{"a path", func(c *Config) { c.Org = "acme/site" }, `org: "acme/site"; want the name`},
		{"dots", func(c *Config) { c.Org = ".." }, `org: ".."; want the name`},
		{"the web site", func(c *Config) { c.BaseURL = "https://github.com" }, "give https://api.github.com"},
		{"the web site of a tenant", func(c *Config) { c.BaseURL = "https://acme.ghe.com/" }, "give https://api.acme.ghe.com"},
		{"the log itself", func(c *Config) { c.BaseURL = "https://api.github.com/orgs/acme/audit-log" }, "leave the path of the log out"},
		{"http", func(c *Config) { c.BaseURL = "http://github.acme.example/api/v3" }, "want https"},
		{"a secret in the URL", func(c *Config) { c.BaseURL = "https://hush:hush@github.acme.example/hush" }, `base_url: "https://github.acme.example" with a user; want`},
		{"another network", func(c *Config) { c.Source = "okta/acme" }, "source: \"okta/acme\"; want github/"},
		{"include", func(c *Config) { c.Include = "both" }, `include: "both"; want web, git or all`},
		{"overlap", func(c *Config) { c.Overlap = 25 * time.Hour }, "overlap: 25h0m0s; want 0s to 24h0m0s"},
		{"backfill", func(c *Config) { c.Backfill = 181 * 24 * time.Hour }, "GitHub keeps 180 days"},
		{"accept", func(c *Config) { c.Accept = nil }, "accept: none"},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := good
			row.change(&cfg)
			_, err := New(cfg, collectors.Deps{HTTP: http.DefaultClient, Now: start})
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, want %q in it", err, row.want)
			}
			if err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "hush")) {
				t.Errorf("%v holds a secret", err)
			}
		})
	}
	for _, base := range []string{"", "https://api.acme.ghe.com", "https://github.acme.example/api/v3/", "http://127.0.0.1:8080", "http://localhost:1"} {
		cfg := good
		cfg.BaseURL = base
		if _, err := New(cfg, collectors.Deps{HTTP: http.DefaultClient, Now: start}); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
	if _, err := New(good, collectors.Deps{}); err == nil {
		t.Error("a collector without a client and a clock")
	}
}
