package alertmanager_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/alertmanager"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

const (
	realProgram  = "prometheus-alertmanager"
	realPatience = 30 * time.Second
)

// TestRealAlertmanager holds that Debian's Alertmanager receives, groups and
// resolves Picket's alerts, and that one-shot alerts outlive its
// resolve_timeout.
func TestRealAlertmanager(t *testing.T) {
	am := startReal(t)
	o := newOutput(t, alertmanager.Config{URLs: []string{am.url}, Client: am.client, Now: time.Now})
	one := am.incident("in-1", notify.Opened, rules.High, "x")
	receipt := tell(t, o, one)
	tell(t, o, am.incident("in-2", notify.Opened, rules.Critical, "x"))
	tell(t, o, am.incident("in-3", notify.Opened, rules.Medium, "okta"))

	am.await(t, "incidents of one network come as one group", func(n notification) bool {
		return n.GroupLabels["network"] == "x" && slices.Equal(n.incidents("firing"), []string{"in-1 high", "in-2 critical"})
	})
	am.await(t, "those of another network come apart", func(n notification) bool {
		return n.GroupLabels["network"] == "okta" && slices.Equal(n.incidents("firing"), []string{"in-3 medium"})
	})

	// An alert without an end, which resolve_timeout ends, shows when ours would
	// have ended.
	am.post(t, fmt.Sprintf(`[{"labels":{"alertname":"Short","network":"control"},"startsAt":%q}]`, time.Now().UTC().Format(time.RFC3339)))
	am.await(t, "an alert without an end is over", func(n notification) bool {
		return n.GroupLabels["network"] == "control" && n.Status == "resolved"
	})
	am.active(t, "in-1 high", "in-2 critical", "in-3 medium")

	update := am.incident("in-1", notify.Updated, rules.Critical, "x")
	update.Receipt = receipt
	tell(t, o, update)
	am.active(t, "in-1 critical", "in-2 critical", "in-3 medium")

	over := am.incident("in-1", notify.Resolved, rules.Critical, "x")
	over.Receipt, over.Ended = receipt, time.Now()
	tell(t, o, over)
	am.await(t, "an incident is resolved", func(n notification) bool {
		return slices.Contains(n.incidents("resolved"), "in-1 critical")
	})
	am.active(t, "in-2 critical", "in-3 medium")

	again := am.incident("in-1", notify.Opened, rules.High, "x")
	again.Receipt = receipt
	tell(t, o, again)
	am.active(t, "in-1 high", "in-2 critical", "in-3 medium")

	if err := o.Beat(t.Context(), time.Now(), time.Minute); err != nil {
		t.Fatal(err)
	}
	am.await(t, "a heartbeat fires", func(n notification) bool {
		return slices.ContainsFunc(n.Alerts, func(a received) bool { return a.Labels["alertname"] == "PicketHeartbeat" })
	})
	am.active(t, "in-1 high", "in-2 critical", "in-3 medium")
}

// TestRealAlertmanagerRefuses holds what its refusal looks like.
func TestRealAlertmanagerRefuses(t *testing.T) {
	am := startReal(t)
	o := newOutput(t, alertmanager.Config{URLs: []string{am.url + "/nowhere"}, Client: am.client})
	if _, err := o.Notify(t.Context(), am.incident("in-1", notify.Opened, rules.High, "x")); !notify.IsDenied(err) {
		t.Errorf("a wrong path: denied %v: %v", notify.IsDenied(err), err)
	}
}

// TestRealAlertmanagerHostile holds that no text makes it refuse an alert.
func TestRealAlertmanagerHostile(t *testing.T) {
	am := startReal(t)
	o := newOutput(t, alertmanager.Config{URLs: []string{am.url}, Client: am.client, Now: time.Now})
	var want []string
	for _, h := range hostileMessages() {
		h.At, h.Started = time.Now(), time.Now()
		tell(t, o, h)
		want = append(want, h.Incident+" critical")
	}
	slices.Sort(want)
	am.active(t, want...)
}

// manager is an Alertmanager that runs.
type manager struct {
	url      string
	client   *http.Client
	notified chan notification
	seen     []notification
}

