package delivery

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting/notify"
)

// Receiver is one receiver of messages. It is not changed once it is given to
// Configure.
type Receiver struct {
	Name string // letters, digits, "-" and "_"; of messages, metrics and commands
	Type string // of its output, for people
	// Notifier is the output. Where it has a method Run(context.Context) error,
	// as one that listens to its receiver has, that runs as long as the receiver
	// is served.
	Notifier  notify.Notifier
	Deadlines Deadlines
	// Heartbeat is how often a Notifier that is a notify.Beater is told that
	// Picket works; 0: never.
	Heartbeat time.Duration
	// Words puts a message into the receiver's own words, just before it is told.
	// It changes what it is given in nothing. nil: as it is.
	Words func(m *notify.Message) *notify.Message
	// Fallbacks are the receivers that are told when this one does not work.
	Fallbacks []string
	// LastResort are told beside them where none of the Fallbacks works either.
	LastResort []string
}

// Observer counts what happens. Calls must not block.
type Observer interface {
	// Receivers tells which receivers there are; those that are gone are
	// forgotten.
	Receivers(names []string)
	// Told counts one try and what came of it. took is how long the message took
	// since it was queued, where it was delivered.
	Told(receiver string, o Outcome, took time.Duration)
	// Pending tells how many messages wait for a receiver. More than a thousand
	// are known as of when the last one was taken from the queue.
	Pending(receiver string, n int)
	// Up tells whether a receiver takes messages.
	Up(receiver string, up bool)
}

// Config is what delivery works with.
type Config struct {
	JS jetstream.JetStream // with the streams of Ensure
	// Healthy says whether the rest of Picket works, before each heartbeat; nil:
	// it does.
	Healthy  func(ctx context.Context) error
	Observer Observer // nil: nobody counts
	// Damaged is told of each stored document that cannot be read and is passed
	// over, or taken for nothing, with its stream; nil: the log alone is.
	Damaged func(stream, subject string, err error)
	Log     *zap.Logger // nil: none
	Now     func() time.Time
	Chance  func() float64 // in [0, 1), for jitter; nil: the process's own
}

// Delivery brings messages to receivers. One of several daemons may run it at a
// time.
type Delivery struct {
	cfg    Config
	pace   pace
	ledger ledger
	open   func(ctx context.Context, receiver string) (source, error)
	queue  func(ctx context.Context, messages []notify.Message) error
	// receipts returns the newest receipts of a receiver, by incident, but for
	// those that are over.
	receipts func(ctx context.Context, receiver string) (map[string]string, error)
	// waiting tells for which receivers messages wait; left are those of them that
	// are not configured, for the goroutine of Run alone. nil: that is not known.
	waiting func(ctx context.Context) (map[string]int, error)
	left    map[string]*Receiver

	mu        sync.Mutex
	receivers []*Receiver
	changed   chan struct{} // holds one
}

// New returns a Delivery without receivers; see Configure.
func New(ctx context.Context, cfg Config) (*Delivery, error) {
	cfg = cfg.complete()
	l, err := openLedger(ctx, cfg.JS, cfg.Damaged)
	if err != nil {
		return nil, err
	}
	d := &Delivery{cfg: cfg, pace: usualPace(), ledger: l, receipts: l.receipts, queue: NewOutbox(cfg.JS).Queue, waiting: waitingOn(cfg.JS), changed: make(chan struct{}, 1)}
	d.open = func(ctx context.Context, receiver string) (source, error) {
		return openSource(ctx, cfg.JS, receiver, d.cfg.Damaged)
	}
	return d, nil
}

func (c Config) complete() Config {
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	if c.Damaged == nil {
		c.Damaged = func(stream, subject string, err error) {
			c.Log.Error("a stored document cannot be read; it is passed over", zap.String("stream", stream), zap.String("subject", subject), zap.Error(err))
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Chance == nil {
		c.Chance = rand.Float64 //nolint:gosec // jitter
	}
	return c
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Receivers([]string)                  {}
func (nobody) Told(string, Outcome, time.Duration) {}
func (nobody) Pending(string, int)                 {}
func (nobody) Up(string, bool)                     {}

// Configure says which receivers there are from now on. One that was given
// before, by the same pointer, goes on undisturbed; tries of others under way
// are ended within seconds. What waits for a receiver that is gone is told if it
// comes back in time, and becomes a dead letter otherwise.
func (d *Delivery) Configure(receivers []*Receiver) error {
	names := map[string]bool{}
	for _, r := range receivers {
		if r.Name == "" || names[r.Name] {
			return fmt.Errorf("receiver %q: expected a name of its own", r.Name)
		}
		names[r.Name] = true
	}
	d.mu.Lock()
	d.receivers = slices.Clone(receivers)
	d.mu.Unlock()
	select {
	case d.changed <- struct{}{}:
	default:
	}
	return nil
}

// running is a courier at work.
type running struct {
	*courier
	receiver  *Receiver
	condition *Condition // nil: not read yet
	stop      func()     // returns when it has stopped
}

// lookEvery is how often receivers are looked at.
const lookEvery = 10 * time.Second

// Run brings messages until ctx ends; it always returns nil then.
func (d *Delivery) Run(ctx context.Context) error {
	var couriers []*running
	defer func() {
		stopAll(couriers)
		d.cfg.Observer.Receivers(nil) // another daemon's from here on
	}()
	var searched time.Time // that found out; zero: not yet
	search := func() {
		if d.search(ctx) {
			searched = d.cfg.Now()
		}
	}
	select {
	case <-d.changed: // what is arranged now knows of it
	default:
	}
	search()
	couriers = d.arrange(ctx, nil)
	clock := time.NewTicker(lookEvery)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.changed:
			search()
			couriers = d.arrange(ctx, couriers)
		case <-clock.C:
			if d.cfg.Now().Sub(searched).Abs() >= searchEvery {
				search()
				couriers = d.arrange(ctx, couriers)
			}
			for _, r := range couriers {
				d.look(ctx, r, whomToTell(r, couriers))
			}
		}
	}
}

// arrange stops the couriers of receivers that are gone or have changed, and
// starts those that are missing.
func (d *Delivery) arrange(ctx context.Context, before []*running) []*running {
	d.mu.Lock()
	receivers := slices.Clone(d.receivers)
	d.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(d.left)) {
		if !d.known(name) { // it may have come back since it was looked
			receivers = append(receivers, d.left[name])
		}
	}
	var gone []*running
	kept := map[*Receiver]*running{}
	for _, r := range before {
		if slices.Contains(receivers, r.receiver) {
			kept[r.receiver] = r
		} else {
			gone = append(gone, r)
		}
	}
	stopAll(gone)
	names := make([]string, 0, len(receivers))
	couriers := make([]*running, 0, len(receivers))
	for _, r := range receivers {
		names = append(names, r.Name)
	}
	d.cfg.Observer.Receivers(names)
	for _, r := range receivers {
		if kept[r] == nil {
			kept[r] = d.start(ctx, r)
		}
		couriers = append(couriers, kept[r])
	}
	return couriers
}

