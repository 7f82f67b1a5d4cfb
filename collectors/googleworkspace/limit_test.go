package googleworkspace

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/googleworkspace/googleworkspacetest"
)

// While there is always more to read, the limits are used nearly whole and never
// overrun: all requests by a log that is not filtered, filters by one that is.
func TestLimit(t *testing.T) {
	for _, test := range []struct {
		name    string
		turn    int // of logs
		lasts   time.Duration
		granted int // documented, in that time
	}{
		{"all", 0, 5 * time.Minute, 12_000},
		{"filtered", 2, time.Hour, 15_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, googleworkspacetest.Options{Token: 24 * time.Hour})
			w.c.http = http.Client{Transport: collectortest.Transport(w.srv)}
			st, err := decodeState(nil, start().Add(-time.Hour).UnixMilli())
			if err != nil {
				t.Fatal(err)
			}
			st.Turn = test.turn
			cursor, err := collectors.EncodeCursor(st)
			if err != nil {
				t.Fatal(err)
			}
			w.busy(cursor, test.lasts)
			n := len(w.srv.Requests()) - w.tokens()
			if n > test.granted || n < test.granted*95/100 || w.srv.Over() != 0 {
				t.Errorf("%d of %d requests in %s, %d above the limit; want 95 %% or more, and none", n, test.granted, test.lasts, w.srv.Over())
			}
		})
	}
}

// busy polls the same page for a while, as fast as the collector lets it.
func (w *world) busy(cursor json.RawMessage, lasts time.Duration) {
	w.t.Helper()
	for end := w.Now().Add(lasts); w.Now().Before(end); {
		_, err := w.c.Poll(w.t.Context(), cursor)
		if limited, ok := errors.AsType[*collectors.RateLimited](err); ok && limited.Until.After(w.Now()) {
			w.Pass(limited.Until.Sub(w.Now()))
			continue
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// tokens returns how many requests were for tokens.
func (w *world) tokens() int {
	n := 0
	for _, r := range w.srv.Requests() {
		if r.Method == http.MethodPost {
			n++
		}
	}
	return n
}
