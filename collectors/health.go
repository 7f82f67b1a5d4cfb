package collectors

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

const (
	// failingAfter consecutive errors, or failingIntervals without a success,
	// make a source failing: a single error that the next poll mends pages
	// nobody.
	failingAfter     = 3
	failingIntervals = 3
	// repeatReport is how often an unchanged state is written again.
	repeatReport = time.Hour
	// skewWeight is the weight of the newest sample in the smoothed clock skew.
	skewWeight = 0.2
)

// health follows the polls of one source and judges its state.
type health struct {
	failures int       // consecutive errors of the collector
	retries  int       // consecutive errors of any kind, for the backoff
	lastOK   time.Time // last success, remembered over restarts
	watched  time.Time // since when this process should have had a success
	skew     activity.Opt
}

// verdict is what a visit found out; an empty state means that the last one
// stands.
type verdict struct {
	state, reason string
	from, until   time.Time // bounds of a gap
}

func (h *health) succeed(now time.Time) {
	h.failures, h.lastOK, h.watched = 0, now, now
}

// overdue is when a source without success counts as failing.
func (h *health) overdue(every time.Duration) time.Time {
	return h.watched.Add(failingIntervals * every)
}

// fail judges an error of the collector. said is the state reported last.
func (h *health) fail(err error, said string, every time.Duration, now time.Time) verdict {
	h.retries++
	if _, forbidden := errors.AsType[*Forbidden](err); forbidden {
		return verdict{state: activity.PollForbidden, reason: describe(err)}
	}
	if until, spent := exhausted(err); spent {
		return verdict{state: activity.PollExhausted, reason: describe(err), until: until}
	}
	if _, limited := errors.AsType[*RateLimited](err); !limited {
		h.failures++
	}
	if h.failures < failingAfter && !now.After(h.overdue(every)) && said != activity.PollFailing && said != activity.PollExhausted {
		return verdict{}
	}
	return verdict{state: activity.PollFailing, reason: describe(err)}
}

// measure takes a sample of the network's clock, read between sent and
// received. Date headers are cut to whole seconds, so half a second is added.
func (h *health) measure(server, sent, received time.Time) {
	if server.IsZero() {
		return
	}
	if server.Nanosecond() == 0 {
		server = server.Add(time.Second / 2)
	}
	sample := server.Sub(sent.Add(received.Sub(sent) / 2)).Seconds()
	if h.skew.OK {
		sample = h.skew.V + skewWeight*(sample-h.skew.V)
	}
	h.skew = activity.Some(sample)
}

// report returns the poll activity that v calls for and what is reported once
// it is written: on a change of state, for each new gap, and hourly.
func (h *health) report(source string, last reported, v verdict, now time.Time) (activity.Activity, reported, bool) {
	at := stampOf(now)
	next := reported{State: v.state, Since: last.Since, Written: at, LastOK: stampOf(h.lastOK)}
	if h.lastOK.IsZero() {
		next.LastOK = 0
	}
	if !v.from.IsZero() {
		next.From = stampOf(v.from)
	}
	if !v.until.IsZero() {
		next.Until = stampOf(v.until)
	}
	same := next.State == last.State && next.From == last.From && next.Until == last.Until
	// One that was written later than now was, before our clock was set back.
	if v.state == "" || same && at < last.Written.add(repeatReport) && at >= last.Written {
		return activity.Activity{}, last, false
	}
	if !same {
		next.Since = at
	}
	network, _, _ := strings.Cut(source, "/")
	return activity.Activity{
		ID: v.state + "-" + strconv.FormatInt(int64(at), 10), Network: network, Account: source,
		Kind: activity.KindPoll, Time: at.time(), Seen: at.time(),
		Poll: activity.Poll{
			State: v.state, Reason: v.reason, From: v.from, Until: v.until,
			LastOK: h.lastOK.UTC(), ClockSkew: h.skew,
		},
	}, next, true
}

// describe words an error for a person, with what mends it and without the
// query of an address, where some networks want secrets.
func describe(err error) string {
	text := err.Error()
	if failed, ok := errors.AsType[*url.Error](err); ok {
		if u, perr := url.Parse(failed.URL); perr == nil && failed.URL != "" {
			u.RawQuery, u.User, u.Fragment = "", nil, ""
			text = strings.ReplaceAll(text, strconv.Quote(failed.URL), u.String())
			text = strings.ReplaceAll(text, failed.URL, u.String())
		}
	}
	if until, spent := exhausted(err); spent {
		text = exhaustedText(err, until)
	}
	const limit = 500
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	if advice := mend(err); advice != "" {
		text += "; to mend it: " + advice
	}
	return text
}

// exhaustedText says what is spent and until when, without what a collector
// was about to read.
func exhaustedText(err error, until time.Time) string {
	if dollars, ok := errors.AsType[*OverBudget](err); ok {
		err = dollars
	} else if units, ok := errors.AsType[*UnitsSpent](err); ok {
		err = units
	}
	return fmt.Sprintf("credit exhausted: %v; nothing is read until %s", err, until.UTC().Format("2006-01-02 15:04 UTC"))
}

func mend(err error) string {
	var (
		forbidden *Forbidden
		limited   *RateLimited
		spent     *OverBudget
		units     *UnitsSpent
		kept      *Kept
		malformed *Malformed
	)
	switch {
	case errors.As(err, &forbidden):
		return "" // says so itself
	case errors.As(err, &spent):
		return "raise the budget of this credential, or poll less often"
	case errors.As(err, &units):
		return "ask the network for more units, poll less often, or spread the accounts over more credentials"
	case errors.As(err, &kept) && kept.Mentions:
		return "they are read on when there is more; raise the budget of this credential, or switch mentions off"
	case errors.As(err, &kept):
		return "polling goes on by itself; raise the budget of this credential, or give this account a credential of its own"
	case errors.As(err, &limited):
		return "polling goes on by itself; if it comes back, poll less often or spread the accounts over more credentials"
	case errors.As(err, &malformed):
		return "the source answers in a form that Picket does not know; look for a newer version of Picket, else report it"
	case errors.Is(err, context.DeadlineExceeded):
		return "the source did not answer in time; check the way to it and its status page"
	}
	return "Picket tries again by itself; check the way to the source and its status page"
}

// errPanic words a collector's panic as an error of its poll.
func errPanic(p any) error { return fmt.Errorf("collector panicked: %v; this is a bug, report it", p) }
