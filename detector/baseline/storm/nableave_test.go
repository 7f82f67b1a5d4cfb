package storm

import (
	"math"
	"testing"
)

// Leave one file out: the threshold, what alarms cost, the block and the weights
// of the signs are chosen on nine files from a small even grid and tried on the
// tenth, for each of the ten. The spans and the signs themselves are those of
// Defaults, which all ten files had a part in.

// strong is an interval with what its signs are worth, weights left aside.
type strong struct {
	row   int
	above [signs]float64
}

// strongRows are the intervals of a file that could be odd.
func strongRows(f *nabFile, p *Params) []strong {
	const weak = 1.5 // in sum, never odd with the weights of the grid
	var out []strong
	var s State
	for i, v := range f.values {
		l := s.look(f.times[i], v, p)
		if int(s.Seen) >= p.Warm && s.Blocks > 0 {
			row, sum := strong{row: i}, 0.0
			for k := range row.above {
				row.above[k] = s.Tails[k].above(l.signs[k], float64(s.Blocks), p)
				sum += row.above[k]
			}
			if sum > weak {
				out = append(out, row)
			}
		}
		s.learn(f.times[i], v, &l, p)
	}
	return out
}

// alarms returns the rows in which the model would raise an alarm, as Step does
// it.
func alarms(all []strong, p *Params) []int {
	var out []int
	scale := p.Scale * p.Threshold / (1 - p.Threshold)
	count, peak, last := 0.0, 0.0, -1
	for i := range all {
		a := &all[i]
		h := 0.0
		for k, above := range a.above {
			h += p.Weights[k] * above
		}
		if last >= 0 {
			h -= p.Budget * count * math.Exp2(-float64(a.row-last)/p.Forget)
		}
		if h < scale || last >= 0 && a.row-last <= int(p.Rest) && h <= peak+p.Higher {
			continue
		}
		if last >= 0 {
			count *= math.Exp2(-float64(a.row-last) / p.Forget)
		}
		count++
		peak, last = h, a.row
		out = append(out, a.row)
	}
	return out
}

// grid returns the numbers to choose from. All that share a block share the
// signs.
func grid(block int) []Params {
	var out []Params
	for _, scale := range []float64{3, 3.5, 4, 4.5, 5} {
		for _, budget := range []float64{0.3, 0.5, 0.7, 1} {
			for _, jumps := range []float64{0.6, 0.8, 1} {
				for _, falls := range []float64{0.8, 1, 1.2} {
					p := Defaults()
					p.Block, p.Scale, p.Budget = block, scale, budget
					p.Weights = [signs]float64{jump: jumps, surge: 1, high: 1, wide: 1, drop: 0.5, low: falls, narrow: falls, flat: 0.5}
					out = append(out, p)
				}
			}
		}
	}
	return out
}

func TestNABLeaveOneOut(t *testing.T) {
	files := recordedNAB(t)
	var raw [][]outcome // by numbers, by file
	for _, block := range []int{24, 36, 48} {
		all := grid(block)
		of := make([][]outcome, len(all))
		for _, f := range files {
			rows := strongRows(f, &all[0])
			for i := range all {
				of[i] = append(of[i], f.scoreRows(alarms(rows, &all[i])))
			}
		}
		raw = append(raw, of...)
	}
	var total outcome
	for out, f := range files {
		best, most := 0, math.Inf(-1)
		for i := range raw {
			sum := 0.0
			for k := range files {
				if k != out {
					sum += raw[i][k].raw
				}
			}
			if sum > most {
				best, most = i, sum
			}
		}
		o := raw[best][out]
		total.add(o)
		t.Logf("%-28s score %5.1f  windows %d of %d  false rows %d", f.name, o.score(), o.hits, o.windows, o.falseRow)
	}
	t.Logf("%-28s score %5.1f  windows %d of %d  false rows %d", "all, each left out", total.score(), total.hits, total.windows, total.falseRow)
	if total.score() < floorLeft {
		t.Errorf("score %.1f, it was at least %.1f", total.score(), floorLeft)
	}
}
