package detector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/baseline/drift"
	"github.com/picketd/picket/detector/state"
	"github.com/picketd/picket/rules"
)

// CoverageState says whether a rule guards an account.
type CoverageState string

// The states of coverage.
const (
	CoverageActive   CoverageState = "active"    // it judges
	CoverageLearning CoverageState = "learning"  // it does not know the account well enough yet
	CoverageNoSource CoverageState = "no_source" // nothing shows it what it needs
	CoverageOff      CoverageState = "off"       // somebody switched it off, or the account does not ask for it
)

// Coverage is how one rule guards one account.
type Coverage struct {
	Account string
	Rule    *rules.Rule
	State   CoverageState
	// While learning: whole days since the first activity of NeedDays, and
	// activities of NeedEvents.
	Days, NeedDays     int
	Events, NeedEvents int
	Why                string // in words, for every state but active, and where it is active with less than it will have
	Mend               string // what to do about it, empty where nothing can be done but wait
}

// Sight says whether a configured source shows something of an account.
type Sight struct {
	Seen bool
	Why  string // why not: "X does not show the app of a post"
	Mend string // what would show it: "connect Okta: picket connect okta"
	// Lacking is what to say in place of that where such activities come, without
	// the field that was asked for; nil where it is the same.
	Lacking *Sight
}

// Sighted asks whether a source shows activities of a kind of an account; with
// a field, whether they carry it.
type Sighted func(account string, kind activity.Kind, field string) Sight

// Coverage says how every rule that can raise a finding guards each account, as
// of log time, in the order of accounts and rules. What an account has sent
// counts as seen, whatever sight says, until it falls silent.
func (e *Engine) Coverage(accounts []string, sight Sighted) []Coverage {
	var out []Coverage
	for _, account := range accounts {
		e.memory.release(0)
		for i := range e.plan.rules {
			if r := e.plan.rules[i].rule; !r.Silent && !r.Shadow && !slices.Contains(r.Tags, rules.TagTest) {
				out = append(out, e.covers(account, r, sight))
			}
		}
	}
	return out
}

// covers says how one rule guards one account. What happens to the identities
// that guard an account counts for it: the best that one of them has.
func (e *Engine) covers(account string, r *rules.Rule, sight Sighted) Coverage {
	c := Coverage{Account: account, Rule: r}
	switch {
	case r.Mode == rules.Off:
		c.State, c.Why = CoverageOff, "switched off"
		c.Mend = "set its mode to enforce under rules.overrides"
		return c
	case r.Type == rules.TypeApproval && !e.plan.accounts[account].Approvals && len(e.plan.guards[account]) == 0: // an identity posts nothing
		c.State, c.Why = CoverageOff, "posts of this account need no approval"
		c.Mend = "set approvals: required for it"
		return c
	case len(r.Lacks) > 0:
		c.State, c.Why = CoverageOff, "what "+strings.Join(r.Lacks, ", ")+" stands for is not told"
		c.Mend = "add a rule file with placeholders: and their values"
		return c
	}
	if steps := e.stepsOf(r); steps != nil {
		return e.coversSteps(c, steps, sight)
	}
	best := e.alone(c, account, sight)
	var blind []Coverage // identities that nothing shows
	seen := false        // another one is shown
	for _, id := range e.plan.accounts[account].GuardedBy {
		other := e.alone(c, id, sight)
		if other.State == CoverageNoSource {
			other.Account = id
			blind = append(blind, other)
			continue
		}
		seen = true
		if better(other.State, best.State) || other.State == best.State && other.Events > best.Events {
			best = other
			best.Why = strings.TrimSuffix("through "+id+": "+other.Why, ": ")
		}
	}
	if seen && len(blind) > 0 {
		best.partly(blind)
	}
	return best
}

// partly says which identities of an account nothing shows, while it guards
// through others.
func (c *Coverage) partly(blind []Coverage) {
	names := make([]string, len(blind))
	for i := range blind {
		names[i] = blind[i].Account
	}
	c.Why = strings.TrimPrefix(c.Why+"; not for "+strings.Join(names, ", ")+": "+blind[0].Why, "; ")
	c.Mend = cmp.Or(c.Mend, blind[0].Mend)
}

// stepsOf returns the groups of rules of each of which one must see an account:
// the first and second steps of a sequence, and what feeds a correlation over
// rules that guard by other facts than their own activities. It is nil for
// other rules.
func (e *Engine) stepsOf(r *rules.Rule) [][]int {
	if r.Type == rules.TypeSequence {
		return [][]int{r.Inputs, r.Then}
	}
	if !slices.ContainsFunc(r.Inputs, func(i int) bool {
		in := e.plan.rules[i].rule
		return in.Type == rules.TypeApproval || e.stepsOf(in) != nil
	}) {
		return nil
	}
	if r.Type != rules.TypeTemporal && r.Type != rules.TypeTemporalOrdered {
		return [][]int{r.Inputs}
	}
	var out [][]int
	for _, in := range r.Inputs {
		out = append(out, []int{in})
	}
	return out
}

// coversSteps says how a rule guards an account that takes one rule of each
// group: as well as the best of each group do.
func (e *Engine) coversSteps(c Coverage, groups [][]int, sight Sighted) Coverage {
	worst := Coverage{State: CoverageActive}
	for _, steps := range groups {
		best := Coverage{State: CoverageOff}
		for _, i := range steps {
			if s := e.covers(c.Account, e.plan.rules[i].rule, sight); better(s.State, best.State) || best == (Coverage{State: CoverageOff}) {
				best = s
			}
		}
		if better(worst.State, best.State) {
			worst = best
		}
	}
	worst.Account, worst.Rule = c.Account, c.Rule
	return worst
}

