package dispatch

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/silence"
	"github.com/picketd/picket/rules"
)

// TestModel drives two dispatchers over one store: alerts that are raised,
// acknowledged, resolved and come again by many people and by themselves;
// crashes at any point, writes that are torn, an outbox that fails before or after
// it took messages, clocks that are turned, and silences that come and go. It
// compares with what the chart of the package comment allows, and looks whether
// anybody was told twice or not at all.
func TestModel(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { newWorld(t, seed).run(*soak / 4) })
	}
}

var soak = flag.Int("soak", 6000, "steps that TestModel takes")

type world struct {
	t      *testing.T
	rand   *rand.Rand
	now    time.Time
	alerts *alerts
	docs   *documents
	outbox *box
	daemon [2]*daemon
	silent map[string]time.Time // by account
	faulty bool
	n      int
	open   []string // alerts that may not be resolved
	counts map[string]int
}

// daemon is one dispatcher with its own clock.
type daemon struct {
	runner *Runner
	*session

	seen uint64 // heads that it was given
	skew time.Duration
}

// box is an outbox that keeps each message once, as delivery does.
type box struct {
	keys map[string]bool
	sent []notify.Message
}

func (w *world) Queue(_ context.Context, messages []notify.Message) error {
	if w.fault(30) {
		return errTorn
	}
	for _, m := range messages {
		if key := m.Receiver + "/" + m.Key; !w.outbox.keys[key] {
			w.outbox.keys[key] = true
			w.outbox.sent = append(w.outbox.sent, m)
		} else {
			w.counts["repeated"]++
		}
	}
	if w.fault(30) {
		return errTorn // though it took them
	}
	return nil
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{
		t: t, rand: rand.New(rand.NewPCG(seed, 11)), now: start(), alerts: &alerts{last: map[string]alerting.Stored{}},
		docs: newDocuments(), outbox: &box{keys: map[string]bool{}}, silent: map[string]time.Time{}, faulty: true, counts: map[string]int{},
	}
	w.alerts.fail = func() error {
		if w.fault(60) {
			return errTorn
		}
		return nil
	}
	w.docs.tear = func(n int) (int, bool) {
		if w.fault(25) {
			return w.rand.IntN(n + 1), true
		}
		return n, false
	}
	for i := range w.daemon {
		w.daemon[i] = w.newDaemon()
	}
	return w
}

