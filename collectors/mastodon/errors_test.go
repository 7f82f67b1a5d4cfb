package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
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
	case errors.As(err, &limited):
		return wantLimited
	case errors.As(err, &forbidden):
		return wantForbidden
	case errors.As(err, &malformed):
		return wantMalformed
	}
	return wantRetry
}

type errorRow struct {
	fault string
	kind  string
	says  []string // parts of the message
}

// errorRows are what every endpoint can answer.
func errorRows() []errorRow {
	return []errorRow{
		{mastodontest.Fault400, wantForbidden, []string{"status 400", "param is missing", "newer Picket"}},
		{mastodontest.Fault403, wantForbidden, []string{"status 403", "not allowed", "administrators"}},
		{mastodontest.Fault403Disabled, wantForbidden, []string{"status 403", "currently disabled", "log in on the server"}},
		{mastodontest.Fault403Mail, wantForbidden, []string{"status 403", "confirmed e-mail", "log in on the server"}},
		{mastodontest.Fault403Pending, wantForbidden, []string{"status 403", "pending approval", "log in on the server"}},
		{mastodontest.Fault403Scope, wantForbidden, []string{"status 403", "authorized scopes", "read:statuses"}},
		{mastodontest.Fault403Blocked, wantForbidden, []string{"status 403", "Forbidden", "text/html", "administrators"}},
		{mastodontest.Fault404, wantForbidden, []string{"status 404", "Record not found", "check server and name"}},
		{mastodontest.Fault404HTML, wantForbidden, []string{"status 404", "does not speak Mastodon's API"}},
		{mastodontest.Fault410, wantForbidden, []string{"status 410", "suspended"}},
		{mastodontest.Fault418, wantRetry, []string{"status 418", "teapot"}},
		{mastodontest.Fault422, wantForbidden, []string{"status 422", "Validation failed", "newer Picket"}},
		{mastodontest.Fault429, wantLimited, []string{"status 429", "Too many requests", "rate limited until 2026-03-06T12:"}},
		{mastodontest.Fault429Bare, wantLimited, []string{"status 429", "rate limited: "}},
		{mastodontest.Fault500, wantRetry, []string{"status 500", "Internal Server Error", "text/html"}},
		{mastodontest.Fault503, wantRetry, []string{"status 503", "Remote data could not be fetched"}},
		{mastodontest.Fault503Empty, wantRetry, []string{"status 503", "Service Unavailable"}},
		{mastodontest.FaultRedirect, wantRetry, []string{"redirects to another host, www.other.example", "base_url"}},
		{mastodontest.FaultTruncated, wantRetry, []string{"cut off", "JSON ends unfinished after", "of", "bytes"}},
		{mastodontest.FaultBroken, wantRetry, []string{"breaks off after", "unexpected EOF"}},
		{mastodontest.FaultGarbage, wantRetry, []string{"not JSON", "after byte"}},
		{mastodontest.FaultHTML, wantRetry, []string{"not JSON", "text/html"}},
		{mastodontest.FaultHTML502, wantRetry, []string{"status 502", "502 Bad Gateway"}},
		{mastodontest.FaultEmpty, wantRetry, []string{"cut off", "empty"}},
		{mastodontest.FaultHollow, wantMalformed, []string{"malformed"}},
		{mastodontest.FaultNull, wantRetry, []string{"not JSON"}},
		{mastodontest.FaultError200, wantMalformed, []string{"malformed"}},
	}
}

func TestErrors(t *testing.T) {
	anybody := append(errorRows(),
		errorRow{mastodontest.Fault401Login, wantForbidden, []string{"status 401", "give the account a token", "limited federation mode"}},
		errorRow{mastodontest.Fault422User, wantForbidden, []string{"status 422", "give the account a token"}},
	)
	own := append(errorRows(),
		errorRow{mastodontest.Fault401, wantForbidden, []string{"status 401", "token is invalid", "make a new token"}},
		errorRow{mastodontest.Fault401Revoked, wantForbidden, []string{"was revoked", "make a new token"}},
		errorRow{mastodontest.Fault422User, wantForbidden, []string{"status 422", "of an application without an account"}},
	)
	statuses := []errorRow{
		{mastodontest.FaultEndless, wantMalformed, []string{"malformed Link header", "below 1 again"}},
		{mastodontest.FaultBadLink, wantRetry, []string{"limit"}},
	}
	tables := []struct {
		name, endpoint, path string
		mode                 func(*Config)
		rows                 []errorRow
	}{
		{"look-up", mastodontest.Lookup, "GET /api/v1/accounts/lookup", func(*Config) {}, anybody},
		{"statuses", mastodontest.Statuses, "", func(*Config) {}, append(statuses, anybody...)},
		{"statuses with token", mastodontest.Statuses, "", withToken, own},
		{"mentions", mastodontest.Notifications, "GET /api/v1/notifications", withMentions, own},
		{"profile", mastodontest.Account, "GET /api/v1/accounts/", func(*Config) {}, anybody},
		{"own profile", mastodontest.Self, "GET /api/v1/accounts/verify_credentials", withMentions, own},
	}
	for _, table := range tables {
		t.Run(table.name, func(t *testing.T) {
			t.Parallel()
			for _, row := range table.rows {
				t.Run(row.fault, func(t *testing.T) { testError(t, table.endpoint, table.path, table.mode, row) })
			}
		})
	}
}

