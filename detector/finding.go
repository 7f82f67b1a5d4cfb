package detector

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

// Phase is the step of an episode that a finding reports.
type Phase string

// Phases of an episode: it opens with its first match, is updated by later
// ones, and closes after quiet or when a resolving rule matches.
const (
	Open   Phase = "open"
	Update Phase = "update"
	Close  Phase = "close"
)

// Position is where in the log the finding was made. Index counts the
// findings of one message. Positions of one partition are totally ordered.
//
// The second stage has a partition of its own, after those of the log. What it
// reads are several logs in the order of log time, so its Sequence is the log
// time, in Unix nanoseconds, at which the finding was made, and Index counts the
// findings of that moment.
type Position struct {
	Partition int    `json:"partition"`
	Sequence  uint64 `json:"sequence"`
	Index     int    `json:"index"`
}

// Finding is what the detector tells about one episode: consecutive matches
// of one rule for one group. It carries the whole episode so far, so the
// newest finding of an episode says everything. It is a pure function of the
// log and the rules in force.
type Finding struct {
	// Episode is the alert id: the first 16 bytes of SHA-256 over rule id,
	// group values and the first activity's identity, in hex.
	Episode  string
	Phase    Phase
	Position Position
	Rule     *rules.Rule
	// Network and Account are empty in findings of rules across accounts.
	Network string
	Account string
	Group   []activity.Field // names and values of the rule's group-by
	LogTime time.Time        // log time at this position, UTC
	First   time.Time        // occurrence of the episode's first matching activity, UTC
	Last    time.Time        // occurrence of its latest one, UTC
	Count   int              // matching activities in the episode
	// Reasons say why, most important first: what was seen, what was expected.
	Reasons []Reason
	// Usual says what is as always about it, so that nobody looks it up: the
	// hour, a known device.
	Usual []Reason
	// Related are episodes of the account, or of identities that guard it, that
	// led to this one, oldest first.
	Related []Related
	// Since says what happened on guarded accounts since an identity's login;
	// nil where the finding is not about an identity.
	Since *Since
	// Deleted says which posts of the evidence are gone, by id, and since when
	// that is known; occurrence, UTC.
	Deleted map[string]time.Time
	// Evidence are the activities that opened the episode and its latest ones,
	// at most MaxEvidence, oldest first.
	Evidence []activity.Activity
	// Accounts are those that a finding of a rule across accounts is about, as
	// they came, at most MaxAccounts; AccountCount is how many there are, of
	// which more than 1,024 may not be told.
	Accounts     []string
	AccountCount int
	// Held says why people are not told of the episode, though its rule enforces:
	// one of the Held values. Rule.Mode is Observe then. Empty where they are told.
	Held string
	// Closed says why the episode ended: "quiet" or the resolving rule's title.
	Closed string
}

// Why people are not told of an episode, in Finding.Held.
const (
	// HeldTold: they were told of its values and have not judged them.
	HeldTold = "told"
	// HeldBudget: the alert budget of its account has no room for it.
	HeldBudget = "budget"
)

// MaxEvidence bounds the activities that a finding carries.
const MaxEvidence = 8

// About names what a finding is about: its account, or the group of a rule
// across accounts and how many they are. It is text of strangers.
func (f *Finding) About() string {
	if f.Account != "" {
		return f.Account
	}
	parts := make([]string, 0, len(f.Group))
	for _, g := range f.Group {
		parts = append(parts, g.Name+" "+g.Value)
	}
	return fmt.Sprintf("%s (%d accounts)", strings.Join(parts, ", "), f.AccountCount)
}

// MaxAccounts bounds the accounts that a finding names.
const MaxAccounts = 32

// Reason explains one part of a finding: Seen against Expected, in words that
// need no look-up. Field is the activity field that it is about, or empty.
type Reason struct {
	Field    string `json:"field,omitempty"`
	Seen     string `json:"seen"`
	Expected string `json:"expected,omitempty"`
	// Detail carries numbers behind the words: "approvals" → "12".
	Detail map[string]string `json:"detail,omitempty"`
}

// Related is an episode that another one is about.
type Related struct {
	Episode string    `json:"episode,omitempty"` // its alert's id; "" for a match that raised none
	Rule    string    `json:"rule"`              // name or id
	Title   string    `json:"title"`             // of the rule
	Account string    `json:"account"`           // account or identity
	Time    time.Time `json:"time"`              // occurrence, UTC
	Words   string    `json:"words,omitempty"`   // what was odd: "country RO"
}

// Since is what happened on the accounts that an identity guards, from the
// first activity of the episode on.
type Since struct {
	AsOf  time.Time `json:"as_of"` // log time, UTC
	Count int       `json:"count"` // posts and changes
	// Activities are the first of them, at most MaxSince, oldest first, without
	// raw events.
	Activities []activity.Activity `json:"activities,omitempty"`
}

// MaxSince bounds the activities of a Since.
const MaxSince = 4

// Sink receives findings in log order. The detector calls it; alerting
// implements it. Report returns when the findings are durable; it is called
// again with the same findings after a crash, so it must ignore what it has
// already applied, by Position.
type Sink interface {
	Report(ctx context.Context, findings []Finding) error
}
