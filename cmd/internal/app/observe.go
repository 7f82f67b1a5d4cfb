package app

import (
	"time"

	"github.com/picketd/picket/alerting/promexport"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

const (
	// lateIntervals without a success make an account late, but never less
	// than lateAtLeast: feeds that are read many times a second may stumble.
	lateIntervals = 3
	lateAtLeast   = 10 * time.Second
)

// observe refreshes the metrics that are looked up rather than counted.
func (a *App) observe(p *parts) {
	now := time.Now()
	a.metrics.SetCollectors(sightings(p.sched.Status(), p.polledSince, now))
	a.metrics.SetCredentials(p.pollers.credentials(now))
	a.metrics.SetGeoFiles(a.places.ready())
	a.metrics.SetSilences(a.silences.Counts(now))
	a.observeDisk()
}

// observeDisk tells of the disk that holds the embedded server's store.
func (a *App) observeDisk() {
	cfg := a.cfg.get()
	if !cfg.NATS.Embedded() {
		return
	}
	if free, err := freeBytes(cfg.DataDir); err == nil { // else disk.room says so
		a.metrics.SetDisk(free, cfg.Journal.Reserve)
	}
}

// sightings sums up how sources are doing, by network. since holds from when on
// this daemon was to read each source, and is kept up to date.
func sightings(all []collectors.TaskStatus, since map[string]time.Time, now time.Time) map[string]promexport.Collectors {
	byNetwork := map[string]promexport.Collectors{}
	polled := map[string]bool{}
	for i := range all {
		s := &all[i]
		c, known := byNetwork[s.Network]
		if !known {
			c = promexport.Collectors{Accounts: map[string]int{}, Sight: map[promexport.Sight]int{}}
		}
		last := s.LastOK
		if !s.Standby {
			polled[s.Source] = true
			if since[s.Source].IsZero() {
				since[s.Source] = now
			}
			if last.IsZero() {
				last = since[s.Source]
			}
			if c.OldestSuccess.IsZero() || last.Before(c.OldestSuccess) {
				c.OldestSuccess = last
			}
		}
		c.Accounts[stateOf(s)]++
		c.Sight[sightOf(s, now.Sub(last))]++
		byNetwork[s.Network] = c
	}
	for source := range since {
		if !polled[source] {
			delete(since, source)
		}
	}
	return byNetwork
}

// stateOf is the state of one polled source for metrics.
func stateOf(s *collectors.TaskStatus) string {
	switch {
	case s.Standby:
		return stateStandby
	case s.State == "":
		return stateStarting
	}
	return s.State
}

// States of a polled source beside those that are reported.
const (
	stateStandby  = "standby"  // another daemon polls it
	stateStarting = "starting" // it was not polled yet
)

// sightOf says whether Picket sees a source that was last read, or first to be
// read, that long ago.
func sightOf(s *collectors.TaskStatus, unread time.Duration) promexport.Sight {
	switch {
	case s.Standby:
		return promexport.SightStandby
	case s.State == activity.PollForbidden, s.State == activity.PollFailing, s.State == activity.PollExhausted:
		return promexport.SightBlind
	case unread > max(lateIntervals*max(s.Every, s.Longest), lateAtLeast):
		return promexport.SightLate
	case s.LastOK.IsZero():
		return promexport.SightStarting
	}
	return promexport.SightOK
}

// credentials returns what each credential may still use.
func (p *pollers) credentials(now time.Time) map[string]promexport.Credential {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := make(map[string]promexport.Credential, len(p.budgets))
	for name, b := range p.budgets {
		c := creditOf(b.budget.Status(), now)
		if c.RequestLimit == 0 {
			c.Requests, c.RequestLimit = b.limit, b.limit // a window that has ended is full again
		}
		b.limit = c.RequestLimit
		left[name] = c
	}
	return left
}

// creditOf is what is left of a budget: the requests of the endpoint that has
// the smallest part left, and this month's dollars.
func creditOf(st collectors.BudgetStatus, now time.Time) promexport.Credential {
	c := promexport.Credential{DollarLimit: st.Dollars, Units: st.Units, UnitLimit: st.UnitLimit, UsedUp: st.UsedUp()}
	if st.Month == now.UTC().Format("2006-01") { // else nothing was spent this month
		c.Spent = st.Spent
	}
	for _, e := range st.Endpoints {
		if e.Limit > 0 && (c.RequestLimit == 0 || e.Remaining*c.RequestLimit < c.Requests*e.Limit) {
			c.Requests, c.RequestLimit = e.Remaining, e.Limit
		}
	}
	return c
}
