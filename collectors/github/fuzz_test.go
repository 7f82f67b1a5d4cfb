package github

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
	f.Add(sample, `<https://api.github.example/orgs/acme/audit-log?after=MS4x&before=>; rel="next", <https://a/?after=>; rel="first"`)
	f.Add([]byte(`[{"action":"user.failed_login","user":"editor-1","@timestamp":1772798280123}]`), "")
	f.Add([]byte(`[{"action":"org.add_member","user":"\u202e","actor":"x","@timestamp":1e3},null,1,"",[],{}]`), "<?>;rel=next")
	f.Add([]byte(`[{"action":"repo.x","actor":"a","@timestamp":1772798280123,"actor_location":{"country_code":"\u00e9"},"actor_ip":"::1%eth0"}]`), `<%zz?after=a>; rel="next"`)
	f.Fuzz(func(t *testing.T, page []byte, link string) {
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return handled(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Link"] = []string{link}
				_, _ = w.Write(page)
			}), r), nil
		})}
		c, err := New(Config{Org: "acme", Token: token, Accept: func(string) bool { return true }}, collectors.Deps{HTTP: client, Now: start})
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
		told := map[string]bool{} // an unreadable event is told once, one before the walk not at all
		due := 0
		since := start().Add(-DefaultBackfill)
		for _, raw := range events {
			e, err := decodeEvent(raw)
			switch {
			case err != nil && !told[string(raw)]:
				told[string(raw)] = true
				due++
			case err == nil && !e.time.Before(since):
				due++
			}
		}
		counts := c.Counts()
		// What is ahead of the clock is counted when it has come.
		if n := len(p.Activities) + len(p.Malformed) + int(counts.Ignored+counts.Unguarded); n > due {
			t.Errorf("%d activities, %d malformed, counts %+v of %d events that are due", len(p.Activities), len(p.Malformed), counts, due)
		}
		for i := range p.Activities {
			a := &p.Activities[i]
			if err := a.Validate(); err != nil {
				t.Errorf("activity may not be stored: %v", err)
			}
			if len(a.Raw) > 0 && !bytes.Contains(page, a.Raw) {
				t.Errorf("raw %q is not in the page", a.Raw)
			}
		}
		if _, err := decodeState(p.Cursor); err != nil {
			t.Errorf("cursor %s: %v", p.Cursor, err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add([]byte(`{"v":1,"read":1772798400000,"newest":1772798300000,"walk":{"start":1,"since":2,"after":"MS4x"},"bad":[1,2]}`))
	f.Add([]byte(`{"v":1,"newest":9223372036854775807,"read":1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, cursor []byte) {
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return handled(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("[]")) }), r), nil
		})}
		c, err := New(Config{Org: "acme", Token: token, Accept: editors}, collectors.Deps{HTTP: client, Now: start})
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
