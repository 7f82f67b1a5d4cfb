package dispatch

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

const (
	// summaryAfter is how long a storm may gather before its first summary, and
	// summaryEvery how often another one is told while it grows.
	summaryAfter, summaryEvery = time.Minute, 30 * time.Minute
	// calm is how long nothing must have been held back for a storm to be over.
	calm = 15 * time.Minute
	// maxNamed bounds the accounts and incidents that a summary names.
	maxNamed = 20
	// maxLeads bounds the incidents whose first alert is among those of a summary.
	maxLeads = 10
)

// room reports whether the budget has room for another message.
func (d *Desk) room(b *Budget, page bool, now time.Time) bool {
	limit, spent := b.Messages, d.Messages
	if page {
		limit, spent = b.Pages, d.Pages
	}
	if limit == 0 {
		return true
	}
	n := 0
	for _, at := range spent { // a clock that was turned back makes some lie ahead
		if now.Sub(at).Abs() < b.per() {
			n++
		}
	}
	return n < limit
}

func (b *Budget) per() time.Duration { return cmp.Or(b.Per, time.Hour) }

// spend counts a message.
func (d *Desk) spend(b *Budget, page bool, now time.Time) {
	limit, spent := b.Messages, &d.Messages
	if page {
		limit, spent = b.Pages, &d.Pages
	}
	if limit == 0 {
		return
	}
	*spent = append(*spent, now.UTC())
	*spent = slices.Delete(*spent, 0, max(len(*spent)-limit, 0))
}

// hold counts a message that is above the budget.
func (d *Desk) hold(page bool, now time.Time) {
	if d.Storm == nil {
		d.Storm = &Storm{Began: now.UTC()}
	}
	d.Storm.Last = now.UTC()
	d.Storm.Page = d.Storm.Page || page
}

// due is when a summary of the storm is told, or it is over.
func (d *Desk) due() time.Time {
	s := d.Storm
	switch {
	case s == nil:
		return time.Time{}
	case s.N == 0:
		return s.Began.Add(summaryAfter)
	}
	return s.Last.Add(calm)
}

