package linkedin

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
)

func TestErrors(t *testing.T) {
	type fault = linkedintest.Fault
	for _, tt := range []struct {
		name   string
		fault  fault
		want   string        // part of the error
		mend   string        // part of Mend, empty where it is no refusal
		wait   time.Duration // of a RateLimited, -1 where no time is told, 0 where it is none
		failed bool          // neither
	}{
		{name: "token expired", fault: fault{Status: 401, Code: "EXPIRED_ACCESS_TOKEN", Service: 65602, Message: "The token used in the request has expired"}, want: "status 401, EXPIRED_ACCESS_TOKEN, serviceErrorCode 65602: The token used", mend: "this one has expired, as all do after 60 days"},
		{name: "expired, by its number", fault: fault{Status: 401, Service: 65602}, want: "serviceErrorCode 65602: Unauthorized", mend: "this one has expired"},
		{name: "token revoked", fault: fault{Status: 401, Code: "REVOKED_ACCESS_TOKEN", Service: 65601}, want: "REVOKED_ACCESS_TOKEN", mend: "this one was revoked, by the member"},
		{name: "token otherwise", fault: fault{Status: 401, Code: "INVALID_ACCESS_TOKEN", Service: 65600}, want: "INVALID_ACCESS_TOKEN", mend: "LinkedIn does not take it"},
		{name: "permission", fault: fault{Status: 403, Code: "ACCESS_DENIED", Service: 100, Message: "Not enough permissions to access: partnerApiPostsExternal.FINDER-author"}, want: "ACCESS_DENIED, serviceErrorCode 100: Not enough permissions", mend: "r_organization_social and r_organization_admin"},
		{name: "version sunset", fault: fault{Status: 426, Code: "NONEXISTENT_VERSION", Message: "Requested version 20260901 is not active"}, want: "Requested version 20260901 is not active", mend: "set version to one that LinkedIn still serves"},
		{name: "version missing", fault: fault{Status: 400, Code: "VERSION_MISSING"}, want: "VERSION_MISSING", mend: "set version"},
		{name: "no such page", fault: fault{Status: 404, Code: "NOT_FOUND", Message: "Organization 7 is inactive"}, want: "is inactive", mend: "LinkedIn shows no such page"},
		{name: "bad request", fault: fault{Status: 400, Code: "ILLEGAL_ARGUMENT", Message: "Syntax exception in path variables"}, want: "Syntax exception", mend: "for a newer Picket, or set version"},
		{name: "something else refuses", fault: fault{Status: 403, Body: "<html>blocked</html>"}, want: "status 403: Forbidden, and no JSON", mend: "does not speak LinkedIn's API"},
		{name: "redirect", fault: fault{Status: 302, Body: "{}", Header: map[string]string{"Location": "https://elsewhere.example/login?token=1"}}, want: "status 302", mend: "it redirects to https://elsewhere.example, where the token is not sent"},
		{name: "redirect to nowhere", fault: fault{Status: 302, Body: "{}"}, want: "status 302", mend: "does not speak LinkedIn's API"},
		{name: "a day's limit", fault: *linkedintest.DayLimit(), want: "DAY limit for calls to this resource is reached", wait: 11*time.Hour + 40*time.Minute},
		{name: "too fast", fault: fault{Status: 429, Code: "TOO_MANY_REQUESTS", Message: "Too many requests"}, want: "Too many requests", wait: -1},
		{name: "429 with its own header", fault: fault{Status: 429, Body: `{}`, Header: map[string]string{"Retry-After": "30"}}, want: "status 429", wait: 30 * time.Second},
		{name: "internal", fault: fault{Status: 500, Code: "INTERNAL_SERVER_ERROR"}, want: "INTERNAL_SERVER_ERROR", failed: true},
		{name: "gateway", fault: fault{Status: 504, Body: "<html>"}, want: "status 504", failed: true},
		{name: "no JSON", fault: fault{Status: 200, Body: "<html>"}, want: `answer is not JSON but 6 bytes of "application/json"`, failed: true},
		{name: "cut JSON", fault: fault{Status: 200, Body: `{"elements":[{"id":"1`}, want: "answer is cut off: JSON ends unfinished after 21 bytes", failed: true},
		{name: "nothing", fault: fault{Status: 200, Body: " "}, want: "answer is cut off", failed: true},
		{name: "a list", fault: fault{Status: 200, Body: `[]`}, want: "malformed GET /rest/posts answer: want an object", failed: true},
		{name: "null", fault: fault{Status: 200, Body: `null`}, want: "want an object", failed: true},
		{name: "elements of another form", fault: fault{Status: 200, Body: `{"elements":{}}`}, want: "malformed GET /rest/posts answer", failed: true},
		{name: "secrets in the message", fault: fault{Status: 400, Code: "X", Message: "bad " + token + " and " + secret}, want: "bad [redacted] and [redacted]", mend: "newer Picket"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, linkedintest.Options{}, func(c *Config) { c.ClientID, c.ClientSecret = client, secret })
			cursor := w.connect()
			tt.fault.Endpoint = "posts"
			w.srv.AddFault(tt.fault)
			_, err := w.try(cursor)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(strings.TrimPrefix(err.Error(), "rate limited: "), "linkedin: posts of "+account+": ") {
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
			case is && tt.wait > 0 && !limited.Until.Equal(w.Now().Add(tt.wait)), is && tt.wait < 0 && !limited.Until.IsZero():
				t.Errorf("until %s, want %s", limited.Until, tt.wait)
			}
			if tt.failed == (is || refused) {
				t.Errorf("failed %t, want %t", !is && !refused, tt.failed)
			}
		})
	}
}

