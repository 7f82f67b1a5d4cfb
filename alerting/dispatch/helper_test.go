package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/silence"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

// start is the moment at which the tests begin: a Saturday, 03:12 in Berlin.
func start() time.Time { return time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC) }

func after(d time.Duration) time.Time { return start().Add(d) }

// firing is an alert that began at a moment.
func firing(id, account string, level rules.Level, at time.Time) alerting.Alert {
	network, _, _ := strings.Cut(account, "/")
	return alerting.Alert{
		V: alerting.Version, ID: id, Revision: 1, State: alerting.Firing, Change: alerting.ChangeOpened,
		Network: network, Account: account, Opened: at, Updated: at, LogTime: at, First: at, Last: at, Count: 1,
		Rule: alerting.Rule{
			ID: "rule-" + id, Name: "burst", Title: "Posting burst", Level: level, Mode: rules.Enforce, Type: rules.TypeEventCount,
		},
		History:  []alerting.Transition{{At: at, To: alerting.Firing, By: alerting.ByPicket}},
		Evidence: []activity.Activity{{ID: id, Network: network, Account: account, Kind: activity.KindPost, Time: at}},
	}
}

// moved is the next revision of an alert, in another state.
func moved(a alerting.Alert, to alerting.State, by string, at time.Time) alerting.Alert {
	a.Revision++
	a.Updated = at
	a.History = append(slices.Clone(a.History), alerting.Transition{At: at, From: a.State, To: to, By: by})
	a.Ack, a.Resolution = nil, nil
	switch mark := (&alerting.Mark{By: by, At: at}); to {
	case alerting.Firing:
		a.Change, a.Answered = alerting.ChangeReopened, nil
	case alerting.Acknowledged:
		a.Change, a.Ack = alerting.ChangeAcknowledged, mark
	case alerting.Resolved:
		a.Change, a.Resolution = alerting.ChangeResolved, mark
	}
	a.State = to
	return a
}

// raised is the next revision of an alert, at another level.
func raised(a alerting.Alert, level rules.Level, at time.Time) alerting.Alert {
	a.Revision++
	a.Updated, a.Change, a.Rule.Level = at, alerting.ChangeUpdated, level
	return a
}

// answered is the next revision of an alert about which somebody was asked
// whether it was them.
func answered(t *testing.T, a alerting.Alert, me bool, at time.Time) alerting.Alert {
	t.Helper()
	next, err := alerting.Act(a, alerting.Deed{Action: alerting.ActionAnswer, Actor: "ann", Me: me}, at)
	if err != nil {
		t.Fatal(err)
	}
	next.Revision++
	next.Change = alerting.ChangeAnswered
	return next
}

// policy tells two receivers of everything.
func policy() *Policy {
	return &Policy{
		Root:      Route{Name: "root", Receivers: []string{"ops"}},
		FlapQuiet: 30 * time.Minute,
		Digest:    9 * time.Hour,
	}
}

// quietSet silences by matchers until a moment.
type quietSet map[string]time.Time

func (q quietSet) Silenced(labels match.Set, at time.Time) (silence.Silence, bool) {
	for text, until := range q {
		m, err := match.Parse(text)
		if err == nil && m.Matches(labels) && at.Before(until) {
			return silence.Silence{End: until}, true
		}
	}
	return silence.Silence{}, false
}

