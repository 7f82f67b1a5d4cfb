package app

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
	"github.com/picketd/picket/collectors/simulate"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/packs"
)

const (
	benchAccounts = 1_000_000
	benchSenders  = 4
	benchBatch    = 100
	benchInFlight = 64
)

func processDurability(o *server.Options) { o.SyncInterval = syncInterval }

// BenchmarkWholePath takes activities from the intake through journal,
// detector and built-in rules to durable alerts, beside bare JetStream publish
// and consume of the same bytes in the same durability mode; ns/op is per
// activity. On a machine that others use too, the CPU time says more:
// cpu-ns/op is without what making the activities takes, which bare does before
// it starts, and which making-ns/op says as measured before, by itself.
func BenchmarkWholePath(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		js := journaltest.Connect(b, journaltest.Server(b, b.TempDir(), processDurability))
		openJournal(b, js)
		messages := encoded(slices.Collect(simulate.Load(1, benchAccounts, b.N)))
		b.ResetTimer()
		used := cpuTime()
		done := make(chan struct{})
		go func() {
			defer close(done)
			bareConsume(b, js, len(messages))
		}()
		for i, m := range messages {
			if i%benchInFlight == 0 {
				<-js.PublishAsyncComplete() // the server refuses what is more than it can queue
			}
			if _, err := js.PublishAsync("picket.activity.0.bulk", m, jetstream.WithStallWait(time.Minute)); err != nil {
				b.Error(err)
				return
			}
		}
		<-done
		b.ReportMetric(float64(cpuTime()-used)/float64(b.N), "cpu-ns/op")
	})
	b.Run("picket", func(b *testing.B) {
		js := journaltest.Connect(b, journaltest.Server(b, b.TempDir(), processDurability))
		j := openJournal(b, js)
		w := benchWorker(b, js, j)
		ctx, stop := context.WithCancel(b.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := w.run(ctx); err != nil {
				b.Error(err)
			}
		})
		making := makeAll(b.N)
		b.ResetTimer()
		used := cpuTime()
		submitAll(b, j, b.N)
		for w.metrics.(*benchMetrics).done.Load() < uint64(b.N) {
			time.Sleep(time.Millisecond)
		}
		b.StopTimer()
		b.ReportMetric(float64(cpuTime()-used-making)/float64(b.N), "cpu-ns/op")
		b.ReportMetric(float64(making)/float64(b.N), "making-ns/op")
		stop()
		running.Wait()
		b.ReportMetric(float64(w.engine.Stats().Findings), "findings")
	})
}

// cpuTime is what the process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func openJournal(b *testing.B, js jetstream.JetStream) *journal.Journal {
	b.Helper()
	j, err := journal.Open(b.Context(), js, journal.Config{Partitions: 1}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(j.Close)
	return j
}

func encoded(acts []activity.Activity) [][]byte {
	var out [][]byte
	for chunk := range slices.Chunk(acts, benchBatch) {
		out = append(out, activity.AppendBatch(nil, &activity.Batch{Activities: chunk}))
	}
	return out
}

func bareConsume(b *testing.B, js jetstream.JetStream, messages int) {
	b.Helper()
	cons, err := js.OrderedConsumer(b.Context(), journal.StreamName(0), jetstream.OrderedConsumerConfig{})
	if err != nil {
		b.Error(err)
		return
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(1000))
	if err != nil {
		b.Error(err)
		return
	}
	defer it.Stop()
	for range messages {
		if _, err := it.Next(); err != nil {
			b.Error(err)
			return
		}
	}
}

// chunks yields n activities by the thousand, each chunk in the room that spare
// gives for it.
func chunks(n int, spare func() []activity.Activity) iter.Seq[[]activity.Activity] {
	return func(yield func([]activity.Activity) bool) {
		chunk := spare()
		for a := range simulate.Load(1, benchAccounts, n) {
			if chunk = append(chunk, a); len(chunk) == cap(chunk) {
				if !yield(chunk) {
					return
				}
				chunk = spare()
			}
		}
		yield(chunk)
	}
}

