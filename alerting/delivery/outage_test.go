package delivery

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting/notify"
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

// outages are what a receiver answers while something is wrong with it. How an
// output tells these from success is tested there.
func outages() map[string]func(m *notify.Message) error {
	return map[string]func(m *notify.Message) error{
		"down": func(*notify.Message) error { return errors.New("connection refused") },
		"slow": func(*notify.Message) error { return errHangs },
		"429": func(*notify.Message) error {
			return notify.RetryAfter(errors.New("429 Too Many Requests"), 90*time.Second)
		},
		"wrong": func(*notify.Message) error { return fmt.Errorf("tls: %w", x509.UnknownAuthorityError{}) },
		"lying": func(*notify.Message) error { return errors.New("200 OK, and the body says not ok") },
	}
}

// TestOutage: whatever a receiver does for an hour, it is told everything
// afterwards, in order and once, and the other receivers notice nothing.
func TestOutage(t *testing.T) {
	for name, answer := range outages() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				broken := func() bool {
					since := time.Since(began)
					return since >= 5*time.Minute && since < 65*time.Minute
				}
				ill := newPhone(func(m *notify.Message) error {
					if broken() {
						return answer(m)
					}
					return nil
				})
				well, other := newPhone(nil), newPhone(nil)
				m := newMemory(time.Now)
				d := m.delivery(t, Config{},
					&Receiver{Name: "ill", Notifier: ill, Fallbacks: []string{"well"}},
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
				if n := ill.tries; n > 700 {
					t.Errorf("%d tries", n)
				}
				if len(m.letters) != 0 {
					t.Errorf("%d dead letters", len(m.letters))
				}
			})
		})
	}
}

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
