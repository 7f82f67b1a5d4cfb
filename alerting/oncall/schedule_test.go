package oncall_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting/calendar"
	"github.com/picketd/picket/alerting/oncall"
	"github.com/picketd/picket/rules"
)

func location(tb testing.TB, name string) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return zone
}

func at(tb testing.TB, s string) time.Time {
	tb.Helper()
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// turns reads "jane, tom+ann": three people in two turns.
func turns(text string) [][]oncall.Person {
	var out [][]oncall.Person
	for turn := range strings.SplitSeq(text, ", ") {
		out = append(out, people(turn))
	}
	return out
}

func people(text string) []oncall.Person {
	var out []oncall.Person
	for name := range strings.SplitSeq(text, "+") {
		out = append(out, oncall.Person{Name: name})
	}
	return out
}

// names writes people as people reads them, "" for nobody.
func names(people []oncall.Person) string {
	var out []string
	for _, p := range people {
		out = append(out, p.Name)
	}
	return strings.Join(out, "+")
}

// layer makes one of "jane, tom" that hands over by a period such as 24h, or an
// RRULE, from a time by the clock on the wall.
func layer(tb testing.TB, zone *time.Location, name, who, rule, start, only string) oncall.Layer {
	tb.Helper()
	first, err := calendar.ParseWall(start)
	if err != nil {
		tb.Fatal(err)
	}
	l := oncall.Layer{Name: name, Turns: turns(who)}
	if period, perr := time.ParseDuration(rule); perr == nil {
		l.Handover, err = calendar.Every(period, first, zone)
	} else {
		l.Handover, err = calendar.NewRecurrence(rule, first, zone)
	}
	if err != nil {
		tb.Fatal(err)
	}
	if only != "" {
		if l.Only, err = calendar.ParseHours(only, zone); err != nil {
			tb.Fatal(err)
		}
	}
	return l
}

const (
	day  = "24h"
	week = "168h"
)

func TestOnDuty(t *testing.T) {
	berlin, newYork := location(t, "Europe/Berlin"), location(t, "America/New_York")
	// Two weeks each from Monday 2026-01-05 09:00; nights and weekends are Ann's
	// and Bob's, whose weeks go on behind the restriction.
	layered := oncall.Schedule{Zone: berlin, Layers: []oncall.Layer{
		layer(t, berlin, "nights", "ann, bob", week, "2026-01-05 09:00", "Mon-Fri 18:00-09:00, Sat,Sun 00:00-24:00"),
		layer(t, berlin, "days", "jane, tom+eva", week, "2026-01-05 09:00", ""),
	}}
	daily := oncall.Schedule{Zone: berlin, Layers: []oncall.Layer{layer(t, berlin, "daily", "jane, tom, ann", day, "2026-03-27 02:30", "")}}
	tests := []struct {
		name     string
		schedule oncall.Schedule
		at, want string
	}{
		{"before the first hand-over, nobody", layered, "2026-01-05T07:59:59Z", ""},
		{"at the first hand-over", layered, "2026-01-05T08:00:00Z", "jane"},
		{"the upper layer covers the one below", layered, "2026-01-05T17:00:00Z", "ann"},
		{"over midnight", layered, "2026-01-06T07:59:59Z", "ann"},
		{"back to the day", layered, "2026-01-06T08:00:00Z", "jane"},
		{"the weekend", layered, "2026-01-10T12:00:00Z", "ann"},
		{"Monday before the hand-over", layered, "2026-01-12T07:59:59Z", "jane"}, // Sunday's night is over at midnight
		{"a turn of two", layered, "2026-01-12T08:00:00Z", "tom+eva"},
		{"the second one's night", layered, "2026-01-12T17:00:00Z", "bob"},
		{"round again", layered, "2026-01-19T08:00:00Z", "jane"},
		{"in summer the hand-over is at 09:00 still: before", layered, "2026-07-06T06:59:59Z", "tom+eva"},
		{"in summer the hand-over is at 09:00 still: then", layered, "2026-07-06T07:00:00Z", "jane"},

		// Berlin's clocks skip 02:30 on 2026-03-29, and show it twice on
		// 2026-10-25.
		{"spring: the evening before", daily, "2026-03-28T22:00:00Z", "tom"},
		{"spring: 03:29 is before the skipped 02:30", daily, "2026-03-29T01:29:59Z", "tom"},
		{"spring: 03:30 is it", daily, "2026-03-29T01:30:00Z", "ann"},
		{"spring: 02:30 a day later, 23 hours on", daily, "2026-03-30T00:30:00Z", "jane"},
		{"autumn: before both", daily, "2026-10-25T00:29:59Z", "tom"},
		{"autumn: the first 02:30", daily, "2026-10-25T00:30:00Z", "ann"},
		{"autumn: the second 02:30 hands nothing over", daily, "2026-10-25T01:30:00Z", "ann"},
		{"autumn: 02:30 a day later, 25 hours on", daily, "2026-10-26T01:29:59Z", "ann"},
		{"autumn: and then", daily, "2026-10-26T01:30:00Z", "jane"},

		{
			"half a day, over the turn in New York, before",
			oncall.Schedule{Zone: newYork, Layers: []oncall.Layer{layer(t, newYork, "l", "jane, tom", "12h", "2026-03-01 07:00", "")}},
			"2026-03-08T10:59:59Z", "tom",
		},
		{
			"half a day, over the turn in New York, after",
			oncall.Schedule{Zone: newYork, Layers: []oncall.Layer{layer(t, newYork, "l", "jane, tom", "12h", "2026-03-01 07:00", "")}},
			"2026-03-08T11:00:00Z", "jane",
		},
		{
			"a leap day is a day",
			oncall.Schedule{Zone: time.UTC, Layers: []oncall.Layer{layer(t, time.UTC, "l", "jane, tom, ann", day, "2028-02-28", "")}},
			"2028-03-01T12:00:00Z", "ann",
		},
		{
			"no leap day in another year",
			oncall.Schedule{Zone: time.UTC, Layers: []oncall.Layer{layer(t, time.UTC, "l", "jane, tom, ann", day, "2027-02-28", "")}},
			"2027-03-01T12:00:00Z", "tom",
		},
		{
			"month by month, the last day",
			oncall.Schedule{Zone: time.UTC, Layers: []oncall.Layer{layer(t, time.UTC, "l", "jane, tom", "FREQ=MONTHLY;BYMONTHDAY=-1", "2028-01-31", "")}},
			"2028-02-29T00:00:00Z", "tom",
		},
		{
			"shifts of different length",
			oncall.Schedule{Zone: time.UTC, Layers: []oncall.Layer{layer(t, time.UTC, "l", "jane, tom", "FREQ=WEEKLY;BYDAY=MO,FR", "2026-01-05 09:00", "")}},
			"2026-01-09T09:00:00Z", "tom",
		},
		{
			"a restriction leaves a gap",
			oncall.Schedule{Zone: time.UTC, Layers: []oncall.Layer{layer(t, time.UTC, "l", "jane", week, "2026-01-05", "Mon-Fri 09:00-17:00")}},
			"2026-01-10T12:00:00Z", "",
		},
		{"no layer", oncall.Schedule{Zone: time.UTC}, "2026-01-10T12:00:00Z", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := names(tt.schedule.OnDuty(at(t, tt.at))); got != tt.want {
				t.Errorf("on duty at %s: %q, want %q", tt.at, got, tt.want)
			}
		})
	}
}

