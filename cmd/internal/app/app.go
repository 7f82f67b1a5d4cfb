// Package app wires Picket together: it turns a configuration into a running
// daemon, with an embedded or an external NATS server, and stops it along the
// data. What the parts do belongs in their rooms; reading the configuration
// file belongs in cmd/internal/config.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/api/links"
	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/alerting/promexport"
	"github.com/picketd/picket/alerting/silence"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
)

// Options say how a daemon runs.
type Options struct {
	ConfigPath string
	Getenv     func(string) string
	// Log makes a logger for a configuration; it is asked once. SetLevel
	// changes its level at a reload; nil leaves it.
	Log      func(config.Log) (*zap.Logger, error)
	SetLevel func(level string) error
	// Started is called once with the addresses that are listened on, when the
	// daemon works; nil is allowed.
	Started func(Addresses)
	// Alert is called with the text of each alert revision as it is published,
	// for a person at the terminal; nil is allowed.
	Alert func(a *alerting.Alert, text string)

	sampling sampling // of the cost of rules; zero: the usual one
}

// Addresses are where a running daemon listens.
type Addresses struct {
	HTTP string // host:port
	NATS string // host:port of the embedded server's listener, "" without one
	// Password is the file with the password of UserAlerts, "" where anyone may
	// subscribe to alerts.
	Password string
	Demo     bool // every account is made up
}

// App is one running daemon.
type App struct {
	opts    Options
	cfg     *current
	log     *zap.Logger
	pushLog *zap.Logger // of what others send
	metrics *promexport.Metrics
	places  places
	// silences are those of the store, kept as it has them, and the maintenance
	// windows of the configuration in force.
	silences silence.Set
	holder   string           // names this daemon in leases, over restarts
	front    *front           // the HTTP server, which outlives restarts of the rest
	hangup   <-chan os.Signal // asks to read the configuration again

	demoted   demotions
	overspent chan overspent // rules that are to observe
}

// errServerStopped says that the embedded server gave up, as it does on a full
// disk, and has to be started again.
var errServerStopped = errors.New("embedded NATS server stopped serving")

// Run watches until ctx ends. It returns nil after an orderly stop.
func Run(ctx context.Context, opts Options) error {
	hangup := make(chan os.Signal, 1) // keeps what comes before it is listened to
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	cfg, err := config.Load(opts.ConfigPath, opts.Getenv)
	if err != nil {
		return err
	}
	if err := checkRules(cfg); err != nil {
		return err // before anything is opened
	}
	log, err := opts.Log(cfg.Log)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("data_dir: %w", err)
	}
	unlock, err := lock(cfg.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	a := &App{opts: opts, cfg: newCurrent(cfg), log: log, pushLog: seldom(log), metrics: newMetrics(cfg), hangup: hangup, overspent: make(chan overspent, 16)}
	a.metrics.Reloaded(true)
	a.warnSplit(cfg)
	if err := a.places.open(cfg.Enrich, log); err != nil {
		return err
	}
	if a.holder, err = holderName(cfg); err != nil {
		return err
	}
	if a.front, err = openFront(ctx, cfg.HTTP.Listen, a.metrics, log); err != nil {
		return err
	}
	defer a.front.close()
	for {
		err := a.serve(ctx)
		if !errors.Is(err, errServerStopped) || ctx.Err() != nil {
			return err
		}
		a.log.Error("embedded NATS server stopped; it is started again when the disk has room", zap.Error(err))
		if !a.awaitRoom(ctx) {
			return nil
		}
	}
}

func checkRules(cfg *config.Config) error {
	set, err := BuildSet(cfg)
	if err == nil {
		_, err = detector.Compile(set)
	}
	return errors.Join(err, CheckReceivers(cfg))
}

// parts are what serve starts and stops, in order of starting.
type parts struct {
	embedded  *Embedded
	nc        *nats.Conn
	js        jetstream.JetStream
	journal   *journal.Journal
	leases    *journal.Leases
	marks     *journal.Marks
	plans     *planStore
	manager   *alerting.Manager
	links     *links.Links
	evidence  keeping
	alerts    *natspub.Store
	silences  *natspub.Silences
	receivers *receivers
	dispatch  *dispatch.Runner
	incidents *dispatch.StreamStore
	workers   []*worker
	sched     *collectors.Scheduler
	hasten    *hastener
	pollers   *pollers
	// polledSince is from when on this daemon was to read each source; observe
	// alone uses it.
	polledSince map[string]time.Time
}

