package detector_test

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/simulate"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules/packs"
)

var update = flag.Bool("update", false, "write the golden file of findings anew")

// TestFindingsStayTheSame holds the findings of random streams, and of a
// simulated month under the built-in rules, to what they were when each account
// was a tree of Go maps: how memory is laid out must not show.
func TestFindingsStayTheSame(t *testing.T) {
	facts := []detector.Account{{Name: "x/a", Approvals: true, GuardedBy: []string{"okta/e"}}, {Name: "x/b", GuardedBy: []string{"okta/e"}}}
	plans := []*detector.Plan{plan(t, loudRules, facts...), plan(t, strings.Replace(loudRules, "factor: 2", "factor: 3", 1), facts...)}
	var got []string
	for seed := range uint64(60) {
		lines := replay(t, plans, seed+1000, nil)
		got = append(got, digest(lines))
	}
	got = append(got, digest(simulatedMonth(t)))
	text := strings.Join(got, "\n") + "\n"
	const golden = "testdata/findings.sha256"
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Fields(string(want)) {
		if line != got[i] {
			t.Errorf("stream %d has other findings", i)
		}
	}
}

func digest(lines []string) string {
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:8])
}

// simulatedMonth returns what the built-in rules find in a simulated month.
func simulatedMonth(t *testing.T) []string {
	t.Helper()
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
	var lines []string
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
			lines = append(lines, line(&f))
		}
	}
	if len(lines) < 50 {
		t.Fatalf("only %d findings in a month", len(lines))
	}
	return lines
}
