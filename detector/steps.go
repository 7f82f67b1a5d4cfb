package detector

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

const (
	// maxSteps bounds the first steps of one sequence that an account keeps, and
	// its second steps.
	maxSteps = 16
	// toldLate is how much later than it happened a step or an excuse may still
	// find its other half: sources have outages of their own.
	toldLate = 24 * time.Hour
	// maxExcuses bounds the occurrences that excuse matches of one group.
	maxExcuses = 16
	// maxRelated bounds the steps that a finding of a sequence lists.
	maxRelated = 8
)

// step is a match of a rule that a sequence is made of.
type step struct {
	Time     int64  `json:"t"` // occurrence, Unix nanoseconds
	Then     bool   `json:"then,omitempty"`
	Rule     string `json:"rule"`              // id
	Episode  string `json:"episode,omitempty"` // of the match, "" where its rule raises nothing
	Account  string `json:"account"`
	Words    string `json:"words,omitempty"`
	Told     string `json:"told,omitempty"` // of a second step: the sequence's episode that has counted it
	Activity kept   `json:"activity"`
}

// took follows the sequences that a match of rule r is a step of.
func (e *Engine) took(r *rules.Rule, episode string, a *activity.Activity, t int64, why func() []Reason) {
	steps := e.plan.rules[r.Index].steps
	if len(steps) == 0 || r.Mode == rules.Off {
		return
	}
	words := ""
	if reasons := why(); len(reasons) > 0 {
		words, _, _ = strings.Cut(reasons[0].Seen, " (")
	}
	for _, of := range steps {
		if seq := e.plan.rules[of.rule].rule; seq.Mode != rules.Off {
			s := step{Time: t, Then: of.then, Rule: r.ID, Episode: episode, Account: clone(a.Account), Words: words, Activity: kept{a.Clone()}}
			s.Activity.Raw = nil
			e.follow(of.rule, s)
		}
	}
}

// follow adds a step to a sequence. A first step may come later in the log than
// the second: what counts is when they happened. A first step of an identity
// is one of each account that it guards.
func (e *Engine) follow(k int, s step) {
	seq := &e.plan.rules[k]
	if s.Then {
		if first := e.firstSteps(seq, &s); len(first) > 0 {
			e.sequence(seq.rule, first, &s)
		}
		e.keepStep(seq, s)
		return
	}
	e.keepStep(seq, s)
	for _, account := range append([]string{s.Account}, e.plan.guards[s.Account]...) {
		st := e.find(account)
		if st == nil {
			continue
		}
		steps := st.Steps[seq.stateKey]
		for i := range steps {
			if then := &steps[i]; then.Then && e.plan.isStep(seq, then) && pairs(&s, then, seq.rule.Within) {
				e.sequence(seq.rule, []step{s}, then)
			}
		}
	}
}

// isStep reports whether a step that was kept is still one: a reload may have
// taken its rule out of the sequence.
func (p *Plan) isStep(seq *planned, s *step) bool {
	of := seq.rule.Inputs
	if s.Then {
		of = seq.rule.Then
	}
	return slices.ContainsFunc(of, func(i int) bool { return p.rules[i].rule.ID == s.Rule })
}

// pairs reports whether two different activities are within a span of each
// other in the right order.
func pairs(first, then *step, within time.Duration) bool {
	gap := then.Time - first.Time
	return gap >= 0 && gap <= int64(within) &&
		(first.Account != then.Account || first.Activity.Key() != then.Activity.Key())
}

// ofOne reports whether two steps are of one activity.
func (s *step) ofOne(o step) bool {
	return s.Account == o.Account && s.Activity.Key() == o.Activity.Key()
}

// saidBy reports whether another step says the same: one of the same activity whose
// words are the same, or whose alert it has joined.
func (s *step) saidBy(o step) bool {
	return s.ofOne(o) && (s.Words == o.Words || s.Episode != "" && s.Episode == o.Episode)
}

