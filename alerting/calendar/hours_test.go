package calendar

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mustHours(t *testing.T, text string, zone *time.Location) Hours {
	t.Helper()
	h, err := ParseHours(text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	// 2026-03-23 is a Monday; Berlin goes from UTC+1 to UTC+2 on the 29th.
	tests := []struct {
		name, hours, at string
		want            bool
	}{
		{"the first minute", "Mon-Fri 09:00-18:00", "2026-03-23T08:00:00Z", true},
		{"just before", "Mon-Fri 09:00-18:00", "2026-03-23T07:59:59Z", false},
		{"the last minute", "Mon-Fri 09:00-18:00", "2026-03-27T16:59:59Z", true},
		{"the end is outside", "Mon-Fri 09:00-18:00", "2026-03-27T17:00:00Z", false},
		{"a day off", "Mon-Fri 09:00-18:00", "2026-03-28T11:00:00Z", false},
		{"summer time", "Mon-Fri 09:00-18:00", "2026-03-30T07:00:00Z", true},
		{"one day of several", "Mon,Wed 09:00-12:00", "2026-03-25T10:00:00Z", true},
		{"between them", "Mon,Wed 09:00-12:00", "2026-03-24T10:00:00Z", false},
		{"a second span", "Mon-Fri 09:00-18:00, Sat 10:00-12:00", "2026-03-28T10:30:00Z", true},
		{"over midnight, before", "Mon 22:00-06:00", "2026-03-23T22:30:00Z", true},
		{"over midnight, after", "Mon 22:00-06:00", "2026-03-24T04:59:00Z", true},
		{"over midnight, over", "Mon 22:00-06:00", "2026-03-24T05:00:00Z", false},
		{"over midnight, not the day itself", "Mon 22:00-06:00", "2026-03-23T03:00:00Z", false},
		{"over the end of the week", "Sat 22:00-06:00", "2026-03-29T03:00:00Z", true},
		{"days over the end of the week", "Fri-Mon 00:00-24:00", "2026-03-29T12:00:00Z", true},
		{"not in them", "Fri-Mon 00:00-24:00", "2026-03-26T12:00:00Z", false},
		{"until midnight", "monday 20:00-00:00", "2026-03-23T22:59:00Z", true},
		{"until midnight, over", "monday 20:00-00:00", "2026-03-23T23:00:00Z", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			h := mustHours(t, tt.hours, berlin)
			if got := h.Contains(at); got != tt.want {
				t.Errorf("%s contains %s: %v, want %v", h, tt.at, got, tt.want)
			}
		})
	}
	if !(Hours{}).Contains(time.Time{}) {
		t.Error("without stated hours, nothing is outside them")
	}
	if got := (Hours{}).Changes(moment(t, "2026-01-01T00:00:00Z"), moment(t, "2026-02-01T00:00:00Z")); got != nil {
		t.Errorf("without stated hours, something changes at %v", got)
	}
}

