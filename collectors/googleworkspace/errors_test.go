package googleworkspace

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/googleworkspace/googleworkspacetest"
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
		says  []string // parts of the message
	}{
		{googleworkspacetest.Fault400, wantForbidden, []string{"status 400", "Invalid value for parameter", "newer Picket"}},
		{googleworkspacetest.Fault401, wantForbidden, []string{"status 401, authError", "Invalid Credentials", "admin_email", "new key"}},
		{googleworkspacetest.Fault401Echo, wantForbidden, []string{"status 401", "bad header: Bearer [redacted]"}},
		{googleworkspacetest.Fault401Reports, wantForbidden, []string{"status 401", "not authorized to read activity records", "give the user of admin_email", "privilege Reports"}},
		{googleworkspacetest.Fault403, wantForbidden, []string{"status 403", "Not Authorized", "privilege Reports"}},
		{googleworkspacetest.Fault403Scope, wantForbidden, []string{"insufficientPermissions", "Domain-wide delegation", Scope}},
		{googleworkspacetest.Fault403Disabled, wantForbidden, []string{"accessNotConfigured", "enable the Admin SDK API"}},
		{googleworkspacetest.Fault403Rate, wantLimited, []string{"userRateLimitExceeded"}},
		{googleworkspacetest.Fault404, wantForbidden, []string{"status 404", "text/html", "check base_url"}},
		{googleworkspacetest.Fault429, wantLimited, []string{"rateLimitExceeded", "rate limited until 2026-03-06T12:01:30Z"}},
		{googleworkspacetest.Fault503Quota, wantLimited, []string{"status 503, quotaExceeded"}},
		{googleworkspacetest.Fault503, wantRetry, []string{"status 503, backendError", "Backend Error"}},
		{googleworkspacetest.FaultRedirect, wantForbidden, []string{"status 302", "https://other.example", "check base_url"}},
		{googleworkspacetest.FaultTruncated, wantRetry, []string{"cut off", "JSON ends unfinished"}},
		{googleworkspacetest.FaultBroken, wantRetry, []string{"breaks off after", "unexpected EOF"}},
		{googleworkspacetest.FaultHTML, wantRetry, []string{"not JSON", "text/html"}},
		{googleworkspacetest.FaultEmpty, wantRetry, []string{"cut off", "empty"}},
		{googleworkspacetest.FaultArray, wantMalformed, []string{"malformed items", "GET activities of login"}},
		{googleworkspacetest.FaultTokenUnknown, wantForbidden, []string{"/token: status 400, invalid_grant", "Invalid JWT Signature", "clock is right"}},
		{googleworkspacetest.FaultTokenDenied, wantForbidden, []string{"/token: status 401, unauthorized_client", "Domain-wide delegation"}},
		{googleworkspacetest.FaultTokenInternal, wantRetry, []string{"/token: status 500, internal_failure"}},
		{googleworkspacetest.FaultTokenHTML, wantRetry, []string{"cannot fetch token"}},
		{googleworkspacetest.FaultTokenEmpty, wantMalformed, []string{"malformed access_token", "/token: answer without one"}},
	}
	for _, row := range rows {
		t.Run(row.fault, func(t *testing.T) {
			w := newWorld(t, googleworkspacetest.Options{})
			w.login(googleworkspacetest.Event{})
			w.srv.AddFault(googleworkspacetest.Fault{Kind: row.fault})
			_, err := w.c.Poll(t.Context(), nil)
			if got := kindOf(err); got != row.kind {
				t.Fatalf("%v is %s, want %s", err, got, row.kind)
			}
			for _, part := range append(row.says, "log of googleworkspace/acme") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "ya29") || strings.Contains(err.Error(), "eyJ") || strings.Contains(err.Error(), "PRIVATE") {
				t.Errorf("%q holds a secret", err)
			}
			w.srv.ClearFaults()
			if as, _ := w.drain(nil); len(as) != 1 {
				t.Errorf("%d activities after the fault, want 1", len(as))
			}
		})
	}
}

// A token that was revoked is asked for anew after it was refused once.
func TestRevokedToken(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	_, page := w.drain(nil)
	w.srv.Revoke()
	if _, err := w.c.Poll(t.Context(), page.Cursor); kindOf(err) != wantForbidden {
		t.Fatalf("%v; want forbidden", err)
	}
	w.poll(page.Cursor)
}

