package command_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/picketd/picket/alerting/command"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/notifytest"
)

var update = flag.Bool("update", false, "write what programs get")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type secret string

func (s secret) Reveal() string { return string(s) }

const token = "5ecret-t0ken"

// sh returns an output that runs a shell script.
func sh(t *testing.T, script string, change func(*command.Config)) *command.Output {
	t.Helper()
	cfg := command.Config{Command: []string{"/bin/sh", "-c", script, "page"}, Env: map[string]notify.Secret{"API_TOKEN": secret(token)}}
	if change != nil {
		change(&cfg)
	}
	o, err := command.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// tell runs the script for a message.
func tell(t *testing.T, o *command.Output, m *notify.Message) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	receipt, err := o.Notify(ctx, m)
	if receipt != "" {
		t.Errorf("receipt %q", receipt)
	}
	notifytest.Discreet(t, err, token)
	return err
}

func TestEnds(t *testing.T) {
	for _, tt := range []struct {
		name, script, want string
		permanent          bool
	}{
		{"taken", "cat >/dev/null; echo done", "", false},
		{"without reading", "exit 0", "", false},
		{"something went wrong", "echo trying; echo no route >&2; exit 1", "exec: sh: exit status 1: trying no route", false},
		{"for now", "exit 75", "exec: sh: exit status 75", false},
		{"service away", "exit 69", "exec: sh: exit status 69", false},
		{"usage", "exit 64", "exec: sh: exit status 64", true},
		{"data", "echo bad message; exit 65", "exec: sh: exit status 65: bad message", true},
		{"user unknown", "exit 67", "exec: sh: exit status 67", true},
		{"not allowed", "exit 77", "exec: sh: exit status 77", true},
		{"configuration", "exit 78", "exec: sh: exit status 78", true},
		{"not found", "no-such-program-here 2>/dev/null", "exec: sh: exit status 127", false},
		{"killed", "kill -9 $$", "exec: sh: signal: killed", false},
		{"a secret and signs", `printf 'token %s\n\033[31mx' "$API_TOKEN"; exit 1`, "exec: sh: exit status 1: token [secret] [31mx", false},
		{
			"much output", `i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done; exit 1`,
			"exec: sh: exit status 1: …" + endOfLines(180), false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			err := tell(t, sh(t, tt.script, nil), notifytest.Message(notify.Opened))
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || notify.IsPermanent(err) != tt.permanent {
				t.Errorf("got  %q, permanent %v\nwant %q, permanent %v", got, notify.IsPermanent(err), tt.want, tt.permanent)
			}
		})
	}
}

// endOfLines returns the last n characters of what "much output" writes.
func endOfLines(n int) string {
	text := "line 2981 line 2982 line 2983 line 2984 line 2985 line 2986 line 2987 line 2988 line 2989 line 2990 " +
		"line 2991 line 2992 line 2993 line 2994 line 2995 line 2996 line 2997 line 2998 line 2999"
	return text[len(text)-n:]
}

func TestNotThere(t *testing.T) {
	o := sh(t, "", func(c *command.Config) { c.Command = []string{"/nowhere/page"} })
	err := tell(t, o, notifytest.Message(notify.Opened))
	if err == nil || notify.IsPermanent(err) || err.Error() != "exec: page: fork/exec /nowhere/page: no such file or directory" {
		t.Errorf("permanent %v: %v", notify.IsPermanent(err), err)
	}
}

// TestGets holds the whole of what a program gets, for a plain message and
// hostile ones.
func TestGets(t *testing.T) {
	messages := map[string]*notify.Message{"opened": notifytest.Message(notify.Opened), "summary": notifytest.Message(notify.Summary)}
	for _, h := range notifytest.HostileTexts() {
		m := h.Message()
		m.Account = "x/" + h.Text // no network allows it; a name from outside all the same
		messages["hostile-"+h.Name] = m
	}
	for name, m := range messages {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "got")
			o := sh(t, `exec >"$1"; echo "arguments: $#"; pwd; /usr/bin/env -u OLDPWD -u _ -u PWD -u SHLVL | LC_ALL=C sort; cat`, func(c *command.Config) { c.Command = append(c.Command, file) })
			if err := tell(t, o, m); err != nil {
				t.Fatal(err)
			}
			golden(t, name, file)
		})
	}
}

