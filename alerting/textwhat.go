package alerting

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// what says what happened and when, from the newest evidence.
func (w *writer) what() string {
	t := w.a.Trigger()
	if t == nil {
		return fmt.Sprintf("%s at %s; the activities themselves are not kept here", many(w.a.Count, "activity"), w.clock(w.last()))
	}
	s := w.when(t)
	switch {
	case written(t.Kind):
		return s + quote(t, w.a.Around.Kept)
	case login(t.Kind):
		return s + loginWhat(t)
	case t.Kind == activity.KindProfile:
		return s + profileWhat(t)
	case t.Kind == activity.KindPoll:
		return w.pollWhat(t)
	case t.Kind == activity.KindDelete && t.Object != "":
		return s + "post " + cut(Plain(t.Object), maxActor)
	case t.Kind == activity.KindFollowers || len(t.Metrics) > 0:
		return s + metricsWhat(t)
	}
	return strings.TrimRight(s+changeWhat(t), ":, ")
}

func (w *writer) last() time.Time {
	if w.a.Last.IsZero() {
		return w.a.LogTime
	}
	return w.a.Last
}

// when says at what time, or how many in which span, by whom.
func (w *writer) when(t *activity.Activity) string {
	var s string
	if w.a.Count > 1 {
		s = many(w.a.Count, w.noun()) + " " + w.span(w.a.First, w.a.Last)
	} else {
		s = w.clock(t.Time)
		if !t.Seen.IsZero() && t.Seen.Sub(t.Time) >= time.Minute && w.a.Late() == 0 {
			s += ", seen " + w.hour(t.Seen)
		}
		if !written(t.Kind) {
			s += " " + kindName(t.Kind)
		}
	}
	if t.Actor != "" {
		s += " by " + cut(Plain(t.Actor), maxActor)
	}
	if late := w.a.Late(); late > 0 {
		s += ", late: seen " + roughly(late) + " after"
	}
	if w.a.Count > 1 {
		return s + ", latest: "
	}
	return s + ": "
}

// span writes "03:04 to 03:12 Berlin (02:04Z to 02:12Z)".
func (w *writer) span(from, to time.Time) string {
	if w.zone == time.UTC {
		return w.local(from) + "Z to " + w.local(to) + "Z"
	}
	return fmt.Sprintf("%s to %s %s (%s to %s)", w.local(from), w.local(to), place(w.zone),
		from.UTC().Format("15:04Z"), to.UTC().Format("15:04Z"))
}

// noun is what the alert's activities have in common.
func (w *writer) noun() string {
	kind := w.a.Evidence[0].Kind
	for i := range w.a.Evidence {
		if w.a.Evidence[i].Kind != kind {
			return "activity"
		}
	}
	if kind == activity.KindDelete {
		return "deletion"
	}
	return kindName(kind)
}

func kindName(k activity.Kind) string { return strings.ReplaceAll(clean(string(k)), "_", " ") }

// many writes a number with its noun.
func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	switch {
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	case !strings.HasSuffix(noun, "s"):
		noun += "s"
	}
	return thousands(float64(n)) + " " + noun
}

// quote says what a post says and shows, of which kept attachments are copied.
func quote(t *activity.Activity, kept int) string {
	s := "no text"
	if text := Plain(t.Text); text != "" {
		s = inQuotes(cut(text, maxQuote))
	}
	var types []string
	count := map[string]int{}
	for _, m := range t.Media {
		name := Plain(m.Type)
		if name == "" {
			name = "attachment"
		}
		if count[name] == 0 {
			types = append(types, name)
		}
		count[name]++
	}
	for _, name := range types {
		s += " +" + many(count[name], name)
	}
	switch {
	case len(types) == 0: // the copies are of other posts
	case kept == 1:
		s += " (copy kept)"
	case kept > 1:
		s += fmt.Sprintf(" (%d copies kept)", kept)
	}
	for _, link := range t.Links { // hidden behind a shortener or a card
		if link = Plain(link); !strings.Contains(s, link) {
			s += " → " + cut(link, maxQuote/4)
		}
	}
	return s
}

