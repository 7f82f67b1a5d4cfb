package dispatch

import (
	"container/heap"
	"time"
)

// wakes says when what is to be looked at again, by key. The zero value is
// empty.
type wakes struct {
	items queue
	at    map[string]*wake
}

type wake struct {
	key   string
	at    time.Time
	place int
}

// set has a key woken at a moment, instead of any before; the zero time never.
func (w *wakes) set(key string, at time.Time) {
	item := w.at[key]
	switch {
	case item == nil && at.IsZero():
	case item == nil:
		if w.at == nil {
			w.at = map[string]*wake{}
		}
		item = &wake{key: key, at: at}
		w.at[key] = item
		heap.Push(&w.items, item)
	case at.IsZero():
		heap.Remove(&w.items, item.place)
		delete(w.at, key)
	default:
		item.at = at
		heap.Fix(&w.items, item.place)
	}
}

// next returns the earliest moment, zero for none.
func (w *wakes) next() time.Time {
	if len(w.items) == 0 {
		return time.Time{}
	}
	return w.items[0].at
}

// due takes out the keys whose moment has come.
func (w *wakes) due(now time.Time) []string {
	var keys []string
	for len(w.items) > 0 && !w.items[0].at.After(now) {
		keys = append(keys, w.items[0].key)
		w.set(w.items[0].key, time.Time{})
	}
	return keys
}

// queue implements heap.Interface; equal moments are ordered by key.
type queue []*wake

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].key < q[j].key
}

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *queue) Push(x any) {
	item := x.(*wake) //nolint:forcetypeassert // set pushes nothing else
	item.place = len(*q)
	*q = append(*q, item)
}

func (q *queue) Pop() any {
	old := *q
	item := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return item
}
