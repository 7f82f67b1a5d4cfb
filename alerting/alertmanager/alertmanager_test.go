package alertmanager_test

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/alertmanager"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/notifytest"
	"github.com/picketd/picket/rules"
)

var update = flag.Bool("update", false, "write the golden alerts")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token    = "5ecret-t0ken"
	password = "5ecret-passw0rd"
)

type secret string

func (s secret) Reveal() string { return string(s) }

func taken(http.ResponseWriter, *http.Request) {}

func lies(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "<html><h1>Sign in</h1></html>")
}

func newOutput(t *testing.T, cfg alertmanager.Config) *alertmanager.Output {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return notifytest.At().Add(time.Second) }
	}
	o, err := alertmanager.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestContract(t *testing.T) {
	for name, cfg := range map[string]alertmanager.Config{
		"token":    {Token: secret(token)},
		"password": {Username: "picket", Password: secret(password)},
	} {
		t.Run(name, func(t *testing.T) {
			notifytest.HTTP{
				New: func(t *testing.T, url string, client *http.Client) notify.Notifier {
					t.Helper()
					cfg.URLs, cfg.Client = []string{url + "/prefix/"}, client
					return newOutput(t, cfg)
				},
				Taken: taken, Lies: lies,
				Secrets: []string{token, password, "cGlja2V0OjVlY3JldC1wYXNzdzByZA=="},
			}.Run(t)
		})
	}
}

// posted is an alert as it arrives.
type posted struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

