package app

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// reloader reads the configuration again on SIGHUP and when a file that it
// came from changes.
type reloader struct {
	app   *App
	parts *parts
	files *watcher
	// unapplied says that not all of the file last read is in force, so that
	// the same file is tried again.
	unapplied bool
	stale     string // what warnStale told last
	exposed   string // what warnExposed told last
	stop      func() // ends what spread started
}

// run reloads until ctx ends.
func (r *reloader) run(ctx context.Context) {
	r.files = newWatcher(r.app.log)
	defer r.files.close()
	r.stop = func() {}
	defer func() { r.stop() }()
	r.watch()
	if r.outdated() { // changed before it was watched
		r.reload(ctx)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-r.app.overspent:
			r.demote(ctx, o)
			continue
		case <-r.app.hangup:
		case <-r.files.changed:
			settle(ctx, r.files.changed)
		}
		r.reload(ctx)
	}
}

const (
	// quiet is how long files have to be left alone before they are read, and
	// restless how long they are waited for at most.
	quiet, restless = 200 * time.Millisecond, 5 * time.Second
	// spreading is how long a reload waits for its rules to be in force.
	spreading = 5 * time.Second
)

// settle waits until files have been left alone for a moment: editors write
// in several steps.
func settle(ctx context.Context, changed <-chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, restless)
	defer cancel()
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return
		case <-time.After(quiet):
			return
		}
	}
}

// reload puts a changed configuration in force, or keeps the one before and
// says why.
func (r *reloader) reload(ctx context.Context) {
	err := r.try(ctx)
	if ctx.Err() != nil {
		return
	}
	r.unapplied = err != nil
	r.app.metrics.Reloaded(err == nil)
	if faults, ok := errors.AsType[rules.Faults](err); ok {
		r.app.metrics.RulesFailed(len(faults))
	}
	if err != nil {
		r.app.log.Error("configuration not reloaded; the one before stays in force", zap.Error(err))
	}
}

func (r *reloader) try(ctx context.Context) error {
	a := r.app
	// Before anything is read, so that nothing comes in between unseen.
	r.watch()
	running := a.cfg.get()
	read, err := config.Reload(running, a.opts.ConfigPath, a.opts.Getenv)
	if err != nil {
		return err
	}
	r.warnStale(read)
	r.warnExposed(read)
	next := keepRunning(running, read)
	set, hash, err := a.programOf(next)
	if err != nil {
		return err
	}
	changes := config.Diff(running, next)
	applied := r.unapplied || len(changes) > 0 || hash != r.parts.plans.current()
	if applied {
		ready, err := a.prepare(ctx, r.parts, next, set)
		if err != nil {
			return err
		}
		if err := a.commit(r.parts, ready); err != nil {
			return err
		}
		r.lifted(ctx, ready)
	}
	r.spread(ctx)
	if applied {
		a.log.Info("configuration reloaded", zap.String("program", hash), zap.Int("changes", len(changes)))
	}
	if needs := restartOnly(config.Diff(running, read)); len(needs) > 0 {
		a.log.Warn("these changes take effect at the next start", zap.Strings("changes", needs))
	}
	return nil
}

// warnStale tells of secret files that are not taken as they are now.
func (r *reloader) warnStale(read *config.Config) {
	r.warn(&r.stale, read.Stale(), "secret not taken; the one before stays in force until its file is in order")
}

// warnExposed tells of secret files that every user of the machine can read.
func (r *reloader) warnExposed(read *config.Config) {
	r.warn(&r.exposed, read.Exposed(), "secret not kept from other users of this machine")
}

// warn tells of faults once for as long as the same is wrong with the same ones.
func (r *reloader) warn(told *string, faults config.Faults, message string) {
	now := ""
	if len(faults) > 0 {
		now = faults.Error()
	}
	if now != "" && now != *told {
		r.app.log.Warn(message, zap.String("fault", now))
	}
	*told = now
}

// watch watches what the configuration in force came from, and what the file as
// it is now names: what mends it may be a file that only it names.
func (r *reloader) watch() {
	cfg := r.app.cfg.get()
	files, dirs := config.Named(r.app.opts.ConfigPath, r.app.opts.Getenv)
	r.files.follow(cfg.DataDir, slices.Concat(cfg.Files(), files), slices.Concat(cfg.Rules.Dirs, cfg.Rules.Shadow, dirs))
}