// Answers of the other parts that are not what LinkedIn documents are faults.
func TestMalformedParts(t *testing.T) {
	for _, tt := range []struct{ name, endpoint, body, want string }{
		{"another page", "organizations", `{"id":7,"localizedName":"Other"}`, "asked for 2414183 and got 7"},
		{"no name", "organizations", `{"id":2414183}`, "localizedName: missing; want the organisation's"},
		{"no page", "organizations", `{"id":{}}`, "profile of " + account},
		{"no followers", "networkSizes", `{}`, "firstDegreeSize: want a number, 0 or more"},
		{"fewer than none", "networkSizes", `{"firstDegreeSize":-1}`, "firstDegreeSize: want a number, 0 or more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, linkedintest.Options{})
			cursor := w.connect()
			w.Pass(time.Hour)
			w.srv.AddFault(linkedintest.Fault{Endpoint: tt.endpoint, Status: 200, Body: tt.body})
			as, err := w.tryAll(cursor)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(ids(as)) != 0 {
				t.Errorf("told %v, error %v; want %q", ids(as), err, tt.want)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string // empty: no fault
	}{
		{"least", func(*Config) {}, ""},
		{"refresh token", func(c *Config) { withRefresh(c) }, ""},
		{"loopback", func(c *Config) { c.BaseURL, c.AuthURL = "http://127.0.0.1:8080", "http://localhost" }, ""},
		{"another network", func(c *Config) { c.Account = "x/acme" }, `account: "x/acme"; want linkedin/ and the organisation's number`},
		{"name for a number", func(c *Config) { c.Account = "linkedin/acme" }, `account: "acme"; want the organisation's number, such as 2414183`},
		{"zero", func(c *Config) { c.Account = "linkedin/0" }, `account: "0"; want the organisation's number`},
		{"no token", func(c *Config) { c.Token = "" }, "token: missing; give an access token of a member who administers the page"},
		{"half", func(c *Config) { c.RefreshToken = refresh }, "refresh_token: given without client_id and client_secret"},
		{"token with a line feed", func(c *Config) { c.Token += "\n" }, "token: holds spaces or other characters"},
		{"http", func(c *Config) { c.BaseURL = "http://api.linkedin.com" }, "base_url: \"http://api.linkedin.com\"; want https"},
		{"login in an address", func(c *Config) { c.AuthURL = "https://a:b@www.linkedin.com" }, `auth_url: "https://www.linkedin.com" with a user; want scheme, host and perhaps a path`},
		{"version", func(c *Config) { c.Version = "202613" }, `version: "202613"; want a year and a month, such as 202609`},
		{"watch", func(c *Config) { c.Watch = 101 }, "watch: 101; want 1 to 100"},
		{"backfill", func(c *Config) { c.Backfill = -1 }, "backfill: -1; want 1 to 4000"},
		{"page size", func(c *Config) { c.PageSize = 9 }, "page_size: 9; want 10 to 100"},
		{"comments", func(c *Config) { c.CommentPosts = 26 }, "comment_posts: 26; want 1 to 25"},
		{"look", func(c *Config) { c.Look = time.Second }, "look_every: 1s; want 1m0s to 24h0m0s"},
		{"overlap", func(c *Config) { c.Overlap = 25 * time.Hour }, "overlap: 25h0m0s; want 1s to 24h0m0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, linkedintest.Options{})
			tt.change(&w.cfg)
			_, err := New(w.cfg, w.deps())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "linkedin: "+tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := New(Config{}, collectors.Deps{}); err == nil || !strings.Contains(err.Error(), "Deps.HTTP") {
		t.Errorf("error %v without a client, want one", err)
	}
}
