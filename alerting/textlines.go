package alerting

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// standing says who did what with the alert so far.
func (w *writer) standing() string {
	var parts []string
	mark := w.a.Ack
	if w.a.State == Resolved {
		mark = w.a.Resolution
	}
	if w.a.State != Firing && mark != nil {
		parts = append(parts, fmt.Sprintf("%s %s by %s%s", w.a.State, w.clock(mark.At), clean(mark.By), because(mark.Reason)))
	}
	if j := w.a.Judged; j != nil {
		s := "verdict " + string(j.Verdict)
		if !j.Until.IsZero() {
			s += " until " + w.clock(j.Until)
		}
		if mark == nil || j.By != mark.By || !j.At.Equal(mark.At) {
			s += " by " + clean(j.By) + because(j.Reason)
		}
		parts = append([]string{s}, parts...)
	}
	if to := w.a.Assigned; to != nil && w.a.State != Resolved {
		parts = append(parts, fmt.Sprintf("assigned to %s by %s %s%s", clean(to.To), clean(to.By), w.clock(to.At), because(to.Reason)))
	}
	if said := w.a.Answered; said != nil && w.a.State != Resolved {
		parts = append([]string{clean(said.By) + " says " + said.words() + " " + w.clock(said.At) + because(said.Reason)}, parts...)
	}
	return strings.Join(parts, "; ")
}

func (a *Answer) words() string {
	if a.Me {
		return "it was them"
	}
	return "it was not them"
}

func because(reason string) string {
	if reason = clean(reason); reason != "" {
		return ": " + reason
	}
	return ""
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
			parts = append(parts, "App: not shown by "+networkName(w.network()))
		} else {
			parts = append(parts, "App: "+marked(cut(Plain(t.App), maxActor)))
		}
	}
	return sentences(parts)
}

// sentences joins parts: one that begins in lower case goes on with the
// sentence before it.
func sentences(parts []string) string {
	var b strings.Builder
	for i, s := range parts {
		if r, _ := utf8.DecodeRuneInString(s); i > 0 && unicode.IsLower(r) {
			b.WriteString("; ")
		} else if i > 0 {
			b.WriteString(". ")
		}
		b.WriteString(s)
	}
	return b.String()
}

// also names what led to the alert, then other alerts beside it.
func (w *writer) also() string {
	var parts []string
	told := map[string]bool{}
	for i := range w.a.Related {
		r := &w.a.Related[i]
		if told[r.Episode] { // several of its rules led here
			continue
		}
		told[r.Episode] = r.Episode != ""
		parts = append(parts, w.other(r))
	}
	for i := range w.a.Around.Beside {
		h := &w.a.Around.Beside[i]
		if b := &h.Brief; !told[h.ID] {
			parts = append(parts, w.other(&detector.Related{Episode: h.ID, Title: b.Title, Account: b.Account, Time: b.First, Words: b.Words}))
		}
	}
	const most = 3
	if n := len(parts) - most; n > 0 {
		parts = append(parts[:most], fmt.Sprintf("%d more", n))
	}
	return strings.Join(parts, "; ")
}

// other writes "02:58 okta/editor-2 login from RO (PK-B071D2)".
func (w *writer) other(r *detector.Related) string {
	s := w.hour(r.Time)
	if r.Account != w.a.Account {
		s += " " + cut(clean(r.Account), maxActor)
	}
	s += " " + cut(headline(r.Title, r.Words), maxHeadline)
	if r.Episode != "" {
		s += " (" + Number(r.Episode) + ")"
	}
	return s
}

// headline is a rule's title in few words. Where the title names a kind of new
// value, "Login from a new country", and what was odd names the value, "country
// RO", the value says more: "login from RO".
func headline(title, words string) string {
	title = lowerFirst(clean(title))
	before, kind, learned := strings.Cut(title, " a new ")
	label, value, named := strings.Cut(Plain(words), " ")
	if learned && named && label == kind && !strings.Contains(value, ",") {
		return before + " " + marked(value)
	}
	return title
}

