package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/collectors"
)

// controls stands for the journal: it keeps what each activation appended.
type controls struct {
	appended []string
	before   func(n int) error // each append; n counts from 1
	calls    atomic.Int32
}

func (c *controls) activate(ctx context.Context, _ int, program string) error {
	err := c.before(int(c.calls.Add(1)))
	if err = cmp.Or(err, ctx.Err()); err == nil {
		c.appended = append(c.appended, program)
	}
	return err
}

func TestActivationTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &controls{before: func(n int) error {
			if n <= 3 {
				return fmt.Errorf("activate: %w", context.DeadlineExceeded)
			}
			return nil
		}}
		s := newPlanStore(nil)
		s.activate = c.activate
		s.use("new")
		core, logs := observer.New(zapcore.WarnLevel)
		if err := s.activation(t.Context(), 0, zap.New(core)); err != nil {
			t.Error(err)
		}
		if want := []string{"new"}; !slices.Equal(c.appended, want) || logs.Len() != 3 {
			t.Errorf("appended %q after %d warnings, want %q after 3", c.appended, logs.Len(), want)
		}
	})
}

func TestActivationEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &controls{before: func(int) error { return collectors.ErrNoRoom }}
		s := newPlanStore(nil)
		s.activate = c.activate
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.activation(ctx, 0, zap.NewNop()); !errors.Is(err, collectors.ErrNoRoom) {
			t.Errorf("got %v", err)
		}
	})
}

// TestActivationRace lets a partition be taken over with the old program while
// a reload puts the new one in force.
func TestActivationRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := make(chan struct{})
		c := &controls{before: func(n int) error {
			if n == 1 {
				<-slow
			}
			return nil
		}}
		s := newPlanStore(nil)
		s.activate = c.activate
		s.use("old")
		done := make(chan error, 2)
		go func() { done <- s.activation(t.Context(), 0, zap.NewNop()) }()
		synctest.Wait() // the owner is about to append
		s.use("new")
		go func() { done <- s.activation(t.Context(), 0, zap.NewNop()) }()
		time.Sleep(time.Second) // the reload comes second, or waits for its turn
		close(slow)
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
		if want := []string{"old", "new"}; !slices.Equal(c.appended, want) {
			t.Errorf("appended %q, want %q", c.appended, want)
		}
	})
}
