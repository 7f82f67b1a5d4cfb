package detector

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

// Rules across accounts, the second stage. The engine of a partition sees some
// accounts; a rule that counts across them needs the matches of all. So each
// partition's engine passes on what matched (Engine.Passed), and one Keyed takes
// the matches of all partitions in one order, which Merge makes.

const (
	// maxKeys bounds the groups, by the first field of group-by, that the second
	// stage keeps, see EngineOptions.MaxAccounts: an attacker chooses addresses, and
	// must not fill the memory.
	maxKeys = 1 << 16
	// maxCounted bounds the accounts of an episode that are told apart.
	maxCounted = 1024
)

// Match is an activity that rules across accounts are fed with.
type Match struct {
	Rules    []string // ids of the rules that matched, in that order
	Backfill bool     // of history, which only teaches
	// Activity is without the raw event unless a rule across accounts reads it.
	Activity activity.Activity
}

// Passed returns the matches of the last message for the second stage, in
// order, at the engine's log time. They are valid until the next message.
func (e *Engine) Passed() []Match { return e.passes }

// acrossPlan is what a plan knows of its rules across accounts.
type acrossPlan struct {
	any    bool           // one of them is in force
	raw    bool           // one of them reads the source's own event
	passes map[string]int // rules whose matches the second stage needs, by id
}

// Keyed reports whether a rule of the plan is counted across accounts, so that
// the plan needs a second stage.
func (p *Plan) Keyed() bool { return p.across.any }

// cross sets the rules across accounts apart from those of an account.
func (p *Plan) cross() {
	p.across.passes = map[string]int{}
	for i := range p.rules {
		pl := &p.rules[i]
		for _, k := range pl.feeds {
			if p.rules[k].rule.Keyed {
				pl.keyed = append(pl.keyed, k)
			}
		}
		pl.feeds = slices.DeleteFunc(pl.feeds, func(k int) bool { return p.rules[k].rule.Keyed })
		needs := func(k int) bool { return p.rules[k].rule.Keyed && p.rules[k].rule.Mode != rules.Off }
		if !pl.rule.Keyed && (slices.ContainsFunc(pl.keyed, needs) || slices.ContainsFunc(pl.resolves, needs)) {
			p.across.passes[pl.rule.ID], pl.passes = i, true
		}
		if needs(i) {
			p.across.any = true
			p.across.raw = p.across.raw || readsRaw(pl.rule)
		}
	}
}

// readsRaw reports whether a correlation groups or counts by a source's own
// field.
func readsRaw(r *rules.Rule) bool {
	raw := func(f *activity.FieldRef) bool { return f != nil && strings.HasPrefix(f.Name, "raw.") }
	for i := range r.GroupBy {
		if slices.ContainsFunc(r.Inputs, func(in int) bool { return raw(r.GroupField(i, in)) }) {
			return true
		}
	}
	return raw(r.Field)
}

// keyed reports whether the engine is one of the second stage.
func (e *Engine) keyed() bool { return e.across != nil }

// pass notes a match of rule i for the second stage.
func (e *Engine) pass(i int, a *activity.Activity, backfill bool) {
	if e.keyed() || !e.plan.rules[i].passes {
		return
	}
	id := e.plan.rules[i].rule.ID
	if n := len(e.passes); n > 0 && e.passing == a {
		e.passes[n-1].Rules = append(e.passes[n-1].Rules, id)
		return
	}
	m := Match{Rules: []string{id}, Backfill: backfill, Activity: *a}
	if !e.plan.across.raw {
		m.Activity.Raw = nil
	}
	e.passes, e.passing = append(e.passes, m), a
}

// fedBy returns the rules that a match of rule i feeds in this stage.
func (e *Engine) fedBy(i int) []int {
	if e.keyed() {
		return e.plan.rules[i].keyed
	}
	return e.plan.rules[i].feeds
}

// holder returns the memory that holds a group: of an account st, of a group
// across accounts that of its first field's value.
func (e *Engine) holder(st *accountState, group []activity.Field) *accountState {
	if !e.keyed() {
		return st
	}
	return e.state(holderOf(group))
}

// holderOf names the memory of a group across accounts. It is no account's name.
func holderOf(group []activity.Field) string { return group[0].Name + groupMark + group[0].Value }

// subject returns the account that an episode's id is made with, the name of
// the memory that holds it, and its network. One across accounts is of none.
func (e *Engine) subject(group []activity.Field, a *activity.Activity) (account, holder, network string) {
	if e.keyed() {
		return "", holderOf(group), ""
	}
	account = clone(a.Account)
	return account, account, clone(a.Network)
}

// eventKey identifies an activity within what one window counts.
func (e *Engine) eventKey(a *activity.Activity) uint64 {
	if e.keyed() {
		return identity(a) // two accounts may use the same native id
	}
	return e.keyOf(a)
}

// position returns the position of the next finding.
func (e *Engine) position() Position {
	if e.keyed() {
		return Position{e.partition, uint64(e.now), e.across.next(e.now)}
	}
	return Position{e.partition, e.seq, len(e.out)}
}

// acrossAccounts are the accounts of an episode, as they came: the first by
// name, some more by hash, sorted, to be told apart.
type acrossAccounts struct {
	Names []string `json:"names"`
	More  []uint64 `json:"more,omitempty"`
	Least int      `json:"least,omitempty"` // how many a window told of, whose names are not kept
}

