//go:build !race

package rules

import (
	"testing"

	"github.com/picketd/picket/collectors/activity"
)

const raceEnabled = false

// TestNoMatchAllocatesNothing holds it where nothing matches, on the recorded
// events and with all rules that this version takes. Under the race detector
// sync.Pool, in which package regexp keeps its scratch memory, forgets at random.
func TestNoMatchAllocatesNothing(t *testing.T) {
	p := readCorpus(t).program
	m := p.NewMatcher()
	quiet := 0
	for i, e := range publicEvents(t) {
		if len(p.Match(&e.activity, m)) > 0 {
			continue
		}
		quiet++
		if n := testing.AllocsPerRun(5, func() { p.Match(&e.activity, m) }); n != 0 {
			t.Errorf("event %d: %v allocations, want none", i, n)
		}
	}
	for _, doc := range saasDocs(t) {
		var a activity.Activity
		if err := new(activity.Decoder).Activity(doc, &a); err != nil {
			t.Fatal(err)
		}
		if len(p.Match(&a, m)) > 0 {
			continue
		}
		quiet++
		if n := testing.AllocsPerRun(5, func() { p.Match(&a, m) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", doc, n)
		}
	}
	if quiet < 20 {
		t.Errorf("%d events match nothing, want at least 20", quiet)
	}
}
