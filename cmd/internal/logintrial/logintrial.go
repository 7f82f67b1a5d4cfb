// Package logintrial measures the rules about logins on logins whose truth is
// known: how many of a person's own raise an alert, how many of an intruder's
// do not. The logins come from collectors/simulate/logins and go through the
// daemon's own engine. What a good figure is belongs in the test, whose
//
//	go test ./cmd/internal/logintrial -run Logins -v
//
// prints the tables.
package logintrial

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/simulate/logins"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// Names of the rules that are measured.
const (
	Risk   = "login_unlike_person"
	Travel = "impossible_travel"
)

// Tally counts logins, or intruders, and how many of them were found.
type Tally struct{ Found, All int }

func (t Tally) share() float64 { return float64(t.Found) / float64(max(t.All, 1)) }

// Percent is how many percent were found.
func (t Tally) Percent() float64 { return 100 * t.share() }

// Report is what one population showed.
type Report struct {
	Months   float64                 // account-months that were judged
	Own      Tally                   // people's logins: challenged by Risk
	OwnBy    map[string]Tally        // the same, by logins.Login.Why
	Alerts   int                     // episodes of Risk that a person's login opened
	Jumped   int                     // journeys of people that Travel told, no intruder about
	JumpedBy map[string]int          // the same, by logins.Login.Why
	After    int                     // the same within two days after an intruder
	Intruder map[logins.Attack]Tally // logins that Risk found
	ByTravel map[logins.Attack]Tally // logins that Travel found
	Jumps    Tally                   // logins more than 1,000 km off within 30 minutes: found by Travel
	Veiled   Tally                   // the same after a login that did not tell where the person was
	Raised   int                     // alerts of any of the rules on people's own logins
}

// Play lets a population log in and counts from day from on.
func Play(c logins.Config, files []rules.File, from int) (*Report, error) {
	all, err := logins.New(c)
	if err != nil {
		return nil, err
	}
	plan, err := detector.Compile(detector.Set{Rules: files})
	if err != nil {
		return nil, err
	}
	p := player{
		e: detector.NewEngine(0, plan, detector.EngineOptions{}), begin: c.Start.AddDate(0, 0, from),
		attacked: map[string]time.Time{}, told: map[string]bool{},
		rep: &Report{
			OwnBy: map[string]Tally{}, JumpedBy: map[string]int{}, Intruder: map[logins.Attack]Tally{}, ByTravel: map[logins.Attack]Tally{},
			Months: float64(c.People) * float64(c.Days-from) / 30,
		},
	}
	for i := range all {
		p.login(uint64(i+1), &all[i])
	}
	return p.rep, nil
}

type player struct {
	e        *detector.Engine
	rep      *Report
	begin    time.Time
	attacked map[string]time.Time // when an intruder last logged in
	told     map[string]bool      // journeys, by episode
}

// seen is what the rules made of one login.
type seen struct{ risk, travel, opened, jumped, raised bool }

func (p *player) apply(seq uint64, l *logins.Login) seen {
	b := activity.Batch{Activities: []activity.Activity{l.Activity}}
	var out seen
	for _, f := range p.e.Apply(seq, l.Activity.Seen, &b) {
		if f.Phase == detector.Close || f.Account != l.Activity.Account || f.Last.Before(l.Activity.Time) {
			continue
		}
		travelled := p.travelled(&f)
		out.risk = out.risk || f.Rule.Name == Risk
		out.travel = out.travel || travelled
		out.raised = out.raised || f.Phase == detector.Open
		out.opened = out.opened || f.Rule.Name == Risk && f.Phase == detector.Open
		out.jumped = out.jumped || travelled && (f.Phase == detector.Open || f.Rule.Name == Risk)
	}
	return out
}

// travelled reports whether a finding tells of an impossible journey for the
// first time, by itself or within that of Risk.
func (p *player) travelled(f *detector.Finding) bool {
	for _, r := range f.Reasons {
		if r.Detail["km_per_hour"] != "" && !p.told[f.Episode+r.Seen] {
			p.told[f.Episode+r.Seen] = true
			return true
		}
	}
	return false
}

func (p *player) login(seq uint64, l *logins.Login) {
	s := p.apply(seq, l)
	a := &l.Activity
	if l.Attack != "" {
		p.attacked[a.Account] = a.Time
	}
	if a.Time.Before(p.begin) {
		return
	}
	r := p.rep
	if l.Attack != "" {
		count(r.Intruder, l.Attack, s.risk)
		count(r.ByTravel, l.Attack, s.travel)
		if l.Jump {
			if l.Veiled {
				r.Veiled.add(s.travel)
			} else {
				r.Jumps.add(s.travel)
			}
		}
		return
	}
	r.Own.add(s.risk)
	count(r.OwnBy, l.Why, s.risk)
	if s.raised {
		r.Raised++
	}
	if s.opened {
		r.Alerts++
	}
	if s.jumped {
		if last, ok := p.attacked[a.Account]; ok && a.Time.Sub(last) < 48*time.Hour {
			r.After++
			return
		}
		r.Jumped++
		r.JumpedBy[l.Why]++
	}
}

func (t *Tally) add(found bool) {
	t.All++
	if found {
		t.Found++
	}
}

func count[K comparable](m map[K]Tally, k K, found bool) {
	t := m[k]
	t.add(found)
	m[k] = t
}

// Challenged is the share of people's logins that Risk challenged, in percent.
func (r *Report) Challenged() float64 { return r.Own.Percent() }

// Abroad is how many intruders' logins from abroad Risk found.
func (r *Report) Abroad() Tally {
	s, f := r.Intruder[logins.Stuffing], r.Intruder[logins.Foreign]
	return Tally{s.Found + f.Found, s.All + f.All}
}

// FalseJumps is how many alerts of Travel a person raised in a month.
func (r *Report) FalseJumps() float64 { return float64(r.Jumped) / r.Months }

// Print writes the report as a table.
func (r *Report) Print(w io.Writer) {
	fmt.Fprintf(w, "account-months %.0f, people's logins %d, intruders' %d\n", r.Months, r.Own.All, r.intruders())
	fmt.Fprintf(w, "login_unlike_person: challenged %.2f %% of people's logins, %.3f alerts per account-month\n", r.Challenged(), float64(r.Alerts)/r.Months)
	fmt.Fprintf(w, "impossible_travel:   %.4f false alerts per account-month (%d more right after an intruder), jumps found %d of %d, after a VPN or phone login %d of %d\n", r.FalseJumps(), r.After, r.Jumps.Found, r.Jumps.All, r.Veiled.Found, r.Veiled.All)
	fmt.Fprintf(w, "all rules on logins: %.3f alerts per account-month on people's own\n", float64(r.Raised)/r.Months)
	abroad := r.Abroad()
	fmt.Fprintf(w, "found of logins from abroad: %.1f %%\n", abroad.Percent())
	for _, kind := range logins.Attacks() {
		fmt.Fprintf(w, "  %-9s unlike %5.1f %%  travel %5.1f %%  of %d\n", kind, r.Intruder[kind].Percent(), r.ByTravel[kind].Percent(), r.Intruder[kind].All)
	}
	var why []string
	for k := range r.OwnBy {
		why = append(why, k)
	}
	slices.Sort(why)
	for _, k := range why {
		fmt.Fprintf(w, "  own %-12q challenged %6.2f %% of %d, false jumps %d\n", k, r.OwnBy[k].Percent(), r.OwnBy[k].All, r.JumpedBy[k])
	}
}

func (r *Report) intruders() int {
	n := 0
	for _, t := range r.Intruder {
		n += t.All
	}
	return n
}
