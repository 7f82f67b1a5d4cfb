package app

import (
	"context"
	"sync"

	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
)

// planStore compiles program sets by hash, each once.
type planStore struct {
	journal *journal.Journal

	mu    sync.Mutex
	plans map[string]*detector.Plan
	now   string
}

func newPlanStore(j *journal.Journal) *planStore {
	return &planStore{journal: j, plans: map[string]*detector.Plan{}}
}

// put makes a checked set known, stores it in the journal and makes it the
// one that new partitions start with.
func (s *planStore) put(ctx context.Context, set detector.Set) (hash string, plan *detector.Plan, err error) {
	data, hash, err := set.Encode()
	if err != nil {
		return "", nil, err
	}
	if plan, err = detector.Compile(set); err != nil {
		return "", nil, err
	}
	if err := s.journal.StoreProgram(ctx, hash, data); err != nil {
		return "", nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plans[hash] = plan
	s.now = hash
	return hash, plan, nil
}

func (s *planStore) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// get returns the plan of a hash, from the journal's store if need be.
func (s *planStore) get(ctx context.Context, hash string) (*detector.Plan, error) {
	s.mu.Lock()
	plan := s.plans[hash]
	s.mu.Unlock()
	if plan != nil {
		return plan, nil
	}
	data, err := s.journal.Program(ctx, hash)
	if err != nil {
		return nil, err
	}
	set, err := detector.ParseSet(data)
	if err != nil {
		return nil, err
	}
	if plan, err = detector.Compile(set); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plans[hash] = plan
	return plan, nil
}
