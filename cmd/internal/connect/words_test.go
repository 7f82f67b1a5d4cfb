package connect

import (
	"testing"
	"time"
)

func TestWords(t *testing.T) {
	now := time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct{ name, got, want string }{
		{"a count", count(7), "7"},
		{"a count in thousands", count(48210), "48,210"},
		{"a count in millions", count(1234567), "1,234,567"},
		{"a count below nothing", count(-123), "-123"},
		{"a count far below nothing", count(-1234), "-1,234"},
		{"about nothing", about(0), "0"},
		{"about less than one", about(0.1234), "0.12"},
		{"about some", about(4.44), "4.4"},
		{"about dozens", about(86.4), "86"},
		{"about hundreds", about(868.4), "868"},
		{"about thousands", about(4324.4), "4,320"},
		{"about a lot", about(1234567), "1,230,000"},
		{"one", several(1, "post"), "1 post"},
		{"several", several(1200, "post"), "1,200 posts"},
		{"just now", ago(now.Add(-59*time.Second), now), "just now"},
		{"in the future", ago(now.Add(time.Hour), now), "just now"},
		{"minutes", ago(now.Add(-119*time.Minute), now), "119 minutes ago"},
		{"hours", ago(now.Add(-47*time.Hour), now), "47 hours ago"},
		{"days", ago(now.Add(-50*time.Hour), now), "2 days ago"},
		{"a minute", span(time.Minute), "1m"},
		{"seconds", span(90 * time.Second), "1m30s"},
		{"an hour", span(time.Hour), "1h"},
		{"ten seconds", span(10 * time.Second), "10s"},
		{"hours and minutes", span(90 * time.Minute), "1h30m"},
		{"a list of none", list(nil), ""},
		{"a list of one", list([]string{"a"}), "a"},
		{"a list of three", list([]string{"a", "b", "c"}), "a, b and c"},
		{"a sentence", sentence("check it"), "Check it"},
		{"a sentence already", sentence("Check it"), "Check it"},
		{"an empty sentence", sentence(""), ""},
		{"a name", nameFrom("Acme", "x"), "acme-x"},
		{"a name of other letters", nameFrom("_büro.München", "x"), "b-ro-m-nchen-x"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.got != row.want {
				t.Errorf("%q, want %q", row.got, row.want)
			}
		})
	}
}

func TestParseHandle(t *testing.T) {
	for given, want := range map[string]string{
		"@Acme": "Acme", "acme_2": "acme_2", "https://x.com/acme": "acme", "https://x.com/acme/status/1": "acme",
		"": "", "@": "", "a b": "", "büro": "", "sixteen_letters_": "", "acme/x": "",
	} {
		t.Run(given, func(t *testing.T) {
			got, err := parseHandle(given)
			if got != want || (err == nil) != (want != "") {
				t.Errorf("%q, error %v; want %q", got, err, want)
			}
		})
	}
}

func TestParseOkta(t *testing.T) {
	for given, want := range map[string]string{
		"https://acme.okta.com": "https://acme.okta.com", "acme.okta.com": "https://acme.okta.com",
		"https://acme-admin.okta.com/admin/dashboard": "https://acme.okta.com", "ACME-admin.oktapreview.com": "https://acme.oktapreview.com",
		"https://login.acme.example:8443/": "https://login.acme.example:8443", "http://localhost:8080": "http://localhost:8080",
		"acme": "", "": "", "ftp://acme.okta.com": "", "https://me@acme.okta.com": "", "https://": "",
	} {
		t.Run(given, func(t *testing.T) {
			got, err := parseOkta(given)
			if got != want || (err == nil) != (want != "") {
				t.Errorf("%q, error %v; want %q", got, err, want)
			}
		})
	}
}
