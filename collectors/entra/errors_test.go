package entra

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/entra/entratest"
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
		{entratest.Fault400, wantForbidden, []string{"status 400, BadRequest", "Invalid filter clause", "newer Picket"}},
		{entratest.Fault401, wantForbidden, []string{"status 401, InvalidAuthenticationToken", "Access token has expired", "asks for a new token", "request id 0b1c2d3e"}},
		{entratest.Fault401Echo, wantForbidden, []string{"status 401", "bad header: Bearer [redacted]"}},
		{entratest.Fault403, wantForbidden, []string{"status 403, Authorization_RequestDenied", "AuditLog.Read.All", "consent"}},
		{entratest.Fault404, wantForbidden, []string{"status 404", "text/html", "check base_url"}},
		{entratest.Fault429, wantLimited, []string{"TooManyRequests", "rate limited until 2026-03-06T12:01:30Z"}},
		{entratest.Fault429Bare, wantLimited, []string{"rate limited: "}},
		{entratest.Fault500, wantRetry, []string{"status 500, generalException"}},
		{entratest.Fault503, wantRetry, []string{"status 503, serviceNotAvailable"}},
		{entratest.FaultRedirect, wantForbidden, []string{"status 302", "https://other.example", "check base_url"}},
		{entratest.FaultTruncated, wantRetry, []string{"cut off", "JSON ends unfinished"}},
		{entratest.FaultBroken, wantRetry, []string{"breaks off after", "unexpected EOF"}},
		{entratest.FaultHTML, wantRetry, []string{"not JSON", "text/html"}},
		{entratest.FaultEmpty, wantRetry, []string{"cut off", "empty"}},
		{entratest.FaultArray, wantMalformed, []string{"malformed value", "GET /v1.0/auditLogs/signIns"}},
		{entratest.FaultOddLink, wantMalformed, []string{"malformed @odata.nextLink", "https://other.example", "/v1.0/auditLogs/signIns with a query"}},
		{entratest.FaultTokenSecret, wantForbidden, []string{"/oauth2/v2.0/token: status 401, invalid_client", "AADSTS7000222", "new client secret"}},
		{entratest.FaultTokenEcho, wantForbidden, []string{"Invalid client secret provided: [redacted]"}},
		{entratest.FaultTokenTenant, wantForbidden, []string{"AADSTS90002", "check tenant"}},
		{entratest.FaultTokenBusy, wantRetry, []string{"status 503, temporarily_unavailable"}},
		{entratest.FaultTokenHTML, wantRetry, []string{"not JSON", "text/html"}},
		{entratest.FaultTokenEmpty, wantMalformed, []string{"malformed access_token", "answer without one"}},
	}
	for _, row := range rows {
		t.Run(row.fault, func(t *testing.T) {
			w := newWorld(t, entratest.Options{})
			w.login(entratest.SignIn{})
			w.srv.AddFault(entratest.Fault{Kind: row.fault})
			_, err := w.c.Poll(t.Context(), nil)
			if got := kindOf(err); got != row.kind {
				t.Fatalf("%v is %s, want %s", err, got, row.kind)
			}
			for _, part := range append(row.says, "log of entra/acme") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "eyJ") || strings.Contains(err.Error(), entratest.ClientSecret) {
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
	w := newWorld(t, entratest.Options{})
	_, page := w.drain(nil)
	w.srv.Revoke()
	if _, err := w.c.Poll(t.Context(), page.Cursor); kindOf(err) != wantForbidden {
		t.Fatalf("%v; want forbidden", err)
	}
	w.poll(page.Cursor)
}

// A token is used until shortly before its end, and then another is asked for.
func TestTokenEnds(t *testing.T) {
	w := newWorld(t, entratest.Options{})
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
		return Config{Tenant: "Acme.onmicrosoft.com", ClientID: entratest.ClientID, ClientSecret: entratest.ClientSecret, Accept: editors}
	}
	if c, err := New(good(), collectors.Deps{HTTP: http.DefaultClient, Now: start}); err != nil || c.Source() != "entra/acme.onmicrosoft.com" {
		t.Fatalf("source %v, error %v; want entra/acme.onmicrosoft.com", c, err)
	}
	for _, row := range []struct {
		name   string
		change func(*Config)
		says   string
	}{
		{"no tenant", func(c *Config) { c.Tenant = "" }, "tenant: \"\"; want the tenant's id"},
		{"tenant with path", func(c *Config) { c.Tenant = "../common" }, "tenant: \"../common\"; want"},
		{"common", func(c *Config) { c.Tenant = "common" }, "tenant: \"common\"; want one tenant's"},
		{"client_id", func(c *Config) { c.ClientID = "acme" }, "client_id: \"acme\"; want the application (client) id"},
		{"no secret", func(c *Config) { c.ClientSecret = "" }, "client_secret: empty"},
		{"secret's id", func(c *Config) { c.ClientSecret = entratest.ClientID }, "client_secret: is an id"},
		{"torn secret", func(c *Config) { c.ClientSecret = "hunter2\n" }, "client_secret: holds spaces"},
		{"base_url", func(c *Config) { c.BaseURL = "http://graph.example" }, "base_url: \"http://graph.example\"; want https"},
		{"version", func(c *Config) { c.BaseURL = "https://graph.example/beta" }, "leave the API's version out"},
		{"login_url", func(c *Config) { c.LoginURL = "https://hunter2@login.example" }, "login_url: \"https://login.example\" with a user; want scheme, host"},
		{"identity", func(c *Config) { c.Identity = "name" }, "identity: \"name\"; want email_local, login or id"},
		{"overlap", func(c *Config) { c.Overlap = time.Second }, "overlap: 1s; want 1m0s to 48h0m0s"},
		{"backfill", func(c *Config) { c.Backfill = 31 * 24 * time.Hour }, "backfill: 744h0m0s; want 1h"},
		{"page_size", func(c *Config) { c.PageSize = 1001 }, "page_size: 1001; want 1 to 1000"},
		{"accept", func(c *Config) { c.Accept = nil }, "accept: none"},
		{"source", func(c *Config) { c.Source = "okta/acme" }, "source: \"okta/acme\"; want entra/"},
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
