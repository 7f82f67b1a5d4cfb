package command

import (
	"strings"
	"sync"
)

// What went wrong is said last: that is kept and shown.
const (
	maxSaid  = 4 << 10 // bytes kept
	maxShown = 180     // characters in an error
)

// tail keeps the end of what is written to it, by the two streams of a program
// at once.
type tail struct {
	mu   sync.Mutex
	data []byte
}

// Write takes all of p.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	if n > maxSaid {
		p = p[n-maxSaid:]
	}
	t.data = append(t.data, p...)
	if over := len(t.data) - maxSaid; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
	}
	return n, nil
}

// String returns the end.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data)
}

// ending returns the last characters of a text, with … where it was cut.
func ending(text string) string {
	runes := []rune(strings.TrimSpace(text))
	if len(runes) <= maxShown {
		return string(runes)
	}
	return "…" + string(runes[len(runes)-maxShown:])
}
