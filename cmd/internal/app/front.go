package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting/promexport"
	"github.com/picketd/picket/collectors/journal"
)

const (
	// healthFor is how long ago a partition's owner may have told that it
	// appends: it tells so each second, and does so every ten at least.
	healthFor = 15 * time.Second
	// stuckFor is how long the embedded server may refuse every append, or any
	// lease, before it is started again: a stream that met a full disk refuses
	// for good.
	stuckFor = 10 * time.Second
	// slowest bounds what a slow sender can hold of the server.
	slowest = 30 * time.Second
)

// front is the daemon's HTTP server. It outlives restarts of the rest: while
// nothing can be taken in, it says so.
type front struct {
	srv      *http.Server
	listener net.Listener
	intake   atomic.Pointer[http.Handler]
	api      atomic.Pointer[http.Handler]
	served   sync.WaitGroup

	mu     sync.Mutex
	probes map[int]probe
	leases *journal.Leases // nil while nothing works
}

// probe is how the last append to a partition went.
type probe struct {
	at  time.Time
	err error
}

func openFront(ctx context.Context, listen string, metrics *promexport.Metrics, log *zap.Logger) (*front, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w", err)
	}
	f := &front{listener: l, probes: map[int]probe{}}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler())
	mux.Handle("GET /-/healthy", promexport.Healthy())
	mux.Handle("GET /-/ready", promexport.Ready(f.ready))
	mux.HandleFunc("/v1/", f.push)
	f.routeAPI(mux)
	f.srv = &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: slowest, WriteTimeout: slowest, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       zap.NewStdLog(log.Named("http")),
	}
	f.served.Go(func() {
		if err := f.srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Error("HTTP server stopped", zap.Error(err))
		}
	})
	return f, nil
}

func (f *front) address() string { return f.listener.Addr().String() }

func (f *front) attach(h http.Handler) { f.intake.Store(&h) }

// detach takes nothing in any more and forgets how appends went.
func (f *front) detach() {
	f.intake.Store(nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.probes)
	f.leases = nil
}

// hold has the leases looked at on which all work depends: without them there is
// no partition whose appends could fail.
func (f *front) hold(l *journal.Leases) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leases = l
}

// lapsed says why leases cannot be had, and since when.
func (f *front) lapsed() (since time.Time, err error) {
	if f.leases == nil {
		return time.Time{}, nil
	}
	return f.leases.Fault()
}

// stuck reports that some partition has refused every append for a while, or the
// server a lease.
func (f *front) stuck() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if since, err := f.lapsed(); err != nil && time.Since(since) > stuckFor {
		return true
	}
	for _, p := range f.probes {
		if p.err != nil && time.Since(p.at) > stuckFor {
			return true
		}
	}
	return false
}

// release forgets a partition that another daemon owns now.
func (f *front) release(partition int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.probes, partition)
}

// push serves what others send, or says that nothing can be taken now.
func (f *front) push(w http.ResponseWriter, r *http.Request) {
	if h := f.intake.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	w.Header().Set("Retry-After", "5")
	http.Error(w, "Picket takes nothing in right now: it is starting, stopping, or its disk is full", http.StatusServiceUnavailable)
}

// probe notes how the last append to an owned partition went.
func (f *front) probe(partition int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, known := f.probes[partition]
	if err == nil || !known {
		p.at = time.Now()
	}
	p.err = err
	f.probes[partition] = p
}

// ready reports what keeps this daemon from working; nil when it works. The
// probe is a real append: the tick that each owned partition gets, or what came
// in and made one needless.
func (f *front) ready(context.Context) []error {
	if f.intake.Load() == nil {
		return []error{errors.New("starting, stopping, or out of disk space")}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var faults []error
	if _, err := f.lapsed(); err != nil {
		faults = append(faults, err)
	}
	for _, part := range slices.Sorted(maps.Keys(f.probes)) {
		p := f.probes[part]
		switch {
		case p.err != nil:
			faults = append(faults, fmt.Errorf("partition %d: %w", part, p.err))
		case time.Since(p.at) > healthFor:
			faults = append(faults, fmt.Errorf("partition %d: nothing appended for %s", part, time.Since(p.at).Round(time.Second)))
		}
	}
	return faults
}

func (f *front) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := f.srv.Shutdown(ctx); err != nil {
		_ = f.srv.Close()
	}
	f.served.Wait()
}
