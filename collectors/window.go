package collectors

import (
	"net/http"
	"time"
)

// window is the request quota of one endpoint as the network's answers tell
// it.
type window struct {
	known    bool // limit, left and reset are of a window that has not ended
	silent   bool // answers do not tell: nothing to heed
	limit    int  // -1 if unknown
	left     int
	reset    time.Time // by our clock
	inflight int
	low      int // fewest left that an answer told since nothing was in flight
	lowKnown bool

	start   time.Time // when this window became known
	granted int       // what was left then
	owned   bool      // something else than mentions uses it
	share   share
}

func (w *window) span() span { return span{w.start, w.reset, float64(w.granted)} }

// used is how much of the span was used since it became known, by anybody.
func (w *window) used() float64 { return float64(w.granted - w.left) }

// usedUp is when nothing is left at the pace of this window so far, see
// BudgetStatus.
func (w *window) usedUp(now time.Time) time.Time {
	if w.left <= 0 {
		return now
	}
	age := now.Sub(w.start).Seconds()
	if age < w.span().length()/16 {
		return time.Time{}
	}
	return soon(float64(w.left), w.used()/age, now, w.reset)
}

// resetSlack is how much two answers of one window may differ in their reset.
const resetSlack = 2 * time.Second

// unknownReset is when a used-up window counts as over whose answers do not
// say.
const unknownReset = time.Minute

// open reports whether a request may be sent now, else when, zero when that is
// known after the next answer.
func (w *window) open(now time.Time) (time.Time, bool) {
	// One that ends later than any may was learned before our clock was set back.
	if w.known && (!now.Before(w.reset) || w.reset.After(now.Add(longestHold))) {
		w.known = false
	}
	switch {
	case w.known && w.left > 0, w.silent && !w.known:
		return time.Time{}, true
	case w.known:
		return w.reset, false
	}
	return time.Time{}, w.inflight == 0
}

func (w *window) sent() {
	w.inflight++
	if w.known {
		w.left--
	}
}

// settle corrects the count by an answer. Answers overtake each other: within a
// window the fewest left counts, less the requests in flight that it may not
// know of; when nothing is in flight, it counts as it is.
func (w *window) settle(resp *http.Response, now time.Time) {
	w.inflight--
	if resp == nil {
		w.idle()
		return
	}
	q := quotaOf(resp.Header, now)
	if resp.StatusCode == http.StatusTooManyRequests {
		q.remaining, q.reset = 0, RetryAt(resp, now)
	}
	if q.remaining == 0 && q.reset.IsZero() && resp.StatusCode < 400 {
		q.reset = now.Add(unknownReset)
	}
	switch {
	case q.known() && q.reset.After(now):
		if latest := now.Add(longestHold); q.reset.After(latest) {
			q.reset = latest
		}
		w.learn(q, now)
	case q.reset.IsZero() && resp.StatusCode < 400:
		w.silent = !w.known
	}
	w.idle()
}

func (w *window) learn(q quota, now time.Time) {
	w.silent = false
	switch {
	case w.known && q.reset.Before(w.reset.Add(-resetSlack)):
		return // of the window before
	case !w.known || q.reset.After(w.reset.Add(resetSlack)):
		w.known, w.reset, w.lowKnown = true, q.reset, false
		w.left = q.remaining
		w.start, w.granted = now, q.remaining
		w.share.reset()
	}
	if q.limit >= 0 {
		w.limit = q.limit
	}
	if !w.lowKnown || q.remaining < w.low {
		w.low, w.lowKnown = q.remaining, true
	}
	w.left = max(0, min(w.left, w.low-w.inflight))
}

// idle takes the last count as exact once nothing is in flight.
func (w *window) idle() {
	if w.inflight > 0 {
		return
	}
	if w.known && w.lowKnown {
		w.left = w.low
	}
	w.lowKnown = false
}

// sliding allows n requests in any span of time, as the network counts them: a
// request takes its place from when it is sent until a span after its answer
// came, since it was counted somewhere in between. It counts in parts of the
// span, and forgets a part only when the whole of it is past, so that 64 of 65
// requests allowed are usable and none too many is sent.
type sliding struct {
	n        int
	width    time.Duration
	counts   [slidingParts + 1]int // answered, by part
	part     int64                 // number of the newest part
	total    int                   // of counts
	inflight int
}

const slidingParts = 64

func newSliding(n int, span time.Duration) *sliding {
	return &sliding{n: n, width: max(span/slidingParts, 1)}
}

func (s *sliding) advance(now time.Time) {
	part := now.UnixNano() / int64(s.width)
	if part < s.part-1 { // our clock was set back: what is counted was sent just now
		s.counts, s.part = [slidingParts + 1]int{}, part
		if part >= 0 {
			s.counts[part%int64(len(s.counts))] = s.total
		} else {
			s.total = 0
		}
	}
	if part-s.part > int64(len(s.counts)) {
		s.counts, s.total, s.part = [slidingParts + 1]int{}, 0, part
		return
	}
	for s.part < part {
		s.part++
		slot := &s.counts[s.part%int64(len(s.counts))]
		s.total -= *slot
		*slot = 0
	}
}

func (s *sliding) sent() { s.inflight++ }

// settle counts a request that was answered, or will not be.
func (s *sliding) settle(now time.Time) {
	s.advance(now)
	s.inflight--
	s.counts[s.part%int64(len(s.counts))]++
	s.total++
}

// used counts the requests of the span.
func (s *sliding) used() int { return s.total + s.inflight }

// roomy reports whether so much is left that it need not be kept for whoever
// comes before more is. Left was called just before.
func (s *sliding) roomy() bool { return s.n-s.used() > s.n/48 }

// lately counts the requests of the newest parts.
func (s *sliding) lately(parts int64) int {
	sum := 0
	for part := max(0, s.part-parts+1); part <= s.part; part++ {
		sum += s.counts[part%int64(len(s.counts))]
	}
	return sum
}

// usedUp is when nothing is left at the pace of the last quarter of the span,
// while what was used before it comes back, see BudgetStatus. Once all is used
// the pace says nothing any more: nobody can go on.
func (s *sliding) usedUp(now time.Time) time.Time {
	s.advance(now)
	if s.used() >= s.n {
		return now
	}
	whole := s.width.Seconds() * slidingParts
	used, back := 4*float64(s.lately(slidingParts/4))/whole, float64(s.used())/whole
	if used*whole <= float64(s.n) {
		return time.Time{} // it could go on like this for ever
	}
	return soon(float64(s.n-s.used()), max(used-back, 0), now, now.Add(s.width*slidingParts))
}

// left returns how many requests may be sent now, and when the oldest counted
// one is forgotten, zero when that depends on an answer to come.
func (s *sliding) left(now time.Time) (int, time.Time) {
	s.advance(now)
	for part := s.part - slidingParts; part <= s.part; part++ {
		if part >= 0 && s.counts[part%int64(len(s.counts))] > 0 {
			return s.n - s.used(), time.Unix(0, (part+slidingParts+1)*int64(s.width)).UTC()
		}
	}
	return s.n - s.used(), time.Time{}
}
