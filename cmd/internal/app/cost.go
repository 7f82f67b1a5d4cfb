package app

import (
	"cmp"
	"time"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// sampling says how the cost of rules is measured and judged.
type sampling struct {
	// every is how many activities go by until one is measured: a prime, so that
	// it falls in step with nothing that repeats.
	every int
	tell  time.Duration // how often what was measured is told
	// Rules are held against the budget after each span, of at least so many
	// measured activities. 0 has it from the configuration.
	span  time.Duration
	least uint64
}

func usualSampling() sampling {
	return sampling{every: 61, tell: 10 * time.Second, least: 100}
}

func (a *App) sampling() sampling {
	if a.opts.sampling == (sampling{}) {
		return usualSampling()
	}
	return a.opts.sampling
}

// overTimes is in how many spans in a row a rule has to be over its budget: one
// pause of the machine makes no rule a runaway.
const overTimes = 3

// costMetrics is told what rules cost; *promexport.Metrics implements it.
type costMetrics interface {
	// Sampled counts activities that were measured.
	Sampled(activities uint64)
	// Cost adds what a rule took on them.
	Cost(r *rules.Rule, took time.Duration, candidates, matches uint64)
	// OverBudget tells whether a rule takes more than its budget in a partition.
	OverBudget(partition int, r *rules.Rule, over bool)
}

// overspent is a rule that goes on taking more time than its budget.
type overspent struct {
	rule    *rules.Rule
	average time.Duration // an activity
	budget  config.Budget
	since   int // for how many spans in a row
}

// costs follows what the rules of one partition cost, for its worker alone.
type costs struct {
	sampling
	partition int
	metrics   costMetrics
	budget    func() config.Budget
	over      func(overspent) // told with each span that a rule is over its budget

	told, judged time.Time
	activities   uint64
	spent        map[string]*spending // by rule id
}

// spending is what a rule took in the span at hand, and in how many spans in a
// row it was over its budget before it.
type spending struct {
	took  time.Duration
	times int
}

// clock says how much time has passed since it was made.
func clock() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

// begin has an engine measured.
func (c *costs) begin(e *detector.Engine) {
	c.judged = time.Now()
	e.Measure(c.every, clock())
}

// step tells from time to time what was measured.
func (c *costs) step(e *detector.Engine, now time.Time) {
	span := cmp.Or(c.span, c.budget().Span)
	if now.Sub(c.told) < min(c.tell, span) {
		return
	}
	c.told = now
	c.collect(e)
	if now.Sub(c.judged) >= span && c.activities >= c.least {
		c.judged = now
		c.judge(e.Plan().Rules())
	}
}

// collect takes what was measured, which must be done before another plan comes
// into force.
func (c *costs) collect(e *detector.Engine) {
	e.Costs(func(activities uint64, all []rules.Cost) {
		c.metrics.Sampled(activities)
		c.activities += activities
		for i, r := range e.Plan().Rules() {
			if all[i] == (rules.Cost{}) {
				continue
			}
			c.metrics.Cost(r, all[i].Time, all[i].Candidates, all[i].Matches)
			c.spending(r).took += all[i].Time
		}
	})
}

func (c *costs) spending(r *rules.Rule) *spending {
	if c.spent == nil {
		c.spent = map[string]*spending{}
	}
	s := c.spent[r.ID]
	if s == nil {
		s = &spending{}
		c.spent[r.ID] = s
	}
	return s
}

// judge holds what each rule took since it was judged last against the budget.
func (c *costs) judge(all []*rules.Rule) {
	budget, before := c.budget(), c.spent
	c.spent = map[string]*spending{} // rules that are gone are forgotten
	for _, r := range all {
		was := before[r.ID]
		if was == nil {
			continue
		}
		average := was.took / time.Duration(c.activities)
		over := budget.Action != config.BudgetOff && average > budget.Time
		if over {
			c.spending(r).times = was.times + 1
		}
		if was.times+1 < overTimes || !over {
			c.metrics.OverBudget(c.partition, r, false)
			continue
		}
		c.metrics.OverBudget(c.partition, r, true)
		c.over(overspent{r, average, budget, was.times + 1})
	}
	c.activities = 0
}
