package githubtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func noon() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

// ask makes one request as GitHub's documentation shows it.
func ask(s *Server, path string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	req.Header.Set("Authorization", "Bearer secret")
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, req)
	return rec
}

func idsOf(t *testing.T, resp *httptest.ResponseRecorder) []string {
	t.Helper()
	var events []struct {
		ID string `json:"_document_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&events); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

func TestQueries(t *testing.T) {
	s := New(Options{Now: noon, Token: "secret"})
	for i, e := range []Event{
		{ID: "old", Created: noon().AddDate(0, -4, 0)},
		{ID: "first", Created: noon().Add(-2 * time.Hour)},
		{ID: "push", Action: "git.push", Created: noon().Add(-90 * time.Minute)},
		{ID: "second", Created: noon().Add(-time.Hour)},
		{ID: "later", Created: noon().Add(-time.Minute), Visible: noon().Add(time.Minute)},
		{ID: "gone", Created: noon().AddDate(0, 0, -181)},
	} {
		if e.Action == "" {
			e.Action = "org.add_member"
		}
		if id := s.Add(e); id != e.ID {
			t.Fatalf("event %d is %s", i, id)
		}
	}
	for query, want := range map[string][]string{
		"":           {"second", "first"},
		"?order=asc": {"first", "second"},
		"?include=all&order=asc&phrase=created:%3E%3D2025-10-01": {"old", "first", "push", "second"},
		"?include=git": {"push"},
		"?order=asc&phrase=created:%3E%3D2026-03-06T10:30:00Z": {"second"},
		"?per_page=1&order=asc":                                {"first"},
		"?per_page=1&order=desc":                               {"second"},
	} {
		if got := idsOf(t, ask(s, "/orgs/acme/audit-log"+query)); !slices.Equal(got, want) {
			t.Errorf("%s gives %q, want %q", query, got, want)
		}
	}
}

func TestPaging(t *testing.T) {
	for _, order := range []string{"asc", "desc"} {
		s := New(Options{Now: noon, Token: "secret"})
		var want []string
		for range 7 {
			want = append(want, s.Add(Event{Action: "org.add_member"}))
		}
		if order == "desc" {
			slices.Reverse(want)
		}
		var got []string
		path := "/enterprises/acme-corp/audit-log?per_page=3&order=" + order
		for range 3 {
			resp := ask(s, path)
			got = append(got, idsOf(t, resp)...)
			next, rest, ok := strings.Cut(strings.TrimPrefix(resp.Header().Get("Link"), "<"), ">")
			if ok != (len(got) < 7) || ok && !strings.HasPrefix(rest, `; rel="next"`) {
				t.Fatalf("after %d events: Link %q", len(got), resp.Header().Get("Link"))
			}
			if u, err := url.Parse(next); err == nil {
				path = u.RequestURI()
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", order, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	s := New(Options{Now: noon, Token: "secret", Limit: 4})
	for _, row := range []struct {
		path   string
		status int
		words  string
	}{
		{"/orgs/other/audit-log", 404, "Not Found"},
		{"/orgs/acme/audit-log?include=both", 422, "Validation Failed"},
		{"/orgs/acme/audit-log?after=zzz", 422, "Invalid cursor"},
		{"/orgs/acme/audit-log?phrase=actor:me", 422, "created:"},
		{"/orgs/acme/audit-log", 403, "API rate limit exceeded"},
	} {
		resp := ask(s, row.path)
		var body struct{ Message string }
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		if resp.Code != row.status || !strings.Contains(body.Message, row.words) {
			t.Errorf("%s: %d %q, want %d and %q", row.path, resp.Code, body.Message, row.status, row.words)
		}
	}
	if s.Over() != 1 || s.Count() != 5 {
		t.Errorf("%d of %d requests are beyond the limit, want 1 of 5", s.Over(), s.Count())
	}
	if err := s.AddFault(Fault{Kind: "nonsense"}); err == nil {
		t.Error("a fault of no kind was taken")
	}
}

// Another process drives it.
func TestAdmin(t *testing.T) {
	s := New(Options{Now: noon, Token: "secret"})
	post := func(path, body string) string {
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
		return rec.Body.String()
	}
	for _, row := range [][3]string{
		{"/_admin/events", `{"action": "user.login", "actor": "octocat", "more": {"org": "acme"}}`, `{"id":"Doc000000000000000001"}`},
		{"/_admin/events", `{"actor": "octocat"}`, `{"error":"action: empty"}`},
		{"/_admin/faults", `{"kind": "500", "times": 1}`, `{}`},
		{"/_admin/faults/clear", `{}`, `{}`},
		{"/_admin/nothing", `{}`, `{"error":"no such path /_admin/nothing"}`},
	} {
		if got := post(row[0], row[1]); got != row[2] {
			t.Errorf("%s %s answers %s, want %s", row[0], row[1], got, row[2])
		}
	}
	if got := idsOf(t, ask(s, "/orgs/acme/audit-log")); !slices.Equal(got, []string{"Doc000000000000000001"}) {
		t.Errorf("the log holds %q", got)
	}
}
