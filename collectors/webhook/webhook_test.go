package webhook_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
	"github.com/picketd/picket/collectors/webhook"
)

const (
	token      = "a-token-of-sufficient-length"
	limited    = "another-token-for-acme-only"
	signingKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// journal keeps what it is given, but for texts that ask for a refusal.
type journal struct {
	mu   sync.Mutex
	kept []activity.Activity
	hold chan struct{} // where set, Submit waits for it to be closed
	in   chan struct{} // where set, told when Submit is entered
}

func (j *journal) Submit(_ context.Context, activities []activity.Activity) []error {
	if j.hold != nil {
		j.in <- struct{}{}
		<-j.hold
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	errs := make([]error, len(activities))
	for i := range activities {
		switch a := activities[i].Clone(); {
		case a.Network != "x":
			errs[i] = fmt.Errorf("account %q: %w", a.Account, collectors.ErrUnknownAccount)
		case a.Text == "no room":
			errs[i] = collectors.ErrNoRoom
		case a.Text == "fault":
			errs[i] = errors.New("no leader")
		default:
			j.kept = append(j.kept, a)
		}
	}
	return errs
}

func (j *journal) ids() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	ids := make([]string, len(j.kept))
	for i := range j.kept {
		ids[i] = j.kept[i].ID
	}
	return strings.Join(ids, " ")
}

type tally struct {
	mu       sync.Mutex
	accepted int
	refused  map[string]int
}

func (t *tally) Accepted(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted += n
}

func (t *tally) Refused(reason string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused[reason] += n
}

// bench is a handler with all that is around it.
type bench struct {
	handler http.Handler
	journal *journal
	counts  *tally
	logs    *observer.ObservedLogs
	now     time.Time
}

func newBench(t *testing.T, change func(*webhook.Config)) *bench {
	t.Helper()
	cfg := webhook.Config{
		Tokens: []webhook.Token{
			{Name: "ci", Secret: token},
			{Name: "acme", Secret: limited, Accounts: []string{"x/acme", "x/acme-*"}},
		},
		Signers: []webhook.Signer{{Name: "press", Secret: signingKey}},
		MaxBody: 4096,
	}
	if change != nil {
		change(&cfg)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	b := &bench{journal: &journal{}, counts: &tally{refused: map[string]int{}}, logs: logs, now: noon()}
	var err error
	b.handler, err = webhook.New(cfg, b.journal, webhook.Deps{Log: zap.New(core), Now: func() time.Time { return b.now }, Metrics: b.counts})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// send posts a body with the first token, unless the headers say otherwise: a
// header with an empty value is left out.
func (b *bench) send(t *testing.T, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

func post(id string) string {
	return `{"id":"` + id + `","account":"x/acme","kind":"post","time":"2026-03-01T11:00:00Z","text":"hi"}`
}

func with(id, text string) string { return strings.ReplaceAll(post(id), `"hi"`, `"`+text+`"`) }

// TestAnswers holds status and answer of every kind of request: what is
// accepted, and some sixty ways to be refused.
func TestAnswers(t *testing.T) {
	const all = `{"accepted":0,"refused":0,"results":[],"error":`
	second := noon().Unix()
	sign := func(id, body string, at int64, key string) []string {
		hook, err := standardwebhooks.NewWebhook(key)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := hook.Sign(id, time.Unix(at, 0), []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return []string{"Authorization", "", "webhook-id", id, "webhook-timestamp", fmt.Sprint(at), "webhook-signature", signature}
	}
	const other = "whsec_b3RoZXIta2V5LW90aGVyLWtleQ=="
	for _, row := range []struct {
		name    string
		path    string
		body    string
		headers []string
		status  int
		want    string
		ids     string
		reason  string
	}{
		{name: "one activity", body: post("1"), status: 200, want: `{"accepted":1,"refused":0,"results":[{"index":0,"status":"accepted"}]}`, ids: "1"},
		{name: "array", body: "[" + post("1") + "," + post("2") + "]", headers: []string{"Content-Type", "application/json"}, status: 200, want: `{"accepted":2,"refused":0,"results":[{"index":0,"status":"accepted"},{"index":1,"status":"accepted"}]}`, ids: "1 2"},
		{name: "lines", body: post("1") + "\n" + post("2") + "\n", headers: []string{"Content-Type", "application/x-ndjson"}, status: 200, want: `{"accepted":2,"refused":0,"results":[{"index":0,"status":"accepted"},{"index":1,"status":"accepted"}]}`, ids: "1 2"},
		{name: "gzip", body: gzipped(t, post("1")), headers: []string{"Content-Encoding", "gzip"}, status: 200, want: `{"accepted":1,"refused":0,"results":[{"index":0,"status":"accepted"}]}`, ids: "1"},
		{name: "scheme in other capitals", body: post("1"), headers: []string{"Authorization", "bearer " + token}, status: 200, want: `{"accepted":1,"refused":0,"results":[{"index":0,"status":"accepted"}]}`, ids: "1"},
		{name: "signed", body: post("1"), headers: sign("m1", post("1"), second, signingKey), status: 200, want: `{"accepted":1,"refused":0,"results":[{"index":0,"status":"accepted"}]}`, ids: "1"},
		{name: "signed at the window's edge", body: post("1"), headers: sign("m1", post("1"), second-300, signingKey), status: 200, want: `{"accepted":1,"refused":0,"results":[{"index":0,"status":"accepted"}]}`, ids: "1"},
		{name: "signature over the bytes as sent", body: gzipped(t, post("1")), headers: append(sign("m1", gzipped(t, post("1")), second, signingKey), "Content-Encoding", "gzip"), status: 200, want: `{"accepted":1,"refused":0,"results":[{"index":0,"status":"accepted"}]}`, ids: "1"},
		{name: "account of the token", body: strings.ReplaceAll(post("1"), "x/acme", "x/acme-eu"), headers: []string{"Authorization", "Bearer " + limited}, status: 200, want: `{"accepted":1,"refused":0,"results":[{"index":0,"status":"accepted"}]}`, ids: "1"},
		{name: "far in the future", body: strings.ReplaceAll(post("1"), "2026-03-01", "2027-03-01"), status: 200, want: `{"accepted":1,"refused":0,"results":[{"index":0,"status":"accepted"}]}`, ids: "1"},
		{name: "approval", path: webhook.ApprovalsPath, body: `{"account":"x/acme","text":"Hi","id":"c7","approvers":["ann"]}`, status: 200, want: `{"accepted":1,"refused":0,"results":[{"index":0,"status":"accepted","id":"c7"}]}`, ids: "c7"},

		{name: "some refused", body: "[" + post("1") + ",{}," + post("3") + "]", status: 207, want: `{"accepted":2,"refused":1,"results":[{"index":0,"status":"accepted"},{"index":1,"status":"refused","error":"id: missing; expected the native id, unique within network, account and kind","field":"id"},{"index":2,"status":"accepted"}]}`, ids: "1 3", reason: "invalid"},
		{name: "a broken line", body: post("1") + "\n{\"id\":\n" + post("3"), headers: []string{"Content-Type", "application/jsonl"}, status: 207, want: `{"accepted":2,"refused":1,"results":[{"index":0,"status":"accepted"},{"index":1,"status":"refused","error":"byte 6: id: expected text in double quotes, found the end of the input","field":"id"},{"index":2,"status":"accepted"}]}`, ids: "1 3", reason: "malformed"},
		{name: "unknown account", body: "[" + post("1") + "," + strings.ReplaceAll(post("2"), "x/", "y/") + "]", status: 207, want: `{"accepted":1,"refused":1,"results":[{"index":0,"status":"accepted"},{"index":1,"status":"refused","error":"account \"y/acme\": account is not in the configuration","field":"account"}]}`, ids: "1", reason: "unknown_account"},
		{name: "not the token's account", body: "[" + post("1") + "," + strings.ReplaceAll(post("2"), "x/acme", "x/acmeeu") + "]", headers: []string{"Authorization", "Bearer " + limited}, status: 207, want: `{"accepted":1,"refused":1,"results":[{"index":0,"status":"accepted"},{"index":1,"status":"refused","error":"account: not allowed for \"x/acmeeu\": token \"acme\" may send only for the accounts that it is configured for","field":"account"}]}`, ids: "1", reason: "not_allowed"},
		{name: "no room for some", body: "[" + post("1") + "," + with("2", "no room") + "]", status: 207, want: `{"accepted":1,"refused":1,"results":[{"index":0,"status":"accepted"},{"index":1,"status":"refused","error":"journal has no room","retry":true}]}`, ids: "1", reason: "no_room"},
		{name: "kind poll", body: "[" + post("1") + "," + strings.ReplaceAll(post("2"), `"kind":"post"`, `"kind":"poll"`) + "]", status: 207, want: `{"accepted":1,"refused":1,"results":[{"index":0,"status":"accepted"},{"index":1,"status":"refused","error":"kind: kind is written by Picket only: \"poll\" is a collector's report about itself","field":"kind"}]}`, ids: "1", reason: "forbidden_kind"},
		{name: "an approval misspelt", path: webhook.ApprovalsPath, body: `[{"account":"x/acme","text":"Hi","id":"a"},{"account":"x/acme","txt":"Hi"}]`, status: 207, want: `{"accepted":1,"refused":1,"results":[{"index":0,"status":"accepted","id":"a"},{"index":1,"status":"refused","error":"byte 25: txt: unknown field; expected one of id, account, text, links, media, approvers, valid_from, valid_until, max_uses, tool, time","field":"txt"}]}`, ids: "a", reason: "malformed"},

		{name: "all refused", body: "{}", status: 400, want: `{"accepted":0,"refused":1,"results":[{"index":0,"status":"refused","error":"id: missing; expected the native id, unique within network, account and kind","field":"id"}]}`, reason: "invalid"},
		{name: "empty", body: "", status: 400, want: all + `"line 1:1: body is empty; expected an object, an array of objects, or one object a line"}`, reason: "form"},
		{name: "not JSON", body: "hello", status: 400, want: all + `"line 1:1: expected \"{\" or \"[\", found 'h'"}`, reason: "form"},
		{name: "cut short", body: "[" + post("1") + ",", status: 400, want: all + `"line 1:88: the input ends inside an array"}`, reason: "form"},
		{name: "brackets broken", body: "[" + post("1") + ",{]", status: 400, want: all + `"line 1:89: expected '}', found ']'"}`, reason: "form"},
		{name: "an activity as approval", path: webhook.ApprovalsPath, body: post("1"), status: 400, want: `{"accepted":0,"refused":1,"results":[{"index":0,"status":"refused","error":"byte 35: kind: unknown field; expected one of id, account, text, links, media, approvers, valid_from, valid_until, max_uses, tool, time","field":"kind"}]}`, reason: "malformed"},

		{name: "no credential", body: post("1"), headers: []string{"Authorization", ""}, status: 401, want: all + `"no credential; send Authorization: Bearer <token>, or a Standard Webhooks signature"}`, reason: "unauthorized"},
		{name: "wrong token", body: post("1"), headers: []string{"Authorization", "Bearer " + token + "x"}, status: 401, want: all + `"token is not known"}`, reason: "unauthorized"},
		{name: "empty token", body: post("1"), headers: []string{"Authorization", "Bearer "}, status: 401, want: all + `"token is not known"}`, reason: "unauthorized"},
		{name: "another scheme", body: post("1"), headers: []string{"Authorization", "Basic dTpw"}, status: 401, want: all + `"Authorization is not of the form: Bearer <token>"}`, reason: "unauthorized"},
		{name: "signature without id", body: post("1"), headers: append(sign("m1", post("1"), second, signingKey), "webhook-id", ""), status: 401, want: all + `"a signature needs the headers webhook-id and webhook-timestamp (seconds since 1970) beside it"}`, reason: "unauthorized"},
		{name: "signature without time", body: post("1"), headers: append(sign("m1", post("1"), second, signingKey), "webhook-timestamp", "noon"), status: 401, want: all + `"a signature needs the headers webhook-id and webhook-timestamp (seconds since 1970) beside it"}`, reason: "unauthorized"},
		{name: "signed too long ago", body: post("1"), headers: sign("m1", post("1"), second-301, signingKey), status: 401, want: all + `"webhook-timestamp is more than 5m0s off; check the sender's clock, and sign anew before sending again"}`, reason: "unauthorized"},
		{name: "signed in the future", body: post("1"), headers: sign("m1", post("1"), second+301, signingKey), status: 401, want: all + `"webhook-timestamp is more than 5m0s off; check the sender's clock, and sign anew before sending again"}`, reason: "unauthorized"},
		{name: "signed with another key", body: post("1"), headers: sign("m1", post("1"), second, other), status: 401, want: all + `"signature does not match the body; sign id.timestamp.body with the configured key, over the bytes as sent"}`, reason: "unauthorized"},
		{name: "another body than signed", body: post("2"), headers: sign("m1", post("1"), second, signingKey), status: 401, want: all + `"signature does not match the body; sign id.timestamp.body with the configured key, over the bytes as sent"}`, reason: "unauthorized"},
		{name: "another id than signed", body: post("1"), headers: append(sign("m1", post("1"), second, signingKey), "webhook-id", "m2"), status: 401, want: all + `"signature does not match the body; sign id.timestamp.body with the configured key, over the bytes as sent"}`, reason: "unauthorized"},
		{name: "another time than signed", body: post("1"), headers: append(sign("m1", post("1"), second, signingKey), "webhook-timestamp", fmt.Sprint(second-1)), status: 401, want: all + `"signature does not match the body; sign id.timestamp.body with the configured key, over the bytes as sent"}`, reason: "unauthorized"},
		{name: "signature of another version", body: post("1"), headers: append(sign("m1", post("1"), second, signingKey), "webhook-signature", "v2,AAAA"), status: 401, want: all + `"signature does not match the body; sign id.timestamp.body with the configured key, over the bytes as sent"}`, reason: "unauthorized"},
		{name: "wrong token beside a good signature", body: post("1"), headers: append(sign("m1", post("1"), second, signingKey), "Authorization", "Bearer no"), status: 401, want: all + `"token is not known"}`, reason: "unauthorized"},

		{name: "too large", body: "[" + strings.Repeat(" ", 4096) + "]", status: 413, want: all + `"body is too large: more than 4096 bytes; split it"}`, reason: "too_large"},
		{name: "too large when inflated", body: gzipped(t, "["+strings.Repeat(" ", 4096)+"]"), headers: []string{"Content-Encoding", "gzip"}, status: 413, want: all + `"body is too large: more than 4096 bytes when inflated; split it"}`, reason: "too_large"},
		{name: "too many items", body: "[" + strings.Repeat("{},", 5) + "{}]", status: 413, want: all + `"body is too large: more than 5 items; split it"}`, reason: "too_large"},
		{name: "another type", body: post("1"), headers: []string{"Content-Type", "text/xml"}, status: 415, want: all + `"media type is not supported: Content-Type \"text/xml\"; send application/json or application/x-ndjson"}`, reason: "media_type"},
		{name: "curl without a header", body: post("1"), headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, want: all + `"media type is not supported: Content-Type \"application/x-www-form-urlencoded\"; send application/json or application/x-ndjson"}`, reason: "media_type"},
		{name: "another encoding", body: post("1"), headers: []string{"Content-Encoding", "br"}, status: 415, want: all + `"media type is not supported: Content-Encoding \"br\"; send gzip or none"}`, reason: "media_type"},
		{name: "not gzip", body: post("1"), headers: []string{"Content-Encoding", "gzip"}, status: 415, want: all + `"media type is not supported: Content-Encoding is gzip, the body is not: gzip: invalid header"}`, reason: "media_type"},
		{name: "passing fault", body: with("1", "fault"), status: 503, want: `{"accepted":0,"refused":1,"results":[{"index":0,"status":"refused","error":"no leader","retry":true}]}`, reason: "fault"},
		{name: "no room", body: "[" + with("1", "no room") + ",{}]", status: 507, want: `{"accepted":0,"refused":2,"results":[{"index":0,"status":"refused","error":"journal has no room","retry":true},{"index":1,"status":"refused","error":"id: missing; expected the native id, unique within network, account and kind","field":"id"}]}`, reason: "no_room"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t, func(c *webhook.Config) { c.MaxItems = 5 })
			path := row.path
			if path == "" {
				path = webhook.ActivitiesPath
			}
			w := b.send(t, path, row.body, row.headers...)
			if got := strings.TrimSuffix(w.Body.String(), "\n"); w.Code != row.status || got != row.want {
				t.Errorf("status %d, answer\n%s\nwant %d\n%s", w.Code, got, row.status, row.want)
			}
			if got := b.journal.ids(); got != row.ids {
				t.Errorf("journal holds %q, want %q", got, row.ids)
			}
			if n := len(strings.Fields(row.ids)); b.counts.accepted != n || (row.reason != "" && b.counts.refused[row.reason] != 1) || (row.reason == "" && len(b.counts.refused) > 0) {
				t.Errorf("counted %d accepted, %v refused; want %d and one %q", b.counts.accepted, b.counts.refused, n, row.reason)
			}
			if w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("answer is %q", w.Header().Get("Content-Type"))
			}
			if got := w.Header().Get("WWW-Authenticate"); (got != "") != (row.status == 401) {
				t.Errorf("WWW-Authenticate %q with status %d", got, row.status)
			}
			if got := w.Header().Get("Retry-After"); (got == "1") != (row.status == 503) {
				t.Errorf("Retry-After %q with status %d", got, row.status)
			}
			b.holdsNoSecret(t, w.Body.String())
		})
	}
}

// holdsNoSecret holds that neither answer nor log shows a secret or a text.
func (b *bench) holdsNoSecret(t *testing.T, answer string) {
	t.Helper()
	var all strings.Builder
	all.WriteString(answer)
	for _, entry := range b.logs.All() {
		fmt.Fprintf(&all, "%s %v\n", entry.Message, entry.ContextMap())
	}
	for _, secret := range []string{token, limited, signingKey, strings.TrimPrefix(signingKey, "whsec_"), `"hi"`} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%q is shown in\n%s", secret, all.String())
		}
	}
	if b.logs.Len() != 1 {
		t.Errorf("%d log lines, want one", b.logs.Len())
	}
}

func gzipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRateLimit(t *testing.T) {
	b := newBench(t, func(c *webhook.Config) { c.Rate, c.Burst = 0.5, 2 })
	codes := func() []int {
		var codes []int
		for i := range 3 {
			codes = append(codes, b.send(t, webhook.ActivitiesPath, post(fmt.Sprint(i))).Code)
		}
		return codes
	}
	if got := fmt.Sprint(codes()); got != "[200 200 429]" {
		t.Errorf("status %s, want [200 200 429]", got)
	}
	w := b.send(t, webhook.ActivitiesPath, post("9"))
	if w.Header().Get("Retry-After") != "2" || !strings.Contains(w.Body.String(), `token \"ci\" sends more than 0.5 requests a second; slow down or put more items into one request`) {
		t.Errorf("Retry-After %q, answer %s", w.Header().Get("Retry-After"), w.Body)
	}
	if got := b.send(t, webhook.ActivitiesPath, post("8"), "Authorization", "Bearer "+limited).Code; got != 200 {
		t.Errorf("another token got %d: limits are for each", got)
	}
	b.now = b.now.Add(2 * time.Second)
	if got := fmt.Sprint(codes()); got != "[200 429 429]" {
		t.Errorf("two seconds later status %s, want [200 429 429]: refusals must not use up the future", got)
	}
	if b.counts.refused[intake.ReasonRateLimited] != 4 {
		t.Errorf("counted %v, want 4 rate_limited", b.counts.refused)
	}
}

