package youtube

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/youtube/youtubetest"
)

func TestErrors(t *testing.T) {
	type fault = youtubetest.Fault
	midnight := time.Date(2026, 3, 7, 8, 0, 0, 0, time.UTC) // in California
	for _, tt := range []struct {
		name   string
		fault  fault
		want   string    // part of the error
		mend   string    // part of Mend, empty where it is no refusal
		limit  bool      // it is a RateLimited
		until  time.Time // of it
		broken bool      // it is a Malformed
	}{
		{name: "quota", fault: fault{Status: 403, Reason: "quotaExceeded", Message: "exceeded your quota"}, want: "GET playlistItems: status 403, quotaExceeded: exceeded your quota", limit: true, until: midnight},
		{name: "daily limit", fault: fault{Status: 403, Reason: "dailyLimitExceeded"}, want: "dailyLimitExceeded", limit: true, until: midnight},
		{name: "rate", fault: fault{Status: 403, Reason: "rateLimitExceeded"}, want: "rateLimitExceeded", limit: true},
		{name: "user's rate", fault: fault{Status: 403, Reason: "userRateLimitExceeded", Header: map[string]string{"Retry-After": "30"}}, want: "userRateLimitExceeded", limit: true, until: start().Add(90*time.Minute + 30*time.Second)},
		{name: "429 of a day", fault: fault{Status: 429, Body: `{"error":{"code":429,"message":"Quota exceeded","errors":[{"reason":"rateLimitExceeded"}],"status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","metadata":{"quota_limit":"defaultPerDayPerProject"}}]}}`}, want: "RATE_LIMIT_EXCEEDED", limit: true, until: midnight},
		{name: "key", fault: fault{Status: 400, Reason: "badRequest", Body: `{"error":{"code":400,"message":"API key not valid.","errors":[{"reason":"badRequest"}],"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}`}, want: "API_KEY_INVALID", mend: "check api_key"},
		{name: "key elsewhere", fault: fault{Status: 403, Reason: "ipRefererBlocked"}, want: "ipRefererBlocked", mend: "the key's restrictions"},
		{name: "not enabled", fault: fault{Status: 403, Reason: "accessNotConfigured"}, want: "accessNotConfigured", mend: "enable the YouTube Data API v3"},
		{name: "scope", fault: fault{Status: 403, Reason: "insufficientPermissions"}, want: "insufficientPermissions", mend: "another refresh token, with the scope"},
		{name: "authError", fault: fault{Status: 401, Reason: "authError"}, want: "status 401, authError", mend: "check api_key"},
		{name: "forbidden", fault: fault{Status: 403, Reason: "forbidden"}, want: "status 403, forbidden", mend: "check that this credential may read"},
		{name: "closed", fault: fault{Status: 403, Reason: "channelClosed"}, want: "channelClosed", mend: "closed or suspended"},
		{name: "not accessible", fault: fault{Status: 403, Reason: "playlistItemsNotAccessible"}, want: "playlistItemsNotAccessible", mend: "check channel"},
		{name: "bad request", fault: fault{Status: 400, Reason: "unexpectedParameter"}, want: "unexpectedParameter", mend: "newer Picket"},
		{name: "another server", fault: fault{Status: 404, Body: "<html>"}, want: "status 404: Not Found: 6 bytes of", mend: "check base_url"},
		{name: "redirect", fault: fault{Status: 302, Body: "x", Header: map[string]string{"Location": "https://other.example/a?b"}}, want: "status 302", mend: "points to https://other.example,"},
		{name: "backend", fault: fault{Status: 503, Reason: "backendError"}, want: "status 503, backendError"},
		{name: "no JSON", fault: fault{Status: 200, Body: "<html>"}, want: `answer is not JSON but 6 bytes of application/json; charset=UTF-8 that begin "<html>"`},
		{name: "empty", fault: fault{Status: 200, Body: " "}, want: "answer is cut off: it is empty"},
		{name: "cut", fault: fault{Status: 200, Body: `{"items":[{"id":"1`}, want: "answer is cut off: JSON ends unfinished after 18 bytes"},
		{name: "a list", fault: fault{Status: 200, Body: `[]`}, want: "malformed items", broken: true},
		{name: "secret in the words", fault: fault{Status: 403, Reason: "forbidden", Message: "key " + key + " is bad"}, want: "key [redacted] is bad", mend: "credential"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, youtubetest.Options{})
			w.old("film")
			cursor := w.connect()
			tt.fault.Resource = "playlistItems"
			w.srv.AddFault(tt.fault)
			_, err := w.try(cursor)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "youtube: uploads of youtube/acme: ") {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), key) {
				t.Errorf("error shows the key: %v", err)
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
		fault      youtubetest.Fault
		want, mend string
	}{
		{"revoked", youtubetest.Fault{Status: 400, Body: `{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`}, "status 400, invalid_grant: Token has been", "the refresh token was revoked"},
		{"client", youtubetest.Fault{Status: 401, Body: `{"error":"invalid_client","error_description":"The OAuth client was not found."}`}, "invalid_client", "check client_id and client_secret"},
		{"down", youtubetest.Fault{Status: 500, Body: `{"error":"internal_failure"}`}, "status 500, internal_failure", ""},
		{"empty", youtubetest.Fault{Status: 200, Body: `{}`}, "malformed access_token: token endpoint: answer without one", ""},
		{"HTML", youtubetest.Fault{Status: 200, Body: `<html>`}, "malformed access_token", ""},
		{"secret", youtubetest.Fault{Status: 400, Body: `{"error":"x","error_description":"no ` + refresh + `"}`}, "no [redacted]", "the refresh token was revoked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, youtubetest.Options{}, asOwner)
			tt.fault.Resource = "token"
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

// TestRevoked: an access token that is not taken any more, before its time, is
// replaced at once; only where another one is not taken either is that told.
func TestRevoked(t *testing.T) {
	for _, tt := range []struct {
		name  string
		times int // that an access token is refused
		want  string
		saves int
	}{
		{"one token", 1, "", 2},
		{"another one, too", 2, "refresh token was revoked", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, youtubetest.Options{}, asOwner)
			w.old("film")
			c, err := New(w.cfg, w.deps())
			if err != nil {
				t.Fatal(err)
			}
			page, err := c.Poll(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			w.srv.AddFault(youtubetest.Fault{Resource: "playlistItems", Status: 401, Reason: "authError", Times: tt.times})
			_, err = c.Poll(t.Context(), page.Cursor)
			forbidden, refused := errors.AsType[*collectors.Forbidden](err)
			if refused != (tt.want != "") || refused && !strings.Contains(forbidden.Mend, tt.want) || !refused && err != nil || w.kept.saves != tt.saves {
				t.Errorf("error %v, %d sessions saved; want %q and %d", err, w.kept.saves, tt.want, tt.saves)
			}
			if _, err := c.Poll(t.Context(), page.Cursor); err != nil {
				t.Errorf("the poll after: %v", err)
			}
		})
	}
}

// TestParts: trouble with one part hides no other, nor is it hidden.
func TestParts(t *testing.T) {
	type fault = youtubetest.Fault
	for _, tt := range []struct {
		name  string
		fault fault
		want  string // the error while nothing is new, empty for none
	}{
		{name: "channel", fault: fault{Resource: "channels", Status: 500, Reason: "backendError"}, want: "channel of youtube/acme"},
		{name: "channel unreadable", fault: fault{Resource: "channels", Status: 200, Body: `{"items":[{"id":"UC1"}]}`}, want: "snippet.title: missing"},
		{name: "channel gone", fault: fault{Resource: "channels", Status: 200, Body: `{"kind":"youtube#channelListResponse"}`}, want: "YouTube shows no channel acme"},
		{name: "comments", fault: fault{Resource: "commentThreads", Status: 403, Reason: "forbidden"}, want: "comments of youtube/acme"},
		{name: "comments off", fault: fault{Resource: "commentThreads", Status: 403, Reason: "commentsDisabled"}},
		{name: "no videos", fault: fault{Resource: "playlistItems", Status: 404, Reason: "playlistNotFound"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, youtubetest.Options{}, withMentions)
			w.old("film")
			cursor := w.connect()
			w.srv.AddFault(tt.fault)
			_, err := w.try(cursor)
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if tt.fault.Resource == "playlistItems" {
				return
			}
			id := w.srv.Upload(youtubetest.Video{Title: "new"})
			page, err := w.try(cursor)
			if err != nil || len(page.Activities) == 0 || page.Activities[0].ID != id {
				t.Errorf("%q came, error %v; want the new video", ids(page.Activities), err)
			}
		})
	}
}

