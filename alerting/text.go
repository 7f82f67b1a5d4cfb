package alerting

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/collectors/activity"
)

// Directory tells what the configuration says about accounts.
type Directory interface {
	// Account returns what is known of an account, and whether anything is.
	Account(account string) (AccountInfo, bool)
}

// Foreteller is a Directory that also knows who is told of an alert next.
type Foreteller interface {
	Directory
	// Next says who is told next and when, as of a moment: "escalates at 03:23 to
	// Jane"; "" where nothing of the kind is configured.
	Next(a *Alert, at time.Time) string
}

// AccountInfo is what the person who is woken needs to know of an account. All
// of it may be missing.
type AccountInfo struct {
	Owner        string
	Contact      string         // phone number, chat handle, e-mail address
	TimeZone     *time.Location // nil: UTC
	WorkingHours string         // as a person reads it, "Mon-Fri 09:00-18:00"
	// Working tells whether a moment is in the working hours; nil where none
	// are configured.
	Working    func(time.Time) bool
	Importance string
	// ShowsDeletions says that Picket learns when a post of the account is
	// deleted.
	ShowsDeletions bool
	Guards         []string // accounts that this identity guards
	GuardedBy      []string // identities that guard this account
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
	switch {
	case a.Test():
		head = "TEST " + head
	case a.Drill() != "":
		head = "DRILL " + head
	}
	head += " " + SubjectOf(a)
	if n := len(info.Guards); n > 0 {
		head += " (guards " + cut(clean(info.Guards[0]), MaxTitle/5)
		if n > 1 {
			head += fmt.Sprintf(" +%d", n-1)
		}
		head += ")"
	}
	tail := " [" + a.Number() + "]"
	room := MaxTitle - utf8.RuneCountInString(head) - len(": ") - utf8.RuneCountInString(tail)
	return head + ": " + cut(headline(a.Rule.Title, ""), room) + tail
}

// lowerFirst makes a title fit into a sentence, unless it begins with an
// abbreviation or with Picket.
func lowerFirst(s string) string {
	if strings.HasPrefix(s, "Picket ") {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	if second, _ := utf8.DecodeRuneInString(s[n:]); unicode.IsUpper(second) {
		return s
	}
	return string(unicode.ToLower(r)) + s[n:]
}

// Text returns one screen that answers what a person would otherwise have to
// look up: at most TextLines lines of at most TextWidth columns, as of the
// revision. Times are the account's and UTC; what others wrote is defanged and
// without control characters; what the data does not show is said. dir may be
// nil.
func Text(a Alert, dir Directory) string { return TextAt(a, dir, a.Updated) }

// TextAt is Text for a person who reads it at another moment, on which who is
// told how depends.
func TextAt(a Alert, dir Directory, at time.Time) string { return TextTold(a, dir, Telling{At: at}) }

// TextTold is TextAt where more is known of how the alert is told.
func TextTold(a Alert, dir Directory, t Telling) string {
	w := newWriter(&a, dir, t.At)
	w.foretell(&t)
	return layout(w.sections())
}

// foretell takes over who is told next, or asks the directory where nobody said.
func (w *writer) foretell(t *Telling) {
	w.escalation = t.Escalation
	if f, ok := w.dir.(Foreteller); ok && w.escalation == "" && w.a.State == Firing {
		w.escalation = f.Next(w.a, t.At)
	}
}

func newWriter(a *Alert, dir Directory, at time.Time) writer {
	w := writer{a: a, at: at, zone: time.UTC}
	if dir != nil {
		w.info, _ = dir.Account(a.Account)
		w.dir = dir
	}
	if w.info.TimeZone != nil {
		w.zone = w.info.TimeZone
	}
	return w
}

// sections returns the parts of the text, some of them without any.
func (w *writer) sections() []section {
	return []section{
		{text: title(w.a, w.info), limit: 2},
		{label: "State", text: w.standing(), limit: 1},
		{label: "What", text: w.what(), limit: 3, tight: 2},
		{label: "On", text: w.on(), limit: 2, tight: 1},
		{label: "Why", text: w.why(), limit: 3, tight: 2},
		{label: "Also", text: w.also(), limit: 2, tight: 1},
		{label: "Reach", text: w.reach(), limit: 1, drop: 2},
		{label: "Usual", text: w.usual(), limit: 1, drop: 1},
		{label: "Since", text: w.since(), limit: 2, tight: 1},
		{label: "Sure", text: w.sure(), limit: 1, drop: 3},
		{label: "Do", text: w.do(), limit: 3, tight: 2},
		{label: LabelNext, text: w.next(), limit: 2, tight: 1},
		{label: "Act", text: w.act(), limit: 1},
	}
}

// writer writes the lines of one alert.
type writer struct {
	a  *Alert
	at time.Time // when it is read
	// escalation says who is told next and when, "escalates at 03:23 to Jane";
	// empty where nothing of the kind is configured.
	escalation string
	info       AccountInfo
	dir        Directory // nil: nothing is known
	zone       *time.Location
}

// clock writes a moment as "03:12 Berlin (01:12Z)", with the date where it is
// not the day of the revision.
func (w *writer) clock(t time.Time) string {
	if w.zone == time.UTC {
		return w.hour(t)
	}
	return fmt.Sprintf("%s %s (%s)", w.local(t), place(w.zone), t.UTC().Format("15:04Z"))
}

// hour writes a moment as "03:12", or as "01:12Z" where nobody says in which
// zone people live.
func (w *writer) hour(t time.Time) string {
	if w.zone == time.UTC {
		return w.local(t) + "Z"
	}
	return w.local(t)
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

// networkName is how an alert calls a network.
func networkName(network string) string {
	if network == "" {
		return "the source"
	}
	return NetworkName(network)
}

// NetworkName is how people call a network or identity provider: "Google
// Workspace" of googleworkspace, and any that Picket does not poll by its name.
func NetworkName(network string) string {
	switch network {
	case "x":
		return "X"
	case "mastodon":
		return "Mastodon"
	case "bluesky":
		return "Bluesky"
	case "facebook":
		return "Facebook"
	case "instagram":
		return "Instagram"
	case "youtube":
		return "YouTube"
	case "linkedin":
		return "LinkedIn"
	case "reddit":
		return "Reddit"
	case "okta":
		return "Okta"
	case "googleworkspace":
		return "Google Workspace"
	case "entra":
		return "Microsoft Entra ID"
	case "github":
		return "GitHub"
	}
	return clean(network)
}
