package app

import (
	"errors"
	"fmt"
	"io"
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

// tasks returns what is to be polled under cfg. An account or source that
// cannot be built is told and left out; the others are polled.
func (p *pollers) tasks(cfg *config.Config) ([]collectors.Task, error) {
	var out []collectors.Task
	var faults []error
	built := map[string]*polled{}
	add := func(name string, settings any, build func() (collectors.Task, error)) {
		if old := p.built[name]; old != nil && reflect.DeepEqual(old.settings, settings) {
			built[name] = old
			out = append(out, old.task)
			return
		}
		task, err := build()
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			return
		}
		built[name] = &polled{settings, task}
		out = append(out, task)
	}
	for i := range cfg.Accounts {
		acc := cfg.Accounts[i]
		if acc.Credential == "" {
			continue
		}
		cred, _ := cfg.Credential(acc.Credential)
		add(acc.Name, []any{acc, cred}, func() (collectors.Task, error) { return p.account(acc, cred) })
	}
	for _, s := range cfg.Sources {
		add(s.Collector+"/"+s.Name, s, func() (collectors.Task, error) { return p.source(s) })
	}
	if path := cfg.Intake.ApprovalsFile; path != "" {
		add("file/approvals", path, func() (collectors.Task, error) {
			return p.follow("file/approvals", 2*time.Second, file.Config{Path: path, Content: intake.Approvals, Accept: p.cfg.accepts})
		})
	}
	for name, old := range p.built {
		if built[name] != old {
			closeCollector(old.task.Collector)
		}
	}
	p.built = built
	return out, errors.Join(faults...)
}

func (p *pollers) account(acc config.Account, cred config.Credential) (collectors.Task, error) {
	budget := p.budget(cred)
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

func (p *pollers) budget(cred config.Credential) *collectors.Budget {
	p.mu.Lock()
	defer p.mu.Unlock()
	settings := []any{cred.Collector, cred.Requests, cred.BudgetUSDPerMonth}
	if b := p.budgets[cred.Name]; b != nil && reflect.DeepEqual(b.settings, settings) {
		return b.budget
	}
	b := collectors.NewBudget(cred.Name, collectors.BudgetOptions{
		Requests: cred.Requests.Limit, Per: cred.Requests.Per, Dollars: cred.BudgetUSDPerMonth,
		Spend: p.spend, Endpoint: x.Endpoint,
	})
	p.budgets[cred.Name] = &budgeted{settings, b}
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
func (p *pollers) close() {
	for _, b := range p.built {
		closeCollector(b.task.Collector)
	}
}

func closeCollector(c collectors.Collector) {
	if c, ok := c.(io.Closer); ok {
		_ = c.Close() // files opened for reading
	}
}
