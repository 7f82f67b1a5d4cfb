package alerting

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

// Directory tells what the configuration says about accounts.
type Directory interface {
	// Account returns what is known of an account, and whether anything is.
	Account(account string) (AccountInfo, bool)
}

// AccountInfo is what the person who is woken needs to know of an account. All
// of it may be missing.
type AccountInfo struct {
	Owner        string
	Contact      string         // phone number, chat handle, e-mail address
	TimeZone     *time.Location // nil: UTC
	WorkingHours string         // as a person reads it, "Mon-Fri 09:00-18:00"
	Importance   string
	Guards       []string // accounts that this identity guards
}

// Bounds of the text. Width counts columns: East Asian wide characters and
// most emoji take two.
const (
	TextLines = 12
	TextWidth = 80
	MaxTitle  = 120 // characters

	labelWidth = 7
	maxQuote   = 240 // characters of a post
	maxActor   = 40  // characters of a name
	maxWhy     = 160 // characters of each half of a reason
)

// Title returns one line that names the alert, at most MaxTitle characters.
func Title(a Alert) string { return title(&a, AccountInfo{}) }

func title(a *Alert, info AccountInfo) string {
	head := strings.ToUpper(string(a.Rule.Level))
	if a.State != Firing {
		head = strings.ToUpper(string(a.State)) + " " + head
	}
	if t := a.Trigger(); t != nil && t.Drill != "" {
		head = "DRILL " + head
	}
	head += " " + cut(subjectOf(a), MaxTitle/3)
	if n := len(info.Guards); n > 0 {
		head += " (guards " + cut(clean(info.Guards[0]), MaxTitle/5)
		if n > 1 {
			head += fmt.Sprintf(" +%d", n-1)
		}
		head += ")"
	}
	tail := " [" + a.Number() + "]"
	room := MaxTitle - utf8.RuneCountInString(head) - len(": ") - utf8.RuneCountInString(tail)
	return head + ": " + cut(lowerFirst(clean(a.Rule.Title)), room) + tail
}

func subjectOf(a *Alert) string {
	switch {
	case a.Account != "":
		return clean(a.Account)
	case a.Network != "":
		return clean(a.Network)
	}
	return "Picket"
}

// lowerFirst makes a title fit into a sentence, unless it begins with an
// abbreviation.
func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if second, _ := utf8.DecodeRuneInString(s[n:]); unicode.IsUpper(second) {
		return s
	}
	return string(unicode.ToLower(r)) + s[n:]
}

// Text returns one screen that answers what a person would otherwise have to
// look up: at most TextLines lines of at most TextWidth columns. Times are the
// account's and UTC; what others wrote is defanged and without control
// characters; what the data does not show is said. dir may be nil.
func Text(a Alert, dir Directory) string {
	w := writer{a: &a, zone: time.UTC}
	if dir != nil {
		w.info, _ = dir.Account(a.Account)
	}
	if w.info.TimeZone != nil {
		w.zone = w.info.TimeZone
	}
	return layout([]section{
		{text: title(&a, w.info), limit: 2},
		{label: "State", text: w.standing(), limit: 1},
		{label: "What", text: w.what(), limit: 3},
		{label: "Why", text: w.why(), limit: 3},
		{label: "Also", text: "other alerts: not linked yet, see picket alerts ls", limit: 1, drop: 1},
		{label: "Reach", text: w.reach(), limit: 1},
		{label: "Usual", text: w.usual(), limit: 1, drop: 2},
		{label: "Since", text: w.since(), limit: 1, drop: 3},
		{label: "Sure", text: w.sure(), limit: 1},
		{label: "Do", text: w.do(), limit: 3},
		{label: "Next", text: w.next(), limit: 1},
		{label: "Act", text: w.act(), limit: 1},
	})
}

// writer writes the lines of one alert.
type writer struct {
	a    *Alert
	info AccountInfo
	zone *time.Location
}

// clock writes a moment as "03:12 Berlin (01:12Z)", with the date where it is
// not the day of the revision.
func (w *writer) clock(t time.Time) string {
	local, utc := w.local(t), t.UTC().Format("15:04Z")
	if w.zone == time.UTC {
		return local + "Z"
	}
	return fmt.Sprintf("%s %s (%s)", local, place(w.zone), utc)
}

