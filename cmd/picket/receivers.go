package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/delivery"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/rules"
)

type receiversCmd struct {
	Ls   receiversLsCmd   `cmd:"" help:"List receivers, what waits for them and whether they work."`
	Test receiversTestCmd `cmd:"" help:"Send a receiver a test message the way that real ones go."`
}

// outbox connects to the daemon's queue of messages.
func (c withConfig) outbox(e *env) (*delivery.Outbox, *config.Config, func(), error) {
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		return nil, nil, nil, err
	}
	nc, err := app.Dial(cfg)
	if err != nil {
		return nil, nil, nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, nil, nil, err
	}
	return delivery.NewOutbox(js), cfg, nc.Close, nil
}

type receiversLsCmd struct {
	withConfig
	JSON bool `help:"Print JSON lines."`
}

// receiverLine is one receiver as --json prints it.
type receiverLine struct {
	Name    string    `json:"name"`
	Type    string    `json:"type"`
	Works   bool      `json:"works"`
	Since   time.Time `json:"since,omitzero"` // of this, where it was ever otherwise
	Waiting int       `json:"waiting"`
	Error   string    `json:"error,omitempty"`
}

// Run lists receivers.
func (c *receiversLsCmd) Run(e *env) error {
	o, cfg, done, err := c.outbox(e)
	if err != nil {
		return err
	}
	defer done()
	lines := make([]receiverLine, 0, len(cfg.Receivers))
	for i := range cfg.Receivers {
		r := &cfg.Receivers[i]
		s, err := o.Status(e.ctx, r.Name)
		if err != nil {
			return err
		}
		lines = append(lines, receiverLine{r.Name, r.Type, !s.Condition.Failing, s.Condition.Since, s.Waiting, s.Condition.Error})
	}
	if c.JSON {
		enc := json.NewEncoder(e.out)
		for i := range lines {
			if err := enc.Encode(&lines[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(lines) == 0 {
		_, err := fmt.Fprintln(e.out, "no receivers: name some under receivers in the configuration")
		return err
	}
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RECEIVER\tTYPE\tSTATE\tWAITING\tERROR")
	for i := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", lines[i].Name, lines[i].Type, lines[i].state(), lines[i].Waiting, orDash(lines[i].Error))
	}
	return w.Flush()
}

func (l *receiverLine) state() string {
	if l.Works {
		return "works"
	}
	return "failing since " + l.Since.UTC().Format("2006-01-02 15:04Z")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type receiversTestCmd struct {
	withConfig
	Receiver string        `arg:"" help:"Name of the receiver."`
	Level    string        `help:"Level of the message." enum:"informational,low,medium,high,critical" default:"high"`
	Timeout  time.Duration `help:"How long to wait for the receiver." default:"1m"`
}

// Run sends a test message and prints what the receiver said.
func (c *receiversTestCmd) Run(e *env) error {
	o, cfg, done, err := c.outbox(e)
	if err != nil {
		return err
	}
	defer done()
	r, ok := cfg.Receiver(c.Receiver)
	if !ok {
		return fmt.Errorf("there is no receiver %q: see picket receivers ls", c.Receiver)
	}
	began := time.Now()
	m := testMessage(r, rules.Level(c.Level), began.UTC())
	if err := o.Queue(e.ctx, []notify.Message{m}); err != nil {
		return err
	}
	fmt.Fprintf(e.out, "queued for %s (%s)\n", r.Name, r.Type)
	ctx, cancel := context.WithTimeout(e.ctx, c.Timeout)
	defer cancel()
	record, err := o.Await(ctx, &m, func(t delivery.Trying) {
		fmt.Fprintf(e.out, "attempt %d failed: %s\n", t.Attempts, t.Error)
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded) && record.Trying != nil && record.Trying.Key == m.Key:
		return fmt.Errorf("%s has not taken it within %s; it is tried on until its time is over", r.Name, c.Timeout)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s was not told within %s: does a daemon run with this receiver, and does something wait before it? See picket receivers ls", r.Name, c.Timeout)
	case err != nil:
		return err
	case record.Error != "":
		return fmt.Errorf("%s refused it, and it became a dead letter: %s", r.Name, record.Error)
	}
	_, err = fmt.Fprintf(e.out, "%s took it in %s%s\n", r.Name, record.At.Sub(began).Round(time.Millisecond), receiptOf(record.Receipt))
	return err
}

func receiptOf(receipt string) string {
	if receipt == "" {
		return ""
	}
	return ", and calls it " + receipt
}

// testMessage is what a receiver is told by a test.
func testMessage(r *config.Receiver, level rules.Level, now time.Time) notify.Message {
	m := notify.Message{
		V: notify.Version, Key: fmt.Sprintf("test.%s.%d", r.Name, now.UnixNano()), Receiver: r.Name, Kind: notify.Test, At: now,
		Incident: "picket-test-" + r.Name, Number: "PK-TEST", State: alerting.Firing, Started: now,
		Level: level, Urgency: alerting.UrgencyPage, Drill: "test",
		Title: "TEST of receiver " + r.Name + ": nothing happened [PK-TEST]",
	}
	if r.Detail != config.DetailMinimal {
		m.Lines = []notify.Line{
			{Label: "What", Text: "Somebody ran picket receivers test " + r.Name + "."},
			{Label: "Do", Text: "Nothing: messages reach you."},
		}
	}
	return m
}
