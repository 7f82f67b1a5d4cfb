package x

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dghubble/go-twitter/twitter" //nolint:staticcheck // archived, and the client this is built on: what it lacks is in this package
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/x/xtest"
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

func TestErrors(t *testing.T) {
	rows := []struct {
		fault string
		kind  string
		says  []string // parts of the message
	}{
		{xtest.Fault400, wantForbidden, []string{"status 400", "Invalid Request", "fields_param"}},
		{xtest.Fault401, wantForbidden, []string{"status 401", "Unauthorized", "console.x.com", "regenerate"}},
		{xtest.Fault402, wantForbidden, []string{"status 402", "CreditsDepleted", "credit exhausted", "buy credits"}},
		{xtest.Fault403, wantForbidden, []string{"status 403", "may read this account"}},
		{xtest.Fault403Spend, wantForbidden, []string{"status 403", "SpendCapReached", "credit exhausted", "spending limit"}},
		{xtest.Fault403Client, wantForbidden, []string{"status 403", "client-forbidden", "api: v2", "access level"}},
		{xtest.Fault404, wantForbidden, []string{"status 404", "base_url"}},
		{xtest.Fault429, wantLimited, []string{"status 429", "code 88", "rate limited until 2026-03-06T12:10:00Z"}},
		{xtest.Fault429Bare, wantLimited, []string{"status 429", "rate limited: "}},
		{xtest.Fault429Cap, wantForbidden, []string{"UsageCapExceeded", "next billing month"}},
		{xtest.Fault500, wantRetry, []string{"status 500", "Something is broken."}},
		{xtest.Fault503, wantRetry, []string{"status 503", "Service Unavailable"}},
		{xtest.FaultTruncated, wantRetry, []string{"cut off", "JSON ends unfinished after", "of", "bytes"}},
		{xtest.FaultBroken, wantRetry, []string{"breaks off after", "unexpected EOF"}},
		{xtest.FaultHTML, wantRetry, []string{"not JSON", "text/html"}},
		{xtest.FaultHTML502, wantRetry, []string{"status 502", "text/html", "DOCTYPE html"}},
		{xtest.FaultEmpty, wantRetry, []string{"cut off", "empty"}},
		{xtest.FaultHollow, wantMalformed, []string{"neither data nor errors nor meta"}},
	}
	for name, mode := range map[string]func(*Config){"bearer": func(*Config) {}, "oauth1": withOAuth1} {
		for _, row := range rows {
			t.Run(name+" "+row.fault, func(t *testing.T) {
				w := newWorld(t, xtest.Options{}, mode)
				w.old("there must be something to cut")
				if err := w.srv.AddFault(xtest.Fault{Kind: row.fault, Endpoint: "users/tweets", Reset: 600}); err != nil {
					t.Fatal(err)
				}
				page, err := w.try(nil)
				if err == nil {
					t.Fatalf("no error, and %v", ids(page.Activities))
				}
				if len(page.Activities) > 0 || page.Cursor != nil {
					t.Errorf("a page came with the error: %v", ids(page.Activities))
				}
				if got := kindOf(err); got != row.kind {
					t.Errorf("kind %s, want %s: %v", got, row.kind, err)
				}
				for _, part := range append(row.says, "x/acme", "GET /2/users/1000/tweets") {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%q lacks %q", err, part)
					}
				}
				if found := secretsIn(fmt.Sprintf("%v %+v %#v", err, err, err)); len(found) > 0 {
					t.Errorf("secrets %v in %v", found, err)
				}
				w.srv.ClearFaults()
				if _, err := w.try(nil); err != nil {
					t.Errorf("after the fault: %v", err)
				}
			})
		}
	}
}

