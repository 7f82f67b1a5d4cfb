package rate_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/picketd/picket/detector/baseline/rate"
)

// monday is the first moment of a Monday.
var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func params() rate.Params {
	return rate.Params{Every: 730 * 24 * time.Hour, Least: 12, Gap: 24 * time.Hour, WarmUp: 30 * 24 * time.Hour}
}

func at(day, hour, minute int) time.Time {
	return monday.AddDate(0, 0, day).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

func put(s *rate.State, t time.Time) rate.Burst {
	p := params()
	s.Advance(t.UnixNano())
	m := s.At(t.UnixNano())
	v := s.Burst(&m, &p)
	s.Learn(&m, v.Odd)
	return v
}

// office posts so often each working day, at 10, 11, 12 o'clock and so on.
func office(days, perDay int) *rate.State {
	s := &rate.State{}
	for d := range days {
		if d%7 >= 5 {
			continue
		}
		for i := range perDay + d%2 {
			put(s, at(d, 10+i, 0))
		}
	}
	return s
}

func TestStateIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(rate.State{}); n > 96 {
		t.Errorf("a State takes %d bytes, want at most 96", n)
	}
}

func TestBursts(t *testing.T) {
	for _, row := range []struct {
		name   string
		known  *rate.State
		from   time.Time
		n      int
		every  time.Duration
		odd    bool
		window time.Duration
	}{
		{"a flood in minutes", office(88, 4), at(88, 10, 0), 40, 10 * time.Second, true, 10 * time.Minute},
		{"many in a day", office(88, 4), at(88, 0, 5), 90, 15 * time.Minute, true, 24 * time.Hour},
		{"as many as always", office(88, 4), at(88, 10, 0), 4, time.Hour, false, 0},
		{"fewer than count", office(88, 4), at(88, 10, 0), 11, 10 * time.Second, false, 0},
		{"an account that is not known", office(20, 4), at(20, 10, 0), 40, 10 * time.Second, false, 0},
		{"one that floods each day", func() *rate.State {
			s := &rate.State{}
			for d := range 88 {
				for i := range 40 {
					put(s, at(d, 10, 0).Add(time.Duration(i)*10*time.Second))
				}
			}
			return s
		}(), at(88, 10, 0), 40, 10 * time.Second, false, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			var odd rate.Burst
			for i := range row.n {
				if v := put(row.known, row.from.Add(time.Duration(i)*row.every)); v.Odd && !odd.Odd {
					odd = v
				}
			}
			if odd.Odd != row.odd || odd.Odd && odd.Window != row.window {
				t.Errorf("odd %v in %v, want %v in %v", odd.Odd, odd.Window, row.odd, row.window)
			}
		})
	}
}

func TestDeadlines(t *testing.T) {
	p := params()
	for _, row := range []struct {
		name            string
		known           *rate.State
		after, atLatest time.Duration // the last activity; 0: never
	}{
		{"not over a weekend", office(89, 4), 40 * time.Hour, 120 * time.Hour}, // it ends on a Friday
		{"too few weeks", office(40, 4), 0, 0},
		{"nothing known", &rate.State{}, 0, 0},
		{"every six hours", func() *rate.State {
			s := &rate.State{}
			for h := 0; h < 90*24; h += 6 {
				put(s, at(0, h, 0))
			}
			return s
		}(), 24 * time.Hour, 30 * time.Hour},
	} {
		t.Run(row.name, func(t *testing.T) {
			due := row.known.Deadline(&p)
			if row.atLatest == 0 {
				if due != 0 {
					t.Errorf("due at %d, want never", due)
				}
				return
			}
			if got := time.Duration(due-row.known.Latest) * time.Second; got < row.after || got > row.atLatest {
				t.Errorf("due after %v, want %v to %v", got, row.after, row.atLatest)
			}
		})
	}
}

// TestDisowned holds that a silence which somebody caused is not learned.
func TestDisowned(t *testing.T) {
	p := params()
	length := func(disown bool) time.Duration {
		s := office(89, 4)
		if disown {
			s.Disown()
		}
		put(s, at(130, 10, 0))
		put(s, at(137, 10, 0)) // the week is over
		return s.Silence(at(137, 10, 0).UnixNano(), &p).Usual
	}
	if learned, kept := length(false), length(true); kept >= learned {
		t.Errorf("usual after a disowned silence: %v, want less than %v", kept, learned)
	}
}

func BenchmarkRate(b *testing.B) {
	s := office(89, 4)
	p := params()
	for i := range b.N {
		t := at(89, 0, 0).Add(time.Duration(i) * time.Minute).UnixNano()
		s.Advance(t)
		m := s.At(t)
		s.Burst(&m, &p)
		s.Learn(&m, false)
	}
}
