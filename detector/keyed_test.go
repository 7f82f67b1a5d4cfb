package detector_test

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// acrossRules count across accounts what single accounts show.
const acrossRules = `
title: Failure
name: failure
id: 00000000-0000-4000-8000-000000000001
logsource: {product: picket}
detection: {s: {kind: login_failure}, condition: s}
---
title: Way in
name: way_in
id: 00000000-0000-4000-8000-000000000002
logsource: {product: picket}
detection: {s: {kind: login}, condition: s}
---
title: Spray
name: spray
id: 00000000-0000-4000-8000-000000000003
level: high
correlation:
  type: value_count
  rules: [failure]
  group-by: [ip]
  timespan: 1h
  condition: {gte: 3, field: account}
  generate: false
picket: {quiet: 30m, resolved-by: [way_in], generate: true}
---
title: Hammered
name: hammered
id: 00000000-0000-4000-8000-000000000004
correlation:
  type: event_count
  rules: [failure]
  group-by: [account]
  timespan: 10m
  condition: {gte: 3}
picket: {quiet: 20m}
---
title: Many hammered
name: many_hammered
id: 00000000-0000-4000-8000-000000000005
correlation:
  type: event_count
  rules: [hammered]
  group-by: [network]
  timespan: 2h
  condition: {gte: 2}
picket: {quiet: 1h}
---
title: Sprays of one app
name: sprays
id: 00000000-0000-4000-8000-000000000006
correlation:
  type: temporal
  rules: [spray, way_in]
  group-by: [app]
  timespan: 2h
picket: {quiet: 1h}
---
title: In order
name: in_order
id: 00000000-0000-4000-8000-000000000007
correlation:
  type: temporal_ordered
  rules: [failure, way_in]
  group-by: [ip, app]
  timespan: 30m
picket: {quiet: 10m}
`

// stages runs both stages over several partitions and writes what the second
// finds.
type stages struct {
	t       *testing.T
	first   []*detector.Engine
	second  *detector.Keyed
	merge   *detector.Merge[passed]
	seq     uint64
	lines   []string
	found   []detector.Finding
	arrival func() bool // whether what a partition brings is taken now; nil: always
	late    [][]passed  // by partition, what is not
}

// passed is what one message of a partition gave.
type passed struct {
	at      time.Time
	plan    *detector.Plan
	matches []detector.Match
}

func newStages(t *testing.T, partitions int, p *detector.Plan) *stages {
	t.Helper()
	s := &stages{t: t, merge: detector.NewMerge[passed](partitions), late: make([][]passed, partitions)}
	for i := range partitions {
		s.first = append(s.first, detector.NewEngine(i, p, detector.EngineOptions{}))
	}
	s.second = detector.NewKeyed(partitions, p, detector.EngineOptions{})
	return s
}

func partitionOf(account string, n int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(account))
	return int(h.Sum32()) % n
}

// put appends a message to the partition of its first activity, and a tick to
// all others.
func (s *stages) put(at time.Time, b activity.Batch) {
	s.t.Helper()
	for i := range b.Activities {
		a := &b.Activities[i]
		if a.Time.IsZero() {
			a.Time = at
		}
		a.Network, _, _ = strings.Cut(a.Account, "/")
		if a.ID == "" {
			a.ID = fmt.Sprintf("%d-%d", at.UnixNano(), i)
		}
	}
	s.seq++
	own := partitionOf(b.Activities[0].Account, len(s.first))
	for p, e := range s.first {
		out := passed{at: at}
		if p == own {
			e.Apply(s.seq, at, &b)
			for _, m := range e.Passed() {
				m.Activity = m.Activity.Clone()
				out.matches = append(out.matches, m)
			}
		} else {
			e.Tick(s.seq, at)
		}
		s.bring(p, out)
	}
}

// activate puts a plan in force in all partitions.
func (s *stages) activate(at time.Time, p *detector.Plan) {
	s.seq++
	for i, e := range s.first {
		e.Activate(s.seq, at, p)
		s.bring(i, passed{at: at, plan: p})
	}
}

func (s *stages) bring(p int, out passed) {
	if s.late[p] = append(s.late[p], out); s.arrival != nil && !s.arrival() {
		return
	}
	s.arrive(p)
}

func (s *stages) arrive(p int) {
	for _, l := range s.late[p] {
		s.merge.Put(p, l.at, l)
	}
	s.late[p] = nil
	for {
		v, at, part, ok := s.merge.Next()
		switch {
		case !ok:
			return
		case v.plan != nil && part == 0:
			s.note(s.second.Activate(at, v.plan))
		default:
			s.note(s.second.Apply(at, v.matches))
		}
	}
}

