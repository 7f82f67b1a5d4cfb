package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"text/tabwriter"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
)

type alertsCmd struct {
	Ls      alertsLsCmd      `cmd:"" help:"List alerts, newest first."`
	Show    alertsShowCmd    `cmd:"" help:"Show one alert."`
	Ack     alertsAckCmd     `cmd:"" help:"Acknowledge an alert: you are on it."`
	Resolve alertsResolveCmd `cmd:"" help:"Resolve an alert: it is over."`
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
	m, dir, err := func() (*alerting.Manager, alerting.Directory, error) {
		js, err := jetstream.New(nc)
		if err != nil {
			return nil, nil, err
		}
		store, err := natspub.Open(e.ctx, js)
		if err != nil {
			return nil, nil, err
		}
		dir := app.NewDirectory(cfg)
		m, err := alerting.New(alerting.Config{
			Store:     store,
			Publisher: natspub.NewPublisher(js, natspub.PublisherOptions{Instance: cfg.Instance, Version: app.ReadBuild().Version, Directory: dir}),
		})
		return m, dir, err
	}()
	if err != nil {
		nc.Close()
		return nil, nil, nil, err
	}
	return m, dir, nc.Close, nil
}

type alertsLsCmd struct {
	withConfig
	State   []string `help:"Only alerts in these states." enum:"firing,acknowledged,resolved" default:"firing,acknowledged"`
	Account string   `help:"Only alerts of this account."`
	JSON    bool     `help:"Print JSON lines."`
}

// Run lists alerts.
func (c *alertsLsCmd) Run(e *env) error {
	m, _, done, err := c.open(e)
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
	if len(alerts) == 0 {
		_, err := fmt.Fprintln(e.out, "no alerts")
		return err
	}
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ALERT\tLEVEL\tSTATE\tACCOUNT\tLAST\tCOUNT\tRULE")
	for i := range alerts {
		a := &alerts[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", a.Number(), a.Rule.Level, a.State, a.Account, a.Last.Format("2006-01-02 15:04Z"), a.Count, a.Rule.Title)
	}
	return w.Flush()
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
	a, err := find(e, m, c.Alert)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(e.out)
		enc.SetIndent("", "  ")
		return enc.Encode(&a)
	}
	_, err = fmt.Fprint(e.out, alerting.Text(a, dir))
	return err
}

func find(e *env, m *alerting.Manager, reference string) (alerting.Alert, error) {
	id, err := m.Find(e.ctx, reference)
	if err != nil {
		return alerting.Alert{}, err
	}
	return m.Get(e.ctx, id)
}

type actFlags struct {
	withConfig
	Alert  []string `arg:"" help:"Numbers (PK-1A2B3C) or ids of alerts."`
	By     string   `help:"Who acts; your user name unless given."`
	Reason string   `short:"m" help:"Why."`
}

type alertsAckCmd struct{ actFlags }

// Run acknowledges alerts.
func (c *alertsAckCmd) Run(e *env) error {
	return c.act(e, func(m *alerting.Manager, id, by string) (alerting.Alert, error) {
		return m.Ack(e.ctx, id, by, c.Reason)
	})
}

type alertsResolveCmd struct{ actFlags }

// Run resolves alerts.
func (c *alertsResolveCmd) Run(e *env) error {
	return c.act(e, func(m *alerting.Manager, id, by string) (alerting.Alert, error) {
		return m.Resolve(e.ctx, id, by, c.Reason)
	})
}

// act does one thing to each alert; one that fails does not stop the others.
func (c *actFlags) act(e *env, do func(m *alerting.Manager, id, by string) (alerting.Alert, error)) error {
	m, _, done, err := c.open(e)
	if err != nil {
		return err
	}
	defer done()
	by := c.By
	if by == "" {
		u, err := user.Current()
		if err != nil {
			return fmt.Errorf("who are you? give --by: %w", err)
		}
		by = u.Username
	}
	var faults []error
	for _, reference := range c.Alert {
		id, err := m.Find(e.ctx, reference)
		if err == nil {
			var a alerting.Alert
			if a, err = do(m, id, by); err == nil {
				fmt.Fprintf(e.out, "%s %s by %s: %s, %s\n", a.Number(), a.State, by, a.Account, a.Rule.Title)
			}
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", reference, err))
		}
	}
	return errors.Join(faults...)
}
