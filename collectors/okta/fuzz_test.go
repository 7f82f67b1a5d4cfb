package okta

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/picketd/picket/collectors"
)

// Whatever a page holds, nothing panics, every activity may be stored and keeps
// its event, the cursor is taken again, and no event is lost in silence.
func FuzzPage(f *testing.F) {
	sample, err := os.ReadFile("testdata/page.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample, `<https://acme.example/api/v1/logs?after=17_1>; rel="next"`)
	f.Add([]byte(`[{"uuid":"u","published":"2026-03-06T12:00:00Z","eventType":"user.session.start","actor":{"alternateId":"editor-1"},"outcome":{"result":"DENY"}}]`), "")
	f.Add([]byte(`[{"uuid":"u","published":"9999-03-06T12:00:00Z","eventType":"a.privilege.grant","target":[{"type":"User","alternateId":"@"}]},null,1,"",[]]`), "<?>;rel=next")
	f.Add([]byte(`[{"client":{"geographicalContext":{"geolocation":{"lat":1e308,"lon":-0}}},"securityContext":{"asNumber":1e99}}]`), "")
	f.Fuzz(func(t *testing.T, page []byte, link string) {
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return handled(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Link"] = []string{link}
				_, _ = w.Write(page)
			}), r), nil
		})}
		c, err := New(Config{
			BaseURL: "https://acme.example", Token: token, PageSize: 10,
			Accept: func(string) bool { return true },
		}, collectors.Deps{HTTP: client, Now: start})
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.Poll(t.Context(), nil)
		if err != nil {
			return
		}
		var events []json.RawMessage
		if err := json.Unmarshal(page, &events); err != nil {
			t.Fatalf("a page that is none was taken: %v", err)
		}
		counts := c.Counts()
		ignored := counts.Ignored + counts.Unguarded
		distinct := map[string]bool{} // an unreadable event is told once
		for _, e := range events {
			distinct[string(e)] = true
		}
		if n := uint64(len(p.Activities)+len(p.Malformed)) + ignored; n > uint64(len(events)) || n < uint64(len(distinct)) {
			t.Errorf("%d activities, %d malformed and %d ignored of %d events", len(p.Activities), len(p.Malformed), ignored, len(events))
		}
		for _, a := range p.Activities {
			if err := a.Validate(); err != nil {
				t.Errorf("activity may not be stored: %v", err)
			}
			if len(a.Raw) > 0 && !bytes.Contains(page, a.Raw) {
				t.Errorf("raw %q is not in the page", a.Raw)
			}
			if a.Time.Before(p.Overlap) {
				t.Errorf("activity of %s is before the overlap of %s", a.Time, p.Overlap)
			}
		}
		if _, err := decodeState(p.Cursor); err != nil {
			t.Errorf("cursor %s: %v", p.Cursor, err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add([]byte(`{"v":1,"read":1772798400000,"newest":1772798300000,"low":1772798200000,"walk":{"start":1,"since":2,"next":"after=1_1"}}`))
	f.Add([]byte(`{"v":1,"newest":9223372036854775807,"prev":1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, cursor []byte) {
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return handled(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("[]")) }), r), nil
		})}
		c, err := New(Config{BaseURL: "https://acme.example", Token: token, Accept: editors}, collectors.Deps{HTTP: client, Now: start})
		if err != nil {
			t.Fatal(err)
		}
		page, err := c.Poll(t.Context(), cursor)
		if err != nil {
			return
		}
		if _, err := decodeState(page.Cursor); err != nil {
			t.Errorf("%s became %s: %v", cursor, page.Cursor, err)
		}
	})
}

func FuzzLinkAndCountry(f *testing.F) {
	f.Add(`<https://a/b?c,d>; title="x,y"; rel="prev next", <e>; rel=self`)
	f.Add("<a><b>;rel=\"next")
	f.Add("Côte d’Ivoire")
	f.Fuzz(func(t *testing.T, s string) {
		linkTo([]string{s, s}, "next")
		if code := Country(s); code != "" && (len(code) != 2 || !isCode(code)) {
			t.Errorf("%q is %q", s, code)
		}
	})
}

func TestLinkTo(t *testing.T) {
	for _, row := range []struct {
		headers []string
		want    string
	}{
		{[]string{`<https://a/x?1>; rel="self"`, `<https://a/x?2>; rel="next"`}, "https://a/x?2"},
		{[]string{`<https://a/x?1>; rel="self", <https://a/x?2,3>; rel="next"`}, "https://a/x?2,3"},
		{[]string{`<https://a/x?2>;rel=next`}, "https://a/x?2"},
		{[]string{`<https://a/x?2>; title="t"; REL="prev Next"`}, "https://a/x?2"},
		{[]string{`<https://a/x?2>; rel="nextish"`}, ""},
		{[]string{`https://a/x?2; rel="next"`, `<unfinished`}, ""},
		{nil, ""},
	} {
		if got := linkTo(row.headers, "next"); got != row.want {
			t.Errorf("%q leads to %q, want %q", row.headers, got, row.want)
		}
	}
}
