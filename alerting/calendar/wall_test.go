package calendar

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func location(tb testing.TB, name string) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return zone
}

func moment(tb testing.TB, s string) time.Time {
	tb.Helper()
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func wall(tb testing.TB, s string) time.Time {
	tb.Helper()
	t, err := ParseWall(s)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestInstant(t *testing.T) {
	tests := []struct{ name, zone, wall, want string }{
		{"winter", "Europe/Berlin", "2026-01-05 09:00", "2026-01-05T08:00:00Z"},
		{"summer", "Europe/Berlin", "2026-07-05 09:00", "2026-07-05T07:00:00Z"},
		{"the last minute before the turn", "Europe/Berlin", "2026-03-29 01:59", "2026-03-29T00:59:00Z"},
		{"a time that is skipped", "Europe/Berlin", "2026-03-29 02:30", "2026-03-29T01:30:00Z"}, // shown as 03:30
		{"the first minute after the turn", "Europe/Berlin", "2026-03-29 03:00", "2026-03-29T01:00:00Z"},
		{"a time that comes twice", "Europe/Berlin", "2026-10-25 02:30", "2026-10-25T00:30:00Z"},
		{"after it", "Europe/Berlin", "2026-10-25 03:00", "2026-10-25T02:00:00Z"},
		{"skipped in New York", "America/New_York", "2026-03-08 02:30", "2026-03-08T07:30:00Z"},
		{"twice in New York", "America/New_York", "2026-11-01 01:30", "2026-11-01T05:30:00Z"},
		{"a turn of half an hour", "Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T14:45:00Z"},
		{"midnight is skipped", "Africa/Cairo", "2026-04-24 00:00", "2026-04-23T22:00:00Z"}, // shown as 01:00
		{"a whole day is skipped", "Pacific/Apia", "2011-12-30 12:00", "2011-12-30T22:00:00Z"},
		{"without turns", "Asia/Kolkata", "2026-03-29 02:30", "2026-03-28T21:00:00Z"},
		{"a leap day", "UTC", "2028-02-29 12:00", "2028-02-29T12:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Instant(wall(t, tt.wall), location(t, tt.zone)).UTC().Format(time.RFC3339); got != tt.want {
				t.Errorf("%s in %s is %s, want %s", tt.wall, tt.zone, got, tt.want)
			}
		})
	}
}

// TestInstantKeepsOrder goes through two years of the clocks in steps of 15
// minutes: later on the wall is never earlier.
func TestInstantKeepsOrder(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Sao_Paulo", "UTC"} {
		zone, skipped := location(t, name), 0
		last := time.Time{}
		for w := wall(t, "2026-01-01"); w.Year() < 2028; w = w.Add(15 * time.Minute) {
			at := Instant(w, zone)
			if !Wall(at, zone).Equal(w) {
				skipped++
			}
			if at.Before(last) && Wall(last, zone).Equal(w.Add(-15*time.Minute)) {
				t.Fatalf("%s: %s is %s, before the %s of 15 minutes earlier", name, w, at, last)
			}
			last = at
		}
		want := map[string]int{"Europe/Berlin": 8, "America/New_York": 8, "Australia/Lord_Howe": 4, "Africa/Cairo": 8}[name]
		if skipped != want {
			t.Errorf("%s skips %d quarters of an hour in two years, want %d", name, skipped, want)
		}
	}
}

