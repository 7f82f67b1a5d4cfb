package oktatest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/okta/oktatest"
)

func start() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

// rig is a server with a clock.
type rig struct {
	t   *testing.T
	srv *oktatest.Server
	now time.Time
}

func newRig(t *testing.T, opts oktatest.Options) *rig {
	t.Helper()
	r := &rig{t: t, now: start()}
	opts.Now = func() time.Time { return r.now }
	opts.Token = "right"
	r.srv = oktatest.New(opts)
	return r
}

func (r *rig) do(method, target, token, body string) *httptest.ResponseRecorder {
	r.t.Helper()
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	rec := httptest.NewRecorder()
	r.srv.ServeHTTP(rec, req)
	return rec
}

// get asks for a page and returns the answer and the uuids of its events.
func (r *rig) get(query string) (*httptest.ResponseRecorder, []string) {
	r.t.Helper()
	rec := r.do(http.MethodGet, "https://acme.okta.com/api/v1/logs?"+query, "SSWS right", "")
	var events []struct{ UUID string }
	if rec.Code == http.StatusOK {
		if err := json.Unmarshal(rec.Body.Bytes(), &events); err != nil {
			r.t.Fatalf("answer %s: %v", rec.Body, err)
		}
	}
	var ids []string
	for _, e := range events {
		ids = append(ids, e.UUID)
	}
	return rec, ids
}

// next returns the query of the link to the next page.
func (r *rig) next(rec *httptest.ResponseRecorder) string {
	r.t.Helper()
	for _, link := range rec.Header()["Link"] {
		if target, ok := strings.CutSuffix(link, `>; rel="next"`); ok {
			u, err := url.Parse(strings.TrimPrefix(target, "<"))
			if err != nil {
				r.t.Fatal(err)
			}
			return u.RawQuery
		}
	}
	r.t.Fatalf("no next link in %v", rec.Header()["Link"])
	return ""
}

const polling = "sortOrder=ASCENDING&limit=2&since=2026-03-06T11:00:00.000Z"

// Polling goes by the time of storing: what is late comes, and an empty page has
// a next link too.
func TestPolling(t *testing.T) {
	r := newRig(t, oktatest.Options{})
	a := r.srv.Add(oktatest.Event{Type: "user.session.start", Published: start().Add(-2 * time.Hour)})
	b := r.srv.Add(oktatest.Event{Type: "user.session.start", Published: start().Add(-3 * time.Hour)})
	c := r.srv.Add(oktatest.Event{Type: "user.session.end", Visible: start().Add(time.Hour)})
	early := start().Add(-90 * time.Minute)
	r.srv.Add(oktatest.Event{Type: "user.session.start", Published: early, Stored: early})
	rec, got := r.get(polling)
	if !slices.Equal(got, []string{a, b}) {
		t.Errorf("first page %v, want what was stored since, in that order", got)
	}
	query := r.next(rec)
	if strings.Contains(query, "since=") || !strings.Contains(query, "after=") {
		t.Errorf("next link %s, want after in place of since", query)
	}
	rec, got = r.get(query)
	if len(got) != 0 || r.next(rec) == "" {
		t.Errorf("second page %v, want none and a link all the same", got)
	}
	r.now = r.now.Add(time.Hour)
	if _, got = r.get(r.next(rec)); !slices.Equal(got, []string{c}) {
		t.Errorf("an hour later %v, want %s", got, c)
	}
}

// A descending request goes by the time of what happened, newest first.
func TestDescending(t *testing.T) {
	r := newRig(t, oktatest.Options{})
	late := r.srv.Add(oktatest.Event{Type: "user.session.start", Published: start().Add(-30 * time.Minute)})
	newest := r.srv.Add(oktatest.Event{Type: "user.session.end", Published: start().Add(-10 * time.Minute)})
	r.srv.Add(oktatest.Event{Type: "user.session.start", Published: start().Add(-2 * time.Hour)})
	r.srv.Add(oktatest.Event{Type: "user.session.start", Visible: start().Add(time.Hour)})
	const since = "sortOrder=DESCENDING&since=2026-03-06T11:00:00.000Z"
	if _, got := r.get(since); !slices.Equal(got, []string{newest, late}) {
		t.Errorf("page %v, want what happened since, newest first: %v", got, []string{newest, late})
	}
	if _, got := r.get(since + "&limit=1"); !slices.Equal(got, []string{newest}) {
		t.Errorf("page of one %v, want the newest", got)
	}
}

