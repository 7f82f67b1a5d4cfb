package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/oncall"
	"github.com/picketd/picket/rules"
)

// Escalation is a policy of escalation.
type Escalation struct {
	Name  string
	Steps []dispatch.Step
}

// Incidents says how alerts are joined.
type Incidents struct {
	Window time.Duration // after an incident is over, in which alerts still join it
}

// Notifications say how much receivers are told.
type Notifications struct {
	Budget    dispatch.Budget
	Repeat    map[rules.Level]time.Duration // 0: never
	Digest    time.Duration                 // since midnight in Zone
	Zone      *time.Location
	FlapQuiet time.Duration
}

// DefaultEscalation is the policy of alerts whose route names none.
const DefaultEscalation = "default"

func defaultNotifications() Notifications {
	return Notifications{
		Budget: dispatch.Budget{Pages: 10, Messages: 60, Per: time.Hour},
		Repeat: map[rules.Level]time.Duration{rules.Critical: time.Hour, rules.High: 4 * time.Hour},
		Digest: 9 * time.Hour, Zone: time.UTC, FlapQuiet: 30 * time.Minute,
	}
}

// rawStep is a step as it stands in the file, whose people may come behind it.
type rawStep struct {
	policy, step int
	path         string
	people       []mention
}

// routing are the parts of the file that say who is told.
func (d *decoder) routing(c *Config) []field {
	n := &c.Notifications
	every := func(level rules.Level) field {
		var v time.Duration
		inner := d.duration(string(level), &v, 0, week)
		return field{string(level), func(node *yaml.Node, path string) {
			inner.read(node, path)
			n.Repeat[level] = v
		}}
	}
	return []field{
		d.list("routes", func(n *yaml.Node, path string) { d.route(n, path, &c.Routes, 0) }),
		d.list("inhibit", func(n *yaml.Node, path string) { d.inhibition(n, path, c) }),
		d.list("escalation", func(n *yaml.Node, path string) { d.escalation(n, path, c) }),
		d.section("incidents", d.duration("window", &c.Incidents.Window, time.Minute, 7*day)),
		d.section("notifications",
			d.section("budget",
				d.integer("pages", &n.Budget.Pages, 0, 1000),
				d.integer("messages", &n.Budget.Messages, 0, 10_000),
				d.duration("per", &n.Budget.Per, time.Minute, day)),
			d.section("repeat", every(rules.Critical), every(rules.High)),
			d.section("digest",
				parsed(d, "at", "a time of day such as 09:00", &n.Digest, timeOfDay),
				parsed(d, "time_zone", "a time zone such as Europe/Berlin", &n.Zone, zone)),
			d.duration("flap_quiet", &n.FlapQuiet, time.Minute, day)),
	}
}

func timeOfDay(s string) (time.Duration, error) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time of day; expected hours and minutes from 00:00 to 23:59, such as 09:00", clip(s))
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

// deepest is how deep routes may lie in each other.
const deepest = 8

func (d *decoder) route(n *yaml.Node, path string, into *[]dispatch.Route, depth int) {
	r := dispatch.Route{Name: path, Wait: -1}
	if depth == deepest {
		d.at(resolve(n), path, "lies too deep; expected at most %d routes in each other", deepest)
		return
	}
	d.object(n, path,
		parsed(d, "matchers", `matchers such as account="x/acme"`, &r.Matchers, match.Parse),
		d.list("urgency", func(n *yaml.Node, path string) {
			var u alerting.Urgency
			choice(d, "", &u, alerting.UrgencyPage, alerting.UrgencyHours, alerting.UrgencyChat, alerting.UrgencyDigest, alerting.UrgencySRE).read(n, path)
			r.Urgency = append(r.Urgency, u)
		}),
		d.texts("receivers", &r.Receivers, anyText),
		d.text("escalation", &r.Escalation),
		d.duration("group_wait", &r.Wait, 0, time.Hour),
		d.truth("continue", &r.Continue),
		d.list("routes", func(n *yaml.Node, path string) { d.route(n, path, &r.Routes, depth+1) }),
	)
	*into = append(*into, r)
}

