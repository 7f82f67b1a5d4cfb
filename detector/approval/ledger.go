package approval

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Verdict says how a published message relates to the approvals.
type Verdict string

// Verdicts, in the order in which they are tried.
const (
	Approved     Verdict = "approved"
	Expired      Verdict = "expired"       // approved, but not for this time, or used up
	WrongAccount Verdict = "wrong_account" // approved for another account
	Edited       Verdict = "edited"        // near to an approved message
	Missing      Verdict = "missing"
)

// Limits of a ledger.
const (
	// MaxEntries bounds the approvals kept; the oldest leave first.
	MaxEntries = 10_000
	// Keep is how long an approval is kept after it was seen, begins or ends,
	// whichever is last, so that a late post is told expired rather than missing.
	Keep = 30 * 24 * time.Hour
	// KeepOpen is how long an approval that names no end is kept after it was
	// seen or begins: posts are planned for months ahead.
	KeepOpen = 180 * 24 * time.Hour
	// NearEnough is the similarity from which a message counts as an edited one.
	NearEnough = 0.6
)

// Entry is one approval.
type Entry struct {
	ID        string   `json:"id"`
	Account   string   `json:"account"`
	Message   Message  `json:"message"`
	Approvers []string `json:"approvers,omitempty"`
	Tool      string   `json:"tool,omitempty"`
	From      int64    `json:"from,omitempty"`  // Unix nanoseconds, 0: at once
	Until     int64    `json:"until,omitempty"` // Unix nanoseconds, 0: no end
	Max       int      `json:"max"`             // uses allowed
	Used      int      `json:"used"`
	Seen      int64    `json:"seen"` // log time of the approval, Unix nanoseconds
}

// Ledger holds the approvals that one partition knows, of all accounts, in log
// order. The zero value is empty. Once one is used, a copy of it may only be
// read or encoded.
type Ledger struct {
	// Entries are for reading and for encoding; Add alone changes their number
	// and order.
	Entries []Entry `json:"entries"`

	index *index // of Entries; see ready
}

// Judgement is the ledger's answer about one message. Its Entry is the ledger's
// own, to be read before the next Add.
type Judgement struct {
	Verdict    Verdict
	Entry      *Entry  // the approval it was compared with; nil where none is near
	Similarity float64 // to Entry, 0 to 1
	Against    int     // approvals of the account
}

// UnmarshalJSON replaces the ledger by an encoded one.
func (l *Ledger) UnmarshalJSON(data []byte) error {
	type plain Ledger // without this method
	var p plain
	if err := json.Unmarshal(data, &p); err != nil {
		return fmt.Errorf("decode approvals: %w", err)
	}
	*l = Ledger(p)
	return nil
}

// Add records an approval activity at log time now (Unix nanoseconds). An
// approval with the id of an earlier one of that account replaces it; its used
// uses stay used.
func (l *Ledger) Add(a *activity.Activity, now int64) {
	ap := &a.Approval
	e := Entry{
		ID: a.ID, Account: a.Account, Message: Normalise(ap.Text, ap.Links, ap.Media),
		Approvers: ap.Approvers, Tool: ap.Tool, Max: max(ap.MaxUses, 1), Seen: now,
		From: nanoseconds(ap.From), Until: nanoseconds(ap.Until),
	}
	l.expire(now)
	x := l.ready()
	if at, ok := x.byID[id{e.Account, e.ID}]; ok {
		old := &l.Entries[at-x.first]
		e.Used = old.Used
		x.replace(at, old, &e)
		*old = e
		return
	}
	l.Entries = append(l.Entries, e)
	x.append(&e)
	for len(l.Entries) > MaxEntries {
		l.dropFirst()
	}
}

// nanoseconds returns a time in Unix nanoseconds, 0 for none. Years that do
// not fit (before 1678 and after 2261) become the first and last that do.
func nanoseconds(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	if ns := t.UnixNano(); ns != 0 {
		return ns
	}
	return 1 // 0 means none
}

// expire forgets what is past its time. Most often the oldest entries are the
// ones, which the index can follow.
func (l *Ledger) expire(now int64) {
	oldest := now - int64(Keep)
	if l.ready().soonest >= oldest {
		return
	}
	for len(l.Entries) > 0 && l.Entries[0].last() < oldest {
		l.dropFirst()
	}
	n := len(l.Entries)
	l.Entries = slices.DeleteFunc(l.Entries, func(e Entry) bool { return e.last() < oldest })
	if len(l.Entries) != n {
		l.index = nil // positions have moved
		return
	}
	x := l.ready()
	x.soonest = math.MaxInt64
	for i := range l.Entries {
		x.soonest = min(x.soonest, l.Entries[i].last())
	}
}

// last is the moment from which an approval is kept for Keep.
func (e *Entry) last() int64 {
	if e.Until == 0 {
		return max(e.Seen, e.From) + int64(KeepOpen-Keep)
	}
	return max(e.Seen, e.From, e.Until)
}

// Approve reports whether a message published on account at time t (Unix
// nanoseconds) is approved, and uses the approval once. It costs a lookup,
// whatever the number of approvals.
func (l *Ledger) Approve(account string, m Message, t int64) bool {
	e, _, _ := l.exact(account, &m, t)
	if e == nil {
		return false
	}
	e.Used++
	return true
}

// Judge compares a message published on account at time t (Unix nanoseconds)
// with the approvals. With use, an approval that matches is used once. A
// message that no approval matches is compared with every one of the account.
func (l *Ledger) Judge(account string, m Message, t int64, use bool) Judgement {
	valid, own, other := l.exact(account, &m, t)
	against := len(l.ready().byAccount[account])
	switch {
	case valid != nil:
		if use {
			valid.Used++
		}
		return Judgement{Verdict: Approved, Entry: valid, Similarity: 1, Against: against}
	case own != nil:
		return Judgement{Verdict: Expired, Entry: own, Similarity: 1, Against: against}
	case other != nil:
		return Judgement{Verdict: WrongAccount, Entry: other, Similarity: 1, Against: against}
	}
	near, best := l.nearest(account, &m)
	if best >= NearEnough {
		return Judgement{Verdict: Edited, Entry: near, Similarity: best, Against: against}
	}
	return Judgement{Verdict: Missing, Entry: near, Similarity: best, Against: against}
}

// exact looks for the approvals of a message as it is: the first of account
// that is valid at t, or else the last that is not and the last of another
// account, in log order.
func (l *Ledger) exact(account string, m *Message, t int64) (valid, own, other *Entry) {
	x := l.ready()
	for _, at := range x.byText[m.Text] {
		e := &l.Entries[at-x.first]
		switch {
		case !Same(*m, e.Message):
		case e.Account != account:
			other = e
		case e.valid(t):
			return e, nil, nil
		default:
			own = e
		}
	}
	return nil, own, other
}

func (e *Entry) valid(t int64) bool {
	return e.Used < e.Max && (e.From == 0 || t >= e.From) && (e.Until == 0 || t <= e.Until)
}
