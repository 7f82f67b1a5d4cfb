package app

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
)

// activationWait bounds one attempt to append a control message.
const activationWait = 5 * time.Second

// planStore compiles program sets by hash, each once, and knows which of them
// is to be in force.
type planStore struct {
	journal *journal.Journal
	// activate appends a control message to a partition unless the last one
	// there names the program already; it is the journal's outside tests.
	activate func(ctx context.Context, partition int, program string) error

	mu        sync.Mutex
	plans     map[string]*detector.Plan
	sets      map[string]detector.Set // of plans that this daemon made
	now       string
	appending map[int]chan struct{} // by partition, full while activate works
}

func newPlanStore(j *journal.Journal) *planStore {
	return &planStore{journal: j, activate: j.Activate, plans: map[string]*detector.Plan{}, sets: map[string]detector.Set{}, appending: map[int]chan struct{}{}}
}

// put adds a set and makes it the current one.
func (s *planStore) put(ctx context.Context, set detector.Set) (hash string, plan *detector.Plan, err error) {
	if hash, plan, err = s.add(ctx, set); err == nil {
		s.use(hash)
	}
	return hash, plan, err
}

// extend makes the current set with more overrides the current one.
func (s *planStore) extend(ctx context.Context, more ...detector.Override) (*detector.Plan, error) {
	s.mu.Lock()
	set := s.sets[s.now]
	s.mu.Unlock()
	set.Overrides = append(slices.Clip(set.Overrides), more...)
	_, plan, err := s.put(ctx, set)
	return plan, err
}

// plan returns the plan of the current set.
func (s *planStore) plan() *detector.Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plans[s.now]
}

// add compiles a set and stores it in the journal; the current one stays.
func (s *planStore) add(ctx context.Context, set detector.Set) (hash string, plan *detector.Plan, err error) {
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
	s.plans[hash], s.sets[hash] = plan, set
	return hash, plan, nil
}

// use makes a set that was added the current one.
func (s *planStore) use(hash string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = hash
}

// current returns the hash of the set that every partition is to be judged by
// from its next control message on.
func (s *planStore) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// activation returns when the last control message of a partition names the
// current set. It tries until ctx ends, whatever the fault, since other rules
// are in force until it succeeds. Of several calls for a partition each appends
// what is current when its turn comes, so that none puts an older set back.
func (s *planStore) activation(ctx context.Context, partition int, log *zap.Logger) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := s.activateCurrent(ctx, partition)
		if err == nil || ctx.Err() != nil {
			return err
		}
		log.Warn("rules not yet in force; trying again", zap.Int("partition", partition), zap.Duration("in", wait), zap.Error(err))
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

func (s *planStore) activateCurrent(ctx context.Context, partition int) error {
	turn := s.turn(partition)
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	call, cancel := context.WithTimeout(ctx, activationWait)
	defer cancel()
	return s.activate(call, partition, s.current())
}

// turn returns what is full while somebody appends to a partition.
func (s *planStore) turn(partition int) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.appending[partition] == nil {
		s.appending[partition] = make(chan struct{}, 1)
	}
	return s.appending[partition]
}

// get returns the plan of a hash, from the journal's store if need be.
func (s *planStore) get(ctx context.Context, hash string) (*detector.Plan, error) {
	s.mu.Lock()
	plan := s.plans[hash]
	s.mu.Unlock()
	if plan != nil {
		return plan, nil
	}
	set, err := s.stored(ctx, hash)
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

// stored returns the set of a hash from the journal's store.
func (s *planStore) stored(ctx context.Context, hash string) (detector.Set, error) {
	data, err := s.journal.Program(ctx, hash)
	if err != nil {
		return detector.Set{}, err
	}
	return detector.ParseSet(data)
}