func TestParseMoment(t *testing.T) {
	tests := []struct{ text, want string }{
		{"2026-03-06 18:00", "2026-03-06T17:00:00Z"},
		{"2026-03-06T18:00", "2026-03-06T17:00:00Z"},
		{"2026-03-06", "2026-03-05T23:00:00Z"},
		{"2026-03-06T18:00:00-05:00", "2026-03-06T23:00:00Z"},
		{"2026-02-30", ""},
		{"Friday", ""},
		{"", ""},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := ParseMoment(tt.text, location(t, "Europe/Berlin"))
			if (err == nil) != (tt.want != "") {
				t.Fatalf("error %v, want a time: %v", err, tt.want != "")
			}
			if err == nil && got.Format(time.RFC3339) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRecurrence(t *testing.T) {
	tests := []struct {
		name, rule, start, zone string
		from, until             string
		want                    []string
	}{
		{
			"09:00 stays 09:00 over the turn in spring", "FREQ=DAILY", "2026-03-27 09:00", "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z",
			[]string{"2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z"},
		},
		{
			"and in autumn", "FREQ=DAILY", "2026-03-27 09:00", "Europe/Berlin", "2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z",
			[]string{"2026-10-24T07:00:00Z", "2026-10-25T08:00:00Z", "2026-10-26T08:00:00Z"},
		},
		{
			"a time that is skipped is later that day, and itself again after", "FREQ=DAILY", "2026-03-27 02:30", "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z",
			[]string{"2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"},
		},
		{
			"a time that comes twice happens once", "FREQ=DAILY", "2026-03-27 02:30", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z",
			[]string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		},
		{
			"two days of the week", "FREQ=WEEKLY;BYDAY=MO,FR", "2026-01-05 09:00", "UTC", "2026-01-05T09:00:00Z", "2026-01-17T00:00:00Z",
			[]string{"2026-01-05T09:00:00Z", "2026-01-09T09:00:00Z", "2026-01-12T09:00:00Z", "2026-01-16T09:00:00Z"},
		},
		{
			"every month's last day", "FREQ=MONTHLY;BYMONTHDAY=-1", "2028-01-01", "UTC", "2028-01-01T00:00:00Z", "2028-04-01T00:00:00Z",
			[]string{"2028-01-31T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z"},
		},
		{
			"a leap day's anniversary", "FREQ=YEARLY", "2024-02-29", "UTC", "2024-01-01T00:00:00Z", "2033-01-01T00:00:00Z",
			[]string{"2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"},
		},
		{
			"an end by the clock on the wall", "FREQ=DAILY;UNTIL=20260106T090000", "2026-01-05 09:00", "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z",
			[]string{"2026-01-05T08:00:00Z", "2026-01-06T08:00:00Z"},
		},
		{
			"an end in UTC", "FREQ=DAILY;UNTIL=20260106T075959Z", "2026-01-05 09:00", "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z",
			[]string{"2026-01-05T08:00:00Z"},
		},
		{
			"a number of times", "FREQ=DAILY;COUNT=2", "2026-01-05", "UTC", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z",
			[]string{"2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := NewRecurrence(tt.rule, wall(t, tt.start), location(t, tt.zone))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, at := range r.Times(moment(t, tt.from), moment(t, tt.until)) {
				got = append(got, at.UTC().Format(time.RFC3339))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("times (-want +got):\n%s", diff)
			}
			before := r.Count(moment(t, tt.from).Add(-1))
			if n := r.Count(moment(t, tt.until).Add(-1)) - before; n != len(tt.want) {
				t.Errorf("it counts %d, want %d", n, len(tt.want))
			}
			if r.Endless() == (strings.Contains(tt.rule, "COUNT") || strings.Contains(tt.rule, "UNTIL")) {
				t.Errorf("endless: %v", r.Endless())
			}
		})
	}
	var never *Recurrence
	if n := never.Count(moment(t, "2026-01-01T00:00:00Z")); n != 0 || never.Endless() {
		t.Errorf("no recurrence happened %d times", n)
	}
}

func TestRecurrenceRefuses(t *testing.T) {
	tests := []struct{ name, rule, want string }{
		{"nonsense", "every monday", "expected an RRULE of RFC 5545"},
		{"nothing", "", "expected an RRULE of RFC 5545"},
		{"an unknown frequency", "FREQ=FORTNIGHTLY", "undefined frequency"},
		{"a start of its own", "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY", "remove DTSTART"},
		{"every minute", "FREQ=MINUTELY", "more often than hourly"},
		{"every minute by another way", "FREQ=HOURLY;BYMINUTE=0,1,2", "more often than hourly"},
		{"seconds", "FREQ=DAILY;BYSECOND=1", "more often than hourly"},
		{"a day that no month has", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "it never happens"},
		{"over before it starts", "FREQ=DAILY;UNTIL=20200101T000000", "it never happens"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := NewRecurrence(tt.rule, wall(t, "2026-01-05"), time.UTC)
			if !errors.Is(err, ErrRule) || !strings.Contains(err.Error(), tt.want) || r != nil {
				t.Errorf("%v, error %v; want none and one with %q", r, err, tt.want)
			}
		})
	}
}

