package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// source is a collector on a clock that the test sets.
type source struct {
	t   *testing.T
	c   *Collector
	now time.Time
	cur json.RawMessage
}

func newSource(t *testing.T, l Live) *source {
	t.Helper()
	s := &source{t: t, now: time.Date(2026, time.March, 3, 9, 30, 0, 123_456_789, time.UTC)}
	s.restart(l)
	return s
}

func (s *source) restart(l Live) {
	s.t.Helper()
	c, err := NewCollector(l, collectors.Deps{Now: func() time.Time { return s.now }})
	if err != nil {
		s.t.Fatal(err)
	}
	s.c = c
}

// poll polls until there is no more, and checks each page.
func (s *source) poll() (pages []collectors.Page, acts []activity.Activity) {
	s.t.Helper()
	for {
		p, err := s.c.Poll(s.t.Context(), s.cur)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(p.Activities) > 500 || len(p.Cursor) > 500 {
			s.t.Fatalf("a page has %d activities and a cursor of %d bytes", len(p.Activities), len(p.Cursor))
		}
		for i := range p.Activities {
			if a := &p.Activities[i]; a.Time.After(s.now) || !a.Seen.Equal(s.now) {
				s.t.Fatalf("%s %s happened at %s and was seen at %s, now is %s", a.Kind, a.ID, a.Time, a.Seen, s.now)
			}
		}
		pages, acts, s.cur = append(pages, p), append(acts, p.Activities...), p.Cursor
		if !p.More {
			return pages, acts
		}
	}
}

func TestCollectorHistoryThenLife(t *testing.T) {
	s := newSource(t, Live{Seed: 1, Accounts: 12})
	pages, acts := s.poll()
	if len(pages) < 5 || len(acts) < 2500 {
		t.Fatalf("%d activities in %d pages of history, too few", len(acts), len(pages))
	}
	for i, p := range pages {
		if !p.Backfill {
			t.Errorf("page %d of the history is not marked as backfill", i)
		}
	}
	if first := acts[0].Time; s.now.Sub(first) > 30*24*time.Hour+time.Second || s.now.Sub(first) < 30*24*time.Hour-time.Hour {
		t.Errorf("the history begins at %s, want 30 days before %s", first, s.now)
	}
	for i := range acts {
		if found := attackOf(&acts[i]); found != "" {
			t.Errorf("the history holds an attack: %s %s", found, acts[i].ID)
		}
	}
	s.now = s.now.Add(time.Hour)
	pages, acts = s.poll()
	if len(acts) == 0 || acts[0].Time.Before(s.now.Add(-time.Hour)) {
		t.Fatalf("an hour later %d activities", len(acts))
	}
	for i, p := range pages {
		if p.Backfill {
			t.Errorf("page %d of life is marked as backfill", i)
		}
	}
}

// attackOf recognises the scripted attacks by what they look like.
func attackOf(a *activity.Activity) Attack {
	scam := strings.Contains(a.Text, "-claims.example") || strings.Contains(a.Text, "-coins.example") ||
		strings.Contains(a.Text, "-badge.example") || strings.Contains(a.Text, "-wallet.example") ||
		strings.Contains(a.Text, "-desk.example") || strings.Contains(a.Text, "-refund.example") ||
		strings.Contains(a.Text, "-drop.example")
	switch {
	case a.Kind == activity.KindPost && scam:
		return PostingBurst
	case a.Kind == activity.KindLogin && a.Geo.Proxy == "hosting":
		return NewCountryLogin
	case a.Kind == activity.KindProfile && len(a.Changed) == 3:
		return ProfileTakeover
	}
	return ""
}

