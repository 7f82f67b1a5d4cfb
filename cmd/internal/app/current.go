package app

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/simulate"
)

// current is the configuration in force. It implements alerting.Foreteller.
type current struct{ p atomic.Pointer[known] }

// known is a configuration with what is looked up in it.
type known struct {
	cfg       *config.Config
	simulated map[string]simulate.Account
	guards    map[string][]string // of simulated identities
	views     sync.Map            // from manner to collectors.Shows
	policy    *dispatch.Policy
}

func newCurrent(cfg *config.Config) *current {
	c := new(current)
	c.set(cfg)
	return c
}

func (c *current) set(cfg *config.Config) {
	k := &known{cfg: cfg, policy: cfg.Policy(), simulated: map[string]simulate.Account{}, guards: map[string][]string{}}
	for _, s := range simulated(cfg) {
		k.simulated[s.Name] = s
		for _, id := range s.Identities {
			k.guards[id] = append(k.guards[id], s.Name)
		}
	}
	c.p.Store(k)
}

func (c *current) get() *config.Config { return c.p.Load().cfg }

// keepRunning returns next with every setting that only a restart changes as
// it is in running. config.Diff says which these are.
func keepRunning(running, next *config.Config) *config.Config {
	kept := *next
	kept.DataDir, kept.Instance = running.DataDir, running.Instance
	kept.NATS, kept.Journal, kept.HTTP = running.NATS, running.Journal, running.HTTP
	kept.Log.Format = running.Log.Format
	kept.Intake.NATS = running.Intake.NATS
	kept.Detector = running.Detector
	return &kept
}

// accepts reports whether activities of an account or identity are taken.
func (c *current) accepts(account string) bool {
	k := c.p.Load()
	if k.cfg.Known(account) || account == alerting.TestAccount {
		return true
	}
	_, ok := k.simulated[account]
	return ok || len(k.guards[account]) > 0
}

// guarding reports whether an identity guards an account.
func (c *current) guarding(identity string) bool { return len(c.p.Load().guarded(identity)) > 0 }

// guarded returns the accounts that an identity guards.
func (k *known) guarded(identity string) []string {
	return slices.Concat(k.cfg.Guards(identity), k.guards[identity])
}

// Account implements alerting.Directory.
func (c *current) Account(name string) (alerting.AccountInfo, bool) { return c.p.Load().account(name) }

func (k *known) account(name string) (alerting.AccountInfo, bool) {
	if a, ok := k.cfg.Account(name); ok {
		info := alerting.AccountInfo{
			Owner: a.Owner, Contact: a.Contact, TimeZone: a.TimeZone,
			WorkingHours: a.WorkingHours.String(), Importance: string(a.Importance),
			Guards: k.cfg.Guards(name), GuardedBy: a.GuardedBy,
			ShowsDeletions: k.sight(name, activity.KindDelete, "").Seen,
		}
		if !a.WorkingHours.IsZero() {
			info.Working = a.WorkingHours.Contains
		}
		return info, true
	}
	if s, ok := k.simulated[name]; ok {
		zone, err := time.LoadLocation(s.TimeZone)
		if err != nil {
			zone = time.UTC
		}
		return alerting.AccountInfo{Owner: s.Owner, Contact: s.Contact, TimeZone: zone, Importance: s.Importance, GuardedBy: s.Identities}, true
	}
	guards := k.guarded(name)
	if len(guards) == 0 {
		return alerting.AccountInfo{}, false
	}
	return k.identity(name, guards), true
}

// identity is about somebody who guards accounts. An identity works where and
// when its first account does, and is as important as its most important one.
// Who is called is the person whose login it is, or else the account's owner.
func (k *known) identity(name string, guards []string) alerting.AccountInfo {
	info, _ := k.account(guards[0])
	info.Guards, info.GuardedBy = guards, nil
	for _, guarded := range guards[1:] {
		if other, ok := k.account(guarded); ok && weight(other.Importance) > weight(info.Importance) {
			info.Importance = other.Importance
		}
	}
	person, _ := k.cfg.Identity(name)
	if person.Name != "" || person.Contact != "" {
		info.Owner, info.Contact = person.Name, person.Contact
	}
	return info
}

// weight orders importances, those of simulated accounts among them.
func weight(importance string) int {
	return slices.Index([]string{string(config.Low), string(config.Normal), "high", string(config.Critical)}, importance)
}

// Next implements alerting.Foreteller by the configuration alone: how far the
// escalation of an incident really is, its messages and picket alerts show tell.
func (c *current) Next(a *alerting.Alert, at time.Time) string {
	info, _ := c.Account(a.Account)
	return c.p.Load().policy.Foretell(match.Labels(a), alerting.UrgencyOf(a, info, at), a.Fired(), at, info.TimeZone)
}

// NewDirectory returns what a configuration knows of accounts.
func NewDirectory(cfg *config.Config) alerting.Directory { return newCurrent(cfg) }
