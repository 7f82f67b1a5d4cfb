package alerting

import (
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// Version is the version of the stored form of an alert, its "v".
const Version = 1

// State is where an alert is in its life.
type State string

// The states of an alert.
const (
	Firing       State = "firing"
	Acknowledged State = "acknowledged"
	Resolved     State = "resolved"
)

// States returns all states in the order of an alert's life.
func States() []State { return []State{Firing, Acknowledged, Resolved} }

// Change says what a revision is about.
type Change string

// The changes that make a revision.
const (
	ChangeOpened       Change = "opened"
	ChangeUpdated      Change = "updated"
	ChangeAcknowledged Change = "acknowledged"
	ChangeResolved     Change = "resolved"
	ChangeReopened     Change = "reopened"
	ChangeAssigned     Change = "assigned"
	ChangeAnswered     Change = "answered" // "was this you?"
	// ChangeNoted is recorded and told to nobody: the end of an episode whose
	// alert a person had resolved before, or a verdict on a resolved alert.
	ChangeNoted Change = "noted"
)

// Changes returns all changes, so that their metrics start at zero.
func Changes() []Change {
	return []Change{ChangeOpened, ChangeUpdated, ChangeAcknowledged, ChangeResolved, ChangeReopened, ChangeAssigned, ChangeAnswered, ChangeNoted}
}

// ByPicket is the actor of what Picket does by itself. No person may use it.
const ByPicket = "picket"

// Alert is one revision of one alert: all that is known about one episode and
// what people did about it. It is a value: its slices are shared between
// revisions and never changed in place. Its JSON is the stored form, version
// Version; times are RFC 3339 in UTC, absent when zero.
type Alert struct {
	V       int     `json:"v"`
	ID      string  `json:"id"` // detector.Finding.Episode
	Rule    Rule    `json:"rule"`
	Network string  `json:"network,omitempty"`
	Account string  `json:"account,omitempty"` // "x/acme"; empty for alerts about no account
	Group   []Label `json:"group,omitempty"`   // values of the rule's group-by
	// Accounts are those that an alert across accounts is about, as they came, at
	// most detector.MaxAccounts; AccountCount is how many there are.
	Accounts     []string `json:"accounts,omitempty"`
	AccountCount int      `json:"account_count,omitempty"`

	State    State     `json:"state"`
	Change   Change    `json:"change"`   // what this revision is about
	Revision uint64    `json:"revision"` // from 1, without gaps
	Updated  time.Time `json:"updated"`  // of this revision: log time of its finding, or when the person acted

	Opened  time.Time      `json:"opened"`   // log time of the first finding
	LogTime time.Time      `json:"log_time"` // log time of the last one
	First   time.Time      `json:"first"`    // occurrence of the first matching activity
	Last    time.Time      `json:"last"`     // occurrence of the latest one
	Count   int            `json:"count"`    // matching activities
	Phase   detector.Phase `json:"phase"`    // of the episode
	Closed  string         `json:"closed,omitempty"`
	Held    string         `json:"held,omitempty"` // why people are not told, see detector.Finding.Held
	// Reasons say why, most important first.
	Reasons []detector.Reason `json:"reasons,omitempty"`
	// Usual says what is as always about it.
	Usual []detector.Reason `json:"usual,omitempty"`
	// Related are the episodes that led to this one, oldest first.
	Related []detector.Related `json:"related,omitempty"`
	// Since says what happened on the accounts that an identity guards; nil
	// where the rule does not look.
	Since *detector.Since `json:"since,omitempty"`
	// Deleted says which posts of the evidence are gone, by id, and since when
	// that is known.
	Deleted map[string]time.Time `json:"deleted,omitempty"`
	// Evidence is what was seen, oldest first, cut to a bounded size and
	// without raw events; the journal has the whole.
	Evidence []activity.Activity `json:"evidence,omitempty"`
	// Applied is the position of the last finding in this revision.
	Applied detector.Position `json:"applied"`

	Ack        *Mark        `json:"acknowledged,omitempty"` // set while acknowledged, and kept when resolved
	Resolution *Mark        `json:"resolved,omitempty"`     // set while resolved
	Assigned   *Assignment  `json:"assigned,omitempty"`     // the newest one
	Answered   *Answer      `json:"answered,omitempty"`     // the newest one
	Judged     *Judgement   `json:"judged,omitempty"`       // only while resolved
	History    []Transition `json:"history,omitempty"`      // the first and the newest, at most MaxHistory
	Forgotten  int          `json:"history_forgotten,omitempty"`

	// Around is what is known around the alert when it is told. It is no part
	// of the alert and not stored.
	Around Around `json:"-"`
}

// Rule is what an alert keeps of the rule that raised it, so that it can be
// read when that rule has changed or gone.
type Rule struct {
	ID          string      `json:"id"`
	Name        string      `json:"name,omitempty"`
	Title       string      `json:"title"`
	Description string      `json:"description,omitempty"`
	Level       rules.Level `json:"level"`
	Mode        rules.Mode  `json:"mode"`
	Type        rules.Type  `json:"type"`
	Version     string      `json:"version"`
	Tags        []string    `json:"tags,omitempty"`
	Response    []string    `json:"response,omitempty"`
}

// Label is a named value.
type Label struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Mark says who acknowledged or resolved an alert, when and why.
type Mark struct {
	By     string    `json:"by"` // ByPicket when the episode ended by itself
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// Assignment says whose matter an alert is.
type Assignment struct {
	To     string    `json:"to"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// Answer is what somebody whose account or login it was said when asked "was
// this you?".
type Answer struct {
	Me     bool      `json:"me"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// Verdict is what an alert turned out to be about.
type Verdict string

// The verdicts of people.
const (
	// VerdictTrue: something was wrong, as the alert said.
	VerdictTrue Verdict = "true"
	// VerdictExpected: it happened, and it was all right: a holiday, a campaign.
	VerdictExpected Verdict = "expected"
	// VerdictFalse: it did not happen, or nobody should have been told.
	VerdictFalse Verdict = "false"
)

// Verdicts returns all verdicts.
func Verdicts() []Verdict { return []Verdict{VerdictTrue, VerdictExpected, VerdictFalse} }

// Judgement is a person's verdict on an alert.
type Judgement struct {
	Verdict Verdict   `json:"verdict"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Reason  string    `json:"reason,omitempty"`
	Until   time.Time `json:"until,omitzero"` // of VerdictExpected: from then on it is odd again; zero: no end
}

// Transition is one change of state. From is empty for the first.
type Transition struct {
	At     time.Time `json:"at"`
	From   State     `json:"from,omitempty"`
	To     State     `json:"to"`
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
}

// MaxHistory bounds the transitions that an alert keeps.
const MaxHistory = 32

// Number returns the short number that people say aloud: "PK-" and the first
// six hexadecimal digits of the id in upper case. Counting up would need
// coordination between daemons; these six digits do not, and of 1,000 alerts
// two share a number in about 3 % of cases. Manager.Find says so when a number
// is not unique.
func (a *Alert) Number() string { return Number(a.ID) }

// Number returns the short number of an alert id.
func Number(id string) string {
	return numberPrefix + strings.ToUpper(id[:min(len(id), numberDigits)])
}

const (
	numberPrefix = "PK-"
	numberDigits = 6
)

// Announced reports whether the revision is told to the outside: not when its
// rule only observes, and not when it is merely noted.
func (a *Alert) Announced() bool {
	return a.Rule.Mode != rules.Observe && a.Change != ChangeNoted
}

// ByHand reports whether a person resolved the alert.
func (a *Alert) ByHand() bool { return a.Resolution != nil && a.Resolution.By != ByPicket }

// Tests of the way of an alert, as picket alerts test makes them.
const (
	// TestAccount is reserved for tests.
	TestAccount = "picket/test"
	// TestDrill is the drill that a test's activity belongs to.
	TestDrill = "test"
)

// Drill returns the id of the drill that the alert is about; empty where any of
// its evidence is real.
func (a *Alert) Drill() string {
	id := ""
	for i := range a.Evidence {
		if id = a.Evidence[i].Drill; id == "" {
			return ""
		}
	}
	return id
}

// Test reports whether the alert is about a test of its own way.
func (a *Alert) Test() bool { return a.Account == TestAccount && a.Drill() == TestDrill }

// LateFrom is how long after it happened an activity must be seen to count as
// late.
const LateFrom = 15 * time.Minute

// Late returns how long after it happened the newest activity of the evidence
// was seen, 0 where that is less than LateFrom or not known.
func (a *Alert) Late() time.Duration {
	t := a.Trigger()
	if t == nil || t.Seen.IsZero() {
		return 0
	}
	if late := t.Seen.Sub(t.Time); late >= LateFrom {
		return late
	}
	return 0
}

// Trigger returns the newest activity of the evidence, nil if there is none.
func (a *Alert) Trigger() *activity.Activity {
	if len(a.Evidence) == 0 {
		return nil
	}
	return &a.Evidence[len(a.Evidence)-1]
}