func (w *world) newDaemon() *daemon {
	p := escalating()
	p.Inhibit = []Inhibition{{Source: matchers(w.t, `level="critical"`), Target: matchers(w.t, `level="medium"`), Equal: []string{"account"}}}
	p.Budget = Budget{Pages: 20, Messages: 20}
	d := &daemon{}
	r, err := New(Config{
		Alerts: w.alerts, Store: w.docs, Outbox: w, Policy: p, Silences: w,
		Now: func() time.Time { return w.now.Add(d.skew) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	d.runner = r
	return d
}

// Silenced implements Silences.
func (w *world) Silenced(labels match.Set, at time.Time) (silence.Silence, bool) {
	for _, account := range labels[match.Account] {
		if until := w.silent[account]; at.Before(until) {
			return silence.Silence{End: until}, true
		}
	}
	return silence.Silence{}, false
}

func (w *world) fault(oneIn int) bool {
	if w.faulty && w.rand.IntN(oneIn) == 0 {
		w.counts["faults"]++
		return true
	}
	return false
}

func (w *world) run(steps int) {
	w.t.Helper()
	for range steps {
		d := w.daemon[w.rand.IntN(2)]
		switch n := w.rand.IntN(100); {
		case n < 7:
			w.raise()
		case n < 35:
			w.change()
		case n < 75:
			w.turn(d)
		case n < 92:
			w.now = w.now.Add(time.Duration(w.rand.IntN(240)) * time.Second)
		case n < 94:
			w.now = w.now.Add(time.Duration(w.rand.IntN(5)) * time.Hour)
		case n < 96:
			d.session = nil // killed
			w.counts["crashes"]++
		case n < 97:
			d.skew = time.Duration(w.rand.IntN(5)-2) * time.Hour
			w.counts["clocks"]++
		case n < 99:
			w.silent[w.account()] = w.now.Add(time.Duration(w.rand.IntN(120)) * time.Minute)
			w.daemon[0].runner.SilencesChanged()
			w.daemon[1].runner.SilencesChanged()
		}
		w.legal()
	}
	w.settle()
	w.check(steps)
}

func (w *world) account() string { return fmt.Sprintf("x/a%d", w.rand.IntN(12)) }

func (w *world) raise() {
	w.n++
	levels := []rules.Level{rules.Low, rules.Medium, rules.High, rules.High, rules.Critical}
	a := firing(fmt.Sprintf("%06x", w.n), w.account(), levels[w.rand.IntN(len(levels))], w.now)
	a.Rule.ID = fmt.Sprint("rule-", w.rand.IntN(4))
	w.alerts.put(a, w.now)
	w.open = append(w.open, a.ID)
}

// change moves a recent alert to another state, as its chart allows.
func (w *world) change() {
	if w.n == 0 {
		return
	}
	id := fmt.Sprintf("%06x", max(1, w.n-w.rand.IntN(30)))
	if n := len(w.open); n > 0 && w.rand.IntN(2) == 0 {
		i := w.rand.IntN(n)
		id = w.open[i]
		if w.alerts.last[id].Alert.State == alerting.Resolved {
			w.open = slices.Delete(w.open, i, i+1)
			return
		}
	}
	a := w.alerts.last[id].Alert
	by := alerting.ByPicket
	var to alerting.State
	switch n := w.rand.IntN(10); {
	case a.State != alerting.Resolved && w.rand.IntN(8) == 0:
		me := w.rand.IntN(2) == 0
		w.counts[fmt.Sprint("answers ", me)]++
		w.alerts.put(answered(w.t, a, me, w.now), w.now)
		return
	case a.State == alerting.Firing && n < 3:
		to, by = alerting.Acknowledged, "jane"
	case a.State != alerting.Resolved && n < 5:
		to, by = alerting.Resolved, "tom"
	case a.State != alerting.Resolved && n < 8:
		to = alerting.Resolved
	case a.State != alerting.Resolved:
		w.alerts.put(raised(a, rules.Critical, w.now), w.now)
		return
	case n < 4:
		to = alerting.Firing
		w.open = append(w.open, id)
	default:
		return
	}
	w.alerts.put(moved(a, to, by, w.now), w.now)
}

// turn has a dispatcher take what came and do what is due.
func (w *world) turn(d *daemon) {
	ctx := w.t.Context()
	if d.session == nil {
		s, err := d.runner.load(ctx)
		if err != nil {
			w.passing(err)
			return
		}
		d.session, d.seen = s, 0
	}
	for _, st := range w.alerts.heads(d.seen) {
		d.runner.head(alerting.HeadOf(&st.Alert, st.Seq, st.Time))
		d.seen = st.Seq
	}
	if err := d.step(ctx); err != nil {
		w.passing(err)
		d.session = nil
	}
}

func (w *world) passing(err error) {
	w.t.Helper()
	switch {
	case errors.Is(err, alerting.ErrConflict):
		w.counts["conflicts"]++
	case !errors.Is(err, errTorn):
		w.t.Fatal(err)
	}
}

// settle lets both finish without faults, and time pass.
func (w *world) settle() {
	w.faulty = false
	clear(w.silent)
	for range 200 {
		w.now = w.now.Add(30 * time.Minute)
		for _, d := range w.daemon {
			d.skew = 0
			d.runner.SilencesChanged()
			w.turn(d)
		}
	}
}

// legal follows the messages that were queued since it was called last.
func (w *world) legal() {
	w.t.Helper()
	open := w.counts
	for ; open["checked"] < len(w.outbox.sent); open["checked"]++ {
		m := w.outbox.sent[open["checked"]]
		key := "open " + m.Receiver + " " + m.Incident
		switch {
		case m.Kind == notify.Summary:
			continue
		case m.Kind == notify.Opened && open[key] != 0, (m.Kind == notify.Updated || m.Kind == notify.Repeated || m.Kind == notify.Acknowledged || m.Kind == notify.Resolved) && open[key] == 0:
			w.t.Fatalf("%s was told %q of %s while open is %d", m.Receiver, m.Kind, m.Incident, open[key])
		case m.Title == "":
			w.t.Fatalf("%s has no title", m.Key)
		}
		open[key] = 1
		if m.Kind == notify.Resolved {
			open[key] = 0
		}
		open[string(m.Kind)]++
	}
}

// check looks for what nobody was told, and for what is told of what is over.
func (w *world) check(steps int) {
	w.t.Helper()
	w.legal()
	for _, name := range []string{"crashes", "conflicts", "clocks", "faults", "repeated", "opened", "updated", "escalated", "acknowledged", "resolved", "answers true", "answers false"} {
		if w.counts[name] < steps/2000 {
			w.t.Errorf("too little happened: %d %s", w.counts[name], name)
		}
	}
	newest := map[string]*Record{} // incident by alert
	for id := range w.docs.records {
		r := w.docs.records[id]
		for _, m := range r.Incident.Members {
			if before := newest[m.Alert]; before == nil || before.Incident.Opened.Before(r.Incident.Opened) {
				newest[m.Alert] = &r
			}
		}
	}
	for id := range w.alerts.last {
		w.checkAlert(id, newest[id])
	}
}

func (w *world) checkAlert(id string, r *Record) {
	w.t.Helper()
	a := w.alerts.last[id].Alert
	if r == nil {
		w.t.Errorf("alert %s (%s, %s) is in no incident", id, a.Rule.Level, a.State)
		return
	}
	i := r.Incident.Member(id)
	m := &r.Incident.Members[i]
	if m.State != a.State {
		w.t.Errorf("alert %s is %s, its incident has it %s", id, a.State, m.State)
	}
	denied := a.Answered != nil && !a.Answered.Me
	if m.Denied != denied || denied && m.Level != rules.Critical {
		w.t.Errorf("alert %s, not them: %v; its incident has it %v, %s", id, denied, m.Denied, m.Level)
	}
	t := *r.told("ops")
	waits := a.State == alerting.Firing
	done := a.State == alerting.Acknowledged || a.ByHand() || slices.Contains(r.Muted, i) || a.State == alerting.Resolved && m.Openings > 1
	if waits && denied && (!t.Page || t.Level != rules.Critical) && t.Held.IsZero() {
		w.t.Errorf("alert %s was not them, and nobody was woken: %+v", id, t)
	}
	if waits && !denied && w.inhibits(&a) {
		return
	}
	if !t.knows(i) && !done {
		w.t.Errorf("nobody was told of alert %s (%s, %s) of %s: %+v", id, a.Rule.Level, a.State, r.Incident.ID, t)
	}
	if waits && (denied || a.Rule.Level.Rank() >= rules.Medium.Rank()) && !t.Open && t.Held.IsZero() {
		w.t.Errorf("alert %s fires and its receiver does not know: %+v", id, t)
	}
	if r.Incident.State == alerting.Resolved && t.Open {
		w.t.Errorf("incident %s is over and its receiver does not know", r.Incident.ID)
	}
}

// inhibits reports whether a critical alert explains one of level medium.
func (w *world) inhibits(a *alerting.Alert) bool {
	for _, st := range w.alerts.last {
		if b := &st.Alert; a.Rule.Level == rules.Medium && b.Rule.Level == rules.Critical && b.Account == a.Account && b.State != alerting.Resolved {
			return true
		}
	}
	return false
}
