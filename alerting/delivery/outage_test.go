package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/webhook"
	"github.com/picketd/picket/rules"
)

// run runs a delivery until the function that it returns is called.
func run(t *testing.T, d *Delivery) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// outages are what a receiver does while something is wrong with it, as the
// client of an output meets it.
func outages() map[string]func(r *http.Request) (*http.Response, error) {
	return map[string]func(r *http.Request) (*http.Response, error){
		"down": func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
		"slow": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"429": func(r *http.Request) (*http.Response, error) {
			return answer(r, http.StatusTooManyRequests, http.Header{"Retry-After": {"90"}}, ""), nil
		},
		"wrong certificate": func(*http.Request) (*http.Response, error) {
			return nil, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
		},
		"lying": func(r *http.Request) (*http.Response, error) {
			return answer(r, http.StatusOK, nil, `{"ok":false,"error":"internal_error"}`), nil
		},
	}
}

func answer(r *http.Request, status int, h http.Header, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, Header: h,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// line is the way to a receiver over HTTP: broken for an hour, then whole.
type line struct {
	broken func() bool
	outage func(r *http.Request) (*http.Response, error)
	far    *phone // the receiver at its end

	tries atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	l.tries.Add(1)
	if l.broken() {
		return l.outage(r)
	}
	var m notify.Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return nil, err
	}
	if _, err := l.far.Notify(r.Context(), &m); err != nil {
		return nil, err
	}
	return answer(r, http.StatusOK, nil, ""), nil
}

// TestOutage: whatever a receiver does for an hour, it is told everything
// afterwards, in order and once, and the other receivers notice nothing.
func TestOutage(t *testing.T) {
	for name, outage := range outages() { //nolint:bodyclose // whoever sends the request closes it
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				broken := func() bool {
					since := time.Since(began)
					return since >= 5*time.Minute && since < 65*time.Minute
				}
				ill := newPhone(nil)
				way := &line{broken: broken, outage: outage, far: ill}
				hook, err := webhook.New(webhook.Config{URL: address("https://hooks.acme.example/"), Client: &http.Client{Transport: way}})
				if err != nil {
					t.Fatal(err)
				}
				well, other := newPhone(nil), newPhone(nil)
				m := newMemory(time.Now)
				d := m.delivery(t, Config{},
					&Receiver{Name: "ill", Notifier: hook, Fallbacks: []string{"well"}},
					&Receiver{Name: "well", Notifier: well}, &Receiver{Name: "other", Notifier: other})
				stop := run(t, d)
				want, sent := tellFor(t, m, 70*time.Minute, "ill", "well", "other")
				time.Sleep(15 * time.Minute)
				stop()
				for _, p := range []*phone{ill, well, other} {
					got := keysOf(p.calls(t))
					delete(got, "picket-receiver-ill")
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("told (-want +got):\n%s", d)
					}
				}
				for _, p := range []*phone{well, other} {
					for _, c := range p.calls(t) {
						if at, ok := sent[c.key]; ok && c.at.Sub(at) > time.Second {
							t.Errorf("%s took %s at a receiver that works", c.key, c.at.Sub(at))
						}
					}
				}
				var notices []notify.Kind
				for _, c := range well.calls(t) {
					if c.incident == "picket-receiver-ill" {
						notices = append(notices, c.kind)
					}
				}
				if d := cmp.Diff([]notify.Kind{notify.Opened, notify.Resolved}, notices); d != "" {
					t.Errorf("told of the receiver (-want +got):\n%s", d)
				}
				if n := way.tries.Load(); n < 230 || n > 400 {
					t.Errorf("%d tries", n)
				}
				if len(m.dead()) != 0 {
					t.Errorf("%d dead letters", len(m.dead()))
				}
			})
		})
	}
}

// address is a URL without a secret in it.
type address string

// Reveal implements notify.Secret.
func (a address) Reveal() string { return string(a) }

// tellFor queues three messages for each of many incidents over a time, and
// returns the keys by incident and when each was queued.
func tellFor(t *testing.T, m *memory, span time.Duration, receivers ...string) (keys map[string][]string, sent map[string]time.Time) {
	t.Helper()
	keys, sent = map[string][]string{}, map[string]time.Time{}
	kinds := []notify.Kind{notify.Opened, notify.Updated, notify.Resolved}
	began := time.Now()
	for i := 0; time.Since(began) < span; i++ {
		incident := fmt.Sprint("i", i/9*3+i%3) // three at a time, interleaved
		key := fmt.Sprint("k", i)
		var messages []notify.Message
		for _, r := range receivers {
			msg := message(r, incident, key, kinds[i/3%3])
			msg.Level = []rules.Level{rules.Critical, rules.High, rules.Medium}[i%3]
			messages = append(messages, msg)
		}
		keys[incident] = append(keys[incident], key)
		sent[key] = time.Now()
		if err := m.queue(t.Context(), messages); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
	}
	return keys, sent
}
