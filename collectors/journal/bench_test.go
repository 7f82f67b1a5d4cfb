package journal_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
)

// The benchmarks put each way of using the journal beside bare JetStream with
// the same bytes in the same durability mode; ns/op is per activity.

func benchActivity(i int) activity.Activity {
	a := post(fmt.Sprintf("x/account-%d", i%1000), i)
	a.Text = strings.Repeat("a message of some length ", 28)
	a.App, a.Lang, a.Actor = "Publishing Suite", "en", "editor-2"
	a.Geo = activity.Geo{Country: "DE", City: "Berlin", ASN: activity.Some(64500)}
	return a
}

func benchBatch(n int) activity.Batch {
	var b activity.Batch
	for i := range n {
		b.Activities = append(b.Activities, benchActivity(i))
	}
	return b
}

var modes = []struct {
	name   string
	change func(*server.Options)
}{
	{"process", func(o *server.Options) { o.SyncInterval = 100 * time.Millisecond }},
	{"power", func(o *server.Options) { o.SyncAlways = true }},
}

func BenchmarkAppend(b *testing.B) {
	for _, mode := range modes {
		for _, size := range []int{1, 100} {
			batch := benchBatch(size)
			data := activity.AppendBatch(nil, &batch)
			b.Run(fmt.Sprintf("%s/%d/bare", mode.name, size), func(b *testing.B) {
				js := journaltest.Connect(b, journaltest.Server(b, b.TempDir(), mode.change))
				open(b, js, journal.Config{})
				b.SetBytes(int64(len(data) / size))
				for n := 0; n < b.N; n += size {
					if _, err := js.PublishAsync("picket.activity.0.bulk", data, jetstream.WithStallWait(time.Minute)); err != nil {
						b.Fatal(err)
					}
				}
				<-js.PublishAsyncComplete()
			})
			if size == 1 {
				continue // the journal gathers single activities by itself
			}
			b.Run(fmt.Sprintf("%s/%d/journal", mode.name, size), func(b *testing.B) {
				js := journaltest.Connect(b, journaltest.Server(b, b.TempDir(), mode.change))
				j := open(b, js, journal.Config{})
				b.SetBytes(int64(len(data) / size))
				chunk := benchBatch(size).Activities
				var left atomic.Int64
				left.Store(int64(b.N))
				var senders sync.WaitGroup
				for range 32 {
					senders.Go(func() {
						for left.Add(-int64(size)) > -int64(size) {
							for _, err := range j.Submit(b.Context(), chunk) {
								if err != nil {
									b.Error(err)
								}
							}
						}
					})
				}
				senders.Wait()
			})
		}
	}
}

func BenchmarkPageCompareAndSet(b *testing.B) {
	batch := benchBatch(1)
	batch.Activities[0].Account = "x/acme"
	batch.Cursor = []byte(`{"since":"1"}`)
	data := activity.AppendBatch(nil, &batch)
	b.Run("bare", func(b *testing.B) {
		js := journaltest.Connect(b, journaltest.Server(b, b.TempDir(), modes[0].change))
		open(b, js, journal.Config{})
		var last uint64
		for b.Loop() {
			ack, err := js.Publish(b.Context(), "picket.activity.0.x.acme", data, jetstream.WithExpectLastSequencePerSubject(last))
			if err != nil {
				b.Fatal(err)
			}
			last = ack.Sequence
		}
	})
	b.Run("journal", func(b *testing.B) {
		js := journaltest.Connect(b, journaltest.Server(b, b.TempDir(), modes[0].change))
		l := openLog(b, open(b, js, journal.Config{}), "x/acme")
		for b.Loop() {
			if err := l.Append(b.Context(), &batch); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkFirstPage is the first compare-and-set of ever new accounts; it also
// reports what the server keeps in memory for each account's subject.
func BenchmarkFirstPage(b *testing.B) {
	js := journaltest.Connect(b, journaltest.Server(b, b.TempDir(), modes[0].change))
	open(b, js, journal.Config{})
	data := []byte(`{"v":1,"cursor":1,"activities":[]}`)
	before := heap()
	i := 0
	for b.Loop() {
		i++
		if _, err := js.PublishAsync(fmt.Sprintf("picket.activity.0.x.account-%d", i), data, jetstream.WithExpectLastSequencePerSubject(0)); err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	b.StopTimer()
	b.ReportMetric(float64(heap()-before)/float64(i), "B/account")
}

// heap returns the bytes in use after a collection.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkConsume(b *testing.B) {
	for _, size := range []int{1, 100} {
		srv := journaltest.Server(b, b.TempDir(), modes[0].change)
		js := journaltest.Connect(b, srv)
		j := open(b, js, journal.Config{})
		const messages = 20_000
		batch := benchBatch(size)
		data := activity.AppendBatch(nil, &batch)
		n := max(messages/size, 200)
		for range n {
			if _, err := js.PublishAsync("picket.activity.0.bulk", data); err != nil {
				b.Fatal(err)
			}
		}
		<-js.PublishAsyncComplete()
		b.Run(fmt.Sprintf("%d/bare", size), func(b *testing.B) {
			consume(b, size, n, func() func() []byte {
				return bareReader(b, js, jetstream.OrderedConsumerConfig{})
			}, func([]byte) {})
		})
		b.Run(fmt.Sprintf("%d/two filters", size), func(b *testing.B) {
			filters := []string{"picket.activity.0.bulk", "picket.activity.0.none"}
			consume(b, size, n, func() func() []byte {
				return bareReader(b, js, jetstream.OrderedConsumerConfig{FilterSubjects: filters})
			}, func([]byte) {})
		})
		for _, decoded := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/journal decode=%v", size, decoded), func(b *testing.B) {
				var d activity.Decoder
				var into activity.Batch
				consume(b, size, n, func() func() []byte {
					r, err := j.Read(b.Context(), 0, 1)
					if err != nil {
						b.Fatal(err)
					}
					b.Cleanup(r.Close)
					return func() []byte {
						m, err := r.Next(b.Context())
						if err != nil {
							b.Fatal(err)
						}
						return m.Data
					}
				}, func(data []byte) {
					if decoded {
						if err := d.Batch(data, &into); err != nil {
							b.Fatal(err)
						}
					}
				})
			})
		}
	}
}

// consume reads b.N activities, starting again when the n messages are read.
func consume(b *testing.B, size, n int, start func() func() []byte, use func([]byte)) {
	b.Helper()
	left := 0
	var next func() []byte
	for i := 0; i < b.N; i += size {
		if left == 0 {
			left, next = n, start()
		}
		use(next())
		left--
	}
}

func bareReader(b *testing.B, js jetstream.JetStream, cfg jetstream.OrderedConsumerConfig) func() []byte {
	b.Helper()
	ctx := b.Context()
	cons, err := js.OrderedConsumer(ctx, "ACTIVITY_0", cfg)
	if err != nil {
		b.Fatal(err)
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(1000))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(it.Stop)
	return func() []byte {
		msg, err := it.Next()
		if err != nil {
			b.Fatal(err)
		}
		return msg.Data()
	}
}
