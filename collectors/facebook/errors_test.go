package facebook

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/facebook/facebooktest"
	"github.com/picketd/picket/collectors/metagraph"
	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

func TestErrors(t *testing.T) {
	type fault = metagraphtest.Fault
	for _, tt := range []struct {
		name   string
		fault  fault
		want   string        // part of the error
		mend   string        // part of Mend, empty where it is no refusal
		wait   time.Duration // of a RateLimited, -1 where no time is told, 0 where it is none
		failed bool          // neither
	}{
		{name: "token expired", fault: fault{Status: 401, Code: 190, Subcode: 463, Message: "Session has expired"}, want: "status 401, code 190, subcode 463: Session has expired", mend: "this one has expired"},
		{name: "app removed", fault: fault{Status: 400, Code: 190, Subcode: 458}, want: "subcode 458", mend: "the app was removed"},
		{name: "checkpoint", fault: fault{Status: 400, Code: 190, Subcode: 459}, want: "subcode 459", mend: "pass the check that waits there"},
		{name: "password changed", fault: fault{Status: 400, Code: 190, Subcode: 460}, want: "subcode 460", mend: "changed its password"},
		{name: "session ended", fault: fault{Status: 400, Code: 190, Subcode: 467}, want: "subcode 467", mend: "ended its sessions"},
		{name: "unconfirmed", fault: fault{Status: 400, Code: 190, Subcode: 464}, want: "subcode 464", mend: "not confirmed"},
		{name: "no task any more", fault: fault{Status: 400, Code: 190, Subcode: 492}, want: "subcode 492", mend: "a task on the Page again"},
		{name: "token otherwise", fault: fault{Status: 400, Code: 190}, want: "code 190", mend: "make a new access token, of a system user"},
		{name: "session key", fault: fault{Status: 400, Code: 102}, want: "code 102", mend: "make a new access token, of a system user"},
		{name: "permission", fault: fault{Status: 403, Code: 10, Message: "(#10) requires pages_read_engagement"}, want: "requires pages_read_engagement", mend: "permissions that are named"},
		{name: "permission of its own", fault: fault{Status: 403, Code: 283}, want: "code 283", mend: "permissions that are named"},
		{name: "feature", fault: fault{Status: 400, Code: 3}, want: "code 3", mend: "permissions that are named"},
		{name: "no list on new Pages", fault: fault{Status: 403, Code: 200, Subcode: 2069030}, want: "subcode 2069030", mend: "for people set business in place of people"},
		{name: "policy", fault: fault{Status: 400, Code: 368}, want: "code 368", mend: "breaking its policies"},
		{name: "no such Page", fault: fault{Status: 400, Code: 100, Subcode: 33}, want: "code 100, subcode 33", mend: "no such object"},
		{name: "no such name", fault: fault{Status: 404, Code: 803}, want: "code 803", mend: "no such object"},
		{name: "field of another version", fault: fault{Status: 400, Code: 100, Message: "(#100) Tried accessing nonexisting field"}, want: "nonexisting field", mend: "set api_version to the one that it was made for, v27.0"},
		{name: "version gone", fault: fault{Status: 400, Code: 2635}, want: "code 2635", mend: "set api_version to a version that Meta still serves"},
		{name: "proof of another app", fault: fault{Status: 400, Code: 100, Message: "Invalid appsecret_proof provided in the API argument"}, want: "appsecret_proof", mend: "give app_secret the secret of the app"},
		{name: "something else refuses", fault: fault{Status: 403, Body: "<html>blocked</html>"}, want: "status 403: Forbidden", mend: "does not speak the Graph API"},
		{name: "app's limit", fault: fault{Status: 400, Code: 4, Message: "(#4) Application request limit reached"}, want: "request limit reached", wait: -1},
		{name: "user's limit", fault: fault{Status: 400, Code: 17}, want: "code 17", wait: -1},
		{name: "Page's limit", fault: fault{Status: 403, Code: 32}, want: "code 32", wait: -1},
		{name: "custom limit", fault: fault{Status: 400, Code: 613}, want: "code 613", wait: -1},
		{name: "business use case", fault: fault{Status: 400, Code: 80001, Header: map[string]string{"X-Business-Use-Case-Usage": metagraphtest.Usage("pages", 100, 19)}}, want: "code 80001", wait: 19 * time.Minute},
		{name: "429 with its own header", fault: fault{Status: 429, Body: `{}`, Header: map[string]string{"Retry-After": "30"}}, want: "status 429", wait: 30 * time.Second},
		{name: "unknown", fault: fault{Status: 500, Code: 1, Message: "An unknown error occurred"}, want: "An unknown error occurred", failed: true},
		{name: "service", fault: fault{Status: 503, Code: 2}, want: "code 2", failed: true},
		{name: "transient", fault: fault{Status: 400, Code: 999, Transient: true}, want: "code 999", failed: true},
		{name: "error with status 200", fault: fault{Status: 200, Code: 190}, want: "status 200, code 190", mend: "new access token"},
		{name: "no JSON", fault: fault{Status: 200, Body: "<html>"}, want: "answer is not JSON but 6 bytes of \"application/json; charset=UTF-8\"", failed: true},
		{name: "cut JSON", fault: fault{Status: 200, Body: `{"data":[{"id":"1`}, want: "answer is cut off: JSON ends unfinished after 17 bytes", failed: true},
		{name: "a list", fault: fault{Status: 200, Body: `[]`}, want: "malformed", failed: true},
		{name: "secrets in the message", fault: fault{Status: 400, Code: 100, Message: "bad " + token + " and " + secret}, want: "bad [redacted] and [redacted]", mend: "newer Picket"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, metagraphtest.Options{})
			cursor := w.connect()
			tt.fault.Path = "/published_posts"
			w.srv.AddFault(tt.fault)
			_, err := w.try(cursor)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "facebook: posts of facebook/acme: ") {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), token) || strings.Contains(err.Error(), secret) {
				t.Errorf("error shows a secret: %v", err)
			}
			forbidden, refused := errors.AsType[*collectors.Forbidden](err)
			if refused != (tt.mend != "") || refused && !strings.Contains(forbidden.Mend, tt.mend) {
				t.Errorf("forbidden %v, want mend %q", forbidden, tt.mend)
			}
			limited, is := errors.AsType[*collectors.RateLimited](err)
			switch {
			case is != (tt.wait != 0):
				t.Errorf("rate limited %t: %v", is, err)
			case is && tt.wait > 0 && !limited.Until.Equal(w.clock().Add(tt.wait)), is && tt.wait < 0 && !limited.Until.IsZero():
				t.Errorf("until %s, want %s", limited.Until, tt.wait)
			}
			if tt.failed == (is || refused) {
				t.Errorf("failed %t, want %t", !is && !refused, tt.failed)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	good := Config{Account: "facebook/acme", Access: metagraph.Access{Token: token}}
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"good", func(*Config) {}, ""},
		{"account", func(c *Config) { c.Account = "x/acme" }, `facebook: account: "x/acme"; want facebook/ and a name, such as facebook/acme`},
		{"page", func(c *Config) { c.Page = "../me" }, `facebook: page "../me"; want 1 to 64 letters, digits and . : _ -`},
		{"business", func(c *Config) { c.Business = "a b" }, `facebook: business "a b"; want 1 to 64 letters, digits and . : _ -`},
		{"token", func(c *Config) { c.Token = "" }, "facebook: token: missing; want an access token"},
		{"token with a line feed", func(c *Config) { c.Token = "abc\n" }, "facebook: token: holds spaces or other characters that none has; copy it anew"},
		{"open network", func(c *Config) { c.BaseURL = "http://graph.example" }, `facebook: base_url: "http://graph.example"; want https, since others could read the token (http is taken for loopback only)`},
		{"address", func(c *Config) { c.BaseURL = "graph" }, "facebook: base_url: want scheme, host and perhaps a path, such as https://graph.facebook.com"},
		{"version", func(c *Config) { c.Version = "27" }, `facebook: api_version: "27"; want a version of the Graph API, such as v27.0`},
		{"watch", func(c *Config) { c.Watch = 101 }, "facebook: watch: 101; want 0 to 100"},
		{"backfill", func(c *Config) { c.Backfill = -1 }, "facebook: backfill: -1; want 1 to 4000"},
		{"overlap", func(c *Config) { c.Overlap = 25 * time.Hour }, "facebook: overlap: 25h0m0s; want 0s to 24h0m0s"},
		{"page size", func(c *Config) { c.PageSize = 101 }, "facebook: page_size: 101; want 1 to 100"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := good
			tt.change(&cfg)
			w := newWorld(t, metagraphtest.Options{})
			_, err := New(cfg, w.deps())
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
		})
	}
}

