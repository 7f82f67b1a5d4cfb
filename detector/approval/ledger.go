package approval

import (
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
	// Keep is how long an approval without an end is kept, and one with an end
	// after it, so that a late post is told expired rather than missing.
	Keep = 30 * 24 * time.Hour
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
// order. The zero value is empty.
type Ledger struct {
	Entries []Entry `json:"entries"`
}

// Judgement is the ledger's answer about one message.
type Judgement struct {
	Verdict    Verdict
	Entry      *Entry  // the approval it was compared with; nil where none is near
	Similarity float64 // to Entry, 0 to 1
	Against    int     // approvals of the account that it was compared with
}

// Add records an approval activity at log time now (Unix nanoseconds). An
// approval with the id of an earlier one of that account replaces it; its used
// uses stay used.
func (l *Ledger) Add(a *activity.Activity, now int64) {
	ap := &a.Approval
	e := Entry{
		ID: a.ID, Account: a.Account, Message: Normalise(ap.Text, ap.Links, ap.Media),
		Approvers: ap.Approvers, Tool: ap.Tool, Max: max(ap.MaxUses, 1), Seen: now,
	}
	if !ap.From.IsZero() {
		e.From = ap.From.UnixNano()
	}
	if !ap.Until.IsZero() {
		e.Until = ap.Until.UnixNano()
	}
	l.expire(now)
	for i := range l.Entries {
		if old := &l.Entries[i]; old.ID == e.ID && old.Account == e.Account {
			e.Used = old.Used
			*old = e
			return
		}
	}
	l.Entries = append(l.Entries, e)
	if over := len(l.Entries) - MaxEntries; over > 0 {
		l.Entries = slices.Delete(l.Entries, 0, over)
	}
}

func (l *Ledger) expire(now int64) {
	l.Entries = slices.DeleteFunc(l.Entries, func(e Entry) bool {
		return now-max(e.Seen, e.Until) > int64(Keep)
	})
}

// Judge compares a message published on account at time t (Unix nanoseconds)
// with the approvals. With use, an approval that matches is used once.
func (l *Ledger) Judge(account string, m Message, t int64, use bool) Judgement {
	var own, other, near *Entry
	best, against := 0.0, 0
	for i := range l.Entries {
		e := &l.Entries[i]
		same := Same(m, e.Message)
		if e.Account != account {
			if same {
				other = e
			}
			continue
		}
		against++
		if same && e.valid(t) {
			if use {
				e.Used++
			}
			return Judgement{Verdict: Approved, Entry: e, Similarity: 1, Against: against}
		}
		if same {
			own = e
		}
		if s := Similarity(m, e.Message); s > best || near == nil {
			best, near = s, e
		}
	}
	switch {
	case own != nil:
		return Judgement{Verdict: Expired, Entry: own, Similarity: 1, Against: against}
	case other != nil:
		return Judgement{Verdict: WrongAccount, Entry: other, Similarity: 1, Against: against}
	case best >= NearEnough:
		return Judgement{Verdict: Edited, Entry: near, Similarity: best, Against: against}
	}
	return Judgement{Verdict: Missing, Entry: near, Similarity: best, Against: against}
}

func (e *Entry) valid(t int64) bool {
	return e.Used < e.Max && (e.From == 0 || t >= e.From) && (e.Until == 0 || t <= e.Until)
}
