package detector

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline/storm"
	"github.com/picketd/picket/detector/window"
	"github.com/picketd/picket/rules"
)

// openIntervals is how many intervals of a series are kept open for what comes
// late. With short intervals the lateness that counts is therefore less than
// the engine's: four intervals are at most waited for.
const openIntervals = 5

// series counts what one storm rule is fed for one group: intervals that are
// over for longer than the lateness are learned, the others kept open.
type series struct {
	Model storm.State
	From  int64                 // start of the first open interval, Unix nanoseconds; 0 before the first activity
	Open  [openIntervals]uint32 // activities in each open interval
}

func stormParams(r *rules.Rule) storm.Params {
	p := storm.Defaults()
	p.Threshold = r.Params["threshold"]
	p.Least = r.Params["least"]
	p.Warm = int(r.Params.Span("warm-up") / r.Timespan)
	p.Falls = false // that nobody speaks of an account is no storm
	return p
}

// storm feeds a match to a rule that looks for bursts of what the public does.
// An interval is judged as it fills, so that a storm is told at the mention that
// makes it one, and learned when nothing can come for it any more. Log time
// alone says when that is, so it does not matter how the log ticks: an interval
// without any activity is learned, as a zero, when the next one comes.
func (e *Engine) storm(st *accountState, k int, group []activity.Field, a *activity.Activity, t int64, backfill bool) {
	pl := &e.plan.rules[k]
	r := pl.rule
	p := &pl.storm
	s := memoryOf[series](st, pl.stateKey, groupKey(group))
	span := int64(r.Timespan)
	i := s.advance(e.now, t, span, min(e.lateness, (openIntervals-1)*span), p)
	if i < 0 {
		e.late()
		return
	}
	weight := min(weightOf(a), math.MaxUint32-s.Open[i])
	s.Open[i] += weight
	if backfill || float64(s.Open[i]) < p.Least {
		return
	}
	start := s.From + int64(i)*span
	v := s.judge(i, span, p)
	going := st.Episodes[episodeKey(r, group)] != nil && v.Score >= p.Threshold
	if !v.Odd && !going {
		return
	}
	count := int(s.Open[i])
	e.hit(st, r, group, match{a: a, t: t, first: window.Event{Time: start, Key: a.Key()}, count: count, others: int(weight) - 1},
		func() []Reason { return []Reason{stormReason(pl, count, v)} })
}

// advance learns the intervals that are over at log time now and returns the
// open interval that time t belongs to, negative where that is learned already.
func (s *series) advance(now, t, span, lateness int64, p *storm.Params) int {
	first := (now - lateness) / span * span // the earliest interval that may still grow
	if s.From == 0 {
		s.From = first
	}
	if s.From+storm.Enough*span < first {
		s.lapse(first, span, p)
	}
	for ; s.From < first; s.From += span {
		s.Model.Step(s.From, float64(s.Open[0]), p)
		copy(s.Open[:], s.Open[1:])
		s.Open[openIntervals-1] = 0
	}
	if t < s.From {
		return -1
	}
	return int((t - s.From) / span)
}

// lapse learns a silence so long that more of it would teach nothing: as many
// zeros as change the model, the last of them just before first.
func (s *series) lapse(first, span int64, p *storm.Params) {
	for i := range s.Open {
		s.Model.Step(s.From+int64(i)*span, float64(s.Open[i]), p)
	}
	s.Open = [openIntervals]uint32{}
	s.From = first - storm.Enough*span
}

// judge judges open interval i with what it holds so far. Those before it are
// taken as they are, on a copy.
func (s *series) judge(i int, span int64, p *storm.Params) storm.Verdict {
	model := s.Model
	for before := range i {
		model.Step(s.From+int64(before)*span, float64(s.Open[before]), p)
	}
	return model.Judge(s.From+int64(i)*span, float64(s.Open[i]), p)
}

// weightOf returns how many activities one stands for. Of a public storm a
// collector keeps a sample, with weights.
func weightOf(a *activity.Activity) uint32 {
	const most = 1 << 30
	for i := range a.Metrics {
		if m := &a.Metrics[i]; m.Name == weightMetric && m.Value > 1 {
			return uint32(min(m.Value, most))
		}
	}
	return 1
}

// weightMetric is the metric that holds a weight, collectors.WeightMetric.
const weightMetric = "weight"

// counted names what matches of some kinds of activity are.
func counted(kinds []activity.Kind) string {
	if len(kinds) == 1 && kinds[0] == activity.KindMention {
		return "mentions"
	}
	return "activities"
}

// stormReason says how many there were, and how many are usual at that hour.
func stormReason(pl *planned, count int, v storm.Verdict) Reason {
	return Reason{
		Seen:     fmt.Sprintf("%d %s in %s", count, pl.counts, short(pl.rule.Timespan)),
		Expected: fmt.Sprintf("%.0f to %.0f at this hour", v.Low, v.High),
		Detail: map[string]string{
			"count": strconv.Itoa(count), "of": pl.counts, "span": pl.rule.Timespan.String(), "score": fmt.Sprintf("%.2f", v.Score),
			"usual": fmt.Sprintf("%.1f", v.Usual), "low": fmt.Sprintf("%.0f", v.Low), "high": fmt.Sprintf("%.0f", v.High), "why": v.Words(),
		},
	}
}

// learnsStorm says how far a storm rule is with an account.
func (e *Engine) learnsStorm(c *Coverage, subject string) {
	p := stormParams(c.Rule)
	known := 0
	for _, s := range memoriesOf[series](e.find(subject), e.plan.rules[c.Rule.Index].stateKey) {
		known = max(known, s.Model.Known())
	}
	if known >= p.Warm {
		return
	}
	perDay := int(24 * time.Hour / c.Rule.Timespan)
	c.State, c.Days, c.NeedDays = CoverageLearning, known/perDay, (p.Warm+perDay-1)/perDay
	c.Why = fmt.Sprintf("%d of %d days", c.Days, c.NeedDays)
}
