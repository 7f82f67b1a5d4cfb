package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/journal/journaltest"
)

// idle is a collector with nothing to read.
type idle struct{}

func (idle) Poll(context.Context, json.RawMessage) (collectors.Page, error) {
	return collectors.Page{}, nil
}

// answering is a daemon's part that answers about so many sources of one
// credential, none of which was polled yet.
func answering(t *testing.T, sources int) (*App, *parts) {
	t.Helper()
	budget := collectors.NewBudget("acme", collectors.BudgetOptions{Requests: 900, Per: time.Hour, Dollars: 10})
	p := &parts{
		sched:   collectors.NewScheduler(collectors.Options{Logs: collectortest.NewLogs()}),
		pollers: &pollers{budgets: map[string]*budgeted{"acme": {budget: budget}, "spare": {budget: collectors.NewBudget("spare", collectors.BudgetOptions{})}}},
	}
	tasks := make([]collectors.Task, sources)
	for i := range tasks {
		network := []string{"x", "mastodon"}[i%2]
		tasks[i] = collectors.Task{Source: fmt.Sprintf("%s/%06d", network, i), Network: network, Every: time.Minute, Collector: idle{}, Budget: budget}
	}
	must(t, p.sched.Set(tasks))
	return &App{holder: "d1", log: zap.NewNop()}, p
}

// TestCollectorsAreAskedOverNATS holds the service's requests and answers.
func TestCollectorsAreAskedOverNATS(t *testing.T) {
	srv := journaltest.Server(t, t.TempDir(), nil)
	nc, err := nats.Connect(srv.ClientURL(), nats.CustomInboxPrefix(privateInbox))
	must(t, err)
	t.Cleanup(nc.Close)
	if _, _, err := AskCollectors(t.Context(), nc, CollectorsRequest{}); !errors.Is(err, ErrNobodyAnswers) {
		t.Errorf("with nobody there: %v", err)
	}
	const sources = 3000
	a, p := answering(t, sources)
	p.nc = nc
	service, err := a.answerCollectors(p)
	must(t, err)
	t.Cleanup(func() { must(t, service.Stop()) })
	must(t, nc.Flush())

	all, credentials, err := AskCollectors(t.Context(), nc, CollectorsRequest{})
	must(t, err)
	if len(all) != sources || all[0].Source != "mastodon/000001" || all[sources-1].Source != "x/002998" {
		t.Errorf("%d sources, want all %d in order", len(all), sources)
	}
	if all[0].State != "starting" || all[0].Daemon != "d1" || all[0].Every != 60 || all[0].LastOK != nil || all[0].NextPoll == nil {
		t.Errorf("of a source that was not polled is told %+v", all[0])
	}
	want := []CredentialStatus{{Name: "acme", Daemon: "d1", Dollars: 10, Quotas: []QuotaStatus{{Endpoint: "configured", Limit: 900, Remaining: 900}}}}
	if diff := cmp.Diff(want, credentials); diff != "" {
		t.Errorf("credentials in use (-want +got):\n%s", diff)
	}
	for _, row := range []struct {
		name string
		req  CollectorsRequest
		n    int
	}{
		{"one", CollectorsRequest{Source: "x/000004"}, 1},
		{"one that is not there", CollectorsRequest{Source: "x/000005"}, 0},
		{"a network", CollectorsRequest{Network: "x"}, sources / 2},
		{"failing", CollectorsRequest{Failing: true}, 0},
	} {
		got, used, err := AskCollectors(t.Context(), nc, row.req)
		if err != nil || len(got) != row.n || (len(used) > 0) != (row.n > 0) {
			t.Errorf("%s: %d sources, %d credentials, %v; want %d sources and their credential", row.name, len(got), len(used), err, row.n)
		}
	}

	// In messages that any server passes on, the last of them marked.
	sub, err := nc.SubscribeSync(nc.NewInbox())
	must(t, err)
	must(t, nc.PublishRequest(CollectorsSubject, sub.Subject, []byte(`{"v":1}`)))
	parts := 0
	for last := false; !last; parts++ {
		m, err := sub.NextMsg(patience)
		must(t, err)
		var part collectorsAnswer
		must(t, json.Unmarshal(m.Data, &part))
		if last = part.Last; len(m.Data) > 512<<10 {
			t.Errorf("a message of %d bytes, want at most 512 KiB", len(m.Data))
		}
	}
	if parts < 3 {
		t.Errorf("%d messages for %d sources, want several", parts, sources)
	}

	for _, body := range []string{"", "{}", `{"v":2}`, `[]`, `{"v":1,"source":7}`} {
		m, err := nc.Request(CollectorsSubject, []byte(body), patience)
		must(t, err)
		if got := m.Header.Get(micro.ErrorHeader); !strings.Contains(got, `expected {"v":1}`) || m.Header.Get(micro.ErrorCodeHeader) != "400" {
			t.Errorf("%q is answered with %q", body, got)
		}
	}
	forged, err := nc.SubscribeSync("picket.alert.>")
	must(t, err)
	must(t, nc.PublishRequest(CollectorsSubject, "picket.alert.high.x.acme.forged", []byte(`{"v":1}`)))
	_, _, err = AskCollectors(t.Context(), nc, CollectorsRequest{Source: "x/000004"}) // after it
	must(t, err)
	if n, _, err := forged.Pending(); err != nil || n != 0 {
		t.Errorf("%d answers went to a subject of alerts (%v), want none", n, err)
	}
}