func (w *writer) local(t time.Time) string {
	t = t.In(w.zone)
	if t.Format(time.DateOnly) == w.a.Updated.In(w.zone).Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// place is the city of a time zone's name.
func place(zone *time.Location) string {
	name := zone.String()
	return strings.ReplaceAll(name[strings.LastIndexByte(name, '/')+1:], "_", " ")
}

func (w *writer) standing() string {
	mark := w.a.Ack
	switch w.a.State {
	case Firing:
		return ""
	case Resolved:
		mark = w.a.Resolution
	case Acknowledged:
	}
	if mark == nil {
		return string(w.a.State)
	}
	s := fmt.Sprintf("%s %s by %s", w.a.State, w.clock(mark.At), clean(mark.By))
	if mark.Reason != "" {
		s += ": " + clean(mark.Reason)
	}
	return s
}

func (w *writer) why() string {
	var parts []string
	for _, r := range w.a.Reasons {
		s := strings.TrimRight(cut(Plain(r.Seen), maxWhy), ".")
		if r.Expected != "" {
			s += " (expected " + strings.TrimRight(cut(Plain(r.Expected), maxWhy), ".") + ")"
		}
		parts = append(parts, s)
	}
	if len(parts) == 0 {
		parts = append(parts, "the rule's condition is met; it gives no further reason")
	}
	if t := w.a.Trigger(); t != nil && written(t.Kind) {
		if t.App == "" {
			parts = append(parts, "App: not shown by "+networkName(w.a.Network))
		} else {
			parts = append(parts, "App: "+cut(Plain(t.App), maxActor))
		}
	}
	return strings.Join(parts, ". ")
}

func (w *writer) usual() string {
	s := "working hours: not configured"
	if w.info.WorkingHours != "" {
		s = "working hours " + clean(w.info.WorkingHours)
	}
	if t := w.a.Trigger(); t != nil && login(t.Kind) {
		switch t.Geo.Proxy {
		case "":
			s += "; whether a VPN: not known"
		case "none":
			s += "; not a known VPN"
		default:
			s += "; through " + Plain(t.Geo.Proxy)
		}
	}
	return s
}

func (w *writer) since() string {
	if t := w.a.Trigger(); t == nil || !login(t.Kind) || len(w.info.Guards) == 0 {
		return ""
	}
	return "posts and changes on guarded accounts since then: not checked"
}

func (w *writer) sure() string {
	kind := "policy"
	switch w.a.Rule.Type {
	case rules.TypeEventCount, rules.TypeValueCount:
		kind = "counting"
	case rules.TypeNewValue:
		kind = "learned"
	case rules.TypeDetection, rules.TypeApproval:
	}
	return kind + " rule; verdicts here: none yet"
}

// reach says how many people saw a post, from its newest counts.
func (w *writer) reach() string {
	t := w.a.Trigger()
	if t == nil || !written(t.Kind) {
		return ""
	}
	var parts []string
	for _, m := range t.Metrics[:min(len(t.Metrics), 3)] {
		parts = append(parts, thousands(m.Value)+" "+Plain(m.Name))
	}
	const up = "whether still up: not checked"
	if len(parts) == 0 {
		return "not shown by " + networkName(w.a.Network) + "; " + up
	}
	s := strings.Join(parts, ", ")
	if !t.Seen.IsZero() {
		s += " at " + w.local(t.Seen)
	}
	return s + "; " + up
}

// do says whom to call and what to do. The owner comes first: steps may be cut.
func (w *writer) do() string {
	if w.a.State == Resolved {
		return ""
	}
	owner := "owner not configured"
	if w.info.Owner != "" {
		owner = "owner " + clean(w.info.Owner)
	}
	if w.info.Contact != "" {
		owner += ", " + clean(w.info.Contact)
	}
	parts := []string{owner + "."}
	for i, step := range w.a.Rule.Response {
		parts = append(parts, fmt.Sprintf("%d %s", i+1, clean(step)))
	}
	if len(w.a.Rule.Response) == 0 {
		parts = append(parts, "1 phone the owner, not by direct message")
	}
	return strings.Join(parts, "  ")
}

func (w *writer) next() string {
	switch {
	case w.a.State == Resolved && w.a.ByHand():
		return "a new match of this episode opens it again"
	case w.a.State == Resolved:
		return "a new match raises a new alert"
	}
	return "no escalation configured: nobody else is told"
}

func (w *writer) act() string {
	number := w.a.Number()
	switch w.a.State {
	case Resolved:
		return "nothing to do: picket alerts show " + number
	case Acknowledged:
		return "picket alerts resolve " + number
	case Firing:
	}
	return "picket alerts ack " + number + " · picket alerts resolve " + number
}

// written reports whether an activity of the kind is something the account
// said.
func written(k activity.Kind) bool {
	return slices.Contains([]activity.Kind{
		activity.KindPost, activity.KindRepost, activity.KindReply, activity.KindEdit, activity.KindMessage,
	}, k)
}

func login(k activity.Kind) bool {
	return k == activity.KindLogin || k == activity.KindLoginFailure || k == activity.KindSession
}

// networkName is how people call a network.
func networkName(network string) string {
	switch network {
	case "":
		return "the source"
	case "x":
		return "X"
	case "mastodon":
		return "Mastodon"
	case "bluesky":
		return "Bluesky"
	case "okta":
		return "Okta"
	}
	return clean(network)
}
