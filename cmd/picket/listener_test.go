package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const embedded = "nats: {listen: 127.0.0.1:0}\njournal: {durability: process, reserve: 1MiB}"

// TestListener holds the embedded server's listener to its promise: without the
// right password nobody forges an activity or an alert, and nobody reads what
// they should not.
func TestListener(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded)
	s.start(t)
	s.push(t, login("seen", "DE", time.Now()))

	for _, row := range []struct {
		name, user string
		try        func(nc *nats.Conn) error
		allowed    bool
	}{
		{"alerts reads alerts", "alerts", reads("picket.alert.>"), true},
		{"alerts reads no activities", "alerts", reads("picket.activity.>"), false},
		{"alerts reads no replies", "alerts", reads("_INBOX.>"), false},
		{"alerts reads not everything", "alerts", reads(">"), false},
		{"alerts publishes no alert", "alerts", publishes("picket.alert.high.x.acme.forged"), false},
		{"alerts publishes no activity", "alerts", publishes("picket.intake.activities"), false},
		{"alerts asks JetStream nothing", "alerts", publishes("$JS.API.STREAM.NAMES"), false},
		{"intake publishes activities", "intake", publishes("picket.intake.activities"), true},
		{"intake publishes approvals", "intake", publishes("picket.intake.approvals"), true},
		{"intake reads replies", "intake", reads("_INBOX.>"), true},
		{"intake reads no alerts", "intake", reads("picket.alert.>"), false},
		{"intake reads no activities", "intake", reads("picket.activity.>"), false},
		{"intake reads not everything", "intake", reads(">"), false},
		{"intake writes no journal", "intake", publishes("picket.activity.0.bulk"), false},
		{"intake publishes no alert", "intake", publishes("picket.alert.high.x.acme.forged"), false},
		{"intake asks JetStream nothing", "intake", publishes("$JS.API.STREAM.PURGE.ALERTS"), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := row.try(s.listenAs(t, row.user, quiet()))
			if err != nil && !errors.Is(err, nats.ErrPermissionViolation) {
				t.Fatal(err)
			}
			if (err == nil) != row.allowed {
				t.Errorf("allowed: %v (%v), want %v", err == nil, err, row.allowed)
			}
		})
	}
	for name, opt := range map[string]nats.Option{
		"nobody":         nats.Name("nobody"),
		"wrong password": nats.UserInfo("alerts", "guess"),
		"internal user":  nats.UserInfo("picket", ""),
	} {
		t.Run(name, func(t *testing.T) {
			if nc, err := nats.Connect("nats://"+s.nats, opt); !errors.Is(err, nats.ErrAuthorization) {
				t.Errorf("connect: %v, want %v", err, nats.ErrAuthorization)
				nc.Close()
			}
		})
	}
}

// TestListenerOpenAlerts holds what open_alerts opens, and what not.
func TestListenerOpenAlerts(t *testing.T) {
	t.Parallel()
	s := newSite(t, strings.Replace(embedded, "}", ", open_alerts: true}", 1))
	s.start(t)
	nc, err := nats.Connect("nats://"+s.nats, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := reads("picket.alert.>")(nc); err != nil {
		t.Errorf("read alerts: %v", err)
	}
	for _, try := range []func(*nats.Conn) error{reads("picket.activity.>"), publishes("picket.intake.activities"), publishes("picket.alert.high.x.acme.forged")} {
		if err := try(nc); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("got %v, want %v", err, nats.ErrPermissionViolation)
		}
	}
}

// TestIntakeUserIsNoDeputy holds that the user who may only push cannot make
// Picket publish elsewhere by asking for its answer there, and sees no reply
// that is for others.
func TestIntakeUserIsNoDeputy(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded)
	s.start(t)
	admin := s.listenAs(t, "admin", nats.CustomInboxPrefix("_TEST"))
	js, err := jetstream.New(admin)
	if err != nil {
		t.Fatal(err)
	}
	s.push(t, `{"id":"1","account":"x/club","kind":"profile","time":"2024-03-04T08:00:00Z","changed":["name"]}`)
	s.await(t, `^picket_alerts_raised_total\{level="high",rule="profile_changed"\} 1$`)
	before := size(t, js, "ALERTS")

	intake := s.listenAs(t, "intake")
	overheard, err := intake.SubscribeSync("_INBOX.>")
	if err != nil {
		t.Fatal(err)
	}
	targets := []string{"picket.alert.critical.x.club.forged", "picket.alertstate.forged", "picket.activity.0.bulk", "$JS.API.STREAM.PURGE.ALERTS", "$SYS.REQ.SERVER.PING"}
	heard := make([]*nats.Subscription, len(targets))
	for i, target := range targets {
		if heard[i], err = admin.SubscribeSync(target); err != nil {
			t.Fatal(err)
		}
	}
	if err := admin.Flush(); err != nil {
		t.Fatal(err)
	}
	for i, target := range targets {
		body := fmt.Sprintf(`{"id":"deputy-%d","account":"x/nobody","kind":"post","time":"2024-03-04T08:00:00Z"}`, i)
		if err := intake.PublishRequest("picket.intake.activities", target, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	s.await(t, fmt.Sprintf(`^picket_intake_refused_total\{reason="unknown_account",source="nats"\} %d$`, len(targets)))
	s.picket(t, "alerts", "ls", "--json") // has Picket read its alerts

	// A request after all those: the daemon has nothing of theirs left to send.
	reply, err := intake.Request("picket.intake.activities", []byte(`{"id":"2","account":"x/nobody","kind":"post","time":"2024-03-04T08:00:00Z"}`), patience)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(reply.Data), `"refused":1`) {
		t.Errorf("answer: %s", reply.Data)
	}
	if err := admin.Flush(); err != nil {
		t.Fatal(err)
	}
	for i, sub := range heard {
		if n, _, err := sub.Pending(); err != nil || n != 0 && targets[i] != "picket.activity.0.bulk" {
			t.Errorf("%d messages on %s (%v), want none", n, targets[i], err)
		}
	}
	if after := size(t, js, "ALERTS"); after != before {
		t.Errorf("%d messages in ALERTS, want the %d of before", after, before)
	}
	if n, _, err := overheard.Pending(); err != nil || n != 1 {
		t.Errorf("the intake user heard %d replies (%v), want its own alone", n, err)
	}
	s.await(t, `^picket_detector_damaged_messages_total\{partition="0"\} 0$`)
}

func size(t *testing.T, js jetstream.JetStream, stream string) uint64 {
	t.Helper()
	st, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return st.CachedInfo().State.Msgs
}

// quiet leaves refusals to the caller, who asks for the last error.
func quiet() nats.Option {
	return nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
}

// reads tries to subscribe; publishes tries to publish. The round trip brings
// what the server refused.
func reads(subject string) func(*nats.Conn) error {
	return func(nc *nats.Conn) error {
		if _, err := nc.SubscribeSync(subject); err != nil {
			return err
		}
		return refused(nc)
	}
}

func publishes(subject string) func(*nats.Conn) error {
	return func(nc *nats.Conn) error {
		if err := nc.Publish(subject, []byte(`{}`)); err != nil {
			return err
		}
		return refused(nc)
	}
}

func refused(nc *nats.Conn) error {
	if err := nc.Flush(); err != nil {
		return err
	}
	return nc.LastError()
}
