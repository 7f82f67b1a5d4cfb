package detector

import (
	"container/heap"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/approval"
	"github.com/picketd/picket/detector/baseline/loginrisk"
	"github.com/picketd/picket/detector/state"
	"github.com/picketd/picket/detector/window"
	"github.com/picketd/picket/rules"
)

const (
	// touchAtOnce bounds the accounts that are touched together, so that the first
	// is still in the cache when it is its turn.
	touchAtOnce = 256
	// fetchAhead is how many activities before its turn an account's memory is
	// asked for: long enough for it to come, and not so long that it is gone again.
	fetchAhead = 4
)

const (
	// DuplicateHorizon is how long, in log time, the same activity of one
	// account counts once however often it is delivered.
	DuplicateHorizon = time.Hour
	// maxRecent bounds the activities of the horizon in number, per partition.
	maxRecent = 1 << 18
	// minRecent activities are remembered however long ago they came: after a
	// downtime a sender repeats what it had no answer for.
	minRecent = 1 << 14
	// downtimeFrom is the step of log time from which nobody can have read a
	// log that ticks each second.
	downtimeFrom = 30 * time.Second
	// sweepEvery is how often, in log time, memory that says nothing any more
	// is dropped.
	sweepEvery = time.Hour
	// DefaultLateness is how much later than newer activities of its group an
	// activity may come and still count where it belongs.
	DefaultLateness = 15 * time.Minute
)

// Stats counts what the engine did since it was made.
type Stats struct {
	Activities uint64 // judged or learned
	Duplicates uint64 // dropped, within DuplicateHorizon
	Late       uint64 // of these, passed over by a model or a window since newer ones were known
	Evicted    Evicted
	Findings   uint64
}

// Evicted counts what was forgotten since there was too much of it: what strangers
// choose must not fill the memory.
type Evicted struct {
	Accounts uint64 // beyond EngineOptions.MaxAccounts
	Groups   uint64 // of one rule and account, the least recently used
	Values   uint64 // of one model, the least recently used
}

// Since returns what was evicted after an earlier count.
func (e Evicted) Since(before Evicted) Evicted {
	return Evicted{e.Accounts - before.Accounts, e.Groups - before.Groups, e.Values - before.Values}
}

// Engine evaluates a plan over one partition's activities in log order. What
// it returns is a pure function of what it was given, in that order. It is
// not for concurrent use.
type Engine struct {
	partition int
	ticked    bool
	counting  bool
	replanned bool // the next sweep drops what gone rules kept; a reload may be taken back until then
	lateness  int64
	plan      *Plan
	matcher   *rules.Matcher
	meter     *meter // nil: nothing is measured

	now          int64 // log time: running maximum, Unix nanoseconds
	sweptAt      int64 // log time of the latest sweep, Unix nanoseconds
	memory       *memory
	organisation organisation
	ledger       approval.Ledger
	approvals    bool       // the ledger has changed since the last image
	pending      []*pending // by deadline, then in log order
	recent       recentSet
	closing      closingQueue
	silences     silenceQueue
	blind        int64                       // log time until which no silence is judged, Unix nanoseconds
	crowds       map[string]*loginrisk.Crowd // what rules know of all accounts together, by state key
	agents       map[string]userAgent        // that are split already
	stats        Stats
	profiler     profiler
	across       *keyedMemory // of a second stage's engine; nil for a partition's

	// Of the message being applied.
	seq uint64
	out []Finding
	// To the second stage, the last one of the activity passing.
	passes  []Match
	passing *activity.Activity
	values  []activity.Value
	rows    []state.Ref // of the accounts of its activities
	keys    []uint64    // of its activities
	ids     []uint64    // of its activities, see identity
	// Of the activity being judged: the rules that it matches, and where its
	// findings begin in out.
	matches []int
	mark    int
	group   []activity.Field
	at      *activity.Activity // which it is, nil between two
	key     uint64             // its key
	row     state.Ref          // where its account stands
	where   *time.Location     // its account's people work, nil until somebody asks
	odd     bool               // it is of an alert that waits for a verdict, and no habit
	tooLate bool               // it is counted as late, or not to be
}

