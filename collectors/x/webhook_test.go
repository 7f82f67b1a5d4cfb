package x

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/x/xtest"
)

func newWebhook(t *testing.T, client *http.Client, log *zap.Logger) *Hub {
	t.Helper()
	hub, err := NewHub(App{BaseURL: "http://127.0.0.1:3000", BearerToken: bearerToken, Callback: callback, ConsumerSecret: consumerSec},
		collectors.Deps{Now: time.Now, HTTP: client, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return hub
}

// Signatures are computed with openssl dgst -sha256 -hmac csecret-x8q2z -binary | base64.
func TestServeHTTP(t *testing.T) {
	const (
		post   = `{"data":{"filter":{"user_id":"7"},"event_type":"post.create"}}`
		signed = "sha256=k3XXmMP6+6ihJEHPvhJr21yOa1gw6lqrbyOqE98Sp1M="
	)
	for _, row := range []struct {
		name, method, target, body, signature string
		status                                int
		answer                                string
		heard                                 int
	}{
		{"a challenge", "GET", "?crc_token=Y2hhbGxlbmdlLTE%3D", "", "", 200, `{"response_token":"sha256=QGSeh6tQd1M0lX5ph0ALGQdMiHSEN8yoRuQcSHoHApc="}`, 0},
		{"no token", "GET", "", "", "", 400, "crc_token: want", 0},
		{"a token that is a body", "GET", "?crc_token=%7B%22data%22%3A%7B%7D%7D", "", "", 400, "crc_token: want", 0},
		{"an endless token", "GET", "?crc_token=" + strings.Repeat("a", maxChallenge+1), "", "", 400, "crc_token: want", 0},
		{"an event", "POST", "", post, signed, 200, "", 1},
		{"without a signature", "POST", "", post, "", 401, "X-Twitter-Webhooks-Signature is missing", 0},
		{"with another's", "POST", "", post + " ", signed, 401, "does not match the body", 0},
		{"with half of one", "POST", "", post, "sha256=", 401, "does not match the body", 0},
		{"too much", "POST", "", strings.Repeat("x", maxCall+1), signed, 413, "cannot be read", 0},
		{"something else", "DELETE", "", "", "", 405, "X sends GET and POST", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			core, logs := observer.New(zap.DebugLevel)
			hub := newWebhook(t, http.DefaultClient, zap.New(core))
			heard := 0
			hub.members[&member{user: 7, hear: func(*event) { heard++ }}] = struct{}{}
			req := httptest.NewRequestWithContext(t.Context(), row.method, callback+row.target, strings.NewReader(row.body))
			if row.signature != "" {
				req.Header.Set("x-twitter-webhooks-signature", row.signature)
			}
			rec := httptest.NewRecorder()
			hub.ServeHTTP(rec, req)
			if rec.Code != row.status || !strings.Contains(rec.Body.String(), row.answer) || heard != row.heard {
				t.Errorf("%d %q and %d heard, want %d with %q and %d", rec.Code, rec.Body, heard, row.status, row.answer, row.heard)
			}
			for _, e := range logs.All() {
				if strings.Contains(e.Message, consumerSec) || strings.Contains(rec.Body.String(), consumerSec) {
					t.Errorf("the secret is told: %s", e.Message)
				}
			}
		})
	}
}

// Large calls wait for each other, and the usual ones for none.
func TestServeHTTPWhenBusy(t *testing.T) {
	hub := newWebhook(t, http.DefaultClient, nil)
	for range maxCalls {
		hub.calls <- struct{}{}
	}
	large := strings.Repeat(" ", usualCall) + "{}"
	if status := call(t, hub, strings.NewReader(large)); status != http.StatusServiceUnavailable {
		t.Errorf("status of a large call %d, want 503", status)
	}
	if status := call(t, hub, strings.NewReader("{}")); status != http.StatusOK {
		t.Errorf("status of a usual call %d, want 200", status)
	}
	<-hub.calls
	if status := call(t, hub, strings.NewReader(large)); status != http.StatusOK {
		t.Errorf("status of a large call with room %d, want 200", status)
	}
}

// A webhook is made once, subscriptions follow it, and one that X gave up is
// tried again.
func TestWebhookIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(snowflakes)
		h := &heard{}
		h.srv = xtest.New(xtest.Options{Bearer: bearerToken, OAuth1: &xtest.OAuth1{ConsumerSecret: consumerSec}, Hooks: &http.Client{Transport: toHub{h}}})
		h.srv.AddAccount(xtest.Profile{Handle: "acme"})
		base := serve(t, h.srv)
		if err := newHub(t, h.srv).subscribe(t.Context(), 1000); err != nil { // for a stream, before
			t.Fatal(err)
		}
		watch := func(until time.Duration) error {
			h.hub = newWebhook(t, &http.Client{Transport: base}, nil)
			ctx, cancel := context.WithTimeout(t.Context(), until)
			defer cancel()
			return h.hub.attend(ctx, 1000, func(*event) {})
		}
		for range 2 { // the second daemon finds all
			if err := watch(90 * time.Minute); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		}
		hooks := h.srv.Webhooks()
		if len(hooks) != 1 || hooks[0].URL != callback || !hooks[0].Valid {
			t.Fatalf("webhooks %+v, want one", hooks)
		}
		for _, s := range h.srv.Subscriptions() {
			if s.WebhookID != hooks[0].ID {
				t.Errorf("%s goes to %q, want to %q", s.EventType, s.WebhookID, hooks[0].ID)
			}
		}
		if made, changed := h.srv.Count("POST webhooks"), h.srv.Count("PUT activity/subscriptions"); made != 1 || changed != 10 {
			t.Errorf("%d webhooks were made and %d subscriptions changed, want 1 and 10", made, changed)
		}
		time.AfterFunc(10*time.Minute, h.srv.Invalidate)
		if err := watch(90 * time.Minute); !errors.Is(err, context.DeadlineExceeded) || !h.srv.Webhooks()[0].Valid {
			t.Errorf("error %v, webhooks %+v; want it valid again", err, h.srv.Webhooks())
		}
		time.AfterFunc(10*time.Minute, func() { remove(t, h.srv, hooks[0].ID) })
		if err := watch(90 * time.Minute); err == nil || err.Error() != "the webhook was made anew, and subscriptions must follow it" {
			t.Errorf("error %v, want that it was made anew", err)
		}
	})
}

