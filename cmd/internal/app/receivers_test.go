package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/delivery"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/rules"
)

// everyType is a receiver of each type.
const everyType = `
people: [{name: ann, contacts: {slack: U012AB3CD}}]
receivers:
- {name: am, type: alertmanager, urls: ["http://127.0.0.1:9093"], heartbeat: 1m}
- {name: pd, type: pagerduty, routing_key: {env: ROUTING_KEY}}
- {name: chat, type: slack, bot_token: {env: BOT_TOKEN}, app_token: {env: APP_TOKEN}, channel: C0123456789}
- {name: mail, type: email, host: mx.acme.example, from: picket@acme.example, to: [sre@acme.example]}
- {name: hook, type: webhook, url: "https://hooks.acme.example/", secrets: [{env: HOOK_KEY}], detail: minimal}
- {name: siren, type: exec, command: [/usr/local/bin/siren], deadlines: {critical: 2h}}
`

// loadReceivers loads a site whose secrets are of the form that outputs want.
func loadReceivers(t *testing.T, more string) *config.Config {
	t.Helper()
	for name, value := range map[string]string{
		"ROUTING_KEY": strings.Repeat("0a", 16), "BOT_TOKEN": "xoxb-1-2-abc", "APP_TOKEN": "xapp-1-A1-2-abc",
		"HOOK_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
	} {
		t.Setenv(name, value)
	}
	cfg, err := loadSite(newSite(t, more))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestReceiversAreBuilt(t *testing.T) {
	cfg := loadReceivers(t, everyType)
	if err := CheckReceivers(cfg); err != nil {
		t.Fatal(err)
	}
	r := &receivers{outputs: outputs{nobody{}, zap.NewNop()}}
	built, err := r.build(cfg)
	if err != nil || len(built) != 6 {
		t.Fatalf("%d receivers, %v", len(built), err)
	}
	if built["siren"].Deadlines.Critical != 2*time.Hour || built["am"].Heartbeat != time.Minute {
		t.Errorf("built %+v, %+v", built["siren"].Receiver, built["am"].Receiver)
	}
	if want := []string{"am", "pd"}; !slices.Equal(built["chat"].Fallbacks, want) {
		t.Errorf("told when the chat does not work: %v, want %v", built["chat"].Fallbacks, want)
	}
	if want := []string{"mail", "hook", "siren"}; !slices.Equal(built["chat"].LastResort, want) {
		t.Errorf("told when those do not work either: %v, want %v", built["chat"].LastResort, want)
	}
	// A reload builds anew what has changed, and nothing else.
	r.of = built
	changed := strings.NewReplacer("critical: 2h", "critical: 3h", "U012AB3CD", "U0ZZZZZZZ").Replace(everyType)
	again, err := r.build(loadReceivers(t, changed))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range again {
		if same, want := b.Receiver == built[name].Receiver, name != "siren" && name != "chat"; same != want {
			t.Errorf("%s is the same: %t, want %t", name, same, want)
		}
	}
}

// TestWords: a receiver is told in the words that its configuration asks for.
func TestWords(t *testing.T) {
	m := notify.Message{
		Kind: notify.Opened, State: alerting.Firing, Level: rules.High, Account: "x/acme", Number: "PK-3FA29C", Incident: "i",
		Title: "HIGH x/acme: posting burst [PK-3FA29C]", Lines: []notify.Line{{Label: "What", Text: "40 posts"}},
		Alerts: []notify.Alert{{ID: "a", Title: "Posting burst", Level: rules.High}},
	}
	title := config.Template{Path: "title.tmpl", Text: "{{len .Alerts}} alert"}
	for _, tt := range []struct {
		name  string
		r     config.Receiver
		title string
		lines bool
	}{
		{"as it is", config.Receiver{}, m.Title, true},
		{"minimal", config.Receiver{Detail: config.DetailMinimal}, m.Title, false},
		{"own title", config.Receiver{Title: title}, "HIGH x/acme: 1 alert [PK-3FA29C]", true},
		{"own title, minimal", config.Receiver{Title: title, Detail: config.DetailMinimal}, "HIGH x/acme: 1 alert [PK-3FA29C]", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			words, err := (&outputs{log: zap.NewNop()}).words(&tt.r)
			if err != nil {
				t.Fatal(err)
			}
			if got := words(&m); got.Title != tt.title || len(got.Lines) > 0 != tt.lines {
				t.Errorf("got %q, %v; want %q, lines: %t", got.Title, got.Lines, tt.title, tt.lines)
			}
		})
	}
	words, err := (&outputs{log: zap.NewNop()}).words(&config.Receiver{Audience: config.AudienceCommunications})
	if err != nil {
		t.Fatal(err)
	}
	if plain := words(&m); cmp.Equal(plain.Lines, m.Lines) || len(plain.Lines) == 0 {
		t.Errorf("people who know nothing of detection are told %v", plain.Lines)
	}
	if _, err := (&outputs{log: zap.NewNop()}).words(&config.Receiver{Title: config.Template{Path: "t.tmpl", Text: "{{.Nothing}}"}}); err == nil || !strings.HasPrefix(err.Error(), "t.tmpl:1:3: ") {
		t.Errorf("a bad template: %v", err)
	}
}

