package detector_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/packs"
)

// How many accounts the benchmarks of memory fill, and with how many activities
// each:
//
//	go test ./detector -run - -bench Memory -accounts 1000000 -each 20
var (
	benchAccounts = flag.Int("accounts", 100_000, "accounts of the benchmarks of memory")
	benchEach     = flag.Int("each", 12, "activities of each account before they are measured")
)

const benchBatch = 100

// countingRules count and learn values, and nothing else.
const countingRules = `
title: Login
name: login
id: 00000000-0000-4000-8000-000000000001
logsource: {product: picket}
detection: {s: {kind: login}, condition: s}
picket: {generate: false}
---
title: Failed logins
name: failed
id: 00000000-0000-4000-8000-000000000002
level: high
correlation:
  type: event_count
  rules: [login]
  group-by: [account]
  timespan: 10m
  condition: {gte: 500}
---
title: New country
name: new_country
id: 00000000-0000-4000-8000-000000000003
level: high
baseline:
  type: new_value
  rules: [login]
  group-by: [account]
  field: geo.country
  learn: {period: 14d, events: 3}
  forget: 90d
`

// traffic makes activities of accounts in random order: posts and, one in five,
// logins, each account with habits of its own.
type traffic struct {
	rng      *rand.Rand
	accounts int
	now      time.Time
	step     time.Duration
	n        int
	batch    activity.Batch
	logins   bool // nothing but logins
}

func newTraffic(accounts int, step time.Duration) *traffic {
	t := &traffic{rng: rand.New(rand.NewPCG(1, 2)), accounts: accounts, now: start, step: step}
	t.batch.Activities = make([]activity.Activity, benchBatch)
	return t
}

// next fills the batch anew.
func (t *traffic) next() *activity.Batch {
	for i := range t.batch.Activities {
		account := t.rng.IntN(t.accounts)
		a := activity.Activity{
			ID: fmt.Sprint(t.n), Network: "x", Account: fmt.Sprintf("x/load-%07d", account),
			Kind: activity.KindPost, Time: t.now, App: []string{"Web", "Suite", "Phone"}[(account+t.n%2)%3],
		}
		if t.n%3 == 0 {
			a.LinkDomains = []string{fmt.Sprintf("site-%d.example", (account*7+t.rng.IntN(2))%5000)}
		}
		if t.n%5 == 0 || t.logins {
			a.Kind, a.App, a.LinkDomains = activity.KindLogin, "", nil
			a.Geo = activity.Geo{
				Country: []string{"DE", "AT", "FR", "US"}[account%4], ASN: activity.Some(float64(64500 + (account+t.rng.IntN(2))%900)),
				Lat: activity.Some(50.0), Lon: activity.Some(8.0),
			}
			a.Device, a.Outcome.Result = []string{"laptop", "phone"}[t.rng.IntN(2)], "success"
		}
		t.batch.Activities[i] = a
		t.n++
		t.now = t.now.Add(t.step)
	}
	return &t.batch
}

func socialRules(b *testing.B) *detector.Plan {
	b.Helper()
	files, err := packs.Load("social")
	if err != nil {
		b.Fatal(err)
	}
	p, err := detector.Compile(detector.Set{Rules: files})
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func countingPlan(b *testing.B, yaml string) *detector.Plan {
	b.Helper()
	p, err := detector.Compile(detector.Set{Rules: []rules.File{{Name: "bench.yml", Data: []byte(yaml)}}})
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// BenchmarkMemory fills an engine and then gives it activities of its accounts
// in random order, 100 a message; ns/op is per activity and holds everything
// from the message on, also matching, whose own share "match" measures. B/account
// is what the cells take, resident-B/account what the process has grown by, and
// gc-% the share of the garbage collector in CPU time.
func BenchmarkMemory(b *testing.B) {
	b.Run("built-in", func(b *testing.B) {
		benchMemory(b, socialRules(b), newTraffic(*benchAccounts, spread(60*24*time.Hour)))
	})
	b.Run("counting", func(b *testing.B) {
		benchMemory(b, countingPlan(b, countingRules), newTraffic(*benchAccounts, spread(60*24*time.Hour)))
	})
	b.Run("match", func(b *testing.B) {
		p, t := socialRules(b), newTraffic(*benchAccounts, time.Second)
		m := p.Program.NewMatcher()
		batch := t.next()
		b.ResetTimer()
		for i := range b.N {
			p.Program.Match(&batch.Activities[i%benchBatch], m)
		}
	})
}

// spread is how far activities are apart for them to fill a time.
func spread(over time.Duration) time.Duration {
	return over / time.Duration(*benchAccounts**benchEach)
}

func benchMemory(b *testing.B, p *detector.Plan, t *traffic) {
	b.Helper()
	before := resident()
	e := detector.NewEngine(0, p, detector.EngineOptions{})
	seq := uint64(0)
	apply := func() {
		seq++
		batch := t.next()
		e.Apply(seq, t.now, batch)
	}
	for t.n < *benchAccounts**benchEach {
		apply()
	}
	grown := resident() - before
	t.step = time.Millisecond // from here on a thousand activities a second
	var took time.Duration
	var gc0, gc1 debug.GCStats
	debug.ReadGCStats(&gc0)
	b.ResetTimer()
	b.StopTimer()
	for n := 0; n < b.N; n += benchBatch {
		seq++
		batch := t.next()
		at := time.Now()
		b.StartTimer()
		e.Apply(seq, t.now, batch)
		b.StopTimer()
		took += time.Since(at)
	}
	debug.ReadGCStats(&gc1)
	accounts, cells := e.Size()
	b.ReportMetric(float64(cells)/float64(accounts), "B/account")
	b.ReportMetric(float64(grown)/float64(accounts), "resident-B/account")
	b.ReportMetric(float64(took.Nanoseconds())/float64(max(1, b.N)), "ns/activity")
	runtime.KeepAlive(e)
}

// resident is the heap that is in use after a collection.
func resident() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}
