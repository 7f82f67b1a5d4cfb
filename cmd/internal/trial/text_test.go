package trial

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// hijacked is an account on which something of every kind goes wrong after two
// quiet months.
func hijacked() *life {
	l := &life{}
	l.posts("x/bakery", "Oven Desk", 60)
	l.add("x/bakery", activity.KindPost, days(40)+2*time.Hour, func(a *activity.Activity) {
		a.App, a.Text = "Growth\x1b[31m Helper", "Giving back!\nhttps://bakery-gift.example/win 🥖 無料 "+strings.Repeat("really ", 30)
	})
	for i := range 6 {
		l.add("x/bakery", activity.KindPost, days(45)+time.Duration(i)*time.Minute, func(a *activity.Activity) {
			a.App, a.Text = "Oven Desk", fmt.Sprintf("Live from the fair, part %d", i+1)
		})
	}
	for i := range 4 {
		l.add("x/bakery", activity.KindDelete, days(50)+time.Duration(10*i)*time.Second, nil)
	}
	l.add("x/bakery", activity.KindProfile, days(55), func(a *activity.Activity) {
		a.Changed = []string{"link", "name", "picture"}
		a.Old = []activity.Field{{Name: "link", Value: "https://bakery.example"}, {Name: "name", Value: "The Bakery"}}
		a.Profile = []activity.Field{{Name: "link", Value: "https://evil.example"}, {Name: "name", Value: "Coins 4 U"}}
	})
	l.add("x/bakery", activity.KindPoll, days(56), func(a *activity.Activity) {
		a.Poll = activity.Poll{State: activity.PollForbidden, Reason: "the token was revoked"}
	})
	l.add("x/bakery", activity.KindPoll, days(57), func(a *activity.Activity) {
		a.Poll = activity.Poll{State: activity.PollGap, From: start.Add(days(56)), Until: start.Add(days(57)), Reason: "more than can be read"}
	})
	return l
}

func TestText(t *testing.T) {
	archive := &life{} // what X's archive has: posts, deletions and logins without a place
	archive.posts("x/bakery", "Oven Desk", 20)
	for d := range 20 {
		archive.add("x/bakery", activity.KindLogin, days(d), func(a *activity.Activity) { a.IP = "192.0.2.7" })
	}
	young := &life{} // too young to be known, and too short for a rate
	young.posts("x/bakery", "Oven Desk", 5)
	for i := range 4 {
		young.add("x/bakery", activity.KindPost, days(2)+time.Duration(i)*time.Second, nil)
	}
	public := &life{} // what a server shows to everybody
	public.posts("mastodon/bakery@social.example", "", 10)
	newsroom := hijacked()
	for n := range 7 {
		newsroom.posts(fmt.Sprintf("mastodon/desk%d", n), "", 3+n)
	}
	for d := range 30 {
		newsroom.add("okta/editor-1", activity.KindLogin, days(d), func(a *activity.Activity) { a.Geo.Country = "DE" })
	}
	newsroom.add("okta/editor-1", activity.KindLogin, days(31), func(a *activity.Activity) { a.Geo.Country = "RO" })

	rows := []struct {
		name    string
		history *History
		all     bool
	}{
		{"hijacked", hijacked().history(FromLines), false},
		{"all", hijacked().history(FromLines), true},
		{"archive", archive.history(FromArchive), false},
		{"young", young.history(FromLines), false},
		{"public", public.history(FromMastodon), false},
		{"several", newsroom.history(FromLines), false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if row.name == "public" {
				row.history.Partial = "only the newest 20 were asked for; --posts reads more"
				row.history.Unreadable = 3
			}
			golden(t, row.name+".txt", told(t, row.history, row.all))
		})
	}
}

// TestJSON holds what programs read: everything, with the same numbers.
func TestJSON(t *testing.T) {
	r, err := Try(t.Context(), hijacked().history(FromLines), plan(t))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", string(data)+"\n")
}

// TestSince holds from when on a rule judged: the first day on which it knew
// the account, and at once for a rule that learns nothing.
func TestSince(t *testing.T) {
	l := &life{}
	l.posts("x/bakery", "Oven Desk", 30)
	r, err := Try(t.Context(), l.history(FromLines), plan(t))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Login from a new country": "no_source 0001-01-01",
		"Post with a new app":      "active 2026-01-19",
		"Posting burst":            "active 0001-01-01",
		"Many deletions":           "no_source 0001-01-01",
		"Profile changed":          "no_source 0001-01-01",
		"Picket is blind":          "no_source 0001-01-01",
		"Post nobody approved":     "off 0001-01-01",
		"Only recorded":            "active 0001-01-01",
	}
	for _, g := range r.Coverage {
		if got := fmt.Sprint(g.State, " ", g.Since.Format(time.DateOnly)); got != want[g.Rule] {
			t.Errorf("%s: %s, want %s", g.Rule, got, want[g.Rule])
		}
		if (g.State == detector.CoverageNoSource) != (g.Why != "" && g.State != detector.CoverageOff) {
			t.Errorf("%s: %s because %q", g.Rule, g.State, g.Why)
		}
		delete(want, g.Rule)
	}
	if len(want) > 0 {
		t.Errorf("without coverage: %v", want)
	}
}

