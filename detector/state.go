package detector

import (
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/approval"
)

// episode is one open episode.
type episode struct {
	ID       string           `json:"id"`
	RuleID   string           `json:"rule"`
	Account  string           `json:"account"`
	Network  string           `json:"network"`
	Group    []activity.Field `json:"group"`
	First    int64            `json:"first"` // occurrence, Unix nanoseconds
	Last     int64            `json:"last"`
	Count    int              `json:"count"`
	Deadline int64            `json:"deadline"` // log time at which it closes if nothing matches
	Reasons  []Reason         `json:"reasons"`
	Evidence []kept           `json:"evidence"`
	// Learn holds values withheld from a new-value model while the episode is
	// open, with how often each was seen; of a peak, days with their counts.
	Learn map[string]int `json:"learn,omitempty"`
	// Before is a model as it was when the episode began, see rewind.
	Before []byte `json:"before,omitempty"`
	// Told is since when, in log time, people know of what was withheld: the
	// episode's own opening, or that of an earlier one, which makes it Muted.
	Told  int64 `json:"told,omitempty"`
	Muted bool  `json:"muted,omitempty"`
	// Verdict is the key of the verdict on it that was applied last.
	Verdict uint64 `json:"verdict,omitempty"`
	// Held says why nobody is told of the episode, see Finding.Held; Muted is not
	// among it.
	Held string `json:"held,omitempty"`
	// Notes and Usual say what else is odd and what is usual about the activity
	// that opened the episode.
	Notes   []Reason  `json:"notes,omitempty"`
	Usual   []Reason  `json:"usual,omitempty"`
	Related []Related `json:"related,omitempty"`
	// Across are the accounts that an episode across accounts is about.
	Across *acrossAccounts `json:"across,omitempty"`
	// Since is kept for logins of identities that guard accounts.
	Since *since `json:"since,omitempty"`
	// Parts are what rules that join this one found, by rule id.
	Parts map[string]*episode `json:"parts,omitempty"`
	// Deleted are posts of the evidence that are gone, by id.
	Deleted map[string]time.Time `json:"deleted,omitempty"`

	queued int64 // deadline of its entry in the closing queue
}

// kept is an activity that outlives its message; it is stored in wire form.
type kept struct{ activity.Activity }

// MarshalJSON writes the activity's wire form.
func (k kept) MarshalJSON() ([]byte, error) { return activity.AppendActivity(nil, &k.Activity), nil }

// UnmarshalJSON reads the activity's wire form.
func (k *kept) UnmarshalJSON(data []byte) error {
	var d activity.Decoder
	var a activity.Activity
	if err := d.Activity(data, &a); err != nil {
		return err
	}
	k.Activity = a.Clone()
	return nil
}

// pending is a published message whose verdict waits for a late approval.
type pending struct {
	Since    int64            `json:"since"`    // log time from which its grace runs, Unix nanoseconds
	Deadline int64            `json:"deadline"` // log time, Unix nanoseconds
	Message  approval.Message `json:"message"`
	Activity kept             `json:"activity"`
	Matched  []string         `json:"matched"` // ids of the detection rules that it matched
	Context  setting          `json:"context"`
}

// closing is an entry of the queue of episodes by deadline. An entry whose
// deadline is not its episode's any more is stale and skipped.
type closing struct {
	deadline int64
	account  string
	key      string
}

type closingQueue []closing

func (q closingQueue) Len() int      { return len(q) }
func (q closingQueue) Swap(i, k int) { q[i], q[k] = q[k], q[i] }

// Less is a total order, so that the order of closing does not depend on the
// history of the queue.
func (q closingQueue) Less(i, k int) bool {
	a, b := q[i], q[k]
	switch {
	case a.deadline != b.deadline:
		return a.deadline < b.deadline
	case a.account != b.account:
		return a.account < b.account
	}
	return a.key < b.key
}

func (q *closingQueue) Push(x any) { *q = append(*q, x.(closing)) }

func (q *closingQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
