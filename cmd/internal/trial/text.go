package trial

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

// Bounds of what a screen shows.
const (
	maxTold     = 4 // alerts in words, over all rules
	maxApps     = 3
	maxAccounts = 6
	maxTitles   = 3 // rules that a blind spot names
	maxWhy      = 2 // lines of a reason
)

// Text writes the report for a person, at most 80 columns wide. With all, every
// alert is written, newest first.
func (r *Report) Text(out io.Writer, all bool) error {
	p := &page{}
	r.read(p)
	r.told(p, all)
	r.doing(p)
	r.blind(p)
	p.blank()
	p.WriteString("Next: " + r.next() + "\n") // however long: it is for copying
	_, err := io.WriteString(out, p.String())
	return err
}

// read says what was read.
func (r *Report) read(p *page) {
	if len(r.Accounts) == 1 {
		p.line(called(r.Accounts[0].Account))
		p.blank()
		p.heading("What was read", "")
		r.account(p, &r.Accounts[0])
	} else {
		p.line(counted(len(r.Accounts), "accounts"))
		p.blank()
		p.heading("What was read", "")
		r.accounts(p)
	}
	if r.Unreadable > 0 {
		p.row("Left out", counted(r.Unreadable, "items")+" that cannot be read")
	}
	if r.Partial != "" {
		p.row("Not all", r.Partial)
	}
}

// account describes the history of one account.
func (r *Report) account(p *page, a *AccountRead) {
	p.row("Time", fmt.Sprintf("%s to %s (%s)", date(a.From), date(a.Until), lasting(a.Until.Sub(a.From))))
	p.row("Published", a.words())
	if other := a.others(); other != "" {
		p.row("Besides", other)
	}
	p.row("Apps", a.apps())
	if s := a.Silence; s != nil && s.Until.Sub(s.From) >= longPause {
		p.row("Longest pause", fmt.Sprintf("%s, from %s", lasting(s.Until.Sub(s.From)), date(s.From)))
	}
	for _, g := range a.Gaps {
		p.row("Gap", fmt.Sprintf("%s to %s: %s", date(g.From), date(g.Until), alerting.Plain(g.Reason)))
	}
}

// accounts describes the history of several.
func (r *Report) accounts(p *page) {
	p.row("Time", fmt.Sprintf("%s to %s (%s)", date(r.From), date(r.Until), lasting(r.Until.Sub(r.From))))
	label := "Accounts"
	for i := range r.Accounts[:min(len(r.Accounts), maxAccounts)] {
		a := &r.Accounts[i]
		what := counted(a.Published, "posts")
		if a.Published == 0 {
			what = a.others()
		}
		p.row(label, called(a.Account)+": "+what)
		label = ""
	}
	if more := len(r.Accounts) - maxAccounts; more > 0 {
		p.row("", "and "+number(more)+" more; --account shows one alone")
	} else {
		p.row("", "--account shows one alone")
	}
}

// words counts what an account published.
func (a *AccountRead) words() string {
	s := number(a.Published)
	if a.PerWeek >= 1 {
		s += fmt.Sprintf(", about %s a week", number(int(a.PerWeek+0.5)))
	}
	if parts := a.kinds(published); len(parts) > 1 {
		return s + ": " + strings.Join(parts, ", ")
	} else if len(parts) == 1 && a.Kinds[activity.KindPost] == 0 {
		return s + ": all " + nounOf(activity.KindRepost)
	}
	return s
}

// others counts what else was read.
func (a *AccountRead) others() string {
	return strings.Join(a.kinds(func(k activity.Kind) bool { return !published(k) && k != activity.KindPoll }), ", ")
}

func (a *AccountRead) kinds(of func(activity.Kind) bool) []string {
	var parts []string
	for _, k := range activity.Kinds() {
		if n := a.Kinds[k]; n > 0 && of(k) {
			parts = append(parts, counted(n, nounOf(k)))
		}
	}
	return parts
}

