package app

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/builtin"
	"github.com/picketd/picket/collectors/file"
	"github.com/picketd/picket/collectors/intake"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/mastodon"
	"github.com/picketd/picket/collectors/okta"
	"github.com/picketd/picket/collectors/simulate"
	"github.com/picketd/picket/collectors/x"
)

// networkSimulated labels the metrics of simulated sources.
const networkSimulated = "simulated"

// pollers builds what the scheduler polls from a configuration, and keeps what
// may stay when the configuration changes: budgets, and the collectors whose
// settings are as they were.
type pollers struct {
	cfg     *current
	spend   *journal.Spend
	places  *places
	dropped func(network, reason string, n int) // counts what collectors leave out
	log     *zap.Logger
	// sessions are kept for collectors that sign in.
	sessions collectors.Sessions

	mu      sync.Mutex // guards budgets, which metrics look at
	budgets map[string]*budgeted
	built   map[string]*polled
}

// budgeted is a credential's budget and the settings that it was made for.
type budgeted struct {
	settings any
	budget   *collectors.Budget
	limit    int // requests in a window, as known last; 0 for unknown

	app x.App  // what hub was made for
	hub *x.Hub // of events of x; nil where none are heard
}

// polled is a task and the settings that it was made for.
type polled struct {
	settings any
	task     collectors.Task
}

func newPollers(cfg *current, spend *journal.Spend, where *places, dropped func(network, reason string, n int), log *zap.Logger) *pollers {
	return &pollers{cfg: cfg, spend: spend, places: where, dropped: dropped, log: log, budgets: map[string]*budgeted{}, built: map[string]*polled{}}
}

// pollSet is what is to be polled under one configuration: built, but polled
// only from commit on.
type pollSet struct {
	cfg     *config.Config
	tasks   []collectors.Task
	built   map[string]*polled
	budgets map[string]*budgeted
	faults  []error // of the accounts and sources that are not among tasks
}

// prepare builds what is to be polled under cfg and leaves what is polled now
// as it is. An account or source that cannot be built is among the faults. The
// set goes to commit or to discard.
func (p *pollers) prepare(cfg *config.Config) *pollSet {
	p.mu.Lock()
	s := &pollSet{cfg: cfg, built: map[string]*polled{}, budgets: maps.Clone(p.budgets)}
	p.mu.Unlock()
	for i := range cfg.Accounts {
		acc := cfg.Accounts[i]
		if acc.Credential == "" {
			continue
		}
		cred, _ := cfg.Credential(acc.Credential)
		p.add(s, acc.Name, []any{acc, cred, callbackOf(cfg, &cred)}, func() (collectors.Task, error) { return p.account(s, acc, cred) })
	}
	for _, src := range cfg.Sources {
		cred, _ := cfg.Credential(src.Credential) // the zero one where it needs none
		p.add(s, src.Collector+"/"+src.Name, []any{src, cred}, func() (collectors.Task, error) { return p.source(s, src, cred) })
	}
	if path := cfg.Intake.ApprovalsFile; path != "" {
		p.add(s, "file/approvals", path, func() (collectors.Task, error) {
			return p.follow("file/approvals", 2*time.Second, file.Config{Path: path, Content: intake.Approvals, Accept: p.cfg.accepts})
		})
	}
	return s
}

// add puts one task into a set: the one that is polled already if its settings
// are the same, else a new one.
func (p *pollers) add(s *pollSet, name string, settings any, build func() (collectors.Task, error)) {
	if s.built[name] != nil {
		s.faults = append(s.faults, fmt.Errorf("%s: polled already under this name; rename one of the two", name))
		return
	}
	task := p.built[name]
	if task == nil || !reflect.DeepEqual(task.settings, settings) {
		made, err := build()
		if err != nil {
			s.faults = append(s.faults, fmt.Errorf("%s: %w", name, err))
			return
		}
		task = &polled{settings, made}
	}
	s.built[name] = task
	s.tasks = append(s.tasks, task.task)
}

// commit makes a set what is polled, and lets go of what only the set before
// held. On error that one stays.
func (p *pollers) commit(s *pollSet, sched *collectors.Scheduler) error {
	if err := sched.Set(s.tasks); err != nil {
		p.discard(s)
		return err
	}
	before := p.built
	p.built = s.built
	p.mu.Lock()
	p.budgets = s.budgets
	p.mu.Unlock()
	closeOthers(before, s.built)
	return nil
}

// discard lets go of what only the set holds.
func (p *pollers) discard(s *pollSet) { closeOthers(s.built, p.built) }

// closeOthers closes the collectors of tasks that are not among kept.
func closeOthers(tasks, kept map[string]*polled) {
	for name, t := range tasks {
		if c, ok := t.task.Collector.(io.Closer); ok && kept[name] != t {
			_ = c.Close() // files opened for reading
		}
	}
}