// serve runs one life of the server and everything on it.
func (a *App) serve(ctx context.Context) (err error) {
	cfg := a.cfg.get()
	p := &parts{polledSince: map[string]time.Time{}, hasten: &hastener{cfg: a.cfg}}
	if err := a.connect(cfg, p); err != nil {
		return err
	}
	defer func() {
		p.nc.Close()
		if p.embedded != nil {
			p.embedded.Close()
		}
	}()
	start, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := a.open(start, cfg, p); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop while it started
		}
		return err
	}
	return a.work(ctx, cfg, p)
}

func (a *App) connect(cfg *config.Config, p *parts) (err error) {
	if cfg.NATS.Embedded() {
		listen := cfg.NATS.Listen
		if listen == "" {
			listen = "off"
		}
		p.embedded, err = StartEmbedded(EmbeddedOptions{
			DataDir: cfg.DataDir, Listen: listen, Power: cfg.Journal.Durability == config.Power,
			OpenAlerts: cfg.NATS.OpenAlerts, Log: a.log,
		})
		if err != nil {
			return err
		}
		if err := os.WriteFile(AddressFile(cfg.DataDir), []byte(p.embedded.Address()+"\n"), 0o600); err != nil {
			p.embedded.Close()
			return fmt.Errorf("keep the NATS address: %w", err)
		}
		p.nc, err = p.embedded.Connect(connectOptions(a.log)...)
	} else {
		p.nc, err = connectExternal(cfg, connectOptions(a.log)...)
	}
	if err == nil {
		p.js, err = jetstream.New(p.nc, jetstream.WithPublishAsyncMaxPending(4096))
	}
	if err != nil && p.embedded != nil {
		p.embedded.Close()
	}
	return err
}

// open opens the stores and checks the rules; nothing runs yet.
func (a *App) open(ctx context.Context, cfg *config.Config, p *parts) (err error) {
	if err := a.awaitServer(ctx, cfg, p.nc); err != nil {
		return err
	}
	jcfg := journal.Config{
		Partitions: cfg.Journal.Partitions, Replicas: cfg.Journal.Replicas,
		Retention: journal.Retention(cfg.Journal.Retention), MaxBytes: cfg.Journal.MaxBytes, Log: a.log,
		Kept: func(source string) (collectors.Checkpoint, bool) { return p.kept(source) },
	}
	if cfg.NATS.Embedded() {
		jcfg.Room = (&disk{path: cfg.DataDir, reserve: cfg.Journal.Reserve, log: a.log}).room
	}
	if p.journal, err = journal.Open(ctx, p.js, jcfg, journalMetrics{a.metrics}); err != nil {
		return err
	}
	if p.leases, err = journal.OpenLeases(ctx, p.js, a.holder, cfg.Journal.Replicas, a.log); err != nil {
		return err
	}
	if p.marks, err = journal.OpenMarks(ctx, p.js, cfg.Journal.Replicas); err != nil {
		return err
	}
	if err := natspub.Ensure(ctx, p.js, natspub.StreamOptions{Replicas: cfg.Journal.Replicas}); err != nil {
		return err
	}
	store, err := natspub.Open(ctx, p.js)
	if err != nil {
		return err
	}
	p.alerts = store
	store.Damaged = a.damagedIn(natspub.Stream)
	if p.silences, err = a.openSilences(ctx, cfg, p.js); err != nil {
		return err
	}
	if p.evidence, err = a.openEvidence(ctx, cfg, p.js); err != nil {
		return err
	}
	p.manager, err = alerting.New(alerting.Config{
		Store:     store,
		Publisher: natspub.NewPublisher(p.js, natspub.PublisherOptions{Instance: cfg.Instance, Version: ReadBuild().Version, Directory: a.cfg}),
		Observer:  &alertObserver{a.metrics, a, p.evidence, p.hasten}, Log: a.log, Directory: a.cfg, Silenced: a.silences.Of, Handled: a.metrics.Handled,
		Kept: p.evidence.count,
	})
	if err != nil {
		return err
	}
	if err := p.manager.Recover(ctx); err != nil {
		return err
	}
	a.metrics.CountAlerts(p.manager.Counts)
	a.metrics.CountVerdicts(p.manager.Verdicts)
	set, err := BuildSet(cfg)
	if err != nil {
		return err
	}
	p.plans = newPlanStore(p.journal)
	_, plan, err := p.plans.put(ctx, set)
	if err != nil {
		return err
	}
	a.rulesLoaded(plan)
	if err := a.openDelivery(ctx, cfg, p); err != nil {
		return err
	}
	return a.openDispatch(ctx, cfg, p)
}

