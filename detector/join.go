package detector

import (
	"cmp"
	"maps"
	"slices"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

// Weak signals of one session become one alert: while a rule that others join
// has an open episode of the account, what they find is a reason of it.

// joinLast lets the rules that join others be fed after those which they join,
// so that one login opens the episode that it then is told in.
func (p *Plan) joinLast() {
	for i := range p.rules {
		slices.SortStableFunc(p.rules[i].feeds, func(a, b int) int { return cmp.Compare(p.joinsDeep(a, 0), p.joinsDeep(b, 0)) })
	}
}

// deepest bounds chains of rules that join each other, which may be circles.
const deepest = 4

// joinsDeep is how long the longest chain of rules is that one joins.
func (p *Plan) joinsDeep(k, above int) int {
	deep := 0
	for _, j := range p.rules[k].rule.Joins {
		if above < deepest {
			deep = max(deep, 1+p.joinsDeep(j, above+1))
		}
	}
	return deep
}

// joined returns the first open episode of a rule which r joins that fits, nil
// where there is none. One that is muted, since people know what it saw, is not
// for what they do not know.
func (e *Engine) joined(st *accountState, r *rules.Rule, fits func(*episode, *rules.Rule) bool) (*episode, *rules.Rule) {
	for _, k := range r.Joins {
		target := e.plan.rules[k].rule
		if ep := st.Episodes[episodeKey(target, e.account())]; ep != nil && !ep.Muted && wakes(target, r) && fits(ep, target) {
			return ep, target
		}
	}
	return nil, nil
}

// wakes reports whether an alert of target reaches whoever one of r's own would.
// Levels and modes may be overridden, and a rule over its budget observes: what
// is to page somebody must not end as a reason of what pages nobody, and what
// only observes must change nothing that pages.
func wakes(target, r *rules.Rule) bool {
	drill := func(r *rules.Rule) bool { return slices.Contains(r.Tags, rules.TagTest) }
	return !target.Silent && target.Mode == r.Mode && target.Level.Rank() >= r.Level.Rank() && drill(target) == drill(r)
}

// told reports whether people look at an episode with what a rule finds. It may
// be acknowledged, or old news, by the time that another activity shows a sign
// which is as urgent and was not in it: that is an alert of its own.
func (e *Engine) told(ep *episode, target, r *rules.Rule) bool {
	if part := ep.Parts[r.ID]; part != nil && part.Count > 0 || r.Level.Rank() < target.Level.Rank() {
		return true
	}
	for i := e.mark; i < len(e.out); i++ {
		if e.out[i].Episode == ep.ID && e.out[i].Phase == Open {
			return true // by the activity at hand
		}
	}
	return false
}

// account is the group of rules that are grouped by account alone; its value is
// not part of keys.
func (e *Engine) account() []activity.Field { return []activity.Field{{Name: "account"}} }

// join adds a match to the open episode of a rule that this one joins, unless it
// has one of its own. It returns what is kept of the match there, nil where
// there is no such episode.
func (e *Engine) join(st *accountState, r *rules.Rule, group []activity.Field, key string, m match, why func() []Reason) *episode {
	if len(r.Joins) == 0 || st.Episodes[key] != nil {
		return nil
	}
	ep, target := e.joined(st, r, func(ep *episode, target *rules.Rule) bool { return e.told(ep, target, r) })
	if ep == nil {
		return nil
	}
	first := ep.Parts[r.ID] == nil || ep.Parts[r.ID].Count == 0
	part := ep.part(r, group, m.t)
	part.Count++
	part.Last, part.Reasons = max(part.Last, m.t), why()
	if !ep.about(m.a) {
		ep.Count++
	}
	ep.First, ep.Last = min(ep.First, m.t), max(ep.Last, m.t)
	ep.Deadline = e.now + int64(target.Quiet)
	if !e.counting {
		keepEvidence(&ep.Evidence, m.a)
	}
	e.retell(target, ep)
	e.took(r, ep.ID, m.a, m.t, func() []Reason { return part.Reasons })
	e.raised(st, r, group, m, first)
	return part
}

// part returns what an episode keeps for a rule that joins it.
func (ep *episode) part(r *rules.Rule, group []activity.Field, t int64) *episode {
	p := ep.Parts[r.ID]
	if p == nil {
		p = &episode{ID: ep.ID, RuleID: r.ID, Account: ep.Account, Network: ep.Network, Group: cloneGroup(group), First: t, Last: t}
		if ep.Parts == nil {
			ep.Parts = map[string]*episode{}
		}
		ep.Parts[r.ID] = p
	}
	return p
}

// about reports whether an activity is the latest of an episode's evidence.
func (ep *episode) about(a *activity.Activity) bool {
	n := len(ep.Evidence)
	return n > 0 && ep.Evidence[n-1].Kind == a.Kind && ep.Evidence[n-1].ID == a.ID
}

// suspect returns where a rule that joins others keeps a login which one of them
// has just found somebody else's; nil where none has.
func (e *Engine) suspect(st *accountState, r *rules.Rule, a *activity.Activity) *episode {
	ep, _ := e.joined(st, r, func(ep *episode, target *rules.Rule) bool {
		return target.Type == rules.TypeLoginRisk && ep.about(a)
	})
	if ep == nil {
		return nil
	}
	return ep.part(r, e.group, ep.Last)
}

// retell tells an episode anew. What was told of it for the same activity is
// replaced: one login is one finding.
func (e *Engine) retell(r *rules.Rule, ep *episode) {
	n := len(e.out)
	e.emit(r, ep, Update, "")
	for i := e.mark; i < n; i++ {
		if e.out[i].Episode == ep.ID {
			f := e.out[n]
			f.Phase, f.Position = e.out[i].Phase, e.out[i].Position
			e.out[i], e.out = f, e.out[:n]
			return
		}
	}
}

// reasons are those of an episode with those of the rules that joined it: in
// the place of one about the same, else behind. Before what speaks by weight
// come those of a rule that is at least as urgent, since they alone would do.
func (ep *episode) reasons(p *Plan) []Reason {
	if len(ep.Parts) == 0 {
		return ep.Reasons
	}
	out := slices.Clone(ep.Reasons)
	front := 0
	for _, id := range slices.Sorted(maps.Keys(ep.Parts)) {
		for _, r := range ep.Parts[id].Reasons {
			i := slices.IndexFunc(out, func(o Reason) bool { return o.Field == r.Field && o.Seen == r.Seen })
			switch {
			case i >= 0:
				r.Detail = maps.Clone(r.Detail)
				if r.Detail == nil {
					r.Detail = map[string]string{}
				}
				maps.Copy(r.Detail, out[i].Detail)
				out[i] = r
			case len(out) > 0 && out[len(out)-1].Field == "" && p.urgent(id, ep.RuleID):
				out = slices.Insert(out, front, r)
				front++
			default: // before the words that sum up
				at := len(out)
				if at > 0 && out[at-1].Field == "" {
					at--
				}
				out = slices.Insert(out, at, r)
			}
		}
	}
	return out
}

// urgent reports whether one rule's level is at least another's.
func (p *Plan) urgent(id, than string) bool {
	level := func(id string) int {
		i := slices.IndexFunc(p.rules, func(pl planned) bool { return pl.rule.ID == id })
		if i < 0 {
			return -1
		}
		return p.rules[i].rule.Level.Rank()
	}
	return level(id) >= level(than)
}

// notes are an episode's without those that say what the rule's own reasons say.
func (ep *episode) notes(r *rules.Rule) []Reason {
	var own []string
	switch r.Type {
	case rules.TypeTravel:
		own = []string{"geo"}
	case rules.TypeLoginRisk:
		own = []string{"time", "device"}
	default:
	}
	for _, part := range ep.Parts {
		for _, r := range part.Reasons {
			own = append(own, r.Field)
		}
	}
	own = slices.DeleteFunc(own, func(field string) bool { return field != "geo" && field != "time" && field != "device" })
	if len(own) == 0 {
		return ep.Notes
	}
	return slices.DeleteFunc(slices.Clone(ep.Notes), func(n Reason) bool { return slices.Contains(own, n.Field) })
}

// releaseParts teaches the rules that joined a closing episode what they
// withheld.
func (e *Engine) releaseParts(st *accountState, ep *episode) {
	for _, id := range slices.Sorted(maps.Keys(ep.Parts)) {
		if r := e.ruleOf(id); r != nil {
			e.release(st, r, ep.Parts[id])
		}
	}
}
