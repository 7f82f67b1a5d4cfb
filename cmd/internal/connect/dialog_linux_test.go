package connect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// screen is what a person sees at a terminal.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// shows waits until the screen shows a text.
func (s *screen) shows(t *testing.T, text string) {
	t.Helper()
	for range 2000 {
		if strings.Contains(s.String(), text) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("the screen does not show %q:\n%s", text, s)
}

// terminal makes a pair of pseudo terminals: what keyboard writes, a program
// reads from tty, and what the terminal echoes is on the screen.
func terminal(t *testing.T) (keyboard, tty *os.File, s *screen) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(keyboard.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err := errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)); err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s = &screen{}
	echoed := make(chan struct{})
	go func() {
		defer close(echoed)
		_, _ = s.copyFrom(keyboard) // ends with an error when tty is closed
	}()
	t.Cleanup(func() {
		_ = tty.Close()
		<-echoed
		_ = keyboard.Close()
	})
	return keyboard, tty, s
}

func (s *screen) copyFrom(f *os.File) (int, error) {
	b := make([]byte, 256)
	for total := 0; ; {
		n, err := f.Read(b)
		_, _ = s.Write(b[:n])
		if total += n; err != nil {
			return total, err
		}
	}
}

func typed(t *testing.T, keyboard *os.File, text string) {
	t.Helper()
	if _, err := keyboard.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// At a terminal a name is seen while it is typed, and a secret never is.
func TestTerminal(t *testing.T) {
	keyboard, tty, s := terminal(t)
	d := &dialog{in: tty, out: s}
	done := make(chan error, 1)
	var name, secret string
	go func() {
		var err1, err2 error
		name, err1 = d.ask(t.Context(), question{label: "Account"})
		value, err2 := d.secret(t.Context(), "Token", false)
		secret = value.Reveal()
		done <- errors.Join(err1, err2)
	}()
	s.shows(t, "Account: ")
	typed(t, keyboard, "acme\n")
	s.shows(t, "acme")
	s.shows(t, "Token (not shown while you paste it): ")
	waitForEcho(t, tty, false)
	typed(t, keyboard, "Bearer sec-ret\n")
	s.shows(t, "give the token alone")
	waitForEcho(t, tty, false)
	typed(t, keyboard, "sec-ret-42\n")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if name != "acme" || secret != "sec-ret-42" {
		t.Errorf("read %q and %q", name, secret)
	}
	if strings.Contains(s.String(), "sec-ret") {
		t.Errorf("the secret was shown:\n%s", s)
	}
	s.shows(t, "Read: 10 characters.")
	waitForEcho(t, tty, true)
}

// Ctrl-C while a secret is asked for ends at once and leaves a terminal that
// echoes.
func TestTerminalInterrupted(t *testing.T) {
	keyboard, tty, s := terminal(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := (&dialog{in: tty, out: s}).secret(ctx, "Token", false)
		done <- err
	}()
	s.shows(t, "Token")
	waitForEcho(t, tty, false)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	waitForEcho(t, tty, true)
	typed(t, keyboard, "\n") // for the read that is left behind
}

// waitForEcho waits until a terminal echoes, or does not.
func waitForEcho(t *testing.T, tty *os.File, on bool) {
	t.Helper()
	for range 2000 {
		mode, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if mode.Lflag&unix.ECHO != 0 == on {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("echo does not become %t", on)
}

// A line ends a question without a terminal, too.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		in := make(waiting)
		go func() {
			synctest.Wait()
			cancel()
		}()
		_, err := (&dialog{in: in, out: new(screen)}).ask(ctx, question{label: "Account"})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that of the context", err)
		}
		close(in)
	})
}

// waiting is an input that nobody types into.
type waiting chan struct{}

func (w waiting) Read([]byte) (int, error) {
	<-w
	return 0, errors.New("closed")
}
