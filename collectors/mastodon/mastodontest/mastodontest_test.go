package mastodontest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type rig struct {
	t   *testing.T
	srv *mastodontest.Server
	id  string // of acme
	now time.Time
}

func newRig(t *testing.T, opts mastodontest.Options) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)}
	opts.Now = func() time.Time { return r.now }
	opts.Tokens = map[string]mastodontest.Token{
		"own": {User: "acme"}, "app": {}, "narrow": {User: "acme", Scopes: []string{"read:accounts"}},
		"statuses": {User: "acme", Scopes: []string{"read:statuses"}},
	}
	r.srv = mastodontest.New(opts)
	r.id = r.srv.AddAccount(mastodontest.Profile{Name: "acme", Followers: 5})
	return r
}

// get returns what a request was answered, its body decoded where it is JSON.
func (r *rig) get(path, token string) (int, http.Header, any) {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), http.MethodGet, path, http.NoBody)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	r.srv.ServeHTTP(rec, req)
	var body any
	if strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
			r.t.Fatalf("%s: %v in %s", path, err, rec.Body)
		}
	}
	return rec.Code, rec.Header(), body
}

func (r *rig) post(path, body string) (int, map[string]any) {
	r.t.Helper()
	rec := httptest.NewRecorder()
	r.srv.ServeHTTP(rec, httptest.NewRequestWithContext(r.t.Context(), http.MethodPost, path, strings.NewReader(body)))
	var out map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		r.t.Fatalf("%s: %v in %s", path, err, rec.Body)
	}
	return rec.Code, out
}

func idsOf(body any) []string {
	out := []string{}
	list, _ := body.([]any)
	for _, item := range list {
		o, _ := item.(map[string]any)
		id, _ := o["id"].(string)
		out = append(out, id)
	}
	return out
}

// The pages of methods/accounts and api/guidelines.
func TestPages(t *testing.T) {
	r := newRig(t, mastodontest.Options{})
	var all []string
	for range 50 {
		r.now = r.now.Add(time.Second)
		all = append(all, r.srv.Post("acme", mastodontest.Status{Text: "hi"}))
	}
	slices.Reverse(all) // newest first
	base := "/api/v1/accounts/" + r.id + "/statuses"
	rows := []struct {
		query string
		want  []string
		next  string // max_id of the next page
	}{
		{"", all[:20], all[19]},
		{"?limit=5", all[:5], all[4]},
		{"?limit=100", all[:40], all[39]},
		{"?limit=40&max_id=" + all[39], all[40:], ""},
		{"?limit=5&max_id=" + all[9], all[10:15], all[14]},
		{"?since_id=" + all[3], all[:3], ""},
		{"?since_id=" + all[30] + "&max_id=" + all[20], all[21:30], ""},
	}
	for _, row := range rows {
		status, header, body := r.get(base+row.query, "")
		if diff := cmp.Diff(row.want, idsOf(body)); status != 200 || diff != "" {
			t.Errorf("%q: status %d (-want +got):\n%s", row.query, status, diff)
		}
		if link := header.Get("Link"); (row.next != "") != strings.Contains(link, `rel="next"`) || !strings.Contains(link, "max_id="+row.next) && row.next != "" {
			t.Errorf("%q: Link %q, want max_id %q", row.query, link, row.next)
		}
	}
}

func TestAnswers(t *testing.T) {
	r := newRig(t, mastodontest.Options{})
	pub := r.srv.Post("acme", mastodontest.Status{Text: "hi", App: "Web"})
	private := r.srv.Post("acme", mastodontest.Status{Text: "psst", Visibility: "private"})
	gone := r.srv.Post("acme", mastodontest.Status{Text: "gone"})
	if err := r.srv.Delete(gone); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		path, token string
		status      int
		says        string
	}{
		{"/api/v1/accounts/lookup?acct=acme", "", 200, `"acct":"acme"`},
		{"/api/v1/accounts/lookup?acct=ACME@social.example", "", 200, `"acct":"acme"`},
		{"/api/v1/accounts/lookup?acct=nobody", "", 404, "Record not found"},
		{"/api/v1/accounts/" + r.id, "", 200, `"followers_count":5`},
		{"/api/v1/accounts/1", "", 404, "Record not found"},
		{"/api/v1/accounts/1/statuses", "", 404, "Record not found"},
		{"/api/v1/statuses/" + pub, "", 200, `"content":"\u003cp\u003ehi\u003c/p\u003e"`},
		{"/api/v1/statuses/" + pub, "own", 200, `"application":{"name":"Web"`},
		{"/api/v1/statuses/" + private, "", 404, "Record not found"},
		{"/api/v1/statuses/" + private, "own", 200, `"visibility":"private"`},
		{"/api/v1/statuses/" + gone, "own", 404, "Record not found"},
		{"/api/v1/statuses/" + pub, "narrow", 403, "outside the authorized scopes"},
		{"/api/v1/statuses/" + pub, "other", 401, "access token is invalid"},
		{"/api/v1/statuses/" + pub + "/history", "", 200, `"created_at"`},
		{"/api/v1/statuses?id[]=" + strings.Repeat("1&id[]=", 20) + "1", "", 422, "Validation failed"},
		{"/api/v1/accounts/verify_credentials", "", 401, "access token is invalid"},
		{"/api/v1/accounts/verify_credentials", "app", 422, "requires an authenticated user"},
		{"/api/v1/accounts/verify_credentials", "own", 200, `"source":`},
		{"/api/v1/notifications", "own", 200, "[]"},
		{"/about", "", 404, "null"},
	}
	for _, row := range rows {
		status, _, body := r.get(row.path, row.token)
		text, err := json.Marshal(body)
		if err != nil || status != row.status || !strings.Contains(string(text), row.says) {
			t.Errorf("%s with %q: status %d, %s; want %d and %s", row.path, row.token, status, text, row.status, row.says)
		}
	}
	if _, _, body := r.get("/api/v1/statuses?id[]="+pub+"&id[]="+private+"&id[]="+gone, ""); !slices.Equal(idsOf(body), []string{pub}) {
		t.Errorf("several gave %v, want the public one", idsOf(body))
	}
}

