package trial

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// standing is how one rule guarded all accounts of a history.
type standing struct {
	rule             *rules.Rule
	active, learning int
	since            time.Time // it judged the first account from then on, zero where at once
	progress         string    // of the account that is nearest
	why, mend        string    // of the first account that it does not guard
}

// standings sums coverage up by rule, in the order of the program.
func (r *Report) standings() []*standing {
	byRule := map[*rules.Rule]*standing{}
	var out []*standing
	for i := range r.Coverage {
		g := &r.Coverage[i]
		s := byRule[g.rule]
		if s == nil {
			s = &standing{rule: g.rule}
			byRule[g.rule] = s
			out = append(out, s)
		}
		switch g.State {
		case detector.CoverageActive:
			if s.active++; s.active == 1 || g.Since.Before(s.since) {
				s.since = g.Since
			}
		case detector.CoverageLearning:
			s.learning++
			s.progress = cmp.Or(s.progress, g.progress())
		case detector.CoverageNoSource, detector.CoverageOff:
			if s.why == "" {
				s.why, s.mend = g.Why, g.Mend
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *standing) int { return cmp.Compare(a.rule.Index, b.rule.Index) })
	return out
}

// doing says which rules judge and since when.
func (r *Report) doing(p *page) {
	var atOnce, later, still []string
	for _, s := range r.standings() {
		title := s.rule.Title
		if len(r.Accounts) > 1 {
			title += fmt.Sprintf(" (%d of %d accounts)", s.active+s.learning, len(r.Accounts))
		}
		switch {
		case s.active > 0 && s.since.IsZero():
			atOnce = append(atOnce, title)
		case s.active > 0:
			later = append(later, title+", from "+date(s.since))
		case s.learning > 0:
			still = append(still, title+": "+s.progress)
		}
	}
	if len(atOnce)+len(later)+len(still) == 0 {
		return
	}
	p.blank()
	p.heading("Rules at work", fmt.Sprintf("%d of %s", len(atOnce)+len(later)+len(still), counted(len(r.standings()), "rules")))
	p.list("At once", atOnce)
	p.list("After learning", later)
	p.list("Still learning", still)
}

// progress says how much is learned.
func (g *Guard) progress() string {
	var parts []string
	if g.NeedDays > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d days", min(g.Days, g.NeedDays), g.NeedDays))
	}
	if g.NeedEvents > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d examples", min(g.Events, g.NeedEvents), g.NeedEvents))
	}
	if len(parts) == 0 {
		return g.Why
	}
	return strings.Join(parts, ", ")
}

// blindSpot is what several rules lack and one step would bring.
type blindSpot struct {
	whys  []string
	mend  string
	rules []*rules.Rule // most urgent first
}

// blind says what a history cannot show.
func (r *Report) blind(p *page) {
	all := r.standings()
	spots, n := blindSpots(all)
	if n == 0 {
		return
	}
	p.blank()
	p.heading("What it could not see", fmt.Sprintf("%d of %s", n, counted(len(all), "rules")))
	for _, b := range spots {
		var titles []string
		for _, rule := range b.rules[:min(len(b.rules), maxTitles)] {
			titles = append(titles, rule.Title)
		}
		if more := len(b.rules) - maxTitles; more > 0 {
			titles = append(titles, number(more)+" more")
		}
		p.under("- ", strings.Join(titles, "; "))
		var say []string
		for _, text := range append(b.whys, b.mend) {
			if text != "" {
				say = append(say, capital(text)+".")
			}
		}
		p.under("  ", strings.Join(say, " "))
	}
}

// blindSpots gathers the rules that guard no account by what would bring what
// they lack, the most urgent first, and counts them.
func blindSpots(all []*standing) (spots []*blindSpot, n int) {
	for _, s := range all {
		if s.active+s.learning > 0 || s.why == "" {
			continue
		}
		n++
		i := slices.IndexFunc(spots, func(b *blindSpot) bool {
			return b.mend == s.mend && (s.mend != "" || slices.Contains(b.whys, s.why))
		})
		if i < 0 {
			i = len(spots)
			spots = append(spots, &blindSpot{mend: s.mend})
		}
		b := spots[i]
		b.rules = append(b.rules, s.rule)
		if !slices.Contains(b.whys, s.why) {
			b.whys = append(b.whys, s.why)
		}
	}
	for _, b := range spots {
		slices.SortStableFunc(b.rules, func(x, y *rules.Rule) int { return cmp.Compare(y.Level.Rank(), x.Level.Rank()) })
	}
	slices.SortStableFunc(spots, func(x, y *blindSpot) int {
		return cmp.Or(cmp.Compare(y.rules[0].Level.Rank(), x.rules[0].Level.Rank()), cmp.Compare(len(y.rules), len(x.rules)))
	})
	return spots, n
}
