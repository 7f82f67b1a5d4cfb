package alerting

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// counting is a memory that counts how often all its alerts are read.
type counting struct {
	*memory
	scans int
	heard chan func(Head)
}

func (s *counting) Heads(ctx context.Context) ([]Head, error) {
	s.scans++
	return s.memory.Heads(ctx)
}

func (s *counting) Watch(ctx context.Context, each func(Head)) error {
	s.heard <- each
	<-ctx.Done()
	return ctx.Err()
}

// follower returns a Manager that follows its store, and what it hears by.
func follower(t *testing.T, alerts int) (*Manager, *counting, func(Head)) {
	t.Helper()
	s := &counting{memory: newMemory(), heard: make(chan func(Head))}
	other := manager(t, s.memory)
	for i := range alerts {
		report(t, other, onAccount(fmt.Sprintf("%04x%028x", i%2, i), fmt.Sprintf("x/n%d", i%3)))
	}
	m, err := New(Config{Store: s, Publisher: s.memory, Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	each := <-s.heard
	s.scans = 0
	return m, s, each
}

func onAccount(id, account string) detector.Finding {
	f := finding(id, detector.Open, 0, 1)
	f.Account = account
	return f
}

// TestFollowing: a Manager that follows the store answers for open alerts
// without reading all of them, and so it finds them and what is around them.
func TestFollowing(t *testing.T) {
	m, s, _ := follower(t, 12)
	open := []State{Firing, Acknowledged}
	id := fmt.Sprintf("%04x%028x", 1, 7)
	for _, tt := range []struct {
		name  string
		do    func() (int, error)
		want  int
		scans int
	}{
		{"open", func() (int, error) { return length(m.List(t.Context(), Filter{States: open})) }, 12, 0},
		{"of an account", func() (int, error) { return length(m.List(t.Context(), Filter{States: open, Account: "x/n1"})) }, 4, 0},
		{"of a level", func() (int, error) {
			return length(m.List(t.Context(), Filter{States: open, Levels: []rules.Level{rules.Low}}))
		}, 0, 0},
		{"with those resolved", func() (int, error) { return length(m.List(t.Context(), Filter{})) }, 12, 1},
		{"by id", func() (int, error) { got, err := m.Find(t.Context(), id); return len(got), err }, len(id), 0},
		{"around", func() (int, error) { a, err := m.Look(t.Context(), id); return len(a.Around.Beside), err }, 3, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.scans = 0
			got, err := tt.do()
			if err != nil || got != tt.want || s.scans != tt.scans {
				t.Errorf("got %d, %v after %d scans; want %d after %d", got, err, s.scans, tt.want, tt.scans)
			}
		})
	}
	if _, err := m.Find(t.Context(), "0001"); !errors.Is(err, ErrAmbiguous) || !strings.Contains(err.Error(), "6 in all") {
		t.Errorf("0001 is %v", err)
	}
}

func length(alerts []Alert, err error) (int, error) { return len(alerts), err }

// TestFollowingOthers: what another daemon does is seen although it was not
// heard of yet, where that can be.
func TestFollowingOthers(t *testing.T) {
	m, s, each := follower(t, 2)
	other := manager(t, s.memory)
	id := fmt.Sprintf("%04x%028x", 0, 0)
	if _, err := other.Act(t.Context(), id, resolving("tom", "")); err != nil {
		t.Fatal(err)
	}
	list, err := m.List(t.Context(), Filter{States: []State{Firing}})
	if err != nil || len(list) != 1 || list[0].ID == id {
		t.Errorf("a resolved alert is listed as firing: %v %v", list, err)
	}
	report(t, other, onAccount("beefbeef", "x/new"))
	if got, err := m.Find(t.Context(), "PK-BEEF"); got != "beefbeef" || err != nil {
		t.Errorf("an alert that was not heard of: %q %v", got, err)
	}
	st := s.last["beefbeef"]
	each(HeadOf(&st.Alert, st.Seq, st.Time))
	if list, err = m.List(t.Context(), Filter{States: []State{Firing}}); err != nil || len(list) != 2 || list[0].ID != "beefbeef" {
		t.Errorf("an alert that was heard of is not listed: %v %v", list, err)
	}
	delete(s.last, "beefbeef") // the store has dropped it
	if _, err := m.Find(t.Context(), "beefbeef"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an alert that is gone: %v", err)
	}
}

func TestPage(t *testing.T) {
	s := newMemory()
	m := manager(t, s)
	for i := range 7 {
		report(t, m, onAccount(fmt.Sprintf("%032x", i), fmt.Sprintf("x/n%d", i%2)))
	}
	var got []string
	filter := Filter{Account: "x/n0", Limit: 2}
	for {
		page, err := m.Page(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Alerts {
			got = append(got, page.Alerts[i].ID[31:])
		}
		if filter.Before = page.Next; page.Next == 0 {
			break
		}
		got = append(got, "|")
	}
	if want := strings.Fields("6 4 | 2 0 |"); !slices.Equal(got, want) {
		t.Errorf("pages %q, want %q", got, want)
	}
}
