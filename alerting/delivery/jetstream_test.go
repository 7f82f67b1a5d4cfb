package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting/notify"
)

// onServer returns a Delivery on a server.
func onServer(t *testing.T, js jetstream.JetStream, receivers ...*Receiver) *Delivery {
	t.Helper()
	d, err := New(t.Context(), Config{JS: js, Chance: func() float64 { return 0.01 }})
	if err != nil {
		t.Fatal(err)
	}
	d.pace = pace{
		firstWait: 20 * time.Millisecond, mostWait: time.Second, firstOpen: 50 * time.Millisecond, mostOpen: 200 * time.Millisecond,
		own: 20 * time.Millisecond, stop: 100 * time.Millisecond,
	}
	if err := d.Configure(receivers); err != nil {
		t.Fatal(err)
	}
	return d
}

// eventually waits for something that happens on its own.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not happen", what)
		}
	}
}

func taken(t *testing.T, p *phone) int { t.Helper(); return len(p.calls(t)) }

// TestOutageOnServer is TestOutage in short over a real JetStream.
func TestOutageOnServer(t *testing.T) {
	js := open(t)
	var broken atomic.Bool
	broken.Store(true)
	ill := newPhone(func(*notify.Message) error {
		if broken.Load() {
			return errors.New("connection refused")
		}
		return nil
	})
	well := newPhone(nil)
	stop := run(t, onServer(t, js, &Receiver{Name: "ill", Notifier: ill}, &Receiver{Name: "well", Notifier: well}))
	defer stop()
	want := map[string][]string{}
	for i := range 30 {
		incident, key := fmt.Sprint("i.", i%5), fmt.Sprint("k", i)
		want[incident] = append(want[incident], key)
		if err := NewOutbox(js).Queue(t.Context(), []notify.Message{message("ill", incident, key, notify.Updated), message("well", incident, key, notify.Updated)}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "delivery to the other one", func() bool { return taken(t, well) == 30 })
	if n := taken(t, ill); n != 0 {
		t.Errorf("a receiver that is down took %d", n)
	}
	broken.Store(false)
	eventually(t, "delivery", func() bool { return taken(t, ill) == 30 })
	for _, p := range []*phone{ill, well} {
		if d := cmp.Diff(want, keysOf(p.calls(t))); d != "" {
			t.Errorf("told (-want +got):\n%s", d)
		}
	}
	told := map[string]bool{}
	for _, c := range ill.calls(t) {
		if known := c.receipt != ""; known != told[c.incident] {
			t.Errorf("%s was told with the receipt %q of its incident", c.key, c.receipt)
		}
		told[c.incident] = true
	}
	eventually(t, "an empty queue", func() bool {
		s, err := NewOutbox(js).Status(t.Context(), "ill")
		return err == nil && s.Waiting == 0
	})
}

// TestCrash: killed between the receiver's answer and the record, a message is
// repeated once with the same key and before those behind it; killed between
// the record and the acknowledgement, it is not repeated.
func TestCrash(t *testing.T) {
	for _, tt := range []struct {
		name   string
		after  string // what of the first message is still durable
		repeat bool
	}{
		{"between answer and record", "", true},
		{"between record and acknowledgement", "record", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			n := startNode(t, dir)
			js := n.connect(t)
			if err := Ensure(t.Context(), js, StreamOptions{}); err != nil {
				t.Fatal(err)
			}
			p := newPhone(nil)
			if err := NewOutbox(js).Queue(t.Context(), []notify.Message{
				message("r", "i", "k1", notify.Opened), message("r", "i", "k2", notify.Updated), message("r", "i", "k3", notify.Resolved),
			}); err != nil {
				t.Fatal(err)
			}
			d := onServer(t, js, &Receiver{Name: "r", Notifier: p})
			killed := make(chan struct{})
			d.pace.stop = 2 * time.Second // the second message waits for it, and the server may end slowly
			d.ledger = &dying{ledger: d.ledger, after: tt.after, killed: killed}
			d.open = mute(d.open, killed)
			stop := run(t, d)
			<-killed
			time.Sleep(10 * time.Millisecond)
			n.stop() // and with it all that was on its way
			stop()
			n = startNode(t, dir)
			defer n.stop()
			js = n.connect(t)
			// What is queued while nobody reads must not overtake.
			if err := NewOutbox(js).Queue(t.Context(), []notify.Message{message("r", "i", "k4", notify.Opened)}); err != nil {
				t.Fatal(err)
			}
			stop = run(t, onServer(t, js, &Receiver{Name: "r", Notifier: p}))
			defer stop()
			want := []string{"k1", "k2", "k3", "k4"}
			if tt.repeat {
				want = []string{"k1", "k1", "k2", "k3", "k4"}
			}
			eventually(t, "delivery", func() bool { return taken(t, p) >= len(want) })
			if d := cmp.Diff(want, keysOf(p.calls(t))["i"]); d != "" {
				t.Errorf("told (-want +got):\n%s", d)
			}
		})
	}
}

