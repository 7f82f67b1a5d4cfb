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

// joinLast lets the rules that join others be fed after all that do not, so
// that one login opens the episode that it then is told in.
func (p *Plan) joinLast() {
	joins := func(k int) int { return min(len(p.rules[k].rule.Joins), 1) }
	for i := range p.rules {
		slices.SortStableFunc(p.rules[i].feeds, func(a, b int) int { return cmp.Compare(joins(a), joins(b)) })
	}
}

// joined returns the open episode that takes up a rule's matches, nil where
// there is none.
func (e *Engine) joined(st *accountState, r *rules.Rule) (*episode, *rules.Rule) {
	for _, k := range r.Joins {
		target := e.plan.rules[k].rule
		if ep := st.Episodes[episodeKey(target, e.account())]; ep != nil {
			return ep, target
		}
	}
	return nil, nil
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
	ep, target := e.joined(st, r)
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
	ep, target := e.joined(st, r)
	if ep == nil || target.Type != rules.TypeLoginRisk || !ep.about(a) {
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
	order := []rules.Level{rules.Informational, rules.Low, rules.Medium, rules.High, rules.Critical}
	level := func(id string) int {
		i := slices.IndexFunc(p.rules, func(pl planned) bool { return pl.rule.ID == id })
		if i < 0 {
			return -1
		}
		return slices.Index(order, p.rules[i].rule.Level)
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
