package collectors

import (
	"time"

	"go.uber.org/zap"
)

// setBackFrom is how far our clock must go back at least to have been set, rather
// than slowed.
const setBackFrom = time.Second

// mind notes what our clock shows. Where it was set back, as on a machine that
// starts with a wrong time and learns the right one, all that was to be done by it
// moves back as far: else nothing would be polled until it has come so far again.
func (s *Scheduler) mind(now stamp) {
	back := s.clock - now
	s.clock = now
	if back < stamp(0).add(setBackFrom) {
		return
	}
	d := time.Duration(back) * time.Millisecond
	s.opts.Log.Warn("the clock was set back; polls go on from there", zap.Duration("by", d))
	moved := map[*group]bool{}
	for _, t := range s.tasks { // all alike, so that the order of the queues stays
		moveBack(back, &t.due, &t.next, &t.overdue, &t.since, &t.regular, &t.hasty)
		if t.watching != nil {
			moveBack(back, &t.watching.next)
		}
		if t.src != nil {
			moveBack(back, &t.src.held)
			if !t.visiting && !t.src.watched.IsZero() {
				t.src.watched = t.src.watched.Add(-d)
			}
		}
		if g := t.group; !moved[g] {
			moved[g] = true
			moveBack(back, &g.held, &g.struckUntil, &g.since)
		}
	}
	moveBack(back, &s.leaseCheck)
}

// moveBack moves stamps that are set.
func moveBack(by stamp, stamps ...*stamp) {
	for _, at := range stamps {
		if *at != 0 {
			*at -= by
		}
	}
}