// EngineOptions say what kind of log an engine reads.
type EngineOptions struct {
	// Lateness is how much later than newer activities of its group an
	// activity may come and still count; 0 means DefaultLateness.
	Lateness time.Duration
	// Ticked says that somebody who reads the log appends to it each second,
	// as a daemon does, so that a longer step of log time is a downtime.
	// Messages that wait for a late approval wait that much longer then.
	Ticked bool
	// Counting says that only which episodes there are is asked for, of
	// activities of which none comes twice: what words and evidence take is left
	// out.
	Counting bool
	// MaxAccounts bounds the accounts and identities that are remembered; 0
	// bounds nothing. Beyond it those go that were heard of longest ago and have
	// no open episode, some at a time, and Stats.Evicted counts them.
	MaxAccounts int
}

// NewEngine returns an engine with empty memory.
func NewEngine(partition int, plan *Plan, opts EngineOptions) *Engine {
	if opts.Lateness == 0 {
		opts.Lateness = DefaultLateness
	}
	return &Engine{
		partition: partition, lateness: int64(opts.Lateness), ticked: opts.Ticked, counting: opts.Counting, memory: newMemory(opts.MaxAccounts),
		plan: plan, matcher: plan.Program.NewMatcher(),
	}
}

// Activate puts another plan in force from message seq on. Memory stays where
// a rule's meaning for it has not changed; episodes of rules that are gone
// close, and the findings say so.
func (e *Engine) Activate(seq uint64, at time.Time, plan *Plan) []Finding {
	e.begin(seq, at)
	for _, row := range e.memory.withEpisodes() {
		st := e.memory.handle(row)
		for _, key := range sortedKeys(st.Episodes) {
			ep := st.Episodes[key]
			if !slices.ContainsFunc(plan.rules, func(p planned) bool { return p.rule.ID == ep.RuleID && p.rule.Keyed == e.keyed() }) {
				e.close(st, key, ep, "rule removed")
				continue
			}
			for _, part := range sortedKeys(ep.Parts) {
				e.replan(st, ep.Parts[part], plan)
			}
			e.replan(st, ep, plan)
		}
		e.memory.release(0)
	}
	was := e.plan
	e.plan, e.replanned = plan, true
	e.deaf(was)
	clear(e.memory.reach)
	e.matcher = plan.Program.NewMatcher()
	e.awaitSilences(true)
	e.remeasure()
	return e.end()
}

// replan sees to it that a plan which comes into force teaches nothing of an open
// episode that the one before would not have: a model of another meaning, or of a
// rule whose alerts waited for a verdict until now.
func (e *Engine) replan(st *accountState, ep *episode, plan *Plan) {
	was, is := e.plan.planned(ep.RuleID), plan.planned(ep.RuleID)
	if was == nil || is == nil || was.stateKey != is.stateKey {
		ep.Before = nil
	}
	switch {
	case was == nil || is == nil || len(ep.Learn) == 0:
	case was.stateKey != is.stateKey:
		ep.Learn = nil
	case quarantines(was.rule) && !quarantines(is.rule):
		e.release(st, was.rule, ep)
		ep.Learn = nil
	}
}

// Plan returns the plan in force.
func (e *Engine) Plan() *Plan { return e.plan }

// Stats returns what was counted so far.
func (e *Engine) Stats() Stats {
	s := e.stats
	s.Evicted = e.memory.evicted
	return s
}

// Size returns how many accounts are remembered and how many bytes their memory
// takes, without the cold side.
func (e *Engine) Size() (accounts int, bytes int64) {
	return e.memory.store.Accounts.Len(), e.memory.store.Bytes()
}

// LogTime returns the log time of the last message.
func (e *Engine) LogTime() time.Time { return time.Unix(0, e.now).UTC() }

// Apply judges the activities of one message at log time at and returns the
// findings in order. The batch may be reused after the call.
func (e *Engine) Apply(seq uint64, at time.Time, b *activity.Batch) []Finding {
	e.begin(seq, at)
	for some := range slices.Chunk(b.Activities, touchAtOnce) {
		e.look(some)
		for i := range some {
			if i+fetchAhead < len(some) {
				e.memory.store.Accounts.Fetch(e.rows[i+fetchAhead])
			}
			e.at, e.key, e.row, e.where = &some[i], e.keys[i], e.rows[i], nil
			e.profiler.judged = nil
			if e.memory.release(0); !e.counting && e.recent.seen(e.ids[i], e.now) {
				e.stats.Duplicates++
				continue
			}
			e.activity(&some[i], b.Backfill)
		}
	}
	e.at, e.row = nil, 0
	return e.end()
}

