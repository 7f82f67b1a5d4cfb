package promexport

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Sight says whether Picket sees what happens at what it polls: an account, or
// a feed such as a file.
type Sight string

// Sights, from the best to the worst but for the last.
const (
	SightOK       Sight = "ok"
	SightStarting Sight = "starting" // not read yet, and not overdue
	SightLate     Sight = "late"     // not read for three of its intervals
	SightBlind    Sight = "blind"    // the network refuses, or every try fails
	SightStandby  Sight = "standby"  // another daemon reads it
)

// Sights returns all sights.
func Sights() []Sight { return []Sight{SightOK, SightStarting, SightLate, SightBlind, SightStandby} }

// Collectors is how the collectors of one network are doing.
type Collectors struct {
	// OldestSuccess is when what was read longest ago was last read; what was
	// never read counts from when it was to be read. Zero where this daemon
	// reads nothing of the network.
	OldestSuccess time.Time
	Accounts      map[string]int // by the state of their collector
	Sight         map[Sight]int  // the same accounts and feeds
}

// sources holds what is polled, as it was looked at last. A scrape sees one
// look or the next, never half of one.
type sources struct {
	networks []string // exported as zero where nothing is polled

	mu  sync.Mutex
	now map[string]Collectors // by network, bounded

	lastSuccess, accounts, sight *prometheus.Desc
}

func newSources(f factory) *sources {
	return &sources{
		lastSuccess: f.desc("collector_last_success_timestamp_seconds", "When the account or feed that was read longest ago was last read; one that never was counts from when Picket began to try.", "network"),
		accounts:    f.desc("accounts", "Polled accounts and feeds by the state of their collector.", "network", "state"),
		sight:       f.desc("account_sight", "Polled accounts and feeds by whether Picket sees them.", "network", "sight"),
	}
}

// SetCollectors replaces what is known of all networks.
func (m *Metrics) SetCollectors(byNetwork map[string]Collectors) {
	now := map[string]Collectors{}
	for network, c := range byNetwork {
		n := m.network.bound(network)
		sum := Collectors{now[n].OldestSuccess, map[string]int{}, map[Sight]int{}}
		maps.Copy(sum.Accounts, now[n].Accounts)
		maps.Copy(sum.Sight, now[n].Sight)
		if sum.OldestSuccess.IsZero() || !c.OldestSuccess.IsZero() && c.OldestSuccess.Before(sum.OldestSuccess) {
			sum.OldestSuccess = c.OldestSuccess
		}
		for state, count := range c.Accounts {
			sum.Accounts[m.outcome.bound(state)] += count
		}
		for sight, count := range c.Sight {
			sum.Sight[sight] += count
		}
		now[n] = sum
	}
	m.sources.mu.Lock()
	defer m.sources.mu.Unlock()
	m.sources.now = now
}

// Describe implements prometheus.Collector.
func (s *sources) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.lastSuccess, s.accounts, s.sight} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (s *sources) Collect(out chan<- prometheus.Metric) {
	s.mu.Lock()
	now := s.now // replaced as a whole, never changed
	s.mu.Unlock()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	networks := slices.Sorted(maps.Keys(now))
	for _, network := range networks {
		c := now[network]
		if !c.OldestSuccess.IsZero() {
			gauge(s.lastSuccess, unix(c.OldestSuccess), network)
		}
		for state, count := range c.Accounts {
			gauge(s.accounts, float64(count), network, state)
		}
	}
	for _, network := range s.networks {
		if !slices.Contains(networks, network) {
			networks = append(networks, network)
		}
	}
	for _, network := range networks {
		for _, sight := range Sights() {
			gauge(s.sight, float64(now[network].Sight[sight]), network, string(sight))
		}
	}
}

// Credential is what a credential may still use.
type Credential struct {
	// Requests are left of RequestLimit in the current window, of the endpoint
	// that has the smallest part left; RequestLimit is 0 where neither is known.
	Requests, RequestLimit int
	// Spent is in US dollars, of DollarLimit this month, which is 0 for no
	// limit.
	Spent, DollarLimit float64
	// Units are used of UnitLimit today, which is 0 for no limit.
	Units, UnitLimit int
	// UsedUp is when the first of its quotas is used up at the pace of late, now
	// when one is; zero when all last until they are granted anew, or too little
	// is known yet.
	UsedUp time.Time
}

// credentials holds what credentials have left, as it was looked at last.
type credentials struct {
	mu  sync.Mutex
	now map[string]Credential

	requests, requestLimit, dollars, dollarLimit, units, unitLimit, usedUp *prometheus.Desc
}

func newCredentials(f factory) *credentials {
	const label = "credential"
	return &credentials{
		requests:     f.desc("api_quota_remaining_requests", "Requests that a credential may still send in its current window, of the endpoint with the smallest part left.", label),
		requestLimit: f.desc("api_quota_limit_requests", "Requests that a credential may send in a window, of the same endpoint.", label),
		dollars:      f.desc("credential_dollars_remaining", "US dollars that a credential may still spend this calendar month (UTC).", label),
		dollarLimit:  f.desc("credential_dollars_limit", "US dollars that a credential may spend in a calendar month.", label),
		units:        f.desc("credential_units_remaining", "Units that a credential may still use until its network grants new ones.", label),
		unitLimit:    f.desc("credential_units_limit", "Units that a network grants a credential in a day.", label),
		usedUp:       f.desc("credential_used_up_timestamp_seconds", "When the first quota of a credential is used up at the pace of late, in seconds since 1970, now when one is; absent when all last until they are granted anew, or too little is known yet.", label),
	}
}

// SetCredentials replaces what is known of all credentials.
func (m *Metrics) SetCredentials(byName map[string]Credential) {
	now := make(map[string]Credential, len(byName))
	for name, c := range byName {
		now[m.credential.bound(name)] = c
	}
	m.credentials.mu.Lock()
	defer m.credentials.mu.Unlock()
	m.credentials.now = now
}

// Describe implements prometheus.Collector.
func (c *credentials) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.requests, c.requestLimit, c.dollars, c.dollarLimit, c.units, c.unitLimit, c.usedUp} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *credentials) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	now := c.now // replaced as a whole, never changed
	c.mu.Unlock()
	for name, left := range now {
		gauge := func(d *prometheus.Desc, v float64) {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, name)
		}
		if left.RequestLimit > 0 {
			gauge(c.requests, float64(left.Requests))
			gauge(c.requestLimit, float64(left.RequestLimit))
		}
		if left.DollarLimit > 0 {
			gauge(c.dollars, max(0, left.DollarLimit-left.Spent))
			gauge(c.dollarLimit, left.DollarLimit)
		}
		if left.UnitLimit > 0 {
			gauge(c.units, float64(max(0, left.UnitLimit-left.Units)))
			gauge(c.unitLimit, float64(left.UnitLimit))
		}
		if !left.UsedUp.IsZero() {
			gauge(c.usedUp, float64(left.UsedUp.UnixMilli())/1000)
		}
	}
}
