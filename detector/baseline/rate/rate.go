// Package rate judges how often an account does something against its own
// rhythm: on three windows at once whether there is more of it than the account
// ever reaches, and between two activities whether it has been silent for longer
// than it ever is. It judges first and learns after, in one pass, reads no clock
// and keeps State, which has no pointers. What is counted is a rule's matter;
// when a silence is judged, and keeping the state over restarts, the detector's.
//
// # Rhythm
//
// Every two hours of the day have a share of the days on which something came in
// them, and every day of the week a share of the weeks; their product, scaled to
// a mean of 1, is the weight of an hour of the week, in UTC. Counts are judged
// in proportion to it, and a silence is as long as the weights of its hours: a
// night and a weekend in which nobody ever posts hardly count (the time-rescaling
// theorem; Brown et al., Neural Computation 14:325, 2002).
//
// # Tails
//
// What is unusual is told by maxima: the highest count of each day with an
// activity, and the longest silence that ended in each week with one. Their
// logarithms have a Gumbel distribution of which mean and spread are kept,
// decaying, so the maxima themselves have a Fréchet distribution, which is the
// one of heavy tails (block maxima and return levels; Coles, An Introduction to
// Statistical Modeling of Extreme Values, 2001, chapter 3). From it follows how
// often an account reaches as much, also where it never has.
package rate

import (
	"math"
	"time"

	"github.com/picketd/picket/detector/internal/approx"
)

const (
	day  = 24 * 60 * 60 // seconds
	week = 7 * day
	slot = 2 * 60 * 60 // of the day, that has a weight of its own

	slots = day / slot
	// never is a silence that is not waited for, in seconds.
	never = 400 * day
)

// Windows are the spans in which counts are judged.
func Windows() [3]time.Duration {
	return [3]time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour}
}

// Params are the numbers of the model.
type Params struct {
	Every  time.Duration // what comes more often than once in this is usual
	Least  float64       // fewer in a window are never odd
	Gap    time.Duration // a shorter silence is never odd
	WarmUp time.Duration // how long an account is learned before it is judged
}

// State is what is known of one account, without pointers. The zero value has
// seen nothing.
type State struct {
	Latest uint32 // the newest activity, Unix seconds
	// Due is kept for whoever judges silences: when the next one may be odd, Unix
	// seconds, 0 for never.
	Due    uint32
	Counts [3]float32 // per window, decaying
	Tails  [3]tail    // of the daily maxima of counts over weights, in logarithms
	Gaps   tail       // of the weekly longest silences in weighed hours, in logarithms

	Since uint16       // day of the first activity, since 1970
	Days  uint16       // with an activity, that are learned
	Weeks uint16       // of which a longest silence is learned
	Used  uint16       // slots of the day so far in which something came, as bits; the highest are flags
	Slots [slots]uint8 // share of days on which something comes, 255 for all
	Week  [7]uint8     // share of weeks, from Thursday, which 1970 began with
}

// Flags in State.Used about the silence at hand.
const (
	disowned = 1 << 15 // it is not to be learned
	told     = 1 << 14 // somebody knows of it
)

// tail is what is known of the maxima of a quantity.
type tail struct {
	Max            float32 // of the block so far, plus offset; 0 for none
	Mean, Variance float32
}

// The distribution of maxima that is taken for granted until there are some, and
// as how many of them it counts.
const (
	spread     = 0.5
	spreadGaps = 0.4
	trust      = 10
	// memoryDays and memoryWeeks are over how many blocks maxima are learned.
	memoryDays, memoryWeeks = 120, 40
	// floor is added to the weight of an hour that a count is judged in: what is
	// usual nowhere is not infinitely odd there.
	floor = 0.5
	// smooth is added to each share, of 255: nobody is known to be always away.
	smooth = 8
)

const (
	// LeastDays is how many days with activities are learned before a count is
	// judged.
	LeastDays = 10
	// LeastWeeks is how many weeks are learned before a silence is judged.
	LeastWeeks = 8
)

// Known returns since when the account is known, Unix nanoseconds, and how many
// days and weeks with activities are learned.
func (s *State) Known() (since int64, days, weeks int) {
	return int64(s.Since) * day * int64(time.Second), int(s.Days), int(s.Weeks)
}

// ready reports whether the account is known well enough to be judged at second t.
func (s *State) ready(t uint32, p *Params) bool {
	return s.Latest != 0 && int64(t)-int64(s.Since)*day >= int64(p.WarmUp/time.Second)
}

// Burst is the verdict on counts.
type Burst struct {
	Odd    bool
	Window time.Duration // the one that says most
	Count  float64       // the pace in it, in activities per window
	// Recurs is about how often the account reaches as much in one of the windows.
	Recurs  time.Duration
	Heights [3]float64 // of the windows, as Teach takes them
}

// Silence is the verdict on a silence.
type Silence struct {
	Latest time.Time     // the last activity, UTC
	Long   time.Duration // since then
	Usual  time.Duration // the length that is reached once in Params.Every, from the last activity on
}