// dying is a ledger whose process is killed when it writes the first record.
type dying struct {
	ledger
	after  string
	killed chan struct{}
	dead   atomic.Bool
}

func (d *dying) write(ctx context.Context, receiver, incident string, r *Record) error {
	if d.dead.Swap(true) {
		<-ctx.Done()
		return ctx.Err()
	}
	defer close(d.killed)
	if d.after == "record" {
		return d.ledger.write(ctx, receiver, incident, r)
	}
	return errors.New("killed")
}

// mute is a source whose acknowledgements stay away once killed is closed, or
// from the start where the process dies before.
func mute(open func(context.Context, string) (source, error), killed chan struct{}) func(context.Context, string) (source, error) {
	return func(ctx context.Context, receiver string) (source, error) {
		s, err := open(ctx, receiver)
		return muted{s, killed}, err
	}
}

type muted struct {
	source
	killed chan struct{}
}

func (m muted) take(ctx context.Context) (*parcel, error) {
	p, err := m.source.take(ctx)
	if err == nil {
		p.ack = never{}
	}
	return p, err
}

type never struct{}

func (never) InProgress() error { return nil }

func (never) DoubleAck(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestLetters(t *testing.T) {
	js := open(t)
	o := NewOutbox(js)
	var refuses atomic.Bool
	refuses.Store(true)
	p := newPhone(func(*notify.Message) error {
		if refuses.Load() {
			return notify.Permanent(errors.New("401 Unauthorized"))
		}
		return nil
	})
	stop := run(t, onServer(t, js, &Receiver{Name: "r", Notifier: p}))
	defer stop()
	if err := o.Queue(t.Context(), []notify.Message{message("r", "i", "k1", notify.Opened), message("r", "i", "k2", notify.Resolved)}); err != nil {
		t.Fatal(err)
	}
	var letters []Letter
	eventually(t, "two dead letters", func() bool {
		var err error
		if letters, err = o.Letters(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
		return len(letters) == 2
	})
	l := letters[0]
	if l.Message.Key != "k1" || l.Number != 1 || l.Attempts != 1 || l.Error != "401 Unauthorized" || l.Queued.IsZero() || l.Died.Before(l.Queued) {
		t.Errorf("dead letter %+v", l)
	}
	if others, err := o.Letters(t.Context(), "other"); err != nil || len(others) != 0 {
		t.Errorf("another receiver has %v, %v", others, err)
	}
	refuses.Store(false)
	for range 2 { // the second one as after a crash before the letter was deleted
		m, err := o.Retry(t.Context(), &l)
		if err != nil || m.Key != "k1-r1" {
			t.Fatalf("retry: %q, %v", m.Key, err)
		}
	}
	r, err := o.Await(t.Context(), &notify.Message{Receiver: "r", Incident: "i", Key: "k1-r1"}, func(Trying) {})
	if err != nil || r.Receipt != "thread-i" {
		t.Errorf("record %+v, %v", r, err)
	}
	if d := cmp.Diff(map[string][]string{"i": {"k1-r1"}}, keysOf(p.calls(t))); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
	if _, err := o.Letter(t.Context(), 1); !errors.Is(err, ErrNoLetter) {
		t.Errorf("a letter that was retried: %v", err)
	}
	if l, err := o.Letter(t.Context(), 2); err != nil || l.Message.Key != "k2" {
		t.Errorf("the other letter: %+v, %v", l, err)
	}
}

// TestRetryOfWhatIsOver: what the receiver knows to be over is not begun again by
// a letter, which nobody would end any more.
func TestRetryOfWhatIsOver(t *testing.T) {
	js := open(t)
	o := NewOutbox(js)
	p := newPhone(func(m *notify.Message) error {
		if m.Key == "k1" {
			return notify.Permanent(errors.New("401 Unauthorized"))
		}
		return nil
	})
	stop := run(t, onServer(t, js, &Receiver{Name: "r", Notifier: p}))
	defer stop()
	if err := o.Queue(t.Context(), []notify.Message{message("r", "i", "k1", notify.Opened), message("r", "i", "k2", notify.Resolved)}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Await(t.Context(), &notify.Message{Receiver: "r", Incident: "i", Key: "k2"}, func(Trying) {}); err != nil {
		t.Fatal(err)
	}
	l, err := o.Letter(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Retry(t.Context(), &l); !errors.Is(err, ErrOver) {
		t.Errorf("retried: %v, want %v", err, ErrOver)
	}
	if _, err := o.Letter(t.Context(), 1); err != nil {
		t.Errorf("the letter is gone: %v", err)
	}
	if n := len(stored(t, js)); n != 2 {
		t.Errorf("%d messages in the queue, want 2", n)
	}
}

// recalling is an output that goes on with what it told before.
type recalling struct {
	*phone

	resumed chan map[string]string
}

func (r *recalling) Resume(receipts map[string]string) { r.resumed <- receipts }

// TestResume: an output that goes on after a restart is given the newest receipt of
// each incident of its receiver, and of no other.
func TestResume(t *testing.T) {
	js := open(t)
	for _, restart := range []struct {
		receiver, key string
		want          map[string]string
	}{
		{"r", "k1", map[string]string{}},
		{"r", "k2", map[string]string{"i.1": "thread-i.1"}},
		{"other", "k3", map[string]string{}},
		{"r", "k4", map[string]string{"i.1": "thread-i.1", "i": "thread-i"}},
	} {
		o := &recalling{phone: newPhone(nil), resumed: make(chan map[string]string, 2)}
		stop := run(t, onServer(t, js, &Receiver{Name: restart.receiver, Notifier: o}))
		if d := cmp.Diff(restart.want, <-o.resumed); d != "" {
			t.Errorf("before %s (-want +got):\n%s", restart.key, d)
		}
		incident := map[string]string{"k1": "i.1", "k2": "i", "k3": "i.1", "k4": "i"}[restart.key]
		if err := NewOutbox(js).Queue(t.Context(), []notify.Message{message(restart.receiver, incident, restart.key, notify.Opened)}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the message", func() bool { return taken(t, o.phone) == 1 })
		stop()
		if n := len(o.resumed); n != 0 {
			t.Errorf("resumed %d times more", n)
		}
	}
}

// TestToldLongAgo: a message queued again long after it was told, when the
// stream does not recognise it any more, is not told again.
func TestToldLongAgo(t *testing.T) {
	js := open(t)
	p := newPhone(nil)
	stop := run(t, onServer(t, js, &Receiver{Name: "r", Notifier: p}))
	defer stop()
	m := message("r", "i", "k1", notify.Opened)
	if err := NewOutbox(js).Queue(t.Context(), []notify.Message{m}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "delivery", func() bool { return taken(t, p) == 1 })
	again, err := queued(&m)
	if err != nil {
		t.Fatal(err)
	}
	again.Header.Del(jetstream.MsgIDHeader)
	if _, err := js.PublishMsg(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if err := NewOutbox(js).Queue(t.Context(), []notify.Message{message("r", "i", "k2", notify.Resolved)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "delivery", func() bool { return taken(t, p) == 2 })
	if d := cmp.Diff([]string{"k1", "k2"}, keysOf(p.calls(t))["i"]); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// steal takes one message from the receiver's consumer and says nothing of it.
// The courier may make the consumer anew meanwhile, which ends a fetch early.
func steal(ctx context.Context, js jetstream.JetStream) int {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(time.Millisecond) {
		thief, err := js.Consumer(ctx, Stream, consumerName("r"))
		if err != nil {
			continue
		}
		batch, err := thief.Fetch(1, jetstream.FetchMaxWait(time.Second))
		if err != nil {
			continue
		}
		n := 0
		for range batch.Messages() {
			n++
		}
		if n > 0 {
			return n
		}
	}
	return 0
}

// TestMissedMessage: where the server has given a message to somebody who lost
// it, those behind it wait until it is there.
func TestMissedMessage(t *testing.T) {
	js := open(t)
	p := newPhone(nil)
	stop := run(t, onServer(t, js, &Receiver{Name: "r", Notifier: p}))
	defer stop()
	stolen := make(chan int, 1)
	go func() { stolen <- steal(t.Context(), js) }()
	var want []string
	for i := 0; len(stolen) == 0 && i < 2000; i++ {
		want = append(want, fmt.Sprint("k", i))
		if err := NewOutbox(js).Queue(t.Context(), []notify.Message{message("r", "i", want[i], notify.Updated)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := <-stolen; n != 1 {
		t.Fatalf("%d messages were stolen, want 1", n)
	}
	want = append(want, "last")
	if err := NewOutbox(js).Queue(t.Context(), []notify.Message{message("r", "i", "last", notify.Resolved)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "delivery", func() bool { return taken(t, p) >= len(want) })
	if d := cmp.Diff(want, keysOf(p.calls(t))["i"]); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}