func TestFilter(t *testing.T) {
	r := newRig(t, oktatest.Options{})
	for _, kind := range []string{"user.session.start", "user.session.end", "group.privilege.grant", "policy.x"} {
		r.srv.Add(oktatest.Event{Type: kind, UUID: kind})
	}
	for filter, want := range map[string][]string{
		"":                                {"user.session.start", "user.session.end", "group.privilege.grant", "policy.x"},
		`eventType eq "user.session.end"`: {"user.session.end"},
		`eventType sw "user." or eventType ew ".grant"`: {"user.session.start", "user.session.end", "group.privilege.grant"},
	} {
		if _, got := r.get("sortOrder=ASCENDING&filter=" + url.QueryEscape(filter)); !slices.Equal(got, want) {
			t.Errorf("filter %q gave %v, want %v", filter, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t, oktatest.Options{})
	rows := []struct {
		name, method, target, token string
		status                      int
		says                        string
	}{
		{"no token", "GET", "/api/v1/logs?sortOrder=ASCENDING", "", 401, "E0000011"},
		{"wrong token", "GET", "/api/v1/logs?sortOrder=ASCENDING", "SSWS wrong", 401, "E0000011"},
		{"bearer", "GET", "/api/v1/logs?sortOrder=ASCENDING", "Bearer right", 401, "E0000011"},
		{"other path", "GET", "/api/v1/users", "SSWS right", 404, "E0000022"},
		{"other method", "POST", "/api/v1/logs", "SSWS right", 405, "E0000022"},
		{"bounded", "GET", "/api/v1/logs?sortOrder=ASCENDING&until=2026-03-06T12:00:00Z", "SSWS right", 501, "Unsupported operation"},
		{"no order", "GET", "/api/v1/logs", "SSWS right", 501, "Unsupported operation"},
		{"further descending", "GET", "/api/v1/logs?sortOrder=DESCENDING&after=1_1", "SSWS right", 501, "Unsupported operation"},
		{"limit", "GET", "/api/v1/logs?sortOrder=ASCENDING&limit=1001", "SSWS right", 400, "limit"},
		{"since", "GET", "/api/v1/logs?sortOrder=ASCENDING&since=yesterday", "SSWS right", 400, "not recognized"},
		{"since long ago", "GET", "/api/v1/logs?sortOrder=ASCENDING&since=2025-01-01T00:00:00Z", "SSWS right", 400, "over 180 days"},
		{"since and after", "GET", "/api/v1/logs?sortOrder=ASCENDING&since=2026-03-06T12:00:00Z&after=1_1", "SSWS right", 400, "mutually exclusive"},
		{"after", "GET", "/api/v1/logs?sortOrder=ASCENDING&after=x", "SSWS right", 400, "after"},
		{"filter", "GET", "/api/v1/logs?sortOrder=ASCENDING&filter=published+gt+1", "SSWS right", 400, "E0000053"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			rec := r.do(row.method, row.target, row.token, "")
			if rec.Code != row.status || !strings.Contains(rec.Body.String(), row.says) {
				t.Errorf("status %d, %s; want %d and %q", rec.Code, rec.Body, row.status, row.says)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	r := newRig(t, oktatest.Options{Limit: 2})
	for i, want := range []int{200, 200, 429} {
		rec, _ := r.get(polling)
		if rec.Code != want {
			t.Errorf("request %d: status %d, want %d", i+1, rec.Code, want)
		}
		if got := rec.Header().Get("X-Rate-Limit-Reset"); got != "1772798460" {
			t.Errorf("reset %s, want the end of the minute", got)
		}
	}
	r.now = r.now.Add(time.Minute)
	if rec, _ := r.get(polling); rec.Code != 200 || rec.Header().Get("X-Rate-Limit-Remaining") != "1" {
		t.Errorf("next minute: status %d", rec.Code)
	}
}

func TestDisorder(t *testing.T) {
	r := newRig(t, oktatest.Options{Shuffle: 3})
	var want []string
	for range 20 {
		id := r.srv.Add(oktatest.Event{Type: "user.session.start", Twice: true})
		want = append(want, id, id)
	}
	_, got := r.get("sortOrder=ASCENDING&limit=100")
	if slices.Equal(got, want) {
		t.Error("the page is in order")
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %d events, want each of 20 twice", len(got))
	}
}

func TestAdmin(t *testing.T) {
	r := newRig(t, oktatest.Options{})
	rec := r.do("POST", "/_admin/events", "", `{"type":"user.session.start","actor":"a@b.example","uuid":"u1","lat":1.5,"lon":2.5}`)
	if rec.Code != 200 || rec.Body.String() != `{"uuid":"u1"}` {
		t.Errorf("status %d, %s", rec.Code, rec.Body)
	}
	if _, got := r.get(polling); !slices.Equal(got, []string{"u1"}) {
		t.Errorf("log %v, want u1", got)
	}
	for path, body := range map[string]string{
		"events": `{"typ":"x"}`, "faults": `{"kind":"nosuch"}`, "nosuch": `{}`, "events ": `{`,
	} {
		if rec := r.do("POST", "/_admin/"+url.PathEscape(path), "", body); rec.Code != 400 || !strings.Contains(rec.Body.String(), "error") {
			t.Errorf("%s %s: status %d, %s; want 400", path, body, rec.Code, rec.Body)
		}
	}
	if rec := r.do("POST", "/_admin/faults", "", `{"kind":"503","times":1}`); rec.Code != 200 {
		t.Errorf("status %d, %s", rec.Code, rec.Body)
	}
	if rec, _ := r.get(polling); rec.Code != 503 {
		t.Errorf("status %d, want the fault", rec.Code)
	}
	if rec, _ := r.get(polling); rec.Code != 200 {
		t.Errorf("status %d, want the fault to be over", rec.Code)
	}
	rec = r.do("GET", "/_admin/requests", "", "")
	if !strings.Contains(rec.Body.String(), `"count":3`) || !strings.Contains(rec.Body.String(), `"status":503`) {
		t.Errorf("requests %s, want 3 with the 503", rec.Body)
	}
	if strings.Contains(rec.Body.String(), "right") {
		t.Errorf("the token is in %s", rec.Body)
	}
}
