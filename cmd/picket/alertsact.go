package main

import (
	"errors"
	"fmt"
	"os/user"
	"time"

	"github.com/picketd/picket/alerting"
)

// actFlags are those of every command by which a person does something with
// alerts.
type actFlags struct {
	withConfig
	By     string `help:"Who acts; your user name unless given."`
	Reason string `short:"m" help:"Why."`
}

type alertsAckCmd struct {
	Alert []string `arg:"" help:"Numbers (PK-1A2B3C) or ids of alerts."`
	actFlags
}

// Run acknowledges alerts.
func (c *alertsAckCmd) Run(e *env) error {
	return c.act(e, c.Alert, alerting.Deed{Action: alerting.ActionAck})
}

type alertsAssignCmd struct {
	Alert string `arg:"" help:"Number (PK-1A2B3C) or id of the alert."`
	To    string `arg:"" name:"who" help:"Whose matter it is from now on."`
	actFlags
}

// Run assigns an alert.
func (c *alertsAssignCmd) Run(e *env) error {
	return c.act(e, []string{c.Alert}, alerting.Deed{Action: alerting.ActionAssign, To: c.To})
}

type alertsResolveCmd struct {
	Alert []string `arg:"" help:"Numbers (PK-1A2B3C) or ids of alerts."`
	actFlags
	verdictFlags
}

// verdictFlags say what alerts were.
type verdictFlags struct {
	Verdict string        `short:"v" enum:"true,expected,false,not-me,was-me," default:"" placeholder:"VERDICT" help:"What it was: true, expected (it happened, and was all right) or false. Of a login, not-me is true and was-me is expected. Also for an alert that is resolved already."`
	Until   time.Time     `help:"With --verdict expected: until when it is (RFC 3339); from then on it is odd again. Without an end unless given."`
	For     time.Duration `help:"With --verdict expected: for how long from now it is, such as 12h or 14d."`
}

// Run resolves alerts.
func (c *alertsResolveCmd) Run(e *env) error {
	d, err := c.deed()
	if err != nil {
		return err
	}
	return c.act(e, c.Alert, d)
}

// deed is resolving with what the flags say.
func (c *verdictFlags) deed() (alerting.Deed, error) {
	verdict := alerting.Verdict(c.Verdict)
	switch c.Verdict {
	case "not-me":
		verdict = alerting.VerdictTrue
	case "was-me":
		verdict = alerting.VerdictExpected
	}
	end, err := ending(c.Until, c.For)
	return alerting.Deed{Action: alerting.ActionResolve, Verdict: verdict, Until: end}, err
}

// ending is the time that --until or --for names; zero for none.
func ending(until time.Time, span time.Duration) (time.Time, error) {
	switch {
	case span == 0 && !until.IsZero() && !until.After(time.Now()):
		return until, fmt.Errorf("--until %s is past; expected a time to come", until.Format(time.RFC3339))
	case span == 0:
		return until, nil
	case !until.IsZero():
		return until, errors.New("give --until or --for, not both")
	case span < 0:
		return until, fmt.Errorf("--for %s: expected a duration such as 12h or 14d", span)
	}
	return time.Now().Add(span).UTC(), nil
}

// act does one thing to each alert; one that fails does not stop the others.
func (c *actFlags) act(e *env, alerts []string, d alerting.Deed) error {
	m, _, done, err := c.open(e)
	if err != nil {
		return err
	}
	defer done()
	if d.Actor, err = actor(c.By); err != nil {
		return err
	}
	d.Reason = c.Reason
	var faults []error
	for _, reference := range alerts {
		id, err := m.Find(e.ctx, reference)
		if err == nil {
			var a alerting.Alert
			if a, err = m.Act(e.ctx, id, d); err == nil {
				fmt.Fprintf(e.out, "%s %s by %s: %s, %s\n", a.Number(), outcome(&a, d), d.Actor, alerting.SubjectOf(&a), a.Rule.Title)
			}
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", reference, err))
		}
	}
	return errors.Join(faults...)
}

// actor is who acts: the user unless told otherwise.
func actor(by string) (string, error) {
	if by != "" {
		return by, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("who are you? give --by: %w", err)
	}
	return u.Username, nil
}

// outcome says what became of an alert.
func outcome(a *alerting.Alert, d alerting.Deed) string {
	switch {
	case d.Action == alerting.ActionAssign:
		return "assigned to " + d.To
	case d.Verdict != "":
		if !d.Until.IsZero() {
			return fmt.Sprintf("%s, verdict %s until %s", a.State, d.Verdict, d.Until.UTC().Format(time.RFC3339))
		}
		return fmt.Sprintf("%s, verdict %s", a.State, d.Verdict)
	}
	return string(a.State)
}
