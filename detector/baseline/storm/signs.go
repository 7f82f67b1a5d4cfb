package storm

import (
	"math"

	"github.com/picketd/picket/detector/internal/approx"
)

// Sign is one way in which an interval can be odd.
type Sign uint8

// The signs. Those from drop on are falls and flat lines.
const (
	jump   Sign = iota // far above the last intervals
	surge              // more than usual at these hours, for a while
	high               // the same for longer
	wide               // more than the series has, for half a day
	drop               // far below the last intervals and what is usual
	low                // less than usual at these hours, for long
	narrow             // less than the series has, for half a day
	flat               // one value for long
	signs  = iota
)

// Words tells the sign that says most.
func (v *Verdict) Words() string {
	return [signs]string{
		jump: "a jump", surge: "more than usual for a while", high: "more than usual for hours",
		wide: "more than usual for half a day", drop: "a fall", low: "less than usual for hours",
		narrow: "less than usual for half a day", flat: "one value for long",
	}[v.Sign]
}

// look is what an interval looks like against a State, with the running means as
// they are once it is learned.
type look struct {
	signs [signs]float64 // logarithms

	usual, spread         float64 // value at this hour, and how far most are from it
	unit                  float64 // below which differences say nothing
	short, long, wide     float64
	shortUsual, longUsual float64
}

// look measures the signs of an interval.
func (s *State) look(t int64, value float64, p *Params) look {
	n := float64(s.Seen) + 1
	var l look
	l.usual, l.unit = float64(s.Hours[hourOf(t)]), s.unit(value)
	level, recent := float64(s.Level), float64(s.Recent)
	l.spread = float64(s.Spread)
	if level > 0 && l.usual > 0 && s.Kind&negatives == 0 {
		l.spread *= math.Sqrt(l.usual / level) // busier hours vary more
	}
	next := func(mean float32, v, span float64) float64 { return float64(mean) + (v-float64(mean))/min(n, span) }
	l.short, l.long, l.wide = next(s.Short, value, p.Short), next(s.Long, value, p.Long), next(s.Wide, value, p.Wide)
	l.shortUsual, l.longUsual = next(s.ShortUsual, l.usual, p.Short), next(s.LongUsual, l.usual, p.Long)

	// Ratios are taken from a floor: none for counts, and where values have an
	// offset, such as temperatures, far below most of them.
	noise := float64(s.Spread) + l.unit
	floor := level - float64(4*float64(s.Spread))
	if (s.Kind|kindOf(value))&negatives == 0 {
		floor = max(floor, 0)
	}
	ratio := func(a, b float64) float64 { return approx.Log(max(a-floor+noise, noise) / max(b-floor+noise, noise)) }
	l.signs = [signs]float64{
		jump:  approx.Log(max(0, value-recent) + noise),
		surge: ratio(l.short, l.shortUsual),
		high:  ratio(l.long, l.longUsual),
		wide:  ratio(l.wide, level),
		drop:  approx.Log(max(0, min(recent, l.usual)-value) + noise),
		flat:  approx.Log(float64(s.run(value)) + 1),
	}
	l.signs[low], l.signs[narrow] = -l.signs[high], -l.signs[wide]
	return l
}

// run returns how many intervals before have had this value without a break.
func (s *State) run(value float64) uint32 {
	if s.Seen == 0 || float32(value) != s.Latest {
		return 0
	}
	return s.Unsteps + 1
}

// unit is the difference below which values say nothing: half of one for counts,
// a hundredth of the level for others.
func (s *State) unit(value float64) float64 {
	if (s.Kind|kindOf(value))&fractions == 0 {
		return 0.5
	}
	return math.Abs(float64(s.Level))/100 + 1e-12
}
