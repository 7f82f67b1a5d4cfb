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
			WorkingHours: "Mon-Fri 09:00-18:00", Working: office(berlin), Importance: "normal",
			GuardedBy: []string{"okta/editor-2"}, ShowsDeletions: true,
		},
		"x/acme_help": {GuardedBy: []string{"okta/editor-2"}},
		"okta/editor-2": {
			Owner: "Tom Berg", TimeZone: berlin, Guards: []string{"x/acme", "mastodon/acme", "x/acme_help"},
			WorkingHours: "Mon-Fri 09:00-18:00", Working: office(berlin),
		},
	}
}

// office tells whether a moment is on Monday to Friday, from 9 to 18.
func office(zone *time.Location) func(time.Time) bool {
	return func(t time.Time) bool {
		t = t.In(zone)
		return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && t.Hour() >= 9 && t.Hour() < 18
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

// examplePost and exampleLogin are one incident with all that alerts can say.
func examplePost() Alert {
	at := time.Date(2026, 7, 14, 1, 12, 0, 0, time.UTC) // 03:12 in Berlin
	a := textCase("1042fe51", rules.Rule{
		Title: "Post nobody approved", Level: rules.Critical, Type: rules.TypeApproval,
		Response: []string{"Phone the owner.", "Delete the post.", "Revoke apps and sessions.", "Prepare a holding statement."},
	}, activity.Activity{
		Account: "x/acme", Kind: activity.KindPost, Time: at, Seen: at.Add(70 * time.Second),
		Text: "Giving back! https://acme-gift.example", Media: []activity.Media{{Type: "image"}},
		Metrics: []activity.Metric{{Name: "views", Value: 4100}, {Name: "reposts", Value: 212}},
	}, 1,
		detector.Reason{Seen: "no match among 12 approvals (nearest 8 %)"},
		detector.Reason{Field: "link_domains", Seen: "This domain, and 03 to 04 h: 0 of 1,914 posts"})
	login := exampleLogin()
	a.Around = Around{Verdicts: Tally{True: 8, Expected: 1}, Beside: []Head{HeadOf(&login, 7, login.Updated)}}
	return a
}

func exampleLogin() Alert {
	at := time.Date(2026, 7, 14, 0, 58, 0, 0, time.UTC)
	a := textCase("1041d2e4", rules.Rule{
		Title: "Login from a new country", Level: rules.High, Type: rules.TypeNewValue,
		Response: []string{"Phone, not by direct message.", "Not them: end sessions.", "Check the apps of x/acme."},
	}, activity.Activity{
		Account: "okta/editor-2", Kind: activity.KindLogin, Time: at, Seen: at.Add(5 * time.Second), IP: "192.0.2.7",
		Geo:     activity.Geo{City: "Cluj", Country: "RO", ASN: activity.Some(64500), Proxy: "none"},
		Outcome: activity.Outcome{Result: "success"}, Device: "new phone",
	}, 1,
		detector.Reason{Field: "geo.country", Seen: "country RO", Expected: "DE 212, AT 9 in 90 days; organisation: RO 0 of 31"},
		detector.Reason{Field: "geo", Seen: "970 km in 41 min = 1,420 km/h"})
	f := detector.Finding{
		Episode: a.ID, Phase: detector.Update, Position: detector.Position{Sequence: 2}, Network: "okta", Account: "okta/editor-2",
		LogTime: at.Add(2 * time.Minute), Count: 1,
		Usual: []detector.Reason{{Field: "hour", Seen: "hour (6 % of logins)"}},
		Since: &detector.Since{AsOf: at.Add(2 * time.Minute)},
	}
	a, _ = Apply(a, f)
	a.Around.Verdicts = Tally{True: 3, Expected: 1, False: 1}
	return a
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
	blind := textCase("33cc44dd", rules.Rule{Title: "Collector blind", Level: rules.High, Type: rules.TypeDetection, Tags: []string{TagSRE}, Response: []string{"give Picket access again"}},
		activity.Activity{Account: "x/acme", Kind: activity.KindPoll, Time: start(), Poll: activity.Poll{
			State: activity.PollForbidden, Reason: "403 code 453: the app has no access to this endpoint; choose a plan that has", LastOK: start().Add(-26 * time.Hour),
		}}, 1, detector.Reason{Field: "poll.state", Seen: "forbidden for 1h", Expected: "complete"})
	exhausted := textCase("33cc44de", rules.Rule{Title: "Picket cannot see this account", Level: rules.High, Type: rules.TypeDetection, Tags: []string{TagSRE}, Response: []string{"look at the account by hand now"}},
		activity.Activity{Network: "youtube", Account: "youtube/@acme", Kind: activity.KindPoll, Time: start(), Poll: activity.Poll{
			State:  activity.PollExhausted,
			Reason: "credit exhausted: credential tube has used 9950 of its 10000 units of this day, and the next request takes 100; nothing is read until 2026-03-14 07:00 UTC; to mend it: ask the network for more units",
			Until:  time.Date(2026, 3, 14, 7, 0, 0, 0, time.UTC), LastOK: start().Add(-time.Minute),
		}}, 1, detector.Reason{Field: "poll.state", Seen: "exhausted", Expected: "complete"})
	resolved, err := Act(unapproved(), resolving("jana", "post was ours, approval came late"), start().Add(8*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	acked, err := Act(newCountry(), acking("tom", "calling them"), start().Add(3*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	quiet := burst()
	quiet, _ = Apply(quiet, detector.Finding{
		Episode: quiet.ID, Phase: detector.Close, Position: detector.Position{Sequence: 9}, LogTime: start().Add(time.Hour), Closed: "quiet",
	})
	drill := burst()
	drill.Evidence[0].Drill = "spring"
	test := textCase("7e577e57", rules.Rule{
		Title: "Test alert", Level: rules.Low, Type: rules.TypeDetection, Tags: []string{rules.TagTest},
		Response: []string{"Nothing happened. Somebody ran picket alerts test."},
	}, activity.Activity{
		Account: TestAccount, Kind: activity.KindMessage, Time: start(), Drill: TestDrill, Actor: "jana",
		App: "picket alerts test", Text: "TEST: nothing happened",
	}, 1)
	late := profileChange()
	late.Evidence[0].Seen = late.Evidence[0].Time.Add(6*time.Hour + 10*time.Minute)
	expected, err := Act(newCountry(), Deed{Action: ActionResolve, Actor: "tom", Reason: "on holiday", Verdict: VerdictExpected}, start())
	if err != nil {
		t.Fatal(err)
	}
	assigned, err := Act(profileChange(), Deed{Action: ActionAssign, Actor: "jana", To: "tom"}, start().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	hostile := textCase("deadbeef", rules.Rule{
		Title: strings.Repeat("Very long title ", 20), Level: rules.Low, Type: rules.TypeDetection,
		Response: []string{strings.Repeat("step ", 100)},
	}, activity.Activity{
		Account: "x/" + strings.Repeat("a", 300), Kind: activity.KindPost, Time: start(),
		Text: strings.Repeat("漢字", 300) + "\u202e\x00", Actor: strings.Repeat("z", 500),
	}, 1, detector.Reason{Seen: strings.Repeat("seen", 120), Expected: "w\u0300\u0301\u0302\u0303\u0304x"})
	bare := textCase("0badcafe", rules.Rule{Title: "MFA removed", Level: rules.Critical, Type: rules.TypeDetection},
		activity.Activity{Account: "okta/nobody", Kind: activity.KindMFAChange, Time: start()}, 1)
	gone := examplePost()
	gone.Deleted = map[string]time.Time{gone.Trigger().ID: gone.LogTime.Add(4 * time.Minute)}
	return map[string]Alert{
		"deleted":         gone,
		"unapproved-post": unapproved(), "new-country-login": newCountry(), "burst": burst(), "profile-change": profileChange(),
		"deletions": deletions, "collector-blind": blind, "credit-exhausted": exhausted, "resolved": resolved, "acknowledged": acked,
		"resolved-by-quiet": quiet, "drill": drill, "hostile": hostile, "bare": bare,
		"test": test, "late": late, "expected": expected, "assigned": assigned,
		"example-post": examplePost(), "example-login": exampleLogin(),
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

// TestWhatChanged says which way something was changed, and for which app.
func TestWhatChanged(t *testing.T) {
	at := start()
	tests := []struct {
		name string
		act  activity.Activity
		want string
	}{
		{"a factor", activity.Activity{Kind: activity.KindMFAChange, Changed: []string{"mfa_added"}, Outcome: activity.Outcome{Result: "success"}}, "mfa change by jane: mfa added, success"},
		{"a failure", activity.Activity{Kind: activity.KindMFAChange, Outcome: activity.Outcome{Result: "failure", Reason: "wrong code"}}, "mfa change by jane: failure (wrong code)"},
		{"an app", activity.Activity{Kind: activity.KindTokenGrant, App: "Post Planner", Changed: []string{"token_granted"}, Outcome: activity.Outcome{Result: "success"}}, `token grant by jane: token granted, "Post Planner", success`},
		{"an app by the name of an outcome", activity.Activity{Kind: activity.KindTokenGrant, App: `failure, by"`, Changed: []string{"token_granted"}}, `token grant by jane: token granted, "failure, by'"`},
		{"two at once", activity.Activity{Kind: activity.KindRoleChange, Changed: []string{"group_added", "role_granted"}}, "role change by jane: group added, role granted"},
		{"nothing told", activity.Activity{Kind: activity.KindPasswordChange}, "password change by jane"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			act := tt.act
			act.Account, act.Network, act.Time, act.Actor = "okta/jane", "okta", at, "jane"
			a := textCase("0badcafe", rules.Rule{Title: "Odd", Level: rules.High, Type: rules.TypeDetection}, act, 1)
			w := writer{a: &a, zone: time.UTC}
			if got := w.what(); got != "02:12Z "+tt.want {
				t.Errorf("what %q, want %q", got, "02:12Z "+tt.want)
			}
		})
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

// TestTitleKeepsPeopleOut holds that a title, which travels far, tells what
// rule met which account and nothing of what people wrote or where they were.
func TestTitleKeepsPeopleOut(t *testing.T) {
	for name, a := range textGoldens(t) {
		got := Title(a)
		for i := range a.Evidence {
			e := &a.Evidence[i]
			for _, personal := range []string{e.Text, e.Actor, e.IP, e.Geo.City, e.Device, e.Outcome.Result} {
				if personal != "" && strings.Contains(got, personal) {
					t.Errorf("%s: title %q tells %q", name, got, personal)
				}
			}
		}
	}
}

// TestAlso tells what led to an alert before what stands beside it, each once.
func TestAlso(t *testing.T) {
	at := start()
	a := unapproved()
	head := func(id, account, title string) Head {
		return Head{ID: id, Level: rules.High, State: Firing, Brief: Brief{Title: title, Account: account, First: at}}
	}
	a.Related = []detector.Related{
		{Episode: "b071d2e4", Rule: "login_new_country", Title: "Login from a new country", Account: "okta/editor-2", Time: at.Add(-14 * time.Minute), Words: "country RO"},
		{Rule: "social_delete", Title: "A message was deleted", Account: "x/acme", Time: at.Add(-time.Minute)},
	}
	tests := []struct {
		name   string
		beside []Head
		want   string
	}{
		{"nothing beside", nil, "02:58 okta/editor-2 login from RO (PK-B071D2); 03:11 a message was deleted"},
		{"the same beside", []Head{head("b071d2e4", "okta/editor-2", "Login")}, "02:58 okta/editor-2 login from RO (PK-B071D2); 03:11 a message was deleted"},
		{"one more beside", []Head{head("00c0ffee", "x/acme", "Posting burst")}, "02:58 okta/editor-2 login from RO (PK-B071D2); 03:11 a message was deleted; 03:12 posting burst (PK-00C0FF)"},
		{"many beside", []Head{head("00c0ffee", "x/acme", "Posting burst"), head("00c0ffef", "x/acme", "b"), head("00c0fff0", "x/acme", "c")}, "02:58 okta/editor-2 login from RO (PK-B071D2); 03:11 a message was deleted; 03:12 posting burst (PK-00C0FF); 2 more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a.Around.Beside = tt.beside
			w := writer{a: &a, zone: testDirectory(t)["x/acme"].TimeZone}
			if got := w.also(); got != tt.want {
				t.Errorf("also %q, want %q", got, tt.want)
			}
		})
	}
}

// TestAlsoSaysAnAlertOnce names an alert once, whichever of its rules led here.
func TestAlsoSaysAnAlertOnce(t *testing.T) {
	at := start()
	a := unapproved()
	a.Related = []detector.Related{
		{Episode: "b071d2e4", Rule: "login_unlike_person", Title: "Login that is unlike this person", Account: "x/acme", Time: at.Add(-14 * time.Minute), Words: "country RO"},
		{Episode: "b071d2e4", Rule: "login_new_country", Title: "Login from a new country", Account: "x/acme", Time: at.Add(-14 * time.Minute), Words: "country RO"},
		{Rule: "social_delete", Title: "A message was deleted", Account: "x/acme", Time: at.Add(-time.Minute)},
		{Rule: "social_mfa_changed", Title: "A second factor was changed", Account: "x/acme", Time: at.Add(-time.Minute)},
	}
	w := writer{a: &a, zone: testDirectory(t)["x/acme"].TimeZone}
	if got, want := w.also(), "02:58 login that is unlike this person (PK-B071D2); 03:11 a message was deleted; 03:11 a second factor was changed"; got != want {
		t.Errorf("also %q, want %q", got, want)
	}
}

// TestSince tells what happened on guarded accounts, and what is not known.
func TestSince(t *testing.T) {
	at := start()
	post := activity.Activity{Account: "x/acme", Kind: activity.KindPost, Time: at.Add(time.Minute), Text: "Giving back! https://acme-gift.example"}
	profile := activity.Activity{Account: "x/acme", Kind: activity.KindProfile, Time: at.Add(2 * time.Minute), Changed: []string{"name", "link"}}
	gone := activity.Activity{Account: "mastodon/acme", Kind: activity.KindDelete, Time: at.Add(3 * time.Minute)}
	guard := AccountInfo{Guards: []string{"x/acme"}}
	tests := []struct {
		name  string
		info  AccountInfo
		since *detector.Since
		want  string
	}{
		{"no identity", AccountInfo{}, nil, ""},
		{"an identity whose rule does not look", guard, nil, "not known what happened on guarded accounts"},
		{"nothing", guard, &detector.Since{AsOf: at}, "no post or change on guarded accounts (as of 02:12Z)"},
		{"one", guard, &detector.Since{AsOf: at, Count: 1, Activities: []activity.Activity{profile}}, "1 post or change on guarded accounts (as of 02:12Z): 02:14Z x/acme profile name, link"},
		{"several", guard, &detector.Since{AsOf: at, Count: 1204, Activities: []activity.Activity{post, gone}}, `1,204 posts and changes on guarded accounts (as of 02:12Z): 02:13Z x/acme post "Giving back! hxxps://acme-gift[.]example"; 02:15Z mastodon/acme delete`},
		{"only a number", guard, &detector.Since{AsOf: at, Count: 9}, "9 posts and changes on guarded accounts (as of 02:12Z)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := writer{a: &Alert{Since: tt.since, Updated: at}, info: tt.info, zone: time.UTC}
			if got := w.since(); got != tt.want {
				t.Errorf("since %q, want %q", got, tt.want)
			}
		})
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

// TestOthersWordsAreMarked: what others wrote cannot be taken for words of
// Picket's, whatever quotes it has in it.
func TestOthersWordsAreMarked(t *testing.T) {
	a := unapproved()
	post := a.Evidence[0].Clone()
	post.Text, post.App = `Hi" +1 image. Approved by "jana`, "not shown by X"
	a.Evidence = []activity.Activity{post}
	got := strings.Join(strings.Fields(Text(a, nil)), " ")
	for _, want := range []string{`: "Hi' +1 image. Approved by 'jana" +1 image → `, ` App: "not shown by X" Reach `} {
		if !strings.Contains(got, want) {
			t.Errorf("want %s in\n%s", want, got)
		}
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
