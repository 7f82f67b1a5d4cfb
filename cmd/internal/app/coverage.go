package app

import (
	"slices"
	"sync"
	"time"

	"github.com/picketd/picket/alerting/promexport"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
)

const (
	// coverEvery is how often the metrics of coverage are counted anew.
	coverEvery = time.Minute
	// countFor and answerFor bound how long the detector waits between two
	// messages while coverage is counted, and while somebody has asked for it.
	countFor  = 5 * time.Millisecond
	answerFor = 50 * time.Millisecond
	// maxAsked bounds the questions that wait in one partition.
	maxAsked = 32
)

// coverer tells how the rules cover the accounts of one partition. It asks the
// engine on the worker's goroutine between two messages, for some accounts at a
// time, so that many accounts do not hold up the detector.
type coverer struct {
	partition, partitions int
	cfg                   *current
	sight                 detector.Sighted
	metrics               coverageMetrics

	mu    sync.Mutex
	asked []*sweep // by order of asking

	// The worker's goroutine alone uses these: the count in progress, nil for
	// none, and what the last one was made for.
	count *sweep
	due   time.Time
	plan  *detector.Plan
	known *known
}

// coverageMetrics is told how many accounts each rule covers.
type coverageMetrics interface {
	SetCoverage(partition int, tally *promexport.CoverageTally)
}

// sweep goes over accounts and identities, some at a time.
type sweep struct {
	until time.Time // whoever asked waits no longer
	names []string  // those that are left; of other partitions too
	take  func(name string, asOf time.Time, c []detector.Coverage)
	done  func()
}

// begin has everything counted anew: another engine reads the partition.
func (c *coverer) begin() { c.count, c.plan = nil, nil }

// ask queues a sweep until the partition is read here, which may begin soon. It
// returns false where too much is asked at once.
func (c *coverer) ask(s *sweep, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(now)
	if len(c.asked) >= maxAsked {
		return false
	}
	c.asked = append(c.asked, s)
	return true
}

// forget drops questions that nobody waits for any more.
func (c *coverer) forget(now time.Time) {
	c.asked = slices.DeleteFunc(c.asked, func(s *sweep) bool { return now.After(s.until) })
}

// asks reports whether a question waits, which takes a message to be answered.
func (c *coverer) asks(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(now)
	return len(c.asked) > 0
}

// next returns the question to go on with, nil for none.
func (c *coverer) next(now time.Time) *sweep {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(now)
	if len(c.asked) == 0 {
		return nil
	}
	c.asked[0].until = now.Add(coverageWait) // each part of an answer may take that long
	return c.asked[0]
}

// answered takes a question out of the queue.
func (c *coverer) answered(done *sweep) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = slices.DeleteFunc(c.asked, func(s *sweep) bool { return s == done })
}

// step goes on with what is asked, or else with counting.
func (c *coverer) step(e *detector.Engine, now time.Time) {
	if s := c.next(now); s != nil {
		if c.advance(e, s, now.Add(answerFor)) {
			c.answered(s)
		}
		return
	}
	if k := c.cfg.p.Load(); e.Plan() != c.plan || k != c.known || c.count == nil && !now.Before(c.due) {
		c.plan, c.known = e.Plan(), k
		c.count = c.counting(k)
		c.due = now.Add(coverEvery)
	}
	if c.count != nil && c.advance(e, c.count, now.Add(countFor)) {
		c.count = nil
	}
}

// counting returns a sweep over the accounts that tells the metrics. What is
// known of identities is part of the accounts that they guard.
func (c *coverer) counting(k *known) *sweep {
	tally := new(promexport.CoverageTally)
	return &sweep{
		names: k.accounts(),
		take:  func(_ string, _ time.Time, of []detector.Coverage) { tally.Add(of) },
		done:  func() { c.metrics.SetCoverage(c.partition, tally) },
	}
}

// advance goes on with a sweep until it is through, which it reports, or its
// time is up.
func (c *coverer) advance(e *detector.Engine, s *sweep, until time.Time) bool {
	for len(s.names) > 0 {
		name := s.names[0]
		s.names = s.names[1:]
		if journal.Partition(name, c.partitions) != c.partition {
			continue
		}
		s.take(name, e.LogTime(), e.Coverage([]string{name}, c.sight))
		if len(s.names) > 0 && !time.Now().Before(until) {
			return false
		}
	}
	s.done()
	return true
}

// accounts returns the accounts that are watched.
func (k *known) accounts() []string {
	names := make([]string, 0, len(k.cfg.Accounts)+len(k.simulated))
	for i := range k.cfg.Accounts {
		names = append(names, k.cfg.Accounts[i].Name)
	}
	for name := range k.simulated {
		names = append(names, name)
	}
	return names
}

// identities returns the identities that guard accounts.
func (k *known) identities() []string {
	var names []string
	for i := range k.cfg.Accounts {
		names = append(names, k.cfg.Accounts[i].GuardedBy...)
	}
	for name := range k.guards {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
