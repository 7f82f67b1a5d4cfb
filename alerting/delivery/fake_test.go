package delivery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picketd/picket/alerting/notify"
)

// memory is the streams in memory, for tests inside a bubble of fake time. As
// the server does, it gives a session everything that is not settled, in order.
type memory struct {
	now func() time.Time

	mu         sync.Mutex
	queued     []stored1
	settled    map[uint64]bool
	keys       map[string]bool
	records    map[string]*Record
	conditions map[string]Condition
	letters    []Letter
	more       chan struct{} // closed when something is queued
	// fault, where set, is what every call of the ledger meets.
	fault func() error
	kept  int // calls of InProgress
}

type stored1 struct {
	seq     uint64
	at      time.Time
	message notify.Message
}

func newMemory(now func() time.Time) *memory {
	return &memory{
		now: now, settled: map[uint64]bool{}, keys: map[string]bool{}, records: map[string]*Record{},
		conditions: map[string]Condition{}, more: make(chan struct{}),
	}
}

// queue is Outbox.Queue.
func (m *memory) queue(_ context.Context, messages []notify.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range messages {
		id := messages[i].Receiver + "/" + messages[i].Key
		if err := valid(&messages[i]); err != nil {
			return err
		}
		if m.keys[id] {
			continue
		}
		m.keys[id] = true
		m.queued = append(m.queued, stored1{uint64(len(m.queued) + 1), m.now(), messages[i]})
	}
	close(m.more)
	m.more = make(chan struct{})
	return nil
}

func (m *memory) check() error {
	if m.fault != nil {
		return m.fault()
	}
	return nil
}

func (m *memory) record(_ context.Context, receiver, incident string) (*Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.records[receiver+"/"+incident]; r != nil {
		return r, m.check()
	}
	return &Record{V: recordVersion}, m.check()
}

func (m *memory) write(_ context.Context, receiver, incident string, r *Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(); err != nil {
		return err
	}
	m.records[receiver+"/"+incident] = r
	return nil
}

func (m *memory) receipts(_ context.Context, receiver string) (map[string]string, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]string{}
	for key, r := range m.records {
		if incident, ok := strings.CutPrefix(key, receiver+"/"); ok && r.Receipt != "" && !r.Over {
			out[incident] = r.Receipt
		}
	}
	return out, nil
}

func (m *memory) bury(_ context.Context, l *Letter, seq uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(); err != nil {
		return err
	}
	if !slices.ContainsFunc(m.letters, func(o Letter) bool { return o.Number == seq }) {
		letter := *l
		letter.Number = seq // of the message, so that a repetition is found
		m.letters = append(m.letters, letter)
	}
	return nil
}

// dead returns the dead letters.
func (m *memory) dead() []Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.letters)
}

func (m *memory) condition(_ context.Context, receiver string) (Condition, *Letter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range slices.Backward(m.letters) {
		if m.letters[i].Message.Receiver == receiver {
			return m.conditions[receiver], &m.letters[i], m.check()
		}
	}
	return m.conditions[receiver], nil, m.check()
}

func (m *memory) judge(_ context.Context, receiver string, c Condition) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conditions[receiver] = c
	return m.check()
}

// session implements source for one receiver.
type session struct {
	*memory
	receiver string
	next     int
}

func (m *memory) open(_ context.Context, receiver string) (source, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &session{memory: m, receiver: receiver}, m.check()
}

func (s *session) log() time.Time { return start() }
func (*session) close()           {}

func (s *session) take(ctx context.Context) (*parcel, error) {
	for {
		s.mu.Lock()
		for s.next < len(s.queued) {
			q := s.queued[s.next]
			s.next++
			if q.message.Receiver == s.receiver && !s.settled[q.seq] {
				s.mu.Unlock()
				return &parcel{message: q.message, seq: q.seq, queued: q.at, ack: ticket{s.memory, q.seq}}, nil
			}
		}
		more := s.more
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-more:
		}
	}
}

// ticket implements acknowledger.
type ticket struct {
	m   *memory
	seq uint64
}

func (k ticket) InProgress() error {
	k.m.mu.Lock()
	defer k.m.mu.Unlock()
	k.m.kept++
	return nil
}

func (k ticket) DoubleAck(context.Context) error {
	k.m.mu.Lock()
	defer k.m.mu.Unlock()
	k.m.settled[k.seq] = true
	return nil
}

// delivery returns a Delivery over m with these receivers.
func (m *memory) delivery(t *testing.T, cfg Config, receivers ...*Receiver) *Delivery {
	t.Helper()
	if cfg.Chance == nil {
		cfg.Chance = func() float64 { return 0.9 }
	}
	d := &Delivery{cfg: cfg.complete(), pace: usualPace(), ledger: m, receipts: m.receipts, open: m.open, queue: m.queue, changed: make(chan struct{}, 1)}
	if err := d.Configure(receivers); err != nil {
		t.Fatal(err)
	}
	return d
}

// phone is a receiver that notes what it takes.
type phone struct {
	answer func(m *notify.Message) error // before it takes a message; nil: takes all
	now    func() time.Time

	mu    sync.Mutex
	taken []call
	tries int
	beats []time.Time
	alone map[string]bool // incidents of which a message is being told
	fault error           // of the test
}

type call struct {
	at       time.Time
	incident string
	key      string
	kind     notify.Kind
	receipt  string // that it was given
}

func newPhone(answer func(m *notify.Message) error) *phone {
	return &phone{answer: answer, now: time.Now, alone: map[string]bool{}}
}

func (p *phone) Notify(ctx context.Context, m *notify.Message) (string, error) {
	p.mu.Lock()
	p.tries++
	if p.alone[m.Incident] {
		p.fault = errors.New("two messages of one incident at the same time")
	}
	p.alone[m.Incident] = true
	p.mu.Unlock()
	var err error
	if p.answer != nil {
		err = p.answer(m)
	}
	if errors.Is(err, errHangs) {
		<-ctx.Done()
		err = ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alone[m.Incident] = false
	if err != nil {
		return "", err
	}
	p.taken = append(p.taken, call{p.now(), m.Incident, m.Key, m.Kind, m.Receipt})
	if m.Receipt != "" {
		return "", nil
	}
	return "thread-" + m.Incident, nil
}

var errHangs = errors.New("does not answer")

func (p *phone) Beat(_ context.Context, at time.Time, _ time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beats = append(p.beats, at)
	return nil
}

// tried returns how often it was told something.
func (p *phone) tried() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tries
}

// calls returns what was taken.
func (p *phone) calls(t *testing.T) []call {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault != nil {
		t.Error(p.fault)
	}
	return slices.Clone(p.taken)
}

// keysOf returns the keys that were taken, by incident.
func keysOf(calls []call) map[string][]string {
	out := map[string][]string{}
	for _, c := range calls {
		out[c.incident] = append(out[c.incident], c.key)
	}
	return out
}
