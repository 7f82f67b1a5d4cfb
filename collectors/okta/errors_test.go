package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/okta/oktatest"
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

// handled answers a request without a socket.
func handled(h http.Handler, r *http.Request) *http.Response {
	rec := httptest.NewRecorder()
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	h.ServeHTTP(rec, r)
	return rec.Result()
}

func TestErrors(t *testing.T) {
	rows := []struct {
		fault string
		kind  string
		says  []string // parts of the message
	}{
		{oktatest.Fault400, wantForbidden, []string{"status 400", "E0000053", "eventTyp: unknown field", "oae-E0000053", "check filter"}},
		{oktatest.Fault401, wantForbidden, []string{"status 401", "E0000011", "Invalid token provided", "Read-Only Administrator", "30 days without use"}},
		{oktatest.Fault403, wantForbidden, []string{"status 403", "E0000006", "Read-Only Administrator", "okta.logs.read"}},
		{oktatest.Fault404, wantForbidden, []string{"status 404", "Not Found", "text/html", "check base_url"}},
		{oktatest.Fault429, wantLimited, []string{"status 429", "E0000047", "rate limited until 2026-03-06T12:10:00Z"}},
		{oktatest.FaultMany, wantLimited, []string{"status 429", "E0000047", "rate limited until 2026-03-06T12:10:00Z"}},
		{oktatest.Fault429Bare, wantLimited, []string{"status 429", "rate limited: "}},
		{oktatest.Fault500, wantRetry, []string{"status 500", "E0000009", "took too long"}},
		{oktatest.Fault503, wantRetry, []string{"status 503", "Service Unavailable"}},
		{oktatest.FaultRedirect, wantForbidden, []string{"status 302", "make https://other.okta.com the base_url"}},
		{oktatest.FaultTruncated, wantRetry, []string{"cut off", "JSON ends unfinished after", "bytes"}},
		{oktatest.FaultBroken, wantRetry, []string{"breaks off after", "unexpected EOF"}},
		{oktatest.FaultHTML, wantRetry, []string{"not JSON", "text/html", "login page"}},
		{oktatest.FaultHTML502, wantRetry, []string{"status 502", "text/html", "DOCTYPE html"}},
		{oktatest.FaultEmpty, wantRetry, []string{"cut off", "empty"}},
		{oktatest.FaultObject, wantMalformed, []string{"is no array of events"}},
		{oktatest.FaultNoLink, wantMalformed, []string{"malformed Link", `no link with rel="next"`, "let it pass"}},
		{oktatest.FaultOddLink, wantMalformed, []string{"malformed Link", "https://other.okta.com/app/UserHome", "/api/v1/logs"}},
	}
	for _, row := range rows {
		t.Run(row.fault, func(t *testing.T) {
			w := newWorld(t, oktatest.Options{})
			for range 10 { // a full page
				w.login(oktatest.Event{})
			}
			if err := w.srv.AddFault(oktatest.Fault{Kind: row.fault, Reset: 600}); err != nil {
				t.Fatal(err)
			}
			page, err := w.c.Poll(t.Context(), nil)
			if got := kindOf(err); got != row.kind {
				t.Fatalf("kind %s, want %s: %v", got, row.kind, err)
			}
			if len(page.Activities) > 0 || page.Cursor != nil {
				t.Errorf("a page came with the error: %v", ids(page.Activities))
			}
			for _, part := range append(row.says, "GET /api/v1/logs") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); holdsSecret(text) {
				t.Errorf("the token is in %s", text)
			}
			if w.c.Counts() != (Counts{}) {
				t.Errorf("counts %+v of a page that was not taken", w.c.Counts())
			}
			w.srv.ClearFaults()
			if got := w.poll(nil); len(got.Activities) != 10 {
				t.Errorf("after the fault: %d activities, want 10", len(got.Activities))
			}
		})
	}
}

