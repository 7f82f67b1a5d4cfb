package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/picketd/picket/collectors"
)

// dialog asks a person at a terminal. Where the input is none, each answer is
// a line of it.
type dialog struct {
	in  io.Reader
	out io.Writer
	yes bool // asks nothing: what has no default must be given by flags
}

// question is one that a flag may have answered.
type question struct {
	label string // "Account on X", after a line feed where a new part begins
	flag  string // "--account"
	given string // the flag's value
	usual string // what Enter means; "" for nothing
	may   bool   // may stay empty
	check func(string) (string, error)
}

// say writes lines as they are.
func (d *dialog) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// ask returns the flag's value or else the person's, checked.
func (d *dialog) ask(ctx context.Context, q question) (string, error) {
	if q.check == nil {
		q.check = func(s string) (string, error) { return s, nil }
	}
	if q.given != "" {
		s, err := q.check(q.given)
		if err != nil {
			return "", fault("Give another "+q.flag, "%v", err)
		}
		return s, nil
	}
	if d.yes {
		if q.usual == "" && !q.may {
			return "", fault("Give "+q.flag, "%s: not given", strings.TrimSpace(q.label))
		}
		return q.usual, nil
	}
	for {
		fmt.Fprint(d.out, q.label+q.hint()+": ")
		s, err := d.answer(ctx)
		if err != nil {
			return "", ended(err, q.label, q.flag)
		}
		if s == "" {
			s = q.usual
		}
		if s == "" && q.may {
			return "", nil
		}
		if s == "" {
			continue
		}
		if s, err = q.check(s); err == nil {
			return s, nil
		}
		d.say("  %v.", err)
	}
}

func (q question) hint() string {
	switch {
	case q.usual != "":
		return " [" + q.usual + "]"
	case q.may:
		return " (Enter for none)"
	}
	return ""
}

// confirm asks for yes or no; Enter, and --yes, are usual.
func (d *dialog) confirm(ctx context.Context, label string, usual bool) (bool, error) {
	if d.yes {
		return usual, nil
	}
	hint := " [Y/n]: "
	if !usual {
		hint = " [y/N]: "
	}
	for {
		fmt.Fprint(d.out, label+hint)
		s, err := d.answer(ctx)
		if err != nil {
			return false, ended(err, label, "--yes")
		}
		switch strings.ToLower(s) {
		case "":
			return usual, nil
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
}

// secret reads one that is never shown.
func (d *dialog) secret(ctx context.Context, label string, may bool) (collectors.Secret, error) {
	const flags = "--token-file, --token-env or --token-stdin"
	hint := " (not shown while you paste it): "
	if may {
		hint = " (not shown while you paste it; Enter for none): "
	}
	for {
		fmt.Fprint(d.out, label+hint)
		s, err := d.hidden(ctx)
		d.say("")
		if err != nil {
			return "", ended(err, label, flags)
		}
		if s == "" && may {
			return "", nil
		}
		if s == "" {
			continue
		}
		if err := checkSecret(s); err != nil {
			d.say("  %v.", err)
			continue
		}
		d.say("  Read: %d characters.", len(s))
		return collectors.Secret(s), nil
	}
}

// checkSecret refuses what was copied with something beside it. It repeats
// nothing of it.
func checkSecret(s string) error {
	switch {
	case strings.HasPrefix(s, "Bearer "), strings.HasPrefix(s, "SSWS "):
		return errors.New("it begins with the word before the token; give the token alone")
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("it holds spaces or other characters that none has; copy it again")
	}
	return nil
}

func ended(err error, label, flag string) error {
	if errors.Is(err, io.EOF) {
		return fault("Answer it, or give "+flag, "%s: the input ended before an answer", strings.TrimSpace(label))
	}
	return err
}

// terminal returns the terminal that a person types at, if there is one.
func (d *dialog) terminal() (fd int, ok bool) {
	f, ok := d.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// answer reads a line that may be shown. What no terminal has shown is shown
// here, so that what a script did can be read.
func (d *dialog) answer(ctx context.Context) (string, error) {
	s, err := d.line(ctx)
	if _, ok := d.terminal(); !ok && err == nil {
		d.say("%s", s)
	}
	return s, err
}

// hidden reads a line without echo.
func (d *dialog) hidden(ctx context.Context) (string, error) {
	fd, ok := d.terminal()
	if !ok {
		return d.line(ctx)
	}
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	s, err := until(ctx, func() (string, error) {
		b, err := term.ReadPassword(fd)
		return string(b), err
	})
	if ctx.Err() != nil { // the read still waits, and the terminal without echo
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
	return strings.TrimSpace(s), err
}

// line reads a line, without the spaces around it, and nothing of the next.
func (d *dialog) line(ctx context.Context) (string, error) {
	return until(ctx, func() (string, error) {
		var line []byte
		var b [1]byte
		for {
			n, err := d.in.Read(b[:])
			if n > 0 && b[0] != '\n' {
				line = append(line, b[0])
			}
			switch {
			case n > 0 && b[0] == '\n', errors.Is(err, io.EOF) && len(line) > 0:
				return strings.TrimSpace(string(line)), nil
			case err != nil:
				return "", err
			}
		}
	})
}

// until reads, but no longer than ctx lives: a person may press Ctrl-C instead
// of answering. What it leaves behind then ends with the process.
func until(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		s   string
		err error
	}
	done := make(chan result, 1)
	go func() {
		s, err := read()
		done <- result{s, err}
	}()
	select {
	case r := <-done:
		return r.s, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
