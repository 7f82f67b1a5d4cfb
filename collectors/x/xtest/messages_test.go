package xtest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/dghubble/oauth1"
	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/x/xtest"
)

// signed makes a request with an OAuth 1.0a credential.
func (r *rig) signed(target string, own *xtest.OAuth1) answer {
	r.t.Helper()
	var auth string
	take := roundTripper(func(req *http.Request) (*http.Response, error) {
		auth = req.Header.Get("Authorization")
		return httptest.NewRecorder().Result(), nil
	})
	ctx := context.WithValue(r.t.Context(), oauth1.HTTPClient, &http.Client{Transport: take})
	client := oauth1.NewConfig(own.ConsumerKey, own.ConsumerSecret).Client(ctx, oauth1.NewToken(own.AccessToken, own.AccessSecret))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.x.com"+target, http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return r.get(target, auth)
}

// roundTripper answers requests with a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestMessages(t *testing.T) {
	own := &xtest.OAuth1{ConsumerKey: "ck", ConsumerSecret: "cs", AccessToken: "1000-at", AccessSecret: "as", User: "acme"}
	r := newRig(t, xtest.Options{PageSize: 2, OAuth1: own})
	r.srv.AddAccount(xtest.Profile{Handle: "fan"})
	r.srv.AddAccount(xtest.Profile{Handle: "other"})
	var want []string
	for _, m := range []struct {
		from, to string
		at       time.Duration
	}{
		{"acme", "fan", -31 * 24 * time.Hour},
		{"acme", "fan", -3 * time.Minute},
		{"fan", "acme", -2 * time.Minute},
		{"fan", "other", -time.Minute},
		{"acme", "other", 0},
	} {
		id, err := r.srv.Message(m.from, m.to, xtest.Message{Text: "look https://acme.example", At: r.now.Add(m.at)})
		if err != nil {
			t.Fatal(err)
		}
		if (m.from == "acme" || m.to == "acme") && m.at > -24*time.Hour {
			want = append(want, id)
		}
	}
	slices.Reverse(want)
	const path = "/2/dm_events?event_types=MessageCreate&dm_event.fields=created_at,entities,event_type,id,sender_id,text"
	first := r.signed(path, own)
	second := r.signed(path+"&pagination_token="+first.text("meta", "next_token"), own)
	if diff := cmp.Diff(want, append(first.ids("data"), second.ids("data")...)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if got := second.text("meta", "next_token"); got != "" {
		t.Errorf("a page follows the last one: %q", got)
	}
	if at := func(path ...any) string { return first.text(append([]any{"data", 0}, path...)...) }; at("sender_id") != "1000" ||
		at("created_at") != "2026-03-06T12:00:00.000Z" || at("entities", "urls", 0, "expanded_url") != "https://acme.example" || at("dm_conversation_id") != "" {
		t.Errorf("message %v; want the fields that were asked for", first.at("data", 0))
	}
	if _, err := r.srv.Message("acme", "nobody", xtest.Message{}); err == nil {
		t.Error("a message went to nobody")
	}
	for _, row := range []struct {
		name   string
		got    func() answer
		status int
		kind   string
	}{
		{"an app", func() answer { return r.get(path) }, 403, "https://api.x.com/2/problems/unsupported-authentication"},
		{"a field that there is not", func() answer { return r.signed(path+",secret", own) }, 400, "https://api.x.com/2/problems/invalid-request"},
		{"a page that there is not", func() answer { return r.signed(path+"&pagination_token=7", own) }, 400, "https://api.x.com/2/problems/invalid-request"},
		{"too many", func() answer { return r.signed(path+"&max_results=101", own) }, 400, "https://api.x.com/2/problems/invalid-request"},
		{"secrets that may only read", func() answer { own.Access = "read-write"; return r.signed(path, own) }, 403, "https://api.x.com/2/problems/oauth1-permissions"},
	} {
		if got := row.got(); got.status != row.status || got.text("type") != row.kind {
			t.Errorf("%s: %d %v, want %d of %s", row.name, got.status, got.body, row.status, row.kind)
		}
	}
}
