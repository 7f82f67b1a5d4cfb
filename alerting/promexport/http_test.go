package promexport

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/rules"
)

func get(t *testing.T, h http.Handler, accept string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHealthAndReadiness(t *testing.T) {
	ok := func(context.Context) []error { return nil }
	bad := func(context.Context) []error {
		return []error{errors.New("partition 0: journal has no room"), errors.New("partition 1: nothing appended for 20s")}
	}
	tests := []struct {
		name string
		h    http.Handler
		code int
		body string
	}{
		{"healthy", Healthy(), 200, `{"status":"healthy"}`},
		{"ready", Ready(ok), 200, `{"status":"ready"}`},
		{"not ready", Ready(bad), 503, `{"status":"not ready","reasons":["partition 0: journal has no room","partition 1: nothing appended for 20s"]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := get(t, tt.h, "")
			if w.Code != tt.code || strings.TrimSpace(w.Body.String()) != tt.body {
				t.Errorf("answer %d %s, want %d %s", w.Code, w.Body, tt.code, tt.body)
			}
			if ct := w.Header().Get("Content-Type"); ct != "application/json" {
				t.Errorf("content type %q", ct)
			}
		})
	}
}

func TestReadinessDoesNotHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		w := get(t, Ready(func(context.Context) []error {
			<-release // ignores its context
			return nil
		}), "")
		close(release)
		synctest.Wait()
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "did not end within 5s") {
			t.Errorf("answer %d %s", w.Code, w.Body)
		}
	})
}

func TestScrape(t *testing.T) {
	m, _ := newTest(t)
	exercise(m)
	m.Revised(&alerting.Alert{ID: "3fa29c51", Change: alerting.ChangeOpened, Rule: alerting.Rule{Name: "burst", Level: rules.High}})
	tests := []struct{ name, accept, want string }{
		{"text", "text/plain", "picket_alerts_raised_total{level=\"high\",rule=\"burst\"} 1\n"},
		{"OpenMetrics with exemplar", "application/openmetrics-text; version=1.0.0", `picket_alerts_raised_total{level="high",rule="burst"} 1.0 # {alert="3fa29c51"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := get(t, m.Handler(), tt.accept)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("answer %d lacks %q", w.Code, tt.want)
			}
		})
	}
}
