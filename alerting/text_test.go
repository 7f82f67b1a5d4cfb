package alerting

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

var update = flag.Bool("update", false, "write the golden texts")

type directory map[string]AccountInfo

func (d directory) Account(account string) (AccountInfo, bool) {
	info, ok := d[account]
	return info, ok
}

func testDirectory(t *testing.T) directory {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return directory{
		"x/acme": {
			Owner: "Jana Roth", Contact: "+49 30 555 0100", TimeZone: berlin,
			WorkingHours: "Mon-Fri 09:00-18:00", Importance: "high",
		},
		"okta/editor-2": {
			Owner: "Tom Berg", TimeZone: berlin, Guards: []string{"x/acme", "mastodon/acme", "x/acme_help"},
		},
	}
}

// textCase is an alert made of one finding and what came after.
func textCase(id string, r rules.Rule, act activity.Activity, count int, reasons ...detector.Reason) Alert {
	r.ID, r.Version, r.Mode = "7c1c3f0e-64a1-4c6e-9d52-7f4f6f1f0a01", "0123456789ab", rules.Enforce
	act.ID = "1501"
	act.Network, _, _ = strings.Cut(act.Account, "/")
	f := detector.Finding{
		Episode: id, Phase: detector.Open, Rule: &r, Network: act.Network, Account: act.Account,
		LogTime: act.Time.Add(time.Minute), First: act.Time, Last: act.Time, Count: count,
		Reasons: reasons, Evidence: []activity.Activity{act},
	}
	if count > 1 {
		f.First = act.Time.Add(-8 * time.Minute)
	}
	a, _ := Apply(Alert{}, f)
	return revise(Alert{}, a)
}

func unapproved() Alert {
	at := start()
	return textCase("3fa29c51", rules.Rule{
		Title: "Post nobody approved", Level: rules.Critical, Type: rules.TypeApproval,
		Response: []string{"phone the owner", "delete the post at https://x.com/acme", "revoke apps and sessions", "publish the holding statement"},
	}, activity.Activity{
		Account: "x/acme", Kind: activity.KindPost, Time: at, Seen: at.Add(70 * time.Second),
		Text: "Giving back! https://acme-gift.example\nhurry\x1b[31m", Media: []activity.Media{{Type: "image"}},
		Links:   []string{"https://acme-gift.example"},
		Metrics: []activity.Metric{{Name: "reposts", Value: 212}, {Name: "views", Value: 4100}},
	}, 1, detector.Reason{Seen: "no match among 12 approvals (nearest 8 %)", Expected: "an approval"},
		detector.Reason{Field: "link_domains", Seen: "acme-gift.example: 0 of 1,914 posts"})
}

func newCountry() Alert {
	at := start().Add(-14 * time.Minute)
	return textCase("b071d2e4", rules.Rule{
		Title: "New-country login", Level: rules.High, Type: rules.TypeNewValue,
		Response: []string{"phone, not by direct message", "not them: end sessions", "check the apps of x/acme"},
	}, activity.Activity{
		Account: "okta/editor-2", Kind: activity.KindLogin, Time: at, Seen: at.Add(5 * time.Second), IP: "192.0.2.7",
		Geo:     activity.Geo{City: "Cluj", Country: "RO", ASN: activity.Some(64500), Proxy: "none"},
		Outcome: activity.Outcome{Result: "success"}, Device: "new phone",
	}, 1, detector.Reason{Field: "geo.country", Seen: "country RO", Expected: "DE 212, AT 9 in 90 days"})
}

func burst() Alert {
	at := start()
	return textCase("00c0ffee", rules.Rule{Title: "Posting burst", Level: rules.Medium, Type: rules.TypeEventCount},
		activity.Activity{Account: "x/acme", Kind: activity.KindPost, Time: at, Text: "and another one", App: "Evil Poster"},
		15, detector.Reason{Seen: "15 posts in 10m", Expected: "fewer than 12"})
}

