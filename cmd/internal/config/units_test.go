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
