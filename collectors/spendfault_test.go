package collectors

import (
	"errors"
	"testing"
	"time"
)

// What was charged while the sum could not be saved counts at once and is saved
// later, also when nothing of the month was known yet: at the start, and when
// the month turns in the middle of a poll.
func TestNothingChargedIsLostWhileItCannotBeSaved(t *testing.T) {
	for _, c := range []struct {
		name  string
		begin func(t *testing.T, b *Budget, now *time.Time) // while it can be saved
		saved float64                                       // of July in the end
	}{
		{"at the start", func(*testing.T, *Budget, *time.Time) {}, 7},
		{"after the month has turned", func(t *testing.T, b *Budget, now *time.Time) {
			*now = noon.Add(-24 * time.Hour)
			if err := b.Charge(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
			*now = noon
		}, 7},
		{"within a month", func(t *testing.T, b *Budget, _ *time.Time) {
			if err := b.Charge(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
		}, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := noon // the 1st of July
			store := &memorySpend{sums: map[string]float64{}}
			b := NewBudget("main", BudgetOptions{Spend: store, Now: func() time.Time { return now }})
			c.begin(t, b, &now)
			store.err = errors.New("journal is away")
			for range 3 {
				if err := b.Charge(t.Context(), 2); err == nil {
					t.Fatal("no error while it cannot be saved")
				}
			}
			if st := b.Status(); st.Spent != c.saved-1 {
				t.Errorf("spent $%v as known here, want $%v", st.Spent, c.saved-1)
			}
			store.err = nil
			if err := b.Charge(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			if got := store.sums["main 2026-07"]; got != c.saved {
				t.Errorf("saved $%v, want $%v", got, c.saved)
			}
		})
	}
}

// Mentions that need more units than are left wait; the account itself, which
// needs fewer, is read on. Once it has too few, too, all is spent.
func TestDearMentionsDoNotEndTheDay(t *testing.T) {
	ctx := t.Context()
	b := NewBudget("tube", BudgetOptions{Units: 1000, Cost: unitsOf, Reserve: -1, Now: func() time.Time { return noon }})
	for range 950 {
		if err := fetchWith(ctx, b, "/list"); err != nil {
			t.Fatal(err)
		}
	}
	if err := fetchWith(ForMentions(ctx), b, "/search"); IsOverBudget(err) || !keptMentions(err) {
		t.Errorf("mentions that take 100 of the last 50 units: %v; want that they wait alone", err)
	}
	if err := fetchWith(ctx, b, "/search"); !IsOverBudget(err) {
		t.Errorf("the account's own that takes 100 of the last 50 units: %v; want units spent", err)
	}
	for range 50 {
		if err := fetchWith(ctx, b, "/list"); err != nil {
			t.Fatal(err)
		}
	}
	if err := fetchWith(ForMentions(ctx), b, "/search"); !IsOverBudget(err) {
		t.Errorf("mentions when nothing is left: %v; want units spent", err)
	}
}

// A budget of a few dollars is divided as a large one is.
func TestMentionsHaveTheirPartOfFewDollars(t *testing.T) {
	b := NewBudget("main", BudgetOptions{Dollars: 0.90, Now: func() time.Time { return noon }})
	ctx := ForMentions(t.Context())
	for range 4 {
		if err := fetchWith(ctx, b, "/"); err != nil {
			t.Fatalf("with $%.2f spent of $0.90: %v", b.Status().Spent, err)
		}
		if err := b.Charge(ctx, 0.10); err != nil {
			t.Fatal(err)
		}
	}
	_ = b.Charge(ctx, 0.10)
	if err := fetchWith(ctx, b, "/"); !keptMentions(err) {
		t.Errorf("with half of it spent: %v; want that mentions wait", err)
	}
	if err := fetchWith(t.Context(), b, "/"); err != nil {
		t.Errorf("the account's own: %v", err)
	}
}
