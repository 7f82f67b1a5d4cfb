package alertmanager

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

// Labels that Picket sets itself.
const (
	labelName     = "alertname"
	labelIncident = "incident"
	labelReceiver = "receiver"
	labelLevel    = "level"
	labelSeverity = "severity"
	labelAgain    = "again"

	groupPrefix = "group."
)

// Bounds of an alert; Alertmanager has none of its own.
const (
	maxValue      = 512      // bytes of a label
	maxAnnotation = 16 << 10 // bytes of an annotation
	maxLabels     = 64

	summaryEnds = time.Hour
	testEnds    = 5 * time.Minute
	missed      = 3 // heartbeats until PicketHeartbeat ends
)

// alert is a postableAlert of the API.
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// origin is the receipt: what an incident's first message said that later ones
// must say in the same way, and what fires by the newest one.
type origin struct {
	Labels map[string]string `json:"labels"` // without level and severity
	Level  rules.Level       `json:"level"`
	Firing *alert            `json:"firing,omitempty"` // nil: nothing that lasts
	Told   time.Time         `json:"told,omitzero"`    // when it was told to fire
	// Again is how often it waited for somebody again after it was acknowledged;
	// Acked says that it is acknowledged now.
	Again int  `json:"again,omitempty"`
	Acked bool `json:"acked,omitempty"`
}

// originOf returns the origin of a message's incident, that of the message where
// there is no receipt.
func (c *Config) originOf(m *notify.Message) origin {
	var o origin
	if m.Receipt != "" && json.Unmarshal([]byte(m.Receipt), &o) == nil && o.Labels[labelIncident] == printing(m.Incident) {
		return o
	}
	return origin{Labels: c.labels(m), Level: m.Level}
}

func (c *Config) labels(m *notify.Message) map[string]string {
	out := map[string]string{labelName: "PicketIncident", labelIncident: printing(m.Incident), labelReceiver: printing(m.Receiver)}
	switch m.Kind {
	case notify.Summary:
		out[labelName] = "PicketSummary"
	case notify.Test:
		out[labelName] = "PicketTest"
	case notify.Opened, notify.Updated, notify.Escalated, notify.Repeated, notify.Assigned, notify.Acknowledged, notify.Resolved:
	}
	maps.Copy(out, c.Labels)
	about := []alerting.Label{{Name: "network", Value: m.Network}, {Name: "account", Value: m.Account}, {Name: "drill", Value: m.Drill}}
	for _, l := range append(slices.Clone(m.Labels), about...) {
		name, value := labelNamed(l.Name), printing(l.Value)
		if strings.HasPrefix(l.Name, groupPrefix) {
			value = outside(l.Value)
		}
		if _, taken := out[name]; !taken && value != "" && name != labelLevel && name != labelSeverity && name != labelAgain && len(out) < maxLabels {
			out[name] = value
		}
	}
	return out
}

// follow takes in what a message says of whether somebody is on it, and returns the
// alert that is over since: what waits again is another one.
func (o *origin) follow(m *notify.Message) *alert {
	was := o.Acked
	o.Acked = m.Kind == notify.Acknowledged || was && m.State == alerting.Acknowledged
	if !was || o.Acked || !lasting(m) {
		return nil
	}
	o.Again++
	if o.Firing == nil {
		return nil
	}
	over := *o.Firing
	if over.EndsAt = moment(m.At); over.EndsAt.Before(over.StartsAt) {
		over.EndsAt = over.StartsAt
	}
	return &over
}

// at returns the labels of an incident at a level.
func (o *origin) at(level rules.Level) map[string]string {
	out := maps.Clone(o.Labels)
	if o.Again > 0 {
		out[labelAgain] = strconv.Itoa(o.Again + 1)
	}
	out[labelLevel], out[labelSeverity] = string(level), severity(level)
	return out
}

// others returns the levels that the incident may have been told at before.
func (o *origin) others(now rules.Level) []rules.Level {
	levels := []rules.Level{rules.Informational, rules.Low, rules.Medium, rules.High, rules.Critical}
	from, to := slices.Index(levels, o.Level), slices.Index(levels, now)
	if from < 0 || to < 0 {
		return nil
	}
	between := slices.Clone(levels[min(from, to) : max(from, to)+1])
	return slices.DeleteFunc(between, func(l rules.Level) bool { return l == now })
}