// A token whose user may not read reports is good, and not asked for anew with
// each poll.
func TestTokenIsKeptWithoutPrivilege(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	w.srv.AddFault(googleworkspacetest.Fault{Kind: googleworkspacetest.Fault401Reports})
	for range 3 {
		if _, err := w.c.Poll(t.Context(), nil); kindOf(err) != wantForbidden {
			t.Fatalf("%v; want forbidden", err)
		}
	}
	grants := 0
	for _, r := range w.srv.Requests() {
		if r.Method == http.MethodPost {
			grants++
		}
	}
	if grants != 1 {
		t.Errorf("%d tokens in three polls, want 1", grants)
	}
}

// A token is used until shortly before its end, and then another is asked for.
func TestTokenEnds(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	grants := func() int {
		n := 0
		for _, r := range w.srv.Requests() {
			if r.Method == http.MethodPost {
				n++
			}
		}
		return n
	}
	_, page := w.drain(nil)
	w.Pass(54 * time.Minute)
	_, page = w.drain(page.Cursor)
	if n := grants(); n != 1 {
		t.Errorf("%d tokens in 54 minutes, want 1", n)
	}
	w.Pass(2 * time.Minute)
	w.drain(page.Cursor)
	if n := grants(); n != 2 {
		t.Errorf("%d tokens in 56 minutes, want 2", n)
	}
}

func TestConfigFaults(t *testing.T) {
	good := func() Config {
		return Config{ServiceAccount: serviceAccount(t, "https://oauth2.googleapis.com/token"), AdminEmail: admin, Accept: editors}
	}
	if c, err := New(good(), collectors.Deps{HTTP: http.DefaultClient, Now: start}); err != nil || c.Source() != "googleworkspace/acme.example" {
		t.Fatalf("source %v, error %v; want googleworkspace/acme.example", c, err)
	}
	for _, row := range []struct {
		name   string
		change func(*Config)
		says   string
	}{
		{"no key", func(c *Config) { c.ServiceAccount = "" }, "service_account: empty"},
		{"no JSON", func(c *Config) { c.ServiceAccount = "hunter2hunter2" }, "service_account: is no JSON object"},
		{"user key", func(c *Config) { c.ServiceAccount = `{"type":"authorized_user"}` }, `type is "authorized_user"; want "service_account"`},
		{"no private key", func(c *Config) { c.ServiceAccount = `{"type":"service_account","client_email":"a@b"}` }, "private_key holds no PEM key"},
		{"token_uri", func(c *Config) { c.ServiceAccount = serviceAccount(t, "http://oauth.example/token") }, "token_uri: \"http://oauth.example\"; want https"},
		{"admin", func(c *Config) { c.AdminEmail = "reports" }, "admin_email: \"reports\"; want the address"},
		{"base_url", func(c *Config) { c.BaseURL = "http://admin.example" }, "base_url: \"http://admin.example\"; want https"},
		{"query", func(c *Config) { c.BaseURL = "https://admin.example?key=hunter2" }, "base_url: \"https://admin.example\" with a query; want scheme, host"},
		{"identity", func(c *Config) { c.Identity = "id" }, "identity: \"id\"; want email_local or login"},
		{"overlap", func(c *Config) { c.Overlap = time.Second }, "overlap: 1s; want 1m0s to 48h0m0s"},
		{"backfill", func(c *Config) { c.Backfill = 200 * 24 * time.Hour }, "backfill: 4800h0m0s; want 1h"},
		{"page_size", func(c *Config) { c.PageSize = 1001 }, "page_size: 1001; want 1 to 1000"},
		{"accept", func(c *Config) { c.Accept = nil }, "accept: none"},
		{"source", func(c *Config) { c.Source = "okta/acme" }, "source: \"okta/acme\"; want googleworkspace/"},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := good()
			row.change(&cfg)
			_, err := New(cfg, collectors.Deps{HTTP: http.DefaultClient, Now: start})
			if err == nil || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v, want %q and no secret", err, row.says)
			}
		})
	}
	if _, err := New(good(), collectors.Deps{}); err == nil {
		t.Error("no client and no clock, and no error")
	}
}