// apps lists the apps that an account used most.
func (a *AccountRead) apps() string {
	if len(a.Apps) == 0 {
		return "not told in this history"
	}
	var parts []string
	for _, app := range a.Apps[:min(len(a.Apps), maxApps)] {
		parts = append(parts, alerting.Plain(app.Value)+" "+number(app.Count))
	}
	if more := len(a.Apps) - maxApps; more > 0 {
		parts = append(parts, counted(more, "others"))
	}
	return strings.Join(parts, ", ")
}

// told says what Picket would have told.
func (r *Report) told(p *page, all bool) {
	p.blank()
	if r.Alerts == 0 {
		p.heading("What Picket would have told you", "nothing")
		p.under("", "No rule found anything unusual in this history.")
		return
	}
	p.heading("What Picket would have told you", counted(r.Alerts, "alerts")+r.often(r.PerMonth))
	left := r.Alerts
	for i, n := range r.share(all) {
		t := &r.Rules[i]
		if t.Alerts == 0 {
			continue
		}
		p.blank()
		p.headed("  "+t.Title, counted(t.Alerts, "alerts")+r.often(t.PerMonth))
		p.line("  " + capital(string(t.Level)) + ": " + t.Urgency)
		list := slices.Clone(t.Told[:n])
		slices.SortStableFunc(list, func(a, b Told) int { return b.From.Compare(a.From) })
		for k := range list {
			r.alert(p, &list[k])
		}
		left -= n
	}
	p.blank()
	end := "Picket tells what is unusual; whether it was trouble, only the people who run the account know."
	if left > 0 {
		end = number(left) + " more: add --all. " + end
	}
	p.under("", end)
}

// often says how often something comes, or in how short a time it came.
func (r *Report) often(perMonth float64) string {
	switch {
	case perMonth == 0:
		return " in " + lasting(r.Until.Sub(r.From))
	case perMonth < 0.1:
		return ", under 0.1 a month"
	case perMonth < 10:
		return fmt.Sprintf(", %.1f a month", perMonth)
	}
	return ", " + number(int(perMonth+0.5)) + " a month"
}

// share says how many alerts of each rule are shown: one each, then more in
// turn, those of the most urgent rules first, up to maxTold.
func (r *Report) share(all bool) []int {
	shown := make([]int, len(r.Rules))
	left := maxTold
	for round, more := 1, true; more; round++ {
		more = false
		for i := range r.Rules {
			if shown[i] < r.Rules[i].Alerts && (all || round == 1 || left > 0) {
				shown[i]++
				left--
				more = true
			}
		}
	}
	return shown
}

// alert writes one alert: when and why, and the text of its first post.
func (r *Report) alert(p *page, t *Told) {
	why := t.Reason
	switch {
	case t.about != "":
		why = alerting.Name(t.about) + ": " + why
	case len(r.Accounts) > 1:
		why = called(t.Account) + ": " + why
	}
	p.few(date(t.From), why, maxWhy)
	if t.Text != "" {
		p.quote(t.Text)
	}
}

// next is what to type next.
func (r *Report) next() string {
	for i := range r.Accounts {
		if name := r.Accounts[i].Account; connectable(name) {
			return connecting(name, r.server)
		}
	}
	return "picket --help"
}

// urgency says whom an alert of a rule reaches, and when.
func urgency(r *rules.Rule) string {
	a := alerting.Alert{Rule: alerting.Rule{Level: r.Level, Mode: r.Mode, Tags: r.Tags}}
	asleep := alerting.AccountInfo{Working: func(time.Time) bool { return false }}
	switch alerting.UrgencyOf(&a, asleep, time.Time{}) {
	case alerting.UrgencyPage:
		return "calls somebody at any hour"
	case alerting.UrgencyHours:
		return "calls somebody in working hours"
	case alerting.UrgencyChat:
		return "a message in chat, nobody is called"
	case alerting.UrgencySRE:
		return "goes to those who run Picket"
	case alerting.UrgencyNone:
		return "is recorded and told to nobody"
	case alerting.UrgencyDigest:
	}
	return "a line in the daily summary"
}
