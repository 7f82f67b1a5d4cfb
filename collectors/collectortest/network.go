package collectortest

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// fault is what the network does to a request.
type fault int

const (
	healthy     fault = iota
	limited           // 429, for limitedFor
	broken            // 500
	unavailable       // 503 without a body
	cut               // the answer breaks off in the middle
	reset             // no answer, the connection breaks
	hang              // no answer at all
	refused           // the credential is refused
	lastFault
)

const limitedFor = 7 * time.Minute

// network stands in front of a fake source's server and injects faults.
type network struct {
	fake Fake

	mu       sync.Mutex
	next     func(n int) fault // decides about request n, from 1; nil: healthy
	requests int
	until    time.Time // told by the last 429
	tooEarly int
	faults   [lastFault]int // answers by fault

	quota   int       // requests granted per window; 0: no such bound
	window  time.Time // when the window began
	used    int       // requests granted in it
	busiest int       // most requests granted in a window
}

// quotaWindow is how long a quota of the network lasts.
const quotaWindow = 15 * time.Minute

// grant bounds the requests of each window from now on; 0 ends that.
func (n *network) grant(quota int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.quota = quota
}

// exceeds counts a request in its window and reports whether it is one too many.
func (n *network) exceeds(now time.Time) bool {
	if !now.Before(n.window.Add(quotaWindow)) {
		n.window, n.used = now.Truncate(time.Second), 0
	}
	if n.quota > 0 && n.used >= n.quota {
		return true
	}
	n.used++
	n.busiest = max(n.busiest, n.used)
	return false
}

func newNetwork(fake Fake) *network { return &network{fake: fake} }

func (n *network) inject(next func(n int) fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next = next
}

// always returns a plan that does the same to every request.
func always(f fault) func(int) fault { return func(int) fault { return f } }

func (n *network) early() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.tooEarly
}

// forgive lets a new process ask before the time that a 429 told to the one
// before it: it cannot know.
func (n *network) forgive() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.until = time.Time{}
}

func (n *network) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.requests
}

func (n *network) decide() (fault, time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.requests++
	now := time.Now()
	if now.Before(n.until) {
		n.tooEarly++
		return limited, n.until
	}
	f := healthy
	if n.next != nil {
		f = n.next(n.requests)
	}
	switch {
	case f == limited:
		n.until = now.Add(limitedFor).Truncate(time.Second)
	case n.exceeds(now):
		f, n.until = limited, n.window.Add(quotaWindow)
	}
	n.faults[f]++
	return f, n.until
}

// ServeHTTP answers one request, or does to it what is planned.
func (n *network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, until := n.decide()
	switch f {
	case limited:
		if n.fake.Limited != nil {
			n.fake.Limited(w, r, until)
			return
		}
		w.Header().Set("Retry-After", fmt.Sprint(int(time.Until(until).Seconds()+1)))
		w.WriteHeader(http.StatusTooManyRequests)
	case broken:
		http.Error(w, `{"error":"injected"}`, http.StatusInternalServerError)
	case unavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
	case refused:
		if n.fake.Refuse != nil {
			n.fake.Refuse(w, r)
			return
		}
		http.Error(w, `{}`, http.StatusUnauthorized)
	case cut:
		n.cut(w, r)
	case reset:
		panic(http.ErrAbortHandler)
	case hang:
		<-r.Context().Done()
	default:
		n.fake.Handler.ServeHTTP(w, r)
	}
}
