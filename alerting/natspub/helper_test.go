package natspub

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/natstest"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

func start() time.Time { return time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC) }

// connect starts a server in this process, with or without an fsync for every
// message, and returns a connection to it.
func connect(tb testing.TB, syncAlways bool) (*nats.Conn, jetstream.JetStream) {
	tb.Helper()
	return natstest.Connect(tb, natstest.Serve(tb, func(o *server.Options) { o.SyncAlways = syncAlways }))
}

// open makes the stream, and a store and publisher on it.
func open(tb testing.TB, js jetstream.JetStream) (*Store, *Publisher) {
	tb.Helper()
	if err := Ensure(tb.Context(), js, StreamOptions{}); err != nil {
		tb.Fatal(err)
	}
	s, err := Open(tb.Context(), js)
	if err != nil {
		tb.Fatal(err)
	}
	return s, NewPublisher(js, PublisherOptions{Version: "0.1.0"})
}

func manager(tb testing.TB, s alerting.Store, p alerting.Publisher) *alerting.Manager {
	tb.Helper()
	m, err := alerting.New(alerting.Config{Store: s, Publisher: p})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func finding(id string, phase detector.Phase, second float64, count int) detector.Finding {
	at := start().Add(time.Duration(second * float64(time.Second)))
	return detector.Finding{
		Episode: id, Phase: phase, Network: "x", Account: "x/acme.news",
		Rule: &rules.Rule{
			ID: "7c1c3f0e-64a1-4c6e-9d52-7f4f6f1f0a01", Name: "posting_burst", Title: "Posting burst",
			Description: "Many posts within minutes.", Level: rules.High, Mode: rules.Enforce,
			Type: rules.TypeEventCount, Version: "0123456789ab", Response: []string{"phone the owner", "revoke apps"},
		},
		Group:    []activity.Field{{Name: "account", Value: "x/acme.news"}},
		Position: detector.Position{Sequence: uint64(second*10) + 1},
		LogTime:  at, First: start(), Last: at, Count: count,
		Reasons: []detector.Reason{{Seen: fmt.Sprintf("%d posts in 10m", count), Expected: "fewer than 12"}},
		Evidence: []activity.Activity{{
			ID: fmt.Sprint("p", count), Network: "x", Account: "x/acme.news", Kind: activity.KindPost, Time: at,
			Seen: at.Add(time.Second), Text: "hi", Actor: "editor-2", App: "Poster", IP: "192.0.2.7",
		}},
		Closed: map[detector.Phase]string{detector.Close: "quiet"}[phase],
	}
}

// copies returns the public copies in the stream, oldest first.
func copies(tb testing.TB, js jetstream.JetStream) []*jetstream.RawStreamMsg {
	tb.Helper()
	s, err := js.Stream(tb.Context(), Stream)
	if err != nil {
		tb.Fatal(err)
	}
	var out []*jetstream.RawStreamMsg
	last := s.CachedInfo().State.LastSeq
	for seq := uint64(1); seq <= last; seq++ {
		msg, err := s.GetMsg(tb.Context(), seq)
		if err != nil {
			tb.Fatal(err)
		}
		if msg.Subject[:len(copyPrefix)] == copyPrefix {
			out = append(out, msg)
		}
	}
	return out
}