func TestFaultsOfOutputsHaveAPlace(t *testing.T) {
	cfg := loadReceivers(t, strings.Replace(everyType, "{env: ROUTING_KEY}", "{env: BOT_TOKEN}", 1))
	err := CheckReceivers(cfg)
	if err == nil || !strings.Contains(err.Error(), "picket.yaml:12:3: receivers[1]: routing_key: not 32 letters and digits") || strings.Contains(err.Error(), "xoxb") {
		t.Errorf("got %v", err)
	}
}

// listener is a receiver at the other end of a webhook.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	broken bool
	keys   []string
	beats  int
}

func listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{broken: true}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		var m notify.Message
		switch err := json.NewDecoder(r.Body).Decode(&m); {
		case r.URL.Path == "/beat":
			l.beats++
		case err != nil || l.broken:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			l.keys = append(l.keys, m.Key)
		}
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) heard() (keys []string, beats int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.keys), l.beats
}

// TestReceiversAreTold: what is queued while the receiver is down is told, once
// and in order, by the daemon that runs when it is back; and the receiver hears
// that Picket works.
func TestReceiversAreTold(t *testing.T) {
	l := listen(t)
	t.Setenv("HOOK_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	s := newSite(t, fmt.Sprintf("receivers: [{name: hook, type: webhook, url: %q, secrets: [{env: HOOK_KEY}], heartbeat: 1m, heartbeat_url: %q}]", l.URL+"/told", l.URL+"/beat"))
	r := s.run(t)
	var messages []notify.Message
	var want []string
	for i := range 5 {
		key := fmt.Sprint("k", i)
		want = append(want, key)
		messages = append(messages, notify.Message{Key: key, Receiver: "hook", Incident: "i", Kind: notify.Updated, Level: rules.High, Title: "HIGH x/acme"})
	}
	if err := delivery.NewOutbox(r.js()).Queue(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a heartbeat", func() bool { _, beats := l.heard(); return beats > 0 })
	r.end()
	if keys, _ := l.heard(); len(keys) != 0 {
		t.Errorf("a receiver that is down heard %v", keys)
	}
	l.mu.Lock()
	l.broken = false
	l.mu.Unlock()
	s.run(t)
	eventually(t, "delivery", func() bool { keys, _ := l.heard(); return len(keys) >= len(want) })
	if keys, _ := l.heard(); !slices.Equal(keys, want) {
		t.Errorf("heard %v, want %v", keys, want)
	}
}

// TestStalledDetector: no heartbeat is sent while the detector reads nothing.
func TestStalledDetector(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		name string
		read time.Time
		want string
	}{
		{"just now", now, ""},
		{"a tick ago", now.Add(-10 * time.Second), ""},
		{"long ago", now.Add(-time.Minute), "partition 3: the detector has read nothing for 1m0s"},
		{"never", time.Unix(0, 0), "partition 3: the detector has read nothing yet"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &worker{partition: 3}
			w.lastSeen.Store(tt.read.UnixNano())
			got := ""
			if err := w.stalled(now); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
