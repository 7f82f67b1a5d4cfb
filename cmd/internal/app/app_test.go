package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// A client that is closed while the goroutine behind its first
		// asynchronous publish starts leaves it waiting on a nil channel
		// (nats.go 1.55).
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.init.0.func1"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).startRateLimitLogExpiration"))
}

// site is a data directory with its configuration.
type site struct{ dir, config string }

func newSite(t *testing.T, more string) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{dir: dir, config: filepath.Join(dir, "picket.yaml")}
	text := "data_dir: ./data\nhttp: {listen: 127.0.0.1:0}\nnats: {listen: 127.0.0.1:0}\njournal: {durability: process, reserve: 1MiB}\ndetector: {checkpoint: 1s}\n" +
		"accounts:\n- {account: x/acme, guarded_by: [okta/ann]}\n" + more
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// setReserve changes the free space below which intake stops.
func (s *site) setReserve(t *testing.T, reserve string) {
	t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "reserve: 1MiB", "reserve: "+reserve, 1)
	if err := os.WriteFile(s.config, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

func loadSite(s *site) (*config.Config, error) { return config.Load(s.config, os.Getenv) }

func (s *site) data() string { return filepath.Join(s.dir, "data") }

// running is a daemon inside the test.
type running struct {
	t    *testing.T
	site *site
	at   Addresses
	stop context.CancelFunc
	done chan error
}

func (s *site) run(t *testing.T) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &running{t: t, site: s, stop: cancel, done: make(chan error, 1)}
	up := make(chan Addresses, 1)
	log := zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))
	go func() {
		r.done <- Run(ctx, Options{
			ConfigPath: s.config, Getenv: os.Getenv,
			Log:     func(config.Log) (*zap.Logger, error) { return log, nil },
			Started: func(at Addresses) { up <- at },
		})
	}()
	select {
	case r.at = <-up:
	case err := <-r.done:
		cancel()
		t.Fatalf("the daemon ended at its start: %v", err)
	case <-time.After(30 * time.Second):
		cancel()
		t.Fatal("the daemon does not start")
	}
	t.Cleanup(r.end)
	return r
}

// end stops the daemon and waits for it.
func (r *running) end() {
	r.stop()
	select {
	case err, ok := <-r.done:
		if ok && err != nil {
			r.t.Errorf("the daemon ended with %v", err)
		}
		if ok {
			close(r.done)
		}
	case <-time.After(30 * time.Second):
		r.t.Error("the daemon does not stop")
	}
}

func (r *running) js() jetstream.JetStream {
	r.t.Helper()
	cfg, err := loadSite(r.site)
	if err != nil {
		r.t.Fatal(err)
	}
	nc, err := Dial(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		r.t.Fatal(err)
	}
	return js
}

// push sends activities over NATS, as others do.
func (r *running) push(acts ...activity.Activity) {
	r.t.Helper()
	body := []byte{'['}
	for i := range acts {
		if i > 0 {
			body = append(body, ',')
		}
		body = activity.AppendActivity(body, &acts[i])
	}
	reply, err := r.js().Conn().Request("picket.intake.activities", append(body, ']'), 10*time.Second)
	if err != nil {
		r.t.Fatalf("push: %v", err)
	}
	if reply.Header.Get("Picket-Error") != "" {
		r.t.Fatalf("push: %s", reply.Data)
	}
}

