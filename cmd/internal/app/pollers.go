package app

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/file"
	"github.com/picketd/picket/collectors/intake"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/simulate"
	"github.com/picketd/picket/collectors/x"
)

// networkSimulated labels the metrics of simulated sources.
const networkSimulated = "simulated"

// pollers builds what the scheduler polls from a configuration, and keeps what
// may stay when the configuration changes: budgets, and the collectors whose
// settings are as they were.
type pollers struct {
	cfg   *current
	spend *journal.Spend
	log   *zap.Logger

	mu      sync.Mutex // guards budgets, which metrics look at
	budgets map[string]*budgeted
	built   map[string]*polled
}

// budgeted is a credential's budget and the settings that it was made for.
type budgeted struct {
	settings any
	budget   *collectors.Budget
}

// polled is a task and the settings that it was made for.
type polled struct {
	settings any
	task     collectors.Task
}

func newPollers(cfg *current, spend *journal.Spend, log *zap.Logger) *pollers {
	return &pollers{cfg: cfg, spend: spend, log: log, budgets: map[string]*budgeted{}, built: map[string]*polled{}}
}

// pollSet is what is to be polled under one configuration: built, but polled
// only from commit on.
type pollSet struct {
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
	s := &pollSet{built: map[string]*polled{}, budgets: maps.Clone(p.budgets)}
	p.mu.Unlock()
	for i := range cfg.Accounts {
		acc := cfg.Accounts[i]
		if acc.Credential == "" {
			continue
		}
		cred, _ := cfg.Credential(acc.Credential)
		p.add(s, acc.Name, []any{acc, cred}, func() (collectors.Task, error) { return p.account(s, acc, cred) })
	}
	for _, src := range cfg.Sources {
		p.add(s, src.Collector+"/"+src.Name, src, func() (collectors.Task, error) { return p.source(src) })
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
	c, err := x.New(x.Config{
		Account: acc.Name, UserID: acc.UserID, Username: acc.Username,
		API: cred.API, BaseURL: cred.BaseURL, FieldsParam: cred.FieldsParam,
		BearerToken: cred.BearerToken, ConsumerKey: cred.ConsumerKey, ConsumerSecret: cred.ConsumerSecret,
		AccessToken: cred.AccessToken, AccessSecret: cred.AccessSecret,
		Mentions: acc.Mentions, Rehydrate: acc.Rehydrate, Backfill: acc.Backfill, Overlap: acc.Overlap,
		PricePost: cred.PricePost, PriceUser: cred.PriceUser,
	}, p.deps(budget))
	if err != nil {
		return collectors.Task{}, err
	}
	return collectors.Task{Source: acc.Name, Network: x.Network, Collector: c, Every: acc.Every, Budget: budget}, nil
}

// budget returns the budget of a credential, the one of before if its settings
// are the same.
func (p *pollers) budget(s *pollSet, cred config.Credential) *collectors.Budget {
	settings := []any{cred.Collector, cred.Requests, cred.BudgetUSDPerMonth}
	if b := s.budgets[cred.Name]; b != nil && reflect.DeepEqual(b.settings, settings) {
		return b.budget
	}
	b := collectors.NewBudget(cred.Name, collectors.BudgetOptions{
		Requests: cred.Requests.Limit, Per: cred.Requests.Per, Dollars: cred.BudgetUSDPerMonth,
		Spend: p.spend, Endpoint: x.Endpoint,
	})
	s.budgets[cred.Name] = &budgeted{settings, b}
	return b
}

// quotas returns the requests that each credential has left in the window of
// its scarcest endpoint, where that is known.
func (p *pollers) quotas() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := map[string]int{}
	for name, b := range p.budgets {
		for i, e := range b.budget.Status().Endpoints {
			if i == 0 || e.Remaining < left[name] {
				left[name] = e.Remaining
			}
		}
	}
	return left
}

func (p *pollers) deps(b *collectors.Budget) collectors.Deps {
	return collectors.Deps{
		HTTP: collectors.NewClient(b, collectors.ClientOptions{UserAgent: "picket/" + ReadBuild().Version}),
		Log:  p.log, Now: time.Now,
	}
}

func (p *pollers) source(s config.Source) (collectors.Task, error) {
	name := s.Collector + "/" + s.Name
	if s.Collector == config.CollectorFile {
		return p.follow(name, s.Every, file.Config{Path: s.Path, Content: intake.Activities, History: s.History, Accept: p.cfg.accepts})
	}
	c, err := simulate.NewCollector(simulate.Live{Seed: s.Seed, Accounts: s.Accounts, Speed: s.Speed}, p.deps(nil))
	if err != nil {
		return collectors.Task{}, err
	}
	return collectors.Task{Source: name, Network: networkSimulated, Multi: true, Collector: c, Every: s.Every}, nil
}

func (p *pollers) follow(name string, every time.Duration, cfg file.Config) (collectors.Task, error) {
	f, err := file.NewFollower(cfg, p.deps(nil))
	if err != nil {
		return collectors.Task{}, err
	}
	return collectors.Task{Source: name, Network: "file", Multi: true, Collector: f, Every: every}, nil
}

// close lets go of what collectors hold open.
func (p *pollers) close() { closeOthers(p.built, nil) }
