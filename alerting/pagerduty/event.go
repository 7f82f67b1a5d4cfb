package pagerduty

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

// Bounds of an event. PagerDuty's are 512 KB, 1,024 characters of a summary and
// 255 of a dedup_key; whether its KB has 1,000 bytes it does not say.
const (
	maxEvent   = 500_000 // bytes
	maxSummary = 1024    // characters
	maxDedup   = 255     // characters
	maxDetails = 100
	maxDetail  = 32 << 10 // bytes of one
	maxName    = 64       // bytes of the name of one
	maxLinks   = 20
)

// Actions of an event.
const (
	trigger     = "trigger"
	acknowledge = "acknowledge"
	resolve     = "resolve"
)

// event is the body of a request.
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	DedupKey   string   `json:"dedup_key"`
	Payload    *payload `json:"payload,omitempty"` // of a trigger
	Client     string   `json:"client,omitempty"`
	ClientURL  string   `json:"client_url,omitempty"`
	Links      []link   `json:"links,omitempty"`
}

type payload struct {
	Summary   string  `json:"summary"`
	Source    string  `json:"source"`
	Severity  string  `json:"severity"`
	Timestamp string  `json:"timestamp"`
	Component string  `json:"component,omitempty"`
	Class     string  `json:"class,omitempty"`
	Details   details `json:"custom_details,omitempty"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text,omitempty"`
}

// details is a JSON object whose members stay in their order, which is that of
// the screen.
type details []detail

type detail struct{ name, value string }

// MarshalJSON writes the object.
func (d details) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, field := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		for k, text := range []string{field.name, field.value} {
			data, err := json.Marshal(text)
			if err != nil {
				return nil, err
			}
			if k == 1 {
				b.WriteByte(':')
			}
			b.Write(data)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// set adds a value, to the one that is there where the name is taken.
func (d *details) set(name, value string) {
	name = clip(notify.Inert(name), maxName)
	for i := range *d {
		if (*d)[i].name == name {
			(*d)[i].value += "\n" + notify.Inert(value)
			return
		}
	}
	if len(*d) < maxDetails {
		*d = append(*d, detail{name, notify.Inert(value)})
	}
}

// encode returns the event of a message, at most maxEvent bytes.
func encode(m *notify.Message, key, dedup string) ([]byte, error) {
	e := event{RoutingKey: key, Action: actionOf(m.Kind), DedupKey: dedup}
	if e.Action != trigger {
		return json.Marshal(&e)
	}
	e.Client, e.Links = "Picket", linksOf(m)
	for _, l := range m.WebLinks() {
		if l.Action == notify.ActOpen && e.ClientURL == "" {
			e.ClientURL = l.URL
		}
	}
	e.Payload = payloadOf(m)
	all := e.Payload.Details
	for most := maxDetail; ; most /= 2 {
		e.Payload.Details = shorten(all, most)
		body, err := json.Marshal(&e)
		if err != nil || len(body) <= maxEvent || most == 0 {
			return body, err
		}
	}
}

// shorten cuts each value to a number of bytes; 0 leaves all out.
func shorten(all details, most int) details {
	if most == 0 {
		return nil
	}
	out := make(details, len(all))
	for i, d := range all {
		out[i] = detail{d.name, clip(d.value, most)}
	}
	return out
}

func actionOf(kind notify.Kind) string {
	switch kind {
	case notify.Acknowledged:
		return acknowledge
	case notify.Resolved:
		return resolve
	case notify.Opened, notify.Updated, notify.Escalated, notify.Repeated, notify.Assigned, notify.Summary, notify.Test:
	}
	return trigger
}

func severity(level rules.Level) string {
	switch level {
	case rules.Critical:
		return "critical"
	case rules.High:
		return "error"
	case rules.Medium:
		return "warning"
	case rules.Low, rules.Informational:
	}
	return "info"
}

// dedupKey returns the incident, with the number of an alert of it that is not its
// first, or what stands for one that is too long.
func dedupKey(incident string, n int) string {
	if n > 0 {
		incident += "." + strconv.Itoa(n+1)
	}
	if len(incident) <= maxDedup {
		return incident
	}
	sum := sha256.Sum256([]byte(incident))
	return hex.EncodeToString(sum[:])
}

func payloadOf(m *notify.Message) *payload {
	p := &payload{
		Summary: cut(notify.Inert(m.Title), maxSummary), Severity: severity(m.Level),
		Timestamp: m.At.UTC().Format(time.RFC3339), Component: clip(m.Network, maxName), Source: "picket",
	}
	if m.Account != "" {
		p.Source = clip(m.Account, maxDedup)
	}
	if len(m.Alerts) > 0 {
		p.Class = clip(m.Alerts[0].Rule, maxDedup)
	}
	p.Details = detailsOf(m)
	return p
}

func detailsOf(m *notify.Message) details {
	var d details
	for _, line := range m.Lines {
		name := line.Label
		if name == "" {
			name = "Incident"
		}
		d.set(name, line.Text)
	}
	if m.Number != "" {
		d.set("Number", m.Number)
	}
	d.set("Told because", string(m.Kind))
	d.set("Since", m.Started.UTC().Format(time.RFC3339))
	if m.Drill != "" {
		d.set("Drill", m.Drill)
	}
	for i := range m.Alerts {
		a := &m.Alerts[i]
		d.set("Alerts", fmt.Sprintf("%s %s %s (%s)", a.Number, strings.ToUpper(string(a.Level)), a.Title, a.State))
	}
	names := make([]string, 0, len(m.People))
	for _, p := range m.People {
		names = append(names, p.Name)
	}
	if len(names) > 0 {
		d.set("For", strings.Join(names, ", "))
	}
	return d
}

func linksOf(m *notify.Message) []link {
	var out []link
	for _, l := range m.WebLinks() {
		if len(out) < maxLinks {
			out = append(out, link{Href: l.URL, Text: clip(notify.Inert(l.Text), maxDedup)})
		}
	}
	return out
}

// clip returns valid UTF-8 of at most limit bytes, with … where it was cut.
func clip(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	end := max(limit-len("…"), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// cut returns at most limit characters, with … where it was cut.
func cut(s string, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return string(runes[:limit-1]) + "…"
}
