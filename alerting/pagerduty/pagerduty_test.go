package pagerduty_test

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/notifytest"
	"github.com/picketd/picket/alerting/pagerduty"
	"github.com/picketd/picket/rules"
)

var update = flag.Bool("update", false, "write the golden events")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "0123456789abcdef0123456789ABCDEF"

type secret string

func (s secret) Reveal() string { return string(s) }

func taken(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"success","message":"Event processed","dedup_key":"in-3fa29c77"}`)
}

func output(t *testing.T, url string, client *http.Client) *pagerduty.Output {
	t.Helper()
	o, err := pagerduty.New(pagerduty.Config{RoutingKey: secret(key), BaseURL: url, Client: client})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestContract(t *testing.T) {
	notifytest.HTTP{
		New: func(t *testing.T, url string, client *http.Client) notify.Notifier {
			t.Helper()
			return output(t, url, client)
		},
		Taken: taken,
		Lies: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"status":"invalid event","message":"Event object is invalid"}`)
		},
		Secrets: []string{key},
	}.Run(t)
}

// send tells a message and returns the body that arrived.
func send(t *testing.T, m *notify.Message) []byte {
	t.Helper()
	var got []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v2/enqueue" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s of %s", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
		}
		got, _ = io.ReadAll(r.Body)
		taken(w, r)
	}))
	defer server.Close()
	receipt, err := output(t, server.URL, server.Client()).Notify(t.Context(), m)
	if err != nil || (receipt != "") != (m.Kind == notify.Acknowledged) {
		t.Fatalf("receipt %q, error %v", receipt, err)
	}
	return got
}

func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	var indented strings.Builder
	enc := json.NewEncoder(&indented)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(json.RawMessage(body)); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, []byte(indented.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), indented.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestGoldens(t *testing.T) {
	minimal := notifytest.Message(notify.Opened)
	minimal.Lines = nil
	for name, m := range map[string]*notify.Message{
		"opened":       notifytest.Message(notify.Opened),
		"minimal":      minimal,
		"acknowledged": notifytest.Message(notify.Acknowledged),
		"resolved":     notifytest.Message(notify.Resolved),
		"summary":      notifytest.Message(notify.Summary),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, send(t, m)) })
	}
}

func TestHostile(t *testing.T) {
	for _, h := range notifytest.HostileTexts() {
		t.Run(h.Name, func(t *testing.T) { golden(t, "hostile-"+h.Name, send(t, h.Message())) })
	}
}

func TestActions(t *testing.T) {
	want := map[notify.Kind]string{
		notify.Opened: "trigger", notify.Updated: "trigger", notify.Escalated: "trigger", notify.Repeated: "trigger", notify.Assigned: "trigger",
		notify.Acknowledged: "acknowledge", notify.Resolved: "resolve", notify.Summary: "trigger", notify.Test: "trigger",
	}
	for _, kind := range notify.Kinds() {
		var e struct {
			Action string `json:"event_action"`
			Dedup  string `json:"dedup_key"`
		}
		m := notifytest.Message(kind)
		if err := json.Unmarshal(send(t, m), &e); err != nil {
			t.Fatal(err)
		}
		if e.Action != want[kind] || e.Dedup != m.Incident {
			t.Errorf("%s: %s of %s, want %s of %s", kind, e.Action, e.Dedup, want[kind], m.Incident)
		}
	}
}

func TestSeverities(t *testing.T) {
	for level, want := range map[rules.Level]string{
		rules.Critical: "critical", rules.High: "error", rules.Medium: "warning", rules.Low: "info", rules.Informational: "info",
	} {
		m := notifytest.Message(notify.Opened)
		m.Level = level
		if body := string(send(t, m)); !strings.Contains(body, `"severity":"`+want+`"`) {
			t.Errorf("%s: want %s in %s", level, want, body)
		}
	}
}