// Moment is what the windows hold with one more activity at a time.
type Moment struct {
	at      uint32
	hour    float64 // weight of the hour of the day
	day     float64 // weight of the day of the week
	counts  [3]float64
	heights [3]float64 // counts over the weight of the hour, in logarithms
}

// At returns what the windows hold with one more activity at time t, Unix
// nanoseconds. What is over by then must be learned; see Advance.
func (s *State) At(t int64) Moment {
	m := Moment{at: seconds(t)}
	m.hour, m.day = weight(s.Slots[:], int(m.at%day/slot)), weight(s.Week[:], int(m.at/day%7))
	for i := range m.counts {
		w := m.day
		if i < len(s.Tails)-1 {
			w *= m.hour
		}
		m.counts[i] = s.count(i, m.at)
		m.heights[i] = approx.Log(m.counts[i] / (floor + w))
	}
	return m
}

// Burst judges the counts of a moment without learning it.
func (s *State) Burst(m *Moment, p *Params) Burst {
	var out Burst
	if !s.ready(max(m.at, s.Latest), p) || s.Days < LeastDays {
		return out
	}
	best := 0.0
	for i, w := range Windows() {
		c, h := m.counts[i], m.heights[i]
		out.Heights[i] = h
		if math.Round(c) < p.Least {
			continue
		}
		// One of three windows is higher three times as often.
		blocks := s.Tails[i].recurs(h, spread, int(s.Days), memoryDays) / float64(len(s.Tails))
		every := blocks * s.perBlock(s.Days, day)
		if every > best {
			best = every
			out.Window, out.Count, out.Recurs = w, c, span(every)
		}
	}
	out.Odd = best > p.Every.Seconds()
	return out
}

// Advance learns what is over at time t: the day and the week before it.
// It reports whether there was anything.
func (s *State) Advance(t int64) bool {
	at := seconds(t)
	if s.Latest == 0 || at/day <= s.Latest/day {
		return false
	}
	first := s.Latest / day
	for i := range s.Tails {
		s.Tails[i].close(int(s.Days), memoryDays)
	}
	s.Days = grow(s.Days)
	for k := range s.Slots {
		approach(&s.Slots[k], s.Used>>k&1 != 0, 16)
	}
	for d := first; d < min(at/day, first+28); d++ {
		approach(&s.Week[d%7], d == first, 8)
	}
	s.Used &= disowned | told
	if at/week > s.Latest/week && s.Gaps.Max != 0 {
		s.Gaps.close(int(s.Weeks), memoryWeeks)
		s.Weeks = grow(s.Weeks)
	}
	return true
}

// Learn takes in the activity of a moment. With withhold its counts raise no
// maximum; see Teach.
func (s *State) Learn(m *Moment, withhold bool) {
	at := m.at
	if s.Latest == 0 {
		s.Since, s.Latest = uint16(at/day), at
	}
	for i := range s.Counts {
		s.Counts[i] = float32(m.counts[i])
		if !withhold {
			s.Tails[i].raise(m.heights[i])
		}
	}
	if at/day == max(at, s.Latest)/day {
		s.Used |= 1 << (at % day / slot)
	}
	if at <= s.Latest {
		return
	}
	if s.Used&disowned == 0 {
		s.Gaps.raise(approx.Log(s.since(m)/3600 + 1))
	}
	s.Used &^= disowned | told
	s.Latest = at
}

// Teach raises the maximum of the day to a height that was withheld.
func (s *State) Teach(window int, height float64) { s.Tails[window].raise(height) }

// Disown keeps the silence at hand from being learned.
func (s *State) Disown() { s.Used |= disowned }

// Tell notes that somebody knows of the silence at hand.
func (s *State) Tell() { s.Used |= told }

// Told reports whether somebody does.
func (s *State) Told() bool { return s.Used&told != 0 }

// Deadline returns from when on a silence that goes on is odd, Unix seconds; 0
// for never.
func (s *State) Deadline(p *Params) uint32 {
	if s.Weeks < LeastWeeks {
		return 0
	}
	length := s.longest(p)
	if length >= never {
		return 0
	}
	due := s.Latest + max(uint32(length), uint32(p.Gap/time.Second))
	if !s.ready(due, p) {
		return 0
	}
	return due
}

// Silence says how long nothing has come by time t, Unix nanoseconds.
func (s *State) Silence(t int64, p *Params) Silence {
	latest := time.Unix(int64(s.Latest), 0).UTC()
	return Silence{Latest: latest, Long: time.Unix(0, t).Sub(latest), Usual: span(s.longest(p))}
}

// longest is the length in seconds, from the latest activity on, of the silence
// that is reached once in Params.Every.
func (s *State) longest(p *Params) float64 {
	blocks := max(p.Every.Seconds()/s.perBlock(s.Weeks, week), 1.5)
	level := s.Gaps.level(blocks, spreadGaps, int(s.Weeks), memoryWeeks)
	return s.unweighed(s.Latest, (approx.Exp(level)-1)*3600)
}

