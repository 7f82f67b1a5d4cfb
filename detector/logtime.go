package detector

import (
	"container/heap"
	"time"
)

// Log time: how it moves on, and what becomes due by that alone.

// begin moves log time to a message's, settling on the way what becomes due.
func (e *Engine) begin(seq uint64, at time.Time) {
	e.seq, e.out, e.mark, e.passes, e.passing = seq, nil, 0, e.passes[:0], nil
	e.memory.release(0)
	target := max(e.now, at.UnixNano())
	if step := target - e.now; e.ticked && e.now != 0 && step > int64(downtimeFrom) {
		for _, p := range e.pending {
			p.Since += step
			p.Deadline += step
		}
		e.blind = max(e.blind, target+min(step, int64(mostBlind)))
	}
	before := e.now
	e.settle(target)
	e.now, e.memory.now = target, target
	if hourOf(target) != hourOf(before) {
		e.sweep()
	}
	e.sweepPages(before/second, target/second)
}

func (e *Engine) end() []Finding {
	out := e.out
	e.out = nil
	e.stats.Findings += uint64(len(out))
	return out
}

// settle handles everything that is due by target, in the order in which it is
// due and at that log time, so that it does not matter how finely the log
// ticks.
func (e *Engine) settle(target int64) {
	for {
		due, ok := e.Pending()
		if !ok || due.UnixNano() > target {
			return
		}
		e.now = max(e.now, due.UnixNano())
		e.memory.now = e.now
		used := e.memory.used
		switch {
		case len(e.pending) > 0 && e.pending[0].Deadline == due.UnixNano():
			p := e.pending[0]
			e.pending = e.pending[1:]
			e.verdict(p)
		case len(e.closing) > 0 && e.closing[0].deadline == due.UnixNano():
			e.quiet(heap.Pop(&e.closing).(closing))
		default:
			e.silence(e.silences.pop())
		}
		e.memory.release(used)
	}
}

// quiet closes the episode of a queue entry unless it has matched since.
func (e *Engine) quiet(c closing) {
	st := e.find(c.account)
	if st == nil {
		return
	}
	ep := st.Episodes[c.key]
	switch {
	case ep == nil || ep.queued != c.deadline: // an earlier episode's entry
	case ep.Deadline > c.deadline: // it matched again meanwhile
		ep.queued = ep.Deadline
		heap.Push(&e.closing, closing{ep.Deadline, c.account, c.key})
	default:
		e.close(st, c.key, ep, "quiet")
	}
}
