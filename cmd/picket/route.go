package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/rules"
)

type routeCmd struct {
	Test routeTestCmd `cmd:"" help:"Show where an alert would go, and who would be told when."`
}

type routeTestCmd struct {
	withConfig
	Alert string    `arg:"" help:"Number (PK-1A2B3C) or id of an alert, or labels of one: account=x/acme,level=critical."`
	At    time.Time `help:"At this moment (RFC 3339) rather than now."`
}

// Run shows the way of an alert.
func (c *routeTestCmd) Run(e *env) error {
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		return err
	}
	at := c.At
	if at.IsZero() {
		at = time.Now()
	}
	var labels match.Set
	mode := rules.Enforce
	if strings.Contains(c.Alert, "=") {
		labels, err = parseLabels(c.Alert)
	} else {
		labels, mode, err = c.stored(e)
	}
	if err != nil {
		return err
	}
	return showRoute(e.out, cfg, labels, mode, at)
}

// stored returns the labels of an alert of the daemon.
func (c *routeTestCmd) stored(e *env) (match.Set, rules.Mode, error) {
	m, _, done, err := c.open(e)
	if err != nil {
		return nil, "", err
	}
	defer done()
	id, err := m.Find(e.ctx, c.Alert)
	if err != nil {
		return nil, "", err
	}
	a, err := m.Get(e.ctx, id)
	return match.Labels(&a), a.Rule.Mode, err
}

// parseLabels reads name=value, several with commas between them.
func parseLabels(s string) (match.Set, error) {
	set := match.Set{}
	for part := range strings.SplitSeq(s, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		value = strings.Trim(value, `"`)
		switch {
		case !ok || value == "":
			return nil, fmt.Errorf("%q is no label; expected such as account=x/acme", part)
		case !slices.Contains(match.Names(), name) && !strings.HasPrefix(name, match.Group):
			return nil, fmt.Errorf("alerts have no label %q; expected one of %s, or %s and a field", name, strings.Join(match.Names(), ", "), match.Group)
		}
		set[name] = append(set[name], value)
	}
	for _, account := range set[match.Account] { // what every alert of an account has
		if network, _, ok := strings.Cut(account, "/"); ok && len(set[match.Network]) == 0 {
			set[match.Network] = []string{network}
		}
		if !slices.Contains(set[match.Accounts], account) {
			set[match.Accounts] = append(set[match.Accounts], account)
		}
	}
	if len(set[match.Level]) == 0 {
		set[match.Level] = []string{string(rules.High)}
	}
	return set, nil
}

// first is a label's first value.
func first(labels match.Set, name string) string {
	if values := labels[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func showRoute(out io.Writer, cfg *config.Config, labels match.Set, mode rules.Mode, at time.Time) error {
	dir := app.NewDirectory(cfg)
	a := alerting.Alert{
		Account: first(labels, match.Account),
		Rule:    alerting.Rule{Level: rules.Level(first(labels, match.Level)), Mode: mode, Tags: labels[match.Tag]},
	}
	urgency := a.Urgency(dir, at)
	info, _ := dir.Account(a.Account)
	fmt.Fprintf(out, "level %s, urgency %s at %s\n", a.Rule.Level, urgency, alerting.Clock(at, info.TimeZone, at))
	p := cfg.Policy()
	if len(p.Root.Receivers) == 0 {
		fmt.Fprintln(out, "nobody is told: there are no receivers in the configuration")
		return nil
	}
	begin := at
	clock := func(t time.Time) string { return alerting.Clock(t, info.TimeZone, at) }
	switch urgency {
	case alerting.UrgencyNone:
		fmt.Fprintln(out, "nobody is told: the rule observes")
		return nil
	case alerting.UrgencyHours:
		if opens, ok := info.Opens(at); ok {
			fmt.Fprintf(out, "waits for working hours, which begin %s\n", clock(opens))
			begin = opens
		}
	case alerting.UrgencyDigest:
		fmt.Fprintf(out, "waits for the digest, %s\n", clock(p.DigestAfter(at)))
	case alerting.UrgencyPage, alerting.UrgencyChat, alerting.UrgencySRE:
	}
	if until, quiet := p.Quiet.Until(a.Rule.Level, begin); quiet {
		fmt.Fprintf(out, "waits for quiet hours to end, %s\n", clock(until))
		begin = until
	}
	for _, t := range p.Root.Targets(labels, urgency) {
		showTarget(out, p, &t, urgency, begin, clock)
	}
	return nil
}

func showTarget(out io.Writer, p *dispatch.Policy, t *dispatch.Target, urgency alerting.Urgency, begin time.Time, clock func(time.Time) string) {
	fmt.Fprintf(out, "route %s: %s", t.Route, strings.Join(t.Receivers, ", "))
	if t.Wait > 0 {
		fmt.Fprintf(out, ", after %s", t.Wait)
	}
	fmt.Fprintln(out)
	if !slices.Contains([]alerting.Urgency{alerting.UrgencyPage, alerting.UrgencyHours, alerting.UrgencySRE}, urgency) {
		return
	}
	steps := p.Escalation[t.Escalation].Steps
	if len(steps) == 0 {
		fmt.Fprintln(out, "  no escalation")
	}
	for i := range steps {
		s := &steps[i]
		due := begin.Add(s.After)
		var names []string
		for _, person := range p.People(s, due) {
			names = append(names, person.Name)
		}
		if len(names) == 0 && s.Schedule != "" {
			names = []string{"nobody on duty"}
		}
		receivers := s.Receivers
		if len(receivers) == 0 {
			receivers = t.Receivers
		}
		fmt.Fprintf(out, "  %s %s: %s", t.Escalation, clock(due), cmp.Or(strings.Join(names, ", "), "nobody by name"))
		if s.Schedule != "" {
			fmt.Fprintf(out, " (%s)", s.Schedule)
		}
		fmt.Fprintf(out, ", through %s\n", strings.Join(receivers, ", "))
	}
}