// firstSteps returns the first steps that a second one follows, of its account
// and the identities that guard it, oldest first.
func (e *Engine) firstSteps(seq *planned, then *step) []step {
	var out []step
	for _, name := range append([]string{then.Account}, e.plan.accounts[then.Account].GuardedBy...) {
		st := e.find(name)
		if st == nil {
			continue
		}
		for _, s := range st.Steps[seq.stateKey] {
			if !s.Then && e.plan.isStep(seq, &s) && pairs(&s, then, seq.rule.Within) {
				out = append(out, s)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b step) int { return cmp.Compare(a.Time, b.Time) })
	return out
}

// keepStep remembers a step for those that may belong to it.
func (e *Engine) keepStep(seq *planned, s step) {
	st := e.state(s.Account).own()
	if st.Steps == nil {
		st.Steps = map[string][]step{}
	}
	all := st.Steps[seq.stateKey]
	at, _ := slices.BinarySearchFunc(all, s.Time, func(o step, t int64) int {
		if o.Time <= t {
			return -1
		}
		return 1
	})
	st.Steps[seq.stateKey] = thin(slices.Insert(all, at, s), s.Then)
}

// thin keeps the number of first steps, or of second ones, within bounds.
// Whoever can repeat a step must not drive out the one that matters, so the one
// goes that says least: of first steps the one that followed another soonest,
// of second ones the one that another followed soonest. What pairs with it
// pairs with its neighbour.
func thin(all []step, then bool) []step {
	n, last, drop, least := 0, -1, -1, int64(0)
	for i := range all {
		if all[i].Then != then {
			continue
		}
		if n++; last >= 0 {
			gap, which := all[i].Time-all[last].Time, i
			if then {
				which = last
			}
			if drop < 0 || gap < least {
				drop, least = which, gap
			}
		}
		last = i
	}
	if n <= maxSteps {
		return all
	}
	return slices.Delete(all, drop, drop+1)
}

// sweepSteps drops steps and excuses that nothing can belong to any more.
func (e *Engine) sweepSteps(st *cold) {
	for key, steps := range st.Steps {
		horizon := e.horizon(key)
		steps = slices.DeleteFunc(steps, func(s step) bool { return s.Time < horizon })
		if st.Steps[key] = steps; len(steps) == 0 {
			delete(st.Steps, key)
		}
	}
	for key, times := range st.Excuses {
		at, _ := slices.BinarySearch(times, e.horizon(key))
		if times = slices.Delete(times, 0, at); len(times) == 0 {
			delete(st.Excuses, key)
			continue
		}
		st.Excuses[key] = times
	}
}

// horizon is the occurrence from which the memory under a key of a sequence or
// a without may still matter; what a rule kept that is gone never does.
func (e *Engine) horizon(key string) int64 {
	i, ok := e.plan.memory[stateOf(key)]
	if !ok {
		return math.MaxInt64
	}
	return e.now - max(e.lateness, int64(toldLate)) - int64(e.plan.rules[i].rule.Within)
}

// sequence reports that one of first was followed by then, on then's account.
// A second step counts once, however many first ones are told after it.
func (e *Engine) sequence(r *rules.Rule, first []step, then *step) {
	st := e.state(then.Account)
	group := []activity.Field{{Name: "account", Value: then.Account}}
	open := st.Episodes[episodeKey(r, group)]
	if then.Told != "" {
		if open != nil && open.ID == then.Told && open.relate(e.related(&first[0])) {
			e.emit(r, open, Update, "")
		}
		return
	}
	m := match{a: &then.Activity.Activity, t: then.Time}
	if open == nil {
		for i := range first {
			if !slices.ContainsFunc(first[:i], first[i].ofOne) { // several rules may find one login odd
				m.before = append(m.before, first[i].Activity)
			}
		}
		m.before = slices.Delete(m.before, 0, max(0, len(m.before)-MaxEvidence+1))
	}
	e.hitWith(st, r, group, m, func() []Reason { return e.sequenceReasons(first, *then) }, func(ep *episode) {
		for i := range first {
			ep.relate(e.related(&first[i]))
		}
		ep.relate(e.related(then))
		then.Told = ep.ID
	})
}

// relate adds a step to what an episode lists, once, and reports whether it is
// listed: of many the first and the latest are.
func (ep *episode) relate(r Related) bool {
	same := func(o Related) bool { return o.Rule == r.Rule && o.Account == r.Account && o.Time.Equal(r.Time) }
	if slices.ContainsFunc(ep.Related, same) {
		return false
	}
	ep.Related = append(slices.Clone(ep.Related), r) // findings share what was there
	slices.SortStableFunc(ep.Related, func(a, b Related) int { return a.Time.Compare(b.Time) })
	if len(ep.Related) > maxRelated {
		ep.Related = slices.Delete(ep.Related, maxRelated/2, maxRelated/2+1)
	}
	return slices.ContainsFunc(ep.Related, same)
}

func (e *Engine) related(s *step) Related {
	out := Related{Episode: s.Episode, Rule: s.Rule, Account: s.Account, Time: time.Unix(0, s.Time).UTC(), Words: s.Words}
	if r := e.ruleOf(s.Rule); r != nil {
		out.Rule, out.Title = cmp.Or(r.Name, r.ID), r.Title
	}
	return out
}

// ruleOf returns the rule with an id, nil where it is gone.
func (e *Engine) ruleOf(id string) *rules.Rule {
	for i := range e.plan.rules {
		if e.plan.rules[i].rule.ID == id {
			return e.plan.rules[i].rule
		}
	}
	return nil
}

func (e *Engine) sequenceReasons(first []step, then step) []Reason {
	var out []Reason
	for i := range first {
		if slices.ContainsFunc(first[:i], first[i].saidBy) {
			continue
		}
		r := Reason{Seen: e.stepWords(&first[i], then.Account)}
		if len(out) < maxRelated/2 && !slices.ContainsFunc(out, func(o Reason) bool { return o.Seen == r.Seen }) { // each post of a new app is a step
			out = append(out, r)
		}
	}
	later := "then at once"
	if gap := time.Duration(then.Time - first[len(first)-1].Time).Round(time.Second); gap > 0 {
		later = "then " + short(gap) + " later"
	}
	return append(out, Reason{Seen: later + ": " + e.stepWords(&then, then.Account)})
}

// stepWords says what a step was, and whose where it is not the account's own.
func (e *Engine) stepWords(s *step, account string) string {
	words := s.Words
	if r := e.related(s); r.Title != "" {
		words = strings.TrimSpace(lowerFirst(r.Title) + " " + parenthesised(s.Words))
	}
	if s.Account != account {
		words = s.Account + ": " + words
	}
	return words
}

func parenthesised(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func lowerFirst(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// excuse remembers an activity that excuses later matches of rule k.
func (e *Engine) excuse(st *accountState, k int, a *activity.Activity, t int64) {
	pl := &e.plan.rules[k]
	group, ok := e.groupOf(pl.rule, a)
	if !ok {
		return
	}
	key := pl.stateKey + groupKey(group)
	c := st.own()
	if c.Excuses == nil {
		c.Excuses = map[string][]int64{}
	}
	times := c.Excuses[key]
	if times == nil {
		makeRoom(st.m, c.Excuses, key, func(times []int64) int64 { return times[len(times)-1] })
	}
	at, _ := slices.BinarySearch(times, t)
	if times = slices.Insert(times, at, t); len(times) > maxExcuses {
		times = slices.Delete(times, 0, len(times)-maxExcuses)
	}
	c.Excuses[key] = times
	// Logs of identity providers are not in order: what is told late still
	// excuses.
	ep := st.Episodes[episodeKey(pl.rule, group)]
	if ep != nil && t <= ep.First && ep.Last-t <= int64(pl.rule.Within) {
		e.close(st, episodeKey(pl.rule, group), ep, e.titles(pl.rule.Without)+" before it, told late")
	}
}

// without judges a match of the rule by, which another one may have excused.
func (e *Engine) without(st *accountState, k, by int, group []activity.Field, a *activity.Activity, t int64) {
	pl := &e.plan.rules[k]
	r := pl.rule
	for _, at := range st.Excuses[pl.stateKey+groupKey(group)] {
		if at <= t && t-at <= int64(r.Within) {
			return
		}
	}
	e.hit(st, r, group, match{a: a, t: t}, func() []Reason {
		return []Reason{{
			Seen:     lowerFirst(e.plan.rules[by].rule.Title),
			Expected: e.titles(r.Without) + " in the " + short(r.Within) + " before",
		}}
	})
}

func (e *Engine) titles(of []int) string {
	var out []string
	for _, i := range of {
		out = append(out, lowerFirst(e.plan.rules[i].rule.Title))
	}
	return strings.Join(out, ", ")
}