func (p *pollers) account(s *pollSet, acc config.Account, cred config.Credential) (collectors.Task, error) {
	budget := p.budget(s, cred)
	t := collectors.Task{
		Source: acc.Name, Network: cred.Collector, Every: acc.Every, Fastest: acc.Fastest, Slowest: acc.Slowest,
		Budget: budget, Mentions: s.cfg.Journal.Mentions,
	}
	switch cred.Collector {
	case config.CollectorX:
		c, err := p.x(s, &acc, &cred, budget)
		return p.placed(t, c), err
	case config.CollectorMastodon:
		if acc.Stream {
			c, err := mastodon.NewStreamer(mastodonConfig(&acc, &cred), p.deps(budget))
			return p.placed(t, c), err
		}
		c, err := mastodon.New(mastodonConfig(&acc, &cred), p.deps(budget))
		return p.placed(t, c), err
	}
	spec, ok := builtin.Spec(cred.Collector)
	if !ok || spec.Multi {
		return t, fmt.Errorf("no collector %q reads accounts", cred.Collector)
	}
	c, err := spec.New(s.cfg.Setting(&acc), p.deps(budget))
	return p.placed(t, c), err
}

// placed has a task's collector add places to what it brings.
func (p *pollers) placed(t collectors.Task, c collectors.Collector) collectors.Task {
	t.Collector = &placed{Collector: c, places: p.places}
	return t
}

// x reads an account of X, and where wanted hears its events too.
func (p *pollers) x(s *pollSet, acc *config.Account, cred *config.Credential, budget *collectors.Budget) (collectors.Collector, error) {
	if cred.Activity == "" {
		return x.New(xConfig(acc, cred), p.deps(budget))
	}
	hub, err := p.hub(s, cred, budget)
	if err != nil {
		return nil, err
	}
	return x.NewListener(xConfig(acc, cred), p.deps(budget), hub)
}