// api/rate-limits.
func TestLimit(t *testing.T) {
	r := newRig(t, mastodontest.Options{Limit: 2})
	path := "/api/v1/accounts/" + r.id
	for i, want := range []struct {
		status int
		left   string
	}{{200, "1"}, {200, "0"}, {429, "0"}} {
		status, header, _ := r.get(path, "")
		if status != want.status || header.Get("X-Ratelimit-Remaining") != want.left || header.Get("X-Ratelimit-Reset") != "2026-03-06T12:05:00.000000Z" {
			t.Errorf("request %d: status %d, %v", i, status, header)
		}
	}
	if status, _, _ := r.get(path, "own"); status != 200 {
		t.Errorf("another login: status %d", status)
	}
	r.now = r.now.Add(5 * time.Minute)
	if status, _, _ := r.get(path, ""); status != 200 {
		t.Errorf("in the next window: status %d", status)
	}
}

func TestLoginOnly(t *testing.T) {
	r := newRig(t, mastodontest.Options{LoginOnly: true})
	for token, want := range map[string]int{"": 401, "app": 401, "own": 200} {
		if status, _, _ := r.get("/api/v1/accounts/"+r.id, token); status != want {
			t.Errorf("token %q: status %d, want %d", token, status, want)
		}
	}
}

func TestHistory(t *testing.T) {
	r := newRig(t, mastodontest.Options{})
	id := r.srv.Post("acme", mastodontest.Status{Text: "one"})
	r.now = r.now.Add(1500 * time.Millisecond)
	if err := r.srv.Edit(id, "two"); err != nil {
		t.Fatal(err)
	}
	_, _, body := r.get("/api/v1/statuses/"+id, "")
	if o, _ := body.(map[string]any); o["edited_at"] != "2026-03-06T12:00:01.500Z" || o["created_at"] != "2026-03-06T12:00:00.000Z" || o["content"] != "<p>two</p>" {
		t.Errorf("status %v", body)
	}
	_, _, body = r.get("/api/v1/statuses/"+id+"/history", "")
	list, _ := body.([]any)
	if len(list) != 2 {
		t.Fatalf("history %v", body)
	}
	if first, _ := list[0].(map[string]any); first["content"] != "<p>one</p>" || first["created_at"] != "2026-03-06T12:00:00.000Z" {
		t.Errorf("first version %v", first)
	}
}

func TestMarkUp(t *testing.T) {
	r := newRig(t, mastodontest.Options{})
	r.srv.AddAccount(mastodontest.Profile{Name: "fan@other.example"})
	rows := map[string]string{
		"a <b>\nc\n\nd":            "<p>a &lt;b&gt;<br />c</p><p>d</p>",
		"@acme @fan@other.example": `<p><span class="h-card" translate="no"><a href="https://social.example/@acme" class="u-url mention">@<span>acme</span></a></span> <span class="h-card" translate="no"><a href="https://other.example/@fan" class="u-url mention">@<span>fan</span></a></span></p>`,
		"@nobody #Sale #1":         `<p>@nobody <a href="https://social.example/tags/sale" class="mention hashtag" rel="tag">#<span>Sale</span></a> #1</p>`,

		"https://www.acme.example/a/very/long/path?x=1.": `<p><a href="https://www.acme.example/a/very/long/path?x=1" target="_blank" rel="nofollow noopener noreferrer" translate="no"><span class="invisible">https://www.</span><span class="ellipsis">acme.example/a/very/long/path?</span><span class="invisible">x=1</span></a>.</p>`,
	}
	for text, want := range rows {
		_, _, body := r.get("/api/v1/statuses/"+r.srv.Post("acme", mastodontest.Status{Text: text}), "")
		if o, _ := body.(map[string]any); o["content"] != want {
			t.Errorf("%q became\n%v, want\n%s", text, o["content"], want)
		}
	}
}