// add takes an account in.
func (s *acrossAccounts) add(account string) {
	if slices.Contains(s.Names, account) {
		return
	}
	if len(s.Names) < MaxAccounts {
		s.Names = append(slices.Clip(s.Names), clone(account)) // findings share what was there
		return
	}
	h := hash(account)
	if at, known := slices.BinarySearch(s.More, h); !known && len(s.More)+MaxAccounts < maxCounted {
		s.More = slices.Insert(s.More, at, h)
	}
}

func (s *acrossAccounts) count() int { return max(len(s.Names)+len(s.More), s.Least) }

// names notes whose activity an episode across accounts got.
func (e *Engine) names(ep *episode, r *rules.Rule, m *match) {
	if !e.keyed() {
		return
	}
	if ep.Across == nil {
		ep.Across = &acrossAccounts{}
		for i := range ep.Evidence {
			ep.Across.add(ep.Evidence[i].Account)
		}
	}
	ep.Across.add(m.a.Account)
	if r.Type == rules.TypeValueCount && r.Field.Name == "account" {
		ep.Across.Least = max(ep.Across.Least, m.count)
	}
}

// unnamed makes a finding one of no account, with the accounts that it is about.
func (e *Engine) unnamed(f *Finding, ep *episode) {
	if ep.Across != nil {
		f.Account, f.Accounts, f.AccountCount = "", ep.Across.Names, ep.Across.count()
	}
}

// keyedMemory is what an engine of the second stage remembers besides its
// groups: where its last finding was.
type keyedMemory struct {
	moment int64 // log time, Unix nanoseconds
	index  int
}

// next returns the index of the next finding made at a moment of log time.
func (k *keyedMemory) next(now int64) int {
	if now != k.moment {
		k.moment, k.index = now, -1
	}
	k.index++
	return k.index
}

// Keyed evaluates the rules across accounts of a plan over the matches of all
// partitions in the order of Merge. As with Engine, what it returns is a pure
// function of what it was given; how finely log time ticks changes nothing. It
// is not for concurrent use.
type Keyed struct{ engine *Engine }

// NewKeyed returns a second stage with empty memory. Its findings have the
// partition given, which is none of the log's.
func NewKeyed(partition int, plan *Plan, opts EngineOptions) *Keyed {
	opts.Ticked, opts.MaxAccounts = false, maxKeys // nothing in it waits for people
	e := NewEngine(partition, plan, opts)
	e.across = &keyedMemory{index: -1}
	return &Keyed{e}
}

// Apply takes matches that were made at log time at, in order. They may be
// reused after the call.
func (k *Keyed) Apply(at time.Time, matches []Match) []Finding {
	k.engine.begin(0, at)
	for i := range matches {
		k.engine.takeMatch(&matches[i])
	}
	return k.engine.end()
}

// Activate puts another plan in force, as Engine.Activate does.
func (k *Keyed) Activate(at time.Time, plan *Plan) []Finding { return k.engine.Activate(0, at, plan) }

// LogTime returns the log time of what came last.
func (k *Keyed) LogTime() time.Time { return k.engine.LogTime() }

// Pending returns the log time at which the next episode closes by itself, and
// whether there is one.
func (k *Keyed) Pending() (time.Time, bool) { return k.engine.Pending() }

// Plan returns the plan in force.
func (k *Keyed) Plan() *Plan { return k.engine.Plan() }

// Stats returns what was counted so far; an activity is a match here, and what
// stands where accounts do is a group.
func (k *Keyed) Stats() Stats {
	s := k.engine.Stats()
	s.Evicted.Accounts, s.Evicted.Groups = 0, s.Evicted.Groups+s.Evicted.Accounts
	return s
}

// takeMatch feeds the rules across accounts. A match of a rule that the plan
// does not have, or does not need here, says nothing.
func (e *Engine) takeMatch(m *Match) {
	e.tooLate = m.Backfill // as in activity
	if m.Activity.Kind == activity.KindApproval && e.recent.seen(identity(&m.Activity), e.now) {
		e.stats.Duplicates++ // every partition's log has them
		return
	}
	e.stats.Activities++
	e.memory.release(0)
	for _, id := range m.Rules {
		if i, ok := e.plan.across.passes[id]; ok {
			e.matchedBy(i, m)
		}
	}
}

// matchedBy handles a match of rule i: the episodes that it resolves, the rules
// that it feeds.
func (e *Engine) matchedBy(i int, m *Match) {
	a := &m.Activity
	pl := &e.plan.rules[i]
	for _, k := range pl.resolves {
		if group, known := e.groupOf(e.plan.rules[k].rule, a); known && e.plan.rules[k].rule.Keyed && !m.Backfill {
			if st := e.find(holderOf(group)); st != nil {
				e.resolve(st, k, a, pl.rule)
			}
		}
	}
	e.feed(nil, i, a, min(a.Time.UnixNano(), e.now), m.Backfill)
}

// keyedSnapshot is the whole memory of a second stage.
type keyedSnapshot struct {
	Engine []byte `json:"engine"`
	Moment int64  `json:"moment"`
	Index  int    `json:"index"`
}

// Snapshot encodes the memory. Equal memories encode to equal bytes.
func (k *Keyed) Snapshot() ([]byte, error) {
	s := keyedSnapshot{Moment: k.engine.across.moment, Index: k.engine.across.index}
	var err error
	if s.Engine, err = k.engine.Snapshot(); err != nil {
		return nil, err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode snapshot: %w", err)
	}
	return data, nil
}

// Restore replaces the memory by a snapshot.
func (k *Keyed) Restore(data []byte) error {
	var s keyedSnapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if err := k.engine.Restore(s.Engine); err != nil {
		return err
	}
	*k.engine.across = keyedMemory{s.Moment, s.Index}
	return nil
}
