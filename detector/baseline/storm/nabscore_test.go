package storm

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity/recordedtest"
)

// The score of the Numenta Anomaly Benchmark (Lavin and Ahmad, "Evaluating
// Real-time Anomaly Detection Algorithms", ICMLA 2015), standard profile: of the
// rows from the threshold on, the earliest of a window is worth up to 1, each
// outside one costs up to 0.11, a window that none is in costs 1. A detector
// that says nothing has 0, the best possible one 100.

const (
	falseRow  = 0.11
	probation = 0.15 // of the file
	// mostProbation is how long a file counts at most for the probation.
	mostProbation = 5000
)

// nabFile is one series with its labels.
type nabFile struct {
	name    string
	times   []int64 // Unix nanoseconds
	values  []float64
	worth   []float64 // of a detection in each row
	window  []int     // number of the window that a row is in, -1 for none
	windows int
	judged  int // the first row that counts
}

// outcome is what a detector reached on some files.
type outcome struct {
	raw                     float64
	hits, windows, falseRow int
}

func (o *outcome) add(p outcome) {
	o.raw += p.raw
	o.hits += p.hits
	o.windows += p.windows
	o.falseRow += p.falseRow
}

func (o *outcome) score() float64 {
	silent := -float64(o.windows)
	return 100 * (o.raw - silent) / (float64(o.windows) - silent)
}

// sigmoid weighs a row by its place: -1 is the start of a window, 0 its end,
// and beyond is how far after it.
func sigmoid(at float64) float64 {
	if at > 3 {
		return -1
	}
	return 2/(1+math.Exp(5*at)) - 1
}

// weigh sets what a detection in each row is worth, given the first and last
// rows of the windows.
func (f *nabFile) weigh(bounds [][2]int) {
	n := len(f.values)
	f.judged = int(math.Floor(probation * float64(min(n, mostProbation))))
	f.worth, f.window, f.windows = make([]float64, n), make([]int, n), len(bounds)
	next, in, left, width := 0, false, -1, 0.0
	for i := range n {
		if !in && next < len(bounds) && i == bounds[next][0] {
			in = true
		}
		if in {
			w := bounds[next]
			width = float64(w[1] - w[0] + 1)
			f.window[i] = next
			f.worth[i] = sigmoid(-float64(w[1]-i+1)/width) / sigmoid(-1)
			if i == w[1] {
				in, left = false, i
				next++
			}
			continue
		}
		f.window[i], f.worth[i] = -1, -falseRow
		if left >= 0 {
			f.worth[i] = falseRow * sigmoid(float64(i-left)/(width-1))
		}
	}
}

// score counts rows whose score is the threshold or more.
func (f *nabFile) score(scores []float64, threshold float64) outcome {
	var detected []int
	for i, score := range scores {
		if score >= threshold {
			detected = append(detected, i)
		}
	}
	return f.scoreRows(detected)
}

// scoreRows counts detections in rows, in ascending order.
func (f *nabFile) scoreRows(detected []int) outcome {
	o := outcome{raw: -float64(f.windows), windows: f.windows}
	last := -1 // the window of the latest detection: its first one is worth most
	for _, i := range detected {
		switch w := f.window[i]; {
		case i < f.judged || w >= 0 && w == last:
		case w < 0:
			o.falseRow++
			o.raw += f.worth[i]
		default:
			last = w
			o.hits++
			o.raw += 1 + f.worth[i]
		}
	}
	return o
}

// recordedNAB reads the brand mentions of the benchmark.
func recordedNAB(t testing.TB) []*nabFile {
	t.Helper()
	dir := recordedtest.Path(t, "bench/nab/NAB")
	data, err := os.ReadFile(filepath.Join(dir, "labels", "combined_windows.json"))
	if err != nil {
		t.Fatal(err)
	}
	var labels map[string][][2]string
	if err := json.Unmarshal(data, &labels); err != nil {
		t.Fatal(err)
	}
	var out []*nabFile
	for name, windows := range labels {
		if path.Dir(name) == "realTweets" {
			out = append(out, readNAB(t, filepath.Join(dir, "data", filepath.FromSlash(name)), windows))
		}
	}
	slices.SortFunc(out, func(a, b *nabFile) int { return strings.Compare(a.name, b.name) })
	return out
}

func readNAB(t testing.TB, file string, windows [][2]string) *nabFile {
	t.Helper()
	r, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	f := &nabFile{name: filepath.Base(file)}
	at := map[string]int{}
	for i, row := range rows[1:] {
		when, err := time.Parse(time.DateTime, row[0])
		if err != nil {
			t.Fatal(err)
		}
		v, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		f.times, f.values = append(f.times, when.UnixNano()), append(f.values, v)
		at[row[0]] = i
	}
	var bounds [][2]int
	for _, w := range windows {
		bounds = append(bounds, [2]int{at[w[0][:len(time.DateTime)]], at[w[1][:len(time.DateTime)]]})
	}
	f.weigh(bounds)
	return f
}
