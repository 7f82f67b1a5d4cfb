package detector

import "time"

// Merge puts what the partitions of a log pass on into one order: by log time,
// then by partition, then as each partition has it. It does not matter in which
// order the partitions bring it.
type Merge[T any] struct{ lanes [][]laneItem[T] }

type laneItem[T any] struct {
	at time.Time
	v  T
}

// NewMerge returns the merge of a number of partitions, numbered from 0.
func NewMerge[T any](partitions int) *Merge[T] {
	return &Merge[T]{make([][]laneItem[T], partitions)}
}

// Put adds what a partition brings at log time at, which does not go back
// within a partition.
func (m *Merge[T]) Put(partition int, at time.Time, v T) {
	m.lanes[partition] = append(m.lanes[partition], laneItem[T]{at, v})
}

// Next takes out what comes next; false while a partition that has brought
// nothing more may still bring something that comes before it, see Awaited.
func (m *Merge[T]) Next() (v T, at time.Time, partition int, ok bool) {
	first := -1
	for p, lane := range m.lanes {
		if len(lane) == 0 {
			return v, at, 0, false
		}
		if first < 0 || lane[0].at.Before(m.lanes[first][0].at) {
			first = p
		}
	}
	it := m.lanes[first][0]
	m.lanes[first][0] = laneItem[T]{} // lets go of it
	m.lanes[first] = m.lanes[first][1:]
	return it.v, it.at, first, true
}

// Awaited returns the partitions that have to bring something before anything
// comes next.
func (m *Merge[T]) Awaited() []int {
	var out []int
	for p, lane := range m.lanes {
		if len(lane) == 0 {
			out = append(out, p)
		}
	}
	return out
}

// Waiting returns how much the partitions have brought that has not come out.
func (m *Merge[T]) Waiting() int {
	n := 0
	for _, lane := range m.lanes {
		n += len(lane)
	}
	return n
}
