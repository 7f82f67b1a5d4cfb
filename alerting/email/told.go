package email

import (
	"slices"
	"sync"
)

// maxTold bounds the messages of which it is remembered who was told. Only
// those count that were told to some and not to all.
const maxTold = 1000

// told remembers who was told a message that is not yet done.
type told struct {
	mu    sync.Mutex
	of    map[string][]string // addresses by key
	order []string            // keys, oldest first
}

// left returns those who were not told yet.
func (t *told) left(key string, to []string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	for _, a := range to {
		if !slices.Contains(t.of[key], a) {
			out = append(out, a)
		}
	}
	return out
}

func (t *told) add(key, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.of[key]; !known {
		if t.order = append(t.order, key); len(t.order) > maxTold {
			delete(t.of, t.order[0])
			t.order = slices.Delete(t.order, 0, 1)
		}
	}
	t.of[key] = append(t.of[key], address)
}

func (t *told) forget(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, key)
	if i := slices.Index(t.order, key); i >= 0 {
		t.order = slices.Delete(t.order, i, i+1)
	}
}
