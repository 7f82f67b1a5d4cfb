package trial

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// Report is what a history gives, ready to be told. All times are UTC.
type Report struct {
	Origin     Origin        `json:"origin"`
	Source     string        `json:"source"`
	Partial    string        `json:"partial,omitempty"` // why there may be more than was read
	Unreadable int           `json:"unreadable"`
	Duplicates int           `json:"duplicates"`
	From       time.Time     `json:"from"`
	Until      time.Time     `json:"until"`
	Accounts   []AccountRead `json:"accounts"`            // those with most activities first
	Alerts     int           `json:"alerts"`              // what would have been told
	PerMonth   float64       `json:"per_month,omitempty"` // absent where less than a month was read
	Rules      []RuleTold    `json:"rules"`               // every rule that can raise: most urgent first, then most alerts
	Coverage   []Guard       `json:"coverage"`

	server string // see History
}

// AccountRead is what was read of one account.
type AccountRead struct {
	Account    string                `json:"account"`
	From       time.Time             `json:"from"`
	Until      time.Time             `json:"until"`
	Activities int                   `json:"activities"`
	Published  int                   `json:"published"` // posts, replies, reposts and messages
	Kinds      map[activity.Kind]int `json:"kinds"`
	PerWeek    float64               `json:"published_per_week"`
	Apps       []Count               `json:"apps"` // most used first; empty where the source does not tell
	Silence    *Span                 `json:"longest_silence,omitempty"`
	Gaps       []Span                `json:"gaps,omitempty"` // that a collector reported as lost
}

// Count is how often a value came.
type Count struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

// Span is a stretch of time.
type Span struct {
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason,omitempty"`
}

// RuleTold is what one rule would have told.
type RuleTold struct {
	ID       string      `json:"id"`
	Name     string      `json:"name,omitempty"`
	Title    string      `json:"title"`
	Level    rules.Level `json:"level"`
	Urgency  string      `json:"urgency"` // whom it reaches when, in words
	Alerts   int         `json:"alerts"`
	PerMonth float64     `json:"per_month,omitempty"`
	Told     []Told      `json:"told"` // most telling first
}

// Told is one alert as it would have been told, over its whole life.
type Told struct {
	Account  string            `json:"account"`
	Group    map[string]string `json:"group,omitempty"`    // of a rule across accounts, which has no account
	Accounts []string          `json:"accounts,omitempty"` // and those that it is about, as far as they are named
	From     time.Time         `json:"from"`
	Until    time.Time         `json:"until"`
	Count    int               `json:"count"` // activities in it
	Reason   string            `json:"reason"`
	Reasons  []detector.Reason `json:"reasons"`
	Text     string            `json:"text,omitempty"` // of its first post, defanged, on one line
	Alert    string            `json:"alert"`

	strength float64
	about    string // the group in words
}

// Guard is how one rule guarded one account.
type Guard struct {
	Account    string                 `json:"account"`
	Rule       string                 `json:"rule"` // title
	RuleID     string                 `json:"rule_id"`
	State      detector.CoverageState `json:"state"`
	Since      time.Time              `json:"since,omitzero"` // it judged from here on
	Days       int                    `json:"days,omitempty"`
	NeedDays   int                    `json:"need_days,omitempty"`
	Events     int                    `json:"events,omitempty"`
	NeedEvents int                    `json:"need_events,omitempty"`
	Why        string                 `json:"why,omitempty"`
	Mend       string                 `json:"mend,omitempty"`

	rule *rules.Rule
}

// months is how many account-months the history holds.
func (r *Report) months() float64 {
	const month = 30.44 * 24 * float64(time.Hour)
	sum := 0.0
	for i := range r.Accounts {
		sum += float64(r.Accounts[i].Until.Sub(r.Accounts[i].From)) / month
	}
	return sum
}

// newReport describes what was read.
func newReport(h *History) *Report {
	r := &Report{
		Origin: h.Origin, Source: h.Source, Partial: h.Partial, Unreadable: h.Unreadable, Duplicates: h.Duplicates,
		From: h.Activities[0].Time, Until: h.Activities[len(h.Activities)-1].Time, server: h.Server,
	}
	tallies := map[string]*tally{}
	for i := range h.Activities {
		a := &h.Activities[i]
		t := tallies[a.Account]
		if t == nil {
			t = &tally{AccountRead: AccountRead{Account: a.Account, From: a.Time, Kinds: map[activity.Kind]int{}}, apps: map[string]int{}}
			tallies[a.Account] = t
		}
		t.add(a)
	}
	for _, name := range slices.Sorted(maps.Keys(tallies)) {
		r.Accounts = append(r.Accounts, tallies[name].read())
	}
	slices.SortStableFunc(r.Accounts, func(a, b AccountRead) int { return cmp.Compare(b.Activities, a.Activities) })
	return r
}

// tally counts what an account did.
type tally struct {
	AccountRead
	apps map[string]int
	last time.Time // it published something
}

func (t *tally) add(a *activity.Activity) {
	t.Activities++
	t.Kinds[a.Kind]++
	t.Until = a.Time
	if a.Kind == activity.KindPoll && a.Poll.State == activity.PollGap {
		t.Gaps = append(t.Gaps, Span{From: a.Poll.From, Until: a.Poll.Until, Reason: a.Poll.Reason})
	}
	if !published(a.Kind) {
		return
	}
	t.Published++
	if a.App != "" {
		t.apps[a.App]++
	}
	if !t.last.IsZero() && (t.Silence == nil || a.Time.Sub(t.last) > t.Silence.Until.Sub(t.Silence.From)) {
		t.Silence = &Span{From: t.last, Until: a.Time}
	}
	t.last = a.Time
}

func (t *tally) read() AccountRead {
	out := t.AccountRead
	for _, app := range slices.Sorted(maps.Keys(t.apps)) {
		out.Apps = append(out.Apps, Count{app, t.apps[app]})
	}
	slices.SortStableFunc(out.Apps, func(a, b Count) int { return cmp.Compare(b.Count, a.Count) })
	if weeks := out.Until.Sub(out.From).Hours() / (7 * 24); weeks > 0 {
		out.PerWeek = float64(out.Published) / max(weeks, 1)
	}
	return out
}

// longPause is from where a silence is worth a line.
const longPause = 7 * 24 * time.Hour

// published reports whether an activity of the kind is something that the
// account said.
func published(k activity.Kind) bool {
	switch k {
	case activity.KindPost, activity.KindRepost, activity.KindReply, activity.KindMessage:
		return true
	default:
		return false
	}
}
