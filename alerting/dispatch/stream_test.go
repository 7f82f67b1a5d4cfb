package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/delivery"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/alerting/natstest"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

// serve runs a JetStream server with the streams of alerts, incidents and
// messages, in memory.
func serve(t *testing.T) jetstream.JetStream {
	t.Helper()
	_, js := natstest.Connect(t, natstest.Serve(t, nil))
	for range 2 { // the second finds them
		err := errors.Join(
			natspub.Ensure(t.Context(), js, natspub.StreamOptions{Storage: jetstream.MemoryStorage}),
			delivery.Ensure(t.Context(), js, delivery.StreamOptions{Storage: jetstream.MemoryStorage}),
			Ensure(t.Context(), js, StreamOptions{Storage: jetstream.MemoryStorage}),
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	return js
}

func open(t *testing.T, js jetstream.JetStream) *StreamStore {
	t.Helper()
	s, err := Open(t.Context(), js)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func record(id string, level rules.Level) *Record {
	return &Record{V: Version, Incident: &incident.Incident{V: incident.Version, ID: id, State: alerting.Firing, Level: level, Opened: start(), Members: []incident.Member{{Alert: id, State: alerting.Firing, Level: level}}}}
}

func TestStreamStore(t *testing.T) {
	js := serve(t)
	s := open(t, js)
	empty, err := s.Load(t.Context())
	if err != nil || len(empty.Records) > 0 || empty.Fence != 0 {
		t.Fatalf("loaded %+v, %v from an empty stream", empty, err)
	}
	closed := record("b", rules.Low)
	closed.Closed = true
	desk := &Desk{V: Version, Receiver: "ops", Digest: start()}
	fence, err := s.Put(t.Context(), []Document{{Desk: desk}, {Record: record("a", rules.High)}, {Record: closed}, {Mark: 7}}, 0)
	if err != nil || fence != 4 {
		t.Fatalf("fence %d, %v; want 4", fence, err)
	}
	got, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got.Created = time.Time{}
	want := Stored{Records: []Record{*record("a", rules.High)}, Desks: []Desk{*desk}, Mark: 7, Fence: 4}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("loaded (-want +got):\n%s", diff)
	}
	if _, err := s.Put(t.Context(), []Document{{Mark: 8}, {Mark: 9}}, 3); !errors.Is(err, alerting.ErrConflict) {
		t.Errorf("a writer behind another: %v, want ErrConflict", err)
	}
	// None of it got in, not even what follows the right sequence by chance.
	if _, err := s.Put(t.Context(), []Document{{Record: record("a", rules.Critical)}}, 4); err != nil {
		t.Error(err)
	}
	heads, err := s.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, h := range heads {
		ids = append(ids, h.ID+" "+string(h.Level))
	}
	slices.Sort(ids)
	if diff := cmp.Diff([]string{"a critical", "b low"}, ids); diff != "" {
		t.Errorf("heads (-want +got):\n%s", diff)
	}
	if _, err := s.Get(t.Context(), "none"); !errors.Is(err, alerting.ErrNotFound) {
		t.Errorf("an incident that is not there: %v, want ErrNotFound", err)
	}
}

func TestNewerLayout(t *testing.T) {
	js := serve(t)
	newer := record("a", rules.High)
	newer.V = Version + 1
	if _, err := open(t, js).Put(t.Context(), []Document{{Record: newer}}, 0); err != nil {
		t.Fatal(err)
	}
	const want = "stream INCIDENTS, sequence 1: field v: version 2, this Picket reads 1 to 1: upgrade it"
	if _, err := open(t, js).Load(t.Context()); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestRunners has two dispatchers on one server tell of alerts, one of which is
// killed on the way.
func TestRunners(t *testing.T) {
	js := serve(t)
	alerts, err := natspub.Open(t.Context(), js)
	if err != nil {
		t.Fatal(err)
	}
	run := func() (stop func()) {
		r, err := New(Config{Alerts: alerts, Store: open(t, js), Outbox: delivery.NewOutbox(js), Policy: policy()})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { _ = r.Run(ctx) })
		return func() { cancel(); group.Wait() }
	}
	stop, stopOther := run(), run()
	defer stopOther()
	now := time.Now().UTC()
	store := func(a alerting.Alert, expected uint64) uint64 {
		t.Helper()
		r := alerts.Put(t.Context(), []alerting.Write{{Alert: a, Expected: expected}})[0]
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		return r.Seq
	}
	a, b := firing("aaaaaa", "x/acme", rules.Critical, now), firing("bbbbbb", "x/beta", rules.High, now)
	seq := store(a, 0)
	waitForMessages(t, js, "x/acme opened")
	stop()
	store(b, 0)
	store(moved(a, alerting.Acknowledged, "jane", now), seq)
	waitForMessages(t, js, "x/acme opened", "x/acme acknowledged", "x/beta opened")
	defer run()() // a third one reads what the others wrote, and has nothing to tell
	c := firing("cccccc", "x/gamma", rules.Medium, now)
	store(c, 0)
	got := waitForMessages(t, js, "x/acme opened", "x/acme acknowledged", "x/beta opened", "x/gamma opened")
	for _, m := range got {
		if m.Title == "" || len(m.Lines) < 5 {
			t.Errorf("%s says %q and %d lines", m.Key, m.Title, len(m.Lines))
		}
	}
}

// waitForMessages waits until these messages, and no others, are queued.
func waitForMessages(t *testing.T, js jetstream.JetStream, want ...string) []notify.Message {
	t.Helper()
	slices.Sort(want)
	var got []string
	var all []notify.Message
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		all = queuedMessages(t, js)
		got = nil
		for _, m := range all {
			got = append(got, m.Account+" "+string(m.Kind))
		}
		slices.Sort(got)
		if slices.Equal(got, want) {
			return all
		}
	}
	t.Fatalf("queued %v, want %v", got, want)
	return nil
}

// queuedMessages reads what is in the outbox.
func queuedMessages(t *testing.T, js jetstream.JetStream) []notify.Message {
	t.Helper()
	s, err := js.Stream(t.Context(), delivery.Stream)
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []notify.Message
	for seq := uint64(1); seq <= info.State.LastSeq; seq++ {
		msg, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		var m notify.Message
		if err := json.Unmarshal(msg.Data, &m); err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// TestDamagedAlert: an alert that cannot be read keeps nobody from being told of
// the others.
func TestDamagedAlert(t *testing.T) {
	js := serve(t)
	alerts, err := natspub.Open(t.Context(), js)
	if err != nil {
		t.Fatal(err)
	}
	damaged := &nats.Msg{Subject: natspub.StateSubject("dddddd"), Data: []byte("{"), Header: nats.Header{
		natspub.HeaderRevision: {"1"}, natspub.HeaderState: {"firing"}, natspub.HeaderLevel: {"critical"},
	}}
	if _, err := js.PublishMsg(t.Context(), damaged); err != nil {
		t.Fatal(err)
	}
	r := alerts.Put(t.Context(), []alerting.Write{{Alert: firing("aaaaaa", "x/acme", rules.Critical, time.Now().UTC())}})[0]
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	d, err := New(Config{Alerts: alerts, Store: open(t, js), Outbox: delivery.NewOutbox(js), Policy: policy()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = d.Run(ctx) })
	defer func() { cancel(); group.Wait() }()
	waitForMessages(t, js, "x/acme opened")
	if err := d.Failing(); err != nil {
		t.Error(err)
	}
}