// summarise tells a receiver of what was held back and of what waits for the
// digest, where it is time.
func (c *Core) summarise(d *desk, now time.Time) []notify.Message {
	var out []notify.Message
	if s := d.Storm; s != nil {
		count := len(d.held)
		if s.N > 0 && s.Told.IsZero() && count > 0 { // its desk was lost: it is told first, and over later
			s.Last = now.UTC()
		}
		switch {
		case s.N > 0 && !now.Before(s.Last.Add(calm)):
			out = append(out, c.storm(d, now, true))
		case s.N == 0 && !now.Before(s.Began.Add(summaryAfter)), s.N > 0 && count > s.Count && !now.Before(s.Told.Add(summaryEvery)):
			out = append(out, c.storm(d, now, false))
		}
	}
	next := d.due()
	if m, at, ok := c.digest(d, now); ok {
		out = append(out, m)
	} else if !at.IsZero() && (next.IsZero() || at.Before(next)) {
		next = at
	}
	if s := d.Storm; s != nil && s.N > 0 && len(d.held) > s.Count {
		next = earlier(next, s.Told.Add(summaryEvery))
	}
	c.wakes.set(ofDesk+d.Receiver, next)
	if len(out) > 0 {
		d.Pending = append(d.Pending, out...)
		c.dirty[ofDesk+d.Receiver] = struct{}{}
	}
	return out
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// storm writes a summary of what was held back, the last one when it is over.
func (c *Core) storm(d *desk, now time.Time, over bool) notify.Message {
	s := d.Storm
	s.N++
	id := "storm-" + d.Receiver + "-" + strconv.FormatInt(s.Began.Unix(), 36)
	held := c.incidents(d.held)
	s.Told, s.Count = now.UTC(), len(held)
	m := c.summary(d, id, s.N, held, now)
	m.Number, m.Started = "ST-"+number(id), s.Began
	m.Urgency = alerting.UrgencyChat
	if s.Page {
		m.Urgency = alerting.UrgencyPage
	}
	waiting := 0
	for _, in := range held {
		if in.State == alerting.Firing {
			waiting++
		}
	}
	head := strings.ToUpper(string(m.Level)) + " "
	if over {
		head = "OVER "
		m.State, m.Ended = alerting.Resolved, now.UTC()
	}
	m.Title = fmt.Sprintf("%s%s on %s above the budget of messages [%s]", head, many(len(held), "incident"), many(len(accountsOf(held)), "account"), m.Number)
	budget := fmt.Sprintf("%d pages and %d other messages in %s", c.policy.Budget.Pages, c.policy.Budget.Messages, plainly(c.policy.Budget.per()))
	what := fmt.Sprintf("%s of which messages were held back since %s: %s still waiting for somebody", many(len(held), "incident"), s.Began.UTC().Format("15:04Z"), strconv.Itoa(waiting))
	next := "the next summary when there is more, and one when it is over; the first critical alert of an account is told in any case"
	if over {
		next = "incidents are told one by one again, those of this summary are not"
	}
	m.Lines = slices.Concat([]notify.Line{{Label: "What", Text: what}, {Label: "Why", Text: "the budget of this receiver is " + budget}},
		named(held), []notify.Line{{Label: alerting.LabelNext, Text: next}, {Label: "Act", Text: "picket incidents ls"}})
	if over {
		d.Storm = nil
		c.release(d.held, now)
	}
	return m
}

// release has incidents looked at that a summary needed until now.
func (c *Core) release(ids map[string]struct{}, now time.Time) {
	for id := range ids {
		if c.records[id] != nil {
			c.wakes.set(ofIncident+id, now)
		}
	}
	clear(ids)
}

// digest writes the summary of what nobody was told of, or says when that is
// due.
func (c *Core) digest(d *desk, now time.Time) (m notify.Message, due time.Time, ok bool) {
	var first time.Time
	for id := range d.digest {
		if r := c.records[id]; r != nil {
			first = earlier(first, r.told(d.Receiver).Digest)
		}
	}
	if first.IsZero() {
		return m, first, false
	}
	if due = c.policy.DigestAfter(first); due.After(now) && first.Before(now.Add(48*time.Hour)) {
		return m, due, false
	}
	d.Digest = now.UTC()
	c.dirty[ofDesk+d.Receiver] = struct{}{}
	all := c.incidents(d.digest)
	c.release(d.digest, now)
	id := "digest-" + d.Receiver + "-" + strconv.FormatInt(now.Unix(), 36)
	m = c.summary(d, id, 1, all, now)
	m.Number, m.Urgency, m.Started = "DG-"+number(id), alerting.UrgencyDigest, first.UTC()
	m.State, m.Ended = alerting.Resolved, now.UTC()
	m.Title = fmt.Sprintf("Digest: %s on %s [%s]", many(len(all), "incident"), many(len(accountsOf(all)), "account"), m.Number)
	m.Lines = slices.Concat([]notify.Line{{Label: "What", Text: many(len(all), "incident") + " that paged nobody, since " + first.UTC().Format("2006-01-02 15:04Z")}},
		named(all), []notify.Line{{Label: "Act", Text: "picket incidents ls --state firing,acknowledged,resolved"}})
	return m, due, true
}

// summary is what both kinds of summaries have in common.
func (c *Core) summary(d *desk, id string, n int, all []*incident.Incident, now time.Time) notify.Message {
	m := notify.Message{
		V: notify.Version, Key: fmt.Sprintf("%s.%d.%s", id, n, notify.Summary), Receiver: d.Receiver, Kind: notify.Summary,
		At: now.UTC(), Incident: id, State: alerting.Firing, Level: rules.Informational,
	}
	for _, in := range all {
		if in.Level.Rank() > m.Level.Rank() {
			m.Level = in.Level
		}
		if len(m.Alerts) < maxLeads {
			m.Alerts = append(m.Alerts, alertsOf(in)[0])
		}
	}
	return m
}

// incidents returns incidents, the most pressing first.
func (c *Core) incidents(ids map[string]struct{}) []*incident.Incident {
	out := make([]*incident.Incident, 0, len(ids))
	for id := range ids {
		if r := c.records[id]; r != nil {
			out = append(out, r.Incident)
		}
	}
	slices.SortFunc(out, func(x, y *incident.Incident) int {
		return cmp.Or(y.Level.Rank()-x.Level.Rank(), x.Opened.Compare(y.Opened), cmp.Compare(x.ID, y.ID))
	})
	return out
}

// named lists accounts and incidents in lines.
func named(all []*incident.Incident) []notify.Line {
	accounts := accountsOf(all)
	lines := []notify.Line{}
	if len(accounts) > 0 {
		lines = append(lines, notify.Line{Label: "On", Text: some(accounts)})
	}
	titles := map[string]int{}
	for _, in := range all {
		titles[string(in.Level)+" "+in.Lead().Title]++
	}
	var kinds []string
	for _, title := range slices.SortedFunc(maps.Keys(titles), func(x, y string) int { return cmp.Or(titles[y]-titles[x], cmp.Compare(x, y)) }) {
		kinds = append(kinds, fmt.Sprintf("%d × %s", titles[title], title))
	}
	return append(lines, notify.Line{Label: alerting.LabelAlso, Text: some(kinds)})
}

func accountsOf(all []*incident.Incident) []string {
	var out []string
	for _, in := range all {
		out = append(out, in.Accounts()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func some(all []string) string {
	s := strings.Join(all[:min(len(all), maxNamed)], ", ")
	if more := len(all) - maxNamed; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// number is a short name of a summary, from its id.
func number(id string) string {
	sum := sha256.Sum256([]byte(id))
	return strings.ToUpper(hex.EncodeToString(sum[:3]))
}

func plainly(d time.Duration) string {
	return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
}
