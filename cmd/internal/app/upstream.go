package app

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/natsin"
	"github.com/picketd/picket/collectors/webhook"
	"github.com/picketd/picket/rules"
)

// startUpstream starts everything that brings activities in. The function that
// it returns stops it and waits until nothing more comes.
func (a *App) startUpstream(ctx, inner context.Context, cfg *config.Config, p *parts) (stop func(), err error) {
	spend, err := journal.OpenSpend(ctx, p.js, cfg.Journal.Replicas)
	if err != nil {
		return nil, err
	}
	p.pollers = newPollers(a.cfg, spend, a.log)
	p.sched = collectors.NewScheduler(collectors.Options{
		Logs: p.journal, Leases: p.leases, Observer: pollMetrics{a.metrics}, Log: a.log,
	})
	if err := a.poll(cfg, p); err != nil {
		return nil, err
	}
	in := knownOnly{a.cfg, p.journal}
	input, err := a.openIntake(cfg, p, in)
	if err != nil {
		return nil, err
	}
	collect, cancel := context.WithCancel(inner)
	var group errgroup.Group
	group.Go(func() error { return p.sched.Run(collect) })
	group.Go(func() error { a.watchConfig(collect, p); return nil })
	return func() {
		cancel()
		if err := group.Wait(); err != nil {
			a.log.Warn("scheduler", zap.Error(err))
		}
		p.pollers.close()
		if input != nil {
			drain, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer done()
			if err := input.Stop(drain); err != nil {
				a.log.Warn("NATS intake not drained", zap.Error(err))
			}
		}
	}, nil
}

// openIntake opens the ways in for what others push.
func (a *App) openIntake(cfg *config.Config, p *parts, in collectors.Intake) (*natsin.Input, error) {
	hook, err := a.webhook(cfg, in)
	if err != nil {
		return nil, err
	}
	var input *natsin.Input
	if n := cfg.Intake.NATS; n.Activities != "" || n.Approvals != "" {
		input, err = natsin.New(natsin.Config{Activities: n.Activities, Approvals: n.Approvals}, p.nc, in,
			natsin.Deps{Log: a.log, Metrics: intakeMetrics{a.metrics, "nats"}})
		if err == nil {
			err = p.nc.Flush() // the subscriptions stand when the daemon says that it works
		}
		if err != nil {
			return nil, err
		}
	}
	a.front.attach(hook)
	return input, nil
}

// webhook returns the handler of what is pushed over HTTP.
func (a *App) webhook(cfg *config.Config, in collectors.Intake) (http.Handler, error) {
	w := cfg.Intake.Webhook
	if len(w.Tokens)+len(w.Signing) == 0 {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "nobody may send: intake.webhook has neither tokens nor signing keys", http.StatusForbidden)
		}), nil
	}
	return webhook.New(webhookConfig(cfg), in, webhook.Deps{Log: a.log, Metrics: intakeMetrics{a.metrics, "webhook"}})
}

func webhookConfig(cfg *config.Config) webhook.Config {
	w := webhook.Config{Rate: cfg.Intake.Webhook.Rate}
	for _, t := range cfg.Intake.Webhook.Tokens {
		w.Tokens = append(w.Tokens, webhook.Token{Name: t.Name, Secret: t.Token, Accounts: t.Accounts})
	}
	for _, k := range cfg.Intake.Webhook.Signing {
		w.Signers = append(w.Signers, webhook.Signer{Name: k.Name, Secret: k.Secret, Accounts: k.Accounts})
	}
	return w
}

func (a *App) poll(cfg *config.Config, p *parts) error {
	tasks, err := p.pollers.tasks(cfg)
	if err != nil {
		return err
	}
	return p.sched.Set(tasks)
}

// watchConfig reloads the configuration on SIGHUP and when a file that it came
// from changes, until ctx ends.
func (a *App) watchConfig(ctx context.Context, p *parts) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	changed, stop := a.watchFiles()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
		case <-changed:
			settle(ctx, changed)
		}
		for again := true; again; {
			a.reload(ctx, p)
			next, stopNext := a.watchFiles()
			stop()
			select {
			case <-changed: // while it was reloaded
				settle(ctx, next)
			default:
				again = false
			}
			changed, stop = next, stopNext
		}
	}
}

