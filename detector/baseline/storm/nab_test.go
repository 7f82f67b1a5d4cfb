package storm

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// rows runs the model over a file as a detector that reports row by row.
func rows(f *nabFile, p *Params) []float64 {
	out := make([]float64, len(f.values))
	var s State
	for i, v := range f.values {
		verdict := s.Step(f.times[i], v, p)
		out[i] = verdict.Row()
	}
	return out
}

// TestNAB holds what the model reaches on the brand mentions of the benchmark,
// with one threshold. With -v it prints the table.
func TestNAB(t *testing.T) {
	files := recordedNAB(t)
	p := Defaults()
	var all outcome
	for _, f := range files {
		scores := rows(f, &p)
		o := f.score(scores, p.Threshold)
		all.add(o)
		t.Logf("%-28s score %5.1f  windows %d of %d  false rows %d", f.name, o.score(), o.hits, o.windows, o.falseRow)
	}
	t.Logf("%-28s score %5.1f  windows %d of %d  false rows %d", "all", all.score(), all.hits, all.windows, all.falseRow)
	if all.score() < floorScore || all.hits < all.windows || all.falseRow > mostFalse {
		t.Errorf("score %.1f with %d of %d windows and %d false rows; it was at least %.1f with all windows and at most %d",
			all.score(), all.hits, all.windows, all.falseRow, floorScore, mostFalse)
	}
}

// What was reached; it changes only with the model or the data.
const (
	floorScore = 90.0
	mostFalse  = 26
	floorLeft  = 84.5
)

// TestNABRows writes what the model says of each row, a score from 0 to 1, in
// the form that the benchmark's own scorer reads: <folder>/realTweets/picket_<file>,
// where NAB_OUT names the folder.
func TestNABRows(t *testing.T) {
	dir := filepath.Join(cmp.Or(os.Getenv("NAB_OUT"), t.TempDir()), "realTweets")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	p := Defaults()
	for _, f := range recordedNAB(t) {
		out := []byte("timestamp,value,anomaly_score\n")
		for i, score := range rows(f, &p) {
			if !(score >= 0 && score <= 1) {
				t.Fatalf("%s, row %d: score %g", f.name, i, score)
			}
			at := time.Unix(0, f.times[i]).UTC().Format(time.DateTime)
			out = fmt.Appendf(out, "%s,%g,%.6f\n", at, f.values[i], score)
		}
		if n := bytes.Count(out, []byte("\n")); n != len(f.values)+1 {
			t.Errorf("%s: %d lines for %d rows and a head", f.name, n, len(f.values))
		}
		if err := os.WriteFile(filepath.Join(dir, "picket_"+f.name), out, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
