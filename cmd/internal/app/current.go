package app

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/simulate"
)

// current is the configuration in force. It implements alerting.Directory.
type current struct{ p atomic.Pointer[known] }

// known is a configuration with what is looked up in it.
type known struct {
	cfg       *config.Config
	simulated map[string]simulate.Account
	guards    map[string][]string // of simulated identities
}

func newCurrent(cfg *config.Config) *current {
	c := new(current)
	c.set(cfg)
	return c
}

func (c *current) set(cfg *config.Config) {
	k := &known{cfg: cfg, simulated: map[string]simulate.Account{}, guards: map[string][]string{}}
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
	if k.cfg.Known(account) {
		return true
	}
	_, ok := k.simulated[account]
	return ok || len(k.guards[account]) > 0
}

// Account implements alerting.Directory.
func (c *current) Account(name string) (alerting.AccountInfo, bool) {
	k := c.p.Load()
	if a, ok := k.cfg.Account(name); ok {
		return alerting.AccountInfo{
			Owner: a.Owner, Contact: a.Contact, TimeZone: a.TimeZone,
			WorkingHours: a.WorkingHours.String(), Importance: string(a.Importance), Guards: k.cfg.Guards(name),
		}, true
	}
	if s, ok := k.simulated[name]; ok {
		zone, err := time.LoadLocation(s.TimeZone)
		if err != nil {
			zone = time.UTC
		}
		return alerting.AccountInfo{Owner: s.Owner, Contact: s.Contact, TimeZone: zone, Importance: s.Importance}, true
	}
	guards := slices.Concat(k.cfg.Guards(name), k.guards[name])
	if len(guards) == 0 {
		return alerting.AccountInfo{}, false
	}
	info := alerting.AccountInfo{Guards: guards}
	if first, ok := c.Account(guards[0]); ok { // an identity works where its account does
		info.TimeZone, info.Owner, info.Contact = first.TimeZone, first.Owner, first.Contact
	}
	return info, true
}

// NewDirectory returns what a configuration knows of accounts.
func NewDirectory(cfg *config.Config) alerting.Directory { return newCurrent(cfg) }