func TestInFlight(t *testing.T) {
	b := newBench(t, func(c *webhook.Config) { c.InFlight = 1 })
	b.journal.hold, b.journal.in = make(chan struct{}), make(chan struct{})
	first := make(chan int)
	go func() {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.ActivitiesPath, strings.NewReader(post("1")))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, r)
		first <- w.Code
	}()
	<-b.journal.in
	if w := b.send(t, webhook.ActivitiesPath, post("2")); w.Code != 503 || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "1 requests are being served already") {
		t.Errorf("status %d, Retry-After %q, answer %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	close(b.journal.hold)
	if code := <-first; code != 200 || b.journal.ids() != "1" {
		t.Errorf("first request: status %d, journal %q", code, b.journal.ids())
	}
}

// TestStrangersHoldNoSlots has strangers begin requests and never end them, whose
// signatures can be checked at the end only: people who are known must get
// through beside them.
func TestStrangersHoldNoSlots(t *testing.T) {
	for _, row := range []struct {
		name  string
		begun int // bytes that each stranger sends
		sent  string
		as    func(body string) []string
		want  int
	}{
		{"a token beside little", 1, post("1"), byToken, http.StatusOK},
		{"a token beside much", 40 << 10, post("1"), byToken, http.StatusOK},
		{"a signature beside little", 1, post("1"), bySignature, http.StatusOK},
		{"a signature beside much", 40 << 10, post("1"), bySignature, http.StatusOK},
		{"a large body by signature beside little", 1, with("1", strings.Repeat("a", 40<<10)), bySignature, http.StatusOK},
		{"a large body by signature beside much", 40 << 10, with("1", strings.Repeat("a", 40<<10)), bySignature, http.StatusServiceUnavailable},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t, func(c *webhook.Config) { c.InFlight, c.MaxBody = 2, 1<<20 })
			var strangers sync.WaitGroup
			defer strangers.Wait()
			for range 2 {
				body, end := io.Pipe()
				defer end.Close()
				strangers.Go(func() {
					r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.ActivitiesPath, body)
					for i, h := 0, bySignature("forged"); i < len(h); i += 2 {
						r.Header.Set(h[i], h[i+1])
					}
					r.Header.Del("Authorization")
					b.handler.ServeHTTP(httptest.NewRecorder(), r)
				})
				if _, err := end.Write(bytes.Repeat([]byte("a"), row.begun)); err != nil {
					t.Fatal(err)
				}
			}
			if w := b.send(t, webhook.ActivitiesPath, row.sent, row.as(row.sent)...); w.Code != row.want {
				t.Errorf("status %d, want %d: %s", w.Code, row.want, w.Body)
			}
		})
	}
}

