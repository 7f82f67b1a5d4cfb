package reddit

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/reddit/reddittest"
)

func TestErrors(t *testing.T) {
	type fault = reddittest.Fault
	scope := map[string]string{"WWW-Authenticate": `Bearer realm="reddit", error="insufficient_scope"`}
	at := start().Add(90 * time.Minute)
	for _, tt := range []struct {
		name   string
		fault  fault
		want   string    // part of the error
		mend   string    // part of Mend, empty where it is no refusal
		limit  bool      // it is a RateLimited
		until  time.Time // of it
		broken bool      // it is a Malformed
	}{
		{name: "limit", fault: fault{Status: 429, Header: map[string]string{"X-Ratelimit-Used": "1000", "X-Ratelimit-Remaining": "0.0", "X-Ratelimit-Reset": "120"}}, want: "GET /user/acme/submitted: status 429: Too Many Requests", limit: true, until: at.Add(121 * time.Second)},
		{name: "limit without a word", fault: fault{Status: 429, Body: " "}, want: "status 429", limit: true},
		{name: "token", fault: fault{Status: 401}, want: "status 401: Unauthorized", mend: "Reddit does not take the access token"},
		{name: "scope", fault: fault{Status: 403, Header: scope}, want: "status 403, insufficient_scope: Forbidden", mend: "lacks a right that is asked for"},
		{name: "suspended", fault: fault{Status: 403}, want: "status 403: Forbidden", mend: "check the account's name"},
		{name: "no such account", fault: fault{Status: 404}, want: "status 404: Not Found", mend: "check the account's name"},
		{name: "front door", fault: fault{Status: 403, Body: "<html>blocked by network security"}, want: `33 bytes of application/json; charset=UTF-8 that begin "<html>blocked`, mend: "front door refuses"},
		{name: "another server", fault: fault{Status: 404, Body: "<html>"}, want: "status 404: Not Found: 6 bytes of", mend: "check base_url"},
		{name: "redirect", fault: fault{Status: 302, Body: "x", Header: map[string]string{"Location": "https://other.example/a?b"}}, want: "status 302", mend: "points to https://other.example,"},
		{name: "bad request", fault: fault{Status: 400}, want: "status 400: Bad Request", mend: "newer Picket"},
		{name: "down", fault: fault{Status: 503, Body: "<html>our CDN was unable"}, want: "status 503: Service Unavailable: 24 bytes"},
		{name: "no JSON", fault: fault{Status: 200, Body: "<html>"}, want: `answer is not JSON but 6 bytes of application/json; charset=UTF-8 that begin "<html>"`},
		{name: "empty", fault: fault{Status: 200, Body: " "}, want: "answer is cut off: it is empty"},
		{name: "cut", fault: fault{Status: 200, Body: `{"kind":"Listing","data":{"ch`}, want: "answer is cut off: JSON ends unfinished after 29 bytes"},
		{name: "wrong JSON", fault: fault{Status: 200, Body: `{"kind":Listing}`}, want: "answer is not JSON: byte 9 of 16"},
		{name: "a list", fault: fault{Status: 200, Body: `[]`}, want: "malformed GET /user/acme/submitted answer: want a Listing", broken: true},
		{name: "no Listing", fault: fault{Status: 200, Body: `{"kind":"t2","data":{"children":[]}}`}, want: `answer, kind: "t2"; want Listing`, broken: true},
		{name: "no children", fault: fault{Status: 200, Body: `{"kind":"Listing","data":{"after":null}}`}, want: "answer, data.children: missing; want a list", broken: true},
		{name: "endless name", fault: fault{Status: 200, Body: `{"kind":"Listing","data":{"children":[],"after":"` + strings.Repeat("x", 200) + `"}}`}, want: "want the name of an item, such as t3_1abc23", broken: true},
		{name: "secrets in the words", fault: fault{Status: 400, Body: `{"message":"no ` + refresh + ` and ` + secret + `","error":400}`}, want: "no [redacted] and [redacted]", mend: "newer Picket"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, reddittest.Options{})
			w.old("film")
			cursor := w.connect()
			tt.fault.Path = "/submitted"
			w.srv.AddFault(tt.fault)
			var err error
			for range 3 { // what failed comes last, after what did not
				var page collectors.Page
				if page, err = w.try(cursor); err != nil {
					break
				}
				cursor = page.Cursor
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "reddit: submitted of reddit/acme: ") {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), refresh) || strings.Contains(err.Error(), secret) {
				t.Errorf("error shows a secret: %v", err)
			}
			forbidden, refused := errors.AsType[*collectors.Forbidden](err)
			if refused != (tt.mend != "") || refused && !strings.Contains(forbidden.Mend, tt.mend) {
				t.Errorf("forbidden %v, want mend %q", forbidden, tt.mend)
			}
			limited, is := errors.AsType[*collectors.RateLimited](err)
			if is != tt.limit || is && !limited.Until.Equal(tt.until) {
				t.Errorf("rate limited %v, want until %s", limited, tt.until)
			}
			if _, is := errors.AsType[*collectors.Malformed](err); is != tt.broken {
				t.Errorf("malformed %t, want %t", is, tt.broken)
			}
		})
	}
}

