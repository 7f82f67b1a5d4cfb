package detector_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

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
	apart    bool // one account in five is an identity, which alone logs in
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
		login := t.n%5 == 0 || t.logins
		if t.apart {
			login = account%5 == 0
		}
		if login {
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
// in random order, 100 a message. cpu-ns/activity holds everything that is done
// with a decoded message, also matching, whose own share "match" measures;
// ns/op also holds its decoding.
// B/account is what the cells take, resident-B/account what the heap has grown by.
func BenchmarkMemory(b *testing.B) {
	b.Run("built-in", func(b *testing.B) {
		benchMemory(b, socialRules(b), newTraffic(*benchAccounts, spread(10*24*time.Hour)))
	})
	b.Run("identities-apart", func(b *testing.B) {
		t := newTraffic(*benchAccounts, spread(10*24*time.Hour))
		t.apart = true
		benchMemory(b, socialRules(b), t)
	})
	b.Run("counting", func(b *testing.B) {
		benchMemory(b, countingPlan(b, countingRules), newTraffic(*benchAccounts, spread(10*24*time.Hour)))
	})
	b.Run("failed-logins", benchFailedLogins)
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

// benchFailedLogins is event_count alone, over the logins of 5,000 accounts that
// come one each 100 ms.
func benchFailedLogins(b *testing.B) {
	only := countingRules[:strings.LastIndex(countingRules, "---")]
	e := detector.NewEngine(0, countingPlan(b, only), detector.EngineOptions{})
	t := newTraffic(5000, 100*time.Millisecond)
	t.logins = true
	messages := t.messages(max(1, b.N/benchBatch), func(a *activity.Activity) {
		a.Outcome.Result, a.Geo, a.Device = "FAILURE", activity.Geo{}, ""
	})
	b.ResetTimer()
	used := applyAll(b, e, 0, messages)
	b.StopTimer()
	b.ReportMetric(float64(used.Nanoseconds())/float64(benchBatch*len(messages)), "cpu-ns/activity")
	accounts, cells := e.Size()
	b.ReportMetric(float64(cells)/float64(accounts), "B/account")
	windows, bytes := e.WindowBytes()
	b.ReportMetric(float64(bytes)/float64(windows), "window-B/group")
}

// message is a message of a log as it is stored.
type message struct {
	at   time.Time
	data []byte
}

// messages makes the next messages, each activity changed by change.
func (t *traffic) messages(n int, change func(*activity.Activity)) []message {
	out := make([]message, n)
	for i := range out {
		b := t.next()
		for k := range b.Activities {
			change(&b.Activities[k])
		}
		out[i] = message{t.now, activity.AppendBatch(nil, b)}
	}
	return out
}

// applyAll gives messages to an engine and returns the CPU time that this took
// it. Decoding them is not part of it, and leaves a message's activities where
// a daemon's are when they are judged: in the cache.
func applyAll(b *testing.B, e *detector.Engine, seq uint64, messages []message) (used time.Duration) {
	b.Helper()
	var dec activity.Decoder
	var batch activity.Batch
	for i := range messages {
		if err := dec.Batch(messages[i].data, &batch); err != nil {
			b.Fatal(err)
		}
		at := cpuTime()
		e.Apply(seq+uint64(i)+1, messages[i].at, &batch)
		used += cpuTime() - at
	}
	return used
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
	t.step = 1000 * time.Second / time.Duration(*benchAccounts) // each account about every quarter of an hour
	messages := t.messages(max(1, b.N/benchBatch), func(*activity.Activity) {})
	runtime.GC()
	var m0, m1 runtime.MemStats
	runtime.ReadMemStats(&m0)
	found := e.Stats().Findings
	b.ResetTimer()
	used := applyAll(b, e, seq, messages)
	b.StopTimer()
	runtime.ReadMemStats(&m1)
	n := float64(benchBatch * len(messages))
	b.ReportMetric(float64(used.Nanoseconds())/n, "cpu-ns/activity")
	b.ReportMetric(float64(m1.Mallocs-m0.Mallocs)/n, "allocs/activity")
	b.ReportMetric(float64(m1.NumGC-m0.NumGC), "collections")
	b.ReportMetric(float64(e.Stats().Findings-found), "findings")
	accounts, cells := e.Size()
	b.ReportMetric(float64(cells)/float64(accounts), "B/account")
	b.ReportMetric(float64(serialised(b, e))/float64(accounts), "saved-B/account")
	whole, err := e.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	used = cpuTime()
	if err := detector.NewEngine(0, p, detector.EngineOptions{}).Restore(whole); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64((cpuTime() - used).Milliseconds()), "restore-ms")
	b.ReportMetric(float64(grown)/float64(accounts), "resident-B/account")
	runtime.KeepAlive(e)
}

// serialised is how large a checkpoint of an engine is. It reports the CPU time
// of all of it, and of the longest part for which the engine has to stop.
func serialised(b *testing.B, e *detector.Engine) (size int) {
	b.Helper()
	began := cpuTime()
	im := e.Image(true)
	longest := cpuTime() - began
	var room, packed []byte
	for done := false; !done; {
		at := cpuTime()
		room, done = im.Step(room[:0], 1<<20)
		longest = max(longest, cpuTime()-at)
		packed = s2.Encode(packed[:cap(packed)], room)
		size += len(packed)
	}
	rest, err := im.Root(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64((cpuTime() - began).Milliseconds()), "image-ms")
	b.ReportMetric(float64(longest.Microseconds())/1000, "longest-pause-ms")
	return size + len(s2.Encode(nil, rest))
}

// cpuTime is what the process has used so far: on a machine that others use too,
// it says more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is the heap that is in use after a collection.
func resident() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}