// TestPageToken: a walk begins anew when its token is refused, and gives up when
// that goes on.
func TestPageToken(t *testing.T) {
	w := newWorld(t, youtubetest.Options{})
	for range 120 {
		w.old("film")
	}
	w.srv.AddFault(youtubetest.Fault{Resource: "playlistItems", Paged: true, Times: 2, Status: 400, Reason: "invalidPageToken"})
	as, _ := w.drain(nil)
	if n := len(ids(as)); n != 120 {
		t.Errorf("%d videos, want 120", n)
	}
	w.srv.Heal()
	w.srv.AddFault(youtubetest.Fault{Resource: "playlistItems", Paged: true, Status: 400, Reason: "invalidPageToken"})
	var err error
	cursor := []byte(nil)
	for range 10 {
		var page collectors.Page
		if page, err = w.try(cursor); err != nil {
			break
		}
		cursor = page.Cursor
	}
	if err == nil || !strings.Contains(err.Error(), "invalidPageToken") {
		t.Errorf("error %v, want one that tokens are refused", err)
	}
}

// TestUnreadable: a video that cannot be read is counted, and nothing is taken
// for deleted beside it.
func TestUnreadable(t *testing.T) {
	w := newWorld(t, youtubetest.Options{})
	id := w.old("film")
	cursor := w.connect()
	w.srv.Edit(id, func(v *youtubetest.Video) { v.Broken = true })
	for range 4 {
		w.pass(2 * time.Minute)
		as, page := w.drain(cursor)
		cursor = page.Cursor
		if len(ids(as)) != 0 || len(page.Malformed) == 0 {
			t.Errorf("%q came, malformed %v", ids(as), page.Malformed)
		}
	}
}

