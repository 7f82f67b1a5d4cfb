package app

import (
	"sync"
	"time"

	"github.com/picketd/picket/detector"
)

// inquiries are questions to a partition's engine, which its worker answers
// between two messages of the log.
type inquiries struct {
	mu      sync.Mutex
	waiting []inquiry
}

// inquiry is one question. It must be answered soon: the detector waits.
type inquiry struct {
	until  time.Time // whoever asked waits no longer
	answer func(*detector.Engine)
}

// maxInquiries bounds the questions that wait in one partition.
const maxInquiries = 32

// ask queues a question; false where too many wait.
func (q *inquiries) ask(i inquiry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= maxInquiries {
		return false
	}
	q.waiting = append(q.waiting, i)
	return true
}

// asks reports whether a question waits, which takes a message to be answered.
func (q *inquiries) asks(now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) > 0 && now.After(q.waiting[0].until) { // this partition is read elsewhere
		q.waiting = q.waiting[1:]
	}
	return len(q.waiting) > 0
}

// step answers the oldest question.
func (q *inquiries) step(e *detector.Engine, now time.Time) {
	if !q.asks(now) {
		return
	}
	q.mu.Lock()
	next := q.waiting[0]
	q.waiting = q.waiting[1:]
	q.mu.Unlock()
	next.answer(e)
}