func golden(t *testing.T, name, file string) {
	t.Helper()
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestTimeOver holds that nothing of a program's process group is left when its
// time is over: the writing end of a pipe, which a process in the background
// has, is closed.
func TestTimeOver(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		f, err := os.Open(fifo)
		if err == nil {
			_, err = io.Copy(io.Discard, f)
			_ = f.Close()
		}
		gone <- err
	}()
	o := sh(t, `(exec sleep 1000) 9>"$1" & echo waiting; wait`, func(c *command.Config) {
		c.Command = append(c.Command, fifo)
		c.Timeout = 2 * time.Second
	})
	err := tell(t, o, notifytest.Message(notify.Opened))
	const want = "exec: sh: killed: not ended within 2s: waiting"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	select {
	case err := <-gone:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a process of the group is still there")
	}
}

// TestLeftBehind holds that a program may leave something running.
func TestLeftBehind(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	o := sh(t, `sleep 1000 & echo $! >"$1"`, func(c *command.Config) { c.Command = append(c.Command, file) })
	if err := tell(t, o, notifytest.Message(notify.Opened)); err != nil {
		t.Error(err)
	}
	o = sh(t, `kill "$(cat "$1")"`, func(c *command.Config) { c.Command = append(c.Command, file) })
	if err := tell(t, o, notifytest.Message(notify.Opened)); err != nil {
		t.Errorf("what was left running is not there: %v", err)
	}
}

// TestConcurrency holds that no more programs run at a time than were allowed,
// and that who waits gives up with its context.
func TestConcurrency(t *testing.T) {
	dir := t.TempDir()
	// Each run counts those that are there beside it.
	const script = `mkdir "$1/run-$$" && ls "$1" | grep -c run- >>"$1/count" && sleep 0.05 && rmdir "$1/run-$$"`
	o := sh(t, script, func(c *command.Config) { c.Command, c.Concurrency = append(c.Command, dir), 2 })
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := tell(t, o, notifytest.Message(notify.Opened)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	counts, err := os.ReadFile(filepath.Join(dir, "count"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(counts), "\n"); n != 8 || strings.Trim(string(counts), "12\n") != "" {
		t.Errorf("%d runs, with so many at a time: %q; want 8, with 1 or 2", n, counts)
	}

	o = sh(t, "sleep 1000", func(c *command.Config) { c.Concurrency = 1 })
	ctx, cancel := context.WithCancel(t.Context())
	for range 2 {
		group.Go(func() {
			if _, err := o.Notify(ctx, notifytest.Message(notify.Opened)); err == nil || !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want that it was cancelled", err)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	cancel()
	group.Wait()
}

func TestConfig(t *testing.T) {
	page := []string{"/usr/local/bin/page", "--team", "social"}
	for _, tt := range []struct {
		name string
		cfg  command.Config
		want string
	}{
		{"a program", command.Config{Command: page}, ""},
		{"none", command.Config{}, "command: missing; give the program's absolute path and its arguments as a list"},
		{"a name", command.Config{Command: []string{"page"}}, `command[0]: "page" is no absolute path`},
		{"a zero byte", command.Config{Command: []string{"/page", "a\x00"}}, "command: an argument holds a zero byte"},
		{"a negative timeout", command.Config{Command: page, Timeout: -time.Second}, "timeout: -1s; expected more than 0"},
		{"too many at a time", command.Config{Command: page, Concurrency: 65}, "concurrency: 65; expected 1 to 64"},
		{"no variable", command.Config{Command: page, Env: map[string]notify.Secret{"A-B": secret("x")}}, `env: "A-B" is no name of a variable`},
		{"one of Picket's", command.Config{Command: page, Env: map[string]notify.Secret{"PICKET_KEY": secret("x")}}, "env: PICKET_KEY is set by Picket itself; leave it out"},
		{"no value", command.Config{Command: page, Env: map[string]notify.Secret{"A": nil}}, "env: A: no value, or one with a zero byte"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if _, err := command.New(tt.cfg); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