// marked puts what others wrote between quotes unless it is one word, so that
// nobody takes it for words of Picket's. There is no other quote inside.
func marked(s string) string {
	for _, r := range s {
		if !alnum(r) && r != '-' {
			return inQuotes(s)
		}
	}
	return s
}

func inQuotes(s string) string { return `"` + strings.ReplaceAll(s, `"`, "'") + `"` }

// maxHeadline bounds what is said of another alert, in characters.
const maxHeadline = 48

// usual says what is as always.
func (w *writer) usual() string {
	var parts []string
	for _, r := range w.a.Usual {
		parts = append(parts, cut(Plain(r.Seen), maxWhy))
	}
	if t := w.a.Trigger(); t != nil && login(t.Kind) {
		switch t.Geo.Proxy {
		case "":
			parts = append(parts, "whether a VPN: not known")
		case noProxy:
			parts = append(parts, "not a known VPN")
		}
	}
	return strings.Join(parts, "; ")
}

// noProxy is what enrichment calls an address that is no known proxy.
const noProxy = "none"

// since says what happened on guarded accounts after an identity's activity.
func (w *writer) since() string {
	s := w.a.Since
	switch {
	case s == nil && len(w.info.Guards) > 0:
		return "not known what happened on guarded accounts"
	case s == nil:
		return ""
	case s.Count == 0:
		return fmt.Sprintf("no post or change on guarded accounts (as of %s)", w.hour(s.AsOf))
	}
	var parts []string
	for i := range s.Activities {
		act := &s.Activities[i]
		parts = append(parts, w.hour(act.Time)+" "+cut(clean(act.Account), maxActor)+" "+happened(act))
	}
	noun := "posts and changes"
	if s.Count == 1 {
		noun = "post or change"
	}
	out := fmt.Sprintf("%s %s on guarded accounts (as of %s)", thousands(float64(s.Count)), noun, w.hour(s.AsOf))
	if len(parts) > 0 {
		out += ": " + strings.Join(parts, "; ")
	}
	return out
}

// happened says in few words what an activity is.
func happened(act *activity.Activity) string {
	switch {
	case written(act.Kind) && act.Text != "":
		return fmt.Sprintf("%s %q", kindName(act.Kind), cut(Plain(act.Text), maxActor))
	case len(act.Changed) > 0:
		return kindName(act.Kind) + " " + cut(Plain(strings.Join(act.Changed, ", ")), maxActor)
	}
	return kindName(act.Kind)
}

// sure says on what the rule rests, and how often it was right here.
func (w *writer) sure() string {
	kind, mayErr := "policy", false
	switch w.a.Rule.Type {
	case rules.TypeEventCount, rules.TypeValueCount, rules.TypeValueSum, rules.TypeValueAvg, rules.TypeValuePercentile:
		kind, mayErr = "counting", true
	case rules.TypeNewValue, rules.TypePeak, rules.TypeLoginRisk, rules.TypeRareValue, rules.TypeTravel, rules.TypeStorm, rules.TypeDrift, rules.TypeProfile, rules.TypeRate:
		kind, mayErr = "learned", true
	case rules.TypeSequence, rules.TypeTemporal, rules.TypeTemporalOrdered:
		kind, mayErr = "sequence", true
	case rules.TypeDetection, rules.TypeApproval, rules.TypeWithout:
	}
	return kind + " rule; verdicts here " + verdicts(w.a.Around.Verdicts, mayErr)
}

// verdicts writes a share where a rule may be wrong, "3 true of 5", and the
// single numbers where it states a fact, "8 true, 1 expected".
func verdicts(t Tally, share bool) string {
	switch {
	case t.Total() == 0:
		return "none yet"
	case share:
		return fmt.Sprintf("%d true of %d", t.True, t.Total())
	}
	var parts []string
	for _, p := range []struct {
		n int
		v Verdict
	}{{t.True, VerdictTrue}, {t.Expected, VerdictExpected}, {t.False, VerdictFalse}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.v))
		}
	}
	return strings.Join(parts, ", ")
}

