// Package natsin takes activities and approvals in from NATS subjects, with
// request and reply. What a message's payload means belongs in
// collectors/intake; who may publish on the subjects is for the NATS server's
// permissions to say, and the connection belongs to the caller.
package natsin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/intake"
)

// Defaults of Config.
const (
	DefaultActivities = "picket.intake.activities"
	DefaultApprovals  = "picket.intake.approvals"
	DefaultQueue      = "picket"
	DefaultWorkers    = 16
	DefaultPending    = 4096
)

// ErrorHeader is set on a reply when anything was refused: it says why the
// whole message was, or the first item of it.
const ErrorHeader = "Picket-Error"

// Config says where to listen and how much is handled at once.
type Config struct {
	// Activities and Approvals are the subjects that each arrive on. Empty
	// means DefaultActivities and DefaultApprovals.
	Activities, Approvals string
	// Queue is the queue group, so that of several daemons one handles each
	// message. Empty means DefaultQueue.
	Queue string
	// Workers bounds the messages handled at once, Pending those that wait for
	// them, on each subject; 0 means DefaultWorkers and DefaultPending. What
	// comes beyond is dropped by the client and counted.
	Workers, Pending int
}

// Deps is what the input is given.
type Deps struct {
	Log     *zap.Logger      // nil logs nothing
	Now     func() time.Time // nil means time.Now
	Metrics intake.Metrics   // nil counts nothing
}

// Input is a running subscription.
type Input struct {
	cfg      Config
	deps     Deps
	nc       *nats.Conn
	receiver *intake.Receiver

	submit func() context.Context // of submissions; ends when Stop gives up
	cancel context.CancelFunc
	slots  chan struct{}
	work   sync.WaitGroup // messages at work, and watchers
	inlets []*inlet
}

// inlet is one subscription.
type inlet struct {
	*nats.Subscription
	ended chan struct{} // closed when no callback runs any more

	mu      sync.Mutex
	dropped int // counted so far
}

