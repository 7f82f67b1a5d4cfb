package collectors

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Task is one source to poll.
type Task struct {
	// Source names the log: for a collector of one account the account
	// ("x/acme"), else collector and name ("file/history").
	Source  string
	Network string // label of metrics
	// Multi says that the source holds activities of many accounts. Its poll
	// activities are of the account Source.
	Multi     bool
	Collector Collector
	Every     time.Duration // usual interval between polls
	// Fastest and Slowest let the interval adapt itself; 0 does not.
	//
	// Fastest, at most Every, is the interval from Hasten until the time that
	// it says, as long as the credential's quotas last at this pace.
	//
	// Slowest, at least Every, is the worst delay that is borne: while polls
	// bring nothing new the interval grows by half with each, and none begins
	// later than Slowest after the one before. Whatever is new, and Hasten,
	// brings Every back. A source that cannot be read counts as failing after
	// three times Slowest.
	Fastest, Slowest time.Duration
	// Mentions is how many mentions of the account that happen in one minute
	// are journaled; of more only a sample is, with weights. 0 for all.
	Mentions int
	// Budget is the credential's, shared by all of its tasks; nil when the
	// source needs none, such as a file. Keep it over reloads that leave the
	// credential as it is: it remembers how long to wait.
	Budget *Budget
}

// Options configure a Scheduler. Logs is needed; the rest has defaults.
type Options struct {
	Logs     Logs
	Leases   Leases   // nil: every credential is this process's
	Observer Observer // nil: nobody is told
	Log      *zap.Logger
	// Now stamps what is journaled. Waiting uses the real clock, so tests of
	// time run in testing/synctest rather than with a clock of their own.
	Now func() time.Time
	// Rand returns numbers in [0, 1) for the backoff.
	Rand func() float64
	// Workers bounds the polls in progress, 64 by default; PerCredential those
	// of one credential, 8 by default, so that a slow network leaves workers
	// for the others.
	Workers, PerCredential int
	// PollTimeout bounds one poll, 2 minutes by default.
	PollTimeout time.Duration
}

