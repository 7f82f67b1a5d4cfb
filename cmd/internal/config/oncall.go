package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/alerting/calendar"
	"github.com/picketd/picket/alerting/oncall"
	"github.com/picketd/picket/rules"
)

// rawSchedule is a schedule as it stands in the file: what its texts mean
// depends on its time zone and on people, which may come behind it.
type rawSchedule struct {
	path      string
	name      string
	zone      *time.Location
	layers    []rawLayer
	overrides []rawOverride
}

type rawLayer struct {
	path              string
	name              string
	turns             [][]mention
	start, rule, only string
	every             time.Duration
}

type rawOverride struct {
	path        string
	people      []mention
	from, until string
	reason      string
}

const (
	defaultTurn = week
	longestTurn = 53 * week
)

func (d *decoder) person(n *yaml.Node, path string, c *Config) {
	p := oncall.Person{Contacts: map[string]string{}}
	var contacts [4]string
	var fields []field
	for i, kind := range oncall.Kinds() {
		fields = append(fields, d.text(kind, &contacts[i]))
	}
	keys := d.object(n, path,
		d.form("name", &p.Name, personName),
		d.text("full_name", &p.FullName),
		d.section("contacts", fields...),
	)
	for i, kind := range oncall.Kinds() {
		if contacts[i] != "" {
			p.Contacts[kind] = contacts[i]
		}
	}
	d.required(keys, "name", "what schedules call them, such as jane")
	c.People = append(c.People, p)
}

// personName checks what people are called: by --by on a command line too.
func personName(s string) (string, error) {
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == ',' || r == 0x7f }) || strings.EqualFold(s, "picket") {
		return "", fmt.Errorf("%q is not what a person is called; expected at most 64 characters without spaces and commas, such as jane, and not picket", clip(s))
	}
	return s, nil
}

func (d *decoder) schedule(n *yaml.Node, path string) {
	s := rawSchedule{path: path, zone: time.UTC}
	keys := d.object(n, path,
		d.text("name", &s.name),
		parsed(d, "time_zone", "a time zone such as Europe/Berlin", &s.zone, zone),
		d.list("layers", func(n *yaml.Node, path string) { d.layer(n, path, &s) }),
		d.list("overrides", func(n *yaml.Node, path string) { d.scheduleOverride(n, path, &s) }),
	)
	d.required(keys, "name", "what routes call it, such as primary")
	d.filled(keys, "layers", "a list of rotations")
	d.schedules = append(d.schedules, s)
}

func (d *decoder) layer(n *yaml.Node, path string, s *rawSchedule) {
	l := rawLayer{path: path, name: fmt.Sprintf("layer %d", len(s.layers)+1)}
	keys := d.object(n, path,
		d.text("name", &l.name),
		d.list("people", func(n *yaml.Node, path string) { d.turn(n, path, &l) }),
		d.raw("start", "a time such as 2026-01-05 09:00", &l.start),
		d.duration("every", &l.every, time.Hour, longestTurn),
		d.text("rule", &l.rule),
		d.text("only", &l.only),
	)
	d.filled(keys, "people", "who takes turns, in order")
	d.required(keys, "start", "the first hand-over by the schedule's clocks, such as 2026-01-05 09:00")
	switch {
	case keys.has("every") && keys.has("rule"):
		d.on(join(path, "rule"), "is given beside every; keep one of them")
	case l.every == 0:
		l.every = defaultTurn
	}
	s.layers = append(s.layers, l)
}

// turn reads one person, or a list of those who are on duty together.
func (d *decoder) turn(n *yaml.Node, path string, l *rawLayer) {
	var together []mention
	if resolve(n).Kind == yaml.SequenceNode {
		d.items(n, path, func(n *yaml.Node, path string) { d.named(n, path, &together) })
		if len(resolve(n).Content) == 0 {
			d.at(resolve(n), path, "is empty; expected those who are on duty together")
		}
	} else {
		d.named(n, path, &together)
	}
	if len(together) > 0 {
		l.turns = append(l.turns, together)
	}
}

