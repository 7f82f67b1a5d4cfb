package evaluate

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/hijack"
	"github.com/picketd/picket/detector/replay"
	"github.com/picketd/picket/rules"
)

// Tuning says what is tried.
type Tuning struct {
	Rule   *rules.Rule // of the plan
	Number string      // one of its Numbers
	Values []float64   // rising
	Budget float64     // alerts per account and month that people bear
	Labels []Label     // besides the verdicts in the activities
	// Attacks plays the hijack protocol for each value, on Histories; nil for not.
	Attacks   *hijack.Protocol
	Histories []*hijack.History
	Donors    Donors
}

// Curve is what a rule does at each value.
type Curve struct {
	Rule     *rules.Rule
	Number   rules.Number // with the value that the rule has
	Budget   float64
	Accounts int
	Months   float64 // account-months
	Points   []Point // by value; that of the rule as it is among them
	// Meets is the index of the point to choose, -1 where none keeps to the
	// budget: of those that do, the one that keeps the most incidents, then
	// catches the most attacks, then raises the most alerts.
	Meets int
	// Incidents is how many labels say true of what this rule may see, and
	// Harmless how many say expected or false.
	Incidents, Harmless int
	Unplaced            int      // verdicts on alerts that the rule as it is does not raise in these activities
	Unseen              []string // accounts that labels are about and of which the rule looks at nothing here
}

// Point is what a rule does at one value.
type Point struct {
	Value     float64
	Alerts    int     // of which people are told
	PerMonth  float64 // per account-month
	Worst     float64 // per month, on the account with the highest rate of those watched for a month
	WorstOf   string
	Kept      int // incidents that an alert still covers
	Harmless  int // labels of harmless things that an alert still covers
	Attacks   []hijack.Row
	AsItIs    bool
	attacked  int // attacks noticed within ten posts
	intervals []interval
}

// interval is one opening of an alert: where its window outlasts the rule's
// quiet, an alert may open again, and people are told again.
type interval struct {
	alert, account string
	first, last    time.Time
	told           bool
}

// labelSlack is how far apart an alert and a label may be that are about the
// same: people round times.
const labelSlack = time.Hour

// Tune replays src once and judges it at every value of a number, by engines
// that hold the rule and what feeds it.
func Tune(ctx context.Context, plan *detector.Plan, src replay.Source, opts detector.EngineOptions, t Tuning) (Curve, error) {
	out := Curve{Rule: t.Rule, Budget: t.Budget, Meets: -1}
	var err error
	if out.Number, err = t.Rule.Number(t.Number); err != nil {
		return out, err
	}
	plans, err := out.variants(plan.Only(t.Rule), t)
	if err != nil {
		return out, err
	}
	opts.Ticked = false // a replay of one rule ends like a log that goes on
	noted := &noting{src: src, labels: slices.Clone(t.Labels)}
	open := make([]map[string]int, len(plans)) // episode → its latest interval
	for i := range open {
		open[i] = map[string]int{}
	}
	results, err := replay.Sweep(ctx, plans, noted, opts, func(i int, f detector.Finding) {
		if f.Rule.ID == t.Rule.ID {
			out.Points[i].note(open[i], &f)
		}
	})
	if err != nil {
		return out, err
	}
	out.Accounts, out.Months = results[0].Accounts, results[0].Months
	for i := range out.Points {
		out.Points[i].rate(&results[i])
	}
	out.label(newest(noted.labels), results[0].PerAccount)
	if t.Attacks != nil {
		if err := out.attack(ctx, plans, &t); err != nil {
			return out, err
		}
	}
	out.choose()
	return out, nil
}

// variants makes a point and a plan of each value and of the rule as it is.
func (c *Curve) variants(only *detector.Plan, t Tuning) ([]*detector.Plan, error) {
	values := append(slices.Clone(t.Values), c.Number.Value)
	slices.Sort(values)
	values = slices.Compact(values)
	plans := make([]*detector.Plan, len(values))
	for i, v := range values {
		r, err := t.Rule.Having(t.Number, v)
		if err != nil {
			return nil, err
		}
		r.Mode = rules.Enforce
		if plans[i], err = only.With(r); err != nil {
			return nil, fmt.Errorf("%s %g: %w", t.Number, v, err)
		}
		c.Points = append(c.Points, Point{Value: v, AsItIs: v == c.Number.Value})
	}
	return plans, nil
}

