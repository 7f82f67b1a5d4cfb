package delivery

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting/notify"
)

// TestOverIsNotResumed: an incident whose end the receiver has not taken, or not
// yet, is over all the same when Picket is started anew.
func TestOverIsNotResumed(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  error // what the receiver answers to the end
		want map[string]string
	}{
		{"taken", nil, map[string]string{"other": "thread-other"}},
		{"given up", notify.Permanent(errors.New("refused")), map[string]string{"other": "thread-other"}},
		{"still tried", errors.New("away"), map[string]string{"other": "thread-other"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(time.Now)
				p := newPhone(func(m *notify.Message) error {
					if m.Kind == notify.Resolved {
						return tt.end
					}
					return nil
				})
				stop := run(t, m.delivery(t, Config{Now: time.Now}, &Receiver{Name: "r", Notifier: p}))
				for i, one := range []notify.Message{
					message("r", "i", "k1", notify.Opened), message("r", "other", "k2", notify.Opened), message("r", "i", "k3", notify.Resolved),
				} {
					if err := m.queue(t.Context(), []notify.Message{one}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					if n := p.tried(); n != i+1 {
						t.Fatalf("%d tries, want %d", n, i+1)
					}
				}
				stop()
				o := &recalling{phone: newPhone(nil), resumed: make(chan map[string]string, 1)}
				stop = run(t, m.delivery(t, Config{Now: time.Now}, &Receiver{Name: "r", Notifier: o}))
				if d := cmp.Diff(tt.want, <-o.resumed); d != "" {
					t.Errorf("resumed (-want +got):\n%s", d)
				}
				stop()
			})
		})
	}
}

// TestNewerRecordIsNotResumed: one record that a newer Picket wrote keeps the
// messages of other incidents from nobody.
func TestNewerRecordIsNotResumed(t *testing.T) {
	js := open(t)
	for incident, record := range map[string]string{"i.1": `{"v":2,"receipt":"thread-i.1"}`, "i.2": `{"v":1,"receipt":"thread-i.2"}`} {
		if _, err := js.Publish(t.Context(), RecordSubject("ops", incident), []byte(record)); err != nil {
			t.Fatal(err)
		}
	}
	l, err := openLedger(t.Context(), js, func(_, subject string, err error) { t.Errorf("%s: %v", subject, err) })
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.receipts(t.Context(), "ops")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"i.2": "thread-i.2"}, got); d != "" {
		t.Errorf("receipts (-want +got):\n%s", d)
	}
}