// TestLiveNotBackfill holds that a history which was recorded in one go is
// judged as it happened, whenever it was seen.
func TestLiveNotBackfill(t *testing.T) {
	l := &life{}
	for d := range 3 { // on three days, all seen at once
		for i := range 4 {
			l.add("x/bakery", activity.KindDelete, days(d)+time.Duration(i)*time.Second, nil)
		}
	}
	r, err := Try(t.Context(), l.history(FromLines), plan(t))
	if err != nil {
		t.Fatal(err)
	}
	if r.Alerts != 3 {
		t.Errorf("%d alerts, want 3", r.Alerts)
	}
}

// TestOpensAgain holds that an alert which opens again while its window still
// holds what it was about is told as often as it opens, as a replay counts it.
func TestOpensAgain(t *testing.T) {
	many := `
title: Post
name: post
logsource: {product: picket}
detection: {s: {kind: post}, condition: s}
---
title: Many in a day
correlation: {type: event_count, rules: [post], group-by: [account], timespan: 1d, condition: {gte: 4}}
picket: {quiet: 1h}
`
	p, err := detector.Compile(detector.Set{Rules: []rules.File{{Name: "many.yml", Data: []byte(many)}}})
	if err != nil {
		t.Fatal(err)
	}
	l := &life{}
	for _, minute := range []int{0, 1, 2, 3, 4, 200, 201} {
		l.add("x/bakery", activity.KindPost, time.Duration(minute)*time.Minute, nil)
	}
	r, err := Try(t.Context(), l.history(FromLines), p)
	if err != nil {
		t.Fatal(err)
	}
	var counts []int
	for _, told := range r.Rules[0].Told {
		counts = append(counts, told.Count)
	}
	if d := cmp.Diff([]int{7, 5}, counts); d != "" || r.Alerts != 2 {
		t.Errorf("%d alerts, activities of each (-want +got):\n%s", r.Alerts, d)
	}
}

// TestNext holds that what is to be typed next can be copied as it stands:
// whole, with the server that was given, and without what a shell would take
// for more than a name.
func TestNext(t *testing.T) {
	long := strings.Repeat("very-", 12) + "long.example"
	for _, row := range []struct{ name, account, server, want string }{
		{"of X", "x/bakery", "", "picket connect x @bakery"},
		{"of the server that its name tells", "mastodon/bakery@social.example", "", "picket connect mastodon @bakery@social.example"},
		{"of another server", "mastodon/bakery@bakery.example", "https://social.bakery.example", "picket connect mastodon @bakery@bakery.example --server https://social.bakery.example"},
		{"longer than a line", "mastodon/bakery@" + long, "", "picket connect mastodon @bakery@" + long},
		{"of no network that can be connected", "okta/ann", "", "picket --help"},
		{"a shell's", "x/bakery;id", "", "picket --help"},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := &life{}
			l.posts(row.account, "", 1)
			h := l.history(FromMastodon)
			h.Server = row.server
			r, err := Try(t.Context(), h, plan(t))
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			if err := r.Text(&b, false); err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(b.String(), "\nNext: "+row.want+"\n") {
				t.Errorf("ends with %q, want %q", b.String()[strings.LastIndex(b.String(), "\nNext"):], row.want)
			}
		})
	}
}

func TestWords(t *testing.T) {
	for _, row := range []struct{ got, want string }{
		{number(0), "0"},
		{number(999), "999"},
		{number(1000), "1,000"},
		{number(1234567), "1,234,567"},
		{number(-1234), "-1,234"},
		{counted(1, "posts"), "1 post"},
		{counted(1, "replies"), "1 reply"},
		{counted(2, "replies"), "2 replies"},
		{lasting(0), "0 seconds"},
		{lasting(90 * time.Second), "2 minutes"},
		{lasting(time.Hour), "60 minutes"},
		{lasting(3 * time.Hour), "3 hours"},
		{lasting(days(2)), "2 days"},
		{lasting(days(90)), "90 days"},
		{lasting(days(120)), "4 months"},
		{lasting(days(1680)), "4.6 years"},
		{within(0), "within a minute"},
		{within(days(3)), "in 3 days"},
		{called("x/acme"), "@acme on X"},
		{called("mastodon/a@b.example"), "@a@b.example"},
		{called("mastodon/a"), "@a on Mastodon"},
		{called("okta/editor-1"), "editor-1 on Okta"},
		{cut("abc", 3), "abc"},
		{cut("abcd", 3), "ab…"},
		{cut("無料です", 5), "無料…"},
		{cut("無料です", 6), "無料…"},
		{cut("ab cd", 4), "ab…"},
	} {
		if row.got != row.want {
			t.Errorf("%q, want %q", row.got, row.want)
		}
	}
}
