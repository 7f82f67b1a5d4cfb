package linkedin

import (
	"context"
	"errors"

	"github.com/picketd/picket/collectors"
)

// memory keeps one session; its collectors run one after another.
type memory struct {
	saved  collectors.Secret
	saves  int
	broken bool // nothing can be saved
}

func (m *memory) Load(context.Context, string) (collectors.Secret, error) { return m.saved, nil }

func (m *memory) Save(_ context.Context, _ string, s collectors.Secret) error {
	if m.broken {
		return errors.New("disk full")
	}
	m.saved = s
	m.saves++
	return nil
}
