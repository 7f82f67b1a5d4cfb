package entra

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/entra/entratest"
)

// answering returns a collector whose every request for activities is answered
// with a page.
func answering(t *testing.T, page []byte) *Collector {
	t.Helper()
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			page := `{"access_token":"eyJ.x-0123456789","expires_in":3600}`
			return answer200(r, page), nil
		}
		return answer200(r, string(page)), nil
	})}
	c, err := New(Config{
		BaseURL: "https://graph.example", Tenant: entratest.Tenant, ClientID: entratest.ClientID, ClientSecret: entratest.ClientSecret,
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
	for _, raw := range entratest.SignInSamples() {
		f.Add([]byte(`{"value":[`+string(raw)+`],"@odata.nextLink":"https://graph.example/v1.0/auditLogs/signIns?$skiptoken=1_1"}`), false)
	}
	for _, raw := range entratest.AuditSamples() {
		f.Add([]byte(`{"value":[`+string(raw)+`]}`), true)
	}
	f.Add([]byte(`{"value":[{"id":"a","createdDateTime":"2026-03-06T12:00:00Z","status":{"errorCode":0},"location":null,"deviceDetail":7},null,[],1,""]}`), false)
	f.Add([]byte(`{"value":[{"id":"a","activityDateTime":"9999-01-01T00:00:00Z","activityDisplayName":"Update user","targetResources":[{"modifiedProperties":[{}]}]}]}`), true)
	f.Add([]byte(`{"value":{},"@odata.nextLink":"::"}`), false)
	f.Fuzz(func(t *testing.T, page []byte, audits bool) {
		c := answering(t, page)
		c.cfg.NoSignIns = audits
		p, err := c.Poll(t.Context(), nil)
		if err != nil {
			return
		}
		var sent struct {
			Value []json.RawMessage `json:"value"`
		}
		if err := json.Unmarshal(page, &sent); err != nil {
			t.Fatalf("a page that is none was taken: %v", err)
		}
		counts := c.Counts()
		distinct := map[string]bool{} // an unreadable event is told once
		for _, item := range sent.Value {
			distinct[string(item)] = true
		}
		n := uint64(len(p.Activities)+len(p.Malformed)) + counts.Ignored + counts.Unguarded
		if n > uint64(len(sent.Value)) || n < uint64(len(distinct)) {
			t.Errorf("%d activities, %d malformed, %+v of %d events", len(p.Activities), len(p.Malformed), counts, len(sent.Value))
		}
		for _, a := range p.Activities {
			if err := a.Validate(); err != nil {
				t.Errorf("activity may not be stored: %v", err)
			}
			if len(a.Raw) > 0 && !bytes.Contains(page, a.Raw) {
				t.Errorf("raw %q is not in the page", a.Raw)
			}
		}
		if _, err := decodeState(p.Cursor, 0); err != nil {
			t.Errorf("cursor %s: %v", p.Cursor, err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add([]byte(`{"v":1,"streams":{"signIns":{"from":1772798400000,"began":1,"newest":2,"walk":{"start":3,"since":4,"newest":5,"token":"a=1"}}},"turn":1,"bad":[1]}`))
	f.Add([]byte(`{"v":1,"streams":{"other":null}}`))
	f.Add([]byte(`{"v":1,"streams":{"signIns":{"from":9223372036854775807}}}`))
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
		{`{"v":1,"turn":2}`, "turn 2; want 0 to 1"},
		{`{"v":1,"streams":{"signIns":{"from":-1}}}`, "a time that is none"},
		{`{"v":1,"streams":{"signIns":null}}`, `stream "signIns" is null`},
		{`{"v":1,"streams":{"signIns":{"from":1,"walk":{"token":"` + strings.Repeat("x", 20000) + `"}}}}`, "next link of 20000 bytes; want at most 16384"},
	} {
		_, err := decodeState(json.RawMessage(row.cursor), start().Add(-time.Hour).UnixMilli())
		if err == nil || !strings.Contains(err.Error(), row.says) || !strings.Contains(err.Error(), "clear the source's cursor") {
			t.Errorf("%.60s: error %v, want %q and how to mend it", row.cursor, err, row.says)
		}
	}
}