// end lets everything arrive and become due.
func (s *stages) end() {
	for p, e := range s.first {
		s.late[p] = append(s.late[p], passed{at: e.LogTime().Add(1)}) // the log goes on
	}
	for p := range s.first {
		s.arrive(p)
	}
	for at, ok := s.second.Pending(); ok; at, ok = s.second.Pending() {
		s.note(s.second.Apply(at, nil))
	}
}

func (s *stages) note(found []detector.Finding) {
	for _, f := range found {
		group := ""
		for _, g := range f.Group {
			group += g.Value + " "
		}
		line := fmt.Sprintf("%s %s %s ×%d %s%v", f.LogTime.Sub(start), f.Phase, f.Rule.Name, f.Count, group, f.Accounts)
		if f.Closed != "" {
			line += " (" + f.Closed + ")"
		}
		s.lines = append(s.lines, line)
		s.found = append(s.found, f)
	}
}

func failure(account, ip string) activity.Activity {
	return activity.Activity{Account: account, Kind: activity.KindLoginFailure, IP: ip, App: "web"}
}

func TestKeyed(t *testing.T) {
	login := func(account, ip string) activity.Activity {
		a := failure(account, ip)
		a.Kind = activity.KindLogin
		return a
	}
	late := func(a activity.Activity, at time.Duration) activity.Activity {
		a.Time = start.Add(at)
		return a
	}
	const minute = time.Minute
	type put struct {
		at       time.Duration
		backfill bool
		acts     []activity.Activity
	}
	one := func(at time.Duration, a activity.Activity) put { return put{at, false, []activity.Activity{a}} }
	for _, tt := range []struct {
		name string
		log  []put
		want []string
	}{
		{
			"one address on many accounts",
			[]put{
				one(0, failure("x/a", "192.0.2.1")), one(1*minute, failure("x/b", "192.0.2.1")), one(2*minute, failure("x/b", "192.0.2.1")),
				one(3*minute, failure("x/c", "192.0.2.2")), one(4*minute, failure("x/c", "192.0.2.1")), one(5*minute, failure("x/a", "192.0.2.1")),
			},
			[]string{
				"4m0s open spray ×3 192.0.2.1 [x/a x/b x/c]", "5m0s update spray ×4 192.0.2.1 [x/a x/b x/c]",
				"35m0s close spray ×4 192.0.2.1 [x/a x/b x/c] (quiet)",
			},
		},
		{
			"the same account again and again",
			[]put{one(0, failure("x/a", "192.0.2.1")), one(1*minute, failure("x/a", "192.0.2.1")), one(2*minute, failure("x/b", "192.0.2.1"))},
			nil,
		},
		{
			"accounts that use the same ids",
			[]put{
				one(0, activity.Activity{ID: "1", Account: "x/a", Kind: activity.KindLoginFailure, IP: "192.0.2.1", Time: start}),
				one(1, activity.Activity{ID: "1", Account: "x/b", Kind: activity.KindLoginFailure, IP: "192.0.2.1", Time: start}),
				one(2, activity.Activity{ID: "1", Account: "x/c", Kind: activity.KindLoginFailure, IP: "192.0.2.1", Time: start}),
			},
			[]string{"2ns open spray ×3 192.0.2.1 [x/a x/b x/c]", "30m0.000000002s close spray ×3 192.0.2.1 [x/a x/b x/c] (quiet)"},
		},
		{
			"history teaches only",
			[]put{
				{0, true, []activity.Activity{failure("x/a", "192.0.2.1")}},
				{1 * minute, true, []activity.Activity{failure("x/b", "192.0.2.1")}},
				{2 * minute, true, []activity.Activity{failure("x/c", "192.0.2.1")}},
				one(3*minute, failure("x/d", "192.0.2.1")),
			},
			[]string{"3m0s open spray ×4 192.0.2.1 [x/a x/b x/c x/d]", "33m0s close spray ×4 192.0.2.1 [x/a x/b x/c x/d] (quiet)"},
		},
		{
			"told late",
			[]put{
				one(10*minute, failure("x/a", "192.0.2.1")), one(65*minute, failure("x/b", "192.0.2.1")),
				one(72*minute, late(failure("x/c", "192.0.2.1"), 12*minute)),
			},
			[]string{"1h12m0s open spray ×3 192.0.2.1 [x/a x/b x/c]", "1h42m0s close spray ×3 192.0.2.1 [x/a x/b x/c] (quiet)"},
		},
		{
			"a login resolves it and follows it",
			[]put{
				one(0, failure("x/a", "192.0.2.1")), one(1*minute, failure("x/b", "192.0.2.1")), one(2*minute, failure("x/c", "192.0.2.1")),
				one(3*minute, login("x/c", "192.0.2.1")),
			},
			[]string{
				"2m0s open spray ×3 192.0.2.1 [x/a x/b x/c]",
				"3m0s close spray ×3 192.0.2.1 [x/a x/b x/c] (Way in)",
				"3m0s open sprays ×2 web [x/c]",
				"3m0s open in_order ×2 192.0.2.1 web [x/c]",
				"13m0s close in_order ×2 192.0.2.1 web [x/c] (quiet)",
				"1h3m0s close sprays ×2 web [x/c] (quiet)",
			},
		},
		{
			"over a rule of an account",
			[]put{
				one(0, failure("x/a", "192.0.2.1")), one(1*minute, failure("x/a", "192.0.2.2")), one(2*minute, failure("x/a", "192.0.2.3")),
				one(3*minute, failure("x/a", "192.0.2.1")),                                                                                         // goes on: no second match
				one(4*minute, failure("y/b", "192.0.2.1")), one(5*minute, failure("y/b", "192.0.2.2")), one(6*minute, failure("y/b", "192.0.2.3")), // another network
				one(7*minute, failure("x/c", "192.0.2.4")), one(8*minute, failure("x/c", "192.0.2.5")), one(9*minute, failure("x/c", "192.0.2.6")),
			},
			[]string{"9m0s open many_hammered ×2 x [x/a x/c]", "1h9m0s close many_hammered ×2 x [x/a x/c] (quiet)"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, partitions := range []int{1, 3} {
				s := newStages(t, partitions, plan(t, acrossRules))
				for _, m := range tt.log {
					s.put(start.Add(m.at), activity.Batch{Backfill: m.backfill, Activities: slices.Clone(m.acts)})
				}
				s.end()
				if d := cmp.Diff(tt.want, s.lines); d != "" {
					t.Errorf("%d partitions (-want +got):\n%s", partitions, d)
				}
			}
		})
	}
}