func TestOverrides(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	s := oncall.Schedule{
		Zone:   berlin,
		Layers: []oncall.Layer{layer(t, berlin, "days", "tom, eva", week, "2026-01-05 09:00", "Mon-Fri 00:00-24:00")},
		Overrides: []oncall.Override{
			{People: people("jane"), From: at(t, "2026-03-27T18:00:00+01:00"), Until: at(t, "2026-03-29T20:00:00+02:00"), Reason: "swapped"},
			{People: people("ann+bob"), From: at(t, "2026-03-28T09:00:00+01:00"), Until: at(t, "2026-03-28T12:00:00+01:00")},
			{People: people("max"), From: at(t, "2026-03-29T19:00:00+02:00"), Until: at(t, "2026-03-29T21:00:00+02:00")},
		},
	}
	want := []string{
		"2026-03-27 17:00 eva (days)",
		"2026-03-27 18:00 jane (override: swapped)",
		"2026-03-28 09:00 ann+bob (override)", // the later one in the list
		"2026-03-28 12:00 jane (override: swapped)",
		"2026-03-29 19:00 max (override)",
		"2026-03-29 21:00  ()",
		"2026-03-30 00:00 eva (days)",
		"2026-03-30 09:00 tom (days)",
	}
	var got []string
	shifts := s.Shifts(at(t, "2026-03-27T17:00:00+01:00"), at(t, "2026-03-30T12:00:00+02:00"))
	for i, sh := range shifts {
		got = append(got, fmt.Sprintf("%s %s (%s)", sh.From.In(berlin).Format("2006-01-02 15:04"), names(sh.People), sh.Why))
		if i > 0 && !shifts[i-1].Until.Equal(sh.From) {
			t.Errorf("shift %d ends %s, the next begins %s", i-1, shifts[i-1].Until, sh.From)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shifts (-want +got):\n%s", diff)
	}
	gaps := s.Gaps(at(t, "2026-03-27T17:00:00+01:00"), at(t, "2026-03-30T12:00:00+02:00"))
	if len(gaps) != 1 || gaps[0].Until.Sub(gaps[0].From) != 3*time.Hour {
		t.Errorf("gaps %+v, want the one of three hours", gaps)
	}
}

func TestNext(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	weekly := oncall.Schedule{Zone: berlin, Layers: []oncall.Layer{layer(t, berlin, "l", "jane, tom", week, "2026-01-05 09:00", "")}}
	alone := oncall.Schedule{Zone: berlin, Layers: []oncall.Layer{layer(t, berlin, "l", "jane", week, "2026-01-05 09:00", "")}}
	yearly := oncall.Schedule{Zone: berlin, Layers: []oncall.Layer{layer(t, berlin, "l", "jane, tom", "FREQ=YEARLY", "2026-01-05 09:00", "")}}
	tests := []struct {
		name     string
		schedule oncall.Schedule
		at       string
		want     string // "" for none
	}{
		{"in a week", weekly, "2026-01-05T08:00:00Z", "2026-01-12T08:00:00Z tom"},
		{"just before", weekly, "2026-01-12T07:59:59Z", "2026-01-12T08:00:00Z tom"},
		{"over the turn of the clocks", weekly, "2026-03-27T08:00:00Z", "2026-03-30T07:00:00Z jane"},
		{"the first one", weekly, "2025-12-01T00:00:00Z", "2026-01-05T08:00:00Z jane"},
		{"in a year", yearly, "2026-01-05T08:00:00Z", "2027-01-05T08:00:00Z tom"},
		{"nobody else", alone, "2026-01-05T08:00:00Z", ""},
		{"nobody at all", oncall.Schedule{Zone: berlin}, "2026-01-05T08:00:00Z", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			next, ok := tt.schedule.Next(at(t, tt.at))
			got := ""
			if ok {
				got = next.From.UTC().Format(time.RFC3339) + " " + names(next.People)
			}
			if got != tt.want {
				t.Errorf("next %q, want %q", got, tt.want)
			}
		})
	}
	if shifts := weekly.Shifts(at(t, "2026-01-05T08:00:00Z"), at(t, "2026-01-05T08:00:00Z")); shifts != nil {
		t.Errorf("shifts of no time: %v", shifts)
	}
}