func severity(level rules.Level) string {
	switch level {
	case rules.Critical:
		return "critical"
	case rules.High, rules.Medium:
		return "warning"
	case rules.Low, rules.Informational:
	}
	return "info"
}

// alerts returns what a message says: the incident's alert, and the end of those
// of other levels.
func (c *Config) alerts(m *notify.Message, o *origin) []alert {
	now := m.At
	a := alert{
		Labels: o.at(m.Level), Annotations: annotations(m), StartsAt: moment(m.Started), EndsAt: moment(c.ends(m)),
		GeneratorURL: generator(m),
	}
	if m.Started.IsZero() {
		a.StartsAt = moment(m.At)
	}
	if a.EndsAt.Before(a.StartsAt) {
		a.EndsAt = a.StartsAt
	}
	out := []alert{a}
	for _, level := range o.others(m.Level) {
		old := a
		old.Labels, old.EndsAt = o.at(level), moment(now)
		if old.EndsAt.Before(old.StartsAt) {
			old.EndsAt = old.StartsAt
		}
		out = append(out, old)
	}
	return out
}

// ends returns when the alert of a message ends.
func (c *Config) ends(m *notify.Message) time.Time {
	switch {
	case m.Kind == notify.Summary:
		return c.Now().Add(summaryEnds)
	case m.Kind == notify.Test:
		return c.Now().Add(testEnds)
	case !m.Over():
		return c.Now().Add(c.Hold)
	case m.Ended.IsZero():
		return m.At
	}
	return m.Ended
}

// lasting reports whether what a message says fires until it is resolved.
func lasting(m *notify.Message) bool {
	return !m.Over() && m.Kind != notify.Summary && m.Kind != notify.Test
}

// moment returns a time as precisely as every version of the API reads it.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func annotations(m *notify.Message) map[string]string {
	out := map[string]string{}
	set := func(name, value string) {
		if value = clip(notify.Inert(value), maxAnnotation); value != "" {
			out[name] = value
		}
	}
	var lines, alerts []string
	for _, l := range m.Lines {
		if l.Label != "" {
			l.Text = l.Label + ": " + l.Text
		}
		lines = append(lines, l.Text)
	}
	for i := range m.Alerts {
		a := &m.Alerts[i]
		alerts = append(alerts, fmt.Sprintf("%s %s %s (%s)", a.Number, strings.ToUpper(string(a.Level)), a.Title, a.State))
	}
	set("summary", m.Title)
	set("description", strings.Join(lines, "\n"))
	set("alerts", strings.Join(alerts, "\n"))
	set("number", m.Number)
	set("state", string(m.State))
	for _, l := range m.WebLinks() {
		if name := labelNamed("link_" + string(l.Action)); out[name] == "" {
			out[name] = l.URL
		}
	}
	return out
}

// generator returns the address where a person looks, which is no action's.
func generator(m *notify.Message) string {
	for _, l := range m.WebLinks() {
		if l.Action == notify.ActOpen {
			return l.URL
		}
	}
	return ""
}

// heartbeat returns the alert that always fires.
func (c *Config) heartbeat(since, at time.Time, every time.Duration) alert {
	labels := map[string]string{labelName: "PicketHeartbeat", labelSeverity: "none"}
	maps.Copy(labels, c.Labels)
	return alert{
		Labels: labels, StartsAt: moment(since), EndsAt: moment(at.Add(missed * every)),
		Annotations: map[string]string{
			"summary":     "Picket works",
			"description": "This alert always fires. Route it to a service that raises the alarm when it hears nothing: then Picket, or the way to it, is down.",
		},
	}
}

// labelNamed returns a name that every version of Alertmanager takes.
func labelNamed(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '_'
	}, s)
	if s == "" || unicode.IsDigit(rune(s[0])) {
		return "_" + s
	}
	return s
}

// outside returns a value that may come from others. Addresses stay, since
// people search for them.
func outside(s string) string {
	if _, err := netip.ParseAddr(s); err == nil {
		return s
	}
	return printing(notify.Inert(alerting.Plain(s)))
}

// printing returns what prints of s, at most maxValue bytes.
func printing(s string) string {
	return clip(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s), maxValue)
}

// clip returns valid UTF-8 of at most limit bytes, with … where it was cut.
func clip(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	end := limit - len("…")
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
