package hijack_test

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/hijack"
)

// COMPA as a yardstick: Egele, Stringhini, Kruegel, Vigna: "COMPA: Detecting
// Compromised Accounts on Social Networks", NDSS 2013, and "Towards Detecting
// Compromised Accounts on Social Networks", IEEE TDSC 2017. It is what the
// tables of this project are compared with and no part of the program.
//
// What the papers have and this has not: proximity, of which the histories tell
// nothing, and the groups of similar messages over many accounts, which a hijack
// of one account does not make. The papers have one threshold for all accounts;
// here each has its own, which is what COMPA is compared at.

// compa is the behavioural profile of one account.
type compa struct {
	hours  [24]int // messages by hour of the day
	n      int     // messages
	source counts
	lang   counts
	people counts
	links  counts
	topics counts
	alerts alerts
}

var _ hijack.Subject = (*compa)(nil)

// newCOMPA returns the profile of an account of which nothing is known, with a
// budget of alerts a month.
func newCOMPA(budget float64) *compa {
	return &compa{
		source: counts{by: map[string]int{}}, lang: counts{by: map[string]int{}}, people: counts{by: map[string]int{}},
		links: counts{by: map[string]int{}}, topics: counts{by: map[string]int{}},
		alerts: alerts{budget: budget, limit: math.Inf(1)},
	}
}

// weights are what the papers' training on labelled tweets gave each feature.
var weights = struct{ source, people, links, hour, lang, topics float64 }{3.3, 1.4, 0.96, 0.88, 0.58, 0.39}

// settled is from how many messages on scores say something of the account: the
// first ones are strange in everything, and would be the oddest of the trailing
// period for as long as it lasts. It is the number that the profile of this
// project has.
const settled = 50

// Observe implements hijack.Subject.
func (c *compa) Observe(a *activity.Activity) bool {
	if a.Kind != activity.KindPost && a.Kind != activity.KindReply && a.Kind != activity.KindRepost {
		return false
	}
	score := c.score(a)
	c.learn(a)
	return c.n > settled && c.alerts.judge(a.Time, score)
}

// Fork implements hijack.Subject.
func (c *compa) Fork() hijack.Subject {
	f := *c
	for _, m := range []*counts{&f.source, &f.lang, &f.people, &f.links, &f.topics} {
		m.by = maps.Clone(m.by)
	}
	f.alerts.past, f.alerts.told = slices.Clip(f.alerts.past), slices.Clip(f.alerts.told) // appending copies them
	return &f
}

// score is how much a message violates the profile: the weighted sum of what
// each feature says.
func (c *compa) score(a *activity.Activity) float64 {
	return weights.source*c.source.mandatory(a.App) + weights.people*c.people.optional(folded(a.Mentions)) +
		weights.links*c.links.optional(folded(a.LinkDomains)) + weights.hour*c.hour(a.Time.Hour()) +
		weights.lang*c.lang.mandatory(a.Lang) + weights.topics*c.topics.optional(folded(a.Hashtags))
}

// learn takes a message into the profile.
func (c *compa) learn(a *activity.Activity) {
	c.n++
	c.hours[a.Time.Hour()]++
	for _, m := range []struct {
		of    *counts
		value string
	}{{&c.source, a.App}, {&c.lang, a.Lang}} {
		if m.value != "" {
			m.of.learn(m.value)
		}
	}
	for _, m := range []struct {
		of     *counts
		values []string
	}{{&c.people, a.Mentions}, {&c.links, a.LinkDomains}, {&c.topics, a.Hashtags}} {
		if all := folded(m.values); len(all) > 0 {
			m.of.learn(all...)
		} else {
			m.of.learn(null)
		}
	}
}

