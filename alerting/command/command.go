package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/alerting/notify"
)

// The defaults and bounds of a configuration.
const (
	DefaultTimeout     = 30 * time.Second
	DefaultConcurrency = 4
	MaxConcurrency     = 64

	searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	maxValue   = 256 // bytes of a variable
	// How long the output of a program that has ended is waited for, where a
	// process that it has left behind holds it open.
	linger = time.Second
)

// Exit statuses of sysexits.h after which trying again is of no use.
const (
	exitUsage  = 64
	exitData   = 65
	exitNoUser = 67
	exitNoPerm = 77
	exitConfig = 78
)

// Config is what an Output needs to know.
type Config struct {
	// Command is the program's absolute path and its arguments.
	Command []string
	// Env is added to the program's environment, by name. Its values are secrets:
	// no error shows them.
	Env map[string]notify.Secret
	// Timeout is how long one run may take, default DefaultTimeout.
	Timeout time.Duration
	// Concurrency is how many runs there are at a time, default
	// DefaultConcurrency, at most MaxConcurrency.
	Concurrency int
}

// Output is a notify.Notifier.
type Output struct {
	cfg     Config
	names   []string // of Env, sorted
	secrets []notify.Secret
	turns   chan struct{}
}

// New returns an output, or what is wrong with its configuration.
func New(cfg Config) (*Output, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Concurrency == 0 {
		cfg.Concurrency = DefaultConcurrency
	}
	o := &Output{cfg: cfg}
	for name := range cfg.Env {
		o.names = append(o.names, name)
	}
	slices.Sort(o.names)
	if err := o.check(); err != nil {
		return nil, err
	}
	for _, name := range o.names {
		o.secrets = append(o.secrets, cfg.Env[name])
	}
	o.turns = make(chan struct{}, cfg.Concurrency)
	return o, nil
}

func (o *Output) check() error {
	c := &o.cfg
	switch {
	case len(c.Command) == 0:
		return errors.New("command: missing; give the program's absolute path and its arguments as a list")
	case !filepath.IsAbs(c.Command[0]):
		return fmt.Errorf("command[0]: %q is no absolute path", c.Command[0])
	case slices.ContainsFunc(c.Command, func(s string) bool { return strings.ContainsRune(s, 0) }):
		return errors.New("command: an argument holds a zero byte")
	case c.Timeout < 0:
		return fmt.Errorf("timeout: %s; expected more than 0", c.Timeout)
	case c.Concurrency < 0 || c.Concurrency > MaxConcurrency:
		return fmt.Errorf("concurrency: %d; expected 1 to %d", c.Concurrency, MaxConcurrency)
	}
	named := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	for _, name := range o.names {
		switch value := c.Env[name]; {
		case !named.MatchString(name):
			return fmt.Errorf("env: %q is no name of a variable", name)
		case strings.HasPrefix(name, "PICKET_"):
			return fmt.Errorf("env: %s is set by Picket itself; leave it out", name)
		case value == nil || strings.ContainsRune(value.Reveal(), 0):
			return fmt.Errorf("env: %s: no value, or one with a zero byte", name)
		}
	}
	return nil
}

// Notify runs the program once. It returns no receipt.
func (o *Output) Notify(ctx context.Context, m *notify.Message) (receipt string, err error) {
	input, err := json.Marshal(m)
	if err != nil {
		return "", notify.Permanent(fmt.Errorf("exec: %w", err))
	}
	select {
	case o.turns <- struct{}{}:
		defer func() { <-o.turns }()
	case <-ctx.Done():
		return "", fmt.Errorf("exec: %d runs are under way: %w", o.cfg.Concurrency, ctx.Err())
	}
	if err := o.run(ctx, m, input); err != nil {
		return "", fmt.Errorf("exec: %s: %w", filepath.Base(o.cfg.Command[0]), err)
	}
	return "", nil
}

func (o *Output) run(ctx context.Context, m *notify.Message, input []byte) error {
	ctx, cancel := context.WithTimeoutCause(ctx, o.cfg.Timeout, fmt.Errorf("not ended within %s", o.cfg.Timeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, o.cfg.Command[0], o.cfg.Command[1:]...)
	cmd.Dir, cmd.Env = "/", o.environment(m)
	cmd.Stdin = bytes.NewReader(input)
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = linger
	err := cmd.Run()
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return nil
	case ctx.Err() != nil:
		return o.fault(fmt.Errorf("killed: %w", context.Cause(ctx)), &said)
	}
	exit, ended := errors.AsType[*exec.ExitError](err)
	if !ended {
		return errors.New(notify.Quote(err.Error(), o.secrets...)) // not begun
	}
	switch exit.ExitCode() {
	case exitUsage, exitData, exitNoUser, exitNoPerm, exitConfig:
		return notify.Permanent(o.fault(exit, &said))
	}
	return o.fault(exit, &said)
}

// fault adds what the program said.
func (o *Output) fault(err error, said *tail) error {
	if text := notify.Quote(ending(notify.Hide(said.String(), o.secrets...))); text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}

func (o *Output) environment(m *notify.Message) []string {
	env := []string{"PATH=" + searchPath, "LANG=C.UTF-8"}
	for _, name := range o.names {
		env = append(env, name+"="+o.cfg.Env[name].Reveal())
	}
	for _, v := range []struct{ name, value string }{
		{"KEY", m.Key},
		{"RECEIVER", m.Receiver},
		{"KIND", string(m.Kind)},
		{"STATE", string(m.State)},
		{"LEVEL", string(m.Level)},
		{"URGENCY", string(m.Urgency)},
		{"INCIDENT", m.Incident},
		{"NUMBER", m.Number},
		{"NETWORK", m.Network},
		{"ACCOUNT", m.Account},
		{"DRILL", m.Drill},
	} {
		env = append(env, "PICKET_"+v.name+"="+printing(v.value))
	}
	return env
}

// printing returns what prints of s, at most maxValue bytes.
func printing(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	end := min(len(s), maxValue)
	for end < len(s) && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
