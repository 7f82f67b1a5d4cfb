package collectors

import (
	"time"
)

// longest is the longest interval between two polls.
func (t *Task) longest() time.Duration { return max(t.Every, t.Slowest) }

// Hasten has a source polled at its Fastest interval until a time: something
// odd was seen there. A source without Fastest, or that is not polled, is left
// alone; so is one whose credential would run out of its budget.
func (s *Scheduler) Hasten(source string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks[source]
	if t == nil || t.Fastest <= 0 {
		return
	}
	t.calm = 0
	t.hasty = max(t.hasty, stampOf(until))
	now := stampOf(s.opts.Now())
	if t.hasty > now {
		s.forward(t, now.add(t.Fastest))
	}
}

// forward brings a task's next poll forward, unless it waits for something: a
// place, its credential, or a source that fails. A poll for mentions alone is
// not what is asked for: the regular one comes forward too.
func (s *Scheduler) forward(t *task, at stamp) {
	if t.regular <= at && t.due <= at || !t.lasts() {
		return
	}
	t.regular = min(t.regular, at)
	switch {
	case t.visiting, t.waiting, t.place == notQueued, t.due <= at, t.next != t.due:
	case t.status != nil && t.status.err != nil && !inPart(t.status.err):
	default:
		s.queue.remove(t)
		t.due = at
		s.queue.push(t, at)
		s.nudge()
	}
}

// lasts reports whether the task's credential has enough for more polls than
// usual.
func (t *task) lasts() bool { return t.Budget == nil || t.Budget.lasts() }

// usual is when a task is polled again after a poll that went well.
func (s *Scheduler) usual(t *task, v *visit, now stamp) stamp {
	if !v.extra {
		t.regular = s.onGrid(t, v, now)
	}
	if v.result.more {
		return now
	}
	if w := t.watching; t.hinted && w != nil && t.lasts() {
		t.regular = min(t.regular, w.turn(now))
	}
	t.hinted = false
	next := max(now, t.regular)
	// Mentions that wait for their part are read on when there is one.
	if limited, ok := asLimited(v.result.behind); ok && !limited.Until.IsZero() {
		if at := max(stampOf(limited.Until), now.add(backoffBase)); at < next {
			next, t.extra = at, true
		}
	}
	return next
}

// onGrid is when a task's next regular poll is due.
func (s *Scheduler) onGrid(t *task, v *visit, now stamp) stamp {
	if v.result.fresh {
		t.calm = 0
	} else if t.calm < 64 {
		t.calm++
	}
	next := nextOnGrid(t.hash, t.interval(now), now)
	if t.Slowest > 0 {
		next = max(now, min(next, stampOf(v.sent).add(t.Slowest)))
	}
	return next
}

// interval is how long to wait until the next poll.
func (t *task) interval(now stamp) time.Duration {
	if t.Fastest > 0 && t.hasty > now && t.lasts() {
		return t.Fastest
	}
	d := t.Every
	for n := uint8(1); n < t.calm && d < t.Slowest; n++ {
		d += d / 2
	}
	if t.Slowest > 0 {
		d = min(d, t.Slowest)
	}
	return d
}