func (d *decoder) inhibition(n *yaml.Node, path string, c *Config) {
	var i dispatch.Inhibition
	keys := d.object(n, path,
		parsed(d, "source", `matchers such as rule="takeover"`, &i.Source, match.Parse),
		parsed(d, "target", `matchers such as rule="posting_burst"`, &i.Target, match.Parse),
		d.texts("equal", &i.Equal, func(s string) error {
			if slices.Contains(match.Names(), s) || strings.HasPrefix(s, match.Group) && s != match.Group {
				return nil
			}
			return fmt.Errorf("alerts have no label %q%s", clip(s), suggest(s, match.Names()))
		}),
		d.duration("within", &i.Within, 0, 30*day),
	)
	for _, need := range [][2]string{
		{"source", `which alerts explain others, such as rule="takeover"`},
		{"target", `which alerts they explain, such as rule="posting_burst"`},
		{"equal", "the labels that both must share, such as [account]"},
	} {
		if !d.required(keys, need[0], need[1]) && keys.node == nil {
			break
		}
	}
	if keys.has("equal") && keys.bare("equal") {
		d.on(join(path, "equal"), "is empty, so that an alert of one account would hide those of all; expected labels such as [account]")
	}
	c.Inhibit = append(c.Inhibit, i)
}

func (d *decoder) escalation(n *yaml.Node, path string, c *Config) {
	var e Escalation
	keys := d.object(n, path,
		d.form("name", &e.Name, name),
		d.list("steps", func(n *yaml.Node, path string) { d.step(n, path, len(c.Escalation), &e) }),
	)
	if d.required(keys, "name", "what routes call it, such as "+DefaultEscalation) {
		d.filled(keys, "steps", "whom to tell, and after how long")
	}
	c.Escalation = append(c.Escalation, e)
}

func (d *decoder) step(n *yaml.Node, path string, policy int, e *Escalation) {
	var s dispatch.Step
	raw := rawStep{policy: policy, step: len(e.Steps), path: path}
	keys := d.object(n, path,
		d.duration("after", &s.After, 0, week),
		d.texts("receivers", &s.Receivers, anyText),
		d.text("schedule", &s.Schedule),
		d.list("people", func(n *yaml.Node, path string) { d.named(n, path, &raw.people) }),
	)
	switch {
	case keys.node == nil:
		d.required(keys, "after", "how long the incident has waited, such as 10m")
	case !keys.has("receivers") && !keys.has("schedule") && !keys.has("people"):
		d.on(path, "tells nobody; expected receivers, schedule or people beside after")
	case len(e.Steps) > 0 && s.After <= e.Steps[len(e.Steps)-1].After:
		d.on(join(path, "after"), "%s; expected more than the %s of the step before", written(s.After), written(e.Steps[len(e.Steps)-1].After))
	}
	e.Steps = append(e.Steps, s)
	d.steps = append(d.steps, raw)
}

// checkRouting checks what refers to something else in the file.
func (d *decoder) checkRouting(c *Config) {
	d.unique("escalation", "name", len(c.Escalation), func(i int) string { return c.Escalation[i].Name })
	var policies, schedules []string
	for i := range c.Escalation {
		if name := c.Escalation[i].Name; name != "" {
			policies = append(policies, name)
		}
	}
	for i := range c.Schedules {
		schedules = append(schedules, c.Schedules[i].Name)
	}
	d.checkRoutes(c, c.Routes, policies)
	for i := range c.Escalation {
		for j := range c.Escalation[i].Steps {
			s, path := &c.Escalation[i].Steps[j], fmt.Sprintf("escalation[%d].steps[%d]", i, j)
			d.checkReceiverNames(c, path, s.Receivers)
			if s.Schedule != "" && !slices.Contains(schedules, s.Schedule) {
				d.on(join(path, "schedule"), "there is no schedule %q%s", clip(s.Schedule), suggest(s.Schedule, schedules))
			}
		}
	}
	for _, raw := range d.steps {
		step := &c.Escalation[raw.policy].Steps[raw.step]
		for _, m := range raw.people {
			i := slices.IndexFunc(c.People, func(p oncall.Person) bool { return p.Name == m.name })
			if i < 0 {
				d.on(m.path, "%q is not among people%s", clip(m.name), suggest(m.name, peopleNames(c)))
				continue
			}
			step.People = append(step.People, dispatch.PersonOf(c.People[i]))
		}
	}
	if len(c.Receivers) == 0 {
		for _, key := range []string{"routes", "escalation"} {
			if _, given := d.src.where[key+"[0]"]; given {
				d.on(key, "says who is told, and there are no receivers; add receivers, or remove it")
			}
		}
	}
}