// look finds out what some activities of a message will need, all at once.
func (e *Engine) look(some []activity.Activity) {
	e.rows = e.memory.store.Accounts.Touch(func(i int) string { return some[i].Account }, len(some), e.rows[:0])
	e.keys, e.ids = e.keys[:0], e.ids[:0]
	for i := range some {
		key := some[i].Key()
		e.keys = append(e.keys, key)
		if !e.counting {
			e.ids = append(e.ids, identityOf(some[i].Account, key))
		}
	}
	e.recent.touch(e.ids)
	for _, row := range e.rows[:min(fetchAhead, len(e.rows))] {
		e.memory.store.Accounts.Fetch(row)
	}
}

// keyOf returns an activity's key.
func (e *Engine) keyOf(a *activity.Activity) uint64 {
	if a == e.at {
		return e.key
	}
	return a.Key()
}

// zone returns where the people of an activity's account work.
func (e *Engine) zone(a *activity.Activity) *time.Location {
	if a != e.at {
		return e.plan.zone(a.Account)
	}
	if e.where == nil {
		e.where = e.plan.zone(a.Account)
	}
	return e.where
}

// Tick moves log time on and returns what became due: episodes that close,
// messages whose grace is over, silences.
func (e *Engine) Tick(seq uint64, at time.Time) []Finding {
	e.begin(seq, at)
	return e.end()
}

// Pending returns the log time at which the next thing becomes due by itself,
// and whether there is one.
func (e *Engine) Pending() (time.Time, bool) {
	next, ok := int64(0), false
	if len(e.pending) > 0 {
		next, ok = e.pending[0].Deadline, true
	}
	if len(e.closing) > 0 && (!ok || e.closing[0].deadline < next) {
		next, ok = e.closing[0].deadline, true
	}
	if at, waits := e.nextSilence(); waits && (!ok || at < next) {
		next, ok = at, true
	}
	return time.Unix(0, next).UTC(), ok
}

func (e *Engine) activity(a *activity.Activity, backfill bool) {
	e.stats.Activities++
	if a.Kind == activity.KindApproval {
		e.approvals = true
		e.ledger.Add(new(a.Clone()), e.now)
		e.reconsider()
	}
	st := e.state(a.Account)
	t := min(a.Time.UnixNano(), e.now)
	e.odd, e.tooLate = false, backfill // history is told late by its nature
	if a.Kind == activity.KindVerdict {
		e.judged(st, a, t)
	}
	matched := e.match(a)
	e.matches, e.mark = matched, len(e.out)
	for _, i := range matched {
		for _, k := range e.plan.rules[i].excuses {
			e.excuse(st, k, a, t)
		}
	}
	for _, i := range matched {
		e.charged(st, i, a, t, backfill)
	}
	if !backfill && e.plan.approves && len(e.plan.approval) > 0 && e.plan.accounts[a.Account].Approvals {
		e.published(a, t, matched)
	}
	e.learnHabits(st, a, t)
	if !backfill {
		e.joinGuards(st, a, t)
		e.gone(st, a, t)
	}
}

// late counts the activity that is being judged as late, once for all rules; not one
// of an account's history.
func (e *Engine) late() {
	if !e.tooLate {
		e.tooLate = true
		e.stats.Late++
	}
}

// matched handles one detection rule's match: its own finding, the rules that
// it feeds, the episodes that it resolves.
func (e *Engine) matched(st *accountState, i int, a *activity.Activity, t int64, backfill bool) {
	pl := &e.plan.rules[i]
	if !backfill {
		for _, k := range pl.resolves {
			e.resolve(st, k, a, pl.rule)
		}
		if !pl.off && (!pl.silent || len(pl.steps) > 0) {
			if group, ok := e.groupOf(pl.rule, a); ok {
				e.hit(st, pl.rule, group, match{a: a, t: t}, func() []Reason { return e.explain(pl.rule, a) })
			}
		}
	}
	e.feed(st, i, a, t, backfill)
}