// settle waits until files have been left alone for a moment: editors write
// in several steps.
func settle(ctx context.Context, changed <-chan struct{}) {
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
			return
		}
	}
}

// watchFiles tells when one of the configuration's files changes. A folder is
// watched rather than its files, since editors and secret stores replace them.
func (a *App) watchFiles() (<-chan struct{}, func()) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		a.log.Warn("configuration files are not watched; send SIGHUP to reload", zap.Error(err))
		return nil, func() {}
	}
	interesting := watchPaths(w, a.cfg.get())
	changed := make(chan struct{}, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case ev, ok := <-w.Events:
				if !ok {
					return
				}
				if ev.Op != fsnotify.Chmod && interesting(ev.Name) {
					select {
					case changed <- struct{}{}:
					default:
					}
				}
			case _, ok := <-w.Errors:
				if !ok {
					return
				}
			}
		}
	}()
	return changed, func() {
		_ = w.Close()
		<-done
	}
}

// watchPaths watches the folders of the files that a configuration came from
// and of its rules, and tells which changes in them matter.
func watchPaths(w *fsnotify.Watcher, cfg *config.Config) (interesting func(path string) bool) {
	files := map[string]bool{}
	for _, f := range cfg.Files() {
		files[filepath.Clean(f)] = true
		_ = w.Add(filepath.Dir(f)) // a folder that cannot be watched is reloaded on SIGHUP
	}
	for _, dir := range cfg.Rules.Dirs {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				_ = w.Add(path)
			}
			return nil
		})
	}
	return func(path string) bool {
		ext := strings.ToLower(filepath.Ext(path))
		// Kubernetes swaps whole folders of mounted files behind "..data".
		return files[filepath.Clean(path)] || filepath.Base(path) == "..data" || len(cfg.Rules.Dirs) > 0 && (ext == ".yml" || ext == ".yaml")
	}
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

// reload puts a changed configuration in force, or keeps the one before and
// says why.
func (a *App) reload(ctx context.Context, p *parts) {
	err := a.tryReload(ctx, p)
	a.metrics.Reloaded(err == nil)
	if faults, ok := errors.AsType[rules.Faults](err); ok {
		a.metrics.RulesFailed(len(faults))
	}
	if faults, ok := errors.AsType[rules.Faults](err); ok {
		a.metrics.RulesFailed(len(faults))
	}
	if err != nil && ctx.Err() == nil {
		a.log.Error("configuration not reloaded; the one before stays in force", zap.Error(err))
	}
}

func (a *App) tryReload(ctx context.Context, p *parts) error {
	next, err := config.Load(a.opts.ConfigPath, a.opts.Getenv)
	if err != nil {
		return err
	}
	old := a.cfg.get()
	changes := config.Diff(old, next)
	if len(changes) == 0 {
		if same, err := sameRules(next, p); err != nil || same {
			return err
		}
	}
	set, err := BuildSet(next)
	if err != nil {
		return err
	}
	hash, plan, err := p.plans.put(ctx, set)
	if err != nil {
		return err
	}
	if needs := restartOnly(changes); len(needs) > 0 {
		a.log.Warn("these changes take effect at the next start", zap.Strings("changes", needs))
	}
	a.cfg.set(next)
	if a.opts.SetLevel != nil {
		if err := a.opts.SetLevel(next.Log.Level); err != nil {
			return err
		}
	}
	hook, err := a.webhook(next, knownOnly{a.cfg, p.journal})
	if err == nil {
		a.front.attach(hook)
	}
	err = errors.Join(err, a.poll(next, p))
	for i := range next.Journal.Partitions {
		if i < len(p.workers) && p.leases.Held(partitionLease(i)) {
			err = errors.Join(err, p.journal.Activate(ctx, i, hash))
		}
	}
	a.rulesLoaded(plan)
	if err == nil {
		a.log.Info("configuration reloaded", zap.String("program", hash), zap.Int("changes", len(changes)))
	}
	return err
}

// sameRules reports whether rule files on disk are those in force.
func sameRules(next *config.Config, p *parts) (bool, error) {
	set, err := BuildSet(next)
	if err != nil {
		return false, err
	}
	_, hash, err := set.Encode()
	return hash == p.plans.current(), err
}
