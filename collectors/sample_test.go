package collectors

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// mentionsOf returns n mentions that happen within one minute.
func mentionsOf(minute int, from, n int) []activity.Activity {
	start := time.Date(2026, 3, 1, 12, minute, 0, 0, time.UTC)
	as := make([]activity.Activity, n)
	for i := range as {
		as[i] = activity.Activity{
			ID: fmt.Sprintf("%d-%d", minute, from+i), Kind: activity.KindMention,
			Time: start.Add(time.Duration(i%60) * time.Second),
		}
	}
	return as
}

func weights(as []activity.Activity) float64 {
	sum := 0.0
	for i := range as {
		w := 1.0
		for _, m := range as[i].Metrics {
			if m.Name == WeightMetric {
				w = m.Value
			}
		}
		sum += w
	}
	return sum
}

// Few are all kept, and of many about the number given and half as many for each
// doubling, whose weights add up to about all.
func TestSampling(t *testing.T) {
	tests := []struct {
		n           int
		least, most int // kept
		off         float64
	}{
		{0, 0, 0, 0},
		{599, 599, 599, 0},
		{600, 600, 600, 0},
		{1200, 570, 930, 0.10},
		{10_000, 1200, 2100, 0.10},
		{200_000, 2400, 3600, 0.10},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.n), func(t *testing.T) {
			var s sampling
			kept, out := s.take(mentionsOf(0, 0, tt.n), 600)
			if len(kept) < tt.least || len(kept) > tt.most {
				t.Errorf("%d kept, want %d to %d", len(kept), tt.least, tt.most)
			}
			sum := weights(kept)
			if math.Abs(sum-float64(tt.n)) > tt.off*float64(tt.n) {
				t.Errorf("the weights add up to %.0f, want %d within %.0f %%", sum, tt.n, 100*tt.off)
			}
			if want := int(sum) - len(kept); out != want {
				t.Errorf("%d are said to be left out, want %d as the weights tell", out, want)
			}
		})
	}
}

// The weights are right on average: no share and no order makes them too many
// or too few.
func TestSamplingIsUnbiased(t *testing.T) {
	const rounds, n = 400, 1000
	sum := 0.0
	for round := range rounds {
		var s sampling
		for part := 0; part < n; part += 50 {
			kept, _ := s.take(mentionsOf(round, part, 50), 40)
			sum += weights(kept)
		}
	}
	// One round is off by less than a fifth (its deviation is about a tenth),
	// the mean of 400 by less than 2 %.
	if mean := sum / rounds; math.Abs(mean-n) > 0.02*n {
		t.Errorf("on average the weights add up to %.1f, want %d", mean, n)
	}
}

// What was left out stays so when it is read again, after a restart too, and
// other kinds are never left out.
func TestSamplingAgain(t *testing.T) {
	var s sampling
	all := mentionsOf(3, 0, 5000)
	s.take(all, 100)
	first, _ := s.take(mentionsOf(3, 0, 5000), 1_000_000)
	l := ledger{mentions: s}
	text, err := l.encode()
	if err != nil {
		t.Fatal(err)
	}
	restarted, err := readLedger(Checkpoint{Cursor: text})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(restarted.mentions, s) {
		t.Errorf("after a restart %v, want %v", restarted.mentions, s)
	}
	second, _ := restarted.mentions.take(mentionsOf(3, 0, 5000), 1_000_000)
	if len(first) == 0 || len(first) >= 500 || !reflect.DeepEqual(first, second) {
		t.Errorf("%d read again, after a restart %d; want the same few", len(first), len(second))
	}
	posts := mentionsOf(3, 0, 5000)
	for i := range posts {
		posts[i].Kind = activity.KindPost
	}
	if kept, out := s.take(posts, 100); len(kept) != 5000 || out != 0 {
		t.Errorf("%d posts kept and %d left out, want all 5000", len(kept), out)
	}
}

// Days of storm leave a state that fits beside a cursor.
func TestSamplingIsBounded(t *testing.T) {
	var s sampling
	for minute := range 2000 {
		s.take(mentionsOf(minute, 0, 300), 10)
	}
	l := ledger{mentions: s}
	text, err := l.encode()
	if err != nil {
		t.Fatal(err)
	}
	if len(s) != sampleMinutes || len(text) > 10<<10 {
		t.Errorf("%d minutes in %d bytes, want %d in 10 KiB at most", len(s), len(text), sampleMinutes)
	}
}

// What was left out long ago stays out while the overlap reads it again, and is
// forgotten when no poll does.
func TestSamplingOfLongAgo(t *testing.T) {
	var s sampling
	s.take(mentionsOf(0, 0, 1000), 100) // a storm, then five quiet hours
	for minute := 1; minute <= 300; minute++ {
		s.take(mentionsOf(minute, 0, 1), 100)
	}
	again, _ := s.take(mentionsOf(0, 0, 1000), 1_000_000)
	if len(again) == 0 || len(again) > 250 {
		t.Errorf("%d of 1000 are kept when they are read again, want the few of the sample", len(again))
	}
	s.forget(mentionsOf(280, 0, 1)[0].Time)
	if len(s) != sampleMinutes-1 || s[0].Before {
		t.Errorf("%d minutes, the first for all before it: %t; want %d of their own", len(s), s[0].Before, sampleMinutes-1)
	}
}
