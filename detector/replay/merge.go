package replay

import (
	"container/heap"
	"context"
	"errors"
	"io"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Feed yields recorded activities in the order of their file and io.EOF at its
// end; what cannot be read is an *ItemError. A returned activity is not
// changed later.
type Feed func() (activity.Activity, error)

// Merge returns the log that several recordings make together: one activity a
// message, ordered by log time, which is when it was seen, or where that is
// not recorded, when it happened. Log time never goes back: an activity that
// its file has late comes late. With backfill, activities before that time
// teach and raise nothing.
func Merge(feeds []Feed, backfill time.Time) Source {
	m := &merge{backfill: backfill}
	for i, f := range feeds {
		m.waiting = append(m.waiting, &head{feed: f, index: i})
	}
	return m
}

type merge struct {
	waiting  []*head // feeds whose next activity has to be read
	ready    heads
	last     time.Time
	backfill time.Time
	batch    activity.Batch
	one      [1]activity.Activity // what batch holds
}

// head is a feed with its next activity.
type head struct {
	feed  Feed
	index int
	next  activity.Activity
	at    time.Time
}

// Next implements Source.
func (m *merge) Next(ctx context.Context) (Message, error) {
	for len(m.waiting) > 0 {
		h := m.waiting[len(m.waiting)-1]
		a, err := h.feed()
		if errors.Is(err, io.EOF) {
			m.waiting = m.waiting[:len(m.waiting)-1]
			continue
		}
		if err != nil {
			return Message{}, err // the feed is asked again with the next call
		}
		m.waiting = m.waiting[:len(m.waiting)-1]
		h.next, h.at = a, a.Seen
		if h.at.IsZero() {
			h.at = a.Time
		}
		heap.Push(&m.ready, h)
	}
	if err := ctx.Err(); err != nil {
		return Message{}, err
	}
	if len(m.ready) == 0 {
		return Message{}, io.EOF
	}
	h := heap.Pop(&m.ready).(*head)
	m.waiting = append(m.waiting, h)
	if h.at.After(m.last) {
		m.last = h.at
	}
	m.one[0] = h.next
	m.batch = activity.Batch{Backfill: m.last.Before(m.backfill), Activities: m.one[:]}
	return Message{Time: m.last, Batch: &m.batch}, nil
}

type heads []*head

func (h heads) Len() int      { return len(h) }
func (h heads) Swap(i, k int) { h[i], h[k] = h[k], h[i] }
func (h heads) Less(i, k int) bool {
	if !h[i].at.Equal(h[k].at) {
		return h[i].at.Before(h[k].at)
	}
	return h[i].index < h[k].index
}

func (h *heads) Push(x any) { *h = append(*h, x.(*head)) }

func (h *heads) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
