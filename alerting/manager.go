package alerting

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// Config is what a Manager works with. Store and Publisher are required.
type Config struct {
	Store     Store
	Publisher Publisher
	Observer  Observer         // nil: nobody
	Log       *zap.Logger      // nil: silent
	Now       func() time.Time // nil: time.Now
	Directory Directory        // nil: nothing is known of accounts
	// Silenced says whether people need not be told of an alert at a moment, nil
	// where they are. It changes nothing but what the alert says of itself. It
	// must be safe for concurrent use. nil: nothing is silenced.
	Silenced func(a *Alert, at time.Time) *Silenced
	Handled  func(Handling) // told by Run; nil: nobody
	// Kept counts the copies that are kept of an alert's media. nil: none are.
	Kept func(ctx context.Context, a *Alert) int
	// MaxCached bounds the alerts kept in memory besides those that have
	// something to write; 0 means 10,000.
	MaxCached int
}

// Manager applies findings and people's actions to alerts. It implements
// detector.Sink and is safe for concurrent use; findings of one partition must
// come from one goroutine, in order. Several Managers, in one process or many,
// may work on one Store: the loser of a race re-reads and goes on.
type Manager struct {
	cfg Config

	mu      sync.Mutex
	entries map[string]*entry
	open    map[string]Head // alerts that are not resolved, as far as known here
	board   *board
	index   index

	recovered atomic.Bool // all that the store held is known
	follows   atomic.Bool // and what has come since, whoever wrote it
}

var _ detector.Sink = (*Manager)(nil)

// maxAttempts bounds how often one revision is tried against other writers.
const maxAttempts = 16

// clockMargin is how far our clock may be from the store's when deciding
// whether a copy is still within the duplicate window.
const clockMargin = 5 * time.Minute

