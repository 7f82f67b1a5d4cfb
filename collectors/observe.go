package collectors

import "time"

// Observer is told what the scheduler does, for metrics. Its methods are
// called from many goroutines and return at once.
type Observer interface {
	// PollDone reports one poll, its outcome (see Outcomes), how long it took,
	// journal included, and how late it began against its schedule.
	PollDone(network, outcome string, took, late time.Duration)
	// Activities reports activities that became durable in the journal.
	Activities(network string, n int)
	// Dropped reports items that were not journaled, and why (see DropReasons).
	Dropped(network, reason string, n int)
}

// Outcomes of a poll.
const (
	OutcomeOK        = "ok"
	OutcomeLimited   = "rate_limited"
	OutcomeForbidden = "forbidden"
	OutcomeMalformed = "malformed"
	OutcomeError     = "error"   // any other error of the collector
	OutcomeFenced    = "fenced"  // another writer appended first
	OutcomeNoRoom    = "no_room" // the journal's disk reserve is reached
	OutcomeJournal   = "journal" // any other error of the journal
)

// Outcomes returns all outcomes, so that their metrics start at zero.
func Outcomes() []string {
	return []string{
		OutcomeOK, OutcomeLimited, OutcomeForbidden, OutcomeMalformed, OutcomeError,
		OutcomeFenced, OutcomeNoRoom, OutcomeJournal,
	}
}

// Reasons why an item of a page is not journaled.
const (
	DropDuplicate = "duplicate"       // journaled before, or twice in one page
	DropSampled   = "sampled"         // mentions that others stand for in a public storm, as their weights tell
	DropHorizon   = "horizon"         // older than what MaxRecent can remember: late or a duplicate
	DropMalformed = "malformed"       // the collector could not map it
	DropInvalid   = "invalid"         // without id, kind or account
	DropForeign   = "foreign_account" // of another account than the source's only one
	DropTooLarge  = "too_large"       // larger than a batch even without raw
)

// DropReasons returns all reasons, so that their metrics start at zero.
func DropReasons() []string {
	return []string{DropDuplicate, DropHorizon, DropSampled, DropMalformed, DropInvalid, DropForeign, DropTooLarge}
}

type noObserver struct{}

func (noObserver) PollDone(string, string, time.Duration, time.Duration) {}
func (noObserver) Activities(string, int)                                {}
func (noObserver) Dropped(string, string, int)                           {}

// Leases says which credentials this process may use, so that two daemons do
// not pay twice. It saves requests only: what keeps the journal right is the
// fence of Log.
type Leases interface {
	// Held reports, without blocking, whether this process holds the lease of
	// that name. The first call for a name starts to compete for it.
	Held(name string) bool
}

type allLeases struct{}

func (allLeases) Held(string) bool { return true }