// TestKeyedFinding: it is of no account, and names those that it is about.
func TestKeyedFinding(t *testing.T) {
	s := newStages(t, 2, plan(t, acrossRules))
	for i := range 40 {
		s.put(start.Add(time.Duration(i)*time.Second), activity.Batch{Activities: []activity.Activity{failure(fmt.Sprint("x/", i), "192.0.2.1")}})
	}
	f := s.found[len(s.found)-1]
	if f.Account != "" || f.Network != "" || f.AccountCount != 40 || len(f.Accounts) != detector.MaxAccounts || f.Accounts[0] != "x/0" {
		t.Errorf("account %q, network %q, %d accounts, of which %v", f.Account, f.Network, f.AccountCount, f.Accounts)
	}
	var names []string
	for i := range f.Evidence {
		names = append(names, f.Evidence[i].Account)
	}
	if d := cmp.Diff([]string{"x/0", "x/1", "x/2", "x/3", "x/36", "x/37", "x/38", "x/39"}, names); d != "" {
		t.Errorf("evidence (-want +got):\n%s", d)
	}
	want := detector.Position{Partition: 2, Sequence: uint64(start.Add(39 * time.Second).UnixNano())}
	if f.Position != want {
		t.Errorf("position %+v, want %+v", f.Position, want)
	}
	if s.found[0].Episode != f.Episode || f.Reasons[0].Seen != "40 different accounts in 39s" {
		t.Errorf("the episode became %s, its reason %q", f.Episode, f.Reasons[0].Seen)
	}
}

// TestKeyedReadsRaw: a source's own event is passed on where a rule across
// accounts reads it, and else not.
func TestKeyedReadsRaw(t *testing.T) {
	const rule = `
title: Failure
name: failure
logsource: {product: okta}
detection: {s: {outcome.result: FAILURE}, condition: s}
---
title: Many failures
name: many
correlation:
  type: event_count
  rules: [failure]
  group-by: [GROUP]
  timespan: 1h
  condition: {gte: 2}
picket: {across-accounts: true}
`
	for _, tt := range []struct {
		group string
		raw   bool
	}{{"client.ipAddress", true}, {"ip", false}} {
		e := detector.NewEngine(0, plan(t, strings.Replace(rule, "GROUP", tt.group, 1)), detector.EngineOptions{})
		a := failure("okta/a", "192.0.2.1")
		a.Network, a.ID, a.Raw = "okta", "1", []byte(`{"outcome":{"result":"FAILURE"},"client":{"ipAddress":"192.0.2.1"}}`)
		a.Time = start
		e.Apply(1, start, &activity.Batch{Activities: []activity.Activity{a}})
		if m := e.Passed(); len(m) != 1 || len(m[0].Rules) != 1 || (m[0].Activity.Raw != nil) != tt.raw {
			t.Errorf("by %s: passed on %+v, want one match, with the raw event: %v", tt.group, m, tt.raw)
		}
	}
}

