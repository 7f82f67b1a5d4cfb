package app

import (
	"errors"
	"flag"
	"math"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/simulate"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules/packs"
)

// recoveryAccounts is how many accounts BenchmarkRecovery fills:
//
//	go test ./cmd/internal/app -run - -bench Recovery -benchtime 1x -recovery-accounts 1000000
var recoveryAccounts = flag.Int("recovery-accounts", 100_000, "accounts of BenchmarkRecovery")

// BenchmarkRecovery saves the memory of many accounts under the built-in rules,
// as the daemon does between messages, and starts again from the file. pause-ms
// is the longest time for which detection stood still; the sizes are the file's.
func BenchmarkRecovery(b *testing.B) {
	files, err := packs.Load("social")
	if err != nil {
		b.Fatal(err)
	}
	plan, err := detector.Compile(detector.Set{Rules: files})
	if err != nil {
		b.Fatal(err)
	}
	w := recoveryWorker(b, plan)
	const each = 6
	seq, at := uint64(0), time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	step := 10 * 24 * time.Hour / time.Duration(each**recoveryAccounts) // ten days of all of them
	batch := activity.Batch{Activities: make([]activity.Activity, 0, benchBatch)}
	for a := range simulate.Load(1, *recoveryAccounts, each**recoveryAccounts) {
		at = at.Add(step)
		a.Time, a.Seen = at, at
		if batch.Activities = append(batch.Activities, a); len(batch.Activities) < benchBatch {
			continue
		}
		seq++
		w.engine.Apply(seq, at, &batch)
		batch.Activities = batch.Activities[:0]
	}
	w.last, w.haveOne = journal.Message{Sequence: seq, Time: at}, true
	accounts, _ := w.engine.Size()
	b.ResetTimer()
	for range b.N {
		began := time.Now()
		longest := saveInSteps(b, w)
		b.ReportMetric(time.Since(began).Seconds(), "save-s")
		b.ReportMetric(float64(longest.Microseconds())/1000, "pause-ms")
		info, err := os.Stat(w.saver.files.newest)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/float64(accounts), "file-B/account")
		began = time.Now()
		all, err := readCheckpoints(w.saver.files.newest)
		if err != nil {
			b.Fatal(err)
		}
		l := detector.NewEngine(0, plan, detector.EngineOptions{}).Load()
		_, err = all[len(all)-1].load(l.Add)
		if err := errors.Join(err, l.Finish()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "start-s")
	}
	b.ReportMetric(float64(accounts), "accounts")
}

func recoveryWorker(b *testing.B, plan *detector.Plan) *worker {
	b.Helper()
	w := &worker{
		saver: saver{files: checkpointsOf(b.TempDir(), 0)}, metrics: noMetrics{}, log: zap.NewNop(), sink: &sink{},
		heads: newHeadTable(nil), engine: detector.NewEngine(0, plan, detector.EngineOptions{}), writeCtx: b.Context(),
		told: 1 << 40, // nothing is marked beside the log
	}
	w.reports = newReporter(w)
	w.outbox = &outbox{flying: math.MaxUint64} // nothing is passed on
	w.outbox.changed = sync.NewCond(&w.outbox.mu)
	b.Cleanup(w.writing.Wait)
	return w
}

// saveInSteps saves and returns the longest step for which the worker stopped.
func saveInSteps(b *testing.B, w *worker) (longest time.Duration) {
	b.Helper()
	step := func(do func()) {
		began := time.Now()
		do()
		longest = max(longest, time.Since(began))
	}
	step(w.save)
	s := w.saving
	for s.chunks != nil {
		step(func() { w.goOn(b.Context()) })
		for s.chunks != nil && len(s.spare) == 0 { // the daemon would judge messages, or wait for one
			time.Sleep(100 * time.Microsecond)
		}
	}
	if err := <-s.done; err != nil {
		b.Fatal(err)
	}
	w.saving = nil
	return longest
}