func testError(t *testing.T, endpoint, path string, mode func(*Config), row errorRow) {
	w := newWorld(t, mastodontest.Options{}, mode)
	w.cfg.Backfill = 1
	w.old("there must be something to cut")
	w.old("and something behind it")
	var cursor json.RawMessage
	if endpoint != mastodontest.Lookup && endpoint != mastodontest.Statuses {
		cursor = w.connect()
	}
	w.fault(row.fault, endpoint)
	before := w.srv.Count("")
	var page collectors.Page
	var err error
	for range 5 { // pages of history that are good come first
		if page, err = w.try(cursor); err != nil || len(page.Cursor) == 0 {
			break
		}
		cursor = page.Cursor
	}
	if err == nil {
		t.Fatalf("no error, and %v", ids(page.Activities))
	}
	if len(page.Activities) > 0 || page.Cursor != nil {
		t.Errorf("a page came with the error: %v", ids(page.Activities))
	}
	if got := kindOf(err); got != row.kind {
		t.Errorf("kind %s, want %s: %v", got, row.kind, err)
	}
	for _, part := range append(row.says, "mastodon/acme", path) {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, token) {
		t.Errorf("the token is in %s", text)
	}
	if n := w.srv.Count("") - before; n > 10 {
		t.Errorf("%d requests until the error", n)
	}
	w.srv.ClearFaults()
	if _, err := w.try(cursor); err != nil {
		t.Errorf("after the fault: %v", err)
	}
}

// The library under the collector waits and tries again on 429: here the
// answer comes back at once, after one request.
func TestNoSilentRetry(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	w.fault(mastodontest.Fault429, "")
	_, err := w.try(nil)
	if kindOf(err) != wantLimited || w.srv.Count("") != 1 {
		t.Errorf("error %v after %d requests, want a limit after 1", err, w.srv.Count(""))
	}
}

func TestAccountErrors(t *testing.T) {
	rows := []struct {
		name string
		opts mastodontest.Options
		mode func(*Config)
		prep func(w *world) error
		says []string
	}{
		{"unknown account", mastodontest.Options{}, func(c *Config) { c.Name = "nobody" }, nil, []string{"Record not found", "check server and name"}},
		{"suspended", mastodontest.Options{}, nil, func(w *world) error { return w.srv.Suspend("acme", true) }, []string{"suspended", "administrators"}},
		{"limited federation, no token", mastodontest.Options{LoginOnly: true}, nil, nil, []string{"authenticated user", "give the account a token"}},
		{"limited federation, application's token", mastodontest.Options{LoginOnly: true}, func(c *Config) { c.Token = appToken }, nil, []string{"of an application without an account"}},
		{"wrong token", mastodontest.Options{}, func(c *Config) { c.Token = "forged-token" }, nil, []string{"token is invalid", "make a new token"}},
		{"token without scope", mastodontest.Options{Tokens: map[string]mastodontest.Token{token: {User: "acme", Scopes: []string{"read:accounts"}}}}, withToken, nil, []string{"authorized scopes", "read:statuses"}},
		{"mentions without scope", mastodontest.Options{Tokens: map[string]mastodontest.Token{token: {User: "acme", Scopes: []string{"read:accounts", "read:statuses"}}}}, withMentions, nil, []string{"mentions of", "authorized scopes", "read:notifications"}},
		{"mentions with another's token", mastodontest.Options{}, func(c *Config) { c.Token, c.Mentions = readerToken, true }, nil, []string{"the token is of reader", "token of the account itself"}},
		{"mentions with an application's token", mastodontest.Options{}, func(c *Config) { c.Token, c.Mentions = appToken, true }, nil, []string{"of an application without an account"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, row.opts)
			if row.mode != nil {
				row.mode(&w.cfg)
			}
			if row.prep != nil {
				w.must(row.prep(w))
			}
			page, err := w.try(nil)
			if err == nil { // the first poll of an empty account is history
				_, err = w.try(page.Cursor)
			}
			if err == nil || kindOf(err) != wantForbidden {
				t.Fatalf("error %v, want a refusal", err)
			}
			for _, part := range append(row.says, "to mend it: ") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
		})
	}
}

