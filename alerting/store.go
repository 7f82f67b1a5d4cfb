package alerting

import (
	"context"
	"errors"
	"time"

	"github.com/picketd/picket/rules"
)

// Errors of a Store and of the Manager's look-ups, matched with errors.Is.
var (
	// ErrConflict: another writer has stored a newer revision.
	ErrConflict = errors.New("another writer was ahead")
	// ErrDamaged: what is stored of an alert is not one, or one of a newer version.
	ErrDamaged = errors.New("what is stored of the alert cannot be read")
	// ErrNotFound: there is no such alert.
	ErrNotFound = errors.New("no such alert")
)

// Stored is an alert as the store holds it.
type Stored struct {
	Alert Alert
	Seq   uint64    // the fence: what the next Put must expect; 0 if there is none
	Time  time.Time // when it was stored, by the store's clock
}

// Head is what can be known of a stored alert without reading it.
type Head struct {
	ID       string
	Seq      uint64
	Time     time.Time // when its last revision was stored, by the store's clock
	Revision uint64
	State    State
	Level    rules.Level
	Brief    Brief
}

// HeadOf returns the head of an alert that is stored under seq at that time.
func HeadOf(a *Alert, seq uint64, stored time.Time) Head {
	return Head{ID: a.ID, Seq: seq, Time: stored, Revision: a.Revision, State: a.State, Level: a.Rule.Level, Brief: BriefOf(a)}
}

// Write is one revision to be stored if the last one still has sequence
// Expected, 0 if there must be none.
type Write struct {
	Alert    Alert
	Expected uint64
}

// Result is how a Write ended. Err is nil, ErrConflict, or another for a fault
// after which the revision may or may not be stored.
type Result struct {
	Seq uint64
	Err error
}

// Store keeps the last revision of every alert under compare-and-set. It is
// safe for concurrent use. Writes of one call are independent: it pipelines
// them, and each has its own Result, in order.
type Store interface {
	// Get returns the last revisions of alerts, in order; Seq 0 means that
	// there is none. What it returns is never older than an acknowledged Put.
	Get(ctx context.Context, ids []string) ([]Stored, error)
	Put(ctx context.Context, writes []Write) []Result
	// Heads returns each alert once, in no order, by a revision that was its last
	// when Heads was called or became so meanwhile.
	Heads(ctx context.Context) ([]Head, error)
	// Watch calls each, from one goroutine, with the head of every alert and
	// then with that of every new revision, whoever writes it, until ctx ends.
	Watch(ctx context.Context, each func(Head)) error
}

// Publisher tells revisions to the outside. Publishing the same revision again
// within DuplicateWindow of the first time has no effect.
type Publisher interface {
	// Publish returns when every copy is durable, or an error, after which any
	// of them may be missing and all are published again.
	Publish(ctx context.Context, revisions []Alert) error
	DuplicateWindow() time.Duration
}

// Observer is told what happens to alerts, for metrics. Its methods are called
// from many goroutines and return at once.
type Observer interface {
	// Revised is called for each durable revision.
	Revised(a *Alert)
	// Published is called when a revision's public copy is durable.
	Published(a *Alert, at time.Time)
	// Conflicted is called when another writer was ahead.
	Conflicted()
	// PublishFailed is called for each attempt to publish that failed.
	PublishFailed(copies int)
}

type noObserver struct{}

func (noObserver) Revised(*Alert)              {}
func (noObserver) Published(*Alert, time.Time) {}
func (noObserver) Conflicted()                 {}
func (noObserver) PublishFailed(int)           {}
