package detector

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline/rate"
	"github.com/picketd/picket/rules"
)

func rateParams(r *rules.Rule) rate.Params {
	return rate.Params{
		Every: r.Params.Span("every"), Least: r.Params["least"],
		Gap: r.Params.Span("gap"), WarmUp: r.Params.Span("warm-up"),
	}
}

// rate feeds a match to a rule that compares an account with its own rhythm:
// judge first, learn after. What is told while an alert is open is withheld from
// what counts as its busiest days. A silence is over with the first match.
func (e *Engine) rate(st *accountState, k int, group []activity.Field, a *activity.Activity, t int64, backfill bool) {
	pl := &e.plan.rules[k]
	r := pl.rule
	p := &pl.rate
	s := memoryOf[rate.State](st, pl.stateKey, "")
	if s.Latest != 0 && t < int64(s.Latest)*second-e.lateness {
		e.late()
		return
	}
	var ep *episode
	if len(st.Episodes) > 0 {
		key := episodeKey(r, group)
		if ep = st.Episodes[key]; ep != nil && s.Told() && t/second > int64(s.Latest) {
			e.close(st, key, ep, "heard of again")
			ep = st.Episodes[key]
		}
	}
	learned := s.Advance(t)
	now := s.At(t)
	var v rate.Burst
	if pl.bursts || ep != nil {
		v = s.Burst(&now, p)
	}
	odd := v.Odd && !backfill && pl.bursts
	s.Learn(&now, (odd || ep != nil) && !r.Silent)
	if !backfill && pl.awaits && (learned || s.Due == 0) && !s.Told() { // what is told late ends no silence
		e.listen(st.row, k, s, p)
	}
	if odd {
		ep = e.hit(st, r, group, match{a: a, t: t}, func() []Reason { return []Reason{burstReason(v)} })
	}
	if ep != nil {
		ep.withholdRate(&v)
	}
}

// withholdRate keeps the heights of windows from the model while the episode is
// open, in thousandths.
func (ep *episode) withholdRate(v *rate.Burst) {
	if ep.Learn == nil {
		ep.Learn = map[string]int{}
	}
	for i, height := range v.Heights {
		key, n := strconv.Itoa(i), int(math.Round(1000*height))
		if old, ok := ep.Learn[key]; !ok || n > old {
			ep.Learn[key] = n
		}
	}
}

// releaseRate teaches a rhythm what a closing episode withheld.
func (e *Engine) releaseRate(st *accountState, r *rules.Rule, ep *episode) {
	s := memoryOf[rate.State](st, e.plan.rules[r.Index].stateKey, "")
	for i := range s.Tails {
		if n, ok := ep.Learn[strconv.Itoa(i)]; ok {
			s.Teach(i, float64(n)/1000)
		}
	}
}

// burstReason says how many there are, and how seldom that is.
func burstReason(v rate.Burst) Reason {
	return Reason{
		Seen:     fmt.Sprintf("a pace of %.0f in %s", v.Count, short(v.Window)),
		Expected: "as much at such an hour about once in " + days(v.Recurs),
		Detail:   map[string]string{"count": fmt.Sprintf("%.1f", v.Count), "days": strconv.Itoa(int(v.Recurs.Hours() / 24))},
	}
}

// silenceReason says for how long nothing came, and how long that may be.
func silenceReason(r *rules.Rule, v rate.Silence) Reason {
	return Reason{
		Seen: fmt.Sprintf("nothing for %s, since %s", lasts(v.Long), v.Latest.Format("2006-01-02 15:04Z")),
		Expected: fmt.Sprintf("silent for more than %s, counted from then, about once in %s",
			lasts(v.Usual), days(r.Params.Span("every"))),
		Detail: map[string]string{"hours": strconv.Itoa(int(v.Long.Hours())), "usual_hours": strconv.Itoa(int(v.Usual.Hours()))},
	}
}

// lasts writes a length of hours or days.
func lasts(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%.0f hours", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

// learnsRate says how far a rate rule is with an account.
func (e *Engine) learnsRate(c *Coverage, subject string) {
	p := rateParams(c.Rule)
	need, known := int(p.WarmUp.Hours()/24), 0
	ready := false
	for _, s := range memoriesOf[rate.State](e.find(subject), e.plan.rules[c.Rule.Index].stateKey) {
		since, active, weeks := s.Known()
		if active > 0 {
			known = min(int(time.Duration(e.now-since).Hours()/24), need)
		}
		ready = known >= need && active >= rate.LeastDays && (!awaits(c.Rule) || weeks >= rate.LeastWeeks)
	}
	if !ready {
		c.State, c.Days, c.NeedDays = CoverageLearning, known, need
		c.Why = fmt.Sprintf("%d of %d days; %d of them and %d weeks must have activities", known, need, rate.LeastDays, rate.LeastWeeks)
	}
}