// notification is the body of Alertmanager's webhook, version 4.
type notification struct {
	Status      string            `json:"status"`
	GroupLabels map[string]string `json:"groupLabels"`
	Alerts      []received        `json:"alerts"`
}

type received struct {
	Status string            `json:"status"`
	Labels map[string]string `json:"labels"`
}

// incidents returns those of a status, sorted.
func (n *notification) incidents(status string) []string {
	var out []string
	for _, a := range n.Alerts {
		if a.Status == status && a.Labels["incident"] != "" {
			out = append(out, a.Labels["incident"]+" "+a.Labels["level"])
		}
	}
	slices.Sort(out)
	return out
}

func startReal(t *testing.T) *manager {
	t.Helper()
	program, err := exec.LookPath(realProgram)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v: install Debian's package %s", err, realProgram)
		}
		t.Skipf("%v: install Debian's package %s to run this test", err, realProgram)
	}
	am := &manager{notified: make(chan notification, 1000), client: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(am.client.CloseIdleConnections)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n notification
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Errorf("a notification cannot be read: %v", err)
		}
		am.notified <- n
	}))
	t.Cleanup(hook.Close)
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(config, []byte(`
global: {resolve_timeout: 3s}
route: {receiver: test, group_by: [network], group_wait: 100ms, group_interval: 200ms, repeat_interval: 1h}
receivers: [{name: test, webhook_configs: [{url: "`+hook.URL+`", send_resolved: true}]}]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config.file="+config, "--storage.path="+dir, "--web.listen-address=127.0.0.1:0", "--cluster.listen-address=")
	am.url = "http://" + listening(t, cmd)
	return am
}

// listening starts an Alertmanager, which ends with the test, and returns the
// address that it says it listens on.
func listening(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, log := make(chan string, 1), &strings.Builder{}
	var reading sync.WaitGroup
	reading.Go(func() {
		said := regexp.MustCompile(`msg="?Listening.*address=(127\.0\.0\.1:\d+)`)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(log, lines.Text())
			if m := said.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
		}
		close(address)
	})
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		reading.Wait()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s says:\n%s", realProgram, log)
		}
	})
	select {
	case at, ok := <-address:
		if !ok {
			t.Fatalf("%s does not listen", realProgram)
		}
		return at
	case <-time.After(realPatience):
		t.Fatalf("%s does not listen in time", realProgram)
	}
	return ""
}

// incident returns a message of an incident on a network that began now.
func (*manager) incident(name string, kind notify.Kind, level rules.Level, network string) *notify.Message {
	m := incident(name, kind, level, "")
	m.At, m.Started = time.Now(), time.Now().Add(-time.Minute)
	m.Labels = []alerting.Label{{Name: "network", Value: network}, {Name: "group.ip", Value: "198.51.100.7"}}
	return m
}

// await waits for a notification, also among those that came before.
func (am *manager) await(t *testing.T, what string, is func(notification) bool) {
	t.Helper()
	if slices.ContainsFunc(am.seen, is) {
		return
	}
	deadline := time.After(realPatience)
	for {
		select {
		case n := <-am.notified:
			if am.seen = append(am.seen, n); is(n) {
				return
			}
		case <-deadline:
			t.Fatalf("%s: not in %+v", what, am.seen)
		}
	}
}

// active waits until these incidents are active and no others.
func (am *manager) active(t *testing.T, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), realPatience)
	defer cancel()
	var got []string
	for ctx.Err() == nil {
		if got = am.list(ctx, t); slices.Equal(got, want) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("active: %q, want %q", got, want)
}

func (am *manager) list(ctx context.Context, t *testing.T) []string {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, am.url+"/api/v2/alerts?active=true", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := am.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var alerts []struct {
		Labels map[string]string `json:"labels"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&alerts); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range alerts {
		if a.Labels["incident"] != "" {
			out = append(out, a.Labels["incident"]+" "+a.Labels["level"])
		}
	}
	slices.Sort(out)
	return out
}

// post sends alerts that are not Picket's.
func (am *manager) post(t *testing.T, body string) {
	t.Helper()
	resp, err := am.client.Post(am.url+"/api/v2/alerts", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if said, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", resp.Status, said)
	}
}