// count is the count of a window with one more activity at a second.
func (s *State) count(i int, at uint32) float64 {
	tau := Windows()[i].Seconds()
	if at >= s.Latest {
		return float64(float64(s.Counts[i])*approx.Exp(-float64(at-s.Latest)/tau)) + 1
	}
	return float64(s.Counts[i]) + approx.Exp(-float64(s.Latest-at)/tau)
}

// perBlock is how many seconds there are to one of n blocks that are known.
func (s *State) perBlock(n uint16, length float64) float64 {
	known := float64(s.Latest) - float64(float64(s.Since)*day)
	return max(known/float64(max(n, 1)), length)
}

// rhythm are the weights of the hours of the day and the days of the week.
type rhythm struct {
	slots [slots]float64
	days  [7]float64
}

func (s *State) rhythm() rhythm {
	var r rhythm
	weigh(r.slots[:], s.Slots[:])
	weigh(r.days[:], s.Week[:])
	return r
}

// weight is one of the weights that weigh makes of shares.
func weight(shares []uint8, i int) float64 {
	sum := smooth * len(shares) // of whole numbers, so that it is exactly what weigh adds up
	for _, share := range shares {
		sum += int(share)
	}
	return (float64(shares[i]) + smooth) * (float64(len(shares)) / float64(sum))
}

// weigh turns shares into weights of mean 1.
func weigh(to []float64, shares []uint8) {
	sum := 0.0
	for i, share := range shares {
		to[i] = float64(share) + smooth
		sum += to[i]
	}
	for i := range to {
		to[i] *= float64(len(to)) / sum
	}
}

// since is the weighed length of the silence before a moment.
func (s *State) since(m *Moment) float64 {
	if s.Latest/slot == m.at/slot {
		return float64(m.at-s.Latest) * m.hour * m.day
	}
	return s.weighed(s.Latest, m.at)
}

// weighed is the length of a time in seconds, each hour as long as its weight.
func (s *State) weighed(from, to uint32) float64 {
	weeks := (to - from) / week
	sum := float64(weeks) * week
	from += weeks * week
	for r := s.rhythm(); from < to; {
		end := min((from/slot+1)*slot, to)
		sum += float64(float64(end-from) * r.slots[from%day/slot] * r.days[from/day%7])
		from = end
	}
	return sum
}

// unweighed is the time in seconds in which weighed grows to so many, at most
// never.
func (s *State) unweighed(from uint32, target float64) float64 {
	if !(target < never) {
		return never
	}
	weeks := uint32(target / week)
	target -= float64(float64(weeks) * week)
	at := from + weeks*week
	for r := s.rhythm(); ; {
		end := (at/slot + 1) * slot
		w := r.slots[at%day/slot] * r.days[at/day%7]
		if most := float64(float64(end-at) * w); most < target {
			target -= most
			at = end
			continue
		}
		return min(float64(at-from)+target/w, never)
	}
}

// euler is the Euler–Mascheroni constant: the mean of a standard Gumbel variable.
const euler = 0.57721566490153286

// offset makes every logarithm that is kept positive.
const offset = 8

// raise takes a value into the block.
func (t *tail) raise(v float64) { t.Max = max(t.Max, float32(float64(v)+offset)) }

// close learns the block's maximum, of which n are known, and begins the next.
func (t *tail) close(n, memory int) {
	if t.Max == 0 {
		return
	}
	share := 1 / float32(min(n+1, memory))
	off := t.Max - offset - t.Mean
	t.Mean += float32(share * off)
	t.Variance = (1 - share) * (t.Variance + float32(share*off*off))
	t.Max = 0
}

// gumbel returns place and scale of the distribution of maxima.
func (t *tail) gumbel(prior float64, n, memory int) (place, scale float64) {
	known := float64(min(n, memory))
	variance := (float64(trust*prior*prior) + float64(known*float64(t.Variance))) / (trust + known)
	scale = math.Sqrt(6*variance) / math.Pi
	return float64(t.Mean) - float64(euler*scale), scale
}

// recurs is in how many blocks a value is reached once.
func (t *tail) recurs(v, prior float64, n, memory int) float64 {
	place, scale := t.gumbel(prior, n, memory)
	return -1 / approx.Expm1(-approx.Exp(-(v-place)/scale))
}

// level is the value that is reached once in so many blocks, more than one.
func (t *tail) level(blocks, prior float64, n, memory int) float64 {
	place, scale := t.gumbel(prior, n, memory)
	return place - float64(scale*approx.Log(-approx.Log1p(-1/blocks)))
}

// approach moves a share by one part of the way to all or nothing.
func approach(share *uint8, used bool, part int) {
	target := 0
	if used {
		target = 255
	}
	*share = uint8(int(*share) + (target-int(*share)+part/2)/part)
}

func grow(n uint16) uint16 { return min(n, math.MaxUint16-1) + 1 }

// seconds is a time in Unix seconds; what was before 1970 is 1.
func seconds(t int64) uint32 {
	return uint32(min(max(t/int64(time.Second), 1), math.MaxUint32-never))
}

// span is a length in seconds, as long as one can be.
func span(s float64) time.Duration {
	return time.Duration(min(s, 1e9)) * time.Second
}
