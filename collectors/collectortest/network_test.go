package collectortest

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// A network that grants a few requests per window counts each that is sent
// before the time that it told to wait for.
func TestNetworkCountsWhatIsNotHeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(Fake{Handler: http.NotFoundHandler()})
		ask := func() int {
			w := httptest.NewRecorder()
			n.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			return w.Code
		}
		n.grant(2)
		want := func(status, early int) {
			t.Helper()
			if got := ask(); got != status || n.early() != early {
				t.Errorf("status %d after %s, %d requests too early; want %d and %d", got, time.Since(n.window), n.early(), status, early)
			}
		}
		want(http.StatusNotFound, 0)
		want(http.StatusNotFound, 0)
		want(http.StatusTooManyRequests, 0) // so the client learns
		want(http.StatusTooManyRequests, 1)
		time.Sleep(quotaWindow - time.Second)
		want(http.StatusTooManyRequests, 2)
		n.forgive() // a new process, which cannot know
		want(http.StatusTooManyRequests, 2)
		time.Sleep(time.Second)
		want(http.StatusNotFound, 2)
		n.inject(always(limited))
		want(http.StatusTooManyRequests, 2)
		n.inject(nil)
		want(http.StatusTooManyRequests, 3)
		time.Sleep(limitedFor)
		want(http.StatusNotFound, 3)
		if n.busiest != 2 {
			t.Errorf("at most %d granted per window, want 2", n.busiest)
		}
	})
}