func matchers(t *testing.T, text string) match.Matchers {
	t.Helper()
	m, err := match.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// told writes messages as "ops opened".
func told(messages []notify.Message) []string {
	out := []string{}
	for _, m := range messages {
		s := m.Receiver + " " + string(m.Kind)
		if len(m.People) > 0 {
			s += " for"
			for _, p := range m.People {
				s += " " + p.Name
			}
		}
		out = append(out, s)
	}
	return out
}

// rig drives a core on its own: what it decides is stored and queued at once.
type rig struct {
	core *Core
	now  time.Time
}

func newRig(p *Policy, dir alerting.Directory, s Silences) *rig {
	return &rig{core: NewCore(p, dir, s), now: start()}
}

// apply moves the clock to a moment, running what comes due on the way, and
// applies alerts.
func (r *rig) apply(at time.Time, alerts ...alerting.Alert) []notify.Message {
	out := r.until(at)
	return append(out, r.do(Event{Alerts: alerts})...)
}

func (r *rig) until(at time.Time) []notify.Message {
	var out []notify.Message
	for {
		next := r.core.Next()
		if next.IsZero() || next.After(at) {
			break
		}
		if next.After(r.now) {
			r.now = next
		}
		out = append(out, r.do(Event{})...)
	}
	r.now = at
	return out
}

func (r *rig) do(ev Event) []notify.Message {
	out := r.core.Apply(ev, r.now)
	for docs := r.core.Dirty(); len(docs) > 0; docs = r.core.Dirty() {
		r.core.Queued(docs)
	}
	return out
}

// alerts is an alert store in memory.
type alerts struct {
	seq  uint64
	last map[string]alerting.Stored
	fail func() error
}

func (s *alerts) put(a alerting.Alert, now time.Time) {
	s.seq++
	s.last[a.ID] = alerting.Stored{Alert: a, Seq: s.seq, Time: now}
}

// heads returns the newest revisions after a sequence, in order.
func (s *alerts) heads(from uint64) []alerting.Stored {
	out := slices.Collect(maps.Values(s.last))
	out = slices.DeleteFunc(out, func(st alerting.Stored) bool { return st.Seq <= from })
	slices.SortFunc(out, func(a, b alerting.Stored) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// documents is a Store in memory.
type documents struct {
	seq     uint64
	records map[string]Record
	desks   map[string]Desk
	mark    uint64
	// tear, where it returns n, has a Put store n documents and fail.
	tear func(docs int) (int, bool)
}

var errTorn = errors.New("server is away")

func newDocuments() *documents {
	return &documents{records: map[string]Record{}, desks: map[string]Desk{}}
}

func (s *documents) Load(context.Context) (Stored, error) {
	out := Stored{Mark: s.mark, Fence: s.seq, Created: start()}
	for _, id := range slices.Sorted(maps.Keys(s.records)) {
		if r := s.records[id]; !r.Closed {
			out.Records = append(out.Records, *r.clone())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.desks)) {
		d := s.desks[name]
		out.Desks = append(out.Desks, *d.clone())
	}
	return out, nil
}

func (s *documents) Put(_ context.Context, docs []Document, fence uint64) (uint64, error) {
	if fence != s.seq {
		return 0, fmt.Errorf("put: %w", alerting.ErrConflict)
	}
	n, torn := len(docs), false
	if s.tear != nil {
		n, torn = s.tear(len(docs))
	}
	for _, doc := range docs[:n] {
		s.seq++
		switch {
		case doc.Record != nil:
			s.records[doc.Record.Incident.ID] = *doc.Record.clone()
		case doc.Desk != nil:
			s.desks[doc.Desk.Receiver] = *doc.Desk.clone()
		default:
			s.mark = doc.Mark
		}
	}
	if torn {
		return 0, errTorn
	}
	return s.seq, nil
}

func (s *alerts) Get(_ context.Context, ids []string) ([]alerting.Stored, error) {
	if err := s.fail(); err != nil {
		return nil, err
	}
	out := make([]alerting.Stored, len(ids))
	for i, id := range ids {
		out[i] = s.last[id]
	}
	return out, nil
}

// Put is what alerting alone does.
func (s *alerts) Put(context.Context, []alerting.Write) []alerting.Result { return nil }

// Heads is what people ask for.
func (s *alerts) Heads(context.Context) ([]alerting.Head, error) {
	if err := s.fail(); err != nil {
		return nil, err
	}
	var out []alerting.Head
	for _, st := range s.heads(0) {
		out = append(out, alerting.HeadOf(&st.Alert, st.Seq, st.Time))
	}
	return out, nil
}

// Watch tells what is stored and waits.
func (s *alerts) Watch(ctx context.Context, each func(alerting.Head)) error {
	for _, st := range s.heads(0) {
		each(alerting.HeadOf(&st.Alert, st.Seq, st.Time))
	}
	<-ctx.Done()
	return ctx.Err()
}