func peopleNames(c *Config) []string {
	var names []string
	for _, p := range c.People {
		names = append(names, p.Name)
	}
	return names
}

func (d *decoder) checkRoutes(c *Config, routes []dispatch.Route, policies []string) {
	for i := range routes {
		r := &routes[i]
		_, matches := d.src.where[join(r.Name, "matchers")] // however wrong
		_, urgent := d.src.where[join(r.Name, "urgency")]
		if !matches && !urgent && !r.Continue && i < len(routes)-1 {
			d.on(r.Name, "takes every alert, and no route behind it is asked; expected matchers or urgency beside it, continue: true, or its place at the end")
		}
		d.checkReceiverNames(c, r.Name, r.Receivers)
		if r.Escalation != "" && !slices.Contains(policies, r.Escalation) {
			d.on(join(r.Name, "escalation"), "there is no escalation %q%s", clip(r.Escalation), suggest(r.Escalation, policies))
		}
		d.checkRoutes(c, r.Routes, policies)
	}
}

func (d *decoder) checkReceiverNames(c *Config, path string, names []string) {
	if len(c.Receivers) == 0 {
		return // told once
	}
	known := c.receiverNames()
	for i, name := range names {
		if !slices.Contains(known, name) {
			d.on(fmt.Sprintf("%s.receivers[%d]", path, i), "there is no receiver %q%s", clip(name), suggest(name, known))
		}
	}
}

func (c *Config) receiverNames() []string {
	var names []string
	for i := range c.Receivers {
		if name := c.Receivers[i].Name; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Policy returns who is told what and when. Alerts that no route takes go to
// every receiver, those that page nobody only to receivers that wake nobody,
// where there are any.
func (c *Config) Policy() *dispatch.Policy {
	p := &dispatch.Policy{
		Incidents: incident.Config{Window: c.Incidents.Window}, Inhibit: c.Inhibit, Quiet: c.QuietHours,
		Escalation: map[string]dispatch.Escalation{}, Schedules: map[string]*oncall.Schedule{},
		Repeat: c.Notifications.Repeat, Budget: c.Notifications.Budget, Digest: c.Notifications.Digest,
		Zone: c.Notifications.Zone, FlapQuiet: c.Notifications.FlapQuiet,
		Persons: c.People, Reaches: map[string]dispatch.Reach{},
	}
	for i := range c.Receivers {
		if r, ok := c.Receivers[i].reach(); ok {
			p.Reaches[c.Receivers[i].Name] = r
		}
	}
	for _, e := range c.Escalation {
		p.Escalation[e.Name] = dispatch.Escalation{Steps: e.Steps}
	}
	for i := range c.Schedules {
		p.Schedules[c.Schedules[i].Name] = &c.Schedules[i]
	}
	p.Root = dispatch.Route{Name: "default", Receivers: c.receiverNames(), Routes: slices.Clone(c.Routes)}
	if _, ok := p.Escalation[DefaultEscalation]; ok {
		p.Root.Escalation = DefaultEscalation
	}
	var calm []string
	for i := range c.Receivers {
		if r := &c.Receivers[i]; !r.Pages() {
			calm = append(calm, r.Name)
		}
	}
	if len(calm) > 0 && len(calm) < len(c.Receivers) {
		p.Root.Routes = append(p.Root.Routes, dispatch.Route{
			Name: "default", Urgency: []alerting.Urgency{alerting.UrgencyChat, alerting.UrgencyDigest}, Receivers: calm, Wait: -1,
		})
	}
	return p
}