func loginWhat(t *activity.Activity) string {
	var parts []string
	where := strings.TrimSpace(Plain(t.Geo.City) + " " + Plain(t.Geo.Country))
	if where == "" {
		where = "place not known"
	}
	network := "network not known"
	if t.Geo.ASN.OK {
		network = "AS" + strconv.FormatFloat(t.Geo.ASN.V, 'f', 0, 64)
	}
	if t.Geo.ASOrg != "" {
		network = strings.TrimPrefix(network+" "+Plain(t.Geo.ASOrg), "network not known ")
	}
	for _, s := range []string{outcomeWhat(t), where, network, Plain(t.App), Plain(t.Device)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

func outcomeWhat(t *activity.Activity) string {
	s := Plain(t.Outcome.Result)
	if t.Outcome.Reason != "" {
		s = strings.TrimSpace(s + " (" + Plain(t.Outcome.Reason) + ")")
	}
	return s
}

// changeWhat says which way rights, factors and the like were changed, and for
// which app: "mfa added, success".
func changeWhat(t *activity.Activity) string {
	var parts []string
	for _, name := range t.Changed {
		parts = append(parts, strings.ReplaceAll(Plain(name), "_", " "))
	}
	if t.App != "" {
		parts = append(parts, marked(cut(Plain(t.App), maxActor)))
	}
	if s := outcomeWhat(t); s != "" {
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

// profileWhat lists what changed, from what to what.
func profileWhat(t *activity.Activity) string {
	names := t.Changed
	if len(names) == 0 {
		for _, f := range t.Profile {
			names = append(names, f.Name)
		}
	}
	var parts []string
	for _, name := range names {
		before, hadOld := value(t.Old, name)
		after, hasNew := value(t.Profile, name)
		switch {
		case hadOld && hasNew:
			parts = append(parts, fmt.Sprintf("%s %q → %q", Plain(name), before, after))
		case hasNew:
			parts = append(parts, fmt.Sprintf("%s → %q (before: not known)", Plain(name), after))
		case hadOld:
			parts = append(parts, fmt.Sprintf("%s %q → removed", Plain(name), before))
		default:
			parts = append(parts, Plain(name)+" changed (values not shown)")
		}
	}
	if len(parts) == 0 {
		return "what changed is not shown by " + networkName(t.Network)
	}
	return strings.Join(parts, ", ")
}

func value(fields []activity.Field, name string) (string, bool) {
	i := slices.IndexFunc(fields, func(f activity.Field) bool { return f.Name == name })
	if i < 0 {
		return "", false
	}
	return cut(Plain(fields[i].Value), maxQuote/4), true
}

// pollWhat says since when and why Picket is blind.
func (w *writer) pollWhat(t *activity.Activity) string {
	s := w.clock(t.Time) + " cannot read this account"
	switch t.Poll.State {
	case activity.PollForbidden:
		s = w.clock(t.Time) + " " + networkName(t.Network) + " refuses access"
	case activity.PollGap:
		s = w.clock(t.Time) + " activities are lost"
		if !t.Poll.From.IsZero() && !t.Poll.Until.IsZero() {
			s += " from " + w.clock(t.Poll.From) + " to " + w.clock(t.Poll.Until)
		}
	case activity.PollExhausted:
		s = w.clock(t.Time) + " credit exhausted"
		if !t.Poll.Until.IsZero() {
			s += " until " + w.clock(t.Poll.Until)
		}
	case activity.PollBehind:
		s = w.clock(t.Time) + " reads this account, and mentions of it later"
	case activity.PollComplete:
		s = w.clock(t.Time) + " can read this account again"
	}
	if t.Poll.Reason != "" {
		s += ": " + clean(pollReason(&t.Poll))
	}
	if t.Poll.LastOK.IsZero() {
		return s + "; never read so far"
	}
	return s + "; last read " + w.clock(t.Poll.LastOK)
}

// pollReason is why a poll failed, without what is said beside it already: room is
// short, and how to mend it stands at the end.
func pollReason(p *activity.Poll) string {
	if p.State != activity.PollExhausted || p.Until.IsZero() {
		return p.Reason
	}
	reason := strings.TrimPrefix(p.Reason, "credit exhausted: ")
	before, after, ok := strings.Cut(reason, "; nothing is read until ")
	if _, mend, more := strings.Cut(after, "; "); ok && more {
		return before + "; " + mend
	}
	return before
}

func metricsWhat(t *activity.Activity) string {
	var parts []string
	for _, m := range t.Metrics {
		parts = append(parts, thousands(m.Value)+" "+Plain(m.Name))
	}
	return strings.Join(parts, ", ")
}

// thousands writes a count with separators, "4,100".
func thousands(v float64) string {
	if v != math.Trunc(v) || math.Abs(v) >= 1e15 {
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	digits := strconv.FormatInt(int64(math.Abs(v)), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if v < 0 {
		return "-" + digits
	}
	return digits
}