// TestSomebodyIsOnDuty makes random schedules: somebody is on duty at every
// moment from the first hand-over on unless restrictions leave a gap, and then
// Gaps says so.
func TestSomebodyIsOnDuty(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 2026))
	zones := []*time.Location{time.UTC, location(t, "Europe/Berlin"), location(t, "America/New_York"), location(t, "Australia/Lord_Howe"), location(t, "Africa/Cairo")}
	restrictions := []string{"", "Mon-Fri 18:00-09:00", "Sat,Sun 00:00-24:00", "Mon-Sun 22:00-02:30", "Mon-Sun 02:30-22:00"}
	whole, holes := 0, 0
	for range 120 {
		zone := zones[r.IntN(len(zones))]
		s := oncall.Schedule{Zone: zone}
		covered := false
		for range 1 + r.IntN(3) {
			only := restrictions[r.IntN(len(restrictions))]
			covered = covered || only == ""
			period := []string{"8h", "12h", day, "48h", week, "FREQ=WEEKLY;BYDAY=MO,FR", "FREQ=DAILY;BYHOUR=2,14;BYMINUTE=30"}[r.IntN(7)]
			s.Layers = append(s.Layers, layer(t, zone, "l", []string{"jane", "jane, tom", "jane, tom+ann, bob"}[r.IntN(3)], period, "2026-01-01", only))
		}
		from := time.Date(2026, time.January, 15+r.IntN(300), r.IntN(24), 0, 0, 0, time.UTC)
		until := from.Add(21 * 24 * time.Hour)
		for range r.IntN(3) {
			begin := from.Add(time.Duration(r.IntN(400)) * time.Hour)
			s.Overrides = append(s.Overrides, oncall.Override{People: people("max"), From: begin, Until: begin.Add(time.Duration(1+r.IntN(50)) * time.Hour)})
		}
		gaps := s.Gaps(from, until)
		if covered && len(gaps) > 0 {
			t.Fatalf("nobody is on duty from %s to %s, though a layer has no restriction", gaps[0].From, gaps[0].Until)
		}
		for moment := from; moment.Before(until); moment = moment.Add(97 * time.Minute) {
			nobody := len(s.OnDuty(moment)) == 0
			told := false
			for _, g := range gaps {
				told = told || !moment.Before(g.From) && moment.Before(g.Until)
			}
			if nobody != told {
				t.Fatalf("at %s nobody on duty: %v, Gaps says %v", moment, nobody, told)
			}
			if nobody {
				holes++
			} else {
				whole++
			}
		}
	}
	if whole < 10000 || holes < 500 {
		t.Errorf("looked at %d moments with somebody and %d without: too few of a kind", whole, holes)
	}
}