// TestNothingPassesWithoutRulesAcrossAccounts: a plan without them, or with
// all of them off, needs no second stage.
func TestNothingPassesWithoutRulesAcrossAccounts(t *testing.T) {
	off := strings.ReplaceAll(acrossRules, "picket: {", "picket: {mode: off, ")
	for name, tt := range map[string]struct {
		rules string
		want  int
	}{"none": {testRules, 0}, "off": {off, 0}, "some": {acrossRules, 1}} {
		p := plan(t, tt.rules)
		e := detector.NewEngine(0, p, detector.EngineOptions{})
		a := failure("x/a", "192.0.2.1")
		a.Time = start
		e.Apply(1, start, &activity.Batch{Activities: []activity.Activity{a}})
		if got := len(e.Passed()); got != tt.want || p.Keyed() != (tt.want > 0) {
			t.Errorf("%s: %d matches passed on, plan needs a second stage: %v; want %d", name, got, p.Keyed(), tt.want)
		}
		if e.Tick(2, start); len(e.Passed()) != 0 {
			t.Errorf("%s: a tick passes on what the message before it did", name)
		}
	}
}

// TestKeysAreBounded: whoever chooses addresses does not fill the memory, and
// what is open stays.
func TestKeysAreBounded(t *testing.T) {
	s := newStages(t, 1, plan(t, acrossRules))
	for i := range 3 {
		s.put(start.Add(time.Duration(i)), activity.Batch{Activities: []activity.Activity{failure(fmt.Sprint("x/", i), "192.0.2.1")}})
	}
	for i := range 1<<16 + 5 {
		a := failure("x/a", fmt.Sprint("2001:db8::", i))
		a.ID, a.Time = fmt.Sprint(i), start.Add(time.Minute)
		s.note(s.second.Apply(start.Add(time.Minute), []detector.Match{{Rules: []string{"00000000-0000-4000-8000-000000000001"}, Activity: a}}))
	}
	if n := s.second.Stats().Evicted.Groups; n == 0 || n > 1<<12 {
		t.Errorf("%d groups given up, want some of the oldest", n)
	}
	s.put(start.Add(2*time.Minute), activity.Batch{Activities: []activity.Activity{failure("x/3", "192.0.2.1")}})
	if last := s.lines[len(s.lines)-1]; last != "2m0s update spray ×4 192.0.2.1 [x/0 x/1 x/2 x/3]" {
		t.Errorf("the last finding is %q, want what was open to go on", last)
	}
}

// script is one random story for both stages.
func script(seed uint64, put func(time.Time, activity.Batch), activate func(time.Time, int)) {
	rng := rand.New(rand.NewPCG(seed, 5))
	now := start
	for n := range 360 {
		now = now.Add(1 + time.Duration(rng.ExpFloat64()*float64([]time.Duration{time.Second, 4 * time.Minute}[n/50%2])))
		b := activity.Batch{Backfill: rng.IntN(20) == 0}
		account := fmt.Sprint([]string{"x", "y"}[rng.IntN(2)], "/", rng.IntN(9))
		for range 1 + rng.IntN(4) {
			a := failure(account, fmt.Sprint("192.0.2.", rng.IntN(5)))
			a.ID, a.App = fmt.Sprint(rng.IntN(400)), []string{"web", "bot", ""}[rng.IntN(3)]
			if a.Time = now.Add(-time.Duration(rng.IntN(900)) * time.Second); rng.IntN(3) > 0 {
				a.Time = now
			}
			if rng.IntN(6) == 0 {
				a.Kind = activity.KindLogin
			}
			b.Activities = append(b.Activities, a)
		}
		put(now, b)
		if n%120 == 119 {
			now = now.Add(1)
			activate(now, n/120)
		}
	}
}