func byToken(string) []string { return []string{"Authorization", "Bearer " + token} }

func bySignature(body string) []string {
	hook, err := standardwebhooks.NewWebhook(signingKey)
	if err != nil {
		panic(err)
	}
	signature, err := hook.Sign("1", noon(), []byte(body))
	if err != nil {
		panic(err)
	}
	return []string{"Authorization", "", "Webhook-Id", "1", "Webhook-Timestamp", fmt.Sprint(noon().Unix()), "Webhook-Signature", signature}
}

// TestOverTheWire holds what a recorder cannot show: a body that breaks off,
// other methods and paths.
func TestOverTheWire(t *testing.T) {
	b := newBench(t, nil)
	server := httptest.NewServer(b.handler)
	defer server.Close()
	for _, row := range []struct {
		method, path string
		status       int
	}{
		{http.MethodPost, webhook.ActivitiesPath, 200},
		{http.MethodGet, webhook.ActivitiesPath, 405},
		{http.MethodPut, webhook.ApprovalsPath, 405},
		{http.MethodPost, "/v1/", 404},
	} {
		r, err := http.NewRequestWithContext(t.Context(), row.method, server.URL+row.path, strings.NewReader(post("1")))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != row.status {
			t.Errorf("%s %s: status %d (%v), want %d", row.method, row.path, resp.StatusCode, err, row.status)
		}
	}

	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.ActivitiesPath, io.MultiReader(strings.NewReader(post("2")), broken{}))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	if w.Code != 400 || !strings.Contains(w.Body.String(), `"error":"read body: connection reset"`) || b.journal.ids() != "1" || b.counts.refused[intake.ReasonUnread] != 1 {
		t.Errorf("status %d, answer %s, journal %q", w.Code, w.Body, b.journal.ids())
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestSeveralAuthorizations(t *testing.T) {
	b := newBench(t, nil)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.ActivitiesPath, strings.NewReader(post("1")))
	r.Header["Authorization"] = []string{"Bearer " + token, "Bearer no"}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	if w.Code != 401 || b.journal.ids() != "" {
		t.Errorf("status %d, journal %q", w.Code, b.journal.ids())
	}
}