func remove(t *testing.T, srv *xtest.Server, id string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "https://api.x.com/2/webhooks/"+id, http.NoBody)
	req.Header.Set("Authorization", "Bearer "+bearerToken)
	srv.ServeHTTP(httptest.NewRecorder(), req)
}

func TestWebhookFaults(t *testing.T) {
	const mend = "to mend it: see that X reaches http.public_url over https"
	answers := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	none, known := `{"data":[],"meta":{"result_count":0}}`, `{"data":[{"id":"7","url":"`+callback+`","valid":false}],"meta":{"result_count":1}}`
	refuses := func(reason string) string {
		return `{"title":"Invalid Request","detail":"` + reason + `","status":400}`
	}
	for _, row := range []struct {
		name            string
		list, post, put http.HandlerFunc
		kind, want      string
	}{
		{"revoked", answers(401, `{"title":"Unauthorized"}`), nil, nil, wantForbidden, "GET /2/webhooks: status 401: Unauthorized; to mend it: check the credential"},
		{"list of nothing", answers(200, `{}`), nil, nil, wantMalformed, "GET /2/webhooks answer: it has neither data nor meta"},
		{"not reached", answers(200, none), answers(400, refuses("CrcValidationFailed")), nil, wantRetry, "CrcValidationFailed; " + mend},
		{"address refused", answers(200, none), answers(400, refuses("UrlValidationFailed")), nil, wantForbidden, "UrlValidationFailed; " + mend},
		{"too many", answers(200, none), answers(400, refuses("WebhookLimitExceeded")), nil, wantForbidden, "to mend it: delete a webhook that is not needed"},
		{"made without an id", answers(200, none), answers(200, `{"data":{}}`), nil, wantMalformed, "POST /2/webhooks answer: it has no id"},
		{"not reached again", answers(200, known), nil, answers(400, refuses("CrcValidationFailed")), wantRetry, "CrcValidationFailed; " + mend},
		{"not met again", answers(200, known), nil, answers(200, `{"data":{"valid":false}}`), wantRetry, "PUT /2/webhooks/7: X's challenge was not met; " + mend},
		{"trouble of X", answers(503, ``), nil, nil, wantRetry, "GET /2/webhooks: status 503"},
	} {
		t.Run(row.name, func(t *testing.T) {
			mux := http.NewServeMux()
			for pattern, handler := range map[string]http.HandlerFunc{"GET /2/webhooks": row.list, "POST /2/webhooks": row.post, "PUT /2/webhooks/7": row.put} {
				if handler != nil {
					mux.Handle(pattern, handler)
				}
			}
			err := newWebhook(t, &http.Client{Transport: serve(t, mux)}, nil).attend(t.Context(), 1000, func(*event) {})
			if err == nil || kindOf(err) != row.kind || !strings.Contains(err.Error(), row.want) || len(secretsIn(err.Error())) > 0 {
				t.Errorf("error %v\nwant one of kind %s with %s", err, row.kind, row.want)
			}
		})
	}
}

func TestNewWebhook(t *testing.T) {
	for _, row := range []struct{ name, callback, secret, want string }{
		{"without TLS", "http://picket.example/", "s", `x: callback: "http://picket.example/"; want https without a port`},
		{"with a port", "https://picket.example:8443/", "s", `x: callback: "https://picket.example:8443/"; want https without a port`},
		{"too long", "https://picket.example/" + strings.Repeat("a", 200), "s", "want https without a port, of at most 200 characters"},
		{"without a secret", callback, "", "x: consumer_secret: empty; X signs its calls with the app's"},
	} {
		_, err := NewHub(App{BearerToken: bearerToken, Callback: row.callback, ConsumerSecret: collectors.Secret(row.secret)}, collectors.Deps{HTTP: http.DefaultClient, Now: time.Now})
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: error %v, want %s", row.name, err, row.want)
		}
	}
}

