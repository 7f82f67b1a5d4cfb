package dispatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/delivery"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

// complaints are what a store has told of damaged documents.
type complaints struct {
	mu  sync.Mutex
	all []string
}

func (c *complaints) add(subject string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, fmt.Sprint(subject, ": ", err))
}

func (c *complaints) sorted() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(slices.Values(c.all))
}

// dispatch starts a dispatcher that runs on a server until it is stopped.
func (c *complaints) dispatch(t *testing.T, js jetstream.JetStream, alerts alerting.Store) (r *Runner, stop func()) {
	t.Helper()
	store := open(t, js)
	store.Damaged = c.add
	r, err := New(Config{Alerts: alerts, Store: store, Outbox: delivery.NewOutbox(js), Policy: policy()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = r.Run(ctx) })
	return r, func() { cancel(); group.Wait() }
}

// TestDamagedDocuments: what cannot be read of an incident, a receiver and how far
// alerts are applied is told and passed over. An alert whose incident is lost is
// told anew while it fires; nobody is told anything else twice.
func TestDamagedDocuments(t *testing.T) {
	js := serve(t)
	alerts, err := natspub.Open(t.Context(), js)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	put := func(a alerting.Alert, expected uint64) uint64 {
		t.Helper()
		r := alerts.Put(t.Context(), []alerting.Write{{Alert: a, Expected: expected}})[0]
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		return r.Seq
	}
	lost, kept, over := firing("aaaaaa", "x/acme", rules.High, now), firing("bbbbbb", "x/beta", rules.High, now), firing("cccccc", "x/gone", rules.High, now)
	seq := put(lost, 0)
	put(kept, 0)
	ending := put(over, 0)
	var told complaints
	_, stop := told.dispatch(t, js, alerts)
	want := []string{"x/acme opened", "x/beta opened", "x/gone opened"}
	waitForMessages(t, js, want...)
	put(moved(over, alerting.Resolved, "jane", now), ending)
	want = append(want, "x/gone resolved")
	waitForMessages(t, js, want...)
	stop()
	if got := told.sorted(); len(got) > 0 {
		t.Fatalf("complained of what is sound: %q", got)
	}

	incidents := map[string]string{}
	heads, err := open(t, js).Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range heads {
		r, err := open(t, js).Get(t.Context(), h.ID)
		if err != nil {
			t.Fatal(err)
		}
		incidents[r.Incident.Members[0].Account] = h.subject
	}
	damage := func(subject, body string) uint64 {
		t.Helper()
		ack, err := js.Publish(t.Context(), subject, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return ack.Sequence
	}
	type harm struct{ subject, body, says string }
	var complain []string
	harms := []harm{
		{incidents["x/acme"], "no JSON", "header Picket-Opened"},
		{incidents["x/gone"], `{"v":1}`, "header Picket-Opened"},
		{DeskSubject("ops"), `{"v":1,"receiver":"somebody else"}`, `field receiver: "somebody else"; expected that of the subject picket.desk.ops`},
		{markSubject, `{"v":0}`, "field v: 0; expected 1 to 1"},
	}
	for _, h := range harms {
		complain = append(complain, fmt.Sprintf("%s: stream INCIDENTS, sequence %d: the document cannot be read: ", h.subject, damage(h.subject, h.body)))
	}
	r, stop := told.dispatch(t, js, alerts)
	defer stop()
	want = append(want, "x/acme opened")
	waitForMessages(t, js, want...)
	put(firing("dddddd", "x/new", rules.High, now), 0)
	put(moved(lost, alerting.Acknowledged, "jane", now), seq)
	want = append(want, "x/new opened", "x/acme acknowledged")
	keys := map[string]bool{}
	for _, m := range waitForMessages(t, js, want...) {
		if keys[m.Key] {
			t.Errorf("key %s was used twice", m.Key)
		}
		keys[m.Key] = true
	}
	if err := r.Failing(); err != nil {
		t.Error(err)
	}
	got := told.sorted()
	slices.Sort(complain)
	if len(got) != len(complain) {
		t.Fatalf("complaints %q, want beginnings %q", got, complain)
	}
	for i := range got {
		if !strings.HasPrefix(got[i], complain[i]) {
			t.Errorf("complaint %q, want it to begin with %q", got[i], complain[i])
		}
	}
	for _, h := range harms {
		if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, h.subject) && strings.Contains(s, h.says) }) {
			t.Errorf("no complaint of %s says %s: %q", h.subject, h.says, got)
		}
	}
}