// TestKeyedIsExact: neither the number of partitions, nor in which order they
// bring what they have, nor a restart anywhere changes a finding.
func TestKeyedIsExact(t *testing.T) {
	t.Parallel()
	plans := []*detector.Plan{
		plan(t, strings.NewReplacer("gte: 3, field", "gte: 4, field", "title: In order\nname: in_order\nid: 00000000-0000-4000-8000-000000000007", "title: In order\nname: in_order\nid: 00000000-0000-4000-8000-000000000077").Replace(acrossRules)),
		plan(t, acrossRules),
	}
	findings := 0
	for seed := range uint64(3) {
		play := func(partitions int, disturb func(s *stages)) []string {
			s := newStages(t, partitions, plans[1])
			disturb(s)
			script(seed, func(at time.Time, b activity.Batch) { s.put(at, b); disturb(s) }, func(at time.Time, n int) { s.activate(at, plans[n%2]) })
			s.end()
			out := make([]string, len(s.found))
			for i, f := range s.found {
				f.Position.Partition = 0 // it comes after those of the log
				out[i] = fmt.Sprintf("%+v %s %s %s %v %v %d %+v %d %s %v %d", f.Position, f.Episode, f.Phase, f.Rule.Name, f.First, f.Last, f.Count, f.Reasons, len(f.Evidence), f.Closed, f.Accounts, f.AccountCount)
			}
			return out
		}
		plain := play(1, func(*stages) {})
		findings += len(plain)
		for _, partitions := range []int{1, 2, 4} {
			rng := rand.New(rand.NewPCG(seed, uint64(partitions)))
			got := play(partitions, func(s *stages) {
				s.arrival = func() bool { return rng.IntN(4) == 0 }
				if rng.IntN(10) == 0 {
					s.restart()
				}
			})
			if d := cmp.Diff(plain, got); d != "" {
				t.Fatalf("seed %d (-undisturbed +%d partitions):\n%s", seed, partitions, d)
			}
		}
	}
	if findings < 1000 {
		t.Errorf("only %d findings compared", findings)
	}
}

// restart replaces all engines by ones that are restored from their snapshots.
func (s *stages) restart() {
	s.t.Helper()
	restored := func(from interface{ Snapshot() ([]byte, error) }, to interface {
		Snapshot() ([]byte, error)
		Restore([]byte) error
	},
	) {
		data, err := from.Snapshot()
		if err == nil {
			err = to.Restore(data)
		}
		again, err2 := to.Snapshot()
		if err != nil || err2 != nil || !bytes.Equal(data, again) {
			s.t.Fatalf("a restored engine encodes to other bytes (%v, %v)", err, err2)
		}
	}
	for i, e := range s.first {
		s.first[i] = detector.NewEngine(i, e.Plan(), detector.EngineOptions{})
		restored(e, s.first[i])
	}
	fresh := detector.NewKeyed(len(s.first), s.second.Plan(), detector.EngineOptions{})
	restored(s.second, fresh)
	s.second = fresh
}

// TestKeyedRuleThatBecomesOne: an episode of the stage that a rule leaves ends.
func TestKeyedRuleThatBecomesOne(t *testing.T) {
	s := newStages(t, 1, plan(t, acrossRules))
	for i := range 3 {
		s.put(start.Add(time.Duration(i)), activity.Batch{Activities: []activity.Activity{failure(fmt.Sprint("x/", i), "192.0.2.1")}})
	}
	s.activate(start.Add(time.Minute), plan(t, strings.Replace(acrossRules, "group-by: [ip]", "group-by: [account, ip]", 1)+"\n"))
	if d := cmp.Diff([]string{"2ns open spray ×3 192.0.2.1 [x/0 x/1 x/2]", "1m0s close spray ×3 192.0.2.1 [x/0 x/1 x/2] (rule removed)"}, s.lines); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	if err := s.second.Restore([]byte(`{}`)); err == nil {
		t.Error("a snapshot of nothing was restored")
	}
}

// TestHistoryIsNotLateAcrossAccounts holds that rules across accounts count what an
// account's history tells late as little as those of one account.
func TestHistoryIsNotLateAcrossAccounts(t *testing.T) {
	start := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	failure := func(account string, at time.Time) activity.Activity {
		return activity.Activity{ID: account, Network: "okta", Account: account, Kind: activity.KindLoginFailure, IP: "192.0.2.1", Time: at}
	}
	for _, row := range []struct {
		name    string
		history bool
		want    uint64
	}{{"live", false, 1}, {"history", true, 0}} {
		t.Run(row.name, func(t *testing.T) {
			p := plan(t, acrossRules)
			e, across := detector.NewEngine(0, p, detector.EngineOptions{}), detector.NewKeyed(1, p, detector.EngineOptions{})
			for i, b := range []activity.Batch{
				{Activities: []activity.Activity{failure("okta/a", start)}},
				{Backfill: row.history, Activities: []activity.Activity{failure("okta/b", start.Add(-5*time.Hour))}},
			} {
				e.Apply(uint64(i+1), start, &b)
				across.Apply(start, e.Passed())
			}
			if got := across.Stats().Late; got != row.want {
				t.Errorf("%d counted as late, want %d", got, row.want)
			}
		})
	}
}
