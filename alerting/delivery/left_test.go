package delivery

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/alerting/notify"
)

// TestRemovedReceiver: what waits for a receiver that is not configured any more
// is told of, and becomes a dead letter when its time is over; before that it is
// delivered if the receiver comes back.
func TestRemovedReceiver(t *testing.T) {
	js := open(t)
	down := newPhone(func(*notify.Message) error { return errors.New("connection refused") })
	stop := run(t, onServer(t, js, &Receiver{Name: "old", Notifier: down}))
	if err := NewOutbox(js).Queue(t.Context(), []notify.Message{message("old", "i.1", "k1", notify.Opened)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a try", func() bool { return down.tried() > 0 })
	stop()

	letters := func() []Letter {
		t.Helper()
		all, err := NewOutbox(js).Letters(t.Context(), "old")
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	logs, seen := observer.New(zap.WarnLevel)
	without := func(later time.Duration) *Delivery {
		t.Helper()
		d := onServer(t, js, &Receiver{Name: "other", Notifier: newPhone(nil)})
		d.cfg.Log = zap.New(logs)
		d.cfg.Now = func() time.Time { return time.Now().Add(later) }
		return d
	}
	stop = run(t, without(0))
	eventually(t, "a line about it", func() bool {
		return seen.FilterMessageSnippet("a receiver that is not configured any more").Len() == 1 && seen.FilterMessageSnippet("a receiver has not taken a message").Len() > 0
	})
	stop()
	if got := letters(); len(got) > 0 {
		t.Fatalf("given up within its time: %+v", got)
	}

	back := newPhone(nil)
	d := without(0)
	stop = run(t, d)
	if err := d.Configure([]*Receiver{{Name: "old", Notifier: back}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "delivery to the one that came back", func() bool { return taken(t, back) == 1 })
	stop()

	if err := NewOutbox(js).Queue(t.Context(), []notify.Message{message("old", "i.2", "k2", notify.Opened)}); err != nil {
		t.Fatal(err)
	}
	stop = run(t, without(9*time.Hour))
	defer stop()
	eventually(t, "a dead letter", func() bool { return len(letters()) == 1 })
	if got := letters()[0]; got.Message.Key != "k2" || !strings.HasPrefix(got.Error, "no receiver of this name is configured any more") {
		t.Errorf("dead letter of %s: %s", got.Message.Key, got.Error)
	}
}