func TestAccountErrors(t *testing.T) {
	noUser := func(c *Config) { c.Username = "nobody" }
	rows := []struct {
		name string
		opts xtest.Options
		mode func(*Config)
		prep func(w *world) error
		says []string
	}{
		{"unknown user", xtest.Options{}, noUser, nil, []string{"resource-not-found", "check user_id and username"}},
		{"unknown user, v1.1", xtest.Options{V1: true}, func(c *Config) { v11(c); noUser(c) }, nil, []string{"code 50", "check user_id and username"}},
		{"suspended", xtest.Options{}, nil, suspend, []string{"suspended", "x.com/account/access"}},
		{"suspended, v1.1", xtest.Options{V1: true}, v11, suspend, []string{"code 63", "x.com/account/access"}},
		{"protected, app only", xtest.Options{}, nil, protect, []string{"not-authorized-for-resource", "its posts are protected"}},
		{"v1.1 without access", xtest.Options{}, v11, nil, []string{"code 453", "set api: v2", "access level"}},
		{"wrong bearer", xtest.Options{}, func(c *Config) { c.BearerToken = "some-other-token" }, nil, []string{"status 401", "regenerate"}},
		{"wrong signature", xtest.Options{}, func(c *Config) { withOAuth1(c); c.AccessSecret = "forged" }, nil, []string{"status 401"}},
		{"wrong token, v1.1", xtest.Options{V1: true}, func(c *Config) { v11(c); c.AccessToken = "forged" }, nil, []string{"code 89", "regenerate"}},
		{"mentions of another account, v1.1", xtest.Options{V1: true}, func(c *Config) { v11(c); c.Mentions = true; c.Username = "fan" }, func(w *world) error {
			w.srv.AddAccount(xtest.Profile{Handle: "fan"})
			return nil
		}, []string{"credential's own account only", "api: v2"}},
		{"vocabulary not understood", xtest.Options{FieldsParam: FieldsPost}, nil, nil, []string{"invalid-request", "fields_param", "tweet.fields"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			mode := row.mode
			if mode == nil {
				mode = func(*Config) {}
			}
			w := newWorld(t, row.opts, mode)
			if row.prep != nil {
				if err := row.prep(w); err != nil {
					t.Fatal(err)
				}
			}
			page, err := w.try(nil)
			if err == nil { // the first poll of an empty account is history
				_, err = w.try(page.Cursor)
			}
			if err == nil || kindOf(err) != wantForbidden {
				t.Fatalf("error %v, want a refusal", err)
			}
			for _, part := range row.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
			if found := secretsIn(err.Error()); len(found) > 0 {
				t.Errorf("secrets %v in %v", found, err)
			}
		})
	}
}

func suspend(w *world) error { return w.srv.Suspend("acme", true) }

// X may repeat in an error what it was sent.
func TestEchoedSecretsAreTakenOut(t *testing.T) {
	for name, mode := range map[string]func(*Config){"bearer": func(*Config) {}, "oauth1": withOAuth1} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, xtest.Options{}, mode)
			if err := w.srv.AddFault(xtest.Fault{Kind: xtest.Fault401Echo}); err != nil {
				t.Fatal(err)
			}
			_, err := w.try(nil)
			if err == nil || !strings.Contains(err.Error(), "bad header") || !strings.Contains(err.Error(), "[redacted]") {
				t.Fatalf("error %v, want X's words with the secret blanked", err)
			}
			if found := secretsIn(fmt.Sprintf("%v %#v", err, err)); len(found) > 0 {
				t.Errorf("secrets %v in %v", found, err)
			}
		})
	}
}

func TestNetworkErrorsKeepSecrets(t *testing.T) {
	cfg := Config{Account: "x/acme", Username: "acme", BearerToken: bearerToken}
	broken := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("proxy said: cannot forward %s", r.Header.Get("Authorization"))
	})}
	c, err := New(cfg, collectors.Deps{HTTP: broken, Log: zap.NewNop(), Now: start})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Poll(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "proxy said") || len(secretsIn(err.Error())) > 0 {
		t.Errorf("error %v, want the cause without the secret", err)
	}
}

func TestRateLimitOfTheServer(t *testing.T) {
	w := newWorld(t, xtest.Options{Limits: map[string]int{"users/tweets": 2}})
	page := w.poll(nil)
	page = w.poll(page.Cursor)
	_, err := w.try(page.Cursor)
	var limited *collectors.RateLimited
	if !errors.As(err, &limited) || !limited.Until.Equal(start().Add(15*time.Minute)) {
		t.Fatalf("error %v, want a limit until the window ends at 12:15", err)
	}
	w.Pass(15 * time.Minute)
	if _, err := w.try(page.Cursor); err != nil {
		t.Errorf("after the window: %v", err)
	}
}