// folded are values as networks tell them apart, each once.
func folded(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strings.ToLower(v)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// hour is the anomaly of an hour of the day, a mandatory feature whose counts
// are smoothed: each is the mean of itself and of the hours beside it. Hours
// whose count is 0 after that are not in the model.
func (c *compa) hour(h int) float64 {
	count := func(h int) int { return c.hours[(h+23)%24] + c.hours[h] + c.hours[(h+1)%24] } // thrice the smoothed one
	in := 0
	for h := range c.hours {
		if count(h) > 0 {
			in++
		}
	}
	switch of := count(h); {
	case of == 0:
		return 1
	case of*in >= 3*c.n:
		return 0
	default:
		return 1 - float64(of)/float64(3*c.n)
	}
}

// counts are in how many messages each value of a feature was.
type counts struct {
	by  map[string]int
	sum int // of by
	n   int // messages
}

// null stands for a message without a value of an optional feature.
const null = ""

func (m *counts) learn(values ...string) {
	m.n++
	for _, v := range values {
		m.by[v]++
		m.sum++
	}
}

// mandatory is the anomaly of a value of a feature that each message has one of:
// 1 where it never was, 0 where it was at least as often as values are on
// average, else the share of messages without it. A source that does not say what
// the value is says nothing odd.
func (m *counts) mandatory(v string) float64 {
	count, known := m.by[v]
	switch {
	case v == "":
		return 0
	case !known:
		return 1
	case count*len(m.by) >= m.sum:
		return 0
	default:
		return 1 - float64(count)/float64(m.n)
	}
}

// optional is the anomaly of the values of a feature that a message may have
// none or several of: 0 where they were seen before, else the share of messages
// that have none. Of several the oddest counts.
func (m *counts) optional(values []string) float64 {
	for _, v := range values {
		if _, known := m.by[v]; !known && m.n > 0 {
			return float64(m.by[null]) / float64(m.n)
		}
	}
	return 0
}

// alerts holds an account to a budget of alerts, by a threshold that moves with
// what is known at the time: the lowest one that would have cost no more in the
// trailing period than the budget allows, less what it was overdrawn by. Without
// that part COMPA notices less at the same rate of false alerts.
type alerts struct {
	budget float64     // a month
	since  time.Time   // of the first score
	past   []scored    // of the trailing period, oldest first
	told   []time.Time // alerts of the trailing period
	last   time.Time   // score above the limit
	day    time.Time   // that the limit is of
	limit  float64     // scores above it alert
}

type scored struct {
	at    time.Time
	score float64
}

const (
	trailing = 180 * 24 * time.Hour
	merge    = time.Hour // what comes nearer than this to the flag before is the same alert
)

// judge reports whether a score is an alert. The threshold is worked out anew at
// the first message of a day and after each flag, which may have spent the
// budget; no other score can raise it.
func (b *alerts) judge(at time.Time, score float64) bool {
	if b.since.IsZero() {
		b.since = at
	}
	if day := at.Truncate(24 * time.Hour); day.After(b.day) {
		b.day = day
		old, _ := slices.BinarySearchFunc(b.past, at.Add(-trailing), func(s scored, t time.Time) int { return s.at.Compare(t) })
		b.past = b.past[old:]
		old, _ = slices.BinarySearchFunc(b.told, at.Add(-trailing), time.Time.Compare)
		b.told = b.told[old:]
		b.adapt()
	}
	b.past = append(b.past, scored{at, score})
	if score <= b.limit {
		return false
	}
	if at.Sub(b.last) >= merge {
		b.told = append(b.told, at)
	}
	b.last = at
	b.adapt()
	return true
}

// adapt works the threshold out. What the budget allows is rounded, so that it is
// neither wasted nor overdrawn on average.
func (b *alerts) adapt() {
	if len(b.past) == 0 {
		return // nothing was posted for as long: what held last holds on
	}
	known := min(trailing, b.past[len(b.past)-1].at.Sub(b.since))
	allowed := int(math.Round(b.budget * float64(known) / float64(hijack.Month)))
	allowed -= min(allowed, max(0, len(b.told)-allowed))
	// The threshold is looked for near the last one first, since most scores are
	// far below.
	const most, step = 8, 0.5
	for from := min(b.limit, most); !b.spend(from, allowed) && from >= 0; {
		from -= step
	}
}

// spend sets the threshold to the highest score that cannot be flagged with those
// above it at the cost that is allowed, and reports whether there is one that is
// at least from; else the threshold is the lowest of these.
func (b *alerts) spend(from float64, allowed int) bool {
	var order []scored
	for _, s := range b.past {
		if s.score >= from {
			order = append(order, s)
		}
	}
	slices.SortFunc(order, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var flags []time.Time
	cost := 0
	for i := 0; i < len(order); {
		b.limit = order[i].score
		for ; i < len(order) && order[i].score >= b.limit; i++ { // equal scores are flagged together
			k, _ := slices.BinarySearchFunc(flags, order[i].at, time.Time.Compare)
			cost -= joined(flags, k-1, k)
			flags = slices.Insert(flags, k, order[i].at)
			cost += 1 + joined(flags, k-1, k+1)
		}
		if cost > allowed {
			return true
		}
	}
	return false
}

// joined is how many alerts fewer than flags there are from the i-th flag to the
// k-th, as a negative number.
func joined(flags []time.Time, i, k int) int {
	n := 0
	for ; i < k; i++ {
		if i >= 0 && i+1 < len(flags) && flags[i+1].Sub(flags[i]) < merge {
			n--
		}
	}
	return n
}

// said is a message of an account that always posts at noon.
func said(change func(a *activity.Activity)) *activity.Activity {
	a := &activity.Activity{Kind: activity.KindPost, Time: time.Date(2024, 1, 1, 12, 30, 0, 0, time.UTC)}
	change(a)
	return a
}

func in(lang string) *activity.Activity {
	return said(func(a *activity.Activity) { a.Lang = lang })
}

func from(app string) *activity.Activity {
	return said(func(a *activity.Activity) { a.App = app })
}

func at(hour int) *activity.Activity {
	return said(func(a *activity.Activity) { a.Time = a.Time.Add(time.Duration(hour-12) * time.Hour) })
}

func linking(domains ...string) *activity.Activity {
	return said(func(a *activity.Activity) { a.LinkDomains = domains })
}

func to(handles ...string) *activity.Activity {
	return said(func(a *activity.Activity) { a.Mentions = handles })
}

func tagged(tags ...string) *activity.Activity {
	return said(func(a *activity.Activity) { a.Hashtags = tags })
}

// several is a message so many times.
func several(n int, a *activity.Activity) []*activity.Activity {
	return slices.Repeat([]*activity.Activity{a}, n)
}

// TestCOMPA: scores of messages, worked out from the papers' formulas.
func TestCOMPA(t *testing.T) {
	type messages = []*activity.Activity
	tongues := slices.Concat(several(12, in("en")), several(9, in("de"))) // the papers' example; 10.5 on average
	apps := slices.Concat(several(3, from("web")), several(1, from("phone")))
	hours := slices.Concat(several(4, at(9)), several(2, at(10))) // smoothed: 4/3, 2, 2, 2/3 from 8 on; 1.5 on average
	night := several(6, at(23))                                   // smoothed: 2, 2, 2
	links := slices.Concat(several(4, linking()), messages{linking("a.example", "b.example")})
	people := slices.Concat(several(1, to()), several(3, to("ann")))
	tags := slices.Concat(several(1, tagged()), several(1, tagged("sale")))
	everything := said(func(a *activity.Activity) {
		a.Time = a.Time.Add(6 * time.Hour)
		a.App, a.Lang, a.LinkDomains, a.Mentions, a.Hashtags = "other", "ru", []string{"c.example"}, []string{"eve"}, []string{"free"}
	})
	for _, tc := range []struct {
		name string
		past messages
		next *activity.Activity
		want float64
	}{
		{"language, the usual", tongues, in("en"), 0},
		{"language, less than the average", tongues, in("de"), 0.58 * 12 / 21},
		{"language, new", tongues, in("ru"), 0.58},
		{"language, not said", tongues, in(""), 0},
		{"source, the usual", apps, from("web"), 0},
		{"source, less than the average", apps, from("phone"), 3.3 * 3 / 4},
		{"source, new", apps, from("tool"), 3.3},
		{"source, as often as the average", slices.Concat(apps, several(2, from("phone"))), from("phone"), 0},
		{"hour, the usual", hours, at(9), 0},
		{"hour, more often than the average by the one before", hours, at(10), 0},
		{"hour, beside the usual", hours, at(8), 0.88 * 7 / 9},
		{"hour, beside the less usual", hours, at(11), 0.88 * 8 / 9},
		{"hour, new", hours, at(12), 0.88},
		{"hour, after midnight", night, at(24), 0},
		{"hour, two after midnight", night, at(25), 0.88},
		{"link, none", links, linking(), 0},
		{"link, known", links, linking("b.example"), 0},
		{"link, known in other letters", links, linking("B.example"), 0},
		{"link, new where few have one", links, linking("c.example"), 0.96 * 4 / 5},
		{"link, a new one beside a known one", links, linking("a.example", "c.example"), 0.96 * 4 / 5},
		{"link, new where all have one", several(5, linking("a.example")), linking("c.example"), 0},
		{"person, new where most have one", people, to("eve"), 1.4 / 4},
		{"person, known", people, to("Ann"), 0},
		{"tag, new where half have one", tags, tagged("free"), 0.39 / 2},
		{"all of them, to an account without any", slices.Concat(apps, tongues), everything, 3.3 + 1.4 + 0.96 + 0.88 + 0.58 + 0.39},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCOMPA(1)
			for _, a := range tc.past {
				c.learn(a)
			}
			if got := c.score(tc.next); math.Abs(got-tc.want) > 1e-12 {
				t.Errorf("score %.6f, want %.6f", got, tc.want)
			}
		})
	}
}