func (o *Options) setDefaults() {
	if o.Leases == nil {
		o.Leases = allLeases{}
	}
	if o.Observer == nil {
		o.Observer = noObserver{}
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Workers <= 0 {
		o.Workers = 64
	}
	if o.PerCredential <= 0 {
		o.PerCredential = 8
	}
	if o.PollTimeout <= 0 {
		o.PollTimeout = 2 * time.Minute
	}
}

// Scheduler polls sources, each on its own interval, and journals what is new.
//
// A source is polled at a fixed phase of its interval ± 10 %, at once again
// while its pages say More, and after an error with backoff. Tasks of one
// credential that must wait are served in the order in which they fell due, so
// a scarce budget is shared in turn. Between two polls the head of a source's
// log is kept in memory; the fence of Log tells when it is out of date.
type Scheduler struct {
	opts Options
	wake chan struct{}

	mu      sync.Mutex
	tasks   map[string]*task
	groups  map[*Budget]*group
	parked  map[*group]struct{} // groups with tasks that wait for the lease
	queue   queue
	running int
	started bool
	// beside runs something until Run ends or what it returns is called; nil
	// before Run.
	beside func(func(context.Context)) context.CancelFunc

	leaseCheck stamp // when to ask for parked leases again
	clock      stamp // our clock as it was seen last
}

// task is what the scheduler keeps of a source, running or not. Its fields are
// guarded by Scheduler.mu, except for what src points to.
type task struct {
	Task
	hash     uint64
	group    *group
	src      *source // nil until the first visit
	status   *status // nil until the first visit
	due      stamp   // when its turn came
	next     stamp   // when to look at it again
	overdue  stamp   // when to report that it fails although it must wait
	since    stamp   // when it was added
	place    int32   // in the queue
	waiting  bool    // in the group's queue, not in the scheduler's
	visiting bool
	regular  stamp     // when its next poll is due that is not for the sake of mentions alone
	extra    bool      // it is polled at once for the sake of mentions alone
	hinted   bool      // its stream told of something while it was visited
	calm     uint8     // polls in a row that brought nothing new
	hasty    stamp     // until when its interval is Fastest
	watching *watching // nil: no stream
	refused  bool      // its credential had no request left when its turn came
	gone     bool      // removed by Set while visited
	anew     bool      // replaced by Set while visited: what came of it says nothing
}

// group is the tasks of one credential, or one task that needs none.
type group struct {
	lease   string
	budget  *Budget
	tasks   int
	running int
	waiting queue // due, and waiting for a place or the lease
	limits  int   // consecutive answers that told to wait but not how long
	held    stamp // no poll before
	why     error // of held
	// struck was told to wait until then while nobody else was.
	struck      *task
	struckUntil stamp
	leased      bool
	term        uint64 // counts the leases
	since       stamp  // when the lease was gained
}

// NewScheduler returns a scheduler without tasks.
func NewScheduler(opts Options) *Scheduler {
	opts.setDefaults()
	return &Scheduler{
		opts: opts, wake: make(chan struct{}, 1),
		tasks: map[string]*task{}, groups: map[*Budget]*group{}, parked: map[*group]struct{}{},
	}
}

// Set makes tasks the ones to poll, before Run or while it runs. A task with
// the Source of an earlier one replaces it and goes on with its state; if it
// was failing or had to wait, it is polled at once when its collector or budget
// is another. All tasks are refused when one is wrong.
func (s *Scheduler) Set(tasks []Task) error {
	if err := checkTasks(tasks); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := stampOf(s.opts.Now())
	named := make(map[string]struct{}, len(tasks))
	for i := range tasks {
		named[tasks[i].Source] = struct{}{}
	}
	for name, t := range s.tasks {
		if _, stays := named[name]; !stays {
			s.drop(t)
		}
	}
	for i := range tasks {
		if t, ok := s.tasks[tasks[i].Source]; ok {
			s.replace(t, tasks[i], now)
		} else {
			s.add(tasks[i], now, len(tasks))
		}
	}
	s.nudge()
	return nil
}

func checkTasks(tasks []Task) error {
	var errs []error
	seen := make(map[string]struct{}, len(tasks))
	for i := range tasks {
		t := &tasks[i]
		_, twice := seen[t.Source]
		seen[t.Source] = struct{}{}
		switch {
		case t.Source == "":
			errs = append(errs, fmt.Errorf("task %d: no source; name the account or file it polls", i))
		case twice:
			errs = append(errs, fmt.Errorf("task %d: source %s is polled twice; remove one", i, t.Source))
		case t.Collector == nil:
			errs = append(errs, fmt.Errorf("task %d: source %s has no collector", i, t.Source))
		case t.Every < time.Millisecond:
			errs = append(errs, fmt.Errorf("task %d: source %s: interval %s; want at least 1ms", i, t.Source, t.Every))
		case t.Fastest < 0 || t.Fastest > t.Every || t.Fastest > 0 && t.Fastest < time.Millisecond:
			errs = append(errs, fmt.Errorf("task %d: source %s: fastest interval %s; want 1ms to the usual one, %s, or none", i, t.Source, t.Fastest, t.Every))
		case t.Slowest != 0 && t.Slowest < t.Every:
			errs = append(errs, fmt.Errorf("task %d: source %s: slowest interval %s; want at least the usual one, %s, or none", i, t.Source, t.Slowest, t.Every))
		}
	}
	return errors.Join(errs...)
}

// startSpread is the time per task over which first polls are spread.
const startSpread = 2 * time.Millisecond

// add queues a new task. Few tasks start at once, many spread over their
// interval.
func (s *Scheduler) add(spec Task, now stamp, tasks int) {
	t := &task{Task: spec, hash: hashString(spec.Source), place: notQueued, since: now}
	spread := min(spec.Every, time.Duration(tasks)*startSpread)
	t.due = now.add(time.Duration(fraction(t.hash, 0) * float64(spread)))
	t.overdue = now.add(failingIntervals * spec.longest())
	s.tasks[spec.Source] = t
	s.join(t)
	s.queue.push(t, t.due)
}

// replace gives a task another collector, interval or budget.
func (s *Scheduler) replace(t *task, spec Task, now stamp) {
	t.gone = false
	other := !same(t.Collector, spec.Collector) || t.Budget != spec.Budget
	interval := t.Every != spec.Every || t.Fastest != spec.Fastest || t.Slowest != spec.Slowest
	if other {
		s.unwatch(t)
	}
	if !t.visiting {
		s.unqueue(t)
	}
	if t.Budget != spec.Budget {
		s.leave(t)
		t.Task = spec
		s.join(t)
	}
	t.Task = spec
	if interval {
		t.calm = 0
	}
	if t.visiting {
		t.anew = t.anew || other
		return
	}
	switch {
	case other && (t.group.held > now || t.status != nil && t.status.err != nil):
		t.due = now
		if t.src != nil {
			t.src.held = 0
		}
	case interval && t.status != nil:
		t.due = min(t.due, nextOnGrid(t.hash, t.Every, now))
	}
	s.queue.push(t, t.due)
}

// same compares collectors; those of a type that cannot be compared differ.
func same(a, b Collector) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.ValueOf(a).Comparable() && a == b
}

// drop forgets a task; one that is visited right now ends its visit first.
func (s *Scheduler) drop(t *task) {
	if t.visiting {
		t.gone = true
		return
	}
	s.unwatch(t)
	s.unqueue(t)
	s.leave(t)
	delete(s.tasks, t.Source)
}

func (s *Scheduler) unqueue(t *task) {
	switch {
	case t.place == notQueued:
	case t.waiting:
		t.group.waiting.remove(t)
		t.waiting = false
	default:
		s.queue.remove(t)
	}
}

func (s *Scheduler) join(t *task) {
	if t.Budget == nil {
		t.group = &group{lease: t.Source, tasks: 1}
		return
	}
	g := s.groups[t.Budget]
	if g == nil {
		g = &group{lease: t.Budget.Name(), budget: t.Budget}
		s.groups[t.Budget] = g
	}
	g.tasks++
	g.budget.join(1)
	t.group = g
}

// leave takes a task that is not queued out of its group.
func (s *Scheduler) leave(t *task) {
	g := t.group
	s.admitWaiting(g) // t may have been called to a place that it will not take
	if g.budget != nil {
		g.budget.join(-1)
	}
	if g.tasks--; g.tasks == 0 {
		if g.budget != nil {
			delete(s.groups, g.budget)
		}
		delete(s.parked, g)
	}
}

func (s *Scheduler) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