func profileChange() Alert {
	return textCase("11aa22bb", rules.Rule{Title: "Profile changed", Level: rules.High, Type: rules.TypeDetection},
		activity.Activity{
			Account: "x/acme", Kind: activity.KindProfile, Time: start(), Changed: []string{"name", "url", "picture", "bio"},
			Profile: []activity.Field{{Name: "name", Value: "ACME 🎁 GIVEAWAY"}, {Name: "url", Value: "https://acme-gift.example/claim"}, {Name: "bio", Value: "x"}},
			Old:     []activity.Field{{Name: "name", Value: "Acme"}, {Name: "url", Value: "https://acme.example"}},
		}, 1, detector.Reason{Field: "changed", Seen: "name, url, picture and bio changed at once"})
}

func textGoldens(t *testing.T) map[string]Alert {
	t.Helper()
	deletions := textCase("22bb33cc", rules.Rule{Title: "Many deletions", Level: rules.High, Type: rules.TypeEventCount},
		activity.Activity{Account: "x/acme", Kind: activity.KindDelete, Time: start(), Object: "1450", Actor: "editor-2"},
		31, detector.Reason{Seen: "31 deletions in 10m", Expected: "fewer than 10"})
	blind := textCase("33cc44dd", rules.Rule{Title: "Collector blind", Level: rules.High, Type: rules.TypeDetection, Response: []string{"give Picket access again"}},
		activity.Activity{Account: "x/acme", Kind: activity.KindPoll, Time: start(), Poll: activity.Poll{
			State: activity.PollForbidden, Reason: "403 code 453: the app has no access to this endpoint; choose a plan that has", LastOK: start().Add(-26 * time.Hour),
		}}, 1, detector.Reason{Field: "poll.state", Seen: "forbidden for 1h", Expected: "complete"})
	resolved, err := Act(unapproved(), ActionResolve, "jana", "post was ours, approval came late", start().Add(8*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	acked, err := Act(newCountry(), ActionAck, "tom", "calling them", start().Add(3*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	quiet := burst()
	quiet, _ = Apply(quiet, detector.Finding{
		Episode: quiet.ID, Phase: detector.Close, Position: detector.Position{Sequence: 9}, LogTime: start().Add(time.Hour), Closed: "quiet",
	})
	drill := burst()
	drill.Evidence[0].Drill = "spring"
	hostile := textCase("deadbeef", rules.Rule{
		Title: strings.Repeat("Very long title ", 20), Level: rules.Low, Type: rules.TypeDetection,
		Response: []string{strings.Repeat("step ", 100)},
	}, activity.Activity{
		Account: "x/" + strings.Repeat("a", 300), Kind: activity.KindPost, Time: start(),
		Text: strings.Repeat("漢字", 300) + "\u202e\x00", Actor: strings.Repeat("z", 500),
	}, 1, detector.Reason{Seen: strings.Repeat("seen", 120), Expected: "w\u0300\u0301\u0302\u0303\u0304x"})
	bare := textCase("0badcafe", rules.Rule{Title: "MFA removed", Level: rules.Critical, Type: rules.TypeDetection},
		activity.Activity{Account: "okta/nobody", Kind: activity.KindMFAChange, Time: start()}, 1)
	return map[string]Alert{
		"unapproved-post": unapproved(), "new-country-login": newCountry(), "burst": burst(), "profile-change": profileChange(),
		"deletions": deletions, "collector-blind": blind, "resolved": resolved, "acknowledged": acked,
		"resolved-by-quiet": quiet, "drill": drill, "hostile": hostile, "bare": bare,
	}
}

func TestTextGoldens(t *testing.T) {
	dir := testDirectory(t)
	for name, a := range textGoldens(t) {
		t.Run(name, func(t *testing.T) {
			got := Text(a, dir)
			path := filepath.Join("testdata", "text", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("text differs (-want +got); go test -update writes it:\n%s", diff)
			}
			checkScreen(t, got)
		})
	}
}

func checkScreen(t *testing.T, text string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > TextLines {
		t.Errorf("%d lines, want at most %d:\n%s", len(lines), TextLines, text)
	}
	for _, line := range lines {
		if n := columns(line); n > TextWidth {
			t.Errorf("%d columns, want at most %d: %q", n, TextWidth, line)
		}
	}
}

func TestTitle(t *testing.T) {
	for name, a := range textGoldens(t) {
		got := Title(a)
		if n := utf8.RuneCountInString(got); n > MaxTitle {
			t.Errorf("%s: title has %d characters: %q", name, n, got)
		}
		if !strings.HasSuffix(got, "["+a.Number()+"]") {
			t.Errorf("%s: title %q does not end with the number", name, got)
		}
	}
	if got, want := Title(unapproved()), "CRITICAL x/acme: post nobody approved [PK-3FA29C]"; got != want {
		t.Errorf("Title = %q, want %q", got, want)
	}
}

func TestTextWithoutDirectory(t *testing.T) {
	got := Text(unapproved(), nil)
	for _, want := range []string{"02:12Z", "owner not configured"} {
		if !strings.Contains(got, want) {
			t.Errorf("text lacks %q:\n%s", want, got)
		}
	}
}

func TestPlain(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"link", "see https://acme.example/a?b=c.d", "see hxxps://acme[.]example/a?b=c[.]d"},
		{"upper case", "HTTP://ACME.EXAMPLE", "HxxP://ACME[.]EXAMPLE"},
		{"bare domain", "acme.example now", "acme[.]example now"},
		{"no space after a sentence", "over.Next", "over[.]Next"},
		{"IPv4 address", "at 192.0.2.7:80", "at 192[.]0[.]2[.]7:80"},
		{"numbers stay", "8.5 % of 1.914, v1.2", "8.5 % of 1.914, v1.2"},
		{"end of sentence stays", "Done. Really.", "Done. Really."},
		{"other dots of host names", "acme。example ａｃｍｅ．example", "acme[.]example ａｃｍｅ[.]example"},
		{"several schemes", "http:https://a.b", "hxxp:hxxps://a[.]b"},
		{"httpd is a word", "httpd http", "httpd http"},
		{"control characters", "a\x1b[31mb\x00\u0085c", "a[31mb c"},
		{"lines and tabs", " a\r\n\tb  c ", "a b c"},
		{"direction and zero width", "a\u202eb\u200bc\ufeff", "abc"},
		{"stacked marks", "e\u0301\u0302\u0303\u0304", "e\u0301\u0302"},
		{"invalid UTF-8", "a\xffb", "ab"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Plain(tt.in); got != tt.want {
				t.Errorf("Plain(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestThousands(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 4100: "4,100", 1234567: "1,234,567", -1234: "-1,234", 0.5: "0.5"} {
		if got := thousands(v); got != want {
			t.Errorf("thousands(%v) = %q, want %q", v, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("Giving back! https://acme-gift.example", "New-country login", "x/acme", 3)
	f.Add("\u202e漢字。example\x1b[0m", "", "", 0)
	f.Add(strings.Repeat("a.", 300), strings.Repeat("é", 200), "okta/"+strings.Repeat("漢", 90), -1)
	f.Fuzz(func(t *testing.T, text, title, account string, count int) {
		a := textCase("3fa29c51", rules.Rule{Title: title, Level: rules.High, Response: []string{text}},
			activity.Activity{Account: account, Kind: activity.KindPost, Time: start(), Text: text, Actor: title, Links: []string{text}},
			count, detector.Reason{Seen: text, Expected: title})
		got := Text(a, nil)
		checkScreen(t, got)
		for _, r := range got {
			if r != '\n' && (r < ' ' || r == 0x7f || r == '\u202e') {
				t.Fatalf("control character %q in %q", r, got)
			}
		}
		if n := utf8.RuneCountInString(Title(a)); n > MaxTitle {
			t.Fatalf("title has %d characters", n)
		}
		if p := Plain(text); Plain(p) != p {
			t.Fatalf("Plain(%q) = %q, again %q", text, p, Plain(p))
		}
	})
}