// TestSizes holds that nothing is too long for PagerDuty, and that what says
// what happened stays.
func TestSizes(t *testing.T) {
	m := notifytest.Message(notify.Opened)
	m.Incident, m.Title = strings.Repeat("i", 300), strings.Repeat("ü", 2000)
	for range 150 {
		m.Lines = append(m.Lines, notify.Line{Label: strings.Repeat("L", 10) + string(rune('a'+len(m.Lines))), Text: strings.Repeat("\U0001F600", 10000)})
		m.Links = append(m.Links, notify.Link{Text: strings.Repeat("t", 3000), URL: "https://acme.example/" + strings.Repeat("u", 2900)})
	}
	body := send(t, m)
	if len(body) > 500_000 || len(body) < 100_000 {
		t.Errorf("%d bytes, want at most 500,000, and not much less than there is room for", len(body))
	}
	var e struct {
		Dedup   string `json:"dedup_key"`
		Payload struct {
			Summary string            `json:"summary"`
			Details map[string]string `json:"custom_details"`
		} `json:"payload"`
		Links []any `json:"links"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatal(err)
	}
	if n := len([]rune(e.Payload.Summary)); n != 1024 || !strings.HasSuffix(e.Payload.Summary, "ü…") {
		t.Errorf("a summary of %d characters", n)
	}
	if len(e.Dedup) != 64 || len(e.Links) != 20 || len(e.Payload.Details) != 100 {
		t.Errorf("dedup_key %s, %d links, %d details", e.Dedup, len(e.Links), len(e.Payload.Details))
	}
	if e.Payload.Details["Why"] != "No match among 12 approvals (nearest 8 %)" {
		t.Errorf("the reason is %q", e.Payload.Details["Why"])
	}
}

// TestSaid holds that a person reads what PagerDuty found wrong, and that a key
// which it does not take is not taken for a wrong event.
func TestSaid(t *testing.T) {
	const (
		length  = "Length of 'routing_key' is incorrect (should be 32 characters)"
		unknown = "Invalid routing key"
		event   = "'event_action' is missing or blank"
	)
	for _, tt := range []struct {
		name   string
		errors []string
		denied bool
		want   string
	}{
		{"a key of another length", []string{length}, true, ": " + length},
		{"a key that is not known", []string{unknown}, true, ": " + unknown},
		{"a wrong event", []string{event}, false, ": " + event},
		{"a key and an event", []string{unknown, event}, false, ": " + unknown + "; " + event},
		{"nothing in particular", nil, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				_ = json.NewEncoder(w).Encode(map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": tt.errors})
			}))
			defer server.Close()
			_, err := output(t, server.URL, server.Client()).Notify(t.Context(), notifytest.Message(notify.Opened))
			want := "pagerduty: answered 400 Bad Request: invalid event: Event object is invalid" + tt.want
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
			if notify.IsDenied(err) != tt.denied || notify.IsPermanent(err) == tt.denied {
				t.Errorf("denied %v, permanent %v; want denied %v, and permanent else", notify.IsDenied(err), notify.IsPermanent(err), tt.denied)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  pagerduty.Config
		want string
	}{
		{"only a key", pagerduty.Config{RoutingKey: secret(key)}, ""},
		{"no key", pagerduty.Config{}, "routing_key: missing; give the integration key of the service's Events API v2 integration"},
		{"an empty key", pagerduty.Config{RoutingKey: secret("")}, "routing_key: missing; give the integration key of the service's Events API v2 integration"},
		{"a key of another kind", pagerduty.Config{RoutingKey: secret("u+0123456789abcdef01234567890123")}, "routing_key: not 32 letters and digits; copy the integration key of the service's Events API v2 integration"},
		{"another region", pagerduty.Config{RoutingKey: secret(key), BaseURL: "https://events.eu.pagerduty.com/"}, ""},
		{"no URL", pagerduty.Config{RoutingKey: secret(key), BaseURL: "events.pagerduty.com"}, "url: not an absolute http or https URL such as https://receiver.example/path"},
		{"a negative timeout", pagerduty.Config{RoutingKey: secret(key), Timeout: -time.Second}, "timeout: -1s; expected more than 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if _, err := pagerduty.New(tt.cfg); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
