package bluesky

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/bluesky/blueskytest"
)

// FuzzAnswer polls a server that says anything, as each endpoint: what comes of
// it is valid, and the cursor can be polled with again.
func FuzzAnswer(f *testing.F) {
	sample, err := os.ReadFile("testdata/post.json")
	if err != nil {
		f.Fatal(err)
	}
	record := `{"records":[{"uri":"at://` + did + `/app.bsky.feed.post/3l3aaaaaaaa2a","cid":"b","value":` + string(sample) + `}],"cursor":"3l3aaaaaaaa2a"}`
	for endpoint, body := range map[string]string{
		"com.atproto.sync.getRepoStatus": `{"did":"` + did + `","active":false,"status":"takendown"}`,
		"com.atproto.repo.listRecords":   record,
		"com.atproto.repo.getRecord":     `{"uri":"at://x","cid":"b","value":{"displayName":"Acme","avatar":{"ref":{"$link":"b"}}}}`,
		"com.atproto.repo.describeRepo":  `{"did":"` + did + `","handle":"acme.test","didDoc":{"id":"` + did + `","service":[{"id":"#atproto_pds"}]}}`,
		"app.bsky.actor.getProfile":      `{"did":"` + did + `","followersCount":1e300,"followsCount":-1}`,
		"app.bsky.notification.listNotifications": `{"notifications":[{"uri":"` + original +
			`","reason":"mention","author":{"handle":"handle.invalid","did":"did:x:y"},"indexedAt":"2026-03-06T12:00:00Z","record":{"text":"x"}}],"cursor":"c"}`,
		"com.atproto.server.listAppPasswords": `{"passwords":[{"name":"a","createdAt":"2026-03-06T12:00:00Z"},{},7]}`,
		"com.atproto.server.createSession":    `{"accessJwt":"a.e30.c","refreshJwt":"r","did":"` + did + `"}`,
	} {
		f.Add(endpoint, []byte(body))
		f.Add(endpoint, []byte(`{"error":"X","message":"Y"}`))
	}
	f.Fuzz(func(t *testing.T, endpoint string, body []byte) {
		w := newWorld(t, blueskytest.Options{}, withMentions)
		w.post("hello")
		deps := w.deps()
		honest := deps.HTTP.Transport
		deps.HTTP.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Path, "/"+endpoint) {
				return honest.RoundTrip(r)
			}
			return &http.Response{
				StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r,
			}, nil
		})
		var cursor json.RawMessage
		for range 12 {
			c, err := New(w.cfg, deps)
			if err != nil {
				t.Fatal(err)
			}
			c.maxPages = 3
			page, err := c.Poll(t.Context(), cursor)
			if err != nil {
				if strings.Contains(err.Error(), appPassword) {
					t.Fatal("the error tells the password")
				}
				return
			}
			for i := range page.Activities {
				if err := page.Activities[i].Validate(); err != nil {
					t.Fatalf("%+v: %v", page.Activities[i], err)
				}
			}
			if len(page.Cursor) > collectors.MaxCursor {
				t.Fatalf("cursor of %d bytes", len(page.Cursor))
			}
			if _, err := decodeState(page.Cursor); err != nil {
				t.Fatalf("its own cursor: %v", err)
			}
			if cursor = page.Cursor; !page.More {
				return
			}
		}
	})
}

// FuzzCursor polls with any cursor: it is refused, or leads to a good page.
func FuzzCursor(f *testing.F) {
	for _, cursor := range []string{
		``, `null`, `{}`, `{"v":1}`, `{"v":2}`, `{"v":1,"did":"` + did + `","name":"acme.test","rev":"3l3aaaaaaaa2a","round":{"start":1,"phase":3}}`,
		`{"v":1,"posts":{"since":-1}}`, `{"v":1,"posts":{"watch":[{"k":"b","c":"x","x":true},{"k":"a","c":"y"}],"whole":true}}`,
		`{"v":1,"name":"acme.test","did":"` + did + `","mention":{"since":1,"walk":{"max":"at::7"}},"grants":{"at":1,"known":[{"i":"x","n":"y"}]}}`,
	} {
		f.Add([]byte(cursor))
	}
	f.Fuzz(func(t *testing.T, cursor []byte) {
		w := newWorld(t, blueskytest.Options{}, withMentions)
		w.post("hello")
		page, err := w.try(cursor)
		if err != nil {
			return
		}
		if _, err := decodeState(page.Cursor); err != nil {
			t.Fatalf("its own cursor: %v", err)
		}
	})
}

// FuzzFrame reads any frame: what it is about is a text of the frame.
func FuzzFrame(f *testing.F) {
	f.Add(blueskytest.Frame(map[string]any{"op": 1, "t": "#commit"}, map[string]any{"repo": did, "ops": []any{map[string]any{"path": "a/b"}}}))
	f.Add(blueskytest.Frame(map[string]any{"op": 1, "t": "#identity"}, map[string]any{"did": did}))
	f.Add(blueskytest.Frame(map[string]any{"op": -1}, map[string]any{"error": "FutureCursor"}))
	f.Add([]byte{0xa0, 0xa0})
	f.Add([]byte{0xbf})
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := readFrame(data)
		if err == nil && !bytes.Contains(data, []byte(e.did)) {
			t.Errorf("%q is not in the frame", e.did)
		}
	})
}

// FuzzSession loads anything as a kept session.
func FuzzSession(f *testing.F) {
	f.Add(`{"v":1,"did":"` + did + `","host":"https://pds.test","access":"a.b.c","refresh":"x","mark":"0000","made":[1,2]}`)
	f.Add(`{}`)
	f.Add(`7`)
	f.Fuzz(func(t *testing.T, kept string) {
		w := newWorld(t, blueskytest.Options{}, withMentions)
		w.sessions.kept = map[string]collectors.Secret{"bluesky " + did: collectors.Secret(kept)}
		c := w.collector()
		c.deps.Log = zap.NewNop()
		r := newRound(t.Context(), c, &state{DID: did, Server: w.cfg.Server})
		s, err := r.loadSession()
		if err != nil {
			t.Fatal(err)
		}
		_ = s.scope()
	})
}
