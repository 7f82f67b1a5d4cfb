package xtest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/picketd/picket/collectors/x/xtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type rig struct {
	t   *testing.T
	srv *xtest.Server
	now time.Time
}

func newRig(t *testing.T, opts xtest.Options) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)}
	opts.Now = func() time.Time { return r.now }
	r.srv = xtest.New(opts)
	r.srv.AddAccount(xtest.Profile{Handle: "acme", Followers: 5})
	return r
}

// answer is what a request was answered.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   any
}

// at returns a part of the body by keys and indices, nil where there is none.
func (a answer) at(path ...any) any {
	v := a.body
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, ok := v.(map[string]any)
			if !ok {
				return nil
			}
			v = object[step]
		case int:
			list, ok := v.([]any)
			if !ok || step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

// text returns a string of the body, "" where there is none.
func (a answer) text(path ...any) string {
	s, ok := a.at(path...).(string)
	if !ok {
		return ""
	}
	return s
}

// list returns the ids of a list of objects.
func (a answer) ids(path ...any) []string {
	list, ok := a.at(path...).([]any)
	if !ok {
		return nil
	}
	out := make([]string, len(list))
	for i := range list {
		out[i] = a.text(append(path, i, "id")...)
	}
	return out
}

// do makes a request, with a bearer token unless auth says otherwise.
func (r *rig) do(method, target, payload string, auth ...string) answer {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), method, "https://api.x.com"+target, strings.NewReader(payload))
	req.Header.Set("Authorization", "Bearer token")
	if len(auth) > 0 {
		req.Header.Set("Authorization", auth[0])
	}
	rec := httptest.NewRecorder()
	r.srv.ServeHTTP(rec, req)
	out := answer{t: r.t, status: rec.Code, header: rec.Header()}
	if data := rec.Body.Bytes(); len(data) > 0 && data[0] == '{' {
		if err := json.Unmarshal(data, &out.body); err != nil {
			r.t.Fatalf("%s: %v in %s", target, err, data)
		}
	}
	return out
}

func (r *rig) get(target string, auth ...string) answer {
	r.t.Helper()
	return r.do(http.MethodGet, target, "", auth...)
}

func TestTimelinePages(t *testing.T) {
	r := newRig(t, xtest.Options{Keep: 12})
	var ids []string
	for range 20 {
		r.now = r.now.Add(time.Second)
		ids = append(ids, r.srv.Post("acme", xtest.Post{Text: "p"}))
	}
	rows := []struct {
		name, query string
		want        []string // newest first
		more        bool
	}{
		{"ten by default", "", []string{ids[19], ids[18], ids[17], ids[16], ids[15], ids[14], ids[13], ids[12], ids[11], ids[10]}, true},
		{"five at least", "?max_results=5", []string{ids[19], ids[18], ids[17], ids[16], ids[15]}, true},
		{"since_id is exclusive", "?since_id=" + ids[17], []string{ids[19], ids[18]}, false},
		{"until_id is exclusive", "?max_results=5&until_id=" + ids[10], []string{ids[9], ids[8]}, false},
		{"nothing past what is kept", "?until_id=" + ids[5], nil, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			body := r.get("/2/users/1000/tweets" + row.query)
			if diff := cmp.Diff(row.want, body.ids("data")); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
			if more := body.at("meta", "next_token") != nil; more != row.more {
				t.Errorf("next_token present: %t, want %t", more, row.more)
			}
		})
	}
	token := r.get("/2/users/1000/tweets?max_results=5").text("meta", "next_token")
	second := r.get("/2/users/1000/tweets?max_results=5&pagination_token=" + token)
	if got := second.text("data", 0, "id"); got != ids[14] {
		t.Errorf("the second page begins with %v, want %s", got, ids[14])
	}
}

