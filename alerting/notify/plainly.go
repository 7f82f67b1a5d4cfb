package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/picketd/picket/alerting"
)

// Minimal returns what a receiver is told that must not hold details: the
// title, the number and the links. The alerts keep what buttons need.
func Minimal(m *Message) *Message {
	out := *m
	out.Lines, out.Labels, out.Alerts, out.Crowd = nil, nil, bare(m.Alerts), nil
	return &out
}

// bare returns the alerts without the words and rules that raised them.
func bare(alerts []Alert) []Alert {
	out := slices.Clone(alerts)
	for i := range out {
		out[i].Rule, out[i].Title = "", ""
	}
	return out
}

// Plainly returns a message in words for people who speak for the organisation
// and know nothing of detection: what happened to which account, since when,
// how often it was shown or how many write about it, what is being done and whom
// to ask: the first of the message's people. It names no rule, no IP address and not whose it is, and
// quotes nothing that others wrote.
func Plainly(m *Message) *Message {
	out := Minimal(m)
	out.Links = slices.DeleteFunc(slices.Clone(m.Links), func(l Link) bool { return l.Action != ActOpen })
	if m.Kind == Summary || m.Kind == Test {
		out.Lines = plainOther(m)
		return out
	}
	what := happened(m)
	out.Title = plainTitle(m, what)
	out.Lines = []Line{
		{Label: "What happened", Text: what + "."},
		{Label: "Where", Text: where(m)},
		{Label: "Since", Text: spoken(m.Started)},
		{Label: "Seen by", Text: seenBy(m)},
		{Label: "Being done", Text: beingDone(m)},
		{Label: "Ask", Text: ask(m)},
	}
	if m.Crowd != nil { // others wrote, and the account may have done nothing
		out.Lines[2].Text = spoken(m.Crowd.Since)
		out.Lines[3] = Line{Label: "How many", Text: howMany(m.Crowd)}
	}
	if failing(m) { // nothing has happened to an account
		out.Lines = slices.DeleteFunc(out.Lines, func(l Line) bool { return l.Label == "Where" || l.Label == "Seen by" })
	}
	if m.Drill != "" {
		out.Lines = slices.Insert(out.Lines, 0, Line{Text: "This is an exercise. Nothing has happened."})
	}
	return out
}

// plainOther is what is said of a message about no incident.
func plainOther(m *Message) []Line {
	if m.Kind == Test {
		return []Line{{Text: "This is a test of how messages reach you. Nothing has happened."}}
	}
	return []Line{{Text: "Several things happened at once and are told together here."}, {Label: "Being done", Text: beingDone(m)}, {Label: "Ask", Text: ask(m)}}
}

// meaning is what a kind of attack looks like from outside.
type meaning struct{ tag, words string }

// meanings are in the order in which people should hear of them. The tags are
// those of MITRE ATT&CK 17, as rules bear them; a tag speaks for its
// sub-techniques.
func meanings() []meaning {
	return []meaning{
		{alerting.TagSRE, "Picket cannot see what happens on this account"},
		{"attack.t1491", "Something was published that may not be from us"},
		{"attack.t1485", "Posts were deleted that may have been meant to stay"},
		{"attack.t1531", "Our people may be locked out of this account"},
		{"attack.t1528", "An app was given access to this account"},
		{"attack.t1556", "The way people sign in to this account was changed"},
		{"attack.t1098", "Who may use this account was changed"},
		{"attack.t1110", "Somebody tries to guess passwords"},
		{"attack.t1585", "Somebody may pretend to be us"},
		{"attack.t1078", "Somebody signed in who may not be one of us"},
	}
}

// failing reports whether a message says that another receiver does not work.
func failing(m *Message) bool {
	return slices.Contains(m.Labels, alerting.Label{Name: "alertname", Value: "NotificationsFailing"})
}

