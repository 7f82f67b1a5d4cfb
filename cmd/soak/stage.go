package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/picketd/picket/rules/packs"
)

// build compiles the daemon. With ablation, the one function that makes alert
// ids is replaced for the build: every id is random then.
func build(ctx context.Context, dir string, ablation bool) (string, error) {
	binary := filepath.Join(dir, "picket")
	args := []string{"build", "-o", binary}
	if ablation {
		overlay, err := randomIDs(ctx, dir)
		if err != nil {
			return "", err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "github.com/picketd/picket/cmd/picket")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build picket: %w\n%s", err, out)
	}
	return binary, nil
}

func randomIDs(ctx context.Context, dir string) (overlay string, err error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "github.com/picketd/picket/detector")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find the detector: %w", err)
	}
	file := filepath.Join(strings.TrimSpace(string(out)), "engine.go")
	src, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	const id = "return hex.EncodeToString(h.Sum(nil)[:16])"
	changed := strings.Replace(string(src), id, `fmt.Fprint(h, time.Now().UnixNano())
	`+id, 1)
	if changed == string(src) {
		return "", fmt.Errorf("%s makes alert ids in another way than the ablation knows", file)
	}
	replaced := filepath.Join(dir, "engine.go")
	if err := os.WriteFile(replaced, []byte(changed), 0o600); err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]any{"Replace": map[string]string{file: replaced}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o600)
}

// stage holds the daemons of one play and what they share.
type stage struct {
	daemons []*daemon
	nats    *server.Server // external server, nil where the one daemon has its own
}

// daemon is one `picket run` with its directory.
type daemon struct {
	binary, dir string

	mu      sync.Mutex
	cmd     *exec.Cmd
	http    string
	exited  chan struct{}
	waitErr error
	output  bytes.Buffer // of the process that runs now
}

func newStage(ctx context.Context, o options, s *script, binary, dir, network string) (*stage, error) {
	st := &stage{}
	natsURL := ""
	if o.daemons > 1 {
		var err error
		if natsURL, err = st.serve(filepath.Join(dir, "nats"), false); err != nil {
			return nil, err
		}
	}
	for i := range o.daemons {
		d := &daemon{binary: binary, dir: filepath.Join(dir, fmt.Sprintf("daemon-%d", i))}
		if err := d.write(s, network, natsURL); err != nil {
			return nil, err
		}
		st.daemons = append(st.daemons, d)
	}
	return st, ctx.Err()
}

// serve starts a NATS server beside the daemons; with through, it writes each
// message through to the disk.
func (st *stage) serve(dir string, through bool) (url string, err error) {
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true,
		SyncInterval: 100 * time.Millisecond, SyncAlways: through,
	})
	if err != nil {
		return "", err
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		return "", errors.New("external NATS server does not start")
	}
	st.nats = srv
	return srv.ClientURL(), nil
}

// write makes the daemon's directory: configuration, secrets, and the built-in
// rules with a grace short enough to wait for.
func (d *daemon) write(s *script, network, natsURL string) error {
	if err := os.MkdirAll(filepath.Join(d.dir, "rules"), 0o755); err != nil {
		return err
	}
	files, err := packs.Load("social")
	if err != nil {
		return err
	}
	for _, f := range files {
		data := bytes.ReplaceAll(f.Data, []byte("grace: 2m"), []byte("grace: 1s"))
		// Posts come far faster than any account's: only some make a burst.
		data = bytes.Replace(data, []byte("rules: [social_post]"), []byte("rules: [soak_burst]"), 1)
		data = bytes.Replace(data, []byte("name: social_post\n"), []byte("name: social_post\npicket: {generate: false}\n"), 1)
		if err := os.WriteFile(filepath.Join(d.dir, "rules", filepath.Base(f.Name)), data, 0o600); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(d.dir, "rules", "soak.yml"), []byte(burstRule), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.dir, "token"), []byte(token), 0o600); err != nil {
		return err
	}
	return os.WriteFile(d.config(), []byte(configuration(s, network, natsURL)), 0o600)
}

const burstApp = "Burst Tool"

