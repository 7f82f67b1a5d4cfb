package main

import (
	"fmt"

	"github.com/picketd/picket/alerting"
)

type incidentsAckCmd struct {
	Incident string `arg:"" help:"Number (IN-1A2B3C) or id of the incident, or that of the alert that it began with."`
	actFlags
}

// Run acknowledges the alerts of an incident.
func (c *incidentsAckCmd) Run(e *env) error {
	return c.actOn(e, c.Incident, alerting.Deed{Action: alerting.ActionAck})
}

type incidentsAssignCmd struct {
	Incident string `arg:"" help:"Number (IN-1A2B3C) or id of the incident, or that of the alert that it began with."`
	To       string `arg:"" name:"who" help:"Whose matter it is from now on."`
	actFlags
}

// Run assigns the alerts of an incident.
func (c *incidentsAssignCmd) Run(e *env) error {
	return c.actOn(e, c.Incident, alerting.Deed{Action: alerting.ActionAssign, To: c.To})
}

type incidentsResolveCmd struct {
	Incident string `arg:"" help:"Number (IN-1A2B3C) or id of the incident, or that of the alert that it began with."`
	actFlags
	verdictFlags
}

// Run resolves the alerts of an incident.
func (c *incidentsResolveCmd) Run(e *env) error {
	d, err := c.deed()
	if err != nil {
		return err
	}
	return c.actOn(e, c.Incident, d)
}

// actOn does one thing to each alert of an incident that it is meant for.
func (c *actFlags) actOn(e *env, reference string, d alerting.Deed) error {
	store, done, err := openIncidents(e, c.Config)
	if err != nil {
		return err
	}
	defer done()
	in, err := store.Incident(e.ctx, reference)
	if err != nil {
		return err
	}
	alerts := in.For(d.Action)
	if len(alerts) == 0 {
		return fmt.Errorf("%s %s: %w: it is %s", d.Action, in.Number(), alerting.ErrState, in.State)
	}
	return c.act(e, alerts, d)
}