// happened says what a message's newest alert is about.
func happened(m *Message) string {
	if failing(m) {
		return "Picket cannot tell everybody whom it should"
	}
	for _, k := range meanings() {
		for _, l := range m.Labels {
			if l.Name == "tag" && (l.Value == k.tag || strings.HasPrefix(l.Value, k.tag+".")) {
				return k.words
			}
		}
	}
	if m.Crowd != nil {
		return "Far more people than usual write about this account"
	}
	return "Something unusual happened on this account"
}

// howMany says how many write about an account, and how many usually do.
func howMany(c *alerting.Crowd) string {
	usual := fmt.Sprintf("%d to %d are", c.Low, c.High)
	switch {
	case c.High == 0:
		usual = "next to none is"
	case c.Low == c.High:
		usual = fmt.Sprintf("about %d %s", c.High, plural(c.High, "is", "are"))
	}
	span, unit := c.Seconds, "second"
	switch {
	case span%3600 == 0:
		span, unit = span/3600, "hour"
	case span%60 == 0:
		span, unit = span/60, "minute"
	}
	return fmt.Sprintf("%d %s in %d %s; %s usual at that hour", c.Mentions, plural(c.Mentions, "mention", "mentions"), span, plural(span, unit, unit+"s"), usual)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// plainTitle says it in one line, without more than the title says anyway.
func plainTitle(m *Message, what string) string {
	head := ""
	switch m.State {
	case alerting.Resolved:
		head = "Over: "
	case alerting.Acknowledged:
		head = "Being dealt with: "
	case alerting.Firing:
	}
	if m.Drill != "" {
		head = "Exercise: " + head
	}
	tail := " [" + m.Number + "]"
	room := alerting.MaxTitle - utf8.RuneCountInString(head+tail)
	text := what
	if m.Account != "" {
		text = alerting.Plain(m.Account) + ": " + what
	}
	return head + shorten(text, room) + tail
}

// where names the accounts.
func where(m *Message) string {
	const most = 5
	names := []string{m.Account}
	if m.Account == "" {
		names = names[:0]
		for _, l := range m.Labels {
			if l.Name == "accounts" {
				names = append(names, l.Value)
			}
		}
	}
	switch {
	case len(names) == 0:
		return "no single account"
	case len(names) > most:
		names = append(names[:most:most], "and others")
	}
	for i, name := range names {
		if network, account, ok := strings.Cut(name, "/"); ok {
			names[i] = alerting.Plain(account) + " on " + networkName(network)
		}
	}
	return strings.Join(names, ", ")
}

func networkName(network string) string {
	network = alerting.Plain(network)
	if network == "" {
		return "a network"
	}
	if name := alerting.NetworkName(network); name != network {
		return name
	}
	return strings.ToUpper(network[:1]) + network[1:]
}

// spoken is a moment as people write it.
func spoken(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// seenBy says how often a post was shown, from the line "Reach".
func seenBy(m *Message) string {
	for _, l := range m.Lines {
		if l.Label != "Reach" {
			continue
		}
		counts, _, _ := strings.Cut(l.Text, ";")
		for part := range strings.SplitSeq(counts, ", ") {
			words := strings.Fields(part)
			if len(words) > 1 && slices.Contains([]string{"views", "impressions", "plays"}, words[1]) && strings.Trim(words[0], "0123456789,") == "" {
				return "shown " + words[0] + " times so far"
			}
		}
	}
	return "not known"
}

func beingDone(m *Message) string {
	switch {
	case m.State == alerting.Resolved && !m.Ended.IsZero():
		return "it is over since " + spoken(m.Ended)
	case m.State == alerting.Resolved:
		return "it is over"
	case m.State == alerting.Acknowledged:
		return "somebody is on it"
	}
	return "the people on duty have been told; none has said yet that they are on it"
}

// ask says whom to ask, and for what.
func ask(m *Message) string {
	who := "whoever is on duty"
	if len(m.People) > 0 && m.People[0].Name != "" {
		who = alerting.Plain(m.People[0].Name)
	}
	if m.Number == "" {
		return who
	}
	return who + ", about " + m.Number
}

// shorten returns at most limit characters, with … where it was cut.
func shorten(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:max(limit-1, 0)]) + "…"
}
