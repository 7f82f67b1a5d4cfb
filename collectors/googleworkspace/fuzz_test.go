package googleworkspace

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/googleworkspace/googleworkspacetest"
)

// answering returns a collector whose every request for activities is answered
// with a page.
func answering(t *testing.T, page []byte) *Collector {
	t.Helper()
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			page := `{"access_token":"ya29.x-0123456789","expires_in":3600}`
			return answer200(r, page), nil
		}
		return answer200(r, string(page)), nil
	})}
	c, err := New(Config{
		BaseURL: "https://admin.example", ServiceAccount: serviceAccount(t, "https://oauth.example/token"), AdminEmail: admin,
		Accept: func(string) bool { return true },
	}, collectors.Deps{HTTP: client, Now: start})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func answer200(r *http.Request, body string) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: r,
		Body: readCloser{strings.NewReader(body)}, ContentLength: int64(len(body)),
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// Whatever a page holds, nothing panics, every activity may be stored and keeps
// its event, the cursor is taken again, and no event is lost in silence.
func FuzzPage(f *testing.F) {
	for _, raw := range googleworkspacetest.Samples() {
		f.Add([]byte(`{"items":[` + string(raw) + `],"nextPageToken":"A:1:2"}`))
	}
	f.Add([]byte(`{"items":[{"id":{"time":"2026-03-06T12:00:00Z","uniqueQualifier":1,"applicationName":"login"},"actor":null,"events":[{"name":"logout"},null,[],{"name":"2sv_enroll","parameters":[{"name":"a","value":{}}]}]},null,1,""]}`))
	f.Add([]byte(`{"items":[{"id":{"time":"9999-01-01T00:00:00Z","uniqueQualifier":"1","applicationName":"admin"},"events":[{}]}]}`))
	f.Add([]byte(`{"items":{},"nextPageToken":7}`))
	f.Fuzz(func(t *testing.T, page []byte) {
		c := answering(t, page)
		p, err := c.Poll(t.Context(), nil)
		if err != nil {
			return
		}
		var sent struct {
			Items []json.RawMessage `json:"items"`
		}
		if err := json.Unmarshal(page, &sent); err != nil {
			t.Fatalf("a page that is none was taken: %v", err)
		}
		counts := c.Counts()
		distinct := map[string]bool{} // an unreadable event is told once
		for _, item := range sent.Items {
			distinct[string(item)] = true
		}
		if n := uint64(len(p.Activities)+len(p.Malformed)) + counts.Ignored + counts.Unguarded; n < uint64(len(distinct)) {
			t.Errorf("%d activities, %d malformed, %+v of %d records", len(p.Activities), len(p.Malformed), counts, len(distinct))
		}
		for _, a := range p.Activities {
			if err := a.Validate(); err != nil {
				t.Errorf("activity may not be stored: %v", err)
			}
		}
		if _, err := decodeState(p.Cursor, 0); err != nil {
			t.Errorf("cursor %s: %v", p.Cursor, err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add([]byte(`{"v":1,"streams":{"login":{"from":1772798400000,"began":1,"newest":2,"walk":{"start":3,"since":4,"newest":5,"token":"A:1:1"}}},"turn":4,"bad":[1]}`))
	f.Add([]byte(`{"v":1,"streams":{"other":null}}`))
	f.Add([]byte(`{"v":1,"streams":{"login":{"from":9223372036854775807}}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, cursor []byte) {
		c := answering(t, []byte(`{}`))
		page, err := c.Poll(t.Context(), cursor)
		if err != nil {
			return
		}
		if _, err := decodeState(page.Cursor, 0); err != nil {
			t.Errorf("%s became %s: %v", cursor, page.Cursor, err)
		}
	})
}

func TestCursorFaults(t *testing.T) {
	for _, row := range []struct{ cursor, says string }{
		{`[]`, "cannot unmarshal array"},
		{`{"v":2}`, "version 2; want 1"},
		{`{"v":1,"turn":5}`, "turn 5; want 0 to 4"},
		{`{"v":1,"streams":{"login":{"from":-1}}}`, "a time that is none"},
		{`{"v":1,"streams":{"login":null}}`, `stream "login" is null`},
		{`{"v":1,"streams":{"login":{"from":1,"walk":{"token":"` + strings.Repeat("x", 5000) + `"}}}}`, "page token of 5000 bytes; want at most 4096"},
	} {
		_, err := decodeState(json.RawMessage(row.cursor), start().Add(-time.Hour).UnixMilli())
		if err == nil || !strings.Contains(err.Error(), row.says) || !strings.Contains(err.Error(), "clear the source's cursor") {
			t.Errorf("%.60s: error %v, want %q and how to mend it", row.cursor, err, row.says)
		}
	}
}
