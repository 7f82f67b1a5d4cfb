package e2e

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/bluesky"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
)

const account = "bluesky/acme-shop.test"

// daemon is what of Picket's daemon an account passes through: the scheduler,
// and a journal in a real NATS server.
type daemon struct {
	t       *testing.T
	journal *journal.Journal
	reader  *journal.Reader
	all     []activity.Activity
}

// polled is the collector without its stream, another one for each hint.
type polled struct {
	collectors.Collector
	n int
}

func newDaemon(t *testing.T, cfg bluesky.Config) *daemon {
	t.Helper()
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j, err := journal.Open(t.Context(), js, journal.Config{Partitions: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	reader, err := j.Read(t.Context(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Close)
	client := collectors.NewClient(nil, collectors.ClientOptions{})
	t.Cleanup(client.CloseIdleConnections)
	c, err := bluesky.New(cfg, collectors.Deps{HTTP: client, Log: zaptest.NewLogger(t), Now: time.Now, Sessions: &sessions{}})
	if err != nil {
		t.Fatal(err)
	}
	run(t, collectors.NewScheduler(collectors.Options{Logs: j, Log: zaptest.NewLogger(t)}), c)
	return &daemon{t: t, journal: j, reader: reader}
}

// run polls once an hour and whenever the stream hints, until the test ends.
func run(t *testing.T, s *collectors.Scheduler, c *bluesky.Collector) {
	t.Helper()
	hints := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	t.Cleanup(func() { cancel(); running.Wait() })
	set := func(n int) {
		// A task that is new is due at once, and so is one with another
		// collector whose poll is under way.
		task := collectors.Task{Source: account, Network: bluesky.Network, Collector: &polled{Collector: c, n: n}, Every: time.Hour}
		for _, tasks := range [][]collectors.Task{nil, {task}} {
			if err := s.Set(tasks); err != nil {
				t.Error(err)
			}
		}
	}
	set(0)
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-hints:
				set(n)
			}
		}
	})
	running.Go(func() {
		err := c.Watch(ctx, func() {
			select {
			case hints <- struct{}{}:
			default: // one is under way
			}
		})
		if ctx.Err() == nil {
			t.Errorf("the event stream ended: %v", err)
		}
	})
}

// await reads the journal until an activity is what is wanted.
func (d *daemon) await(what string, is func(activity.Activity) bool) {
	d.t.Helper()
	if slices.ContainsFunc(d.all, is) {
		return
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	for {
		m, err := d.reader.Next(ctx)
		if err != nil {
			d.t.Fatalf("%s did not come within %s: %v; there are %+v", what, patience, err, d.all)
		}
		found := false
		for _, a := range d.read(&m) {
			d.all = append(d.all, a)
			found = found || is(a)
		}
		if found {
			return
		}
	}
}

// once fails where a post is not in the journal exactly once.
func (d *daemon) once(ids ...string) {
	d.t.Helper()
	for _, id := range ids {
		n := 0
		for _, a := range d.all {
			if a.ID == id {
				n++
			}
		}
		if n != 1 {
			d.t.Errorf("%s is %d times in the journal, want once", id, n)
		}
	}
}

// read decodes a page of the journal; other messages hold no activity.
func (d *daemon) read(m *journal.Message) []activity.Activity {
	d.t.Helper()
	if m.Type != journal.Page {
		return nil
	}
	var decoder activity.Decoder
	var batch activity.Batch
	if err := decoder.Batch(m.Data, &batch); err != nil {
		d.t.Fatal(err)
	}
	return batch.Activities
}