// A link that leads to its own page would be followed for ever.
func TestCircleOfLinks(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	for range 30 {
		w.login(oktatest.Event{})
	}
	page := w.poll(nil)
	if err := w.srv.AddFault(oktatest.Fault{Kind: oktatest.FaultSameLink}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.c.Poll(t.Context(), page.Cursor); kindOf(err) != wantMalformed || !strings.Contains(err.Error(), "is the one of this page") {
		t.Errorf("error %v, want a malformed link", err)
	}
}

func TestOtherAnswers(t *testing.T) {
	rows := []struct {
		name   string
		status int
		header map[string]string
		body   string
		kind   string
		says   string
	}{
		{"410", 410, nil, `{}`, wantForbidden, "Gone"},
		{"405", 405, nil, `{"errorCode":"E0000022","errorSummary":"The endpoint does not support the provided HTTP method"}`, wantForbidden, "E0000022"},
		{"418", 418, nil, `short and stout`, wantRetry, "I'm a teapot: 15 bytes"},
		{"redirect to nowhere", 301, nil, ``, wantForbidden, "check base_url"},
		{"redirect to http", 301, map[string]string{"Location": "http://acme.example/api/v1/logs"}, ``, wantForbidden, "make http://acme.example the base_url"},
		{"redirect on the host", 302, map[string]string{"Location": "/login"}, ``, wantForbidden, "check base_url"},
		{"429 with Retry-After", 429, map[string]string{"Retry-After": "90"}, `{}`, wantLimited, "until 2026-03-06T12:01:30Z"},
		{"429 of too many at once", 429, map[string]string{"X-Rate-Limit-Limit": "0", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "1772798460"}, `{}`, wantLimited, "until 2026-03-06T12:01:00Z"},
		{"JSON that is none", 200, nil, `[{"uuid":"u1",}]`, wantRetry, "byte 15 of 16"},
		{"JSON text", 200, nil, `"hello"`, wantRetry, "not JSON but 7 bytes"},
		{"only spaces", 200, nil, "  \n", wantRetry, "empty"},
		{"summary of another type", 403, nil, `{"errorCode":"E0000006","errorSummary":17}`, wantForbidden, "E0000006: Forbidden"},
		{"control characters", 403, nil, "{\"errorCode\":\"E\",\"errorSummary\":\"a\\u0007b\\nc\"}", wantForbidden, "a b c"},
		{"link without a query", 200, map[string]string{"Link": `<https://acme.example/api/v1/logs>; rel="next"`}, `[]`, wantMalformed, "malformed Link"},
		{"link that is no URL", 200, map[string]string{"Link": `<https://acme.example:x/api/v1/logs?a>; rel=next`}, `[]`, wantMalformed, "malformed Link"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				return handled(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					for k, v := range row.header {
						w.Header().Set(k, v)
					}
					w.WriteHeader(row.status)
					_, _ = w.Write([]byte(row.body))
				}), r), nil
			})}
			c, err := New(Config{BaseURL: "https://acme.example", Token: token, Accept: editors}, collectors.Deps{HTTP: client, Now: start})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Poll(t.Context(), nil)
			if got := kindOf(err); got != row.kind || !strings.Contains(err.Error(), row.says) {
				t.Errorf("%s %v, want %s that says %q", got, err, row.kind, row.says)
			}
			if strings.ContainsAny(err.Error(), "\n\a") {
				t.Errorf("control characters in %q", err)
			}
		})
	}
}

func TestWrongToken(t *testing.T) {
	w := newWorld(t, oktatest.Options{}, func(c *Config) { c.Token = "00another-token-of-nobody" })
	if _, err := w.c.Poll(t.Context(), nil); kindOf(err) != wantForbidden || !strings.Contains(err.Error(), "okta/acme") {
		t.Errorf("error %v, want a refusal that names the source", err)
	}
}

// Okta, or what stands before it, may repeat what it was sent.
func TestEchoedSecretsAreTakenOut(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	if err := w.srv.AddFault(oktatest.Fault{Kind: oktatest.Fault401Echo}); err != nil {
		t.Fatal(err)
	}
	_, err := w.c.Poll(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "bad header") || !strings.Contains(err.Error(), "[redacted]") || holdsSecret(fmt.Sprintf("%v %#v", err, err)) {
		t.Errorf("error %v, want Okta's words with the token blanked", err)
	}
	broken := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("proxy said: cannot forward %s", r.Header.Get("Authorization"))
	})}
	c, err := New(w.cfg, collectors.Deps{HTTP: broken, Now: start})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Poll(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "proxy said") || holdsSecret(err.Error()) {
		t.Errorf("error %v, want the cause without the token", err)
	}
	if text := fmt.Sprintf("%v %+v", c.cfg, w.logs.All()); holdsSecret(text) {
		t.Errorf("the token is in %s", text)
	}
}

func TestRateLimitOfTheServer(t *testing.T) {
	w := newWorld(t, oktatest.Options{Limit: 2})
	page := w.poll(nil)
	page = w.poll(page.Cursor)
	_, err := w.c.Poll(t.Context(), page.Cursor)
	var limited *collectors.RateLimited
	if !errors.As(err, &limited) || !limited.Until.Equal(start().Add(time.Minute)) {
		t.Fatalf("error %v, want a limit until the minute ends", err)
	}
	w.Pass(time.Minute)
	if _, err := w.c.Poll(t.Context(), page.Cursor); err != nil {
		t.Errorf("after the minute: %v", err)
	}
}

