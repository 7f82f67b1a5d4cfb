package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
)

// outcome is what one play left in the journal and as alerts.
type outcome struct {
	posts    map[string]int // how often each post stands in the journal
	alerts   []string       // one line each, sorted
	copies   map[string]int // public copies by CloudEvents id
	byRule   map[string]int
	bursts   map[string][]string // ids of the burst's posts by account, its first post first
	wrongIDs []error
	requests int           // timeline requests that the network has served
	polled   time.Duration // in which it served them
	told     []told        // every alert
	replay   string        // of the journal: how much and how fast
}

func (o *outcome) String() string {
	twice := 0
	for _, n := range o.posts {
		if n > 1 {
			twice++
		}
	}
	return fmt.Sprintf("%d posts journaled (%d more than once), %d alerts %v, %d public copies, %d timeline requests; replay of %s",
		len(o.posts), twice, len(o.alerts), o.byRule, len(o.copies), o.requests, o.replay)
}

// complete reports posts or alerts that are missing or too many, against what
// the script knows to be true.
func (o *outcome) complete(s *script) error {
	want := len(s.history)
	for _, ev := range s.events {
		if ev.post.Text != "" {
			want++
		}
	}
	var errs []error
	if len(o.posts) != want {
		errs = append(errs, fmt.Errorf("%d posts in the journal, want %d", len(o.posts), want))
	}
	for id, n := range o.posts {
		if n != 1 {
			errs = append(errs, fmt.Errorf("post %s stands %d times in the journal", id, n))
		}
	}
	if !maps.Equal(o.raised(s), s.expected) {
		errs = append(errs, fmt.Errorf("alerts %v, want %v", o.byRule, s.expected))
	}
	errs = append(errs, o.wrongIDs...)
	for id, n := range o.copies {
		if n != 1 {
			errs = append(errs, fmt.Errorf("public copy %s was published %d times", id, n))
		}
	}
	return errors.Join(errs...)
}

// raised are the alerts of the rules that the script attacks.
func (o *outcome) raised(s *script) map[string]int {
	out := map[string]int{}
	for rule := range s.expected {
		if o.byRule[rule] > 0 {
			out[rule] = o.byRule[rule]
		}
	}
	return out
}

// same compares two outcomes alert by alert. Which activities stand in the
// evidence depends on the order in which pages came; see stage.replayed.
func same(want, got *outcome) error {
	var errs []error
	for _, a := range want.alerts {
		if !slices.Contains(got.alerts, a) {
			errs = append(errs, fmt.Errorf("missing: %s", a))
		}
	}
	for _, a := range got.alerts {
		if !slices.Contains(want.alerts, a) {
			errs = append(errs, fmt.Errorf("not in the undisturbed run: %s", a))
		}
	}
	return errors.Join(errs...)
}

// shared checks that several daemons did not read the same pages. It goes by
// requests in a time: how long a run takes depends on the machine.
func shared(o options, want, got *outcome) error {
	pace := func(o *outcome) float64 { return float64(o.requests) / o.polled.Seconds() }
	if o.daemons > 1 && o.kills == 0 && pace(got) > 1.5*pace(want) {
		return fmt.Errorf("%d daemons made %d timeline requests in %v, one made %d in %v: pages were fetched twice", o.daemons, got.requests, got.polled, want.requests, want.polled)
	}
	return nil
}

// outcome waits until everything published has been found, stops the daemons
// and reads what is left.
func (st *stage) outcome(ctx context.Context, o options, s *script) (*outcome, error) {
	out, err := st.settle(ctx, o.settle, s)
	if err != nil {
		return nil, err
	}
	if err := st.replayed(ctx, out); err != nil {
		return nil, fmt.Errorf("its alerts are not those of its journal: %w", err)
	}
	if err := st.stop(); err != nil {
		return nil, err
	}
	return out, nil
}