// New subscribes to the two subjects. A message's payload is a body as
// collectors/intake describes it; its Content-Type and Content-Encoding
// headers, if any, mean what they do in HTTP. A message that asks for a reply
// gets an intake.Answer, and Picket-Error where anything was refused; refusals
// of one that does not are logged. All are counted. Replies go to subjects that
// begin with an underscore, as _INBOX does, and nowhere else.
func New(cfg Config, nc *nats.Conn, in collectors.Intake, deps Deps) (*Input, error) {
	cfg = cfg.withDefaults()
	if cfg.Workers < 0 || cfg.Pending < 0 {
		return nil, fmt.Errorf("nats intake: workers %d, pending %d; expected positive numbers, or 0 for the default", cfg.Workers, cfg.Pending)
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Metrics == nil {
		deps.Metrics = intake.NoMetrics{}
	}
	i := &Input{
		cfg: cfg, deps: deps, nc: nc, slots: make(chan struct{}, cfg.Workers),
		receiver: &intake.Receiver{Intake: in, Now: deps.Now, Metrics: deps.Metrics, MaxItems: intake.MaxItems},
	}
	ctx, cancel := context.WithCancel(context.Background())
	i.submit, i.cancel = func() context.Context { return ctx }, cancel
	err := i.subscribe(cfg.Activities, intake.Activities)
	if err == nil {
		err = i.subscribe(cfg.Approvals, intake.Approvals)
	}
	if err != nil {
		return nil, errors.Join(err, i.Stop(context.Background()))
	}
	return i, nil
}

func (c Config) withDefaults() Config {
	if c.Activities == "" {
		c.Activities = DefaultActivities
	}
	if c.Approvals == "" {
		c.Approvals = DefaultApprovals
	}
	if c.Queue == "" {
		c.Queue = DefaultQueue
	}
	if c.Workers == 0 {
		c.Workers = DefaultWorkers
	}
	if c.Pending == 0 {
		c.Pending = DefaultPending
	}
	return c
}

func (i *Input) subscribe(subject string, content intake.Content) error {
	in := &inlet{ended: make(chan struct{})}
	sub, err := i.nc.QueueSubscribe(subject, i.cfg.Queue, func(msg *nats.Msg) {
		// Called for one message at a time: while all workers are busy it
		// waits here, and messages wait in the client.
		i.slots <- struct{}{}
		i.countDropped(msg.Sub, in)
		i.work.Go(func() {
			defer func() { <-i.slots }()
			i.handle(msg, content)
		})
	})
	if err != nil {
		return fmt.Errorf("nats intake: subscribe to %s: %w", subject, err)
	}
	in.Subscription = sub
	i.inlets = append(i.inlets, in)
	sub.SetClosedHandler(func(string) { close(in.ended) })
	if err := sub.SetPendingLimits(i.cfg.Pending, i.cfg.Pending*int(i.nc.MaxPayload())); err != nil {
		return fmt.Errorf("nats intake: limit %s: %w", subject, err)
	}
	slow := sub.StatusChanged(nats.SubscriptionSlowConsumer)
	i.work.Go(func() { i.watch(in, slow) })
	return nil
}

// watch notices that the client begins to drop messages, even while no worker
// gets on.
func (i *Input) watch(in *inlet, slow <-chan nats.SubStatus) {
	for {
		select {
		case <-in.ended:
			return
		case _, open := <-slow:
			if !open {
				slow = nil // closed: ended follows
				continue
			}
			i.countDropped(in.Subscription, in)
		}
	}
}

func (i *Input) countDropped(sub *nats.Subscription, in *inlet) {
	in.mu.Lock()
	defer in.mu.Unlock()
	n, err := sub.Dropped()
	if err != nil || n <= in.dropped {
		return // none, or the subscription is closed
	}
	i.deps.Metrics.Refused(intake.ReasonSlowConsumer, n-in.dropped)
	i.deps.Log.Warn("nats intake dropped messages: they come faster than the journal takes them",
		zap.String("subject", sub.Subject), zap.Int("dropped", n-in.dropped))
	in.dropped = n
}

// inbox begins the subjects on which clients wait for replies: _INBOX, and by
// custom other prefixes that begin with an underscore.
const inbox = "_"

func (i *Input) handle(msg *nats.Msg, content intake.Content) {
	if msg.Reply != "" && !strings.HasPrefix(msg.Reply, inbox) {
		// Picket may publish where its senders may not: it must not do so for them.
		i.deps.Log.Warn("nats reply subject is no inbox; nothing is sent there", zap.String("subject", msg.Subject))
		msg.Reply = ""
	}
	answer, err := i.receive(msg, content)
	if err != nil {
		answer = &intake.Answer{Error: err.Error()}
	}
	first := answer.FirstRefused()
	if msg.Reply != "" {
		i.reply(msg, answer, first)
	}
	switch {
	case err != nil:
		i.deps.Log.Warn("nats message refused", zap.String("subject", msg.Subject), zap.String("reason", intake.BodyReason(err)), zap.Bool("replied", msg.Reply != ""))
	case first != nil:
		i.deps.Log.Warn("nats items refused", zap.String("subject", msg.Subject), zap.Bool("replied", msg.Reply != ""),
			zap.Int("accepted", answer.Accepted), zap.Int("refused", answer.Refused),
			zap.Int("index", first.Index), zap.String("reason", first.Reason()), zap.String("field", first.Field))
	default:
		i.deps.Log.Debug("nats items accepted", zap.String("subject", msg.Subject), zap.Int("accepted", answer.Accepted))
	}
}

func (i *Input) receive(msg *nats.Msg, content intake.Content) (*intake.Answer, error) {
	form, err := intake.FormOf(msg.Header.Get("Content-Type"))
	if err == nil {
		msg.Data, err = intake.Inflate(msg.Data, msg.Header.Get("Content-Encoding"), intake.MaxBody)
	}
	if err != nil {
		i.deps.Metrics.Refused(intake.BodyReason(err), 1)
		return nil, err
	}
	return i.receiver.Receive(i.submit(), intake.Body{Data: msg.Data, Form: form, Content: content, Sender: msg.Subject})
}

// headerRoom is kept free in a reply for its subject and headers.
const headerRoom = 4 << 10

func (i *Input) reply(msg *nats.Msg, answer *intake.Answer, first *intake.Result) {
	reply := nats.NewMsg(msg.Reply)
	reply.Header.Set("Content-Type", "application/json")
	switch {
	case answer.Error != "":
		reply.Header.Set(ErrorHeader, headerText(answer.Error))
	case first != nil:
		reply.Header.Set(ErrorHeader, headerText(fmt.Sprintf("%d of %d refused; item %d: %s",
			answer.Refused, answer.Accepted+answer.Refused, first.Index, first.Error)))
	}
	reply.Data = answer.Fit(int(i.nc.MaxPayload()) - headerRoom)
	if err := i.nc.PublishMsg(reply); err != nil {
		i.deps.Log.Warn("nats reply was not sent", zap.String("subject", msg.Subject), zap.Error(err))
	}
}

// headerText makes an error fit into one header line.
func headerText(s string) string {
	const longest = 1 << 10
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return s
}

// lastFlush bounds how long Stop waits for the last replies to leave.
const lastFlush = 2 * time.Second

// Stop takes no further message and returns when those that have arrived are
// answered. When ctx ends before that, submissions are cancelled: what is at
// work and not durable yet is answered as refused, to be sent again, and what
// waits gets no answer. Stop is called once.
func (i *Input) Stop(ctx context.Context) error {
	defer i.cancel()
	for _, in := range i.inlets {
		i.countDropped(in.Subscription, in)
		if err := in.Drain(); err != nil && !gone(err) {
			return fmt.Errorf("nats intake: drain %s: %w", in.Subject, err)
		}
	}
	idle := make(chan struct{})
	go func() {
		for _, in := range i.inlets {
			<-in.ended
		}
		i.work.Wait()
		close(idle)
	}()
	var late error
	select {
	case <-idle:
	case <-ctx.Done():
		late = fmt.Errorf("nats intake: stopped before all messages were done: %w", context.Cause(ctx))
		i.cancel()
		for _, in := range i.inlets {
			_ = in.Unsubscribe() // it may have ended meanwhile
		}
		<-idle
	}
	if err := i.nc.FlushTimeout(lastFlush); err != nil && !gone(err) {
		return errors.Join(late, fmt.Errorf("nats intake: send the last replies: %w", err))
	}
	return late
}

// gone reports whether there is no connection any more to say goodbye on.
func gone(err error) bool {
	return errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrBadSubscription) || errors.Is(err, nats.ErrConnectionDraining)
}