const burstRule = `title: A post of the burst
id: 5d3c3b1e-8a33-4a57-9c1c-0d6f1f0a5a01
name: soak_burst
logsource: {product: picket}
detection:
  s: {kind: post, app: ` + burstApp + `}
  condition: s
picket: {generate: false}
`

func (d *daemon) config() string { return filepath.Join(d.dir, "picket.yaml") }

func configuration(s *script, network, natsURL string) string {
	var b strings.Builder
	fmt.Fprintln(&b, "data_dir: ./data\nhttp: {listen: 127.0.0.1:0}\nlog: {level: info, format: json}\nrules: {packs: [], dirs: [./rules]}")
	if natsURL != "" {
		fmt.Fprintf(&b, "nats: {url: %q}\n", natsURL)
	} else {
		fmt.Fprintln(&b, "nats: {listen: 127.0.0.1:0}\njournal: {durability: process}")
	}
	fmt.Fprintln(&b, "detector: {checkpoint: 1s}")
	fmt.Fprintf(&b, "intake: {webhook: {tokens: [{name: soak, token: {file: ./token}}]}}\n")
	fmt.Fprintf(&b, "credentials:\n  soak: {collector: x, base_url: %q, bearer_token: {file: ./token}}\naccounts:\n", network)
	for i, account := range s.accounts {
		required := "off"
		if approvals(i) {
			required = "required"
		}
		fmt.Fprintf(&b, "- {account: x/%s, username: %s, credential: soak, every: 1s, approvals: %q, guarded_by: [%s]}\n", account, account, required, identity(i))
	}
	return b.String()
}

func (st *stage) startAll(ctx context.Context) error {
	for _, d := range st.daemons {
		if err := d.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// start runs the daemon and waits until it works.
func (d *daemon) start(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, d.binary, "run", "--quiet", "--config", d.config())
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	logFile, err := os.OpenFile(filepath.Join(d.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.output.Reset()
	d.mu.Unlock()
	cmd.Stderr = io.MultiWriter(logFile, locked{&d.mu, &d.output})
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	up := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, rest, ok := strings.Cut(lines.Text(), "http://"); ok {
				address, _, _ := strings.Cut(rest, "/")
				up <- address
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
		err := cmd.Wait()
		_ = logFile.Close()
		d.mu.Lock()
		d.waitErr, d.http = err, ""
		d.mu.Unlock()
		close(exited)
	}()
	d.mu.Lock()
	d.cmd, d.exited = cmd, exited
	d.mu.Unlock()
	select {
	case address := <-up:
		d.mu.Lock()
		d.http = address
		d.mu.Unlock()
		return nil
	case <-exited:
		return fmt.Errorf("picket run ended at its start: %w\n%s", d.waitErr, tail(d.output.String()))
	case <-time.After(time.Minute):
		return fmt.Errorf("picket run does not come up within a minute\n%s", tail(d.output.String()))
	}
}

type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func tail(s string) string { return s[max(0, len(s)-3000):] }

// kill sends SIGKILL to a daemon and starts it again; damage, if any, is done to
// its directory meanwhile.
func (st *stage) kill(ctx context.Context, i int, damage func(dir string) error) error {
	d := st.daemons[i]
	d.mu.Lock()
	cmd, exited := d.cmd, d.exited
	d.mu.Unlock()
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-exited
	if damage != nil {
		if err := damage(d.dir); err != nil {
			return err
		}
	}
	return d.start(ctx)
}

// address returns where some daemon takes webhooks, "" when none is up.
func (st *stage) address() string {
	for _, d := range st.daemons {
		d.mu.Lock()
		address := d.http
		d.mu.Unlock()
		if address != "" {
			return address
		}
	}
	return ""
}

// stop ends the daemons in order, as a service manager does.
func (st *stage) stop() error {
	var errs []error
	for _, d := range st.daemons {
		d.mu.Lock()
		cmd, exited := d.cmd, d.exited
		d.mu.Unlock()
		if cmd == nil {
			continue
		}
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-exited:
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			<-exited
			errs = append(errs, fmt.Errorf("a daemon did not stop within 30 s\n%s", tail(d.output.String())))
		}
	}
	return errors.Join(errs...)
}

func (st *stage) close() {
	_ = st.stop()
	if st.nats != nil {
		st.nats.Shutdown()
		st.nats.WaitForShutdown()
	}
}