// named reads a name that refers to something elsewhere in the file.
func (d *decoder) named(n *yaml.Node, path string, into *[]mention) {
	if s, ok := d.word(n, path); ok {
		*into = append(*into, mention{s, path})
	}
}

func (d *decoder) scheduleOverride(n *yaml.Node, path string, s *rawSchedule) {
	o := rawOverride{path: path}
	keys := d.object(n, path,
		d.list("people", func(n *yaml.Node, path string) { d.named(n, path, &o.people) }),
		d.raw("from", "a time such as 2026-03-06 18:00", &o.from),
		d.raw("until", "a time such as 2026-03-08 20:00", &o.until),
		d.text("reason", &o.reason),
	)
	if d.filled(keys, "people", "who is on duty in the place of others") && d.required(keys, "from", "its first moment") {
		d.required(keys, "until", "when it is over")
	}
	s.overrides = append(s.overrides, o)
}

// filled tells of a mapping that lacks a list, or has an empty one.
func (d *decoder) filled(o object, key, expected string) bool {
	if !d.required(o, key, expected) {
		return false
	}
	if o.bare(key) {
		d.on(join(o.path, key), "is empty; expected %s", expected)
	}
	return true
}

// raw is a key whose scalar is kept as it is written, a date included, to be
// read when more is known.
func (d *decoder) raw(name, expected string, into *string) field {
	return parsed(d, name, expected, into, func(s string) (string, error) { return s, nil })
}

func (d *decoder) quiet(n *yaml.Node, path string, c *Config) {
	var q oncall.Quiet
	var text string
	zoned := time.UTC
	keys := d.object(n, path,
		d.list("levels", func(n *yaml.Node, path string) {
			var level rules.Level
			choice(d, "", &level, rules.Informational, rules.Low, rules.Medium, rules.High, rules.Critical).read(n, path)
			switch level {
			case "": // told already
			case rules.Critical:
				d.on(path, "critical alerts never wait; remove it")
			default:
				q.Levels = append(q.Levels, level)
			}
		}),
		d.text("hours", &text),
		parsed(d, "time_zone", "a time zone such as Europe/Berlin", &zoned, zone),
	)
	d.filled(keys, "levels", "a list of levels")
	if d.required(keys, "hours", "days and times, such as Mon-Sun 22:00-07:00") && text != "" {
		q.Hours = d.hours(join(path, "hours"), text, zoned)
		if !q.Hours.IsZero() && always(q.Hours) {
			d.on(join(path, "hours"), "never end, so that nobody would ever be told; expected hours such as Mon-Sun 22:00-07:00")
		}
	}
	c.QuietHours = append(c.QuietHours, q)
}

// always tells whether hours cover the whole week: any week will do.
func always(h calendar.Hours) bool {
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	return h.Contains(monday) && len(h.Changes(monday, monday.Add(2*week))) == 0
}

func (d *decoder) hours(path, text string, zoned *time.Location) calendar.Hours {
	h, err := calendar.ParseHours(text, zoned)
	if err != nil {
		d.on(path, "%v", err)
	}
	return h
}

// checkOnCall makes schedules of what was read, now that people are known.
func (d *decoder) checkOnCall(c *Config) {
	d.unique("people", "name", len(c.People), func(i int) string { return c.People[i].Name })
	d.unique("schedules", "name", len(d.schedules), func(i int) string { return d.schedules[i].name })
	people := make(map[string]oncall.Person, len(c.People))
	var names []string
	for _, p := range c.People {
		if p.Name != "" {
			people[p.Name], names = p, append(names, p.Name)
		}
	}
	who := func(mentions []mention) []oncall.Person {
		var out []oncall.Person
		for i, m := range mentions {
			p, ok := people[m.name]
			switch {
			case !ok:
				d.on(m.path, "%q is not among people%s", clip(m.name), suggest(m.name, names))
			case slices.ContainsFunc(mentions[:i], func(o mention) bool { return o.name == m.name }):
				d.on(m.path, "%q is in the list already; keep one", clip(m.name))
			default:
				out = append(out, p)
			}
		}
		return out
	}
	for i := range d.schedules {
		raw := &d.schedules[i]
		s := oncall.Schedule{Name: raw.name, Zone: raw.zone}
		for j := range raw.layers {
			s.Layers = append(s.Layers, d.builtLayer(&raw.layers[j], raw.zone, who))
		}
		for j := range raw.overrides {
			s.Overrides = append(s.Overrides, d.builtOverride(&raw.overrides[j], raw.zone, who))
		}
		c.Schedules = append(c.Schedules, s)
	}
}