// TestSeveralDaemonsAnswer holds that each source is told by who polls it.
func TestSeveralDaemonsAnswer(t *testing.T) {
	at := func(minute int) *time.Time {
		t := time.Date(2026, 3, 14, 2, minute, 0, 0, time.UTC)
		return &t
	}
	told := func(daemon, source, credential, state string, ok *time.Time) CollectorStatus {
		return CollectorStatus{Source: source, Credential: credential, Daemon: daemon, State: state, LastOK: ok}
	}
	part := func(daemon string, sources, standby int, all ...CollectorStatus) collectorsAnswer {
		return collectorsAnswer{V: 1, Daemon: daemon, Sources: sources, Standby: standby, Collectors: all, Last: true, Credentials: []CredentialStatus{{Name: "a", Daemon: daemon}, {Name: "b", Daemon: daemon}}}
	}
	for _, row := range []struct {
		name        string
		parts       []collectorsAnswer
		want        string
		credentials string
		enough      bool // nobody else is waited for
	}{
		{"one daemon", []collectorsAnswer{part("d1", 2, 0, told("d1", "x/a", "a", "complete", at(1)), told("d1", "x/b", "b", "starting", nil))}, "x/a d1, x/b d1", "a d1, b d1", true},
		{"the other one polls it", []collectorsAnswer{part("d1", 1, 1, told("d1", "x/a", "a", "standby", at(9)))}, "x/a d1", "a d1", false},
		{"each polls one", []collectorsAnswer{
			part("d1", 2, 1, told("d1", "x/a", "a", "complete", at(1)), told("d1", "x/b", "b", "standby", at(9))),
			part("d2", 2, 1, told("d2", "x/a", "a", "standby", nil), told("d2", "x/b", "b", "failing", at(2))),
		}, "x/a d1, x/b d2", "a d1, b d2", true},
		{"both, while a lease goes over", []collectorsAnswer{
			part("d1", 1, 0, told("d1", "x/a", "a", "complete", at(1))),
			part("d2", 1, 0, told("d2", "x/a", "a", "complete", at(2))),
		}, "x/a d2", "a d2", true},
		{"one has not begun", []collectorsAnswer{
			part("d1", 1, 0, told("d1", "x/a", "a", "complete", at(1))),
			part("d2", 1, 0, told("d2", "x/a", "a", "starting", nil)),
		}, "x/a d1", "a d1", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			var h heardCollectors
			for _, p := range row.parts {
				data, err := json.Marshal(p)
				must(t, err)
				must(t, h.add(&nats.Msg{Data: data}))
			}
			var got, used []string
			for _, c := range h.sources() {
				got = append(got, c.Source+" "+c.Daemon)
			}
			for _, c := range h.credentials() {
				used = append(used, c.Name+" "+c.Daemon)
			}
			if g := strings.Join(got, ", "); g != row.want {
				t.Errorf("told %s, want %s", g, row.want)
			}
			if u := strings.Join(used, ", "); u != row.credentials {
				t.Errorf("credentials %s, want %s", u, row.credentials)
			}
			if enough := h.enough(); enough != row.enough {
				t.Errorf("all has come: %t, want %t", enough, row.enough)
			}
		})
	}
}

// TestCollectorStatus holds the public form of what the scheduler knows.
func TestCollectorStatus(t *testing.T) {
	then := time.Date(2026, 3, 14, 2, 12, 0, 0, time.FixedZone("CET", 3600))
	utc := then.UTC()
	lag, skew := 90.0, -3.5
	got := statusOf(&collectors.TaskStatus{
		Source: "x/acme", Network: "x", Credential: "acme-x", State: activity.PollForbidden, Since: then, ErrorAt: then,
		LastError: "status 401; to mend it: make a new token", Failures: 2, Items: 7, Lag: 90 * time.Second, Every: time.Minute,
		Skew: activity.Some(-3.5), Cursor: json.RawMessage(`{"id":7}`),
	}, "d1")
	want := CollectorStatus{
		Source: "x/acme", Network: "x", Credential: "acme-x", Daemon: "d1", State: "forbidden", Since: &utc, ErrorAt: &utc,
		Error: "status 401", Mend: "make a new token", Failures: 2, Items: 7, Lag: &lag, Skew: &skew, Every: 60, Cursor: json.RawMessage(`{"id":7}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for state, want := range map[string]bool{"complete": false, "gap": false, "starting": false, "standby": false, "failing": true, "forbidden": true} {
		c := CollectorStatus{State: state}
		if c.Failing() != want {
			t.Errorf("%s counts as failing: %t", state, !want)
		}
		if c.Error = "status 500"; c.Failing() != (state != "standby") {
			t.Errorf("%s with an error counts as failing: %t", state, c.Failing())
		}
	}
}