// reach says how many people saw a post, from its newest counts.
func (w *writer) reach() string {
	t := w.a.Trigger()
	if t == nil || !written(t.Kind) || w.a.Test() {
		return ""
	}
	var parts []string
	for _, m := range t.Metrics[:min(len(t.Metrics), 3)] {
		parts = append(parts, thousands(m.Value)+" "+Plain(m.Name))
	}
	up := w.up(t)
	if len(parts) == 0 {
		return "not shown by " + networkName(w.network()) + "; " + up
	}
	s := strings.Join(parts, ", ")
	if !t.Seen.IsZero() {
		s += " at " + w.hour(t.Seen)
	}
	return s + "; " + up
}

// up says whether a post is still there, as far as the network tells.
func (w *writer) up(t *activity.Activity) string {
	gone, deleted := w.a.Deleted[t.ID]
	switch {
	case deleted:
		return "deleted " + w.hour(gone)
	case w.info.ShowsDeletions:
		return "not deleted as of " + w.hour(w.a.LogTime)
	}
	return "whether still up: not shown by " + networkName(w.network())
}

// do says whom to call and what to do. The owner comes first: steps may be cut.
func (w *writer) do() string {
	if w.a.State == Resolved {
		return ""
	}
	var parts []string
	if !w.a.Test() {
		parts = append(parts, w.owners())
	}
	for i, step := range w.a.Rule.Response {
		parts = append(parts, fmt.Sprintf("%d %s", i+1, clean(step)))
	}
	if len(w.a.Rule.Response) == 0 {
		parts = append(parts, "1 phone the owner, not by direct message")
	}
	return strings.Join(parts, "  ")
}

func (w *writer) owner() string {
	owner := "owner not configured"
	if w.info.Owner != "" {
		owner = "owner " + clean(w.info.Owner)
	}
	if w.info.Contact != "" {
		owner += ", " + clean(w.info.Contact)
	}
	return owner + "."
}

// next says who is told how, and what comes without anybody doing anything.
func (w *writer) next() string {
	switch {
	case w.a.State == Resolved && w.a.ByHand() && w.a.Phase != detector.Close:
		return "a new match of this episode opens it again"
	case w.a.State == Resolved:
		return "a new match raises a new alert"
	case w.a.State == Acknowledged && w.a.Ack != nil:
		return cut(clean(w.a.Ack.By), maxActor) + " is on it; nobody else is told"
	}
	s := telling(w.a, w.info, w.at, w.escalation)
	if by := w.a.Around.Silenced; by != nil {
		s = fmt.Sprintf("silenced until %s by %s (%s)%s", w.hour(by.Until), cut(clean(by.By), maxActor), cut(clean(by.Number), maxActor), because(by.Reason))
	}
	switch {
	case w.a.Test():
		return "test: " + s
	case w.a.Drill() != "":
		return "drill " + cut(Plain(w.a.Drill()), maxActor/2) + ": " + s
	}
	return s
}

// act names the commands that the alert's state allows.
func (w *writer) act() string {
	resolve := "resolve -v expected|false|true"
	if t := w.a.Trigger(); t != nil && t.Kind == activity.KindLogin && len(w.info.Guards) > 0 {
		resolve = "resolve -v was-me|not-me"
	}
	number := w.a.Number()
	switch {
	case w.a.Judged != nil:
		return "nothing to do: picket alerts show " + number
	case w.a.State == Resolved:
		return fmt.Sprintf("say what it was: picket alerts %s %s", resolve, number)
	case w.a.State == Acknowledged:
		return fmt.Sprintf("picket alerts %s %s · assign", resolve, number)
	}
	return fmt.Sprintf("picket alerts ack %s · assign · %s", number, resolve)
}
