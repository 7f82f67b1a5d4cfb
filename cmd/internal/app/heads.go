package app

import "github.com/picketd/picket/collectors"

// headTable keeps each source's newest cursor, by source as it stands in
// subjects, for the case that retention takes the source's last message. It
// knows which have changed since they were taken.
type headTable struct {
	at      map[string]int
	all     []head
	changed []int // places in all
}

type head struct {
	source  string
	c       collectors.Checkpoint
	changed bool
}

// heads are cursors by source, as a checkpoint holds them.
type heads map[string]collectors.Checkpoint

func newHeadTable(from heads) *headTable {
	t := &headTable{at: make(map[string]int, len(from))}
	for source, c := range from {
		t.at[source] = len(t.all)
		t.all = append(t.all, head{source: source, c: c})
	}
	return t
}

func (t *headTable) get(source string) (collectors.Checkpoint, bool) {
	i, ok := t.at[source]
	if !ok {
		return collectors.Checkpoint{}, false
	}
	return t.all[i].c, true
}

func (t *headTable) set(source string, c collectors.Checkpoint) {
	i, ok := t.at[source]
	if !ok {
		i = len(t.all)
		t.at[source] = i
		t.all = append(t.all, head{source: source})
	}
	h := &t.all[i]
	h.c = c
	if !h.changed {
		h.changed = true
		t.changed = append(t.changed, i)
	}
}

// markAll lets take return all.
func (t *headTable) markAll() {
	t.changed = t.changed[:0]
	for i := range t.all {
		t.all[i].changed = true
		t.changed = append(t.changed, i)
	}
}

// take returns at most n of those that have changed since they were taken.
func (t *headTable) take(n int) heads {
	n = min(n, len(t.changed))
	out := make(heads, n)
	for _, i := range t.changed[len(t.changed)-n:] {
		h := &t.all[i]
		out[h.source], h.changed = h.c, false
	}
	t.changed = t.changed[:len(t.changed)-n]
	return out
}
