package detector

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/approval"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/rules"
)

// explain says in words which tests of a detection rule an activity met, one
// reason a field.
func (e *Engine) explain(r *rules.Rule, a *activity.Activity) []Reason {
	var out []Reason
	for _, m := range e.plan.Program.Explain(r, a) {
		if n := len(out); n > 0 && out[n-1].Field == m.Field {
			if last := &out[n-1]; !strings.HasSuffix(last.Seen, " "+m.Value) {
				last.Seen += ", " + m.Value
			}
			out[n-1].Detail["test"] += " and " + m.Test
			continue
		}
		out = append(out, Reason{Field: m.Field, Seen: labelled(m.Field, m.Value), Detail: map[string]string{"test": m.Test}})
	}
	return out
}

// newValue feeds a match to a new-value rule: judge first, learn after. While
// an episode is open, its odd values are withheld from the model. Of a list
// field each value is judged; together they are one match.
func (e *Engine) newValue(st *accountState, k int, group []activity.Field, a *activity.Activity, t int64, backfill bool) {
	pl := &e.plan.rules[k]
	r := pl.rule
	e.values = r.Field.Values(a, e.values[:0])
	if len(e.values) == 0 {
		return
	}
	model := st.values(pl.stateKey, groupKey(group))
	p := params(r)
	var odd []string
	for _, v := range e.values {
		value := text(v)
		if st.trusted(pl.stateKey, groupKey(group), value, t) {
			continue // for a while, so it is not learned
		}
		if backfill && e.waits(st, r, pl.stateKey+groupKey(group), value, t) {
			continue // history that holds what an alert is about, as a source that is connected now tells it
		}
		at := model.Find(value)
		if backfill || model.KnownAt(at, t, p) || !model.Ready(t, p) {
			model.LearnAt(at, value, t, 1)
		} else if !slices.Contains(odd, value) {
			odd = append(odd, clone(value))
		}
	}
	if len(odd) > 0 {
		model.Forget(t, p)
	}
	model.put()
	if len(odd) == 0 {
		return
	}
	told := st.told(pl.stateKey+groupKey(group), odd, e.now)
	ep := e.hitWith(st, r, group, match{a: a, t: t}, func() []Reason {
		var why []Reason
		for _, value := range odd[:min(len(odd), maxOdd)] {
			why = append(why, newValueReason(r, &model.NewValue, value, t))
		}
		return append(why, toldReason(told)...)
	}, func(ep *episode) { e.withhold(r, ep, odd, told) })
	if ep == nil { // silent: there is nothing whose end it could wait for
		model = st.values(pl.stateKey, groupKey(group))
		for _, value := range odd {
			model.Learn(value, t)
		}
		model.put()
	}
}

const (
	// maxOdd bounds the values of one activity that a finding speaks of.
	maxOdd = 8
	// maxWithheld bounds the values that one episode teaches in the end: what an
	// intruder used must not drive the account's own values out of the model.
	maxWithheld = baseline.MaxValues / 4
)

// params are what a learning rule says about its model.
func params(r *rules.Rule) baseline.Params {
	return baseline.Params{Learn: baseline.Learn(r.Learn), Forget: r.Forget}
}

func newValueReason(r *rules.Rule, m *baseline.NewValue, value string, t int64) Reason {
	return Reason{
		Field: r.Field.Name, Seen: labelled(r.Field.Name, clone(value)),
		Expected: m.Words() + " in " + days(time.Duration(t-m.Since)),
		Detail:   map[string]string{"values": strconv.Itoa(len(m.Values)), "events": strconv.Itoa(m.Events)},
	}
}

// published asks the ledger about a message that approval rules look at. A
// message that is not approved waits for its grace.
func (e *Engine) published(a *activity.Activity, t int64, matched []int) {
	var inputs []string
	for _, i := range matched {
		for _, k := range e.plan.rules[i].feeds {
			if r := e.plan.rules[k].rule; r.Type == rules.TypeApproval && r.Mode != rules.Off {
				inputs = append(inputs, e.plan.rules[i].rule.ID)
				break
			}
		}
	}
	if len(inputs) == 0 {
		return
	}
	media := make([]string, len(a.Media))
	for i := range a.Media {
		media[i] = a.Media[i].Hash
	}
	m := approval.Normalise(a.Text, a.Links, media)
	e.approvals = true // one may be used
	j := e.ledger.Judge(a.Account, m, t, true)
	if j.Verdict == approval.Approved {
		return
	}
	p := &pending{Since: e.now, Message: m, Activity: kept{a.Clone()}, Matched: inputs, Context: e.settingOf(a, t)}
	p.Activity.Raw = nil
	e.await(p, j.Verdict)
	e.settle(e.now) // without a grace the verdict is due at once
}

