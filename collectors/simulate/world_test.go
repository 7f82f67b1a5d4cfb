package simulate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
)

var newYear = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// world makes a world of some accounts from New Year on.
func world(t *testing.T, seed uint64, accounts, days int, rate float64) *World {
	t.Helper()
	w, err := New(Config{
		Seed: seed, Accounts: accounts, Start: newYear, End: newYear.AddDate(0, 0, days), AttackRate: rate,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// seen is one activity with its label.
type seen struct {
	activity.Activity
	label *Label
}

func (s *seen) line() string { return string(activity.AppendActivity(nil, &s.Activity)) }

func (s *seen) key() string { return s.Account + " " + string(s.Kind) + " " + s.ID }

// each yields the rest of a world, which must not be empty.
func each(t *testing.T, w *World) iter.Seq[seen] {
	t.Helper()
	return func(yield func(seen) bool) {
		for n := 0; ; n++ {
			a, label, ok := w.Next()
			if !ok {
				if n < 100 {
					t.Fatalf("the world has only %d activities", n)
				}
				return
			}
			if !yield(seen{a, label}) {
				return
			}
		}
	}
}

func all(t *testing.T, w *World) []seen {
	t.Helper()
	return slices.Collect(each(t, w))
}

func TestSameSeedSameBytes(t *testing.T) {
	const want = "238b7ac68c6b5515"
	sum := func(seed uint64) string {
		var out, truth bytes.Buffer
		n, err := WriteJSONL(&out, &truth, world(t, seed, 20, 60, 2))
		if err != nil || n != bytes.Count(out.Bytes(), []byte("\n")) {
			t.Fatalf("WriteJSONL = %d, %v with %d lines", n, err, bytes.Count(out.Bytes(), []byte("\n")))
		}
		h := sha256.Sum256(append(out.Bytes(), truth.Bytes()...))
		return hex.EncodeToString(h[:8])
	}
	if got := sum(7); got != want {
		t.Errorf("hash of world 7 is %s, want %s: a change of the generator, or of how activities "+
			"are written, changes every world; if that is meant, set the new hash and say so in the changelog", got, want)
	}
	if a, b := sum(7), sum(7); a != b {
		t.Errorf("two runs of one seed differ: %s and %s", a, b)
	}
	if sum(8) == want {
		t.Error("another seed gives the same world")
	}
}

func TestNextInOrderWithUniqueIDs(t *testing.T) {
	acts := all(t, world(t, 3, 60, 60, 3))
	ids := make(map[string]bool, len(acts))
	for i := range acts {
		a := &acts[i]
		if i > 0 && a.Time.Before(acts[i-1].Time) {
			t.Fatalf("activity %d at %s comes after one at %s", i, a.Time, acts[i-1].Time)
		}
		if a.Time.Before(newYear) || !a.Time.Before(newYear.AddDate(0, 0, 60)) {
			t.Fatalf("%s is at %s, outside of the world", a.key(), a.Time)
		}
		if lag := a.Seen.Sub(a.Time); lag < time.Second || lag > time.Minute {
			t.Fatalf("%s was seen %s after it happened", a.key(), lag)
		}
		if ids[a.key()] {
			t.Fatalf("%s appears twice", a.key())
		}
		ids[a.key()] = true
		if !slices.Contains(activity.Kinds(), a.Kind) || !strings.HasPrefix(a.Account, a.Network+"/") {
			t.Fatalf("%s of network %q is not well formed", a.key(), a.Network)
		}
	}
}

// Without its attacks, and with what a blind collector missed, a world is the
// world of rate 0.
func TestAttacksAreSplicedIn(t *testing.T) {
	calm, wild := all(t, world(t, 5, 30, 45, 0)), all(t, world(t, 5, 30, 45, 6))
	blind := make(map[string][]*Label)
	var rest []seen
	spliced := 0
	for _, s := range wild {
		if s.label == nil || s.label.Benign {
			rest = append(rest, s)
			continue
		}
		spliced++
		if s.label.Attack == CollectorBlind {
			blind[s.Account] = append(blind[s.Account], s.label)
		}
	}
	if spliced < 100 || len(blind) < 3 {
		t.Fatalf("%d activities spliced in and %d accounts blind: too few to tell", spliced, len(blind))
	}
	missed := 0
	for i := range calm {
		if len(rest) > 0 && calm[i].line() == rest[0].line() {
			rest = rest[1:]
			continue
		}
		missed++
		if !slices.ContainsFunc(blind[calm[i].Account], func(l *Label) bool {
			return !calm[i].Time.Before(l.From) && calm[i].Time.Before(l.From.Add(2*time.Hour))
		}) {
			t.Fatalf("%s at %s is missing from the world with attacks, and nobody was blind", calm[i].key(), calm[i].Time)
		}
	}
	if len(rest) > 0 || missed == 0 {
		t.Errorf("%d activities are in the attacked world only, first %v; %d missed by blind collectors, want some",
			len(rest), rest, missed)
	}
}

func TestMoreAccountsLeaveTheFirstAlone(t *testing.T) {
	own := func(accounts int) []seen {
		acts := all(t, world(t, 9, accounts, 30, 0))
		return slices.DeleteFunc(acts, func(s seen) bool { return !strings.Contains(s.Account, "/amber-lantern") })
	}
	few, many := own(3), own(50)
	if len(few) < 100 || len(few) != len(many) {
		t.Fatalf("the first organisation has %d activities alone and %d among many", len(few), len(many))
	}
	for i := range few {
		if !cmp.Equal(few[i].Activity, many[i].Activity) {
			t.Fatalf("activity %d differs:\n%s", i, cmp.Diff(few[i].Activity, many[i].Activity))
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	w, err := New(Config{Seed: 1, Accounts: 300, Start: newYear, AttackRate: 5})
	if err != nil {
		t.Fatal(err)
	}
	live := func(n int) uint64 {
		for range n {
			if _, _, ok := w.Next(); !ok {
				t.Fatal("an endless world ended")
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	early, late := live(50_000), live(450_000)
	if late > early+early/4+256<<10 {
		t.Errorf("heap grew from %d to %d bytes over 450,000 activities", early, late)
	}
	runtime.KeepAlive(w)
}

func TestAccounts(t *testing.T) {
	w := world(t, 1, 40, 30, 1)
	accounts := w.Accounts()
	if len(accounts) != 40 {
		t.Fatalf("%d accounts, want 40", len(accounts))
	}
	told, networks, required := make(map[string]bool), make(map[string]bool), 0
	for _, a := range accounts {
		told[a.Name], networks[a.Network] = true, true
		if a.ApprovalsRequired {
			required++
		}
		for _, id := range a.Identities {
			told[id] = true
		}
		if _, err := time.LoadLocation(a.TimeZone); err != nil {
			t.Errorf("%s: %v", a.Name, err)
		}
		if a.Name != a.Network+"/"+a.Organisation || !strings.HasPrefix(a.Contact, a.Owner+"@") || len(a.Identities) < 2 ||
			!slices.Contains([]string{"high", "normal", "low"}, a.Importance) {
			t.Errorf("account is not complete: %+v", a)
		}
	}
	if len(networks) != 4 || required != 14 {
		t.Errorf("%d networks and %d accounts with approvals, want 4 and 14", len(networks), required)
	}
	for _, s := range all(t, w) {
		if !told[s.Account] {
			t.Fatalf("activity of %s, which Accounts does not mention", s.Account)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := Config{Seed: 1, Accounts: 3, Start: newYear, End: newYear.AddDate(0, 1, 0), AttackRate: 1}
	tests := []struct {
		name  string
		spoil func(*Config)
		want  string
	}{
		{"no accounts", func(c *Config) { c.Accounts = 0 }, "simulate: Accounts is 0, want at least 1"},
		{"no start", func(c *Config) { c.Start = time.Time{} }, "simulate: Start is 0001-01-01T00:00:00Z, want a time in the years 1971 to 2099"},
		{"end before start", func(c *Config) { c.End = c.Start }, "simulate: End 2026-01-01T00:00:00Z is not after Start 2026-01-01T00:00:00Z; leave it zero for an endless world"},
		{"far end", func(c *Config) { c.End = c.End.AddDate(500, 0, 0) }, "simulate: End is 2526-02-01T00:00:00Z, want a time up to the year 2099, or zero for an endless world"},
		{"negative rate", func(c *Config) { c.AttackRate = -1 }, "simulate: AttackRate is -1, want 0 to 1000 attacks per account in 30 days"},
	}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.spoil(&c)
			if _, err := New(c); err == nil || err.Error() != tt.want {
				t.Errorf("New: %v\nwant %s", err, tt.want)
			}
		})
	}
}

type full struct{ room int }

var errFull = errors.New("disk is full")

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteJSONLStopsAtAFault(t *testing.T) {
	if _, err := WriteJSONL(&full{room: 100_000}, nil, world(t, 1, 10, 30, 1)); !errors.Is(err, errFull) {
		t.Errorf("activities to a full disk: %v", err)
	}
	var out bytes.Buffer
	if _, err := WriteJSONL(&out, &full{}, world(t, 1, 10, 30, 1)); !errors.Is(err, errFull) {
		t.Errorf("labels to a full disk: %v", err)
	}
}

func TestLoad(t *testing.T) {
	const n = 10_000
	total, count := 0, 0
	accounts, ids, kinds := make(map[string]bool), make(map[string]bool), make(map[activity.Kind]int)
	var line []byte
	var last time.Time
	for a := range Load(1, 500, n) {
		line = activity.AppendActivity(line[:0], &a)
		total += len(line)
		count++
		accounts[a.Account], ids[a.ID] = true, true
		kinds[a.Kind]++
		if !a.Time.After(last) {
			t.Fatalf("%s is not after %s", a.Time, last)
		}
		last = a.Time
	}
	if count != n || len(ids) != n || len(accounts) != 500 {
		t.Errorf("%d activities, %d ids, %d accounts; want %d, %d, 500", count, len(ids), len(accounts), n, n)
	}
	if mean := total / count; mean < 850 || mean > 950 {
		t.Errorf("an activity takes %d bytes on average, want about 900", mean)
	}
	if share := float64(kinds[activity.KindLogin]) / n; share < 0.17 || share > 0.23 {
		t.Errorf("%.0f %% are logins, want about 20", 100*share)
	}
	for a := range Load(1, 0, 3) {
		if a.Account != "x/load-0000000" {
			t.Errorf("account is %s, want x/load-0000000", a.Account)
		}
		break
	}
}

func BenchmarkNext(b *testing.B) {
	w, err := New(Config{Seed: 1, Accounts: 10_000, Start: newYear, AttackRate: 0.5})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		w.Next()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "activities/s")
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for a := range Load(1, 1_000_000, b.N) {
		if a.ID == "" {
			b.Fatal("activity without id")
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "activities/s")
}
