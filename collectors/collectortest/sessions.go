package collectortest

import (
	"context"
	"sync"

	"github.com/picketd/picket/collectors"
)

// sessions keeps sessions in memory, as long as the source.
type sessions struct {
	mu   sync.Mutex
	kept map[string]collectors.Secret
}

// Load implements collectors.Sessions.
func (s *sessions) Load(ctx context.Context, name string) (collectors.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[name], ctx.Err()
}

// Save implements collectors.Sessions.
func (s *sessions) Save(ctx context.Context, name string, secret collectors.Secret) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = map[string]collectors.Secret{}
	}
	s.kept[name] = secret
	return nil
}