func TestNotifications(t *testing.T) {
	r := newRig(t, mastodontest.Options{})
	r.srv.Post("fan", mastodontest.Status{Text: "hello @acme"})
	if _, err := r.srv.Notify("acme", "follow", "fan", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := r.srv.Notify("nobody", "follow", "fan", ""); err == nil {
		t.Error("a notification to nobody was made")
	}
	_, _, body := r.get("/api/v1/notifications", "own")
	if n := len(idsOf(body)); n != 2 {
		t.Errorf("%d notifications, want 2", n)
	}
	_, _, body = r.get("/api/v1/notifications?exclude_types[]=follow", "own")
	list, _ := body.([]any)
	if len(list) != 1 {
		t.Fatalf("notifications %v, want the mention", body)
	}
	if o, _ := list[0].(map[string]any); o["type"] != "mention" || o["status"] == nil || o["account"] == nil {
		t.Errorf("notification %v", o)
	}
}

func TestAdmin(t *testing.T) {
	r := newRig(t, mastodontest.Options{})
	_, made := r.post("/_admin/posts", `{"account":"acme","text":"hi","at":"2026-03-06T11:00:00Z"}`)
	id, _ := made["id"].(string)
	rows := []struct {
		path, body string
		status     int
		says       string
	}{
		{"/_admin/accounts", `{"name":"fan","display_name":"Fan"}`, 200, `"id"`},
		{"/_admin/accounts", `{}`, 400, "name: empty"},
		{"/_admin/posts", `{"text":"hi"}`, 400, "account: empty"},
		{"/_admin/posts", `{"account":"acme","txt":"hi"}`, 400, "unknown field"},
		{"/_admin/edits", `{"id":"` + id + `","text":"ho"}`, 200, "{}"},
		{"/_admin/edits", `{"id":"7","text":"ho"}`, 400, "no status"},
		{"/_admin/omissions", `{"id":"` + id + `","on":true}`, 200, "{}"},
		{"/_admin/omissions", `{"id":"7","on":true}`, 400, "no status"},
		{"/_admin/deletions", `{"id":"` + id + `"}`, 200, "{}"},
		{"/_admin/deletions", `{"id":"` + id + `"}`, 400, "no status"},
		{"/_admin/profiles", `{"account":"acme","set":{"note":"new","followers":9}}`, 200, "{}"},
		{"/_admin/profiles", `{"account":"acme","set":{"nope":1}}`, 400, "unknown field"},
		{"/_admin/profiles", `{"account":"nobody","set":{}}`, 400, "no account"},
		{"/_admin/suspensions", `{"account":"fan","on":true}`, 200, "{}"},
		{"/_admin/hidings", `{"account":"fan","on":true}`, 200, "{}"},
		{"/_admin/faults", `{"kind":"500","endpoint":"accounts/:id","times":1}`, 200, "{}"},
		{"/_admin/faults", `{"kind":"nope"}`, 400, "want one of"},
		{"/_admin/nothing", `{}`, 400, "no such path"},
	}
	for _, row := range rows {
		status, body := r.post(row.path, row.body)
		text, err := json.Marshal(body)
		if err != nil || status != row.status || !strings.Contains(string(text), row.says) {
			t.Errorf("%s %s: status %d, %s; want %d and %s", row.path, row.body, status, text, row.status, row.says)
		}
	}
	for _, want := range []int{500, 200} {
		status, _, body := r.get("/api/v1/accounts/"+r.id, "")
		if status != want {
			t.Errorf("status %d, want %d", status, want)
		}
		if o, _ := body.(map[string]any); want == 200 && (o["note"] != "<p>new</p>" || o["followers_count"] != 9.) {
			t.Errorf("account %v", o)
		}
	}
	if status, _ := r.post("/_admin/faults/clear", `{}`); status != 200 {
		t.Errorf("clear: status %d", status)
	}
	_, _, body := r.get("/_admin/requests", "")
	if o, _ := body.(map[string]any); !cmp.Equal(o["counts"], any(map[string]any{"accounts/:id": 2.})) {
		t.Errorf("requests %v", body)
	}
	if status, _, _ := r.get("/_admin/faults", ""); status != 400 {
		t.Errorf("GET of faults: status %d", status)
	}
}

func TestEndpoint(t *testing.T) {
	for path, want := range map[string]string{
		"/api/v1/accounts/lookup": mastodontest.Lookup, "/api/v1/accounts/verify_credentials": mastodontest.Self,
		"/api/v1/accounts/17": mastodontest.Account, "/api/v1/accounts/17/statuses": mastodontest.Statuses,
		"/api/v1/statuses": mastodontest.Several, "/api/v1/statuses/5": mastodontest.One,
		"/api/v1/statuses/5/history": mastodontest.History, "/api/v1/notifications": mastodontest.Notifications,
		"/api/v1/tokens": mastodontest.Tokens, "/api/oauth_tokens": mastodontest.OAuthTokens,
	} {
		if got := mastodontest.Endpoint(path); got != want {
			t.Errorf("Endpoint(%q) = %q, want %q", path, got, want)
		}
	}
}