// Whatever the seed and the size, a newcomer sees all five attacks within ten
// seconds.
func TestCollectorAttacksWithinTenSeconds(t *testing.T) {
	for _, l := range []Live{
		{Accounts: 3},
		{Accounts: 12},
		{Accounts: 12, Speed: 30},
		{Accounts: 12, Speed: 0.5},
		{Accounts: 40},
	} {
		for l.Seed = range 4 {
			t.Run(fmt.Sprintf("%d accounts, speed %v, seed %d", l.Accounts, l.Speed, l.Seed), func(t *testing.T) {
				s := newSource(t, l)
				s.poll()
				var required []string
				for _, a := range s.c.Accounts() {
					if a.ApprovalsRequired {
						required = append(required, a.Name)
					}
				}
				s.now = s.now.Add(900 * time.Millisecond)
				if _, acts := s.poll(); slices.ContainsFunc(acts, func(a activity.Activity) bool { return attackOf(&a) != "" }) {
					t.Errorf("an attack within the first second: %v", acts)
				}
				s.now = s.now.Add(200 * time.Millisecond)
				_, acts := s.poll()
				if !slices.ContainsFunc(acts, func(a activity.Activity) bool {
					return attackOf(&a) == PostingBurst && slices.Contains(required, a.Account)
				}) {
					t.Errorf("no unapproved post on one of %v after a second: %v", required, acts)
				}
				s.now = s.now.Add(8900 * time.Millisecond)
				_, acts = s.poll()
				got := make(map[Attack]int)
				deleted := make(map[string]int)
				for i := range acts {
					got[attackOf(&acts[i])]++
					if acts[i].Kind == activity.KindDelete {
						deleted[acts[i].Account]++
					}
				}
				most := 0
				for _, n := range deleted {
					most = max(most, n)
				}
				if got[NewCountryLogin] < 1 || got[PostingBurst] < 15 || got[ProfileTakeover] < 1 || most < 15 {
					t.Errorf("after ten seconds: %v and %d deletions on one account", got, most)
				}
			})
		}
	}
}

func TestCollectorGoesOnAttacking(t *testing.T) {
	s := newSource(t, Live{Seed: 2, Accounts: 12})
	s.poll()
	s.now = s.now.Add(10 * time.Second)
	s.poll()
	found := 0
	for range 60 {
		s.now = s.now.Add(time.Minute)
		_, acts := s.poll()
		for i := range acts {
			if attackOf(&acts[i]) != "" {
				found++
			}
		}
	}
	if found < 60 {
		t.Errorf("%d posts, logins and profiles of intruders in an hour, want at least 60", found)
	}
}

func TestCollectorSameCursorSamePage(t *testing.T) {
	l := Live{Seed: 3, Accounts: 6, Speed: 2}
	s := newSource(t, l)
	s.poll()
	s.now = s.now.Add(8 * time.Second)
	s.poll()
	for _, step := range []time.Duration{time.Second, time.Minute, 5 * time.Minute} {
		s.now = s.now.Add(step)
		cursor := s.cur
		_, want := s.poll()
		after := s.cur
		for _, again := range []string{"same collector", "restarted"} {
			if again == "restarted" {
				s.restart(l)
			}
			s.cur = cursor
			if _, got := s.poll(); !cmp.Equal(got, want) || string(s.cur) != string(after) {
				t.Errorf("%s after %s: %d activities and cursor %s, want %d and %s", again, step, len(got), s.cur, len(want), after)
			}
		}
	}
	s.restart(Live{Seed: 3, Accounts: 6, Speed: 2})
	if _, got := s.poll(); len(got) != 0 {
		t.Errorf("%d activities without time passing, want none", len(got))
	}
}

func TestCollectorAfterANightAway(t *testing.T) {
	l := Live{Seed: 4, Accounts: 12}
	s := newSource(t, l)
	s.poll()
	s.now = s.now.Add(10 * time.Hour)
	s.restart(l)
	_, acts := s.poll()
	attacked := 0
	for i := range acts {
		if attackOf(&acts[i]) == "" {
			continue
		}
		attacked++
		if ago := s.now.Sub(acts[i].Time); ago > 10*time.Minute {
			t.Errorf("an attack of %s ago: %s %s", ago, acts[i].Kind, acts[i].ID)
		}
	}
	if len(acts)-attacked < 20 || attacked == 0 {
		t.Errorf("%d ordinary activities of the night and %d attacks of the last minutes, want more", len(acts)-attacked, attacked)
	}
}