// feed gives a match of rule i to the rules that it feeds.
func (e *Engine) feed(st *accountState, i int, a *activity.Activity, t int64, backfill bool) {
	e.pass(i, a, backfill)
	for _, k := range e.fedBy(i) {
		if pl := &e.plan.rules[k]; pl.off || pl.kind == rules.TypeApproval {
			continue
		}
		group, ok := e.groupAs(k, i, a)
		if !ok {
			continue
		}
		st := e.holder(st, group)
		measured := e.enterFed(k)
		switch e.plan.rules[k].kind {
		case rules.TypeEventCount, rules.TypeValueCount, rules.TypeTemporal:
			e.count(st, k, i, group, a, t, backfill)
		case rules.TypeTemporalOrdered, rules.TypeValueSum, rules.TypeValueAvg, rules.TypeValuePercentile:
			e.correlate(st, k, i, group, a, t, backfill)
		case rules.TypeNewValue:
			e.newValue(st, k, group, a, t, backfill)
		case rules.TypeTravel:
			e.travel(st, k, group, a, t, backfill)
		case rules.TypeLoginRisk:
			e.loginRisk(st, k, group, a, t, backfill)
		case rules.TypeRareValue:
			e.rareValue(st, k, group, a, t, backfill)
		case rules.TypePeak:
			e.peak(st, k, group, a, t, backfill)
		case rules.TypeProfile:
			e.profile(st, k, group, a, t, backfill)
		case rules.TypeStorm:
			e.storm(st, k, group, a, t, backfill)
		case rules.TypeDrift:
			e.drift(st, k, group, a, t, backfill)
		case rules.TypeRate:
			e.rate(st, k, group, a, t, backfill)
		case rules.TypeWithout:
			if !backfill {
				e.without(st, k, i, group, a, t)
			}
		case rules.TypeDetection, rules.TypeApproval, rules.TypeSequence:
		}
		e.leave(measured)
	}
}

// match is one match of a rule for a group, as an episode takes it.
type match struct {
	a *activity.Activity
	t int64 // occurrence, clamped to log time
	// Of a window that opens an episode: its first event, its size and the
	// activities that led to it.
	first  window.Event
	count  int
	before []kept
	// others is how many more activities it stands for, of a sample.
	others int
	// setting is what surrounded the activity when it came; nil to ask now.
	setting *setting
}

// hit opens or updates the episode of (rule, group), and follows the sequences
// that the match is a step of. A silent rule has no episode; nil is returned.
func (e *Engine) hit(st *accountState, r *rules.Rule, group []activity.Field, m match, why func() []Reason) *episode {
	return e.hitWith(st, r, group, m, why, nil)
}

// hitWith is hit with something to add to the episode before it is told.
func (e *Engine) hitWith(st *accountState, r *rules.Rule, group []activity.Field, m match, why func() []Reason, add func(*episode)) *episode {
	if r.Silent {
		e.took(r, "", m.a, m.t, why)
		e.raised(st, r, group, m, false)
		return nil
	}
	key := episodeKey(r, group)
	if part := e.join(st, r, group, key, m, why); part != nil {
		if add != nil {
			add(part)
		}
		return part
	}
	ep, phase := st.Episodes[key], Update
	if ep == nil {
		ep, phase = e.open(st, r, group, key, m), Open
	}
	ep.Count += 1 + m.others
	ep.First, ep.Last = min(ep.First, m.t), max(ep.Last, m.t)
	ep.Deadline = e.now + int64(r.Quiet)
	if phase == Open || ep.Deadline < ep.queued { // a reload has made its quiet shorter
		ep.queued = ep.Deadline
		heap.Push(&e.closing, closing{ep.Deadline, ep.Account, key})
	}
	if phase == Open || r.Type != rules.TypeDetection {
		ep.Reasons = why()
	}
	if !e.counting {
		keepEvidence(&ep.Evidence, m.a)
	}
	e.names(ep, r, &m)
	if add != nil {
		add(ep)
	}
	e.emit(r, ep, phase, "")
	e.took(r, ep.ID, m.a, m.t, func() []Reason { return ep.Reasons })
	e.raised(st, r, group, m, phase == Open)
	return ep
}

