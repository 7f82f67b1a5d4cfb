// Package trial shows what Picket would have told about an account's past: it
// reads a history that is there to be read without any setting up, a public
// Mastodon account or a file, runs the daemon's own engine over it as if Picket
// had been watching all along, and says for a person what that gives. How a
// network or a file is read belongs in its collector, which findings there are
// in detector, how alerts are told in alerting.
package trial

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// Origin is where a history was read.
type Origin string

// The origins of histories.
const (
	FromMastodon Origin = "mastodon" // what a server shows to everybody
	FromArchive  Origin = "archive"  // X's data archive
	FromLines    Origin = "lines"    // JSON lines of activities
)

// History is what was read, in the order in which it happened.
type History struct {
	Origin     Origin
	Source     string // as it was asked for: "mastodon:@acme@social.example"
	Server     string // web address of a Mastodon server that its accounts' names do not tell, else ""
	Activities []activity.Activity
	Duplicates int
	Unreadable int
	// Partial says why there may be more than was read, "" where there is not.
	Partial string
}

// Fault is an error told to a person: what is wrong in one sentence, and what
// to do about it in another.
type Fault struct {
	What string // without a full stop
	Do   string // likewise
	Err  error  // behind it, nil where there is none
}

func (f *Fault) Error() string { return f.What + ". " + f.Do + "." }

func (f *Fault) Unwrap() error { return f.Err }

// since leaves out what happened before a time and tells what is left of
// nothing.
func (h *History) since(from time.Time) error {
	if from.IsZero() || len(h.Activities) == 0 {
		return nil
	}
	newest := h.Activities[len(h.Activities)-1].Time
	for i := range h.Activities {
		if !h.Activities[i].Time.Before(from) {
			h.Activities = h.Activities[i:]
			return nil
		}
	}
	return &Fault{
		What: h.Source + " holds nothing since " + date(from) + "; its newest item is of " + date(newest),
		Do:   "Give a longer --since, or none",
	}
}

// event reports whether an activity is something that happened, and not how a
// profile or a count was when somebody looked, which the past does not tell.
func event(a *activity.Activity) bool {
	return a.Kind != activity.KindFollowers && (a.Kind != activity.KindProfile || len(a.Changed) > 0)
}

// Try runs the rules of a plan over a history and reports what comes of it.
func Try(ctx context.Context, h *History, plan *detector.Plan) (*Report, error) {
	if len(h.Activities) == 0 {
		return nil, errors.New("trial: an empty history")
	}
	j := newJudge(h, plan)
	if err := j.run(ctx); err != nil {
		return nil, err
	}
	r := newReport(h)
	j.tell(plan, r)
	return r, nil
}

// Progress is told how far reading is: how many items, and of when the latest
// is.
type Progress func(read int, at time.Time)

// discard is a Progress that nobody looks at.
func discard(int, time.Time) {}

// end reports whether reading came to its end.
func end(err error) bool { return errors.Is(err, io.EOF) }