func TestQuietHours(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	hours := func(text string) calendar.Hours {
		h, err := calendar.ParseHours(text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	quiet := oncall.QuietHours{
		{Levels: []rules.Level{rules.Low, rules.Medium, rules.Critical}, Hours: hours("Mon-Fri 20:00-08:00")},
		{Levels: []rules.Level{rules.Low}, Hours: hours("Sat,Sun 00:00-24:00")},
		{Levels: []rules.Level{rules.Informational}, Hours: hours("Mon-Sun 00:00-24:00")},
		{Levels: []rules.Level{rules.High}}, // no hours are none
	}
	tests := []struct {
		name, at string
		level    rules.Level
		want     string // until when, "" for not quiet
	}{
		{"by day", "2026-03-25T12:00:00Z", rules.Medium, ""},
		{"by night", "2026-03-25T22:00:00Z", rules.Medium, "2026-03-26T07:00:00Z"},
		{"a level without quiet hours", "2026-03-25T22:00:00Z", rules.High, ""},
		{"critical is never quiet", "2026-03-25T22:00:00Z", rules.Critical, ""},
		{"low: the weekend, whose last hour is skipped", "2026-03-28T12:00:00Z", rules.Low, "2026-03-29T22:00:00Z"},
		{"medium: Friday's night ends on Saturday", "2026-03-27T22:00:00Z", rules.Medium, "2026-03-28T07:00:00Z"},
		{"low: Friday's night and the weekend are one", "2026-03-27T22:00:00Z", rules.Low, "2026-03-29T22:00:00Z"},
		{"hours without an end are none", "2026-03-25T12:00:00Z", rules.Informational, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			until, ok := quiet.Until(tt.level, at(t, tt.at))
			got := ""
			if ok {
				got = until.UTC().Format(time.RFC3339)
			}
			if got != tt.want {
				t.Errorf("quiet until %q, want %q", got, tt.want)
			}
		})
	}
}