func (e *Engine) open(st *accountState, r *rules.Rule, group []activity.Field, key string, m match) *episode {
	first := window.Event{Time: m.t, Key: e.eventKey(m.a)}
	if m.count > 0 {
		first = m.first
	}
	account, holder, network := e.subject(group, m.a)
	ep := &episode{
		ID: episodeID(r, group, account, first.Key), RuleID: r.ID,
		Account: holder, Network: network, Group: cloneGroup(group),
		First: first.Time, Last: m.t, Count: max(m.count-1-m.others, 0), Evidence: m.before,
	}
	around := m.setting
	if around == nil {
		around = new(e.settingOf(m.a, m.t))
	}
	ep.Notes, ep.Usual = around.Odd, around.Usual
	if e.weighed(r, m.a) {
		ep.Held = HeldBudget
	}
	e.watch(ep, r, m.a)
	c := st.own()
	if c.Episodes == nil {
		c.Episodes = map[string]*episode{}
	}
	c.Episodes[key] = ep
	return ep
}

// keepEvidence keeps the first activities and replaces the latest.
func keepEvidence(evidence *[]kept, a *activity.Activity) {
	if n := len(*evidence); n > 0 && (*evidence)[n-1].Kind == a.Kind && (*evidence)[n-1].ID == a.ID && (*evidence)[n-1].Account == a.Account {
		return // one activity may match more than once
	}
	k := kept{a.Clone()}
	k.Raw = nil // a copy of everything else; the source's event stays in the log
	if len(*evidence) >= MaxEvidence {
		*evidence = slices.Delete(*evidence, MaxEvidence/2, MaxEvidence/2+1)
	}
	*evidence = append(*evidence, k)
}

func (e *Engine) emit(r *rules.Rule, ep *episode, phase Phase, closed string) {
	held := ep.Held
	if ep.Muted {
		held = HeldTold
	}
	if held != "" {
		r = observed(r)
	}
	f := Finding{
		Episode: ep.ID, Phase: phase,
		Position: e.position(),
		Rule:     r, Network: ep.Network, Account: ep.Account, Group: ep.Group,
		LogTime: time.Unix(0, e.now).UTC(),
		First:   time.Unix(0, ep.First).UTC(), Last: time.Unix(0, ep.Last).UTC(),
		Count: ep.Count, Reasons: appendNotes(ep.reasons(e.plan), ep.notes(r)), Closed: closed, Held: held,
		Usual: ep.Usual, Related: ep.Related, Since: e.sinceOf(ep), Deleted: maps.Clone(ep.Deleted),
	}
	f.Evidence = make([]activity.Activity, len(ep.Evidence))
	for i := range ep.Evidence {
		f.Evidence[i] = ep.Evidence[i].Activity
	}
	e.unnamed(&f, ep)
	e.out = append(e.out, f)
}

// close ends an episode: what was withheld meanwhile is released or waits for a
// verdict, and the alert can resolve.
func (e *Engine) close(st *accountState, key string, ep *episode, why string) {
	delete(st.Episodes, key)
	for i := range e.plan.rules {
		if r := e.plan.rules[i].rule; r.ID == ep.RuleID {
			e.release(st, r, ep)
			e.releaseParts(st, ep)
			e.emit(r, ep, Close, why)
			return
		}
	}
}

func (e *Engine) resolve(st *accountState, k int, a *activity.Activity, by *rules.Rule) {
	r := e.plan.rules[k].rule
	group, ok := e.groupOf(r, a)
	if !ok {
		return
	}
	key := episodeKey(r, group)
	if ep := st.Episodes[key]; ep != nil {
		e.close(st, key, ep, by.Title)
	}
}

// identity is FNV-1a-64 over the account and the activity's key.
func identity(a *activity.Activity) uint64 { return identityOf(a.Account, a.Key()) }

func identityOf(account string, key uint64) uint64 {
	h := hash(account)
	for range 8 {
		h = (h ^ key&0xff) * fnvPrime
		key >>= 8
	}
	return h
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func hash(s string) uint64 {
	h := uint64(fnvOffset)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return h
}

// episodeID is the alert id: SHA-256 over rule id, group and the identity of
// the episode's first activity, the first 16 bytes in hex.
func episodeID(r *rules.Rule, group []activity.Field, account string, first uint64) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00", r.ID)
	for _, g := range group {
		fmt.Fprintf(h, "%s\x00%s\x00", g.Name, g.Value)
	}
	fmt.Fprintf(h, "%s\x00%016x", account, first)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func episodeKey(r *rules.Rule, group []activity.Field) string { return r.ID + groupKey(group) }
