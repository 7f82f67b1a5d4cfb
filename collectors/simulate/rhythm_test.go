package simulate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the yardstick for our own zones, whatever the machine has

	"github.com/picketd/picket/collectors/activity"
)

func TestZonesAgreeWithTzdata(t *testing.T) {
	cat := newCatalogue()
	checked := make(map[string]bool)
	for i := range cat.cities {
		z := &cat.cities[i].zone
		if checked[z.name] {
			continue
		}
		checked[z.name] = true
		loc, err := time.LoadLocation(z.name)
		if err != nil {
			t.Fatal(err)
		}
		from, to := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		for at := from; at.Before(to); at = at.Add(30 * time.Minute) {
			_, want := at.In(loc).Zone()
			if got := z.offset(at.UnixMilli()); got != int64(want)*second {
				t.Fatalf("%s at %s: offset %d s, want %d", z.name, at, got/second, want)
			}
		}
	}
	if len(checked) != 12 {
		t.Errorf("%d zones checked, want 12", len(checked))
	}
}

func TestZoneLocalAndBack(t *testing.T) {
	berlin := newCatalogue().cities[0].zone
	tests := []struct {
		name       string
		local, utc string
	}{
		{"winter", "2026-01-15 12:00", "2026-01-15 11:00"},
		{"summer", "2026-07-15 12:00", "2026-07-15 10:00"},
		{"before spring forward", "2026-03-29 01:59", "2026-03-29 00:59"},
		{"skipped hour", "2026-03-29 02:30", "2026-03-29 01:30"},
		{"after spring forward", "2026-03-29 03:00", "2026-03-29 01:00"},
		{"repeated hour", "2026-10-25 02:30", "2026-10-25 00:30"},
		{"after fall back", "2026-10-25 03:00", "2026-10-25 02:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in, err := time.Parse("2006-01-02 15:04", tt.local)
			if err != nil {
				t.Fatal(err)
			}
			if got := time.UnixMilli(berlin.utc(in.UnixMilli())).UTC().Format("2006-01-02 15:04"); got != tt.utc {
				t.Errorf("utc(%s) = %s, want %s", tt.local, got, tt.utc)
			}
		})
	}
}

func TestRhythmTime(t *testing.T) {
	for _, r := range newRhythms() {
		monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).UnixMilli()
		if got := r.after(monday, 168); got != monday+week {
			t.Errorf("%s: a week of rhythm time takes %d ms, want a week", r.name, got-monday)
		}
		if got := r.after(monday+hour, 3*168) - monday; got < 3*week+hour-2 || got > 3*week+hour+2 {
			t.Errorf("%s: three weeks from 01:00 end at %d ms, want 01:00", r.name, got-3*week)
		}
	}
	office := newRhythms()[0]
	friday := time.Date(2026, 1, 9, 18, 0, 0, 0, time.UTC).UnixMilli()
	if at := time.UnixMilli(office.after(friday, 24)).UTC(); at.Weekday() < time.Monday || at.Weekday() > time.Tuesday {
		t.Errorf("a day's worth of office life after Friday evening ends on %s, want Monday or Tuesday", at.Weekday())
	}
}

// posts returns the times at which each account posted of its own accord,
// series left out.
func posts(t *testing.T, w *World) map[string][]time.Time {
	t.Helper()
	out := make(map[string][]time.Time)
	for s := range each(t, w) {
		own := s.Kind == activity.KindPost || s.Kind == activity.KindReply || s.Kind == activity.KindRepost
		if own && s.label == nil {
			out[s.Account] = append(out[s.Account], s.Time)
		}
	}
	return out
}

