package config

import (
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
		err  string
	}{
		{"0s", 0, ""},
		{"500ms", 500 * time.Millisecond, ""},
		{"1h30m", 90 * time.Minute, ""},
		{"90d", 2160 * time.Hour, ""},
		{"1w2d3h", 219 * time.Hour, ""},
		{"0d", 0, ""},
		{"60", 0, `"60" is not a duration; expected a number and a unit, such as 500ms, 30s, 15m, 12h, 90d or 1w`},
		{"", 0, `"" is not a duration`},
		{"d", 0, `"d" is not a duration`},
		{"1d1w", 0, `"1d1w" is not a duration`},
		{"1.5d", 0, `"1.5d" is not a duration`},
		{"-1d", 0, `"-1d" is not a duration`},
		{"-5s", 0, `"-5s" is negative`},
		{"1d-5s", 0, `"1d-5s" is negative`},
		{"4294967295w", 0, `"4294967295w" is too long`},
		{"15250w1w", 0, `"15250w1w" is not a duration`},
		{"106751d24h", 0, `"106751d24h" is too long`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := ParseDuration(tt.text)
			check(t, got, err, tt.want, tt.err)
		})
	}
}

func TestParseSize(t *testing.T) {
	tests := []struct {
		text string
		want int64
		err  string
	}{
		{"0", 0, ""},
		{"1048576", 1 << 20, ""},
		{"17B", 17, ""},
		{"512KiB", 512 << 10, ""},
		{"1.5 GiB", 3 << 29, ""},
		{"2TiB", 2 << 40, ""},
		{"1GB", 0, `"1GB" has no known unit; expected bytes, or KiB, MiB, GiB or TiB, such as 10GiB`},
		{"GiB", 0, `"GiB" is not a size`},
		{"", 0, `"" is not a size`},
		{"1.2.3KiB", 0, `"1.2.3KiB" is not a size`},
		{"-1KiB", 0, `"-1KiB" has no known unit`},
		{"0.3B", 0, `"0.3B" is not a whole number of bytes`},
		{"8388608TiB", 0, `"8388608TiB" is too large`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := parseSize(tt.text)
			check(t, got, err, tt.want, tt.err)
		})
	}
}

func check[T comparable](t *testing.T, got T, err error, want T, fault string) {
	t.Helper()
	switch {
	case fault == "" && err != nil:
		t.Errorf("fault %v, want %v", err, want)
	case fault != "" && (err == nil || !strings.HasPrefix(err.Error(), fault)):
		t.Errorf("fault %v, want %s", err, fault)
	case got != want:
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWorkingHours(t *testing.T) {
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
	if !(WorkingHours{}).Contains(time.Time{}) {
		t.Error("without stated hours, nothing is outside them")
	}
}

func TestWorkingHoursFaults(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", `"" is not a part of working hours; expected days and times, such as Mon-Fri 09:00-18:00`},
		{"Mon", `"Mon" ends without times; expected days and times, such as Mon-Fri 09:00-18:00`},
		{"Mon 9-5 now", `"Mon 9-5 now" is not a part of working hours; expected days and times, such as Mon-Fri 09:00-18:00`},
		{"Montag 09:00-18:00", `"Montag" is not a day; expected Mon, Tue, Wed, Thu, Fri, Sat or Sun, or a range such as Mon-Fri`},
		{"Mon-Fry 09:00-18:00", `"Fry" is not a day; expected Mon, Tue, Wed, Thu, Fri, Sat or Sun, or a range such as Mon-Fri`},
		{"Mon 09:00", `"09:00" is not a span of time; expected a start and an end, such as 09:00-18:00`},
		{"Mon 9-17", `"9" is not a time of day; expected hours and minutes from 00:00 to 24:00, such as 09:00`},
		{"Mon 09:60-17:00", `"09:60" is not a time of day; expected hours and minutes from 00:00 to 24:00, such as 09:00`},
		{"Mon 09:00-24:01", `"24:01" is not a time of day; expected hours and minutes from 00:00 to 24:00, such as 09:00`},
		{"Mon 24:00-03:00", `"24:00-03:00" starts at the end of the day; expected a start such as 09:00`},
		{"Mon 09:00-09:00", `"09:00-09:00" is empty; expected a start and another end, or 00:00-24:00 for the whole day`},
		{"Mon 09:00-12:00,", `"" is not a part of working hours; expected days and times, such as Mon-Fri 09:00-18:00`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			h, err := ParseWorkingHours(tt.text, time.UTC)
			if err == nil || err.Error() != tt.want {
				t.Errorf("fault %v\nwant  %s", err, tt.want)
			}
			if !h.IsZero() {
				t.Errorf("half of it was read: %v", h)
			}
		})
	}
}

// FuzzWorkingHours: what was read survives printing, and a moment is judged
// alike.
func FuzzWorkingHours(f *testing.F) {
	for _, s := range []string{"Mon-Fri 09:00-18:00", "Sat,Sun 22:00-06:00, Wed 1:00-24:00", "Mon", "", "sun-sat 00:00-24:00"} {
		f.Add(s, int64(1774256400))
	}
	f.Fuzz(func(t *testing.T, s string, at int64) {
		h, err := ParseWorkingHours(s, time.UTC)
		if err != nil {
			return
		}
		again, err := ParseWorkingHours(h.String(), time.UTC)
		if err != nil {
			t.Fatalf("%q does not survive printing: %v", s, err)
		}
		if moment := time.Unix(at, 0); h.Contains(moment) != again.Contains(moment) {
			t.Fatalf("%q and %q judge %s differently", s, h, moment)
		}
	})
}
