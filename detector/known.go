package detector

import (
	"fmt"
	"time"

	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/baseline/drift"
	"github.com/picketd/picket/detector/baseline/loginrisk"
	"github.com/picketd/picket/detector/baseline/profile"
	"github.com/picketd/picket/detector/baseline/rate"
	"github.com/picketd/picket/detector/baseline/travel"
	"github.com/picketd/picket/rules"
)

// Knows says in words what a rule, by id, knows of an account that cannot be
// listed value by value as Baselines does: a line for each model, none where the
// rule keeps nothing else or has seen nothing.
func (e *Engine) Knows(account, rule string) []string {
	e.memory.release(0)
	st, r := e.find(account), e.ruleOf(rule)
	if st == nil || r == nil {
		return nil
	}
	key := e.plan.rules[r.Index].stateKey
	var out []string
	add := func(seen bool, format string, args ...any) {
		if seen {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	switch r.Type {
	case rules.TypeLoginRisk:
		for _, s := range memoriesOf[loginrisk.State](st, key) {
			since, logins := s.Since()
			add(logins > 0, "%s since %s; countries: %s", counting(logins, "login"), dateOf(since), shares(s))
		}
	case rules.TypeTravel:
		for _, s := range memoriesOf[travel.State](st, key) {
			lat, lon, radius := s.Place()
			add(s.Latest() != 0, "last seen %s at %.2f, %.2f within %.0f km", minuteOf(s.Latest()), lat, lon, radius)
		}
	case rules.TypeRareValue:
		for _, s := range memoriesOf[baseline.Rare](st, key) {
			since, uses := s.Known()
			add(uses > 0, "%s of %s since %s", counting(uses, "use"), r.Field.Name, dateOf(since))
		}
	case rules.TypeProfile:
		for _, s := range memoriesOf[profile.State](st, key) {
			since, posts := s.Known()
			add(posts > 0, "%s since %s", counting(posts, "post"), dateOf(since*second))
		}
	case rules.TypeRate:
		for _, s := range memoriesOf[rate.State](st, key) {
			since, days, weeks := s.Known()
			silent, due := "; its silences are not known yet", s.Deadline(&e.plan.rules[r.Index].rate)
			switch {
			case !awaits(r):
				silent = ""
			case due != 0:
				silent = "; a silence since then is odd from " + minuteOf(int64(due)*second)
			}
			add(s.Latest != 0, "since %s activities on %s in %s, the last %s%s",
				dateOf(since), counting(days, "day"), counting(weeks, "week"), minuteOf(int64(s.Latest)*second), silent)
		}
	case rules.TypeDrift:
		for _, s := range memoriesOf[drift.State](st, key) {
			last, at := s.Latest()
			add(at != 0, "%d at %s; %s known, on average %+.2f %% a day give or take %.2f %%",
				last, minuteOf(at), counting(s.Known(), "daily change"), 100*s.Trend, 100*s.Spread)
		}
	case rules.TypeStorm:
		for _, s := range memoriesOf[series](st, key) {
			n := s.Model.Known()
			add(n > 0, "%s of %s, %s", counting(n, "interval"), short(r.Timespan), days(time.Duration(n)*r.Timespan))
		}
	default:
	}
	return out
}

func dateOf(ns int64) string   { return time.Unix(0, ns).UTC().Format(time.DateOnly) }
func minuteOf(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04Z") }

// counting is a number of things in words: 1 login, 2 logins.
func counting(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