// stopAll stops couriers side by side.
func stopAll(couriers []*running) {
	var group sync.WaitGroup
	for _, r := range couriers {
		group.Go(r.stop)
	}
	group.Wait()
}

func (d *Delivery) start(ctx context.Context, r *Receiver) *running {
	ctx, cancel := context.WithCancel(ctx)
	c := &courier{
		name: r.Name, notifier: r.Notifier, words: r.Words, deadlines: r.Deadlines, pace: d.pace, heartbeat: r.Heartbeat, healthy: d.cfg.Healthy,
		ledger: d.ledger, receipts: d.receipts, open: func(ctx context.Context) (source, error) { return d.open(ctx, r.Name) },
		now: d.cfg.Now, chance: d.cfg.Chance, observer: d.cfg.Observer, log: d.cfg.Log, wake: make(chan struct{}, 1),
	}
	var group sync.WaitGroup
	group.Go(func() { c.run(ctx) })
	return &running{courier: c, receiver: r, stop: func() {
		cancel()
		group.Wait()
	}}
}

// whomToTell returns the receivers that are told where one fails: what fails one
// of them, such as a proxy, may fail all that people are paged by.
func whomToTell(r *running, couriers []*running) []string {
	for _, other := range couriers {
		if other != r && slices.Contains(r.receiver.Fallbacks, other.name) && other.works() {
			return r.receiver.Fallbacks
		}
	}
	return slices.Concat(r.receiver.Fallbacks, r.receiver.LastResort)
}

// works reports whether a receiver takes messages, as far as is known.
func (r *running) works() bool {
	h := r.report()
	return h.up() && (r.condition == nil || !r.condition.Failing)
}

// look tells others where a receiver has begun to fail, or works again.
func (d *Delivery) look(ctx context.Context, r *running, tell []string) {
	if err := d.judge(ctx, r, tell); err != nil && ctx.Err() == nil {
		d.cfg.Log.Warn("that a receiver fails, or works again, cannot be told yet", zap.String("receiver", r.name), zap.Error(err))
	}
}

func (d *Delivery) judge(ctx context.Context, r *running, tell []string) error {
	ctx, cancel := context.WithTimeout(ctx, lookEvery/2)
	defer cancel()
	if r.condition == nil {
		c, letter, err := d.ledger.condition(ctx, r.name)
		if err != nil {
			return err
		}
		r.condition = &c
		// It may have died just before a crash, and nobody was told.
		if letter != nil && !c.Failing && letter.Died.After(c.Since) {
			r.died(letter.Died, letter.Error)
		}
	}
	next := r.condition.step(r.name, d.cfg.Now().UTC(), r.report(), tell)
	if !next.Owed {
		return nil
	}
	// What is owed is durable before it is paid, so that a crash in between
	// repeats it with the same keys, which the queue recognises.
	if !r.condition.Owed {
		if err := d.ledger.judge(ctx, r.name, next); err != nil {
			return err
		}
		*r.condition = next
		d.cfg.Log.Error("receiver", zap.String("receiver", r.name), zap.Bool("failing", next.Failing), zap.String("error", next.Error), zap.Strings("told", next.Told))
	}
	if messages := next.messages(r.receiver, d.known); len(messages) > 0 {
		if err := d.queue(ctx, messages); err != nil {
			return err
		}
	}
	next.Owed = false
	if err := d.ledger.judge(ctx, r.name, next); err != nil {
		return err
	}
	*r.condition = next
	return nil
}

// known says whether there is a receiver of this name.
func (d *Delivery) known(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.receivers, func(r *Receiver) bool { return r.Name == name })
}