// alerts waits until the daemon has alerts of a rule and returns them.
func (r *running) alerts(rule string, n int) []alerting.Alert {
	r.t.Helper()
	store, err := natspub.Open(r.t.Context(), r.js())
	if err != nil {
		r.t.Fatal(err)
	}
	m, err := alerting.New(alerting.Config{Store: store, Publisher: natspub.NewPublisher(r.js(), natspub.PublisherOptions{})})
	if err != nil {
		r.t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		found, err := m.List(r.t.Context(), alerting.Filter{Rule: rule})
		if err == nil && len(found) >= n {
			return found
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d alerts of %s (%v), want %d", len(found), rule, err, n)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// checkpointed waits until the daemon has saved its memory up to everything
// pushed before.
func (r *running) checkpointed() {
	r.t.Helper()
	r.t.Log("waiting for a checkpoint")
	head, err := r.js().Stream(r.t.Context(), journal.StreamName(0))
	if err != nil {
		r.t.Fatal(err)
	}
	want := head.CachedInfo().State.LastSeq
	deadline := time.Now().Add(20 * time.Second)
	for {
		all, err := readCheckpoints(checkpointsOf(r.site.data(), 0).newest)
		if len(all) > 0 && all[len(all)-1].Mark.Sequence >= want {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("no checkpoint up to %d: %v", want, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func deletion(n int) activity.Activity {
	return activity.Activity{ID: fmt.Sprint(n), Network: "x", Account: "x/acme", Kind: activity.KindDelete, Time: time.Now().UTC(), Object: fmt.Sprint(n)}
}

func TestRestartGoesOnWhereItStopped(t *testing.T) {
	s := newSite(t, "")
	r := s.run(t)
	for n := range 9 {
		r.push(deletion(n))
	}
	r.checkpointed()
	r.end()
	if _, err := os.Stat(checkpointsOf(s.data(), 0).newest); err != nil {
		t.Fatalf("no checkpoint after an orderly stop: %v", err)
	}
	r = s.run(t)
	r.push(deletion(9)) // the tenth: the nine before are remembered
	if a := r.alerts("many_deletions", 1)[0]; a.Count != 10 {
		t.Errorf("alert counts %d deletions, want 10", a.Count)
	}
}

func TestMemoryIsRebuiltWithoutCheckpoint(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, f checkpointFiles)
	}{
		{"no checkpoint", func(t *testing.T, f checkpointFiles) { remove(t, f.newest, f.previous) }},
		{"torn newest", func(t *testing.T, f checkpointFiles) { tear(t, f.newest) }},
		{"torn newest segment", func(t *testing.T, f checkpointFiles) { cut(t, f.newest, 40) }},
		{"both torn", func(t *testing.T, f checkpointFiles) { tear(t, f.newest); tear(t, f.previous) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, "")
			r := s.run(t)
			for n := range 9 {
				r.push(deletion(n))
			}
			r.checkpointed()
			r.push(activity.Activity{ID: "l", Network: "okta", Account: "okta/ann", Kind: activity.KindLogin, Time: time.Now().UTC()})
			r.checkpointed() // now there is a previous one too
			r.end()
			tt.damage(t, checkpointsOf(s.data(), 0))
			r = s.run(t)
			r.push(deletion(9))
			if a := r.alerts("many_deletions", 1)[0]; a.Count != 10 {
				t.Errorf("alert counts %d deletions, want 10", a.Count)
			}
		})
	}
}

func remove(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
}

func tear(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
}

// cut takes the last bytes of a file away.
func cut(t *testing.T, path string, n int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)-n], 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTruncatedLogIsNoticed gives the daemon a checkpoint of a log that is not
// there any more, as after restoring an old copy of the disk.
func TestTruncatedLogIsNoticed(t *testing.T) {
	s := newSite(t, "")
	r := s.run(t)
	r.push(deletion(1))
	r.checkpointed()
	r.end()
	if err := os.RemoveAll(filepath.Join(s.data(), "jetstream")); err != nil {
		t.Fatal(err)
	}
	a := s.run(t).alerts("collector_blind", 1)[0]
	if a.Account != "picket/journal-0" || !strings.Contains(a.Evidence[0].Poll.Reason, "log truncated") {
		t.Errorf("alert on %s, reason %q", a.Account, a.Evidence[0].Poll.Reason)
	}
}

// TestGappedLogIsNoticed takes messages from the log that the daemon has not
// read: JetStream itself skips them silently.
func TestGappedLogIsNoticed(t *testing.T) {
	s := newSite(t, "")
	r := s.run(t)
	r.push(deletion(1))
	r.checkpointed()
	r.end()
	s.offline(t, func(js jetstream.JetStream) {
		var cut []uint64
		for n := range 5 {
			ack, err := js.Publish(t.Context(), "picket.activity.0.bulk", activity.AppendBatch(nil, &activity.Batch{Activities: []activity.Activity{deletion(10 + n)}}))
			if err != nil {
				t.Fatal(err)
			}
			cut = append(cut, ack.Sequence)
		}
		stream, err := js.Stream(t.Context(), journal.StreamName(0))
		if err != nil {
			t.Fatal(err)
		}
		for _, seq := range cut[1:3] {
			if err := stream.DeleteMsg(t.Context(), seq); err != nil {
				t.Fatal(err)
			}
		}
	})
	a := s.run(t).alerts("collector_blind", 1)[0]
	if reason := a.Evidence[0].Poll.Reason; a.Account != "picket/journal-0" || !strings.Contains(reason, "log gap: messages") {
		t.Errorf("alert on %s, reason %q", a.Account, reason)
	}
}

// offline works on the journal while no daemon runs.
func (s *site) offline(t *testing.T, work func(js jetstream.JetStream)) {
	t.Helper()
	e, err := StartEmbedded(EmbeddedOptions{DataDir: s.data(), Listen: "off", Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	nc, err := e.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	work(js)
}

func TestDamagedMessageIsPassedOver(t *testing.T) {
	s := newSite(t, "")
	r := s.run(t)
	if _, err := r.js().Publish(t.Context(), "picket.activity.0.bulk", []byte(`{"v":1,"activities":[{"id":`)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.js().Publish(t.Context(), "picket.activity.0.control", []byte(`{"v":1,"program":"sha256:nobody knows"}`)); err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		r.push(deletion(n))
	}
	if a := r.alerts("many_deletions", 1)[0]; a.Count != 10 {
		t.Errorf("alert counts %d deletions, want 10", a.Count)
	}
}

func TestDataDirHasOneDaemon(t *testing.T) {
	s := newSite(t, "")
	s.run(t)
	err := Run(t.Context(), Options{ConfigPath: s.config, Getenv: os.Getenv, Log: func(config.Log) (*zap.Logger, error) { return zap.NewNop(), nil }})
	if err == nil || !strings.Contains(err.Error(), "is in use by another picket") {
		t.Errorf("second daemon: %v", err)
	}
}

func TestListenerUsers(t *testing.T) {
	s := newSite(t, "")
	r := s.run(t)
	as := func(user string) *nats.Conn {
		pw, err := os.ReadFile(PasswordFile(s.data(), user))
		if err != nil {
			t.Fatal(err)
		}
		nc, err := nats.Connect("nats://"+r.at.NATS, nats.UserInfo(user, strings.TrimSpace(string(pw))))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	tests := []struct {
		name string
		try  func() error
		ok   bool
	}{
		{"alerts reads alerts", func() error { return subscribes(as(UserAlerts), "picket.alert.>") }, true},
		{"alerts reads no activities", func() error { return subscribes(as(UserAlerts), "picket.activity.>") }, false},
		{"alerts publishes no alert", func() error { return publishes(as(UserAlerts), "picket.alert.high.x.acme.fake") }, false},
		{"intake publishes intake", func() error { return publishes(as(UserIntake), "picket.intake.activities") }, true},
		{"intake forges no journal message", func() error { return publishes(as(UserIntake), "picket.activity.0.bulk") }, false},
		{"intake asks for no coverage", func() error { return publishes(as(UserIntake), CoverageSubject) }, false},
		{"alerts asks for no coverage", func() error { return publishes(as(UserAlerts), CoverageSubject) }, false},
		{"intake reads no alerts", func() error { return subscribes(as(UserIntake), "picket.alert.>") }, false},
		{"nobody without a password", func() error { _, err := nats.Connect("nats://" + r.at.NATS); return err }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.try(); (err == nil) != tt.ok {
				t.Errorf("allowed %v (%v), want %v", err == nil, err, tt.ok)
			}
		})
	}
}

func subscribes(nc *nats.Conn, subject string) error {
	if _, err := nc.SubscribeSync(subject); err != nil {
		return err
	}
	return flushed(nc)
}

func publishes(nc *nats.Conn, subject string) error {
	if err := nc.Publish(subject, []byte("{}")); err != nil {
		return err
	}
	return flushed(nc)
}

// flushed makes a round trip and returns what the server refused meanwhile.
func flushed(nc *nats.Conn) error {
	if err := nc.Flush(); err != nil {
		return err
	}
	return nc.LastError()
}