func TestRetryAt(t *testing.T) {
	now := start()
	rows := []struct {
		name   string
		header map[string]string
		want   time.Time
	}{
		{"nothing", nil, time.Time{}},
		{"reset", map[string]string{"x-rate-limit-remaining": "0", "x-rate-limit-reset": "1772799000"}, time.Unix(1772799000, 0)},
		{"retry-after in seconds", map[string]string{"retry-after": "90"}, now.Add(90 * time.Second)},
		{"retry-after as a date", map[string]string{"retry-after": now.Add(time.Hour).Format(http.TimeFormat)}, now.Add(time.Hour)},
		{
			"a day's window that is used up outlasts the short one",
			map[string]string{
				"x-rate-limit-remaining": "0", "x-rate-limit-reset": "1772799000",
				"x-user-limit-24hour-remaining": "0", "x-user-limit-24hour-reset": "1772850000",
			},
			time.Unix(1772850000, 0),
		},
		{
			"a day's window with room does not count",
			map[string]string{
				"x-rate-limit-remaining": "0", "x-rate-limit-reset": "1772799000",
				"x-app-limit-24hour-remaining": "7", "x-app-limit-24hour-reset": "1772850000",
			},
			time.Unix(1772799000, 0),
		},
		{"nonsense", map[string]string{"x-rate-limit-reset": "soon", "x-app-limit-24hour-remaining": "0", "x-app-limit-24hour-reset": "-"}, time.Time{}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			b := &body{status: http.StatusTooManyRequests, header: http.Header{}}
			for k, v := range row.header {
				b.header.Set(k, v)
			}
			if got := retryAt(b, now); !got.Equal(row.want) {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

func TestCancelledPoll(t *testing.T) {
	w := newWorld(t, xtest.Options{})
	if err := w.srv.AddFault(xtest.Fault{Kind: xtest.FaultSlow, Delay: time.Hour, Endpoint: "users/tweets"}); err != nil {
		t.Fatal(err)
	}
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
	w := newWorld(t, xtest.Options{})
	rows := map[string]string{
		"not JSON":      `{"v":1`,
		"other version": `{"v":2}`,
		"other form":    `[1,2]`,
		"wrong type":    `{"v":1,"posts":{"since":17}}`,
		"too much":      `{"v":1,"gone":[` + strings.Repeat("1,", 100) + `1]}`,
		"negative":      `{"v":1,"posts":{"since":"-4"}}`,
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

func TestCursorOfAnotherUser(t *testing.T) {
	w := newWorld(t, xtest.Options{})
	cursor := w.connect()
	w.cfg.UserID = w.srv.AddAccount(xtest.Profile{Handle: "acme2"})
	id := w.srv.Post("acme2", xtest.Post{Text: "new account"})
	page := w.poll(cursor)
	if got := ids(page.Activities); len(got) != 1 || got[0] != "post "+id || !page.Backfill {
		t.Errorf("got %v, backfill %t; want the other account's history", got, page.Backfill)
	}
}

// Why there is a round tripper that returns errors: by itself go-twitter reads
// these answers as an empty success.
func TestGoTwitterSwallowsErrors(t *testing.T) {
	w := newWorld(t, xtest.Options{})
	for _, kind := range []string{xtest.Fault503, xtest.Fault403, xtest.Fault402, xtest.FaultEmpty} {
		t.Run(kind, func(t *testing.T) {
			w.srv.ClearFaults()
			if err := w.srv.AddFault(xtest.Fault{Kind: kind}); err != nil {
				t.Fatal(err)
			}
			direct := twitter.NewClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				r = r.Clone(r.Context())
				r.URL.Scheme, r.URL.Host, r.Host = "http", strings.TrimPrefix(w.web.URL, "http://"), ""
				return w.web.Client().Transport.RoundTrip(r)
			})})
			tweets, _, err := direct.Timelines.UserTimeline(&twitter.UserTimelineParams{UserID: 1000}) //nolint:bodyclose // go-twitter closes it
			if err != nil || len(tweets) != 0 {
				t.Errorf("go-twitter now says %v, %d posts: the round tripper's reason is gone", err, len(tweets))
			}
		})
	}
}
