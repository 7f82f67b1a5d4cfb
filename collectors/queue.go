package collectors

import "time"

// queue is a binary heap of tasks by the time of their next visit, and among
// equals by when they fell due, so that of tasks released together the one
// that waited longest goes first. Each task knows its place, so that a reload
// can move it.
type queue []*task

func (q queue) before(i, j int) bool {
	a, b := q[i], q[j]
	if a.next != b.next {
		return a.next < b.next
	}
	return a.due < b.due
}

func (q queue) swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = int32(i), int32(j)
}

func (q *queue) push(t *task, next stamp) {
	t.next, t.place = next, int32(len(*q))
	*q = append(*q, t)
	q.up(len(*q) - 1)
}

// remove takes t out; it must be in the queue.
func (q *queue) remove(t *task) {
	i, last := int(t.place), len(*q)-1
	q.swap(i, last)
	(*q)[last] = nil
	*q = (*q)[:last]
	if i < last {
		q.down(i)
		q.up(i)
	}
	t.place = notQueued
}

func (q queue) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !q.before(i, parent) {
			return
		}
		q.swap(i, parent)
		i = parent
	}
}

func (q queue) down(i int) {
	for {
		least := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < len(q) && q.before(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		q.swap(i, least)
		i = least
	}
}

const notQueued = -1

// stamp is a time in milliseconds since 1970: a third of a time.Time's size.
type stamp int64

func stampOf(t time.Time) stamp { return stamp(t.UnixMilli()) }

func (s stamp) time() time.Time { return time.UnixMilli(int64(s)).UTC() }

func (s stamp) add(d time.Duration) stamp { return s + stamp(d/time.Millisecond) }