// TestPageToken: a Page of the new experience answers to its own token only,
// which a system user's gets, and gets again where it is refused.
func TestPageToken(t *testing.T) {
	const own = "EAAGpage7x5v3b1n9m2k4j6h8"
	w := newWorld(t, metagraphtest.Options{PageToken: own, Scopes: []string{"pages_show_list", "pages_read_engagement"}})
	id := w.old("hi")
	c, err := New(w.cfg, w.deps())
	if err != nil {
		t.Fatal(err)
	}
	page, err := c.Poll(t.Context(), nil)
	if err != nil || len(page.Activities) != 2 || page.Activities[1].ID != id {
		t.Fatalf("error %v, page %+v", err, page)
	}
	w.srv.AddFault(metagraphtest.Fault{Path: "/published_posts", Status: 400, Code: 1, Message: "of " + own, Times: 1})
	if _, err = c.Poll(t.Context(), page.Cursor); err == nil || strings.Contains(err.Error(), own) || !strings.Contains(err.Error(), "of [redacted]") {
		t.Errorf("error %v, want one without the token", err)
	}
	w.srv.SetPageToken(own + "-2")
	w.must(w.srv.Change(facebooktest.PageID, facebooktest.Object{"access_token": own + "-2"}))
	if _, err = c.Poll(t.Context(), page.Cursor); err == nil || !strings.Contains(err.Error(), "code 190") {
		t.Errorf("error %v, want that the token is not valid", err)
	}
	if _, err = c.Poll(t.Context(), page.Cursor); err != nil {
		t.Errorf("with the token that is got again: %v", err)
	}
	if n := w.srv.Count("/acme"); n != 3 { // its token twice, and the Page once
		t.Errorf("%d requests of the Page by its name, want 3", n)
	}
	if seen, err := c.Verify(t.Context(), w.clock()); err != nil || len(seen.Warnings) != 0 {
		t.Errorf("seen %+v, error %v", seen, err)
	}
	w.must(w.srv.Change(facebooktest.PageID, facebooktest.Object{"access_token": nil}))
	_, err = w.try(nil)
	if forbidden, ok := errors.AsType[*collectors.Forbidden](err); !ok || !strings.Contains(forbidden.Mend, "a task on the Page") || !strings.Contains(err.Error(), "subcode 2069032") {
		t.Errorf("error %v, want a refusal for want of a Page's token", err)
	}
}

// TestCursor: those of another form are refused with words, those of another
// Page are left.
func TestCursor(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	for _, cursor := range []string{`{"v":2}`, `[]`, `{"v":1,"me":{"id":"../1"}}`, `{"v":1,"tracks":{"posts":{"since":-1}}}`} {
		_, err := w.try([]byte(cursor))
		if _, ok := errors.AsType[*collectors.Malformed](err); !ok || !strings.Contains(err.Error(), "clear the account's cursor to begin anew") {
			t.Errorf("cursor %s: error %v", cursor, err)
		}
	}
	cursor := w.connect()
	w.srv.SetNode("55", facebooktest.Object{"name": "Other"})
	w.cfg.Page = "55"
	if page := w.poll(cursor); !page.Backfill {
		t.Error("the cursor of another Page was taken for its own")
	}
}