// hub returns what hears the events of a credential's app, that of before if
// its settings are the same.
func (p *pollers) hub(s *pollSet, cred *config.Credential, budget *collectors.Budget) (*x.Hub, error) {
	app := x.App{BaseURL: cred.BaseURL, BearerToken: cred.BearerToken, Callback: callbackOf(s.cfg, cred)}
	if app.Callback != "" {
		app.ConsumerSecret = cred.ConsumerSecret
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	of := s.budgets[cred.Name]
	if of.hub == nil || of.app != app {
		hub, err := x.NewHub(app, p.deps(budget))
		if err != nil {
			return nil, err
		}
		anew := *of // what is polled now keeps its own, in case the set is discarded
		anew.app, anew.hub = app, hub
		of = &anew
		s.budgets[cred.Name] = of
	}
	return of.hub, nil
}

// xWebhook is where X calls, followed by a credential's name.
const xWebhook = "/v1/x/webhook/"

// callbackOf is the address at which X calls for a credential, "" where it does
// not.
func callbackOf(cfg *config.Config, cred *config.Credential) string {
	if cred.Collector != config.CollectorX || cred.Activity != x.ActivityWebhook {
		return ""
	}
	return cfg.HTTP.PublicURL + xWebhook + cred.Name
}

// takeCall hands what X sends to the hub of the credential that the path names.
func (p *pollers) takeCall(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("credential")
	p.mu.Lock()
	var hub *x.Hub
	if of := p.budgets[name]; of != nil && of.app.Callback != "" {
		hub = of.hub
	}
	p.mu.Unlock()
	if cred, ok := p.cfg.get().Credential(name); !ok || cred.Activity != x.ActivityWebhook || hub == nil {
		http.NotFound(w, r)
		return
	}
	hub.ServeHTTP(w, r)
}

func xConfig(acc *config.Account, cred *config.Credential) x.Config {
	return x.Config{
		Account: acc.Name, UserID: acc.UserID, Username: acc.Username,
		API: cred.API, BaseURL: cred.BaseURL, FieldsParam: cred.FieldsParam,
		BearerToken: cred.BearerToken, ConsumerKey: cred.ConsumerKey, ConsumerSecret: cred.ConsumerSecret,
		AccessToken: cred.AccessToken, AccessSecret: cred.AccessSecret, Activity: cred.Activity,
		Mentions: acc.Mentions, DirectMessages: acc.Messages, Rehydrate: acc.Rehydrate, Backfill: acc.Backfill, Overlap: acc.Overlap,
		PricePost: cred.PricePost, PriceUser: cred.PriceUser, PriceMessage: cred.PriceMessage,
	}
}

func mastodonConfig(acc *config.Account, cred *config.Credential) mastodon.Config {
	return mastodon.Config{
		Account: acc.Name, Server: cred.Server, Name: acc.Username, Token: cred.Token,
		Mentions: acc.Mentions, Watch: acc.Watch, Backfill: acc.Backfill, Overlap: acc.Overlap,
	}
}

// budget returns the budget of a credential, the one of before if its settings
// are the same.
func (p *pollers) budget(s *pollSet, cred config.Credential) *collectors.Budget {
	settings := []any{cred.Collector, cred.Requests, cred.BudgetUSDPerMonth, cred.Values["units"]}
	if b := s.budgets[cred.Name]; b != nil && reflect.DeepEqual(b.settings, settings) {
		return b.budget
	}
	opts := collectors.BudgetOptions{
		Requests: cred.Requests.Limit, Per: cred.Requests.Per, Dollars: cred.BudgetUSDPerMonth,
		Spend: p.spend, Endpoint: endpoints(cred.Collector),
	}
	if err := grant(&opts, cred); err != nil {
		p.log.Error("units are not bounded", zap.String("credential", cred.Name), zap.Error(err))
	}
	b := collectors.NewBudget(cred.Name, opts)
	s.budgets[cred.Name] = &budgeted{settings: settings, budget: b}
	return b
}

// grant bounds the units of a credential whose network counts them.
func grant(opts *collectors.BudgetOptions, cred config.Credential) error {
	spec, _ := builtin.Spec(cred.Collector)
	opts.Units, opts.Cost = spec.Units.PerDay, spec.Units.Cost
	if own, err := strconv.Atoi(cred.Values["units"]); err == nil {
		opts.Units = own
	}
	var err error
	if opts.Zone, err = time.LoadLocation(spec.Units.Zone); err != nil {
		opts.Units = 0
	}
	return err
}

// endpoints tells which requests share a limit at a collector's network; nil
// where all do.
func endpoints(collector string) func(*http.Request) string {
	switch collector {
	case config.CollectorX:
		return x.Endpoint
	case config.CollectorOkta:
		return okta.Endpoint
	}
	spec, _ := builtin.Spec(collector)
	return spec.Endpoint
}

func (p *pollers) deps(b *collectors.Budget) collectors.Deps {
	return collectors.Deps{
		HTTP: collectors.NewClient(b, collectors.ClientOptions{UserAgent: "picket/" + ReadBuild().Version}),
		Log:  p.log, Now: time.Now, Sessions: p.sessions,
	}
}

func (p *pollers) source(s *pollSet, src config.Source, cred config.Credential) (collectors.Task, error) {
	name := src.Collector + "/" + src.Name
	switch src.Collector {
	case config.CollectorOkta:
		return p.okta(s, name, src, cred)
	case config.CollectorFile:
		t, err := p.follow(name, src.Every, file.Config{Path: src.Path, Content: intake.Activities, History: src.History, Accept: p.cfg.accepts})
		t.Fastest, t.Slowest = src.Fastest, src.Slowest
		return t, err
	}
	if spec, ok := builtin.Spec(src.Collector); ok {
		return p.described(s, name, spec, src, cred)
	}
	c, err := simulate.NewCollector(simulate.Live{Seed: src.Seed, Accounts: src.Accounts, Speed: src.Speed}, p.deps(nil))
	return p.placed(collectors.Task{Source: name, Network: networkSimulated, Multi: true, Every: src.Every, Fastest: src.Fastest, Slowest: src.Slowest}, c), err
}

// okta reads the log of an organisation. What is of identities that guard
// nothing is dropped by the collector, before anything is stored.
func (p *pollers) okta(s *pollSet, name string, src config.Source, cred config.Credential) (collectors.Task, error) {
	budget := p.budget(s, cred)
	c, err := okta.New(okta.Config{
		Source: name, BaseURL: cred.BaseURL, Token: cred.Token, Accept: p.cfg.guarding,
		Identity: src.Identity, Overlap: src.Overlap, Backfill: src.Backfill,
	}, p.deps(budget))
	if err != nil {
		return collectors.Task{}, err
	}
	return collectors.Task{
		Source: name, Network: okta.Network, Multi: true, Every: src.Every, Fastest: src.Fastest, Slowest: src.Slowest, Budget: budget,
		Collector: &placed{
			Collector: c, places: p.places,
			left: c.Dropped, count: func(n int) { p.dropped(okta.Network, dropUnguarded, n) },
		},
	}, nil
}

// described reads a log whose collector describes itself.
func (p *pollers) described(s *pollSet, name string, spec collectors.Spec, src config.Source, cred config.Credential) (collectors.Task, error) {
	budget := p.budget(s, cred)
	setting := s.cfg.SourceSetting(&src)
	setting.Accept = p.cfg.guarding
	c, err := spec.New(setting, p.deps(budget))
	if err != nil {
		return collectors.Task{}, err
	}
	read := &placed{Collector: c, places: p.places}
	if d, ok := c.(interface{ Dropped() uint64 }); ok {
		read.left, read.count = d.Dropped, func(n int) { p.dropped(spec.Name, dropUnguarded, n) }
	}
	return collectors.Task{Source: name, Network: spec.Name, Multi: true, Every: src.Every, Fastest: src.Fastest, Slowest: src.Slowest, Budget: budget, Collector: read}, nil
}

func (p *pollers) follow(name string, every time.Duration, cfg file.Config) (collectors.Task, error) {
	f, err := file.NewFollower(cfg, p.deps(nil))
	return p.placed(collectors.Task{Source: name, Network: "file", Multi: true, Every: every}, f), err
}

// close lets go of what collectors hold open.
func (p *pollers) close() { closeOthers(p.built, nil) }