func TestCancelledPoll(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	if err := w.srv.AddFault(oktatest.Fault{Kind: oktatest.FaultSlow, Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := w.c.Poll(ctx, nil)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the cancellation", err)
	}
}

func TestBadCursors(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	rows := map[string]string{
		"not JSON":           `{"v":1`,
		"other version":      `{"v":2}`,
		"other form":         `[1,2]`,
		"wrong type":         `{"v":1,"read":"17"}`,
		"negative time":      `{"v":1,"newest":-4}`,
		"negative walk":      `{"v":1,"walk":{"start":-1}}`,
		"too many bad":       `{"v":1,"bad":[` + strings.Repeat("1,", 64) + `1]}`,
		"a link without end": `{"v":1,"walk":{"next":"` + strings.Repeat("x", 9000) + `"}}`,
	}
	for name, cursor := range rows {
		t.Run(name, func(t *testing.T) {
			_, err := w.c.Poll(t.Context(), json.RawMessage(cursor))
			if kindOf(err) != wantMalformed || !strings.Contains(err.Error(), "clear the source's cursor") {
				t.Errorf("error %v, want a malformed cursor and how to mend it", err)
			}
		})
	}
	if n := w.srv.Count(); n != 0 {
		t.Errorf("%d requests were made with bad cursors", n)
	}
}

func TestConfig(t *testing.T) {
	good := Config{BaseURL: "https://acme.okta.com", Token: token, Accept: editors}
	rows := []struct {
		name   string
		change func(*Config)
		says   string // "" is good
	}{
		{"good", func(*Config) {}, ""},
		{"own domain with a port", func(c *Config) { c.BaseURL = "https://login.acme.example:8443/" }, ""},
		{"loopback", func(c *Config) { c.BaseURL = "http://127.0.0.1:8080" }, ""},
		{"IPv6 loopback", func(c *Config) { c.BaseURL = "http://[::1]:8080" }, ""},
		{"no URL", func(c *Config) { c.BaseURL = "" }, `base_url: want scheme, host and perhaps a path, such as https://acme.okta.com`},
		{"no scheme", func(c *Config) { c.BaseURL = "acme.okta.com" }, "base_url: "},
		{"http", func(c *Config) { c.BaseURL = "http://acme.okta.com" }, "want https, since requests carry the token"},
		{"http to a name like loopback", func(c *Config) { c.BaseURL = "http://localhost.example" }, "want https"},
		{"console", func(c *Config) { c.BaseURL = "https://acme-admin.okta.com" }, "is the Admin Console; give https://acme.okta.com"},
		{"API path", func(c *Config) { c.BaseURL = "https://acme.okta.com/api/v1" }, "leave the path of the API out"},
		{"user in the URL", func(c *Config) { c.BaseURL = "https://hunter2:hunter2@acme.okta.com" }, `base_url: "https://acme.okta.com" with a user; want`},
		{"query in the URL", func(c *Config) { c.BaseURL = "https://acme.okta.com?a=b" }, `base_url: "https://acme.okta.com" with a query; want scheme, host`},
		{"other source", func(c *Config) { c.Source = "x/acme" }, `source: "x/acme"; want okta/`},
		{"empty source", func(c *Config) { c.Source = "okta/" }, "source: "},
		{"no token", func(c *Config) { c.Token = "" }, "token: empty; give an API token"},
		{"token with scheme", func(c *Config) { c.Token = "SSWS " + token }, `begins with "SSWS "`},
		{"access token", func(c *Config) { c.Token = "eyJraWQiOi.x.y" }, "OAuth 2.0 access token"},
		{"token with a line end", func(c *Config) { c.Token = token + "\n" }, "copy it again"},
		{"no accept", func(c *Config) { c.Accept = nil }, "accept: none"},
		{"identity", func(c *Config) { c.Identity = "email" }, `identity: "email"; want email_local, login or id`},
		{"filter", func(c *Config) { c.Filter = strings.Repeat("x", 5000) }, "filter: 5000 bytes"},
		{"overlap", func(c *Config) { c.Overlap = 25 * time.Hour }, "overlap: 25h0m0s; want 0s to 24h0m0s"},
		{"backfill", func(c *Config) { c.Backfill = Retention }, "backfill: 2160h0m0s"},
		{"page", func(c *Config) { c.PageSize = 1001 }, "page_size: 1001; want 10 to 1000"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			cfg := good
			row.change(&cfg)
			_, err := New(cfg, collectors.Deps{HTTP: http.DefaultClient, Now: start})
			if (err == nil) != (row.says == "") || err != nil && !strings.Contains(err.Error(), row.says) {
				t.Errorf("error %v, want %q", err, row.says)
			}
			if err != nil && (holdsSecret(err.Error()) || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("a secret is in %v", err)
			}
		})
	}
	if _, err := New(good, collectors.Deps{}); err == nil || !strings.Contains(err.Error(), "Deps.HTTP") {
		t.Errorf("error %v, want Deps.HTTP", err)
	}
	_, err := New(Config{Identity: "x"}, collectors.Deps{HTTP: http.DefaultClient, Now: start})
	for _, field := range []string{"base_url:", "token:", "accept:", "identity:"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v lacks %s", err, field)
		}
	}
}
