package alerting

import "time"

// Labels of sections that others look for or write themselves.
const (
	LabelNext = "Next"
	LabelAlso = "Also"
)

// Section is one labelled part of an alert's text. The first one, the title, has
// no label.
type Section struct {
	Label string // "What", "Why", "Do", …
	Text  string // one line, however long; what others wrote is defanged
}

// Telling says how an alert is told to people, where more is known of it than
// the alert itself does.
type Telling struct {
	At time.Time // when it is told
	// Escalation says who is told next and when, "escalates at 03:23 to Jane";
	// empty where only the directory knows, if it is a Foreteller, or nothing of
	// the kind is configured.
	Escalation string
}

// Sections returns the parts of the text of [TextAt], in its order, those without
// text left out and none of them cut to the size of a screen. dir may be nil.
func Sections(a Alert, dir Directory, t Telling) []Section {
	w := newWriter(&a, dir, t.At)
	w.foretell(&t)
	var out []Section
	for _, s := range w.sections() {
		if s.text != "" {
			out = append(out, Section{Label: s.label, Text: s.text})
		}
	}
	return out
}

// Clock writes a moment for people of an account's time zone, "03:12 Berlin
// (01:12Z)", with the date where it is not that of the other moment. A nil zone
// is UTC.
func Clock(t time.Time, zone *time.Location, today time.Time) string {
	if zone == nil {
		zone = time.UTC
	}
	w := writer{a: &Alert{Updated: today}, zone: zone}
	return w.clock(t)
}
