package links

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/natstest"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

// several are the alerts of one incident.
type several struct {
	mu   sync.Mutex
	all  map[string]alerting.Alert
	away error // of Incident
	now  time.Time
}

func (s *several) Get(_ context.Context, id string) (alerting.Alert, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[id], nil
}

func (s *several) Act(_ context.Context, id string, d alerting.Deed) (alerting.Alert, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := alerting.Act(s.all[id], d, s.now)
	if err != nil {
		return alerting.Alert{}, err
	}
	s.all[id] = a
	return a, nil
}

func (s *several) Incident(_ context.Context, id string) (incident.Incident, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := incident.Incident{ID: id}
	for _, one := range []string{"a100", "b200", "c300"} {
		in.Members = append(in.Members, incident.Member{Alert: one, State: s.all[one].State})
	}
	return in, s.away
}

// TestWholeIncident: who acknowledges by a link of a message is on all that the
// message is about: an alert left out would go on to wake people.
func TestWholeIncident(t *testing.T) {
	const (
		firing = alerting.Firing
		acked  = alerting.Acknowledged
		over   = alerting.Resolved
	)
	for _, tt := range []struct {
		name   string
		action notify.Action
		before [3]alerting.State // at the click; at first all fire
		away   error
		asks   string
		status int
		says   string
		after  [3]alerting.State
	}{
		{
			name: "all wait", action: notify.ActAck, before: [3]alerting.State{firing, firing, firing},
			asks:   "So are 2 other alerts of its incident that wait for somebody.",
			status: 200, says: "Done: PK-A100 and 2 other alerts of its incident are acknowledged",
			after: [3]alerting.State{acked, acked, acked},
		},
		{
			name: "one is over", action: notify.ActAck, before: [3]alerting.State{firing, firing, over},
			asks:   "So is 1 other alert of its incident that waits for somebody.",
			status: 200, says: "Done: PK-A100 and 1 other alert of its incident are acknowledged",
			after: [3]alerting.State{acked, acked, over},
		},
		{
			name: "somebody took the first", action: notify.ActAck, before: [3]alerting.State{acked, firing, over},
			asks:   "So is 1 other",
			status: 200, says: "Done: 1 other alert of its incident is acknowledged",
			after: [3]alerting.State{acked, acked, over},
		},
		{
			name: "somebody took all", action: notify.ActAck, before: [3]alerting.State{acked, acked, over},
			asks:   "Acknowledge PK-A100?",
			status: 409, says: "Somebody was faster",
			after: [3]alerting.State{acked, acked, over},
		},
		{
			name: "the incident cannot be read", action: notify.ActAck, before: [3]alerting.State{firing, firing, firing},
			away:   errors.New("no answer"),
			asks:   "Acknowledge PK-A100?",
			status: 200, says: "other alerts of its incident may still wait: picket incidents ack IN-A100",
			after: [3]alerting.State{acked, firing, firing},
		},
		{
			name: "a verdict is on one alert", action: notify.ActFalse, before: [3]alerting.State{firing, firing, firing},
			asks:   "Resolve PK-A100 as false?",
			status: 200, says: "PK-A100 is resolved as false",
			after: [3]alerting.State{over, firing, firing},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &several{all: map[string]alerting.Alert{}, now: time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC)}
			ids := []string{"a100", "b200", "c300"}
			for _, id := range ids {
				s.all[id] = alerting.Alert{V: 1, ID: id, State: alerting.Firing, Rule: alerting.Rule{Title: "Burst", Level: rules.High, Mode: rules.Enforce}}
			}
			_, js := natstest.Connect(t, natstest.Serve(t, nil))
			book, err := Open(t.Context(), js, 0)
			if err != nil {
				t.Fatal(err)
			}
			l := New(Config{Book: book, Alerts: s, Incidents: s, Base: func() string { return "https://picket.example" }, Now: func() time.Time { return s.now }})
			first := s.all["a100"]
			path := ""
			for _, link := range l.For(&first, "a100-x", "chat", notify.Person{Name: "Ann"}) {
				if link.Action == tt.action {
					path = strings.TrimPrefix(link.URL, "https://picket.example")
				}
			}
			for i, id := range ids {
				a := s.all[id]
				a.State = tt.before[i]
				s.all[id] = a
			}
			s.away = tt.away
			if status, _, body := open(t, l, http.MethodGet, path, nil); status != 200 || !strings.Contains(body, tt.asks) {
				t.Errorf("%d\n%s\nwant %q", status, body, tt.asks)
			}
			if status, _, body := open(t, l, http.MethodPost, path, url.Values{}); status != tt.status || !strings.Contains(body, tt.says) {
				t.Errorf("%d\n%s\nwant %d and %q", status, body, tt.status, tt.says)
			}
			var after [3]alerting.State
			for i, id := range ids {
				after[i] = s.all[id].State
			}
			if d := cmp.Diff(tt.after, after); d != "" {
				t.Errorf("states (-want +got):\n%s", d)
			}
		})
	}
}
