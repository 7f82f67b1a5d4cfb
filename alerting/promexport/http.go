package promexport

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// checkTimeout bounds one readiness check.
const checkTimeout = 5 * time.Second

// Handler serves the metrics of a registry, with exemplars to scrapers that
// ask for OpenMetrics.
func Handler(reg *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true, Registry: reg})
}

// Handler serves these metrics.
func (m *Metrics) Handler() http.Handler { return Handler(m.reg) }

// status is the body of health and readiness.
type status struct {
	Status  string   `json:"status"`
	Reasons []string `json:"reasons,omitempty"`
}

// Healthy answers that the process serves. It checks nothing: a process that
// waits for room on a disk is not mended by restarting it.
func Healthy() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, status{Status: "healthy"})
	})
}

// Ready answers 200 when check returns nothing, and else 503 with the reasons.
// check gets a deadline; one that does not return by then is a reason too.
func Ready(check func(context.Context) []error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		faults := make(chan []error, 1)
		go func() { faults <- check(ctx) }()
		select {
		case errs := <-faults:
			if len(errs) == 0 {
				answer(w, http.StatusOK, status{Status: "ready"})
				return
			}
			answer(w, http.StatusServiceUnavailable, notReady(errs))
		case <-ctx.Done():
			answer(w, http.StatusServiceUnavailable, status{"not ready", []string{"the check did not end within " + checkTimeout.String()}})
		}
	})
}

func notReady(errs []error) status {
	s := status{Status: "not ready"}
	for _, err := range errs {
		s.Reasons = append(s.Reasons, err.Error())
	}
	return s
}

func answer(w http.ResponseWriter, code int, s status) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(s) // a client that is gone needs no answer
}