// TestDay: a day of polls stays within the quota of the day and uses it when it
// is spent, and goes on after midnight in California.
func TestDay(t *testing.T) {
	w := newWorld(t, youtubetest.Options{Units: 100})
	w.old("film")
	cursor := w.connect()
	polls := 0
	for {
		w.pass(2 * time.Minute)
		page, err := w.try(cursor)
		if limited, ok := errors.AsType[*collectors.RateLimited](err); ok {
			if used := w.srv.Used(); used != 101 { // the refused one counts, as documented
				t.Errorf("%d units used, want 101", used)
			}
			w.mu.Lock()
			w.now = limited.Until
			w.mu.Unlock()
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if polls++; polls > 100 {
			t.Fatal("no limit after 100 polls")
		}
		cursor = page.Cursor
	}
	if _, err := w.try(cursor); err != nil {
		t.Errorf("after midnight: %v", err)
	}
}

func TestNextMidnight(t *testing.T) {
	for _, tt := range []struct{ name, now, want string }{
		{"winter", "2026-01-15T12:00:00Z", "2026-01-16T08:00:00Z"},
		{"summer", "2026-07-15T12:00:00Z", "2026-07-16T07:00:00Z"},
		{"before midnight there", "2026-07-15T06:59:59Z", "2026-07-15T07:00:00Z"},
		{"clocks go forward", "2026-03-08T09:00:00Z", "2026-03-09T07:00:00Z"},
		{"clocks go back", "2026-11-01T09:00:00Z", "2026-11-02T08:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, tt.now)
			if err != nil {
				t.Fatal(err)
			}
			if got := nextMidnight(now).Format(time.RFC3339); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	good := Config{Account: "youtube/acme", APIKey: key}
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"good", func(*Config) {}, ""},
		{"account", func(c *Config) { c.Account = "x/acme" }, "youtube: account: \"x/acme\"; want youtube/ and a handle or a channel's id, such as youtube/acme"},
		{"channel", func(c *Config) { c.Channel = "a/b" }, "youtube: channel: \"a/b\"; want a handle such as acme, or a channel's id, UC and 22 characters"},
		{"no access", func(c *Config) { c.APIKey = "" }, "youtube: api_key: missing; give an API key for what is public, or client_id, client_secret and refresh_token"},
		{"half a client", func(c *Config) { c.RefreshToken = refresh }, "youtube: refresh_token: given without client_id and client_secret; give those of the OAuth client that it was made with"},
		{"no token", func(c *Config) { c.ClientSecret = secret }, "youtube: refresh_token: missing; give the one that the channel's owner made for client_id, or an api_key alone"},
		{"line feed", func(c *Config) { c.APIKey = "abc\n" }, "youtube: api_key: holds spaces or other characters that none has; copy it anew"},
		{"open network", func(c *Config) { c.BaseURL = "http://yt.example" }, `youtube: base_url: "http://yt.example"; want https, since requests carry a key or a token (http is taken for loopback only)`},
		{"address", func(c *Config) { c.TokenURL = "token" }, "youtube: token_url: want scheme, host and perhaps a path, such as https://oauth2.googleapis.com/token"},
		{"watch", func(c *Config) { c.Watch = 301 }, "youtube: watch: 301; want 50 to 300"},
		{"backfill", func(c *Config) { c.Backfill = -1 }, "youtube: backfill: -1; want 1 to 20000"},
		{"overlap", func(c *Config) { c.Overlap = 49 * time.Hour }, "youtube: overlap: 49h0m0s; want 1m to 48h0m0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := good
			tt.change(&cfg)
			_, err := New(cfg, newWorld(t, youtubetest.Options{}).deps())
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

// TestBehind: where the credential's budget has nothing left for mentions, all
// else is read and the page says so.
func TestBehind(t *testing.T) {
	w := newWorld(t, youtubetest.Options{}, withMentions)
	w.old("film")
	cursor := w.connect()
	deps := w.deps()
	deps.HTTP.Transport = frugal{deps.HTTP.Transport}
	c, err := New(w.cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	w.srv.Change("snippet", "title", "Acme!")
	page, err := c.Poll(t.Context(), cursor)
	if err != nil {
		t.Fatal(err)
	}
	only(t, page.Activities, activity.KindProfile)
	page, err = c.Poll(t.Context(), page.Cursor)
	if _, ok := errors.AsType[*collectors.RateLimited](page.Behind); !ok || err != nil {
		t.Errorf("behind %v, error %v", page.Behind, err)
	}
}
