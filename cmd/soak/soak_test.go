package main

import (
	"testing"
	"time"
)

// The short versions of the soak: real processes, real kills.

func TestKilledThreeTimes(t *testing.T) {
	t.Parallel()
	o := options{posts: 2500, accounts: 5, kills: 3, daemons: 1, seed: 1, during: 12 * time.Second, log: t.Output()}
	if err := soak(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func TestTwoDaemonsShareTheWork(t *testing.T) {
	t.Parallel()
	o := options{posts: 1500, accounts: 5, daemons: 2, seed: 2, during: 8 * time.Second, log: t.Output()}
	if err := soak(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// TestRandomAlertIDsAreNoticed takes from the daemon what makes repeated
// findings harmless, and expects the comparison to fail.
func TestRandomAlertIDsAreNoticed(t *testing.T) {
	t.Parallel()
	o := options{posts: 1000, accounts: 5, kills: 1, daemons: 1, seed: 3, during: 4 * time.Second, ablation: true, settle: 5 * time.Second, log: t.Output()}
	if err := soak(t.Context(), o); err == nil {
		t.Fatal("random alert ids pass")
	} else {
		t.Log(err)
	}
}
