package evidence

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
)

// How what failed is tried again.
const (
	// tryFor is for how long, from the first try. A network that limits how often
	// it is asked counts in minutes, seldom in an hour; what a deleted post showed
	// is gone by then.
	tryFor = time.Hour
	// The wait before a try doubles from firstWait to mostWait, unless the network
	// asks for a longer one.
	firstWait = 15 * time.Second
	mostWait  = 10 * time.Minute
)

// passing is an error that may pass, and how long the network wants to be left
// alone; 0: it does not say.
type passing struct {
	err   error
	after time.Duration
}

func (p *passing) Error() string { return p.err.Error() }
func (p *passing) Unwrap() error { return p.err }

// passes reports whether an answer is about the moment and not about what was
// asked for.
func passes(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status/100 == 5
}

// asked returns the wait that an answer asks for: seconds, or a date by the clock
// that wrote the Date header (RFC 9110, 10.2.3).
func asked(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(at.Sub(date), 0)
}

// longest returns the longest wait that any of the errors joined in err asks for.
func longest(err error) time.Duration {
	var after time.Duration
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			after = max(after, longest(one))
		}
		return after
	}
	if p, ok := errors.AsType[*passing](err); ok {
		return p.after
	}
	return 0
}

// next returns which of what is tried again is due first, -1 where nothing is.
func (k *Keeper) next() int {
	first := -1
	for i := range k.again {
		if first < 0 || k.again[i].due.Before(k.again[first].due) {
			first = i
		}
	}
	return first
}

// try copies what is wanted, and keeps for later what may be had then.
func (k *Keeper) try(ctx context.Context, w wanted) {
	left, err := k.keep(ctx, w.alert, w.at)
	if err == nil || ctx.Err() != nil {
		return
	}
	log := k.cfg.Log.With(zap.String("alert", alerting.Number(w.alert)), zap.Error(err))
	now := time.Now()
	if w.tries++; w.tries == 1 {
		w.end = now.Add(tryFor)
	}
	wait := max(min(firstWait<<min(w.tries-1, 10), mostWait), longest(err))
	w.at, w.due = left, now.Add(wait)
	switch {
	case len(left) == 0:
		log.Warn("media of an alert not copied")
	case w.due.After(w.end):
		log.Warn("media of an alert not copied, and not tried again: its time is over", zap.Int("tries", w.tries))
	case len(k.again) >= waiting:
		log.Warn("media of an alert not copied: too many wait to be tried again")
	default:
		log.Info("media of an alert not copied yet; trying again", zap.Duration("in", wait))
		k.again = append(k.again, w)
	}
}