// note takes a finding into the point's intervals.
func (p *Point) note(open map[string]int, f *detector.Finding) {
	i, known := open[f.Episode]
	if !known || f.Phase == detector.Open {
		i = len(p.intervals)
		open[f.Episode] = i
		p.intervals = append(p.intervals, interval{alert: f.Episode, account: f.Account, first: f.First})
	}
	at := &p.intervals[i]
	at.last = f.Last
	at.told = at.told || f.Held == ""
}

// rate counts the alerts of which people are told.
func (p *Point) rate(r *replay.Result) {
	by := map[string]int{}
	for i := range p.intervals {
		if p.intervals[i].told {
			p.Alerts++
			by[p.intervals[i].account]++
		}
	}
	if r.Months > 0 {
		p.PerMonth = float64(p.Alerts) / r.Months
	}
	for account, n := range by {
		a := r.PerAccount[account]
		if a == nil || a.Last.Sub(a.First) < replay.Month {
			continue
		}
		rate := float64(n) * float64(replay.Month) / float64(a.Last.Sub(a.First))
		if rate > p.Worst || rate == p.Worst && account < p.WorstOf {
			p.Worst, p.WorstOf = rate, account
		}
	}
}

// label counts what people said that each point still sees, of the accounts that
// the rule looks at.
func (c *Curve) label(labels []Label, seen map[string]*replay.Activity) {
	asItIs := &c.Points[slices.IndexFunc(c.Points, func(p Point) bool { return p.AsItIs })]
	for i := range labels {
		l := &labels[i]
		if l.Rule != "" && l.Rule != c.Rule.ID && l.Rule != c.Rule.Name && l.Rule != c.Rule.Title {
			continue
		}
		if seen[l.Account] == nil && l.alert == "" && !slices.Contains(c.Unseen, l.Account) {
			c.Unseen = append(c.Unseen, l.Account)
		}
		if l.alert != "" {
			if !asItIs.place(l) {
				c.Unplaced++
				continue
			}
		}
		incident := l.Verdict == activity.VerdictTrue
		if incident {
			c.Incidents++
		} else {
			c.Harmless++
		}
		for k := range c.Points {
			switch p := &c.Points[k]; {
			case !p.covers(l):
			case incident:
				p.Kept++
			default:
				p.Harmless++
			}
		}
	}
}

// place sets when that was which a verdict on an alert is about: from where the
// alert first opened to its last match. It reports whether there is the alert.
func (p *Point) place(l *Label) (placed bool) {
	for i := range p.intervals {
		in := &p.intervals[i]
		switch {
		case in.alert != l.alert:
			continue
		case !placed:
			l.From, l.Until, placed = in.first, in.last, true
		case in.last.After(l.Until):
			l.Until = in.last
		}
	}
	return placed
}

func (p *Point) covers(l *Label) bool {
	return slices.ContainsFunc(p.intervals, func(in interval) bool {
		return in.told && in.account == l.Account && !in.first.After(l.Until.Add(labelSlack)) && !in.last.Before(l.From.Add(-labelSlack))
	})
}

// attack plays the protocol at each value, several at a time.
func (c *Curve) attack(ctx context.Context, plans []*detector.Plan, t *Tuning) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range c.Points {
		group.Go(func() error {
			report, err := Run(ctx, plans[i], *t.Attacks, t.Histories, t.Donors)
			if err != nil {
				return err
			}
			p := &c.Points[i]
			p.Attacks = report.Table.Rows
			for _, row := range p.Attacks {
				p.attacked += row.Within[len(row.Within)-1].Count
			}
			return nil
		})
	}
	return group.Wait()
}

// choose picks the point that keeps to the budget best.
func (c *Curve) choose() {
	for i := range c.Points {
		p := &c.Points[i]
		if p.PerMonth > c.Budget {
			continue
		}
		if c.Meets < 0 || p.better(&c.Points[c.Meets]) {
			c.Meets = i
		}
	}
}

func (p *Point) better(o *Point) bool {
	switch {
	case p.Kept != o.Kept:
		return p.Kept > o.Kept
	case p.attacked != o.attacked:
		return p.attacked > o.attacked
	}
	return p.Alerts > o.Alerts
}

// noting passes messages on and notes the verdicts among them.
type noting struct {
	src    replay.Source
	labels []Label
}

// Next implements replay.Source.
func (n *noting) Next(ctx context.Context) (replay.Message, error) {
	m, err := n.src.Next(ctx)
	if err == nil && m.Batch != nil {
		for i := range m.Batch.Activities {
			if l, ok := LabelOf(&m.Batch.Activities[i]); ok {
				n.labels = append(n.labels, l)
			}
		}
	}
	return m, err
}