func TestTokenErrors(t *testing.T) {
	for _, tt := range []struct {
		name       string
		password   bool
		fault      reddittest.Fault
		want, mend string
	}{
		{"revoked", false, reddittest.Fault{Status: 400}, "POST www.reddit.com/api/v1/access_token: status 400: Bad Request", "the refresh token was revoked"},
		{"client", false, reddittest.Fault{Status: 401}, "status 401: Unauthorized", "check client_id and client_secret"},
		{"refused with 200", false, reddittest.Fault{Status: 200, Body: `{"error":"invalid_grant"}`}, "status 200, invalid_grant", "the refresh token was revoked"},
		{"password", true, reddittest.Fault{Status: 200, Body: `{"error":"invalid_grant"}`}, "status 200, invalid_grant", "check password"},
		{"no script", true, reddittest.Fault{Status: 200, Body: `{"error":"unauthorized_client","error_description":"Only script apps may use password auth"}`}, "unauthorized_client: Only script apps", "of type script only"},
		{"scope", true, reddittest.Fault{Status: 200, Body: `{"error":"invalid_scope"}`}, "invalid_scope", "newer Picket"},
		{"no such path", false, reddittest.Fault{Status: 404, Body: "<html>"}, "status 404", "check base_url and token_url"},
		{"front door", false, reddittest.Fault{Status: 403, Body: "<html>whoa there, pardner!"}, "whoa there", "front door"},
		{"down", false, reddittest.Fault{Status: 500}, "status 500", ""},
		{"no token", false, reddittest.Fault{Status: 200, Body: `{}`}, "answer: want access_token and expires_in", ""},
		{"HTML", false, reddittest.Fault{Status: 200, Body: `<html>`}, "answer is not JSON but 6 bytes", ""},
		{"secret", false, reddittest.Fault{Status: 400, Body: `{"error":"x","error_description":"no ` + refresh + `"}`}, "no [redacted]", "the refresh token was revoked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, reddittest.Options{})
			if tt.password {
				withPassword(&w.cfg)
			}
			tt.fault.Path = "/access_token"
			w.srv.AddFault(tt.fault)
			_, err := w.try(nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), refresh) {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
			forbidden, refused := errors.AsType[*collectors.Forbidden](err)
			if refused != (tt.mend != "") || refused && !strings.Contains(forbidden.Mend, tt.mend) {
				t.Errorf("forbidden %v, want mend %q", forbidden, tt.mend)
			}
		})
	}
}