func TestPostsFollowTheHourOfTheWeek(t *testing.T) {
	w := world(t, 21, 120, 240, 0)
	byAccount := posts(t, w)
	counts := make(map[*rhythm]*[168]float64)
	for i := range w.accounts {
		a := &w.accounts[i]
		loc, err := time.LoadLocation(a.zone.name)
		if err != nil {
			t.Fatal(err)
		}
		if counts[a.rhythm] == nil {
			counts[a.rhythm] = new([168]float64)
		}
		for _, at := range byAccount[a.name] {
			at = at.In(loc)
			counts[a.rhythm][(int(at.Weekday())+6)%7*24+at.Hour()]++
		}
	}
	if len(counts) != 5 {
		t.Fatalf("%d rhythms in use, want 5", len(counts))
	}
	for r, got := range counts {
		if c := correlation(got[:], r.weight[:]); c < 0.9 {
			t.Errorf("%s: posts by hour of the week correlate %.3f with the rhythm, want at least 0.9", r.name, c)
		}
		// The test must be able to fail: twelve hours off is another rhythm.
		shifted := slices.Concat(r.weight[12:], r.weight[:12])
		if c := correlation(got[:], shifted); c > 0.7 {
			t.Errorf("%s: posts correlate %.3f with the rhythm turned by half a day, want less than 0.7", r.name, c)
		}
	}
}

func correlation(x, y []float64) float64 {
	mx, my := mean(x), mean(y)
	var xy, xx, yy float64
	for i := range x {
		xy += (x[i] - mx) * (y[i] - my)
		xx += (x[i] - mx) * (x[i] - mx)
		yy += (y[i] - my) * (y[i] - my)
	}
	return xy / math.Sqrt(xx*yy)
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// topShare is the part of the total that the longest tenth of the gaps takes.
// Gaps of a memoryless process give 0.33; the heavier the tail, the more.
func topShare(gaps []float64) float64 {
	slices.Sort(gaps)
	top := gaps[len(gaps)*9/10:]
	return mean(top) * float64(len(top)) / (mean(gaps) * float64(len(gaps)))
}

// burstiness is (σ-µ)/(σ+µ): -1 for a clock, 0 for a memoryless process, 1 in
// the limit of bursts (Goh and Barabási 2008, doi:10.1209/0295-5075/81/48002).
func burstiness(gaps []float64) float64 {
	m := mean(gaps)
	ss := 0.0
	for _, g := range gaps {
		ss += (g - m) * (g - m)
	}
	sd := math.Sqrt(ss / float64(len(gaps)))
	return (sd - m) / (sd + m)
}

func TestGapsAreHeavyTailed(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var memoryless []float64
	for range 20_000 {
		memoryless = append(memoryless, r.ExpFloat64())
	}
	if s, b := topShare(memoryless), burstiness(memoryless); s > 0.36 || b > 0.02 {
		t.Fatalf("the yardstick is off: memoryless gaps have share %.2f and burstiness %.2f", s, b)
	}
	for _, tt := range []struct {
		sigma, share float64 // the log-normal's Lorenz curve: 1-Φ(1.2816-σ)
	}{{1.3, 0.507}, {1.6, 0.625}, {1.9, 0.732}} {
		var gaps []float64
		p := newPace(6, tt.sigma)
		for range 50_000 {
			gaps = append(gaps, p.draw(r))
		}
		if m := mean(gaps); math.Abs(m-4) > 0.4 {
			t.Errorf("sigma %v: mean gap %.2f h at 6 a day, want 4", tt.sigma, m)
		}
		if s := topShare(gaps); math.Abs(s-tt.share) > 0.03 {
			t.Errorf("sigma %v: the longest tenth takes %.3f of the time, want %.3f", tt.sigma, s, tt.share)
		}
	}

	checked := 0
	for name, times := range posts(t, world(t, 2, 50, 180, 0)) {
		if len(times) < 300 {
			continue
		}
		checked++
		var gaps []float64
		for i := 1; i < len(times); i++ {
			gaps = append(gaps, times[i].Sub(times[i-1]).Hours())
		}
		if s, b := topShare(gaps), burstiness(gaps); s < 0.42 || b < 0.12 {
			t.Errorf("%s: the longest tenth of %d gaps takes %.2f of the time and burstiness is %.2f, want at least 0.42 and 0.12",
				name, len(gaps), s, b)
		}
	}
	if checked < 20 {
		t.Errorf("%d accounts with enough posts, want at least 20", checked)
	}
}