// New returns a Manager. It does no I/O; see Recover.
func New(cfg Config) (*Manager, error) {
	if cfg.Store == nil || cfg.Publisher == nil {
		return nil, errors.New("alerting: Store and Publisher are required")
	}
	if cfg.Observer == nil {
		cfg.Observer = noObserver{}
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MaxCached == 0 {
		cfg.MaxCached = 10_000
	}
	return &Manager{cfg: cfg, entries: map[string]*entry{}, open: map[string]Head{}, board: newBoard(), index: index{}}, nil
}

// Recover learns which alerts are open, which are recent and what people's
// verdicts were, and publishes again the copy of every
// revision that is younger than the duplicate window: whoever wrote it may
// have died between storing and publishing. Call it once, before Report.
func (m *Manager) Recover(ctx context.Context) error {
	heads, err := m.cfg.Store.Heads(ctx)
	if err != nil {
		return fmt.Errorf("recover alerts: %w", err)
	}
	var young []string
	for _, h := range heads {
		m.learn(h)
		if m.young(h.Time) {
			young = append(young, h.ID)
		}
	}
	for len(young) > 0 { // in parts, to bound memory
		n := min(len(young), 256)
		if err := m.touch(ctx, young[:n]); err != nil {
			return fmt.Errorf("recover alerts: %w", err)
		}
		young = young[n:]
	}
	m.recovered.Store(true)
	return nil
}

// touch loads alerts and publishes what loading found unpublished.
func (m *Manager) touch(ctx context.Context, ids []string) error {
	es := m.acquire(ids)
	defer m.release(es)
	if err := m.load(ctx, es); err != nil {
		return err
	}
	return m.publish(ctx, es)
}

// Run follows what other writers do, so that Counts stays right and questions
// about open alerts are answered from memory, and tells of how alerts are
// handled, until ctx ends. Report works without it.
func (m *Manager) Run(ctx context.Context) error {
	m.follows.Store(m.recovered.Load())
	defer m.follows.Store(false)
	handled := follow(m.cfg.Handled)
	each := func(h Head) {
		m.learn(h)
		handled(&h)
	}
	if err := m.cfg.Store.Watch(ctx, each); err != nil && ctx.Err() == nil {
		return fmt.Errorf("watch alerts: %w", err)
	}
	return nil
}

// Report applies findings and returns when they are durable and told, except
// for matches that wait for Every to pass (see Sync). After an error the same
// findings may be reported again.
func (m *Manager) Report(ctx context.Context, findings []detector.Finding) error {
	byID := make(map[string][]detector.Finding, len(findings))
	var ids []string
	for _, f := range findings {
		if f.Rule == nil || f.Episode == "" {
			return fmt.Errorf("report finding at partition %d, sequence %d, index %d: it names no rule or episode",
				f.Position.Partition, f.Position.Sequence, f.Position.Index)
		}
		if byID[f.Episode] == nil {
			ids = append(ids, f.Episode)
		}
		byID[f.Episode] = append(byID[f.Episode], f)
	}
	es := m.acquire(ids)
	defer m.release(es)

	var unknown []*entry
	for _, e := range es {
		// A first finding most likely opens a new alert: if not, the store
		// refuses the revision and the alert is read then.
		switch first := byID[e.id][0]; {
		case e.loaded && !e.stale():
		case first.Phase == detector.Open && !e.loaded:
			e.loaded = true
		default:
			unknown = append(unknown, e)
		}
	}
	if err := m.load(ctx, unknown); err != nil {
		return fmt.Errorf("report %d findings: %w", len(findings), err)
	}
	for {
		var writes []*entry
		for _, e := range es {
			byID[e.id] = e.fold(byID[e.id])
			if e.due {
				writes = append(writes, e)
			}
		}
		if err := m.write(ctx, writes, es); err != nil {
			return fmt.Errorf("report %d findings: %w", len(findings), err)
		}
		if len(writes) == 0 {
			return nil
		}
	}
}

// Flush writes the matches that have waited long enough at logTime. Call it as
// log time moves on without findings.
func (m *Manager) Flush(ctx context.Context, logTime time.Time) error {
	return m.flush(ctx, func(e *entry) bool { return waited(&e.base.Alert, logTime) })
}

// Sync writes all matches that wait. Call it before a checkpoint that lies
// behind reported findings becomes durable, and before stopping.
func (m *Manager) Sync(ctx context.Context) error {
	return m.flush(ctx, func(*entry) bool { return true })
}

func (m *Manager) flush(ctx context.Context, ripe func(*entry) bool) error {
	m.mu.Lock()
	var ids []string
	for id, e := range m.entries {
		if e.waiting.Load() {
			ids = append(ids, id)
		}
	}
	m.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	es := m.acquire(ids)
	defer m.release(es)
	var writes []*entry
	for _, e := range es {
		if e.due || len(e.unsaved) > 0 && ripe(e) {
			writes = append(writes, e)
		}
	}
	if err := m.write(ctx, writes, es); err != nil {
		return fmt.Errorf("flush alerts: %w", err)
	}
	return nil
}

// write stores one revision of each entry and publishes what is unpublished
// in all.
func (m *Manager) write(ctx context.Context, writes, all []*entry) error {
	var errs []error
	for attempt := 0; len(writes) > 0 && len(errs) == 0; attempt++ {
		// Whoever comes after a crash tells the last revision alone, so nothing may
		// stand on one that is not told yet.
		if err := m.publish(ctx, writes); err != nil {
			return err
		}
		puts := make([]Write, len(writes))
		for i, e := range writes {
			puts[i] = Write{Alert: revise(e.base.Alert, e.next), Expected: e.base.Seq}
		}
		var again []*entry
		for i, r := range m.cfg.Store.Put(ctx, puts) {
			switch e := writes[i]; {
			case r.Err == nil:
				m.saved(e, puts[i].Alert, r.Seq)
			case errors.Is(r.Err, ErrConflict) && attempt < maxAttempts:
				m.cfg.Observer.Conflicted()
				again = append(again, e)
			default:
				errs = append(errs, fmt.Errorf("store alert %s: %w", e.id, r.Err))
			}
		}
		if len(again) == 0 {
			break
		}
		if err := m.load(ctx, again); err != nil {
			errs = append(errs, err)
			break
		}
		writes = again[:0]
		for _, e := range again {
			if len(e.unsaved) > 0 { // the other writer did not have them
				writes = append(writes, e)
			}
		}
	}
	if err := m.publish(ctx, all); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// load reads entries from the store and applies to what it finds there the
// findings that they have not written yet.
func (m *Manager) load(ctx context.Context, es []*entry) error {
	if len(es) == 0 {
		return nil
	}
	ids := make([]string, len(es))
	for i, e := range es {
		ids[i] = e.id
	}
	got, err := m.cfg.Store.Get(ctx, ids)
	if err != nil {
		return fmt.Errorf("read %d alerts: %w", len(ids), err)
	}
	for i, e := range es {
		s := got[i]
		if s.Seq != 0 {
			m.learn(HeadOf(&s.Alert, s.Seq, s.Time))
			if m.young(s.Time) && s.Seq != e.base.Seq {
				e.copies = append(e.copies, told{s.Alert, true})
			}
		}
		e.rebase(s)
	}
	return nil
}

// young reports whether a copy of what was stored then can still be told from
// a second one.
func (m *Manager) young(stored time.Time) bool {
	return m.cfg.Now().Sub(stored) < m.cfg.Publisher.DuplicateWindow()-clockMargin
}

func (m *Manager) saved(e *entry, a Alert, seq uint64) {
	e.base, e.next = Stored{Alert: a, Seq: seq, Time: m.cfg.Now()}, a
	e.unsaved, e.due = nil, false
	e.copies = append(e.copies, told{a, false})
	m.learn(HeadOf(&a, seq, e.base.Time))
	m.cfg.Observer.Revised(&a)
	m.cfg.Log.Debug("alert revised",
		zap.String("alert", a.ID), zap.String("rule", a.Rule.ID), zap.String("account", a.Account),
		zap.String("level", string(a.Rule.Level)), zap.String("state", string(a.State)),
		zap.String("change", string(a.Change)), zap.Uint64("revision", a.Revision), zap.Int("count", a.Count))
}

// publish tells all unpublished revisions, in order for each alert. They stay
// with their entries until that has worked.
func (m *Manager) publish(ctx context.Context, es []*entry) error {
	var copies []Alert
	for _, e := range es {
		for i := range e.copies {
			if c := &e.copies[i]; c.Announced() {
				c.Around = m.around(&c.Alert)
				copies = append(copies, e.copies[i].Alert)
			}
		}
	}
	if len(copies) > 0 {
		if err := m.cfg.Publisher.Publish(ctx, copies); err != nil {
			m.cfg.Observer.PublishFailed(len(copies))
			return fmt.Errorf("publish %d alerts: %w", len(copies), err)
		}
	}
	at := m.cfg.Now()
	for _, e := range es {
		for i := range e.copies {
			if c := &e.copies[i]; c.Announced() && !c.again {
				m.cfg.Observer.Published(&c.Alert, at)
			}
		}
		e.copies = nil
	}
	return nil
}

// learn keeps track of the alerts that are open. Heads may come late and out
// of order.
func (m *Manager) learn(h Head) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.entries[h.ID]; e != nil && e.newest.Load() < h.Seq {
		e.newest.Store(h.Seq)
	}
	m.board.note(&h, m.cfg.Now())
	m.index.note(h.ID)
	known, ok := m.open[h.ID]
	switch {
	case ok && known.Seq >= h.Seq:
	case h.State == Resolved:
		delete(m.open, h.ID)
	default:
		m.open[h.ID] = h
	}
}

// Count is how many alerts are in one state at one level.
type Count struct {
	Level rules.Level
	State State
	N     int
}

// Counts returns how many alerts are firing and acknowledged at each level, as
// far as Recover, Run and this Manager's own work know, in a fixed order and
// with zeros.
func (m *Manager) Counts() []Count {
	m.mu.Lock()
	defer m.mu.Unlock()
	type key struct {
		level rules.Level
		state State
	}
	n := map[key]int{}
	for _, h := range m.open {
		n[key{h.Level, h.State}]++
	}
	var out []Count
	for _, level := range []rules.Level{rules.Informational, rules.Low, rules.Medium, rules.High, rules.Critical} {
		for _, state := range []State{Firing, Acknowledged} {
			out = append(out, Count{level, state, n[key{level, state}]})
		}
	}
	return out
}
