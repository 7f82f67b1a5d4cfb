package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
)

// What the daemon logs of reloads.
const (
	logRefused  = "configuration not reloaded; the one before stays in force"
	logReloaded = "configuration reloaded"
	logRestart  = "these changes take effect at the next start"
	logLeftOut  = "source left out until it is mended; the others are polled"
	logWaiting  = "waiting for the NATS server"
)

// patience bounds every wait of these tests, which end as soon as they can.
const patience = 20 * time.Second

// watchedRun is a daemon in the test whose log is looked at.
type watchedRun struct {
	*running
	logs *observer.ObservedLogs
	up   chan Addresses
}

// launch starts a daemon without waiting until it works.
func (s *site) launch(t *testing.T) *watchedRun {
	t.Helper()
	return s.launchAt(t, zapcore.InfoLevel)
}

func (s *site) launchAt(t *testing.T, level zapcore.Level) *watchedRun {
	t.Helper()
	return s.launchSampling(t, level, sampling{})
}

func (s *site) launchSampling(t *testing.T, level zapcore.Level, how sampling) *watchedRun {
	t.Helper()
	core, logs := observer.New(level)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &watchedRun{
		running: &running{t: t, site: s, stop: cancel, done: make(chan error, 1)}, logs: logs, up: make(chan Addresses, 1),
	}
	go func() {
		r.done <- Run(ctx, Options{
			ConfigPath: s.config, Getenv: os.Getenv,
			Log:      func(config.Log) (*zap.Logger, error) { return zap.New(core), nil },
			Started:  func(at Addresses) { r.up <- at },
			sampling: how,
		})
	}()
	t.Cleanup(r.end)
	return r
}

// works waits until the daemon works.
func (r *watchedRun) works() *watchedRun {
	r.t.Helper()
	select {
	case r.at = <-r.up:
	case err := <-r.done:
		close(r.done)
		r.t.Fatalf("the daemon ended at its start: %v\n%s", err, r.log())
	case <-time.After(patience):
		r.t.Fatalf("the daemon does not start:\n%s", r.log())
	}
	return r
}

func (r *watchedRun) log() string {
	var b strings.Builder
	for _, e := range r.logs.All() {
		fmt.Fprintln(&b, e.Level, e.Message, e.ContextMap())
	}
	return b.String()
}

// logged waits until a message was logged n times and returns the last.
func (r *watchedRun) logged(message string, n int) observer.LoggedEntry {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		found := r.logs.FilterMessage(message).All()
		if len(found) >= n {
			return found[n-1]
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%q logged %d times, want %d:\n%s", message, len(found), n, r.log())
		}
	}
}

// metric waits until a metric has a value.
func (r *watchedRun) metric(line string) {
	r.t.Helper()
	text := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		answer, err := http.Get("http://" + r.at.HTTP + "/metrics")
		if err != nil {
			r.t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil {
			r.t.Fatal(err)
		}
		if text = string(body); strings.Contains(text, "\n"+line+"\n") {
			return
		}
	}
	r.t.Fatalf("no metric %s:\n%s", line, text)
}

// refusal pushes an activity of an account and returns why it is refused, ""
// when it is not.
func (r *watchedRun) refusal(account string) string {
	a := deletion(1)
	a.Account = account
	return r.tryPush(a)
}

func hangup(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// write replaces the configuration at once, as editors do.
func (s *site) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(s.config+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.config+".new", s.config); err != nil {
		t.Fatal(err)
	}
}