func FuzzCall(f *testing.F) {
	f.Add([]byte(`{"data":{"filter":{"user_id":"7"},"event_type":"post.delete","payload":{"id":"70","author_id":"7"}}}`))
	f.Add([]byte(`{"data":[{"filter":{"user_id":"7"},"event_type":"post.create"},null,7]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, m := range callOf(data) {
			if e := m.event(); e != nil && (e.user <= 0 || e.post < 0) {
				t.Errorf("event %+v", e)
			}
		}
		if isChallenge(string(data)) && len(callOf(data)) > 0 && callOf(data)[0].Data != nil {
			t.Errorf("%q is both a challenge and a call", data)
		}
	})
}

func TestCallOf(t *testing.T) {
	for _, row := range []struct {
		body string
		want int
	}{
		{`{"data":{"event_type":"post.create"}}`, 1},
		{`{"data":[{"event_type":"post.create"},{"event_type":"post.delete"}]}`, 2},
		{`{"data":[7]}`, 0},
		{`{`, 0},
		{``, 0},
	} {
		if got := len(callOf([]byte(row.body))); got != row.want {
			t.Errorf("%s has %d messages, want %d", row.body, got, row.want)
		}
	}
}

// Whoever sends a call of X again neither spends money nor brings a poll.
func TestCallsThatAreSentAgain(t *testing.T) {
	w := newWorld(t, xtest.Options{}, func(c *Config) { byWebhook(c); c.PricePost, c.PriceUser = 1, 1000 })
	hub := newWebhook(t, http.DefaultClient, nil)
	l, err := NewListener(w.cfg, collectors.Deps{HTTP: w.web.Client(), Now: w.Now}, hub)
	if err != nil {
		t.Fatal(err)
	}
	heard := 0
	hub.members[&member{user: 1000, hear: func(e *event) { heard++; l.note(e) }}] = struct{}{}
	page, err := l.Poll(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"1", "1", "2", "1", "2"} {
		if status := call(t, hub, strings.NewReader(`{"data":{"event_uuid":"`+id+`","filter":{"user_id":"1000"},"event_type":"post.create"}}`)); status != http.StatusOK {
			t.Errorf("status %d, want 200", status)
		}
	}
	if page, err = l.Poll(t.Context(), page.Cursor); err != nil || page.Cost != 2 || heard != 2 {
		t.Errorf("%d events cost %g, error %v; want 2 for 2", heard, page.Cost, err)
	}
}

// call sends a body, which is signed where it can be read twice.
func call(t *testing.T, hub *Hub, body io.Reader) int {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, callback, body)
	req.Header.Set(signatureHeader, "sha256=")
	if whole, ok := body.(*strings.Reader); ok {
		data, err := io.ReadAll(whole)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(signatureHeader, hub.sign(data))
		whole.Reset(string(data))
	}
	rec := httptest.NewRecorder()
	hub.ServeHTTP(rec, req)
	return rec.Code
}

// Strangers who send slowly do not keep X out.
func TestSlowCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := newWebhook(t, http.DefaultClient, nil)
		for range maxCalls {
			body, sender := io.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				call(t, hub, body)
			}()
			defer func() { _ = sender.Close(); <-done }()
		}
		synctest.Wait()
		if status := call(t, hub, strings.NewReader("{}")); status != http.StatusOK {
			t.Errorf("status of a call %d, want 200", status)
		}
		rec := httptest.NewRecorder()
		hub.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, callback+"?crc_token=a", http.NoBody))
		if rec.Code != http.StatusOK {
			t.Errorf("status of a challenge %d, want 200", rec.Code)
		}
	})
}

// Whoever finds the address can send what X did not sign, as often as they like.
func TestUnsignedCallsAreLoggedRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		hub := newWebhook(t, http.DefaultClient, zap.New(core))
		for _, wait := range []time.Duration{0, time.Second, 58 * time.Second, time.Second, time.Minute, 59 * time.Second} {
			time.Sleep(wait)
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, callback, strings.NewReader("{}"))
			req.Header.Set(signatureHeader, "sha256=")
			rec := httptest.NewRecorder()
			if hub.ServeHTTP(rec, req); rec.Code != http.StatusUnauthorized {
				t.Errorf("status %d, want 401", rec.Code)
			}
		}
		var leftOut []any
		for _, e := range logs.All() {
			leftOut = append(leftOut, e.ContextMap()["left_out"])
		}
		if want := []any{int64(0), int64(2), int64(0)}; !slices.Equal(leftOut, want) {
			t.Errorf("lines with %v left out before them, want %v", leftOut, want)
		}
	})
}