// better orders states by what they are worth.
func better(a, b CoverageState) bool {
	order := []CoverageState{CoverageOff, CoverageNoSource, CoverageLearning, CoverageActive}
	return slices.Index(order, a) > slices.Index(order, b)
}

// alone says how a rule guards what happens on one account or identity itself.
func (e *Engine) alone(c Coverage, subject string, sight Sighted) Coverage {
	field := ""
	switch {
	case c.Rule.Field != nil && !e.carried(subject, c.Rule):
		field = c.Rule.Field.Name
	case c.Rule.Type == rules.TypeTravel && !e.placed(subject, c.Rule):
		field = "geo.lat"
	case c.Rule.Type == rules.TypeLoginRisk:
		if _, logins := e.knownLogins(subject, c.Rule); logins == 0 {
			field = "user_agent"
		}
	}
	if c.Rule.Keyed {
		field = c.Rule.GroupBy[0].Name // whose value the accounts must share
	}
	if s := e.sees(subject, e.plan.Program.Kinds(c.Rule), field, c.Rule, sight); !s.Seen {
		c.State, c.Why, c.Mend = CoverageNoSource, s.Why, s.Mend
		return c
	}
	c.State = CoverageActive
	switch c.Rule.Type {
	case rules.TypeNewValue:
		since, events := int64(0), 0
		if st := e.find(subject); st != nil {
			since, events = st.best(slotValues, e.plan.rules[c.Rule.Index].stateKey)
		}
		e.learning(&c, since, events)
	case rules.TypeLoginRisk, rules.TypeRareValue:
		since, events := e.knownLogins(subject, c.Rule)
		e.learning(&c, since, events)
	case rules.TypePeak:
		since, events := int64(0), 0
		if st := e.find(subject); st != nil {
			since, events = st.best(slotPeaks, e.plan.rules[c.Rule.Index].stateKey)
		}
		e.learning(&c, since, events)
		if c.State == CoverageLearning { // it guards meanwhile
			c.State = CoverageActive
			c.Why = fmt.Sprintf("only from %d on, until it knows the account: %s", c.Rule.Floor, c.Why)
		}
	case rules.TypeProfile:
		since, posts := e.profileKnown(subject, c.Rule)
		e.learning(&c, since, posts)
	case rules.TypeStorm:
		e.learnsStorm(&c, subject)
	case rules.TypeRate:
		e.learnsRate(&c, subject)
	case rules.TypeDrift:
		e.learnsDrift(&c, subject)
	default:
	}
	return c
}

// carried reports whether a rule of a type that remembers a field knows it of an
// account; see sees for rules of type new_value.
func (e *Engine) carried(subject string, r *rules.Rule) bool {
	switch r.Type {
	case rules.TypeDrift:
		return len(memoriesOf[drift.State](e.find(subject), e.plan.rules[r.Index].stateKey)) > 0
	case rules.TypeRareValue:
		_, uses := e.knownLogins(subject, r)
		return uses > 0
	default:
		return false
	}
}

// sees reports whether activities of one of the kinds come in, with a field if
// one is named.
func (e *Engine) sees(subject string, kinds []activity.Kind, field string, r *rules.Rule, sight Sighted) Sight {
	st := e.find(subject)
	if !st.heard(e.now) {
		st = nil
	}
	if st != nil && field != "" {
		if _, events := st.best(slotValues, e.plan.rules[r.Index].stateKey); events > 0 {
			return Sight{Seen: true}
		}
	}
	if len(kinds) == 0 { // on a source's own events
		return Sight{Seen: true}
	}
	var none, lacking Sight
	for _, k := range kinds {
		came := st != nil && st.seen().Of(e.memory.store.Texts.Find(string(k))) != 0
		if came && field == "" {
			return Sight{Seen: true}
		}
		s := sight(subject, k, field)
		if s.Seen {
			return s
		}
		if came && s.Lacking != nil {
			lacking = cmp.Or(lacking, *s.Lacking)
		}
		none = cmp.Or(none, s)
	}
	return cmp.Or(lacking, none)
}

// silence is how long an account may send nothing at all until what it sent
// before no longer says that it will be heard of again.
const silence = 30 * 24 * time.Hour

// heard reports whether an account has sent something lately.
func (st *accountState) heard(now int64) bool {
	if st == nil {
		return false
	}
	seen := st.seen()
	return len(seen) > 0 && now-seen.Latest() < int64(silence)
}

// best returns since when, and from how many activities, the model of a rule
// knows an account: of several groups, the one that knows most.
func (st *accountState) best(k slotKind, stateKey string) (since int64, events int) {
	take := func(r state.Ref) {
		if s, n := st.m.known(r); n > events || n == events && s < since {
			since, events = s, n
		}
	}
	if r := st.ref(k, stateKey, ""); r != 0 {
		take(r)
	}
	for key, r := range st.Groups[k] {
		if stateOf(key) == stateKey {
			take(r)
		}
	}
	return since, events
}

// learning marks a rule that does not know an account well enough.
func (e *Engine) learning(c *Coverage, since int64, events int) {
	l := c.Rule.Learn
	if baseline.Learn(l).Ready(since, events, e.now) {
		return
	}
	c.State = CoverageLearning
	c.NeedDays, c.NeedEvents = int(l.Period.Hours()/24), l.Events
	c.Events = min(events, l.Events)
	if events > 0 {
		c.Days = min(int(time.Duration(e.now-since).Hours()/24), c.NeedDays)
	}
	join := "and"
	if l.Either {
		join = "or"
	}
	c.Why = fmt.Sprintf("%d of %d days %s %d of %d activities", c.Days, c.NeedDays, join, c.Events, c.NeedEvents)
	if l.AtMost > 0 && l.AtMost > l.Period {
		c.Why += fmt.Sprintf("; waits %s at most", days(l.AtMost))
	}
}