// outdated reports whether the files are not those of the configuration in
// force any more.
func (r *reloader) outdated() bool {
	running := r.app.cfg.get()
	read, err := config.Reload(running, r.app.opts.ConfigPath, r.app.opts.Getenv)
	if err != nil {
		return true
	}
	_, hash, err := r.app.programOf(keepRunning(running, read))
	return err != nil || hash != r.parts.plans.current() || len(config.Diff(running, read)) > 0
}

// restartOnly names the changes that a reload cannot apply.
func restartOnly(changes []config.Change) []string {
	var out []string
	for _, c := range changes {
		if c.Restart {
			out = append(out, c.String())
		}
	}
	return out
}

// prepared is everything of a configuration that had to be built or stored
// before it may come into force.
type prepared struct {
	cfg   *config.Config
	hash  string
	plan  *detector.Plan
	hook  http.Handler
	polls *pollSet

	receivers map[string]builtReceiver
}

// prepare builds all of next, or tells all that is wrong with it. What is in
// force stays as it is.
func (a *App) prepare(ctx context.Context, p *parts, next *config.Config, set detector.Set) (*prepared, error) {
	hash, plan, planErr := p.plans.add(ctx, set)
	hook, hookErr := a.pushed(next, p, knownOnly{a.cfg, &a.places, p.journal})
	polls := p.pollers.prepare(next)
	receivers, receiversErr := p.receivers.build(next)
	if err := errors.Join(planErr, hookErr, receiversErr, errors.Join(polls.faults...)); err != nil {
		p.pollers.discard(polls)
		return nil, err
	}
	return &prepared{next, hash, plan, hook, polls, receivers}, nil
}

// commit puts what was prepared in force. On error everything is as before.
func (a *App) commit(p *parts, ready *prepared) error {
	before := a.cfg.get()
	if err := a.setLevel(ready.cfg); err != nil {
		p.pollers.discard(ready.polls)
		return err
	}
	if enrich := ready.cfg.Enrich; enrich != before.Enrich {
		if err := a.places.open(enrich, a.log); err != nil {
			p.pollers.discard(ready.polls)
			return errors.Join(err, a.setLevel(before))
		}
	}
	a.cfg.set(ready.cfg) // first: new sources hold activities of new accounts
	if err := p.pollers.commit(ready.polls, p.sched); err != nil {
		a.cfg.set(before)
		return errors.Join(err, a.setLevel(before))
	}
	a.silences.SetWindows(ready.cfg.Maintenance)
	if err := p.receivers.use(ready.receivers); err != nil {
		a.log.Error("receivers stay as they were", zap.Error(err)) // their names were checked before
	}
	p.dispatch.Configure(ready.cfg.Policy())
	p.plans.use(ready.hash)
	a.front.attach(ready.hook)
	a.rulesLoaded(ready.plan)
	return nil
}

func (a *App) setLevel(cfg *config.Config) error {
	if a.opts.SetLevel == nil {
		return nil
	}
	return a.opts.SetLevel(cfg.Log.Level)
}

// spread puts the current program in force in all partitions that this daemon
// reads. It returns when that is done, or after a while and goes on beside.
func (r *reloader) spread(ctx context.Context) {
	r.stop()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	var group sync.WaitGroup
	for _, w := range r.parts.workers {
		group.Go(func() { r.activate(ctx, w.partition) })
	}
	go func() { group.Wait(); close(done) }()
	r.stop = func() { cancel(); <-done }
	select {
	case <-done:
	case <-ctx.Done():
	case <-time.After(spreading):
	}
}

// activate puts the current program in force in a partition while this daemon
// holds its lease; whoever holds it next does so by itself.
func (r *reloader) activate(ctx context.Context, partition int) {
	ctx, lost := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer lost()
	held := func() bool { return r.parts.leases.Held(partitionLease(partition)) }
	if !held() {
		return
	}
	group.Go(func() {
		clock := time.NewTicker(50 * time.Millisecond)
		defer clock.Stop()
		defer lost()
		for held() {
			select {
			case <-ctx.Done():
				return
			case <-clock.C:
			}
		}
	})
	// It fails only with ctx, and has told why it had to try again.
	_ = r.parts.plans.activation(ctx, partition, r.app.log)
}