func TestConfigFaults(t *testing.T) {
	ok := webhook.Token{Name: "ci", Secret: token}
	for _, row := range []struct {
		name string
		cfg  webhook.Config
		want string
	}{
		{"nobody", webhook.Config{}, "webhook: neither tokens nor signers are configured, so nobody could send; add one"},
		{"negative", webhook.Config{Tokens: []webhook.Token{ok}, Rate: -1}, "webhook: a limit is negative; expected a positive number, or 0 for the default"},
		{"no name", webhook.Config{Tokens: []webhook.Token{{Secret: token}}}, `webhook: token "": a name is needed that no other has`},
		{"same name", webhook.Config{Tokens: []webhook.Token{ok}, Signers: []webhook.Signer{{Name: "ci", Secret: signingKey}}}, `webhook: signer "ci": a name is needed that no other has`},
		{"short token", webhook.Config{Tokens: []webhook.Token{{Name: "ci", Secret: "hunter2"}}}, `webhook: token "ci": secret is shorter than 16 characters; take a random one, as from: openssl rand -hex 32`},
		{"key is not base64", webhook.Config{Signers: []webhook.Signer{{Name: "press", Secret: "not base64 but long enough"}}}, `webhook: signer "press": secret is not the base64 of at least 16 bytes; take a random one, as from: openssl rand -base64 32`},
		{"short key", webhook.Config{Signers: []webhook.Signer{{Name: "press", Secret: "whsec_aHVudGVyMg=="}}}, `webhook: signer "press": secret is not the base64 of at least 16 bytes; take a random one, as from: openssl rand -base64 32`},
		{"bad pattern", webhook.Config{Tokens: []webhook.Token{{Name: "ci", Secret: token, Accounts: []string{"acme"}}}}, `webhook: token "ci": account pattern "acme"; expected an account such as "x/acme", or a beginning such as "x/*"`},
		{"star inside", webhook.Config{Tokens: []webhook.Token{{Name: "ci", Secret: token, Accounts: []string{"x/*-eu"}}}}, `webhook: token "ci": account pattern "x/*-eu"; expected an account such as "x/acme", or a beginning such as "x/*"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := webhook.New(row.cfg, &journal{}, webhook.Deps{}); err == nil || err.Error() != row.want {
				t.Errorf("error %v\n want %s", err, row.want)
			}
		})
	}
}

// TestDefaults holds that a handler works with nothing but a token, by the
// real clock.
func TestDefaults(t *testing.T) {
	j := &journal{}
	h, err := webhook.New(webhook.Config{Tokens: []webhook.Token{{Name: "ci", Secret: token}}}, j, webhook.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{handler: h}
	if w := b.send(t, webhook.ActivitiesPath, post("1")); w.Code != 200 || j.ids() != "1" {
		t.Errorf("status %d, journal %q", w.Code, j.ids())
	}
	signed := b.send(t, webhook.ActivitiesPath, post("1"), "Authorization", "", "webhook-signature", "v1,AAAA")
	if signed.Code != 401 || !strings.Contains(signed.Body.String(), "signatures are not configured") {
		t.Errorf("status %d, answer %s", signed.Code, signed.Body)
	}
}
