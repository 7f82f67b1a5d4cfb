package promexport

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/picketd/picket/alerting/delivery"
)

func TestReceivers(t *testing.T) {
	m, reg := newTest(t)
	m.Receivers([]string{"on_call", "chat"})
	m.Told("on_call", delivery.Retried, 0)
	m.Told("on_call", delivery.Retried, 0)
	m.Told("on_call", delivery.Delivered, 40*time.Second)
	m.Told("on_call", delivery.Dead, 8*time.Hour)
	m.Told("on_call", "unheard of", 0)
	m.Pending("on_call", 3)
	m.Up("on_call", true)
	m.Up("chat", false)
	err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP picket_notifications_total Attempts to tell receivers, by what came of them: delivered, retried or dead.
# TYPE picket_notifications_total counter
picket_notifications_total{outcome="dead",receiver="chat"} 0
picket_notifications_total{outcome="dead",receiver="on_call"} 1
picket_notifications_total{outcome="delivered",receiver="chat"} 0
picket_notifications_total{outcome="delivered",receiver="on_call"} 1
picket_notifications_total{outcome="retried",receiver="chat"} 0
picket_notifications_total{outcome="retried",receiver="on_call"} 2
# HELP picket_notifications_dead_total Messages that were given up and became dead letters.
# TYPE picket_notifications_dead_total counter
picket_notifications_dead_total{receiver="chat"} 0
picket_notifications_dead_total{receiver="on_call"} 1
# HELP picket_notifications_pending Messages that wait for a receiver.
# TYPE picket_notifications_pending gauge
picket_notifications_pending{receiver="chat"} 0
picket_notifications_pending{receiver="on_call"} 3
# HELP picket_receiver_up 1 if a receiver takes messages, 0 if it is left alone after failures, or the last message to it was given up.
# TYPE picket_receiver_up gauge
picket_receiver_up{receiver="chat"} 0
picket_receiver_up{receiver="on_call"} 1
`), "picket_notifications_total", "picket_notifications_dead_total", "picket_notifications_pending", "picket_receiver_up")
	if err != nil {
		t.Error(err)
	}
	m.Receivers([]string{"chat"})
	if n := testutil.CollectAndCount(m.told); n != 3 {
		t.Errorf("%d series of messages when one receiver is left, want 3", n)
	}
	for i := range 1000 {
		m.Told(fmt.Sprint("receiver ", i), delivery.Delivered, time.Second)
	}
	if n := testutil.CollectAndCount(m.toldTook); n > maxOther+1 {
		t.Errorf("%d series of durations, want at most %d", n, maxOther+1)
	}
}
