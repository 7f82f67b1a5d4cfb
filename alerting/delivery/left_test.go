package delivery

import (
	"context"
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

// TestRemovedReceiverComesBackUnseen: one that comes back while nobody can say for
// whom messages wait has one courier, its own: the one that gives up in its stead
// would take its messages.
func TestRemovedReceiverComesBackUnseen(t *testing.T) {
	js := open(t)
	if err := NewOutbox(js).Queue(t.Context(), []notify.Message{message("old", "i.1", "k1", notify.Opened)}); err != nil {
		t.Fatal(err)
	}
	back, other := &Receiver{Name: "old", Notifier: newPhone(nil)}, &Receiver{Name: "other", Notifier: newPhone(nil)}
	d := onServer(t, js, other)
	d.waiting = func(context.Context) (map[string]int, error) { return map[string]int{"old": 1}, nil }
	d.search(t.Context())
	couriers := d.arrange(t.Context(), nil)
	if len(couriers) != 2 || couriers[1].receiver.Type != "not configured any more" {
		t.Fatalf("%d couriers, want one for the receiver and one for what waits", len(couriers))
	}
	d.waiting = func(context.Context) (map[string]int, error) { return nil, errors.New("server is away") }
	if err := d.Configure([]*Receiver{back, other}); err != nil {
		t.Fatal(err)
	}
	d.search(t.Context())
	couriers = d.arrange(t.Context(), couriers)
	defer stopAll(couriers)
	got := map[*Receiver]int{}
	for _, c := range couriers {
		got[c.receiver]++
	}
	if len(couriers) != 2 || got[back] != 1 || got[other] != 1 {
		t.Errorf("%d couriers, want one for each receiver that is configured", len(couriers))
	}
}
