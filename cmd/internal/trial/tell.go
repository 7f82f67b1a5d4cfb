package trial

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// tell puts what a judge found into a report.
func (j *judge) tell(plan *detector.Plan, r *Report) {
	months := r.months()
	byRule := map[string]*RuleTold{}
	for _, rule := range plan.Rules() {
		if rule.Silent || rule.Mode != rules.Enforce {
			continue
		}
		r.Rules = append(r.Rules, RuleTold{ID: rule.ID, Name: rule.Name, Title: rule.Title, Level: rule.Level, Urgency: urgency(rule)})
	}
	for i := range r.Rules {
		byRule[r.Rules[i].ID] = &r.Rules[i]
	}
	for _, f := range j.told {
		if told := byRule[f.Rule.ID]; told != nil {
			told.Told = append(told.Told, tellOne(f))
		}
	}
	for i := range r.Rules {
		t := &r.Rules[i]
		t.Alerts = len(t.Told)
		r.Alerts += t.Alerts
		t.PerMonth = rate(t.Alerts, months)
		slices.SortStableFunc(t.Told, func(a, b Told) int {
			return cmp.Or(cmp.Compare(b.strength, a.strength), b.From.Compare(a.From))
		})
	}
	slices.SortStableFunc(r.Rules, func(a, b RuleTold) int {
		return cmp.Or(cmp.Compare(b.Level.Rank(), a.Level.Rank()), cmp.Compare(b.Alerts, a.Alerts))
	})
	r.PerMonth = rate(r.Alerts, months)
	for _, key := range slices.SortedFunc(maps.Keys(j.guards), func(a, b guardKey) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(j.guards[a].rule.Index, j.guards[b].rule.Index))
	}) {
		r.Coverage = append(r.Coverage, *j.guards[key])
	}
}

// rate is alerts a month, 0 where the history is too short to say.
func rate(n int, months float64) float64 {
	if months < 1 {
		return 0
	}
	return math.Round(1000*float64(n)/months) / 1000
}

func tellOne(f *detector.Finding) Told {
	t := Told{
		Account: f.Account, From: f.First, Until: f.Last, Count: f.Count, Alert: f.Episode,
		Reasons: f.Reasons, Reason: because(f), strength: strength(f),
	}
	if f.Rule.Keyed {
		t.Group, t.Accounts, t.about = map[string]string{}, f.Accounts, f.About()
		for _, g := range f.Group {
			t.Group[g.Name] = g.Value
		}
	}
	for i := range f.Evidence {
		if t.Text = alerting.Plain(said(&f.Evidence[i])); t.Text != "" {
			break
		}
	}
	return t
}

// said is what an activity says or changed, in the words of whoever did it.
func said(a *activity.Activity) string {
	if a.Kind != activity.KindProfile {
		return cmp.Or(a.Text, a.Poll.Reason)
	}
	var parts []string
	for _, name := range a.Changed {
		if name != "picture" && name != "banner" { // addresses of files
			parts = append(parts, fmt.Sprintf("%s: %s → %s", name, cmp.Or(valueOf(a.Old, name), "nothing"), cmp.Or(valueOf(a.Profile, name), "nothing")))
		}
	}
	return strings.Join(parts, "; ")
}

func valueOf(fields []activity.Field, name string) string {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// strength orders the alerts of one rule by how far they are from what is
// usual: a burst by its size, a new value by how often each of the known ones
// came, a login by its score, a journey by its speed.
func strength(f *detector.Finding) float64 {
	switch f.Rule.Type {
	case rules.TypeEventCount, rules.TypeValueCount, rules.TypePeak, rules.TypeStorm:
		return float64(f.Count)
	case rules.TypeNewValue:
		events := 0.0
		for _, why := range f.Reasons {
			n, err := strconv.ParseFloat(why.Detail["events"], 64)
			values, err2 := strconv.ParseFloat(why.Detail["values"], 64)
			if err == nil && err2 == nil {
				events = max(events, n/max(values, 1))
			}
		}
		return events
	case rules.TypeLoginRisk:
		return most(f, "score")
	case rules.TypeTravel:
		return most(f, "km_per_hour")
	case rules.TypeRate:
		return max(most(f, "days"), most(f, "hours")/24)
	default:
		return 0
	}
}

// most is the largest number of a name behind a finding's reasons.
func most(f *detector.Finding, name string) float64 {
	out := 0.0
	for _, why := range f.Reasons {
		if n, err := strconv.ParseFloat(why.Detail[name], 64); err == nil {
			out = max(out, n)
		}
	}
	return out
}

// because says in words why a rule fired.
func because(f *detector.Finding) string {
	r := f.Rule
	switch {
	case r.Type == rules.TypePeak && len(f.Reasons) > 0:
		limit := f.Reasons[0].Detail["limit"]
		if own := f.Reasons[0].Detail["own_peak"]; own != "" && own != "0" {
			return fmt.Sprintf("%s %s; its usual peak is %s in %s", things(f), within(f.Last.Sub(f.First)), own, lasting(r.Timespan))
		}
		return fmt.Sprintf("%s %s; the limit is %s in %s", things(f), within(f.Last.Sub(f.First)), limit, lasting(r.Timespan))
	case r.Type == rules.TypeEventCount && r.Condition.Min > 0 && r.Condition.Max == 0:
		return fmt.Sprintf("%s %s; the limit is %d in %s", things(f), within(f.Last.Sub(f.First)), r.Condition.Min, lasting(r.Timespan))
	}
	parts := make([]string, 0, len(f.Reasons))
	for _, why := range f.Reasons {
		s := why.Seen
		if usual := why.Expected; usual != "" {
			if r.Type == rules.TypeNewValue {
				s += ", for the first time in " + lasting(r.Forget)
				usual = usual[:max(0, strings.LastIndex(usual, " in "))]
			}
			s += "; usual: " + usual
		}
		parts = append(parts, alerting.Plain(s))
	}
	return strings.Join(parts, "; ")
}

// things counts the activities of an episode by what they are.
func things(f *detector.Finding) string {
	noun := "events"
	if len(f.Evidence) > 0 {
		noun = nounOf(f.Evidence[0].Kind)
		for i := range f.Evidence {
			if nounOf(f.Evidence[i].Kind) != noun {
				noun = "events"
			}
		}
	}
	return counted(f.Count, noun)
}

// nounOf names several activities of a kind.
func nounOf(k activity.Kind) string {
	switch k {
	case activity.KindPost:
		return "posts"
	case activity.KindReply:
		return "replies"
	case activity.KindRepost:
		return "reposts"
	case activity.KindMessage:
		return "messages"
	case activity.KindDelete:
		return "deletions"
	case activity.KindEdit:
		return "edits"
	case activity.KindLogin:
		return "logins"
	case activity.KindLoginFailure:
		return "failed logins"
	case activity.KindTokenGrant:
		return "app permissions"
	case activity.KindMFAChange:
		return "second-factor changes"
	case activity.KindProfile:
		return "profile changes"
	case activity.KindFollowers:
		return "follower counts"
	case activity.KindPoll:
		return "reports of a collector"
	default:
		return strings.ReplaceAll(alerting.Plain(string(k)), "_", " ") + "s"
	}
}