func TestOnlyAskedFieldsComeBack(t *testing.T) {
	r := newRig(t, xtest.Options{})
	r.srv.Post("acme", xtest.Post{Text: "see https://acme.example/a", Lang: "en", Source: "web"})
	rows := []struct {
		name, query string
		want        []string
	}{
		{"default", "", []string{"edit_history_tweet_ids", "id", "text"}},
		{"old words", "?tweet.fields=lang,author_id", []string{"author_id", "edit_history_tweet_ids", "id", "lang", "text"}},
		{"new words", "?post.fields=lang,source", []string{"edit_history_post_ids", "id", "lang", "source", "text"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			body := r.get("/2/users/1000/tweets" + row.query)
			var got []string
			for _, name := range []string{"author_id", "edit_history_post_ids", "edit_history_tweet_ids", "entities", "id", "lang", "source", "text"} {
				if body.at("data", 0, name) != nil {
					got = append(got, name)
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if text := body.text("data", 0, "text"); !strings.HasPrefix(text, "see https://t.co/") {
				t.Errorf("text %q; want X's short link", text)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	rows := []struct {
		name, target string
		auth         []string
		opts         xtest.Options
		status       int
		title        string
	}{
		{"no credential", "/2/users/1000", []string{""}, xtest.Options{}, 401, "Unauthorized"},
		{"empty token", "/2/users/1000", []string{"Bearer "}, xtest.Options{}, 401, "Unauthorized"},
		{"another token", "/2/users/1000", nil, xtest.Options{Bearer: "secret"}, 401, "Unauthorized"},
		{"OAuth without a signature", "/2/users/1000", []string{`OAuth oauth_token="a"`}, xtest.Options{}, 401, "Unauthorized"},
		{"v1.1 without access", "/1.1/users/show.json?user_id=1000", nil, xtest.Options{}, 403, ""},
		{"v1.1 without credential", "/1.1/users/show.json?user_id=1000", []string{""}, xtest.Options{V1: true}, 400, ""},
		{"unknown field", "/2/users/1000/tweets?tweet.fields=colour", nil, xtest.Options{}, 400, "Invalid Request"},
		{"unknown parameter", "/2/users/1000/tweets?count=5", nil, xtest.Options{}, 400, "Invalid Request"},
		{"old words after the rename", "/2/users/1000/tweets?tweet.fields=lang", nil, xtest.Options{FieldsParam: "post.fields"}, 400, "Invalid Request"},
		{"page too small", "/2/users/1000/tweets?max_results=1", nil, xtest.Options{}, 400, "Invalid Request"},
		{"me with a bearer token", "/2/users/me", nil, xtest.Options{}, 403, "Unsupported Authentication"},
		{"unknown path", "/2/nothing", nil, xtest.Options{}, 404, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, row.opts)
			got := r.get(row.target, row.auth...)
			if title := got.text("title"); got.status != row.status || title != row.title {
				t.Errorf("status %d, title %q; want %d, %q", got.status, title, row.status, row.title)
			}
		})
	}
}

func TestRateLimit(t *testing.T) {
	r := newRig(t, xtest.Options{Limits: map[string]int{"users": 2}})
	for i, want := range []int{200, 200, 429} {
		resp := r.get("/2/users/1000")
		if resp.status != want {
			t.Errorf("request %d: status %d, want %d", i+1, resp.status, want)
		}
		if got := resp.header.Get("x-rate-limit-reset"); got != "1772799300" { // 12:15
			t.Errorf("reset %s, want the end of the window", got)
		}
	}
	if resp := r.get("/2/users/by/username/acme"); resp.status != http.StatusOK || resp.header.Get("x-rate-limit-limit") != "300" {
		t.Errorf("another endpoint: status %d, limit %s; want its own", resp.status, resp.header.Get("x-rate-limit-limit"))
	}
	r.now = r.now.Add(15 * time.Minute)
	if resp := r.get("/2/users/1000"); resp.status != http.StatusOK || resp.header.Get("x-rate-limit-remaining") != "1" {
		t.Errorf("next window: status %d", resp.status)
	}
}

func TestFaults(t *testing.T) {
	r := newRig(t, xtest.Options{})
	if err := r.srv.AddFault(xtest.Fault{Kind: "418"}); err == nil || !strings.Contains(err.Error(), "want one of 401, ") {
		t.Errorf("error %v, want the kinds that there are", err)
	}
	if err := r.srv.AddFault(xtest.Fault{Kind: xtest.Fault500, Endpoint: "users", Skip: 1, Times: 2}); err != nil {
		t.Fatal(err)
	}
	var got []int
	for range 5 {
		resp := r.get("/2/users/1000")
		got = append(got, resp.status)
	}
	if diff := cmp.Diff([]int{200, 500, 500, 200, 200}, got); diff != "" {
		t.Errorf("one passes, two fail, the rest pass (-want +got):\n%s", diff)
	}
	if resp := r.get("/2/users/by/username/acme"); resp.status != http.StatusOK {
		t.Errorf("another endpoint: status %d, want 200", resp.status)
	}
}

func TestAdmin(t *testing.T) {
	r := newRig(t, xtest.Options{})
	must := func(path, payload string) answer {
		t.Helper()
		got := r.do(http.MethodPost, "/_admin/"+path, payload, "")
		if got.status != http.StatusOK {
			t.Fatalf("%s %s: status %d, %v", path, payload, got.status, got.body)
		}
		return got
	}
	if got := must("accounts", `{"handle":"bakery","name":"The Bakery"}`).text("id"); got != "1001" {
		t.Errorf("id %q, want 1001", got)
	}
	id := must("posts", `{"account":"bakery","text":"bread","media":[{"type":"photo","url":"https://b.example/1.jpg"}]}`).text("id")
	edited := must("edits", `{"id":"`+id+`","text":"fresh bread"}`).text("id")
	must("profiles", `{"account":"bakery","set":{"location":"Cluj"}}`)
	must("faults", `{"kind":"503","endpoint":"users","times":1}`)

	if resp := r.get("/2/users/1001"); resp.status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want the fault", resp.status)
	}
	want := map[string]any{"id": "1001", "name": "The Bakery", "username": "bakery", "location": "Cluj"}
	if diff := cmp.Diff(want, r.get("/2/users/1001?user.fields=location,name").at("data")); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	timeline := r.get("/2/users/1001/tweets")
	if text := timeline.text("data", 0, "text"); timeline.text("data", 0, "id") != edited || !strings.HasPrefix(text, "fresh bread https://t.co/") {
		t.Errorf("timeline %v, want the edited version", timeline.body)
	}
	must("deletions", `{"id":"`+edited+`"}`)
	if lookup := r.get("/2/tweets?ids=" + id); lookup.at("errors") == nil {
		t.Errorf("look-up %v, want the first version gone too", lookup.body)
	}
	must("suspensions", `{"account":"bakery","on":true}`)
	if user := r.get("/2/users/1001"); user.at("errors") == nil {
		t.Errorf("user %v, want a suspended one", user.body)
	}
	must("faults/clear", `{}`)
	log := r.do(http.MethodGet, "/_admin/requests", "", "")
	if log.at("counts", "users") != 3.0 || log.at("requests", 4) == nil || log.at("requests", 5) != nil {
		t.Errorf("requests %v, want 3 to users and 5 in all", log.body)
	}
}

func TestAdminRefusals(t *testing.T) {
	rows := []struct{ name, path, payload, want string }{
		{"not JSON", "posts", `{`, "body: unexpected EOF"},
		{"unknown field", "posts", `{"account":"acme","txt":"a"}`, `unknown field "txt"`},
		{"no account", "posts", `{"text":"a"}`, "account: empty"},
		{"no handle", "accounts", `{}`, "handle: empty"},
		{"no such account", "profiles", `{"account":"nobody","set":{}}`, `no account "nobody"`},
		{"unknown profile field", "profiles", `{"account":"acme","set":{"nam":"a"}}`, `set: json: unknown field "nam"`},
		{"no such post", "deletions", `{"id":"5"}`, "no post 5"},
		{"post id", "edits", `{"id":"x","text":"a"}`, `post id "x"; want digits`},
		{"fault kind", "faults", `{"kind":"teapot"}`, `fault kind "teapot"; want one of`},
		{"no such path", "coffee", `{}`, "no such path /_admin/coffee"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, xtest.Options{})
			resp := r.do(http.MethodPost, "/_admin/"+row.path, row.payload, "")
			said := resp.text("error")
			if resp.status != http.StatusBadRequest || !strings.Contains(said, row.want) {
				t.Errorf("status %d, error %q; want 400 and %q", resp.status, said, row.want)
			}
		})
	}
	t.Run("method", func(t *testing.T) {
		r := newRig(t, xtest.Options{})
		if resp := r.do(http.MethodGet, "/_admin/posts", "", ""); resp.status != http.StatusBadRequest {
			t.Errorf("status %d, want 400", resp.status)
		}
	})
}
