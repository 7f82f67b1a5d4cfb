package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

// Config is what a Runner works with. Alerts, Store and Outbox are required.
type Config struct {
	Alerts    alerting.Store
	Store     Store
	Outbox    Outbox
	Policy    *Policy
	Directory alerting.Directory // nil: nothing is known of accounts
	Silences  Silences           // nil: nothing is silenced
	// Links returns what a message about an alert of an incident leads to; person is nameless
	// where the message is for several. nil: nowhere.
	Links    func(a *alerting.Alert, incident, receiver string, person notify.Person) []notify.Link
	Observer Observer         // nil: nobody counts
	Now      func() time.Time // nil: time.Now
	Log      *zap.Logger      // nil: silent
}

// Runner tells people of the alerts of a store. Several may run on one Store: one
// of them is ahead, and the others find that nothing is left to do.
type Runner struct {
	cfg Config

	mu     sync.Mutex
	policy *Policy
	heads  map[string]alerting.Head // not applied yet, by alert
	mark   uint64                   // the newest head that came
	asked  bool                     // silences have changed
	wake   chan struct{}            // holds one

	failing atomic.Pointer[error] // why nobody is told for now
}

// Failing returns why nobody is told for now, nil where people are.
func (r *Runner) Failing() error {
	if err := r.failing.Load(); err != nil {
		return fmt.Errorf("alerts cannot be dispatched: %w", *err)
	}
	return nil
}

