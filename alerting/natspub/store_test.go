package natspub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

func TestEnsure(t *testing.T) {
	_, js := connect(t, false)
	ctx := t.Context()
	if _, err := Open(ctx, js); err == nil || !strings.Contains(err.Error(), "start picket run once") {
		t.Errorf("Open without a stream: %v", err)
	}
	for range 2 {
		if err := Ensure(ctx, js, StreamOptions{Retention: 24 * time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	if err := Ensure(ctx, js, StreamOptions{}); err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(ctx, Stream)
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	if cfg.MaxAge != 17520*time.Hour || cfg.MaxMsgsPerSubject != 200 || cfg.Duplicates != time.Hour || cfg.AllowDirect {
		t.Errorf("stream has age %s, %d per subject, duplicates %s, direct %t", cfg.MaxAge, cfg.MaxMsgsPerSubject, cfg.Duplicates, cfg.AllowDirect)
	}
	bad := []struct {
		name string
		opts StreamOptions
		want string
	}{
		{"short retention", StreamOptions{Retention: time.Minute}, "make it longer"},
		{"other storage", StreamOptions{Storage: jetstream.MemoryStorage}, "storage is fixed"},
	}
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			if err := Ensure(ctx, js, tt.opts); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
	cfg.Metadata[metaVersion] = "9"
	if _, err := js.UpdateStream(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	if err := Ensure(ctx, js, StreamOptions{}); err == nil || !strings.Contains(err.Error(), `layout version "9"`) {
		t.Errorf("a newer layout: %v", err)
	}
}

func TestEnsureRefusesUnsafeStream(t *testing.T) {
	_, js := connect(t, false)
	cfg := streamConfig(StreamOptions{})
	cfg.PersistMode = jetstream.AsyncPersistMode
	if _, err := js.CreateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if err := Ensure(t.Context(), js, StreamOptions{}); err == nil || !strings.Contains(err.Error(), "persist_mode async") {
		t.Errorf("error = %v, want one about persist_mode", err)
	}
}

func TestCompareAndSet(t *testing.T) {
	_, js := connect(t, false)
	s, _ := open(t, js)
	a, _ := alerting.Apply(alerting.Alert{}, finding("e1", detector.Open, 1, 1))
	b := a
	b.ID = "e2"
	a.Revision, b.Revision = 1, 1
	first := s.Put(t.Context(), []alerting.Write{{Alert: a}, {Alert: b}})
	if first[0].Err != nil || first[1].Err != nil || first[1].Seq != first[0].Seq+1 {
		t.Fatalf("first revisions: %+v", first)
	}
	a.Revision, b.Revision = 2, 2
	second := s.Put(t.Context(), []alerting.Write{{Alert: a}, {Alert: b, Expected: first[1].Seq}})
	if !errors.Is(second[0].Err, alerting.ErrConflict) || second[1].Err != nil {
		t.Fatalf("stale and right: %v, %v", second[0].Err, second[1].Err)
	}
	got, err := s.Get(t.Context(), []string{"e2", "none", "e1"})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Alert.Revision != 2 || got[0].Seq != second[1].Seq || got[1].Seq != 0 || got[2].Alert.Revision != 1 {
		t.Errorf("read %+v", got)
	}
	if age := time.Since(got[0].Time); age < 0 || age > time.Minute {
		t.Errorf("stored %s ago", age)
	}
	if got[0].Alert.Evidence[0].Text != "hi" || !got[0].Alert.Opened.Equal(start().Add(time.Second)) {
		t.Errorf("read back %+v", got[0].Alert)
	}
}

func TestHeadsAndWatch(t *testing.T) {
	_, js := connect(t, false)
	s, p := open(t, js)
	if heads, err := s.Heads(t.Context()); err != nil || len(heads) != 0 {
		t.Fatalf("empty stream has heads %v, %v", heads, err)
	}
	m := manager(t, s, p)
	if err := m.Report(t.Context(), []detector.Finding{
		finding("e1", detector.Open, 1, 1), finding("e2", detector.Open, 1, 1), finding("e2", detector.Close, 900, 1),
	}); err != nil {
		t.Fatal(err)
	}
	heads, err := s.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := list(heads); !slices.Equal(got, []string{"e1 1 firing high", "e2 2 resolved high"}) {
		t.Errorf("heads %q", got)
	}

	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan alerting.Head, 16)
	var g errgroup.Group
	g.Go(func() error { return s.Watch(ctx, func(h alerting.Head) { seen <- h }) })
	first := []alerting.Head{<-seen, <-seen}
	if _, err := m.Act(t.Context(), "e1", alerting.Deed{Action: alerting.ActionAck, Actor: "jana"}); err != nil {
		t.Fatal(err)
	}
	next := <-seen
	cancel()
	if err := g.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("Watch ended with %v", err)
	}
	if got := list(first); !slices.Equal(got, []string{"e1 1 firing high", "e2 2 resolved high"}) {
		t.Errorf("watched first %q", got)
	}
	if got := list([]alerting.Head{next}); !slices.Equal(got, []string{"e1 2 acknowledged high"}) {
		t.Errorf("watched next %q", got)
	}
}

// TestHeadsOfAlertsThatAreRevised: an alert that is revised while the list is
// read is listed once, by its last revision.
func TestHeadsOfAlertsThatAreRevised(t *testing.T) {
	_, js := connect(t, false)
	s, _ := open(t, js)
	if _, err := js.Publish(t.Context(), StateSubject("forged"), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	const others = 600 // more than the server sends at once, so that the list has not been read to its end
	a, _ := alerting.Apply(alerting.Alert{}, finding("e1", detector.Open, 1, 1))
	a.Revision = 1
	writes := []alerting.Write{{Alert: a}}
	for i := range others {
		other := a
		other.ID = fmt.Sprint("other-", i)
		writes = append(writes, alerting.Write{Alert: other})
	}
	stored := s.Put(t.Context(), writes)
	for _, r := range stored {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	s.Damaged = func(string, error) { // it is the first of the list
		again := a
		again.Revision, again.State = 2, alerting.Resolved
		if r := s.Put(t.Context(), []alerting.Write{{Alert: again, Expected: stored[0].Seq}}); r[0].Err != nil {
			t.Error(r[0].Err)
		}
		if !counted(t, js, 2+others+1) {
			t.Error("the server never counts the revision among what it has to send")
		}
	}
	heads, err := s.Heads(t.Context())
	if err != nil || len(heads) != 1+others {
		t.Errorf("%d heads (%v), want %d", len(heads), err, 1+others)
	}
	heads = slices.DeleteFunc(heads, func(h alerting.Head) bool { return h.ID != "e1" })
	if got := list(heads); !slices.Equal(got, []string{"e1 2 resolved high"}) {
		t.Errorf("heads %q, want the last revision alone", got)
	}
}

// counted waits until each consumer of the stream has so many messages, sent or
// to be sent: the server counts a stored one a moment later.
func counted(t *testing.T, js jetstream.JetStream, messages uint64) bool {
	t.Helper()
	stream, err := js.Stream(t.Context(), Stream)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		all := stream.ListConsumers(t.Context())
		ready := true
		for c := range all.Info() {
			ready = ready && c.Delivered.Consumer+c.NumPending >= messages
		}
		if ready && all.Err() == nil {
			return true
		}
	}
	return false
}

// TestBriefTravels reads what alerts say of themselves back from headers,
// whatever was put into them, and does without where an older Picket wrote none.
func TestBriefTravels(t *testing.T) {
	_, js := connect(t, false)
	s, p := open(t, js)
	f := finding("e1", detector.Open, 1, 1)
	f.Account, f.Rule.Title = "x/ümläut \"q\"", "Two\r\nLines: 漢字"
	f.Reasons[0].Seen = " country\x00 RO\n"
	m := manager(t, s, p)
	if err := m.Report(t.Context(), []detector.Finding{f}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Act(t.Context(), "e1", alerting.Deed{Action: alerting.ActionResolve, Actor: "jana", Verdict: alerting.VerdictFalse}); err != nil {
		t.Fatal(err)
	}
	a, err := m.Get(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	old, err := stateMsg(&alerting.Alert{ID: "e2", Revision: 1, State: alerting.Firing})
	if err != nil {
		t.Fatal(err)
	}
	old.Header.Del(HeaderBrief)
	if _, err := js.PublishMsg(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	heads, err := s.Heads(t.Context())
	if err != nil || len(heads) != 2 {
		t.Fatalf("heads %+v, %v", heads, err)
	}
	want := alerting.Brief{
		Rule: f.Rule.ID, Title: f.Rule.Title, Account: f.Account, First: start(), Words: f.Reasons[0].Seen,
		Mode: rules.Enforce, Verdict: alerting.VerdictFalse, Opened: start().Add(time.Second), ByHand: true,
	}
	if heads[0].Brief != want || alerting.BriefOf(&a) != want {
		t.Errorf("brief %+v, want %+v", heads[0].Brief, want)
	}
	if heads[1].ID != "e2" || heads[1].Brief != (alerting.Brief{}) {
		t.Errorf("an older alert: %+v", heads[1])
	}
}

func list(heads []alerting.Head) []string {
	var out []string
	for _, h := range heads {
		out = append(out, fmt.Sprintf("%s %d %s %s", h.ID, h.Revision, h.State, h.Level))
	}
	slices.Sort(out)
	return out
}

// TestForgedStateIsPassedOver puts messages under alert states that are none.
func TestForgedStateIsPassedOver(t *testing.T) {
	_, js := connect(t, false)
	ctx := t.Context()
	if err := Ensure(ctx, js, StreamOptions{}); err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, js)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	s.Damaged = func(subject string, err error) { told = append(told, subject+": "+err.Error()) }
	if _, err := js.Publish(ctx, "picket.alertstate.forged", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	heads, err := s.Heads(ctx)
	if err != nil || len(heads) != 0 {
		t.Errorf("heads %v, %v; want none and no error", heads, err)
	}
	if len(told) != 1 || !strings.Contains(told[0], "picket.alertstate.forged: stream ALERTS, sequence 1: header") {
		t.Errorf("told %q", told)
	}
}

// TestTwoDaemons lets two managers report the same findings at the same time.
func TestTwoDaemons(t *testing.T) {
	_, js := connect(t, false)
	s, p := open(t, js)
	var log []detector.Finding
	for i := range 60 {
		id := fmt.Sprintf("e%d", i%20)
		phase := []detector.Phase{detector.Open, detector.Update, detector.Close}[i/20]
		log = append(log, finding(id, phase, float64(i*2), i/20+1))
	}
	seen := &conflicts{}
	var g errgroup.Group
	for range 2 {
		m, err := alerting.New(alerting.Config{Store: s, Publisher: p, Observer: seen})
		if err != nil {
			t.Fatal(err)
		}
		g.Go(func() error {
			for part := range slices.Chunk(log, 5) {
				if err := m.Report(t.Context(), part); err != nil {
					return err
				}
			}
			return m.Sync(t.Context())
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	heads, err := s.Heads(t.Context())
	if err != nil || len(heads) != 20 {
		t.Fatalf("%d alerts (%v), want 20", len(heads), err)
	}
	for _, h := range heads {
		if h.Revision != 3 || h.State != alerting.Resolved {
			t.Errorf("alert %s: revision %d, %s, want 3, resolved", h.ID, h.Revision, h.State)
		}
	}
	if n := len(copies(t, js)); n != 60 {
		t.Errorf("%d copies, want 60", n)
	}
	if seen.n == 0 {
		t.Error("the daemons never met, so this test shows nothing")
	}
}

// conflicts counts how often writers met.
type conflicts struct {
	mu sync.Mutex
	n  int
}

func (c *conflicts) Conflicted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}
func (*conflicts) Revised(*alerting.Alert)              {}
func (*conflicts) Published(*alerting.Alert, time.Time) {}
func (*conflicts) PublishFailed(int)                    {}

// dying is a Publisher whose process dies before it publishes.
type dying struct{ alerting.Publisher }

var errDead = errors.New("killed")

func (dying) Publish(context.Context, []alerting.Alert) error { return errDead }

func TestCrashBetweenStateAndCopy(t *testing.T) {
	_, js := connect(t, false)
	s, p := open(t, js)
	findings := []detector.Finding{finding("e1", detector.Open, 1, 1), finding("e2", detector.Open, 1, 1)}
	if err := manager(t, s, dying{p}).Report(t.Context(), findings); !errors.Is(err, errDead) {
		t.Fatalf("error = %v, want the publisher's", err)
	}
	if n := len(copies(t, js)); n != 0 {
		t.Fatalf("%d copies after the crash, want 0", n)
	}
	for range 3 { // every restart replays
		m := manager(t, s, p)
		if err := m.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := m.Report(t.Context(), findings); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(copies(t, js)); n != 2 {
		t.Errorf("%d copies after three restarts, want 2", n)
	}
	heads, err := s.Heads(t.Context())
	if err != nil || !slices.Equal(list(heads), []string{"e1 1 firing high", "e2 1 firing high"}) {
		t.Errorf("states %q, %v", list(heads), err)
	}
}

func TestHistoryIsKept(t *testing.T) {
	_, js := connect(t, false)
	s, p := open(t, js)
	m := manager(t, s, p)
	if err := m.Report(t.Context(), []detector.Finding{finding("e1", detector.Open, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	for i := range 219 {
		if err := m.Report(t.Context(), []detector.Finding{finding("e1", detector.Update, float64(i+1), i+2)}); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := js.Stream(t.Context(), Stream)
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(statePrefix+">"))
	if err != nil {
		t.Fatal(err)
	}
	if n := info.State.Subjects[StateSubject("e1")]; n != 200 {
		t.Errorf("%d revisions kept, want 200", n)
	}
}

func TestServerAway(t *testing.T) {
	nc, js := connect(t, false)
	s, p := open(t, js)
	m := manager(t, s, p)
	nc.Close()
	err := m.Report(t.Context(), []detector.Finding{finding("e1", detector.Open, 1, 1)})
	if err == nil || !strings.Contains(err.Error(), "store alert e1") {
		t.Errorf("error = %v, want one about the alert", err)
	}
}

// BenchmarkReport tells what a finding costs until its alert is durable, with
// an fsync for every message, 100 findings a batch.
func BenchmarkReport(b *testing.B) {
	_, js := connect(b, true)
	s, p := open(b, js)
	m := manager(b, s, p)
	n := 0
	for b.Loop() {
		batch := make([]detector.Finding, 100)
		for i := range batch {
			batch[i] = finding(fmt.Sprintf("e%d", n), detector.Open, 1, 1)
			n++
		}
		if err := m.Report(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "findings/s")
}