// TestCOMPABudget: what a threshold costs is worked out as the protocol counts.
func TestCOMPABudget(t *testing.T) {
	start := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	const day, hour = 24 * time.Hour, time.Hour
	type when map[time.Duration]float64 // scores; those of other days at noon are 0
	falling := when{}
	for i := range 10 {
		falling[time.Duration(1+18*i)*day] = float64(10 - i)
	}
	for _, tc := range []struct {
		name   string
		scores when
		days   int     // after which the threshold is looked at
		limit  float64 // then
		told   int     // alerts in the trailing period
	}{
		{"nothing allowed yet: nothing above the highest", when{0: 3, 2 * day: 2}, 10, 3, 0},
		{"higher than ever, when nothing was allowed", when{0: 3, 2 * day: 4}, 10, 4, 1},
		{"one allowed: the second highest", when{0: 3, 1 * day: 2, 2 * day: 1}, 20, 2, 0},
		{"one allowed: two within the hour cost one", when{0: 3, hour / 2: 2, 2 * day: 1}, 20, 1, 0},
		{"one allowed: the hour is over", when{0: 3, hour: 2, 2 * day: 1}, 20, 2, 0},
		{"one allowed: a third joins two", when{0: 5, hour + hour/2: 4, 3 * hour / 4: 4, 2 * day: 1}, 20, 1, 0},
		{"one allowed: a third between two that are one", when{0: 5, hour / 2: 4, hour / 4: 3, 2 * day: 2, 4 * day: 1}, 20, 2, 0},
		{"one allowed and two had: none for now", when{0: 1, 1 * day: 2, 2 * day: 3}, 20, 3, 2},
		{"six allowed: the seventh highest", falling, 180, 4, 2}, // the first, higher than ever, and the second, then allowed
		{"what is older than 180 days is forgotten", when{0: 3, 1 * day: 2}, 190, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			scores := maps.Clone(tc.scores)
			for d := range tc.days {
				if at := time.Duration(d) * day; scores[at] == 0 {
					scores[at] = 0
				}
			}
			b := newCOMPA(1).alerts
			for _, at := range slices.Sorted(maps.Keys(scores)) {
				b.judge(start.Add(at), scores[at])
			}
			b.judge(start.Add(time.Duration(tc.days)*day), 0)
			if b.limit != tc.limit || len(b.told) != tc.told {
				t.Errorf("threshold %g after %d alerts, want %g after %d", b.limit, len(b.told), tc.limit, tc.told)
			}
		})
	}
}

// TestCOMPAFork: what is played on a copy leaves the profile as it was.
func TestCOMPAFork(t *testing.T) {
	c := newCOMPA(1)
	for i := range 200 {
		a := from("web")
		a.Time = a.Time.AddDate(0, 0, i)
		c.Observe(a)
	}
	strange := from("tool")
	strange.Time = strange.Time.AddDate(0, 0, 200)
	before := c.score(strange)
	for range 2 {
		f := c.Fork()
		if !f.Observe(strange) {
			t.Error("the first message from a new source raised no alert")
		}
		if f, ok := f.(*compa); !ok || f.score(strange) == before {
			t.Error("the copy has not learned what was played on it")
		}
	}
	if after := c.score(strange); after != before || len(c.alerts.told) != 0 || len(c.alerts.past) != 150 {
		t.Errorf("score %g after a copy saw the message, %g before; %d alerts of %d scores, want 0 of 150",
			after, before, len(c.alerts.told), len(c.alerts.past))
	}
}