// await lets a message wait for the grace of a verdict.
func (e *Engine) await(p *pending, v approval.Verdict) {
	p.Deadline = p.Since + e.plan.grace[string(v)]
	e.pending = append(e.pending, p)
	slices.SortStableFunc(e.pending, func(a, b *pending) int { return cmp.Compare(a.Deadline, b.Deadline) })
}

// reconsider lets a new approval clear messages that wait for one.
func (e *Engine) reconsider() {
	e.pending = slices.DeleteFunc(e.pending, func(p *pending) bool {
		t := min(p.Activity.Time.UnixNano(), e.now)
		return e.ledger.Approve(p.Activity.Account, p.Message, t)
	})
}

// verdict reports a message whose grace is over.
func (e *Engine) verdict(p *pending) {
	a := &p.Activity.Activity
	t := min(a.Time.UnixNano(), e.now)
	e.approvals = true // one may be used
	j := e.ledger.Judge(a.Account, p.Message, t, true)
	if p.Since+e.plan.grace[string(j.Verdict)] > e.now {
		e.await(p, j.Verdict) // an approval that came meanwhile makes it another one, with a longer grace
		return
	}
	st := e.state(a.Account)
	for _, k := range e.plan.approval[string(j.Verdict)] {
		r := e.plan.rules[k].rule
		if r.Mode == rules.Off || !slices.ContainsFunc(r.Inputs, func(i int) bool {
			return slices.Contains(p.Matched, e.plan.rules[i].rule.ID)
		}) {
			continue
		}
		group, ok := e.groupOf(r, a)
		if !ok {
			continue
		}
		e.hit(st, r, group, match{a: a, t: t, setting: &p.Context}, func() []Reason { return []Reason{approvalReason(j, p.Message)} })
	}
}

func approvalReason(j approval.Judgement, m approval.Message) Reason {
	r := Reason{Field: "approval", Detail: map[string]string{
		"verdict":    string(j.Verdict),
		"approvals":  strconv.Itoa(j.Against),
		"similarity": fmt.Sprintf("%.0f %%", 100*j.Similarity),
	}}
	if j.Entry != nil {
		r.Detail["approval"] = j.Entry.ID
		if j.Verdict != approval.Missing {
			r.Detail["approvers"] = strings.Join(j.Entry.Approvers, ", ")
		}
	}
	switch j.Verdict {
	case approval.Expired:
		r.Seen, r.Expected = "approval "+j.Entry.ID+" does not cover this time or is used up", validity(j.Entry)
	case approval.WrongAccount:
		r.Seen, r.Expected = "approved for "+j.Entry.Account, "an approval for this account"
	case approval.Edited:
		r.Seen = fmt.Sprintf("%.0f %% like approval %s", 100*j.Similarity, j.Entry.ID)
		r.Expected = "the approved words"
		r.Detail["difference"] = approval.Difference(j.Entry.Message, m, 400)
	case approval.Missing:
		r.Seen = fmt.Sprintf("no match among %d approvals (nearest %.0f %%)", j.Against, 100*j.Similarity)
	case approval.Approved:
	}
	return r
}

func validity(e *approval.Entry) string {
	at := func(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04Z") }
	switch {
	case e.From != 0 && e.Until != 0:
		return fmt.Sprintf("%s to %s, %d use(s)", at(e.From), at(e.Until), e.Max)
	case e.Until != 0:
		return fmt.Sprintf("until %s, %d use(s)", at(e.Until), e.Max)
	case e.From != 0:
		return fmt.Sprintf("from %s, %d use(s)", at(e.From), e.Max)
	}
	return fmt.Sprintf("%d use(s)", e.Max)
}

// text is a value as memory is keyed by it, and as models know it.
func text(v activity.Value) string {
	if v.IsNum {
		return strconv.FormatFloat(v.Num, 'f', -1, 64)
	}
	return baseline.Shorten(v.Str)
}

// labelled puts the field's plain name before a value: "country RO".
func labelled(field, value string) string {
	switch field {
	case "geo.asn":
		return "network AS" + value
	case "geo.as_org":
		return "network " + value
	}
	return strings.TrimPrefix(strings.TrimPrefix(field, "geo."), "poll.") + " " + value
}

// short prints a duration as people write it: 10m, 1h30m, 14d.
func short(d time.Duration) string {
	if d >= 48*time.Hour && d%(24*time.Hour) == 0 {
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func days(d time.Duration) string {
	switch n := int(d.Hours() / 24); {
	case n < 1:
		return "less than a day"
	case n == 1:
		return "1 day"
	default:
		return strconv.Itoa(n) + " days"
	}
}
