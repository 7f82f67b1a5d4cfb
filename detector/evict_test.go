package detector_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/baseline"
)

// TestEviction fills an engine beyond its bound: those heard of longest ago go and
// are counted, and an account with an open episode stays until it closes.
func TestEviction(t *testing.T) {
	const bound = 64
	l := newLog(t)
	l.e = detector.NewEngine(0, plan(t, testRules), detector.EngineOptions{MaxAccounts: bound})
	blind := kind(activity.KindPoll)
	blind.Poll.State = "gap"
	l.put(0, of("x/blind", blind))
	for i := range 200 {
		l.put(time.Duration(i)*time.Second, of(fmt.Sprintf("x/%03d", i), login("DE")))
		if n, _ := l.e.Size(); n > bound {
			t.Fatalf("%d accounts after %d, want at most %d", n, i, bound)
		}
	}
	accounts, _ := l.e.Size()
	if got := l.e.Stats().Evicted.Accounts; got != uint64(201-accounts) || accounts < bound-bound/8 {
		t.Errorf("%d accounts and %d evicted of 201", accounts, got)
	}
	l.tick(3 * time.Hour)
	l.want(t, "0s open blind ×1 x/blind", "2h0m0s close blind ×1 x/blind (quiet)")
}

// TestEvictedValuesAreCounted has an account log in from more countries than a
// model keeps: what leaves is counted, also over a restart between the two.
func TestEvictedValuesAreCounted(t *testing.T) {
	l := newLog(t)
	l.e = detector.NewEngine(0, plan(t, testRules), detector.EngineOptions{})
	for i := range baseline.MaxValues + 5 {
		l.put(time.Duration(i)*time.Minute, of("x/acme", login(fmt.Sprintf("%c%c", 'A'+i/26, 'A'+i%26))))
	}
	before := l.e.Stats().Evicted.Values
	if before == 0 || before%5 != 0 {
		t.Errorf("%d values evicted, want 5 of each model of countries", before)
	}
	data, err := l.e.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.e.Restore(data); err != nil {
		t.Fatal(err)
	}
	if n := l.e.Stats().Evicted.Values; n != before {
		t.Errorf("%d values evicted after a restore, want %d", n, before)
	}
}
