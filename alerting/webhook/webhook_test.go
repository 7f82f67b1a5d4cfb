package webhook_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/notifytest"
	"github.com/picketd/picket/alerting/webhook"
)

var update = flag.Bool("update", false, "write the golden bodies")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The key, id, time, body and signature that the specification's libraries are
// tested with.
const (
	specSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	specID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	specTime      = 1614265330
	specBody      = `{"test": 2432232314}`
	specSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

	otherSecret = "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
	token       = "Bearer 5ecret-t0ken"
	path        = "/services/T000/5ecretPath"
	query       = "key=5ecretQuery"
)

type secret string

func (s secret) Reveal() string { return string(s) }

func now() time.Time { return time.Unix(specTime, 0) }

func output(t *testing.T, url string, client *http.Client) *webhook.Output {
	t.Helper()
	o, err := webhook.New(webhook.Config{
		URL: secret(url + path + "?" + query), HeartbeatURL: secret(url + path + "?" + query),
		Secrets: []notify.Secret{secret(otherSecret), secret(specSecret)}, Header: map[string]notify.Secret{"Authorization": secret(token)},
		Client: client, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func taken(http.ResponseWriter, *http.Request) {}

func TestContract(t *testing.T) {
	notifytest.HTTP{
		New: func(t *testing.T, url string, client *http.Client) notify.Notifier {
			t.Helper()
			return output(t, url, client)
		},
		Taken: taken,
		Lies: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"ok":false,"error":"internal"}`)
		},
		Secrets: []string{specSecret, otherSecret, token, "5ecretPath", "5ecretQuery"},
	}.Run(t)
}

// request is what a receiver got.
type request struct {
	header http.Header
	url    string
	body   []byte
}

// receive returns the request that do makes of an output.
func receive(t *testing.T, do func(*webhook.Output) error) request {
	t.Helper()
	var got request
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = request{r.Header, r.Method + " " + r.URL.String(), body}
	}))
	defer server.Close()
	if err := do(output(t, server.URL, server.Client())); err != nil {
		t.Fatal(err)
	}
	return got
}

func tell(t *testing.T, m *notify.Message) request {
	t.Helper()
	return receive(t, func(o *webhook.Output) error {
		_, err := o.Notify(t.Context(), m)
		return err
	})
}

func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, append(body, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(body)+"\n"); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestRequest holds the whole request, and that each secret's holder can verify
// it.
func TestRequest(t *testing.T) {
	m := notifytest.Message(notify.Opened)
	m.Key = "in-3fa29c77.opened_1"
	const id = "in-3fa29c77~opened_1"
	got := tell(t, m)
	if want := "POST " + path + "?" + query; got.url != want {
		t.Errorf("got %s, want %s", got.url, want)
	}
	for name, want := range map[string]string{
		"Webhook-Id": id, "Webhook-Timestamp": strconv.Itoa(specTime), "Content-Type": "application/json", "Authorization": token, "User-Agent": "picket",
	} {
		if got := got.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	golden(t, "opened", got.body)
	for _, s := range []string{specSecret, otherSecret} {
		v, err := webhook.NewVerifier(secret(s))
		if err != nil {
			t.Fatal(err)
		}
		if verified, err := v.Verify(got.header, got.body, now()); verified != id || err != nil {
			t.Errorf("verified %q, %v", verified, err)
		}
	}
	var back notify.Message
	if err := json.Unmarshal(got.body, &back); err != nil || !reflect.DeepEqual(&back, m) {
		t.Errorf("%v; the message does not survive (-want +got):\n%s", err, cmp.Diff(m, &back))
	}
}

func TestUnsigned(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, signed := r.Header["Webhook-Signature"]; signed || r.Header.Get("Webhook-Id") == "" {
			t.Errorf("signed: %v, id %q", signed, r.Header.Get("Webhook-Id"))
		}
	}))
	defer server.Close()
	o, err := webhook.New(webhook.Config{URL: secret(server.URL), Client: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Notify(t.Context(), notifytest.Message(notify.Opened)); err != nil {
		t.Error(err)
	}
	if err := o.Beat(t.Context(), now(), time.Minute); err != nil {
		t.Errorf("a heartbeat without a URL: %v", err)
	}
}

func TestHeartbeat(t *testing.T) {
	got := receive(t, func(o *webhook.Output) error { return o.Beat(t.Context(), now(), 90*time.Second) })
	const want = `{"type":"picket.heartbeat","at":"2021-02-25T15:02:10Z","every_seconds":90}`
	if string(got.body) != want {
		t.Errorf("got %s, want %s", got.body, want)
	}
	v, err := webhook.NewVerifier(secret(specSecret))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := v.Verify(got.header, got.body, now()); id != "heartbeat-1614265330000" || err != nil {
		t.Errorf("verified %q, %v", id, err)
	}
}

func TestHostile(t *testing.T) {
	for _, h := range notifytest.HostileTexts() {
		t.Run(h.Name, func(t *testing.T) {
			body := tell(t, h.Message()).body
			golden(t, "hostile-"+h.Name, body)
			if strings.ContainsAny(string(body), "<>\r\n\x1b") || !json.Valid(body) {
				t.Errorf("not inert in HTML, or no JSON: %s", body)
			}
		})
	}
}

func TestVerify(t *testing.T) {
	const zeros = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	header := func(change ...string) http.Header {
		h := http.Header{}
		h.Set("webhook-id", specID)
		h.Set("webhook-timestamp", strconv.Itoa(specTime))
		h.Set("webhook-signature", specSignature)
		for i := 0; i < len(change); i += 2 {
			h.Set(change[i], change[i+1])
		}
		return h
	}
	for _, tt := range []struct {
		name   string
		header http.Header
		body   string
		at     time.Duration // after the timestamp
		want   error
	}{
		{"the specification's vector", header(), specBody, 0, nil},
		{"one of several signatures", header("webhook-signature", zeros+" v2,x "+specSignature+" v1a,x"), specBody, 0, nil},
		{"five minutes old", header(), specBody, 5 * time.Minute, nil},
		{"five minutes early", header(), specBody, -5 * time.Minute, nil},
		{"sent again later", header(), specBody, 5*time.Minute + time.Second, webhook.ErrTime},
		{"from the future", header(), specBody, -5*time.Minute - time.Second, webhook.ErrTime},
		{"another body", header(), specBody + " ", 0, webhook.ErrSignature},
		{"another id", header("webhook-id", specID+"x"), specBody, 0, webhook.ErrSignature},
		{"another time", header("webhook-timestamp", strconv.Itoa(specTime+1)), specBody, 0, webhook.ErrSignature},
		{"a dot moved", header("webhook-id", specID+".1"), specBody, 0, webhook.ErrSignature},
		{"another signature", header("webhook-signature", zeros), specBody, 0, webhook.ErrSignature},
		{"a signature cut short", header("webhook-signature", "v1,"), specBody, 0, webhook.ErrSignature},
		{"a signature of another version", header("webhook-signature", strings.Replace(specSignature, "v1", "v2", 1)), specBody, 0, webhook.ErrSignature},
		{"no id", header("webhook-id", ""), specBody, 0, webhook.ErrHeader},
		{"no time", header("webhook-timestamp", ""), specBody, 0, webhook.ErrHeader},
		{"a time in words", header("webhook-timestamp", "now"), specBody, 0, webhook.ErrHeader},
		{"no signature", header("webhook-signature", ""), specBody, 0, webhook.ErrHeader},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := webhook.NewVerifier(secret(otherSecret), secret(specSecret))
			if err != nil {
				t.Fatal(err)
			}
			id, err := v.Verify(tt.header, []byte(tt.body), now().Add(tt.at))
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) || (err == nil) != (id == specID) {
				t.Errorf("got %q, %v; want %v", id, err, tt.want)
			}
		})
	}
}

func TestGone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	defer server.Close()
	_, err := output(t, server.URL, server.Client()).Notify(t.Context(), notifytest.Message(notify.Opened))
	if !notify.IsPermanent(err) || err.Error() != "webhook: answered 410 Gone" {
		t.Errorf("permanent %v: %v", notify.IsPermanent(err), err)
	}
}

func TestConfig(t *testing.T) {
	const badSecret = `: not "whsec_" and the base64 of 24 to 64 bytes; take a random one, as from: echo "whsec_$(openssl rand -base64 32)"`
	good := secret("https://acme.example/hook")
	for _, tt := range []struct {
		name string
		cfg  webhook.Config
		want string
	}{
		{"only a URL", webhook.Config{URL: good}, ""},
		{"a private address", webhook.Config{URL: secret("http://10.0.0.1/")}, ""},
		{"no URL", webhook.Config{}, "url: missing; give the receiver's http or https URL"},
		{"a wrong URL for heartbeats", webhook.Config{URL: good, HeartbeatURL: secret("hc-ping.com/hidden")}, "heartbeat_url: not an absolute http or https URL such as https://receiver.example/path"},
		{"a secret without its prefix", webhook.Config{URL: good, Secrets: []notify.Secret{secret(specSecret), secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}}, "secrets[1]" + badSecret},
		{"a secret too short", webhook.Config{URL: good, Secrets: []notify.Secret{secret("whsec_QUFB")}}, "secrets[0]" + badSecret},
		{"no base64", webhook.Config{URL: good, Secrets: []notify.Secret{secret("whsec_%%%")}}, "secrets[0]" + badSecret},
		{"too many secrets", webhook.Config{URL: good, Secrets: make([]notify.Secret, 5)}, "secrets: 5; at most 4, the new one and those that it takes the place of"},
		{"a header of Picket's", webhook.Config{URL: good, Header: map[string]notify.Secret{"webhook-ID": good}}, "headers: webhook-ID is set by Picket itself; leave it out"},
		{"no header", webhook.Config{URL: good, Header: map[string]notify.Secret{"X Y": good}}, `headers: "X Y" is no name of a header field`},
		{"two lines", webhook.Config{URL: good, Header: map[string]notify.Secret{"X": secret("a\r\nb")}}, "headers: X: its value is empty or more than one line"},
		{"a negative timeout", webhook.Config{URL: good, Timeout: -1}, "timeout: -1ns; expected more than 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if _, err := webhook.New(tt.cfg); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	if _, err := webhook.NewVerifier(); err == nil {
		t.Error("a verifier without a secret was made")
	}
}