// makeAll makes n activities and throws them away; it returns the CPU time that
// this takes.
func makeAll(n int) time.Duration {
	room := make([]activity.Activity, 0, 10*benchBatch)
	used := cpuTime()
	for range chunks(n, func() []activity.Activity { return room }) {
	}
	return cpuTime() - used
}

// submitAll submits n activities, which are made meanwhile: what collections do
// with a million that wait is not the path's. Nor is what they do with those
// that are submitted, so these are made in the same room again.
func submitAll(b *testing.B, j *journal.Journal, n int) {
	b.Helper()
	full := make(chan []activity.Activity)
	spare := make(chan []activity.Activity, benchSenders+1)
	var senders sync.WaitGroup
	for range benchSenders {
		senders.Go(func() {
			for chunk := range full {
				for _, err := range j.Submit(b.Context(), chunk) {
					if err != nil {
						b.Error(err)
					}
				}
				spare <- chunk[:0]
			}
		})
	}
	for range cap(spare) {
		spare <- make([]activity.Activity, 0, 10*benchBatch)
	}
	for chunk := range chunks(n, func() []activity.Activity { return <-spare }) {
		full <- chunk
	}
	close(full)
	senders.Wait()
}

func benchWorker(b *testing.B, js jetstream.JetStream, j *journal.Journal) *worker {
	b.Helper()
	ctx := b.Context()
	if err := natspub.Ensure(ctx, js, natspub.StreamOptions{}); err != nil {
		b.Fatal(err)
	}
	store, err := natspub.Open(ctx, js)
	if err != nil {
		b.Fatal(err)
	}
	m, err := alerting.New(alerting.Config{Store: store, Publisher: natspub.NewPublisher(js, natspub.PublisherOptions{})})
	if err != nil {
		b.Fatal(err)
	}
	files, err := packs.Load("social")
	if err != nil {
		b.Fatal(err)
	}
	plans := newPlanStore(j)
	if _, _, err := plans.put(ctx, detector.Set{Rules: files}); err != nil {
		b.Fatal(err)
	}
	marks, err := journal.OpenMarks(ctx, js, 1)
	if err != nil {
		b.Fatal(err)
	}
	w := &worker{
		journal: j, marks: marks, sink: m, plans: plans, saver: saver{files: checkpointsOf(b.TempDir(), 0)}, every: time.Hour,
		coverage: &coverer{partitions: 1, cfg: newCurrent(&config.Config{}), metrics: &tallies{}},
		costs:    &costs{sampling: usualSampling(), metrics: noCosts{}, budget: func() config.Budget { return config.Budget{Span: time.Minute, Action: config.BudgetOff} }},
		log:      zap.NewNop(), heads: newHeadTable(nil),
	}
	w.metrics = &benchMetrics{w: w}
	return w
}

// benchMetrics notes how far the detector is.
type benchMetrics struct {
	w    *worker
	done atomic.Uint64
}

func (m *benchMetrics) Progress(int, uint64, uint64, time.Time) {
	m.done.Store(m.w.engine.Stats().Activities)
}
func (*benchMetrics) Latency(string, time.Duration, time.Duration, time.Duration) {}
func (*benchMetrics) Damaged(int)                                                 {}
func (*benchMetrics) Remembered(int, int, int64)                                  {}
func (*benchMetrics) Unchanged(int)                                               {}
func (*benchMetrics) Late(int, uint64)                                            {}
func (*benchMetrics) Evicted(int, detector.Evicted)                               {}
func (*benchMetrics) Learned(int, string, int, int)                               {}
func (*benchMetrics) Finding(*rules.Rule)                                         {}
func (*benchMetrics) Checkpointed(int, int, time.Duration)                        {}