// awaitServer waits for the first connection to an external server.
func (a *App) awaitServer(ctx context.Context, cfg *config.Config, nc *nats.Conn) error {
	// The client has no error at first, and forgets each as it tries again: each
	// is told once.
	const most = 10 // of a list of servers
	var last error
	told := map[string]bool{}
	for first := true; !nc.IsConnected(); first = false {
		err := nc.LastError()
		last = cmp.Or(err, last)
		if kind := kindOfTry(err); first || kind != "" && !told[kind] && len(told) < most {
			told[kind] = true
			a.log.Warn("waiting for the NATS server", zap.String("url", cfg.NATS.URL), zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("connect to NATS at %s: %w; is a server there that takes this user?", cfg.NATS.URL, cmp.Or(last, ctx.Err()))
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// kindOfTry is what is wrong with a try to connect, without what differs each
// time: a certificate's fault tells the time of day.
func kindOfTry(err error) string {
	if err == nil {
		return ""
	}
	kind, _, _ := strings.Cut(err.Error(), ": current time ")
	return kind
}

// kept looks a source's cursor up in what the detector remembers.
func (p *parts) kept(source string) (collectors.Checkpoint, bool) {
	part := p.journal.Partition(source)
	if part >= len(p.workers) {
		return collectors.Checkpoint{}, false
	}
	w := p.workers[part]
	// A daemon that has just started knows once its checkpoint is restored; one
	// that does not read the partition never does.
	for deadline := time.Now().Add(keptWait); !w.restored.Load() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	prefix := fmt.Sprintf("picket.activity.%d.", part)
	return w.head(strings.TrimPrefix(p.journal.Subject(source), prefix))
}

// keptWait is how long a source without a message in the log waits for the
// detector's checkpoint.
const keptWait = 3 * time.Second

// work runs everything until ctx ends or a part cannot go on. It stops along
// the data: first what comes in, then the journal, then the detector with its
// alerts.
func (a *App) work(ctx context.Context, cfg *config.Config, p *parts) error {
	inner, stopAll := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stopAll(nil)
	detect, stopDetect := context.WithCancel(inner)
	var downstream errgroup.Group
	for i := range cfg.Journal.Partitions {
		w := a.newWorker(cfg, p, i)
		p.workers = append(p.workers, w)
		downstream.Go(func() error { a.own(detect, p, w); return nil })
	}
	downstream.Go(func() error { a.ownAcross(detect, p, a.newAcross(cfg, p)); return nil })
	downstream.Go(func() error { return ignoreCanceled(p.manager.Run(detect)) })
	downstream.Go(func() error { a.watchSilences(detect, p.silences, p.dispatch.SilencesChanged); return nil })
	downstream.Go(func() error { p.evidence.run(detect); return nil })
	downstream.Go(func() error { a.ownDelivery(detect, p); return nil })
	downstream.Go(func() error { a.ownDispatch(detect, p); return nil })
	upstream, err := a.startUpstream(ctx, inner, cfg, p)
	if err == nil {
		a.front.hold(p.leases)
		if a.opts.Started != nil {
			a.opts.Started(Addresses{HTTP: a.front.address(), NATS: p.address(), Password: passwordOf(cfg), Demo: len(cfg.Accounts) == 0 && len(simulated(cfg)) > 0})
		}
		err = a.supervise(ctx, inner, p)
	}
	a.front.detach()
	if upstream != nil {
		upstream()
	}
	p.journal.Close()
	stopDetect()
	err = errors.Join(err, downstream.Wait())
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	p.leases.Close(release)
	return err
}

func passwordOf(cfg *config.Config) string {
	if cfg.NATS.OpenAlerts {
		return ""
	}
	return PasswordFile(cfg.DataDir, UserAlerts)
}

func (p *parts) address() string {
	if p.embedded == nil {
		return ""
	}
	return p.embedded.Address()
}

// supervise waits for the end of ctx, a failing part, or a server that stopped.
func (a *App) supervise(ctx, inner context.Context, p *parts) error {
	clock := time.NewTicker(time.Second)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			a.log.Info("stopping")
			return nil
		case <-inner.Done():
			return context.Cause(inner)
		case <-clock.C:
			if p.embedded != nil && (!p.embedded.Serving() || a.front.stuck()) {
				return errServerStopped
			}
			a.observe(p)
		}
	}
}

// own runs a partition's worker while this daemon holds its lease. A passing
// fault, such as a cluster that elects a leader, is waited out.
func (a *App) own(ctx context.Context, p *parts, w *worker) {
	clock := time.NewTicker(50 * time.Millisecond)
	defer clock.Stop()
	wait := time.Duration(0)
	for ctx.Err() == nil {
		if !p.leases.Held(partitionLease(w.partition)) {
			select {
			case <-ctx.Done():
			case <-clock.C:
			}
			continue
		}
		started := time.Now()
		err := a.tend(ctx, p, w)
		a.front.release(w.partition)
		a.metrics.Release(w.partition)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			a.log.Warn("partition given up to another daemon", zap.Int("partition", w.partition))
			continue
		case time.Since(started) > time.Minute:
			wait = 0
		}
		wait = min(max(2*wait, 250*time.Millisecond), 15*time.Second)
		a.log.Error("partition not read; trying again", zap.Int("partition", w.partition), zap.Duration("in", wait), zap.Error(err))
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// tend runs a partition's worker and ticker until the lease is lost, which is
// no error, or ctx ends.
func (a *App) tend(ctx context.Context, p *parts, w *worker) error {
	held, lost := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer lost()
	group.Go(func() {
		clock := time.NewTicker(50 * time.Millisecond)
		defer clock.Stop()
		defer lost()
		for p.leases.Held(partitionLease(w.partition)) {
			select {
			case <-held.Done():
				return
			case <-clock.C:
			}
		}
	})
	defer a.heed(p, w)()
	group.Go(func() { w.tick(held, func(err error) { a.front.probe(w.partition, err) }) })
	if err := a.adopt(held, p, w.partition); err != nil && held.Err() == nil {
		a.log.Warn("rules that were over their budget are judged anew: what was in force could not be read", zap.Int("partition", w.partition), zap.Error(err))
	}
	err := p.plans.activation(held, w.partition, a.log)
	if err == nil {
		err = w.run(held)
	}
	if held.Err() != nil {
		return nil
	}
	return err
}

// partitionLease names the lease on reading a partition.
func partitionLease(partition int) string { return fmt.Sprintf("partition-%d", partition) }

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (a *App) newWorker(cfg *config.Config, p *parts, partition int) *worker {
	return &worker{
		partition: partition, journal: p.journal, marks: p.marks, sink: p.manager, plans: p.plans,
		saver: saver{files: checkpointsOf(cfg.DataDir, partition)},
		every: cfg.Detector.Checkpoint, lateness: cfg.Detector.Lateness, accounts: cfg.Detector.MaxAccounts,
		coverage: &coverer{partition: partition, partitions: cfg.Journal.Partitions, cfg: a.cfg, sight: a.cfg.Sight, metrics: a.metrics},
		costs:    &costs{partition: partition, metrics: a.metrics, budget: func() config.Budget { return a.cfg.get().Rules.Budget }, over: a.overBudget, sampling: a.sampling()},
		metrics:  a.metrics, log: a.log, heads: newHeadTable(nil),
	}
}