// TestSound: a record that could not be decided by is told apart from one that
// can.
func TestSound(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(r *Record)
		want   string
	}{
		{"as it is", func(*Record) {}, ""},
		{"no incident", func(r *Record) { r.Incident = nil }, "field incident: missing"},
		{"another incident", func(r *Record) { r.Incident.ID = "b" }, `field incident.id: "b"; expected that of the subject, "a"`},
		{"no members", func(r *Record) { r.Incident.Members = nil }, "field incident.members: expected at least one"},
		{"an odd state", func(r *Record) { r.Incident.State = "odd" }, `field incident.state: "odd"; expected one of [firing acknowledged resolved]`},
		{"muted nobody", func(r *Record) { r.Muted = []int{1} }, "field muted: names a member that is not there"},
		{"told of nobody", func(r *Record) { r.Told = []Told{{Members: []int{0}}, {Members: []int{-1}}} }, "field told: names a member that is not there"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := record("a", rules.High)
			tt.change(r)
			got := ""
			if err := r.sound("a"); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// counter is an Observer.
type counter struct {
	incidents map[Count]bool
	withheld  map[Reason]int
	held      map[Reason]int
	decided   map[string]int
}

func (c *counter) Incidents(counts []Count) {
	c.incidents = map[Count]bool{}
	for _, n := range counts {
		c.incidents[n] = true
	}
}
func (c *counter) Withheld(alerts map[Reason]int) { c.withheld = alerts }
func (c *counter) Held(why Reason)                { c.held[why]++ }
func (c *counter) Decided(kind notify.Kind, urgency alerting.Urgency) {
	c.decided[fmt.Sprint(kind, " ", urgency)]++
}

// TestObserver follows what is counted as alerts are told and withheld, over a
// restart.
func TestObserver(t *testing.T) {
	seen := &counter{held: map[Reason]int{}, decided: map[string]int{}}
	w := newWorld(t, 1)
	w.faulty = false
	d := w.daemon[0]
	d.runner.cfg.Observer = seen
	d.runner.policy.Budget = Budget{Pages: 1, Per: time.Hour}
	step := func(incidents []Count, withheld, held map[Reason]int, decided map[string]int) {
		t.Helper()
		w.turn(d)
		want := map[Count]bool{}
		for _, n := range incidents {
			want[n] = true
		}
		for what, diff := range map[string]string{
			"incidents": cmp.Diff(want, seen.incidents), "held": cmp.Diff(held, seen.held), "decided": cmp.Diff(decided, seen.decided),
		} {
			if diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		for _, why := range Reasons() {
			if withheld[why] != seen.withheld[why] {
				t.Errorf("%d withheld for %s, want %d", seen.withheld[why], why, withheld[why])
			}
		}
	}
	a, b, c := firing("aaaaaa", "x/a", rules.Critical, w.now), firing("bbbbbb", "x/a", rules.Medium, w.now), firing("cccccc", "x/c", rules.High, w.now)
	w.alerts.put(a, w.now)
	w.alerts.put(b, w.now)
	w.silent["x/c"] = w.now.Add(time.Hour)
	w.alerts.put(c, w.now)
	two := []Count{{alerting.Firing, rules.Critical, 1}, {alerting.Firing, rules.High, 1}}
	step(two, map[Reason]int{HeldInhibited: 1, HeldSilenced: 1}, map[Reason]int{HeldInhibited: 1, HeldSilenced: 1}, map[string]int{"opened page": 1})

	d.session = nil // started again: what is withheld is not counted again
	d.runner.policy.Budget = Budget{Pages: 1, Per: time.Hour}
	step(two, map[Reason]int{HeldInhibited: 1, HeldSilenced: 1}, map[Reason]int{HeldInhibited: 1, HeldSilenced: 1}, map[string]int{"opened page": 1})

	clear(w.silent)
	d.runner.SilencesChanged()
	step(two, map[Reason]int{HeldInhibited: 1, HeldBudget: 1}, map[Reason]int{HeldInhibited: 1, HeldSilenced: 1, HeldBudget: 1}, map[string]int{"opened page": 1})

	w.alerts.put(moved(c, alerting.Acknowledged, "jane", w.now), w.now)
	step([]Count{two[0], {alerting.Acknowledged, rules.High, 1}}, map[Reason]int{HeldInhibited: 1},
		map[Reason]int{HeldInhibited: 1, HeldSilenced: 1, HeldBudget: 1}, map[string]int{"opened page": 1})

	w.now = w.now.Add(2 * time.Minute)
	step([]Count{two[0], {alerting.Acknowledged, rules.High, 1}}, map[Reason]int{HeldInhibited: 1},
		map[Reason]int{HeldInhibited: 1, HeldSilenced: 1, HeldBudget: 1}, map[string]int{"opened page": 1, "summary page": 1})
}