func TestEvery(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	tests := []struct {
		period time.Duration
		want   []string // from the turn of the clocks on
	}{
		{12 * time.Hour, []string{"2026-03-28T18:00:00Z", "2026-03-29T05:00:00Z", "2026-03-29T17:00:00Z"}},
		{24 * time.Hour, []string{"2026-03-29T05:00:00Z", "2026-03-30T05:00:00Z", "2026-03-31T05:00:00Z"}},
		{7 * 24 * time.Hour, []string{"2026-03-30T05:00:00Z", "2026-04-06T05:00:00Z", "2026-04-13T05:00:00Z"}},
	}
	for _, tt := range tests {
		t.Run(tt.period.String(), func(t *testing.T) {
			r, err := Every(tt.period, wall(t, "2026-03-23 07:00"), berlin)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, at := range r.Times(moment(t, "2026-03-28T12:00:00Z"), moment(t, "2026-05-01T00:00:00Z"))[:3] {
				got = append(got, at.UTC().Format(time.RFC3339))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("times (-want +got):\n%s", diff)
			}
		})
	}
	for _, period := range []time.Duration{0, time.Minute, 90 * time.Minute, 54 * 7 * 24 * time.Hour} {
		if _, err := Every(period, wall(t, "2026-03-23"), berlin); !errors.Is(err, ErrRule) {
			t.Errorf("every %s: error %v", period, err)
		}
	}
}

// TestEveryIsAsItsRule holds what a period is worked out as against the rule
// that means the same, over turns of the clocks and a day that Apia skipped.
func TestEveryIsAsItsRule(t *testing.T) {
	tests := []struct {
		period time.Duration
		rule   string
	}{
		{time.Hour, "FREQ=HOURLY"},
		{7 * time.Hour, "FREQ=HOURLY;INTERVAL=7"},
		{12 * time.Hour, "FREQ=HOURLY;INTERVAL=12"},
		{24 * time.Hour, "FREQ=DAILY"},
		{7 * 24 * time.Hour, "FREQ=WEEKLY"},
		{14 * 24 * time.Hour, "FREQ=WEEKLY;INTERVAL=2"},
	}
	for _, name := range []string{"Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"} {
		for _, tt := range tests {
			t.Run(name+" "+tt.rule, func(t *testing.T) {
				zone, start := location(t, name), wall(t, "2011-01-03 02:30")
				every, err := Every(tt.period, start, zone)
				if err != nil {
					t.Fatal(err)
				}
				rule, err := NewRecurrence(tt.rule, start, zone)
				if err != nil {
					t.Fatal(err)
				}
				for at := moment(t, "2010-12-31T12:00:00Z"); at.Before(moment(t, "2012-02-01T00:00:00Z")); at = at.Add(101*time.Hour + 30*time.Minute) {
					from, until := at, at.Add(20*24*time.Hour)
					if got, want := every.Count(at), rule.Count(at); got != want {
						t.Fatalf("until %s it happened %d times, by its rule %d", at, got, want)
					}
					if diff := cmp.Diff(rule.Times(from, until), every.Times(from, until)); diff != "" {
						t.Fatalf("times from %s (-rule +period):\n%s", from, diff)
					}
				}
			})
		}
	}
}

// FuzzRecurrence holds that what is read goes forward and counts what it lists.
func FuzzRecurrence(f *testing.F) {
	for _, s := range []string{"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,FR;INTERVAL=2", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY;BYWEEKNO=20", "FREQ=DAILY;COUNT=3"} {
		f.Add(s)
	}
	zone := location(f, "Europe/Berlin")
	start := time.Date(2026, 1, 5, 2, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, rule string) {
		r, err := NewRecurrence(rule, start, zone)
		if err != nil {
			return
		}
		from, until := start, start.AddDate(1, 0, 0)
		times := r.Times(from, until)
		for i := 1; i < len(times); i++ {
			if times[i].Before(times[i-1]) {
				t.Fatalf("%q: %s comes after %s", rule, times[i], times[i-1])
			}
		}
		if n := r.Count(until.Add(-1)) - r.Count(from.Add(-1)); n != len(times) {
			t.Errorf("%q: counts %d of %d", rule, n, len(times))
		}
	})
}
