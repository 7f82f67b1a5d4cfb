package slack

import "sync"

// maxSeen bounds what is remembered of envelopes and clicks. Slack repeats
// within a minute or so.
const maxSeen = 2000

// seen remembers what has been taken: Slack sends an envelope again where the
// acknowledgement was lost.
type seen struct {
	mu    sync.Mutex
	of    map[string]bool
	order []string
}

// first reports whether the key is seen for the first time.
func (s *seen) first(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[key] {
		return false
	}
	s.of[key] = true
	if s.order = append(s.order, key); len(s.order) > maxSeen {
		delete(s.of, s.order[0])
		s.order = s.order[1:]
	}
	return true
}