// receiver keeps what it is told, and can be down.
type receiver struct {
	mu     sync.Mutex
	down   int // the status that it answers with; 0: it works
	bodies [][]byte
	server *httptest.Server
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.down != 0 {
			w.WriteHeader(r.down)
			return
		}
		if req.Method != http.MethodPost || req.URL.Path != "/api/v2/alerts" || req.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s of %s", req.Method, req.URL.Path, req.Header.Get("Content-Type"))
		}
		body, _ := io.ReadAll(req.Body)
		r.bodies = append(r.bodies, body)
	}))
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) set(down int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

// take returns what came since it was last asked.
func (r *receiver) take(t *testing.T) []posted {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []posted
	for _, body := range r.bodies {
		var some []posted
		if err := json.Unmarshal(body, &some); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		all = append(all, some...)
	}
	r.bodies = nil
	return all
}

// said writes alerts as tests compare them: name, incident and level, and when
// they end, by minutes after the example's time.
func said(alerts []posted) []string {
	var out []string
	for _, a := range alerts {
		text := a.Labels["alertname"]
		if a.Labels["incident"] != "" {
			text += " " + a.Labels["incident"] + " " + a.Labels["level"]
		}
		if again := a.Labels["again"]; again != "" {
			text += " again " + again
		}
		out = append(out, text+" "+a.EndsAt.Sub(notifytest.At()).Truncate(time.Minute).String())
	}
	return out
}

func equal(t *testing.T, what string, got []posted, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, said(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (r *receiver) golden(t *testing.T, name string) {
	t.Helper()
	r.mu.Lock()
	body := r.bodies[len(r.bodies)-1]
	r.mu.Unlock()
	var indented strings.Builder
	enc := json.NewEncoder(&indented)
	enc.SetIndent("", "  ")
	if err := enc.Encode(json.RawMessage(body)); err != nil {
		t.Fatal(err)
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

func tell(t *testing.T, o *alertmanager.Output, m *notify.Message) string {
	t.Helper()
	receipt, err := o.Notify(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func TestGoldens(t *testing.T) {
	for _, kind := range []notify.Kind{notify.Opened, notify.Acknowledged, notify.Resolved, notify.Summary, notify.Test} {
		t.Run(string(kind), func(t *testing.T) {
			r := newReceiver(t)
			o := newOutput(t, alertmanager.Config{URLs: []string{r.server.URL}, Client: r.server.Client(), Labels: map[string]string{"cluster": "prod"}})
			tell(t, o, notifytest.Message(kind))
			r.golden(t, string(kind))
		})
	}
	t.Run("heartbeat", func(t *testing.T) {
		r := newReceiver(t)
		o := newOutput(t, alertmanager.Config{URLs: []string{r.server.URL}, Client: r.server.Client(), Labels: map[string]string{"cluster": "prod"}})
		if err := o.Beat(t.Context(), notifytest.At(), time.Minute); err != nil {
			t.Fatal(err)
		}
		r.golden(t, "heartbeat")
	})
}

func TestHostile(t *testing.T) {
	for _, h := range notifytest.HostileTexts() {
		t.Run(h.Name, func(t *testing.T) {
			r := newReceiver(t)
			o := newOutput(t, alertmanager.Config{URLs: []string{r.server.URL}, Client: r.server.Client()})
			tell(t, o, h.Message())
			r.golden(t, "hostile-"+h.Name)
		})
	}
}

// hostileMessages returns those of all hostile texts, each of an incident of its
// own.
func hostileMessages() []*notify.Message {
	var out []*notify.Message
	for _, h := range notifytest.HostileTexts() {
		m := h.Message()
		m.Incident = "in-" + h.Name
		out = append(out, m)
	}
	return out
}

// incident returns a message of an incident of its own.
func incident(name string, kind notify.Kind, level rules.Level, receipt string) *notify.Message {
	m := notifytest.Message(kind)
	m.Incident, m.Level, m.Receipt = name, level, receipt
	return m
}

// TestIdentity holds that an incident stays one alert whatever later messages
// are matched by, and that of two levels one fires.
func TestIdentity(t *testing.T) {
	r := newReceiver(t)
	o := newOutput(t, alertmanager.Config{URLs: []string{r.server.URL}, Client: r.server.Client(), Hold: time.Hour})
	receipt := tell(t, o, incident("in-1", notify.Opened, rules.Medium, ""))
	first := r.take(t)
	equal(t, "opened", first, "PicketIncident in-1 medium 1h0m0s")

	m := incident("in-1", notify.Updated, rules.Critical, receipt)
	m.Labels = []alerting.Label{{Name: "rule", Value: "another"}}
	receipt = tell(t, o, m)
	updated := r.take(t)
	equal(t, "updated", updated, "PicketIncident in-1 critical 1h0m0s", "PicketIncident in-1 medium 0s", "PicketIncident in-1 high 0s")
	if diff := cmp.Diff(first[0].Labels, updated[1].Labels); diff != "" {
		t.Errorf("the alert of the old level is another one:\n%s", diff)
	}
	for _, a := range updated {
		if a.Labels["rule"] != first[0].Labels["rule"] {
			t.Errorf("rule %s, want %s", a.Labels["rule"], first[0].Labels["rule"])
		}
	}
	tell(t, o, incident("in-1", notify.Resolved, rules.Critical, receipt))
	equal(t, "resolved", r.take(t), "PicketIncident in-1 critical 0s", "PicketIncident in-1 medium 0s", "PicketIncident in-1 high 0s")

	tell(t, o, incident("in-2", notify.Opened, rules.High, receipt))
	equal(t, "with a receipt of another incident", r.take(t), "PicketIncident in-2 high 1h0m0s")
	tell(t, o, incident("in-3", notify.Opened, rules.High, "nonsense"))
	equal(t, "with a receipt that cannot be read", r.take(t), "PicketIncident in-3 high 1h0m0s")
}

// TestResume holds that what fires is told again after a restart, and what is over
// or was told too long ago is not.
func TestResume(t *testing.T) {
	r := newReceiver(t)
	at := notifytest.At()
	open := func() *alertmanager.Output {
		return newOutput(t, alertmanager.Config{URLs: []string{r.server.URL}, Client: r.server.Client(), Hold: time.Hour, Now: func() time.Time { return at }})
	}
	o := open()
	receipts := map[string]string{"in-5": "nonsense"}
	receipts["in-1"] = tell(t, o, incident("in-1", notify.Opened, rules.High, ""))
	receipts["in-2"] = tell(t, o, incident("in-2", notify.Opened, rules.High, ""))
	receipts["in-2"] = tell(t, o, incident("in-2", notify.Resolved, rules.High, receipts["in-2"]))
	receipts["in-4"] = tell(t, o, incident("in-4", notify.Summary, rules.High, ""))
	at = at.Add(50 * time.Minute)
	late := incident("in-3", notify.Opened, rules.Medium, "")
	late.At = at
	receipts["in-3"] = tell(t, o, late)
	late = incident("in-3", notify.Updated, rules.Critical, receipts["in-3"])
	late.At = at
	receipts["in-3"] = tell(t, o, late)
	r.take(t)

	beat := func() []posted {
		t.Helper()
		o := open()
		o.Resume(receipts)
		if err := o.Beat(t.Context(), at, 5*time.Minute); err != nil {
			t.Fatal(err)
		}
		return r.take(t)
	}
	equal(t, "all that fires", beat(), "PicketHeartbeat 1h5m0s", "PicketIncident in-1 high 1h50m0s", "PicketIncident in-3 critical 1h50m0s")
	at = at.Add(20 * time.Minute)
	equal(t, "an hour after the first", beat(), "PicketHeartbeat 1h25m0s", "PicketIncident in-3 critical 2h10m0s")
}

// TestResumeAgain holds that an output that told nothing for a while, since
// another daemon did, tells again of nothing that it remembers itself: neither
// what fired then nor what an Alertmanager had missed.
func TestResumeAgain(t *testing.T) {
	up, down := newReceiver(t), newReceiver(t)
	at := notifytest.At()
	o := newOutput(t, alertmanager.Config{
		URLs: []string{up.server.URL, down.server.URL}, Client: up.server.Client(), Hold: time.Hour, Now: func() time.Time { return at },
	})
	tell(t, o, incident("in-1", notify.Opened, rules.High, ""))
	receipt := tell(t, o, incident("in-2", notify.Opened, rules.High, ""))
	down.set(http.StatusServiceUnavailable)
	tell(t, o, incident("in-3", notify.Opened, rules.High, ""))
	down.set(0)
	up.take(t)
	down.take(t)

	o.Resume(map[string]string{"in-2": receipt})
	if err := o.Beat(t.Context(), at, 5*time.Minute); err != nil {
		t.Fatal(err)
	}
	equal(t, "told again", up.take(t), "PicketHeartbeat 15m0s", "PicketIncident in-2 high 1h0m0s")
	equal(t, "told again to the one that missed something", down.take(t), "PicketHeartbeat 15m0s", "PicketIncident in-2 high 1h0m0s")
}

// TestBeat holds that all that fires is told again, since Alertmanager keeps
// alerts in memory only, and nothing else.
func TestBeat(t *testing.T) {
	r := newReceiver(t)
	at := notifytest.At()
	o := newOutput(t, alertmanager.Config{URLs: []string{r.server.URL}, Client: r.server.Client(), Hold: time.Hour, Now: func() time.Time { return at }})
	tell(t, o, incident("in-1", notify.Opened, rules.High, ""))
	receipt := tell(t, o, incident("in-2", notify.Opened, rules.High, ""))
	tell(t, o, incident("in-3", notify.Acknowledged, rules.High, ""))
	tell(t, o, incident("in-4", notify.Summary, rules.High, ""))
	tell(t, o, incident("in-5", notify.Test, rules.High, ""))
	r.take(t)
	at = at.Add(30 * time.Minute)
	beat := func() {
		t.Helper()
		if err := o.Beat(t.Context(), at, 5*time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	beat()
	equal(t, "beat", r.take(t), "PicketHeartbeat 45m0s", "PicketIncident in-1 high 1h30m0s", "PicketIncident in-2 high 1h30m0s", "PicketIncident in-3 high 1h30m0s")
	tell(t, o, incident("in-2", notify.Resolved, rules.High, receipt))
	r.take(t)
	at = at.Add(5 * time.Minute)
	beat()
	again := r.take(t)
	equal(t, "beat", again, "PicketHeartbeat 50m0s", "PicketIncident in-1 high 1h35m0s", "PicketIncident in-3 high 1h35m0s")
	if want := notifytest.At().Add(30 * time.Minute); !again[0].StartsAt.Equal(want) {
		t.Errorf("the heartbeat began at %v, want %v: it is one alert", again[0].StartsAt, want)
	}
}

func TestWithoutHeartbeat(t *testing.T) {
	r := newReceiver(t)
	o := newOutput(t, alertmanager.Config{URLs: []string{r.server.URL}, Client: r.server.Client(), WithoutHeartbeat: true})
	tell(t, o, incident("in-1", notify.Opened, rules.High, ""))
	r.take(t)
	if err := o.Beat(t.Context(), notifytest.At(), time.Minute); err != nil {
		t.Fatal(err)
	}
	equal(t, "beat", r.take(t), "PicketIncident in-1 high 168h0m0s")
}

// TestCluster holds that every Alertmanager is told, that one which is down
// keeps nobody from being told, and that it is told later what it has missed.
func TestCluster(t *testing.T) {
	one, two := newReceiver(t), newReceiver(t)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	o := newOutput(t, alertmanager.Config{URLs: []string{one.server.URL, two.server.URL + "/"}, Client: client, Hold: time.Hour, WithoutHeartbeat: true})
	receipt := tell(t, o, incident("in-1", notify.Opened, rules.High, ""))
	equal(t, "the first", one.take(t), "PicketIncident in-1 high 1h0m0s")
	equal(t, "the second", two.take(t), "PicketIncident in-1 high 1h0m0s")

	two.set(http.StatusServiceUnavailable)
	tell(t, o, incident("in-1", notify.Resolved, rules.High, receipt))
	tell(t, o, incident("in-2", notify.Opened, rules.High, ""))
	equal(t, "the first", one.take(t), "PicketIncident in-1 high 0s", "PicketIncident in-2 high 1h0m0s")
	err := o.Beat(t.Context(), notifytest.At(), time.Minute)
	if want := "alertmanager: " + strings.TrimPrefix(two.server.URL, "http://") + ": answered 503 Service Unavailable"; err == nil || err.Error() != want {
		t.Errorf("beat: %v, want %s", err, want)
	}
	one.take(t)

	two.set(0)
	tell(t, o, incident("in-3", notify.Opened, rules.High, ""))
	equal(t, "the first", one.take(t), "PicketIncident in-3 high 1h0m0s")
	equal(t, "the second, with what it has missed", two.take(t), "PicketIncident in-3 high 1h0m0s", "PicketIncident in-1 high 0s", "PicketIncident in-2 high 1h0m0s")
	tell(t, o, incident("in-4", notify.Opened, rules.High, ""))
	equal(t, "the second, nothing twice", two.take(t), "PicketIncident in-4 high 1h0m0s")

	two.set(http.StatusBadGateway)
	tell(t, o, incident("in-2", notify.Resolved, rules.High, ""))
	two.set(0)
	if err := o.Beat(t.Context(), notifytest.At(), time.Minute); err != nil {
		t.Fatal(err)
	}
	equal(t, "the second, with a heartbeat", two.take(t), "PicketIncident in-3 high 1h0m0s", "PicketIncident in-4 high 1h0m0s", "PicketIncident in-2 high 0s")
}

// TestMissedAndOver holds that an Alertmanager that missed the beginning of an
// incident is told of its end, and not of its beginning after that.
func TestMissedAndOver(t *testing.T) {
	one, two := newReceiver(t), newReceiver(t)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	o := newOutput(t, alertmanager.Config{URLs: []string{one.server.URL, two.server.URL}, Client: client, WithoutHeartbeat: true})
	two.set(http.StatusBadGateway)
	receipt := tell(t, o, incident("in-1", notify.Opened, rules.High, ""))
	two.set(0)
	tell(t, o, incident("in-1", notify.Resolved, rules.High, receipt))
	if err := o.Beat(t.Context(), notifytest.At(), time.Minute); err != nil {
		t.Fatal(err)
	}
	equal(t, "the second", two.take(t), "PicketIncident in-1 high 0s")
}

// TestRefused holds that what was refused for ever is not told again.
func TestRefused(t *testing.T) {
	r := newReceiver(t)
	o := newOutput(t, alertmanager.Config{URLs: []string{r.server.URL}, Client: r.server.Client()})
	r.set(http.StatusBadRequest)
	if _, err := o.Notify(t.Context(), incident("in-1", notify.Opened, rules.High, "")); !notify.IsPermanent(err) {
		t.Errorf("not refused for ever: %v", err)
	}
	r.set(0)
	if err := o.Beat(t.Context(), notifytest.At(), time.Minute); err != nil {
		t.Fatal(err)
	}
	equal(t, "beat", r.take(t), "PicketHeartbeat 3m0s")
}

// TestAllDown holds what follows when none has taken a message.
func TestAllDown(t *testing.T) {
	for _, tt := range []struct {
		name      string
		one, two  http.HandlerFunc
		permanent bool
		denied    bool
		after     time.Duration
	}{
		{"both for ever", answer(400, ""), answer(400, ""), true, false, 0},
		{"one for ever", answer(400, ""), answer(500, ""), false, false, 0},
		{"both until a setting is mended", answer(401, ""), answer(403, ""), false, true, 0},
		{"one until a setting is mended, one for ever", answer(401, ""), answer(400, ""), false, true, 0},
		{"one until a setting is mended", answer(401, ""), answer(500, ""), false, false, 0},
		{"both for a time", answer(429, "7"), answer(503, "5"), false, false, 5 * time.Second},
		{"one for a time", answer(429, "7"), answer(500, ""), false, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			one, two := httptest.NewServer(tt.one), httptest.NewServer(tt.two)
			defer one.Close()
			defer two.Close()
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			o := newOutput(t, alertmanager.Config{URLs: []string{one.URL, two.URL}, Client: client})
			_, err := o.Notify(t.Context(), notifytest.Message(notify.Opened))
			if err == nil || notify.IsPermanent(err) != tt.permanent || notify.IsDenied(err) != tt.denied || notify.After(err) != tt.after {
				t.Errorf("permanent %v, denied %v, after %v: %v", notify.IsPermanent(err), notify.IsDenied(err), notify.After(err), err)
			}
			notifytest.Discreet(t, err)
		})
	}
}

func answer(status int, retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `"bad start time"`)
	}
}

// TestSlow holds that what an Alertmanager was not told while it was slow, it is
// told later.
func TestSlow(t *testing.T) {
	quick, slow := newReceiver(t), newReceiver(t)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	o := newOutput(t, alertmanager.Config{URLs: []string{quick.server.URL, slow.server.URL}, Client: client, Hold: time.Hour, WithoutHeartbeat: true})
	slow.mu.Lock() // it takes requests and does not answer
	var group sync.WaitGroup
	for _, name := range []string{"in-1", "in-2"} {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if _, err := o.Notify(ctx, incident(name, notify.Opened, rules.High, "")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	group.Wait()
	slow.mu.Unlock()
	tell(t, o, incident("in-3", notify.Opened, rules.High, ""))
	got := said(slow.take(t))
	for _, name := range []string{"in-1", "in-2", "in-3"} {
		if !slices.Contains(got, "PicketIncident "+name+" high 1h0m0s") {
			t.Errorf("%s was not told: %q", name, got)
		}
	}
}

func TestConfig(t *testing.T) {
	urls := []string{"http://am-1.acme.example:9093", "http://am-2.acme.example:9093/prefix"}
	for _, tt := range []struct {
		name string
		cfg  alertmanager.Config
		want string
	}{
		{"a cluster", alertmanager.Config{URLs: urls}, ""},
		{"none", alertmanager.Config{}, "urls: 0; expected those of all Alertmanagers of the cluster, 1 to 16"},
		{"no URL", alertmanager.Config{URLs: []string{urls[0], "am-2:9093"}}, "urls[1]: not an absolute http or https URL such as https://receiver.example/path"},
		{"twice", alertmanager.Config{URLs: []string{urls[0], urls[0]}}, "urls[1]: is there twice"},
		{"with a password", alertmanager.Config{URLs: []string{"http://me:hidden@am-1"}}, "urls[0]: holds a user; give username and password instead"},
		{"with the API's path", alertmanager.Config{URLs: []string{"http://am-1/api/v2/alerts"}}, "urls[0]: leave out the path of the API and what follows it"},
		{"a user alone", alertmanager.Config{URLs: urls, Username: "me"}, "username, password: give both or neither"},
		{"a password alone", alertmanager.Config{URLs: urls, Password: secret("x")}, "username, password: give both or neither"},
		{"a user with a colon", alertmanager.Config{URLs: urls, Username: "a:b", Password: secret("x")}, "username: holds a colon, which basic authentication does not allow"},
		{"two ways", alertmanager.Config{URLs: urls, Username: "me", Password: secret("x"), Token: secret("y")}, "token: given beside username and password; give one of the two"},
		{"too short", alertmanager.Config{URLs: urls, Hold: 5 * time.Minute}, "hold: 5m0s; expected at least 1h0m0s"},
		{"a negative timeout", alertmanager.Config{URLs: urls, Timeout: -1}, "timeout: -1ns; expected more than 0"},
		{"no label", alertmanager.Config{URLs: urls, Labels: map[string]string{"a.b": "c"}}, `labels: "a.b" is no name of a label; expected letters, digits and _`},
		{"one of Picket's", alertmanager.Config{URLs: urls, Labels: map[string]string{"severity": "page"}}, "labels: severity is set by Picket itself; leave it out"},
		{"no value", alertmanager.Config{URLs: urls, Labels: map[string]string{"a": ""}}, "labels: the value of a is empty, too long or does not print"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if _, err := alertmanager.New(tt.cfg); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
