package drift

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"github.com/picketd/picket/collectors/activity/recordedtest"
)

func pack() Params { return Params{Share: 0.05, Floor: 100, Factor: 8, Days: 7} }

func TestSize(t *testing.T) {
	if size := unsafe.Sizeof(State{}); size != 48 {
		t.Errorf("%d bytes a count, want 48", size)
	}
}

// told is one value of a count.
type told struct {
	after time.Duration // since the one before
	value float64
}

func TestChange(t *testing.T) {
	// known has 20 days that win ten a day, four values a day.
	known := func() (s State, now int64, v float64) {
		p := pack()
		now, v = int64(time.Hour), 12000
		for range 80 {
			s.Step(now, v, &p)
			now += int64(6 * time.Hour)
			v += 2.5
		}
		return s, now - int64(6*time.Hour), v
	}
	rows := []struct {
		name string
		then []told
		want []bool
	}{
		{"a fall", []told{{time.Hour, 11000}}, []bool{true}},
		{"a rise", []told{{time.Hour, 13500}}, []bool{true}},
		{"less than the share", []told{{time.Hour, 11700}}, []bool{false}},
		{"a fall is told once", []told{{time.Hour, 11000}, {time.Hour, 10990}}, []bool{true, false}},
		{"a fall that goes on", []told{{time.Hour, 11000}, {time.Hour, 9000}}, []bool{true, true}},
		{"in steps within a day", []told{{5 * time.Hour, 11900}, {5 * time.Hour, 11700}, {5 * time.Hour, 11400}}, []bool{false, false, true}},
		{"after a long silence nobody knows when", []told{{10 * day, 6000}}, []bool{false}},
		{"told late", []told{{-time.Hour, 100}}, []bool{false}},
		{"missing", []told{{time.Hour, math.NaN()}}, []bool{false}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := pack()
			s, now, _ := known()
			for i, next := range row.then {
				now += int64(next.after)
				if got := s.Step(now, next.value, &p); got.Odd != row.want[i] {
					t.Errorf("value %d, %g: %+v, want odd %v", i, next.value, got, row.want[i])
				}
			}
		})
	}
}

// TestLearnsVariation holds that an account whose count goes up and down is
// judged by that.
func TestLearnsVariation(t *testing.T) {
	p := pack()
	var s State
	now := int64(time.Hour)
	for i := range 120 {
		s.Step(now, 2000+float64(i/4%2)*160, &p)
		now += int64(6 * time.Hour)
	}
	if got := s.Step(now, 1850, &p); got.Odd || got.Low > -0.2 {
		t.Errorf("%+v, want that a fall by 15 %% is usual where 8 %% come and go each day", got)
	}
}

// TestRecorded counts what the model says of real accounts, whose followers,
// following and posts are told with each post. The counts change only with the
// model or the data.
func TestRecorded(t *testing.T) {
	accounts := recorded(t)
	months := 0.0
	for _, values := range accounts {
		months += values[len(values)-1].Time.Sub(values[0].Time).Hours() / 24 / 30.44
	}
	if months < 400 {
		t.Fatalf("only %.0f account-months", months)
	}
	for _, want := range []struct {
		metric      string
		falls, most float64 // a month, falls and rises
	}{
		{"followers", 0.01, 0.06},
		{"following", 0.3, 0.5},
		{"posts", 0.02, 0.05},
	} {
		falls, rises := 0, 0
		for _, values := range accounts {
			f, r := episodes(values, want.metric)
			falls, rises = falls+f, rises+r
		}
		f, r := float64(falls)/months, float64(rises)/months
		t.Logf("%-10s %4d falls (%.3f a month) and %4d rises (%.3f a month) in %.0f account-months", want.metric, falls, f, rises, r, months)
		if f > want.falls || r > want.most {
			t.Errorf("%s: %.3f falls and %.3f rises a month, want at most %g and %g", want.metric, f, r, want.falls, want.most)
		}
	}
}

type counts struct {
	Time    time.Time
	Metrics map[string]float64
}

// episodes counts falls and rises; what follows within a day is one.
func episodes(values []counts, metric string) (falls, rises int) {
	p := pack()
	var s State
	var last time.Time
	for _, v := range values {
		n, ok := v.Metrics[metric]
		if !ok {
			continue
		}
		c := s.Step(v.Time.UnixNano(), n, &p)
		if !c.Odd {
			continue
		}
		if v.Time.Sub(last) > day {
			if c.Share < 0 {
				falls++
			} else {
				rises++
			}
		}
		last = v.Time
	}
	return falls, rises
}

// recorded reads the accounts that tell their counts.
func recorded(t *testing.T) [][]counts {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(recordedtest.Path(t, "data/accounts"), "ira_*.jsonl.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of accounts with counts (%v)", len(files), err)
	}
	var out [][]counts
	for _, file := range files {
		out = append(out, read(t, file))
	}
	return out
}

func read(t *testing.T, file string) []counts {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []counts
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c counts
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func BenchmarkStep(b *testing.B) {
	p := pack()
	var s State
	now := int64(time.Hour)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now += int64(time.Hour)
		s.Step(now, 12000+float64(i%50), &p)
	}
}
