package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// patience bounds every wait of these tests. It is far more than a slow machine
// needs, and tests end their waits as soon as they can.
const patience = 60 * time.Second

// process is a command that runs beside the test.
type process struct {
	cmd    *exec.Cmd
	out    string // file of its standard output
	errOut string // file of its standard error
	exited chan struct{}
	err    error // how it exited
}

// start runs a command in dir, which gets its output: <name>.out and
// <name>.err.
func start(dir, name string, env []string, args ...string) (*process, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, err
	}
	p := &process{
		cmd: exec.Command(path, args...), exited: make(chan struct{}),
		out: filepath.Join(dir, name+".out"), errOut: filepath.Join(dir, name+".err"),
	}
	p.cmd.Dir, p.cmd.Env = dir, env
	out, err := os.Create(p.out)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	errOut, err := os.Create(p.errOut)
	if err != nil {
		return nil, err
	}
	defer errOut.Close()
	p.cmd.Stdout, p.cmd.Stderr = out, errOut
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// says waits until standard output matches and returns what its groups match.
func (p *process) says(pattern string) ([]string, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	var groups []string
	err = poll(func() error {
		ended := p.ended()
		data, err := os.ReadFile(p.out)
		if err != nil {
			return err
		}
		if groups = re.FindStringSubmatch(string(data)); groups != nil {
			return nil
		}
		if ended {
			return final{fmt.Errorf("%s ended: %s\n%s", p.cmd.Path, p.cmd.ProcessState, p.log())}
		}
		return fmt.Errorf("%s does not say %s:\n%s\n%s", p.cmd.Path, pattern, data, p.log())
	})
	return groups, err
}

func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// log returns the end of standard error.
func (p *process) log() string {
	data, err := os.ReadFile(p.errOut)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-4000):])
}

// stop asks the process to end as a service manager does, and reports when it
// does not do so in an orderly way.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s does not stop:\n%s", p.cmd.Path, p.log())
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w\n%s", p.cmd.Path, p.err, p.log())
	}
	return nil
}

// final is an error after which trying again is of no use.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// poll tries until it succeeds, fails for good, or patience ends.
func poll(try func() error) error {
	deadline := time.Now().Add(patience)
	for wait := 25 * time.Millisecond; ; wait = min(wait*3/2, 250*time.Millisecond) { // looking takes time from what is looked for
		err := try()
		if err == nil || errors.As(err, new(final)) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(wait)
	}
}

// addLine appends one line to a file in one write, as a writer of logs does.
func addLine(path, line string) (err error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.WriteString(line + "\n")
	return err
}