func TestCollectorAccountsAreThoseOfTheWorld(t *testing.T) {
	s := newSource(t, Live{Seed: 5, Accounts: 9})
	told := make(map[string]bool)
	for _, a := range s.c.Accounts() {
		told[a.Name] = true
		for _, id := range a.Identities {
			told[id] = true
		}
	}
	_, acts := s.poll()
	active := make(map[string]bool)
	for i := range acts {
		active[acts[i].Account] = true
		if !told[acts[i].Account] {
			t.Fatalf("activity of %s, which Accounts does not mention", acts[i].Account)
		}
	}
	if len(active) < 12 {
		t.Errorf("%d accounts and identities active, want at least 12 of %d", len(active), len(told))
	}
}

func TestNewCollectorRefuses(t *testing.T) {
	deps := collectors.Deps{Now: time.Now}
	tests := []struct {
		name string
		live Live
		deps collectors.Deps
		want string
	}{
		{"no accounts", Live{}, deps, "simulated source: accounts is 0, want at least 1"},
		{"backwards", Live{Accounts: 1, Speed: -1}, deps, "simulated source: speed is -1, want 0.01 to 10000"},
		{"no clock", Live{Accounts: 1}, collectors.Deps{}, "simulated source: no clock given"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := NewCollector(tt.live, tt.deps); err == nil || err.Error() != tt.want {
				t.Errorf("NewCollector: %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestCollectorRefusesCursor(t *testing.T) {
	tests := []struct{ name, cursor, want string }{
		{"not JSON", `{`, "malformed cursor: want what an earlier poll returned: unexpected EOF"},
		{"another collector's", `{"since":"1"}`, `malformed cursor: want what an earlier poll returned: json: unknown field "since"`},
		{
			"another world", `{"seed":9,"accounts":3,"speed":1,"started":"2026-03-03T09:00:00Z","taken":1}`,
			"malformed cursor: made for seed 9, accounts 3, speed 1, but the source now says 1, 3, 1: set them back, or give the source another name to begin a new world",
		},
		{
			"no start", `{"seed":1,"accounts":3,"speed":1,"taken":1}`,
			"malformed cursor: started is 0001-01-01T00:00:00Z, want a time before now, in whole milliseconds",
		},
		{
			"start to come", `{"seed":1,"accounts":3,"speed":1,"started":"2027-03-03T09:00:00Z","taken":1}`,
			"malformed cursor: started is 2027-03-03T09:00:00Z, want a time before now, in whole milliseconds",
		},
		{
			"beyond now", `{"seed":1,"accounts":3,"speed":1,"started":"2026-03-03T09:00:00Z","taken":1000000}`,
			"activities have happened by now; check the clock",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSource(t, Live{Seed: 1, Accounts: 3})
			_, err := s.c.Poll(t.Context(), json.RawMessage(tt.cursor))
			var bad *collectors.Malformed
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Poll: %v\nwant %s", err, tt.want)
			}
			if _, acts := s.poll(); len(acts) < 500 {
				t.Errorf("%d activities from a good cursor afterwards, want a history", len(acts))
			}
		})
	}
}

func TestCollectorStopsLookingWhenToldTo(t *testing.T) {
	s := newSource(t, Live{Seed: 1, Accounts: 30})
	s.poll()
	s.restart(Live{Seed: 1, Accounts: 30})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.c.Poll(ctx, s.cur); !errors.Is(err, context.Canceled) {
		t.Errorf("Poll with a cancelled context: %v", err)
	}
	if _, acts := s.poll(); len(acts) != 0 {
		t.Errorf("%d activities from the end of the history, want none", len(acts))
	}
}