// settle reads the outcome until it is complete and stays so, at most a while.
func (st *stage) settle(ctx context.Context, atMost time.Duration, s *script) (*outcome, error) {
	deadline := time.Now().Add(atMost)
	calm := 0
	for {
		out, err := st.read(ctx)
		switch {
		case err == nil && out.complete(s) == nil:
			if calm++; calm == 3 {
				return out, nil
			}
		case time.Now().After(deadline):
			return out, err
		default:
			calm = 0
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (st *stage) connect() (*nats.Conn, error) {
	if st.nats != nil {
		return nats.Connect(st.nats.ClientURL())
	}
	cfg, err := config.Load(st.daemons[0].config(), os.Getenv)
	if err != nil {
		return nil, err
	}
	return app.Dial(cfg)
}

func (st *stage) read(ctx context.Context) (*outcome, error) {
	nc, err := st.connect()
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	out := &outcome{posts: map[string]int{}, copies: map[string]int{}, byRule: map[string]int{}, bursts: map[string][]string{}}
	if err := out.readPosts(ctx, js); err != nil {
		return nil, err
	}
	if err := out.readAlerts(ctx, js); err != nil {
		return nil, err
	}
	return out, out.readCopies(ctx, js)
}

func (o *outcome) readPosts(ctx context.Context, js jetstream.JetStream) error {
	var dec activity.Decoder
	var b activity.Batch
	return eachMessage(ctx, js, journal.StreamName(0), "picket.activity.0.>", func(m jetstream.Msg) error {
		if strings.HasSuffix(m.Subject(), ".control") || strings.HasSuffix(m.Subject(), ".tick") {
			return nil
		}
		if err := dec.Batch(m.Data(), &b); err != nil {
			return err
		}
		for i := range b.Activities {
			if a := &b.Activities[i]; a.Network == "x" && a.Kind == activity.KindPost {
				o.posts[a.Account+" "+a.ID]++
				o.readBurst(a)
			}
		}
		return nil
	})
}

// readBurst notes a post of a burst; the log may hold one twice.
func (o *outcome) readBurst(a *activity.Activity) {
	var n int
	if _, err := fmt.Sscanf(a.Text, "burst %d of ", &n); err != nil {
		return
	}
	account := strings.Clone(a.Account)
	if o.bursts[account] == nil {
		o.bursts[account] = make([]string, burst)
	}
	o.bursts[account][n] = strings.Clone(a.ID)
}

func (o *outcome) readAlerts(ctx context.Context, js jetstream.JetStream) error {
	store, err := natspub.Open(ctx, js)
	if err != nil {
		return err
	}
	m, err := alerting.New(alerting.Config{Store: store, Publisher: natspub.NewPublisher(js, natspub.PublisherOptions{})})
	if err != nil {
		return err
	}
	alerts, err := m.List(ctx, alerting.Filter{})
	if err != nil {
		return err
	}
	for i := range alerts {
		a := &alerts[i]
		o.byRule[a.Rule.Name]++
		o.told = append(o.told, tellOf(a.ID, a.Rule.Name, a.Count, a.First, a.Last, a.Evidence))
		if a.Rule.Name == "collector_blind" {
			continue // a kill in the middle of a poll may look like a failure for a moment
		}
		o.alerts = append(o.alerts, fmt.Sprintf("%s %s %s", a.Rule.Name, a.Rule.Level, a.Account))
		if want := o.documentedIDs(a); !slices.Contains(want, a.ID) {
			o.wrongIDs = append(o.wrongIDs, fmt.Errorf("alert %s of %s on %s should have the id %s", a.ID, a.Rule.Name, a.Account, strings.Join(want, " or ")))
		}
	}
	slices.Sort(o.alerts)
	return nil
}

// documentedIDs makes an alert's id anew, as detector.Finding documents it, from
// the first activity of its episode. Several are right where evidence does not
// tell which activity that was.
func (o *outcome) documentedIDs(a *alerting.Alert) []string {
	firsts := []uint64{a.Evidence[0].Key()}
	burst := o.bursts[a.Account]
	switch a.Rule.Name {
	case "posting_burst", "takeover": // a post of the burst: which one, the order of the pages and the pack decide
		firsts = nil
		for _, id := range burst {
			firsts = append(firsts, (&activity.Activity{Kind: activity.KindPost, ID: id}).Key())
		}
	}
	var ids []string
	for _, first := range firsts {
		h := sha256.New()
		fmt.Fprintf(h, "%s\x00account\x00%s\x00%s\x00%016x", a.Rule.ID, a.Account, a.Account, first)
		ids = append(ids, hex.EncodeToString(h.Sum(nil)[:16]))
	}
	return ids
}

// readCopies counts the public copies by the id that subscribers go by.
func (o *outcome) readCopies(ctx context.Context, js jetstream.JetStream) error {
	return eachMessage(ctx, js, natspub.Stream, "picket.alert.>", func(m jetstream.Msg) error {
		o.copies[m.Headers().Get(jetstream.MsgIDHeader)]++
		return nil
	})
}

// eachMessage reads what a stream holds on a subject now.
func eachMessage(ctx context.Context, js jetstream.JetStream, stream, subject string, each func(jetstream.Msg) error) error {
	cons, err := js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	if err != nil {
		return err
	}
	info, err := cons.Info(ctx)
	if err != nil {
		return err
	}
	left := info.NumPending
	if left == 0 {
		return nil
	}
	it, err := cons.Messages()
	if err != nil {
		return err
	}
	defer it.Stop()
	for ; left > 0; left-- {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		if err := each(msg); err != nil {
			return err
		}
	}
	return nil
}
