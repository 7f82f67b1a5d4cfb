package app

import (
	"context"
	"errors"
	"time"

	"github.com/picketd/picket/collectors"
)

const (
	// While something becomes due, alerts were told just now, or the second stage
	// waits for the partition, log time moves each second; an idle log gets a tick each tickIdle, which is a tenth of the
	// disk. The engine takes a longer step for a downtime from 30 s on.
	tickEvery = time.Second
	tickIdle  = 10 * time.Second
	tickAfter = 5 * time.Second // findings
	tickWait  = 3 * time.Second // for one tick's acknowledgement
	// tickWanted is how long the second stage's asking for a partition counts; it
	// asks each second while it waits.
	tickWanted = 3 * time.Second
)

// expect notes for the ticker when the engine needs log time to move.
func (w *worker) expect(findings bool) {
	if findings {
		w.found.Store(time.Now().UnixNano())
	}
	next := int64(0)
	if at, ok := w.engine.Pending(); ok {
		next = at.UnixNano()
	}
	w.due.Store(next)
}

// idle reports whether log time may stand still at the moment now.
func (w *worker) idle(now time.Time) bool {
	quiet := time.Duration(now.UnixNano() - w.lastSeen.Load())
	if quiet < 0 { // the clock was set back: from here on it counts anew
		return false
	}
	if quiet < tickEvery/2 { // its own last tick is a message too
		return true
	}
	due := w.due.Load()
	busy := due != 0 && due <= now.UnixNano() || now.UnixNano()-w.found.Load() < int64(tickAfter) || now.UnixNano()-w.wanted.Load() < int64(tickWanted) || w.coverage.asks(now) || w.inquiries.asks(now)
	return !busy && quiet < tickIdle
}

// tick keeps log time moving while nothing else comes, for the partition's
// owner only. How finely it does so changes no finding, only when one is told.
func (w *worker) tick(ctx context.Context, onError func(error)) {
	ticker := w.journal.Ticker(w.partition)
	clock := time.NewTicker(tickEvery)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-clock.C:
			if w.idle(now) {
				onError(nil)
				continue
			}
			call, cancel := context.WithTimeout(ctx, tickWait)
			err := ticker.Tick(call)
			cancel()
			if errors.Is(err, collectors.ErrFenced) {
				err = nil // somebody else ticked: time moves all the same
			}
			if ctx.Err() == nil {
				onError(err)
			}
		}
	}
}
