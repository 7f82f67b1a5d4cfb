package app

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/simulate"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules/packs"
)

// TestSimulatedMonth holds what the built-in rules find in a simulated month to
// what it was when the detector's memory was a tree of Go maps. Where rules change
// on purpose, so does the sum.
func TestSimulatedMonth(t *testing.T) {
	start := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	files, err := packs.Load("social")
	if err != nil {
		t.Fatal(err)
	}
	w, err := simulate.New(simulate.Config{Seed: 5, Accounts: 60, Start: start, End: start.AddDate(0, 1, 0), AttackRate: 1})
	if err != nil {
		t.Fatal(err)
	}
	var set detector.Set
	set.Rules = files
	for _, a := range w.Accounts() {
		set.Accounts = append(set.Accounts, detector.Account{Name: a.Name, Approvals: a.ApprovalsRequired, GuardedBy: a.Identities, TimeZone: a.TimeZone})
	}
	p, err := detector.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	e := detector.NewEngine(0, p, detector.EngineOptions{})
	sum, separator, findings := sha256.New(), "", 0
	var acts []activity.Activity
	for {
		a, _, ok := w.Next()
		if !ok {
			break
		}
		acts = append(acts, a)
	}
	seq := uint64(0)
	for chunk := range slices.Chunk(acts, 20) {
		seq++
		at := start
		for i := range chunk {
			if chunk[i].Seen.After(at) {
				at = chunk[i].Seen
			}
		}
		for _, f := range e.Apply(seq, at.Add(time.Second), &activity.Batch{Activities: chunk}) {
			fmt.Fprintf(sum, "%s%+v %s %s %s %v %v %d %+v %d %s %+v %+v %+v %v", separator,
				f.Position, f.Episode, f.Phase, f.Rule.Name, f.First, f.Last, f.Count, f.Reasons, len(f.Evidence), f.Closed, f.Usual, f.Related, f.Since, f.Deleted)
			separator = "\n"
			findings++
		}
	}
	if findings < 50 {
		t.Errorf("only %d findings in a month", findings)
	}
	if got, want := hex.EncodeToString(sum.Sum(nil)[:8]), "5a7a8aceac37d0d9"; got != want {
		t.Errorf("%d findings with the sum %s, want %s", findings, got, want)
	}
}
