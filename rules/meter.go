package rules

import (
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Cost is what one rule took on the activities that were measured.
type Cost struct {
	Time       time.Duration // of its own: not that of rules which it feeds
	Candidates uint64        // how often its condition was evaluated; 0 for rules that others feed
	Matches    uint64        // how often it matched, or took a match of another rule
}

// Meter adds up what the rules of one program cost on some activities: those
// that its owner chooses. It reads time from a clock that the owner gives it,
// so that nothing here depends on one, and what it holds decides no finding.
// It is not for concurrent use.
//
// A test that several rules share is charged to the first that asks for it,
// and the look-ups that find candidates to none.
type Meter struct {
	clock      func() time.Duration
	costs      []Cost
	activities uint64
	open       []int         // rules that are being measured, the innermost last
	since      time.Duration // from when on the innermost is
}

// NewMeter returns a meter for a program. The clock says how much time has
// passed since some moment.
func NewMeter(p *Program, clock func() time.Duration) *Meter {
	return &Meter{clock: clock, costs: make([]Cost, len(p.rules)), open: make([]int, 0, 16)}
}

// Enter begins to charge a rule, and stops charging the one before until Leave.
func (m *Meter) Enter(rule int) {
	now := m.clock()
	m.charge(now)
	m.open = append(m.open, rule)
	m.since = now
}

// Leave ends what Enter began.
func (m *Meter) Leave() {
	now := m.clock()
	m.charge(now)
	m.open = m.open[:len(m.open)-1]
	m.since = now
}

func (m *Meter) charge(now time.Duration) {
	if n := len(m.open); n > 0 {
		m.costs[m.open[n-1]].Time += max(0, now-m.since)
	}
}

// Took counts that a rule took a match of another one.
func (m *Meter) Took(rule int) { m.costs[rule].Matches++ }

// Drain tells what was measured since it was called last: of how many
// activities, and the costs by the index of the rule, which are valid until the
// next measurement.
func (m *Meter) Drain(tell func(activities uint64, costs []Cost)) {
	if m.activities > 0 {
		tell(m.activities, m.costs)
	}
	m.activities = 0
	clear(m.costs)
}

// MatchMeasured is Match, and charges each candidate with what it took.
func (p *Program) MatchMeasured(a *activity.Activity, m *Matcher, meter *Meter) []int {
	if m.program != p {
		m.bind(p)
	}
	m.begin()
	m.find(a)
	meter.activities++
	for _, i := range m.candidates {
		d := &p.detections[i]
		meter.Enter(d.rule)
		matches := m.matches(d, a)
		meter.Leave()
		meter.costs[d.rule].Candidates++
		if matches {
			meter.costs[d.rule].Matches++
			m.hits = append(m.hits, d.rule)
		}
	}
	if len(m.hits) > 1 {
		slices.Sort(m.hits)
	}
	return m.hits
}