// New returns a Runner. It does no I/O; see Run.
func New(cfg Config) (*Runner, error) {
	if cfg.Alerts == nil || cfg.Store == nil || cfg.Outbox == nil || cfg.Policy == nil {
		return nil, errors.New("dispatch: Alerts, Store, Outbox and Policy are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	return &Runner{cfg: cfg, policy: cfg.Policy, heads: map[string]alerting.Head{}, wake: make(chan struct{}, 1)}, nil
}

// Configure puts another policy in force.
func (r *Runner) Configure(p *Policy) {
	r.mu.Lock()
	r.policy = p
	r.mu.Unlock()
	r.rouse()
}

// SilencesChanged has the Runner ask its Silences again.
func (r *Runner) SilencesChanged() {
	r.mu.Lock()
	r.asked = true
	r.mu.Unlock()
	r.rouse()
}

func (r *Runner) rouse() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Waits after a session that failed.
const (
	leastWait, mostWait = 100 * time.Millisecond, 15 * time.Second
	// gather is how long revisions are collected: of many of one alert, only the
	// newest is read.
	gather = 100 * time.Millisecond
	// together bounds the alerts that are read at once.
	together = 256
	// markEvery is how often it is stored how far alerts are applied where
	// nothing else is.
	markEvery = 30 * time.Second
	// idle is how long the Runner sleeps at most.
	idle = time.Minute
)

// Run tells people until ctx ends; it always returns nil then. What fails is
// tried again from what is stored, with growing waits.
func (r *Runner) Run(ctx context.Context) error {
	if r.cfg.Observer != nil {
		defer func() { // another's from here on
			r.cfg.Observer.Incidents(nil)
			r.cfg.Observer.Withheld(nil)
		}()
	}
	wait := time.Duration(0)
	for {
		started := r.cfg.Now()
		err := r.session(ctx)
		if ctx.Err() != nil {
			return nil // it ended with ctx
		}
		if r.cfg.Now().Sub(started) > time.Minute {
			wait = 0
		}
		wait = min(max(2*wait, leastWait), mostWait)
		if errors.Is(err, alerting.ErrConflict) {
			r.cfg.Log.Debug("another dispatcher was ahead; its decisions are read", zap.Error(err))
		} else {
			r.failing.Store(&err)
			r.cfg.Log.Error("alerts cannot be dispatched for now; nothing is lost", zap.Duration("again in", wait), zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// session is one life from what is stored until something fails.
type session struct {
	*Runner

	core    *Core
	created time.Time
	// What could not be read of what is stored; see past.
	lost, unmarked bool
	fence          uint64
	policy         *Policy
	marked         uint64    // that is stored
	at             time.Time // when it was
}

func (r *Runner) session(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel(nil)
	s, err := r.load(ctx)
	if err != nil {
		return err
	}
	watching.Go(func() {
		err := r.cfg.Alerts.Watch(ctx, r.head)
		cancel(fmt.Errorf("watch alerts: %w", err))
	})
	for {
		if err := s.step(ctx); err != nil {
			return err
		}
		s.failing.Store(nil)
		if err := s.sleep(ctx); err != nil {
			return err
		}
	}
}

// load begins with what is stored, and queues what may not have been.
func (r *Runner) load(ctx context.Context) (*session, error) {
	stored, err := r.cfg.Store.Load(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.checkMark(ctx, &stored); err != nil {
		return nil, err
	}
	r.mu.Lock()
	clear(r.heads)
	policy := r.policy
	r.mark = 0
	r.mu.Unlock()
	s := &session{
		Runner: r, core: NewCore(policy, r.cfg.Directory, r.cfg.Silences), created: stored.Created,
		lost: len(stored.Lost) > 0, unmarked: stored.Unmarked,
		fence: stored.Fence, policy: policy, marked: stored.Mark, at: r.cfg.Now(),
	}
	s.core.Load(stored)
	docs := s.core.Unqueued()
	if err := s.queue(ctx, docs); err != nil {
		return nil, err
	}
	s.core.Queued(docs)
	return s, nil
}

// checkMark forgets a mark that is ahead of all alerts: they are not those that it
// is of, as after an older copy of them was put back, and whoever believed it would
// tell nobody of the next ones.
func (r *Runner) checkMark(ctx context.Context, stored *Stored) error {
	if stored.Mark == 0 {
		return nil
	}
	heads, err := r.cfg.Alerts.Heads(ctx)
	if err != nil {
		return fmt.Errorf("list alerts: %w", err)
	}
	for i := range heads {
		if heads[i].Seq >= stored.Mark {
			return nil
		}
	}
	r.cfg.Log.Warn("how far alerts are applied is ahead of all that are stored; they are looked at anew", zap.Uint64("applied", stored.Mark))
	stored.Mark, stored.Unmarked = 0, true
	return nil
}

// head takes the head of an alert's newest revision.
func (r *Runner) head(h alerting.Head) {
	r.mu.Lock()
	r.heads[h.ID] = h
	r.mark = max(r.mark, h.Seq)
	r.mu.Unlock()
	r.rouse()
}

// take returns what came since, in the order of the store.
func (s *session) take() (heads []alerting.Head, mark uint64, asked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, h := range s.heads {
		if !s.past(&h) {
			heads = append(heads, h)
		}
		delete(s.heads, id)
	}
	slices.SortFunc(heads, func(a, b alerting.Head) int { return cmp.Compare(a.Seq, b.Seq) })
	mark, asked = s.mark, s.asked
	s.asked = false
	if p := s.Runner.policy; p != s.policy {
		s.policy = p
		s.core.Configure(p)
	}
	return heads, mark, asked
}

// past reports whether a revision is applied already, or is none of ours: one
// that only observes, and one that was over before there were incidents. Where
// incidents are lost, an alert that is open and in none is told anew: better twice
// than to nobody. Where nobody knows what is applied, those that are over are.
func (s *session) past(h *alerting.Head) bool {
	applied, over := h.Seq <= s.core.Mark(), h.State == alerting.Resolved
	switch {
	case s.core.Knows(h.ID):
		return applied
	case h.Brief.Mode == rules.Observe, over && h.Time.Before(s.created):
		return true
	case applied:
		return over || !s.lost
	}
	return over && s.unmarked
}

// step applies what came, and stores and queues what follows from it.
func (s *session) step(ctx context.Context) error {
	heads, mark, asked := s.take()
	for {
		part := heads[:min(len(heads), together)]
		heads = heads[len(part):]
		ev := Event{Silences: asked}
		asked = false
		if len(heads) == 0 {
			ev.Mark = mark
		}
		var err error
		if ev.Alerts, err = s.read(ctx, part); err != nil {
			return err
		}
		s.core.Apply(ev, s.cfg.Now())
		if err := s.commit(ctx); err != nil {
			return err
		}
		if len(heads) == 0 {
			s.report()
			return nil
		}
	}
}

// read returns the newest revisions of alerts.
func (s *session) read(ctx context.Context, heads []alerting.Head) ([]alerting.Alert, error) {
	if len(heads) == 0 {
		return nil, nil
	}
	ids := make([]string, len(heads))
	for i := range heads {
		ids[i] = heads[i].ID
	}
	got, err := s.get(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []alerting.Alert
	for i := range got {
		if got[i].Seq != 0 { // retention may have taken it
			out = append(out, got[i].Alert)
		}
	}
	return out, nil
}

// get reads alerts; one that is damaged is told and passed over, as if retention
// had taken it: the others go on.
func (s *session) get(ctx context.Context, ids []string) ([]alerting.Stored, error) {
	got, err := s.cfg.Alerts.Get(ctx, ids)
	if !errors.Is(err, alerting.ErrDamaged) || len(ids) == 0 {
		if err != nil {
			err = fmt.Errorf("read %d alerts: %w", len(ids), err)
		}
		return got, err
	}
	if len(ids) == 1 {
		s.cfg.Log.Error("nobody is told of an alert", zap.String("alert", ids[0]), zap.Error(err))
		return make([]alerting.Stored, 1), nil
	}
	got = got[:0]
	for i := range ids {
		one, err := s.get(ctx, ids[i:i+1])
		if err != nil {
			return nil, err
		}
		got = append(got, one...)
	}
	return got, nil
}

// commit stores what the core has decided, queues what is to be told, and stores
// that it is queued.
func (s *session) commit(ctx context.Context) error {
	for {
		docs := s.core.Dirty()
		if len(docs) == 0 && s.core.Mark() > s.marked && s.cfg.Now().Sub(s.at) >= markEvery {
			docs = []Document{{Mark: s.core.Mark()}}
		}
		if len(docs) == 0 {
			return nil
		}
		if err := s.dress(ctx, docs); err != nil {
			return err
		}
		fence, err := s.cfg.Store.Put(ctx, docs, s.fence)
		if err != nil {
			return err
		}
		s.fence, s.marked, s.at = fence, s.core.Mark(), s.cfg.Now()
		if err := s.queue(ctx, docs); err != nil {
			return err
		}
		s.decided(docs)
		s.core.Queued(docs)
	}
}

// decided tells of messages that are queued.
func (s *session) decided(docs []Document) {
	if s.cfg.Observer == nil {
		return
	}
	for _, m := range pending(docs) {
		s.cfg.Observer.Decided(m.Kind, m.Urgency)
	}
}

// queue gives the outbox what is pending in documents.
func (s *session) queue(ctx context.Context, docs []Document) error {
	messages := pending(docs)
	if len(messages) == 0 {
		return nil
	}
	if err := s.cfg.Outbox.Queue(ctx, messages); err != nil {
		return fmt.Errorf("queue %d messages: %w", len(messages), err)
	}
	return nil
}

// dress writes what alerts say into the messages of documents.
func (s *session) dress(ctx context.Context, docs []Document) error {
	var undressed []*notify.Message
	var ids []string
	for _, doc := range docs {
		if doc.Record == nil {
			continue
		}
		for i := range doc.Record.Pending {
			if m := &doc.Record.Pending[i]; m.Title == "" {
				undressed = append(undressed, m)
				ids = append(ids, m.Alerts[0].ID)
			}
		}
	}
	for len(ids) > 0 {
		n := min(len(ids), together)
		got, err := s.get(ctx, ids[:n])
		if err != nil {
			return err
		}
		for i := range got {
			Dress(undressed[i], &got[i].Alert, s.cfg.Directory)
			s.link(undressed[i], &got[i].Alert)
		}
		ids, undressed = ids[n:], undressed[n:]
	}
	return nil
}

// link says where a message leads to.
func (s *session) link(m *notify.Message, a *alerting.Alert) {
	if s.cfg.Links == nil || a.ID == "" {
		return
	}
	var person notify.Person
	if len(m.People) == 1 {
		person = m.People[0]
	}
	m.Links = s.cfg.Links(a, m.Incident, m.Receiver, person)
}

// sleep waits until something comes or is due.
func (s *session) sleep(ctx context.Context) error {
	wait := idle
	if next := s.core.Next(); !next.IsZero() {
		wait = min(max(next.Sub(s.cfg.Now()), 0), idle)
	}
	clock := time.NewTimer(wait)
	defer clock.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-clock.C:
		return nil
	case <-s.wake:
	}
	clock.Reset(gather)
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-clock.C:
		return nil
	}
}