func (s *site) text(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// put writes files below the site's folder, a link for "-> target".
func (s *site) put(t *testing.T, files map[string]string) {
	t.Helper()
	put(t, s.dir, files)
}

func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, link := strings.CutPrefix(text, "-> "); link {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ruleNamed is a rule file; names of another length have another id.
func ruleNamed(name string) string {
	return fmt.Sprintf("title: Rule %[1]s\nid: 0b8e0f4c-2e5f-4f8e-9d0a-%012[2]x\nname: %[1]s\nlogsource: {product: picket}\n"+
		"detection:\n  s: {changed: name}\n  condition: s\nlevel: high\n", name, len(name))
}

// TestReloadIsAllOrNothing adds an account and a source that cannot be built:
// neither is taken, and the same file is tried again.
func TestReloadIsAllOrNothing(t *testing.T) {
	s := newSite(t, "")
	r := s.launch(t).works()
	good := s.text(t) + "- {account: x/new}\n"
	bad := good + "sources: [{name: old, collector: file, path: ./feed.jsonl.gz}]\n"
	s.write(t, bad)
	if fault := r.logged(logRefused, 1).ContextMap()["error"]; !strings.Contains(fmt.Sprint(fault), "file/old: follow ") {
		t.Errorf("refused with %v", fault)
	}
	if got := r.refusal("x/new"); !strings.Contains(got, "not in the configuration") {
		t.Errorf("push of an account that only the refused configuration names: %q", got)
	}
	s.write(t, bad)
	r.logged(logRefused, 2)
	r.metric("picket_config_last_reload_successful 0")
	s.write(t, good)
	r.logged(logReloaded, 1)
	r.metric("picket_config_last_reload_successful 1")
	if got := r.refusal("x/new"); got != "" {
		t.Errorf("push of a new account: %q", got)
	}
}

// TestBadSourceAtStart is told and left out; a reload of the same file tries
// again and refuses it.
func TestBadSourceAtStart(t *testing.T) {
	s := newSite(t, "- {account: x/feed}\nsources:\n- {name: bad, collector: file, path: ./feed.jsonl.gz}\n- {name: good, collector: file, path: ./feed.jsonl, every: 50ms}\n")
	r := s.launch(t).works()
	if fault := r.logged(logLeftOut, 1).ContextMap()["error"]; !strings.Contains(fmt.Sprint(fault), "file/bad: follow ") {
		t.Errorf("left out with %v", fault)
	}
	var feed []byte
	for n := range 10 {
		a := deletion(n)
		a.Account = "x/feed"
		feed = append(activity.AppendActivity(feed, &a), '\n')
	}
	s.put(t, map[string]string{"feed.jsonl": string(feed)})
	if a := r.alerts("many_deletions", 1)[0]; a.Account != "x/feed" {
		t.Errorf("alert on %s, want one of the source that is in order", a.Account)
	}
	hangup(t)
	r.logged(logRefused, 1)
	hangup(t)
	r.logged(logRefused, 2)
	s.write(t, strings.Replace(s.text(t), ".gz", ".more", 1))
	r.logged(logReloaded, 1)
}

// TestHangupBeforeItWorks asks for a reload while the daemon waits for its
// NATS server: it must neither end nor forget.
func TestHangupBeforeItWorks(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	server := t.TempDir()
	if _, err := ensurePassword(server, UserAdmin); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, "")
	s.write(t, strings.NewReplacer("journal: {durability: process, reserve: 1MiB}\n", "", "nats: {listen: 127.0.0.1:0}",
		fmt.Sprintf("nats: {url: %q, user: admin, password: {file: %s}}", "nats://"+address, PasswordFile(server, UserAdmin))).Replace(s.text(t)))
	r := s.launch(t)
	r.logged(logWaiting, 1)
	hangup(t)
	e, err := StartEmbedded(EmbeddedOptions{DataDir: server, Listen: address, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	r.works().metric(`picket_config_reloads_total{outcome="success"} 2`)
	r.end() // before its server
}

// TestChangeBeforeItIsWatched changes the configuration between its reading
// and the watch of its files.
func TestChangeBeforeItIsWatched(t *testing.T) {
	s := newSite(t, "")
	text := s.text(t)
	core, logs := observer.New(zapcore.InfoLevel)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, Options{
			ConfigPath: s.config, Getenv: os.Getenv,
			Log: func(config.Log) (*zap.Logger, error) {
				return zap.New(core), os.WriteFile(s.config, []byte(text+"- {account: x/new}\n"), 0o600)
			},
		})
	}()
	for deadline := time.Now().Add(patience); logs.FilterMessage(logReloaded).Len() == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("the change is not noticed")
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestRestartOnlyChanges stay out, and are told at each reload.
func TestRestartOnlyChanges(t *testing.T) {
	s := newSite(t, "")
	r := s.launch(t).works()
	before := s.text(t)
	after := strings.NewReplacer("./data", "./other", "reserve: 1MiB", "reserve: 1MiB, partitions: 2").Replace(before)
	s.write(t, after+"- {account: x/new}\n")
	want := []any{"data_dir changed: needs a restart", "journal.partitions changed: needs a restart"}
	for n := 1; n <= 2; n++ {
		if got, ok := r.logged(logRestart, n).ContextMap()["changes"].([]any); !ok || !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
		if n == 1 {
			hangup(t)
		}
	}
	r.logged(logReloaded, 1) // what can be applied is
	s.write(t, before+"- {account: x/new}\n- {account: x/newer}\n")
	r.logged(logReloaded, 2)
	if n := r.logs.FilterMessage(logRestart).Len(); n != 2 {
		t.Errorf("told %d times, want none more when nothing differs from what runs", n)
	}
}

func TestKeepRunning(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"a.yaml": "data_dir: ./a\ninstance: a\nhttp: {listen: 127.0.0.1:1}\nnats: {listen: 127.0.0.1:3}\n" +
			"journal: {partitions: 1, durability: power, retention: {posts: 1d}, max_bytes: 1GiB, reserve: 1MiB, replicas: 1}\n" +
			"log: {level: info, format: json}\nintake: {nats: {activities: a.in}}\ndetector: {lateness: 1m, checkpoint: 1s}\naccounts: [{account: x/a}]\n",
		"b.yaml": "data_dir: ./b\ninstance: b\nhttp: {listen: 127.0.0.1:2}\nnats: {listen: 127.0.0.1:4}\n" +
			"journal: {partitions: 2, durability: process, retention: {posts: 2d}, max_bytes: 2GiB, reserve: 2MiB, replicas: 1}\n" +
			"log: {level: debug, format: console}\nintake: {nats: {activities: b.in}}\ndetector: {lateness: 2m, checkpoint: 2s}\naccounts: [{account: x/b}]\n",
	})
	load := func(name string) *config.Config {
		cfg, err := config.Load(filepath.Join(dir, name), os.Getenv)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	running, next := load("a.yaml"), load("b.yaml")
	if n := len(restartOnly(config.Diff(running, next))); n != 12 {
		t.Fatalf("the files differ in %d settings that need a restart, want 12: all but journal.replicas", n)
	}
	kept := keepRunning(running, next)
	if left := restartOnly(config.Diff(running, kept)); len(left) > 0 {
		t.Errorf("not as in what runs: %q", left)
	}
	for _, c := range config.Diff(next, kept) {
		if !c.Restart {
			t.Errorf("not as in the next configuration: %s", c)
		}
	}
	if !kept.Known("x/b") || next.DataDir != filepath.Join(dir, "b") {
		t.Error("look-ups are not the next configuration's, or it was changed itself")
	}
}

// TestRefusedConfigurationIsWatched mends one without touching its file.
func TestRefusedConfigurationIsWatched(t *testing.T) {
	s := newSite(t, "")
	r := s.launch(t).works()
	s.put(t, map[string]string{"far/keep": "", "secrets/keep": ""})
	s.write(t, s.text(t)+"rules: {packs: [social], dirs: [./far/away/rules]}\n"+
		"intake: {webhook: {tokens: [{name: ci, token: {file: secrets/ci}}]}}\n")
	r.logged(logRefused, 1)
	s.put(t, map[string]string{"far/away/rules/a.yml": "wrong"})
	r.logged(logRefused, 2)
	s.put(t, map[string]string{"secrets/ci": strings.Repeat("s", 32)})
	r.logged(logRefused, 3)
	s.put(t, map[string]string{"far/away/rules/a.yml": ruleNamed("a")})
	r.logged(logReloaded, 1)
}

// TestActivationReachesTheLog looks at the log after a reload.
func TestActivationReachesTheLog(t *testing.T) {
	s := newSite(t, "")
	r := s.launch(t).works()
	s.put(t, map[string]string{"rules/a.yml": ruleNamed("a")})
	s.write(t, s.text(t)+"rules: {packs: [], dirs: [./rules]}\n")
	want := r.logged(logReloaded, 1).ContextMap()["program"]
	stream, err := r.js().Stream(t.Context(), journal.StreamName(0))
	if err != nil {
		t.Fatal(err)
	}
	msg, err := stream.GetLastMsgForSubject(t.Context(), "picket.activity.0.control")
	if err != nil {
		t.Fatal(err)
	}
	if c, err := journal.ParseControl(msg.Data); err != nil || c.Program != want {
		t.Errorf("the log's last program is %q (%v), want %q", c.Program, err, want)
	}
}
