package baseline

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Peaks remembers how busy the busiest moments of an account were: for each
// day the fullest window. A day that no later rule can ask for is dropped, so
// that an account that grows quieter or busier keeps a handful. The zero value
// has seen nothing.
type Peaks struct {
	Since  int64  // occurrence of the first activity, Unix nanoseconds; 0 for none
	Events int    // activities
	Days   []Peak // by day; see keep
}

// Peak is the fullest window of one day. There are some for every account, so that
// they are packed: days go to the year 2149, and a window holds fewer than a count
// can say.
type Peak struct {
	Day   uint16 // days since 1970 in UTC
	Count uint16
}

// PeakOf is the peak of a day since 1970.
func PeakOf(day int64, count int) Peak {
	return Peak{uint16(min(max(day, 0), math.MaxUint16)), uint16(min(max(count, 0), math.MaxUint16))}
}

// PeakParams say when a burst is one.
type PeakParams struct {
	Floor  int           // fewer are never a burst
	Factor float64       // times the account's own peak
	Forget time.Duration // peaks older than this do not count
}

const dayLength = int64(24 * time.Hour)

// dayOf is DayOf as peaks have it.
func dayOf(t int64) uint16 { return PeakOf(DayOf(t), 0).Day }

// DayOf returns the day of a time in Unix nanoseconds.
func DayOf(t int64) int64 { return t / dayLength }

// Own returns the account's own peak at time t: that of its second-busiest
// day before today, so that one extraordinary day, or one attack, does not make
// the next unseen. It is 0 where fewer than two days are known.
func (p *Peaks) Own(t int64, params PeakParams) int {
	oldest, today := dayOf(t-int64(params.Forget)), dayOf(t)
	first, second := uint16(0), uint16(0)
	for _, d := range p.Days {
		switch {
		case d.Day < oldest || d.Day >= today:
		case d.Count > first:
			first, second = d.Count, first
		case d.Count > second:
			second = d.Count
		}
	}
	return int(second)
}

// Limit returns the count from which a window is a burst at time t.
func (p *Peaks) Limit(t int64, params PeakParams) int {
	own := math.Ceil(params.Factor * float64(p.Own(t, params)))
	return max(params.Floor, int(min(own, math.MaxInt32)))
}

// Learn counts one activity at time t whose fullest window held count.
func (p *Peaks) Learn(t int64, count int) {
	p.Seen(t)
	p.Raise(DayOf(t), count)
}

// Seen counts one activity without its window.
func (p *Peaks) Seen(t int64) {
	if p.Events == 0 || t < p.Since {
		p.Since = t
	}
	p.Events = min(p.Events+1, math.MaxUint32)
}

// Raise makes the peak of a day at least count.
func (p *Peaks) Raise(day int64, count int) {
	d := PeakOf(day, count)
	at, ok := slices.BinarySearchFunc(p.Days, d, func(a, b Peak) int { return cmp.Compare(a.Day, b.Day) })
	switch {
	case !ok:
		p.Days = slices.Insert(p.Days, at, d)
	case p.Days[at].Count >= d.Count:
		return
	default:
		p.Days[at] = d
	}
	p.keep()
}

// keep drops days that two later ones reach or exceed: while those are
// remembered, and they are for longer, they say more. The newest day is not
// over: it stays and makes none superfluous.
func (p *Peaks) keep() {
	first, second := uint16(0), uint16(0) // the highest of later days but the newest
	kept := len(p.Days) - 1
	for i := len(p.Days) - 2; i >= 0; i-- {
		d := p.Days[i]
		if d.Count <= second {
			continue
		}
		if d.Count > first {
			first, second = d.Count, first
		} else {
			second = d.Count
		}
		kept--
		p.Days[kept] = d
	}
	p.Days = slices.Delete(p.Days, 0, kept)
}

// Latest returns when an activity was last learned, to the day.
func (p *Peaks) Latest() int64 {
	if len(p.Days) == 0 {
		return 0
	}
	return int64(p.Days[len(p.Days)-1].Day) * dayLength
}

// Forget drops the days that are forgotten at time t.
func (p *Peaks) Forget(t int64, params PeakParams) {
	oldest := dayOf(t - int64(params.Forget))
	p.Days = slices.DeleteFunc(p.Days, func(d Peak) bool { return d.Day < oldest })
}