// TestHoursTurn has hours that begin or end while the clocks are turned: in
// Berlin 02:00 becomes 03:00 on 2026-03-29, and 03:00 becomes 02:00 on
// 2026-10-25.
func TestHoursTurn(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	tests := []struct {
		name, hours, from, until string
		want                     []string // begins and ends in turn
	}{
		{"a night in spring is an hour shorter", "Sat 22:00-06:00", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", []string{"2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z"}},
		{"a night in autumn is an hour longer", "Sat 22:00-06:00", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", []string{"2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z"}},
		{"an end that is skipped", "Sat 22:00-02:30", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", []string{"2026-03-28T21:00:00Z", "2026-03-29T01:30:00Z"}},
		{"an end that comes twice is the first", "Sat 22:00-02:30", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", []string{"2026-10-24T20:00:00Z", "2026-10-25T00:30:00Z"}},
		{"a start that is skipped", "Sun 02:30-06:00", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", []string{"2026-03-29T01:30:00Z", "2026-03-29T04:00:00Z"}},
		{"spans that meet are one", "Sat 10:00-12:00, Sat 12:00-14:00", "2026-03-28T00:00:00Z", "2026-03-29T00:00:00Z", []string{"2026-03-28T09:00:00Z", "2026-03-28T13:00:00Z"}},
		{"the whole week never changes", "Mon-Sun 00:00-24:00", "2026-03-26T00:00:00Z", "2026-04-02T00:00:00Z", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := mustHours(t, tt.hours, berlin)
			from, until := moment(t, tt.from), moment(t, tt.until)
			var got []string
			for _, at := range h.Changes(from, until) {
				got = append(got, at.UTC().Format(time.RFC3339))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			// What Changes says is what Contains says, minute by minute.
			inside, left := h.Contains(from), h.Changes(from, until)
			for at := from; at.Before(until); at = at.Add(time.Minute) {
				if len(left) > 0 && !at.Before(left[0]) {
					inside, left = !inside, left[1:]
				}
				if h.Contains(at) != inside {
					t.Fatalf("contains %s: %v, not as its changes say", at, !inside)
				}
			}
		})
	}
}

func TestHoursFaults(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", `"" is no part of a week; expected days and times, such as Mon-Fri 09:00-18:00`},
		{"Mon", `"Mon" ends without times; expected days and times, such as Mon-Fri 09:00-18:00`},
		{"Mon 9-5 now", `"Mon 9-5 now" is no part of a week; expected days and times, such as Mon-Fri 09:00-18:00`},
		{"Montag 09:00-18:00", `"Montag" is not a day; expected Mon, Tue, Wed, Thu, Fri, Sat or Sun, or a range such as Mon-Fri`},
		{"Mon-Fry 09:00-18:00", `"Fry" is not a day; expected Mon, Tue, Wed, Thu, Fri, Sat or Sun, or a range such as Mon-Fri`},
		{"Mon 09:00", `"09:00" is not a span of time; expected a start and an end, such as 09:00-18:00`},
		{"Mon 9-17", `"9" is not a time of day; expected hours and minutes from 00:00 to 24:00, such as 09:00`},
		{"Mon 09:60-17:00", `"09:60" is not a time of day; expected hours and minutes from 00:00 to 24:00, such as 09:00`},
		{"Mon 09:00-24:01", `"24:01" is not a time of day; expected hours and minutes from 00:00 to 24:00, such as 09:00`},
		{"Mon 24:00-03:00", `"24:00-03:00" starts at the end of the day; expected a start such as 09:00`},
		{"Mon 09:00-09:00", `"09:00-09:00" is empty; expected a start and another end, or 00:00-24:00 for the whole day`},
		{"Mon 09:00-12:00,", `"" is no part of a week; expected days and times, such as Mon-Fri 09:00-18:00`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			h, err := ParseHours(tt.text, time.UTC)
			if err == nil || err.Error() != tt.want {
				t.Errorf("fault %v\nwant  %s", err, tt.want)
			}
			if !h.IsZero() {
				t.Errorf("half of it was read: %v", h)
			}
		})
	}
}

// FuzzHours: what was read survives printing, and a moment is judged
// alike.
func FuzzHours(f *testing.F) {
	for _, s := range []string{"Mon-Fri 09:00-18:00", "Sat,Sun 22:00-06:00, Wed 1:00-24:00", "Mon", "", "sun-sat 00:00-24:00"} {
		f.Add(s, int64(1774256400))
	}
	f.Fuzz(func(t *testing.T, s string, at int64) {
		h, err := ParseHours(s, time.UTC)
		if err != nil {
			return
		}
		again, err := ParseHours(h.String(), time.UTC)
		if err != nil {
			t.Fatalf("%q does not survive printing: %v", s, err)
		}
		if moment := time.Unix(at, 0); h.Contains(moment) != again.Contains(moment) {
			t.Fatalf("%q and %q judge %s differently", s, h, moment)
		}
	})
}