func (d *decoder) builtLayer(raw *rawLayer, zoned *time.Location, who func([]mention) []oncall.Person) oncall.Layer {
	l := oncall.Layer{Name: raw.name}
	for _, turn := range raw.turns {
		l.Turns = append(l.Turns, who(turn))
	}
	if raw.only != "" {
		l.Only = d.hours(join(raw.path, "only"), raw.only, zoned)
	}
	if raw.start != "" {
		l.Handover = d.recurrence(raw.path, raw.start, raw.rule, raw.every, zoned)
	}
	if l.Handover != nil && !l.Handover.Endless() {
		d.on(join(raw.path, "rule"), "ends, and with it every hand-over; expected a rule without UNTIL and COUNT")
	}
	return l
}

// recurrence reads the keys start, and rule or every, of what recurs.
func (d *decoder) recurrence(path, start, rule string, every time.Duration, zoned *time.Location) *calendar.Recurrence {
	first, err := calendar.ParseWall(start)
	if err != nil {
		d.on(join(path, "start"), "%v", err)
		return nil
	}
	var r *calendar.Recurrence
	key := "rule"
	if rule != "" {
		r, err = calendar.NewRecurrence(rule, first, zoned)
	} else {
		key = "every"
		r, err = calendar.Every(every, first, zoned)
	}
	if err != nil {
		d.on(join(path, key), "%v", err)
	}
	return r
}

func (d *decoder) builtOverride(raw *rawOverride, zoned *time.Location, who func([]mention) []oncall.Person) oncall.Override {
	o := oncall.Override{People: who(raw.people), Reason: raw.reason}
	if raw.from == "" || raw.until == "" { // told already
		return o
	}
	var err error
	if o.From, err = calendar.ParseMoment(raw.from, zoned); err != nil {
		d.on(join(raw.path, "from"), "%v", err)
		return o
	}
	if o.Until, err = calendar.ParseMoment(raw.until, zoned); err != nil {
		d.on(join(raw.path, "until"), "%v", err)
		return o
	}
	if !o.Until.After(o.From) {
		d.on(join(raw.path, "until"), "%q is not after from; expected a later time", clip(raw.until))
	}
	return o
}

// Gap is a warning: for a time nobody is on duty.
type Gap struct {
	Schedule string
	Fault    Fault // with the place of the schedule
	oncall.Shift
}

// Gaps returns when nobody is on duty of each schedule, from a moment until
// another.
func (c *Config) Gaps(from, until time.Time) []Gap {
	var out []Gap
	for i := range c.Schedules {
		s := &c.Schedules[i]
		for _, g := range s.Gaps(from, until) {
			const form = "2006-01-02 15:04"
			out = append(out, Gap{Schedule: s.Name, Shift: g, Fault: c.Fault(fmt.Sprintf("schedules[%d]", i), fmt.Sprintf(
				"nobody is on duty of %s from %s to %s %s; add a layer below, or say otherwise where alerts go then",
				s.Name, g.From.In(s.Zone).Format(form), g.Until.In(s.Zone).Format(form), s.Zone))})
		}
	}
	return out
}

// Schedule returns the schedule with this name.
func (c *Config) Schedule(name string) (*oncall.Schedule, bool) {
	i := slices.IndexFunc(c.Schedules, func(s oncall.Schedule) bool { return s.Name == name })
	if i < 0 {
		return nil, false
	}
	return &c.Schedules[i], true
}

// Person returns the person with this name.
func (c *Config) Person(name string) (oncall.Person, bool) {
	i := slices.IndexFunc(c.People, func(p oncall.Person) bool { return p.Name == name })
	if i < 0 {
		return oncall.Person{}, false
	}
	return c.People[i], true
}