// TestSuspended: that an account is suspended is said, and nothing of it is told
// as deleted.
func TestSuspended(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	w.old("film")
	cursor := w.connect()
	w.srv.Suspend()
	var err error
	for range 3 {
		page, failed := w.try(cursor)
		if err = failed; err != nil {
			break
		}
		if got := ids(page.Activities); len(got) > 0 {
			t.Errorf("told %v", got)
		}
		cursor = page.Cursor
	}
	if err == nil || !strings.Contains(err.Error(), "GET /user/acme/about: Reddit has suspended the account") || !strings.Contains(err.Error(), "GET /user/acme/submitted: status 403") {
		t.Errorf("error %v, want one of the profile and one of the lists", err)
	}
}

// TestForeignInbox: an inbox of somebody else is not taken for the account's.
func TestForeignInbox(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, withMentions)
	cursor := w.connect()
	w.srv.Receive(reddittest.Note{Author: "fan", Text: "hi", Dest: "somebody"})
	var err error
	for range 4 {
		page, failed := w.try(cursor)
		if err = failed; err != nil {
			break
		}
		cursor = page.Cursor
	}
	if forbidden, ok := errors.AsType[*collectors.Forbidden](err); !ok || !strings.Contains(err.Error(), "the inbox is that of somebody") || !strings.Contains(forbidden.Mend, "the account's own") {
		t.Errorf("error %v, want one that the inbox is somebody else's", err)
	}
}

func TestConfig(t *testing.T) {
	good := Config{Account: "reddit/acme", ClientID: "p-jco", RefreshToken: refresh}
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"refresh token without a secret", func(*Config) {}, ""},
		{"password", func(c *Config) { c.RefreshToken, c.ClientSecret, c.Password = "", secret, "with spaces" }, ""},
		{"no name", func(c *Config) { c.Account = "reddit/" }, `account: "reddit/"; want reddit/ and the user's name`},
		{"name with u/", func(c *Config) { c.Account = "reddit/u/acme" }, "want reddit/ and the user's name"},
		{"no client_id", func(c *Config) { c.ClientID = "" }, "client_id: missing"},
		{"no grant", func(c *Config) { c.RefreshToken = "" }, "refresh_token: missing"},
		{"password without a secret", func(c *Config) { c.RefreshToken, c.Password = "", password }, "client_secret: missing"},
		{"token with a space", func(c *Config) { c.RefreshToken = "a b" }, "refresh_token: holds spaces"},
		{"open address", func(c *Config) { c.BaseURL = "http://oauth.reddit.com" }, `base_url: "http://oauth.reddit.com"; want https`},
		{"no address", func(c *Config) { c.TokenURL = "x" }, "token_url: want scheme, host"},
		{"loopback", func(c *Config) { c.BaseURL = "http://127.0.0.1:8080" }, ""},
		{"subreddit with r/", func(c *Config) { c.Moderates = []string{"r/acme"} }, `moderates: "r/acme"; want a name without u/ or r/`},
		{"subreddit twice", func(c *Config) { c.Moderates = []string{"acme", "Acme"} }, `moderates: "Acme" is there twice`},
		{"too many subreddits", func(c *Config) { c.Moderates = strings.Fields("a b c d e f g h i j k") }, "moderates: 11 subreddits; want at most 10"},
		{"watch", func(c *Config) { c.Watch = 251 }, "watch: 251; want 100 to 250"},
		{"backfill", func(c *Config) { c.Backfill = 1001 }, "backfill: 1001; want 1 to 1000"},
		{"overlap", func(c *Config) { c.Overlap = time.Second }, "overlap: 1s; want 1m to 48h0m0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := good
			tt.change(&cfg)
			w := newWorld(t, reddittest.Options{})
			_, err := New(cfg, w.deps())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := New(good, collectors.Deps{}); err == nil || !strings.Contains(err.Error(), "Deps.HTTP") {
		t.Errorf("error %v without a client, want one", err)
	}
}
