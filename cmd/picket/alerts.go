package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
)

type alertsCmd struct {
	Ls       alertsLsCmd       `cmd:"" help:"List alerts, newest first."`
	Show     alertsShowCmd     `cmd:"" help:"Show one alert."`
	Ack      alertsAckCmd      `cmd:"" help:"Acknowledge an alert: you are on it."`
	Assign   alertsAssignCmd   `cmd:"" help:"Make an alert somebody's matter."`
	Resolve  alertsResolveCmd  `cmd:"" help:"Resolve an alert: it is over. Say what it was."`
	Evidence alertsEvidenceCmd `cmd:"" help:"List and save the copies of what an alert's posts show."`
	Test     alertsTestCmd     `cmd:"" help:"Send a test alert the way that real ones go."`
}

// withConfig is embedded by commands that talk to a daemon.
type withConfig struct {
	Config string `short:"c" help:"Configuration of the daemon." default:"picket.yaml" type:"path"`
}

// open connects to the daemon's alerts.
func (c withConfig) open(e *env) (*alerting.Manager, alerting.Directory, func(), error) {
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		return nil, nil, nil, err
	}
	nc, err := app.Dial(cfg)
	if err != nil {
		return nil, nil, nil, err
	}
	dir := app.NewDirectory(cfg)
	m, err := managerOn(e, nc, cfg, dir)
	if err != nil {
		nc.Close()
		return nil, nil, nil, err
	}
	return m, dir, nc.Close, nil
}

// managerOn works on the alerts of the daemon behind nc.
func managerOn(e *env, nc *nats.Conn, cfg *config.Config, dir alerting.Directory) (*alerting.Manager, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	store, err := natspub.Open(e.ctx, js)
	if err != nil {
		return nil, err
	}
	silences, err := silencesOn(e, js, cfg)
	if err != nil {
		return nil, err
	}
	return alerting.New(alerting.Config{
		Store:     store,
		Publisher: natspub.NewPublisher(js, natspub.PublisherOptions{Instance: cfg.Instance, Version: app.ReadBuild().Version, Directory: dir}),
		Directory: dir, Silenced: silences.Of, Kept: keptOn(js),
	})
}

type alertsLsCmd struct {
	withConfig
	State   []string `help:"Only alerts in these states." enum:"firing,acknowledged,resolved" default:"firing,acknowledged"`
	Account string   `help:"Only alerts of this account."`
	JSON    bool     `help:"Print JSON lines."`
}

// Run lists alerts.
func (c *alertsLsCmd) Run(e *env) error {
	m, dir, done, err := c.open(e)
	if err != nil {
		return err
	}
	defer done()
	filter := alerting.Filter{Account: c.Account}
	for _, s := range c.State {
		filter.States = append(filter.States, alerting.State(s))
	}
	alerts, err := m.List(e.ctx, filter)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(e.out)
		for i := range alerts {
			if err := enc.Encode(&alerts[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return listAlerts(e.out, alerts, dir)
}

// listAlerts writes one line for each alert.
func listAlerts(out io.Writer, alerts []alerting.Alert, dir alerting.Directory) error {
	if len(alerts) == 0 {
		_, err := fmt.Fprintln(out, "no alerts")
		return err
	}
	now := time.Now()
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ALERT\tLEVEL\tURGENCY\tSTATE\tWHO\tACCOUNT\tLAST\tCOUNT\tRULE")
	for i := range alerts {
		a := &alerts[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", a.Number(), a.Rule.Level, urgencyOf(a, dir, now), a.State, who(a),
			alerting.SubjectOf(a), a.Last.Format("2006-01-02 15:04Z"), a.Count, titleOf(a))
	}
	return w.Flush()
}

// urgencyOf says how people are told of an alert.
func urgencyOf(a *alerting.Alert, dir alerting.Directory, now time.Time) string {
	if a.Around.Silenced != nil {
		return "silenced"
	}
	return string(a.Urgency(dir, now))
}

// who is on an alert, or was asked to be.
func who(a *alerting.Alert) string {
	switch {
	case a.State == alerting.Resolved && a.Resolution != nil:
		return alerting.Name(a.Resolution.By)
	case a.Ack != nil:
		return alerting.Name(a.Ack.By)
	case a.Assigned != nil:
		return "→ " + alerting.Name(a.Assigned.To)
	}
	return "-"
}

// titleOf is the rule's title, marked where nothing real is behind it.
func titleOf(a *alerting.Alert) string {
	switch {
	case a.Test():
		return "TEST: " + a.Rule.Title
	case a.Drill() != "":
		return "DRILL: " + a.Rule.Title
	}
	return a.Rule.Title
}

type alertsShowCmd struct {
	withConfig
	Alert string `arg:"" help:"Number (PK-1A2B3C) or id of the alert."`
	JSON  bool   `help:"Print the stored state as JSON."`
}

// Run shows one alert on one screen.
func (c *alertsShowCmd) Run(e *env) error {
	m, dir, done, err := c.open(e)
	if err != nil {
		return err
	}
	defer done()
	id, err := m.Find(e.ctx, c.Alert)
	if err != nil {
		return err
	}
	a, err := m.Look(e.ctx, id)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(e.out)
		enc.SetIndent("", "  ")
		return enc.Encode(&a)
	}
	_, err = fmt.Fprint(e.out, alerting.TextAt(a, dir, time.Now()))
	return err
}
