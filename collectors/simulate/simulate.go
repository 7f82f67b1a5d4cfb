// Package simulate invents organisations, their social-media accounts, the
// people behind them and the attacks on them: activities with known truth for
// the quickstart, for tests of rules and for load. It is a pure function of
// its configuration: the same seed gives the same bytes, and nothing here
// reads a clock except the Collector, which is given one. What an activity
// means, and whether a rule should have noticed it, belongs in rules and
// detector; the names of expected rules in Label are all that it knows of them.
//
// # What a world assumes
//
// Every account posts along the hour-of-week rhythm of its kind of
// organisation, in its local time with daylight saving. The gaps between
// posts, measured in that rhythm's own time, are log-normal with a shape
// between 1.3 and 1.9: human inter-event times are heavy-tailed, bursts and
// long silences (A.-L. Barabási, "The origin of bursts and heavy tails in human
// dynamics", Nature 435, 2005), and a log-normal describes them at least as
// well as a power law (Stouffer, Malmgren and Amaral, arXiv physics/0510216).
// Accounts differ in their rate by another log-normal. People log in on
// working days from an office, a home and a phone.
//
// Nobody and nothing in a world exists: names are made of neutral words,
// domains end in .example (RFC 2606), IP addresses come from the documentation
// ranges (RFC 5737, RFC 3849) and autonomous systems from RFC 5398. Cities,
// countries and coordinates are real, since rules measure distances.
package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Config describes a world.
type Config struct {
	// Seed chooses the world; each seed is another one.
	Seed uint64
	// Accounts is the number of connected social-media accounts, at least 1.
	// The identities that guard them come on top, about one per account.
	Accounts int
	// Start is the time of the first activities.
	Start time.Time
	// End is when the world ends, exclusive; zero means never.
	End time.Time
	// AttackRate is the mean number of attacks per account in 30 days; 0 means
	// none. Attacks are spliced in: without those activities (and with those
	// that a blind collector missed) the stream equals that of rate 0.
	AttackRate float64
}

// Account is one connected account of a world, as a configuration file
// describes it.
type Account struct {
	Name              string   // "x/amber-lantern"
	Network           string   // "x"
	Organisation      string   // "amber-lantern"; its accounts share people
	TimeZone          string   // IANA name, "Europe/Berlin"
	Owner             string   // the person answerable, "editor-1"
	Contact           string   // mail address of the owner, in .example
	Importance        string   // "high", "normal" or "low"
	ApprovalsRequired bool     // every post and edit needs an approval first
	Identities        []string // "okta/amber-lantern-editor-1": whose logins guard it
}

// World generates activities in order of time. It is not safe for concurrent
// use; its memory depends on the number of accounts, not on the length of the
// run.
type World struct {
	cat      *catalogue
	orgs     []org
	accounts []account
	people   []person
	director director
	order    []turn // heap over all streams: accounts, people, the director

	begin, end int64 // Unix milliseconds
	textSrc    rand.PCG
	text       *rand.Rand

	attacks, lookalikes int // labels given so far
}

const (
	second = int64(1000) // the unit of world time is the millisecond
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
	week   = 7 * day
)

// New makes the world that c describes. The error names the field at fault.
func New(c Config) (*World, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	w := newWorld(c)
	rate := c.AttackRate * float64(c.Accounts) / (30 * float64(day))
	if rate > 0 {
		w.director = newDirector(c.Seed, c.Start.UnixMilli(), 1/rate)
		w.enter(len(w.accounts)+len(w.people), &w.director.queue)
	}
	return w, nil
}

func (c *Config) check() error {
	switch {
	case c.Accounts < 1:
		return fmt.Errorf("simulate: Accounts is %d, want at least 1", c.Accounts)
	case c.Start.IsZero() || c.Start.Year() < firstYear || c.Start.Year() > lastYear:
		return fmt.Errorf("simulate: Start is %s, want a time in the years %d to %d",
			c.Start.Format(time.RFC3339), firstYear, lastYear)
	case !c.End.IsZero() && !c.End.After(c.Start):
		return fmt.Errorf("simulate: End %s is not after Start %s; leave it zero for an endless world",
			c.End.Format(time.RFC3339), c.Start.Format(time.RFC3339))
	case !c.End.IsZero() && c.End.Year() > lastYear:
		return fmt.Errorf("simulate: End is %s, want a time up to the year %d, or zero for an endless world",
			c.End.Format(time.RFC3339), lastYear)
	case math.IsNaN(c.AttackRate) || c.AttackRate < 0 || c.AttackRate > 1000:
		return fmt.Errorf("simulate: AttackRate is %v, want 0 to 1000 attacks per account in 30 days", c.AttackRate)
	}
	return nil
}

// newWorld makes a world without attacks.
func newWorld(c Config) *World {
	w := &World{cat: newCatalogue(), begin: c.Start.UnixMilli(), end: math.MaxInt64}
	if !c.End.IsZero() {
		w.end = c.End.UnixMilli()
	}
	w.text = rand.New(&w.textSrc)
	w.populate(&c)
	for i := range w.accounts {
		w.enter(i, &w.accounts[i].queue)
	}
	for i := range w.people {
		w.enter(len(w.accounts)+i, &w.people[i].queue)
	}
	return w
}

// Accounts describes the world's accounts in a fixed order.
func (w *World) Accounts() []Account {
	out := make([]Account, len(w.accounts))
	for i := range w.accounts {
		a := &w.accounts[i]
		o := &w.orgs[a.org]
		owner := &w.people[o.people.from]
		out[i] = Account{
			Name: a.name, Network: a.network.name, Organisation: o.name, TimeZone: a.zone.name,
			Owner: owner.id, Contact: owner.id + "@" + o.domain, Importance: a.importance,
			ApprovalsRequired: a.required,
		}
		for j := o.people.from; j < o.people.to; j++ {
			out[i].Identities = append(out[i].Identities, w.people[j].name)
		}
	}
	return out
}

// Next returns the next activity in order of time, and false when the world
// has ended. The label tells which attack or benign look-alike the activity
// belongs to, nil for ordinary life. All activities of one attack share one
// label, which is complete from the first of them on and must not be changed.
func (w *World) Next() (activity.Activity, *Label, bool) {
	for len(w.order) > 0 && w.order[0].at < w.end {
		q := w.stream(w.order[0].stream)
		s := q.pop()
		a, ok := w.do(&s)
		w.settle(q)
		if !ok {
			continue
		}
		a.Seen = a.Time.Add(lag(&s))
		return a, s.label, true
	}
	return activity.Activity{}, nil, false
}

// lag is how late Picket sees an activity: networks are polled, identity
// providers and publishing tools tell at once.
func lag(s *step) time.Duration {
	spread := time.Duration(mix(s.id())%1000) * time.Millisecond
	if s.do.ofPerson() || s.do == doApprove {
		return time.Second + 4*spread
	}
	return 2*time.Second + 58*spread
}

// mix scrambles a number: the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