func TestSuspendedLater(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	w.old("one")
	w.old("two")
	cursor := w.connect()
	w.must(w.srv.Suspend("acme", true))
	_, err := w.try(cursor)
	if kindOf(err) != wantForbidden || !strings.Contains(err.Error(), "suspended") {
		t.Fatalf("error %v, want a refusal", err)
	}
	w.must(w.srv.Suspend("acme", false))
	if as, _ := w.drain(cursor); len(ids(as)) != 0 {
		t.Errorf("after the suspension %v, want nothing: no post was deleted", ids(as))
	}
}

// A server may repeat in an error what it was sent.
func TestEchoedTokenIsTakenOut(t *testing.T) {
	w := newWorld(t, mastodontest.Options{}, withToken)
	w.fault(mastodontest.Fault401Echo, "")
	_, err := w.try(nil)
	if err == nil || !strings.Contains(err.Error(), "bad header") || !strings.Contains(err.Error(), "[redacted]") {
		t.Fatalf("error %v, want the server's words with the token blanked", err)
	}
	if strings.Contains(fmt.Sprintf("%v %#v", err, err), token) {
		t.Errorf("the token is in %v", err)
	}
}

func TestNetworkErrorsKeepTheToken(t *testing.T) {
	broken := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("proxy said: cannot forward %s", r.Header.Get("Authorization"))
	})}
	c, err := New(Config{Name: "acme", Server: "https://social.example", Token: token}, collectors.Deps{HTTP: broken, Log: zap.NewNop(), Now: start})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Poll(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "proxy said") || strings.Contains(err.Error(), token) {
		t.Errorf("error %v, want the cause without the token", err)
	}
}

func TestRateLimitOfTheServer(t *testing.T) {
	w := newWorld(t, mastodontest.Options{Limit: 4})
	page := w.poll(nil)
	page = w.poll(page.Cursor)
	_, err := w.try(page.Cursor)
	var limited *collectors.RateLimited
	if !errors.As(err, &limited) || !limited.Until.Equal(start().Add(5*time.Minute)) {
		t.Fatalf("error %v, want a limit until the window ends at 12:05", err)
	}
	w.pass(5 * time.Minute)
	if _, err := w.try(page.Cursor); err != nil {
		t.Errorf("after the window: %v", err)
	}
}

func TestCancelledPoll(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	w.fault(mastodontest.FaultSlow, mastodontest.Statuses)
	ctx, cancel := context.WithCancel(t.Context())
	c := w.collector()
	done := make(chan error, 1)
	go func() {
		_, err := c.Poll(ctx, nil)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the cancellation", err)
	}
}

func TestBadCursors(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	rows := map[string]string{
		"not JSON":      `{"v":1`,
		"other version": `{"v":2}`,
		"other form":    `[1,2]`,
		"wrong type":    `{"v":1,"posts":{"since":"17"}}`,
		"too much":      `{"v":1,"gone":[` + strings.Repeat(`{"id":"1"},`, 100) + `{"id":"1"}]}`,
		"negative":      `{"v":1,"posts":{"since":-4}}`,
		"no id":         `{"v":1,"watch":[{"id":"../1"}]}`,
		"no list":       `{"v":1,"apps":{"list":3}}`,
		"no token":      `{"v":1,"apps":{"known":[{"id":"a/b"}]}}`,
		"no reason":     `{"v":1,"apps":{"lack":"` + strings.Repeat("x", 100) + `"}}`,
		"many tokens":   `{"v":1,"apps":{"known":[` + strings.Repeat(`{"id":"1"},`, maxApps) + `{"id":"1"}]}}`,
		"no page":       `{"v":1,"posts":{"walk":{"max":"a/b"}}}`,
	}
	for name, cursor := range rows {
		t.Run(name, func(t *testing.T) {
			_, err := w.try(json.RawMessage(cursor))
			if kindOf(err) != wantMalformed || !strings.Contains(err.Error(), "clear the account's cursor") {
				t.Errorf("error %v, want a malformed cursor and how to mend it", err)
			}
		})
	}
	if n := w.srv.Count(""); n != 0 {
		t.Errorf("%d requests were made with bad cursors", n)
	}
}

func TestCursorOfAnotherAccount(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	cursor := w.connect()
	w.srv.AddAccount(mastodontest.Profile{Name: "acme2"})
	w.cfg.Name = "acme2"
	id := w.srv.Post("acme2", mastodontest.Status{Text: "new account"})
	page := w.poll(cursor)
	if got := ids(page.Activities); len(got) != 1 || got[0] != "post "+id || !page.Backfill {
		t.Errorf("got %v, backfill %t; want the other account's history", got, page.Backfill)
	}
}
