package reddit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/reddit/reddittest"
)

type entry = reddittest.Thing

// TestHijack: who takes over an account rewrites what it said, deletes the rest,
// posts a lure and changes the profile.
func TestHijack(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	var want []string
	var made []string
	for i := range 120 {
		name := w.srv.Post(entry{Title: "film", Text: fmt.Sprint(i), At: start().Add(-3*time.Hour + time.Duration(i)*time.Second)})
		made = append(made, name)
		want = append(want, "delete "+name)
	}
	answered := w.srv.Post(entry{Parent: "t3_1abc23", Text: "Ask at https://acme.example", At: start().Add(-2 * time.Hour)})
	cursor := w.connect()
	for _, name := range made {
		w.srv.Edit(name, func(o *entry) { o.Deleted = true })
	}
	w.srv.Edit(answered, func(o *entry) { o.Text, o.Edited = "Ask at https://scam.example", w.Now() })
	w.srv.Change("subreddit.title", "Acme [giveaway]")
	w.srv.Change("icon_img", "https://styles.redditmedia.example/t5_9x/styles/profileIcon_a2.jpg?width=256&s=aaaa")
	w.srv.Change("has_verified_email", false)
	lure := w.srv.Post(entry{Title: "Double your coins", URL: "https://scam.example/x"})
	var all []activity.Activity
	for range 10 {
		all = append(all, w.next(&cursor)...)
	}
	edit, profile := only(t, all, activity.KindEdit), only(t, all, activity.KindProfile)
	want = append(want, "post "+lure, "edit "+edit.ID, "profile "+profile.ID)
	slices.Sort(want)
	if diff := cmp.Diff(want, ids(all)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"email_verified", "name", "picture"}, profile.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if edit.Object != answered || !slices.Equal(edit.LinkDomains, []string{"scam.example"}) || !edit.Time.Equal(start().Add(90*time.Minute)) || !slices.Equal(edit.Changed, []string{"text"}) {
		t.Errorf("edit of %s to %q at %s, changed %q; want %s, scam.example, 13:30 and text", edit.Object, edit.LinkDomains, edit.Time, edit.Changed, answered)
	}
	if post := only(t, all, activity.KindPost); !slices.Equal(post.LinkDomains, []string{"scam.example"}) {
		t.Errorf("domains %q of the lure", post.LinkDomains)
	}
}

// TestWithinTenMinutes: an edit and a deletion of the oldest watched items are
// seen within ten minutes of polls, where nothing else is new.
func TestWithinTenMinutes(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, func(c *Config) { c.Watch, c.Backfill = MaxWatch, MaxBackfill })
	var posts, answers []string
	for i := range MaxWatch {
		at := start().Add(-100*time.Hour + time.Duration(i)*time.Minute)
		posts = append(posts, w.srv.Post(entry{Title: "film", Text: fmt.Sprint(i), At: at}))
		answers = append(answers, w.srv.Post(entry{Parent: "t3_1abc23", Text: fmt.Sprint(i), At: at}))
	}
	cursor := w.connect()
	w.next(&cursor)
	w.srv.Edit(posts[0], func(o *entry) { o.Text = "rewritten" })
	w.srv.Edit(answers[0], func(o *entry) { o.Deleted = true })
	var all []activity.Activity
	for range 10 {
		all = append(all, w.next(&cursor)...)
	}
	if e, d := only(t, all, activity.KindEdit), only(t, all, activity.KindDelete); e.Object != posts[0] || d.Object != answers[0] {
		t.Errorf("edit of %s and deletion of %s, want %s and %s", e.Object, d.Object, posts[0], answers[0])
	}
	for _, path := range []string{"/submitted", "/comments", "/api/info"} {
		if n := w.asked(path); n > 30 {
			t.Errorf("%d requests of %s in 11 polls after the first; want 1 or 2 each", n, path)
		}
	}
}

// TestRemovals: what moderators and filters take away, and give back.
func TestRemovals(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	post := w.old("hi")
	answer := w.srv.Post(entry{Parent: "t3_1abc23", Text: "yes", At: start().Add(-3 * time.Hour)})
	cursor := w.connect()
	by := func(a activity.Activity) string { return a.Profile[0].Value }

	w.srv.Edit(post, func(o *entry) { o.RemovedBy = "moderator" })
	if a := only(t, w.next(&cursor), activity.KindDelete); a.ID != post || a.Object != post || by(a) != "moderator" {
		t.Errorf("removal %s of %s by %s; want %s by moderator", a.ID, a.Object, by(a), post)
	}
	w.srv.Edit(post, func(o *entry) { o.RemovedBy = "" })
	if a := only(t, w.next(&cursor), activity.KindEdit); a.Object != post || !slices.Equal(a.Changed, []string{"removed_by"}) || a.Old[0].Value != "moderator" {
		t.Errorf("back: edit of %s, changed %q, old %v", a.Object, a.Changed, a.Old)
	}
	w.srv.Edit(post, func(o *entry) { o.RemovedBy = "automod_filtered" })
	if a := only(t, w.next(&cursor), activity.KindDelete); a.ID != post+".1" || by(a) != "automod_filtered" {
		t.Errorf("second removal %s by %s; want %s.1 by automod_filtered", a.ID, by(a), post)
	}
	w.srv.Edit(post, func(o *entry) { o.Deleted = true })
	var all []activity.Activity
	for range 3 {
		all = append(all, w.next(&cursor)...)
	}
	if a := only(t, all, activity.KindDelete); a.ID != post+".2" || by(a) != "author" {
		t.Errorf("deletion %s by %s; want %s.2 by author", a.ID, by(a), post)
	}
	// A comment that stands in the account's list, and does not where others ask:
	// here it is missing in the list of a grant of somebody else.
	w.srv.Edit(answer, func(o *entry) { o.Hidden, o.Visible = true, w.Now().Add(time.Hour) })
	all = nil
	for range 10 {
		all = append(all, w.next(&cursor)...)
	}
	if a := only(t, all, activity.KindDelete); a.ID != answer || by(a) != "moderator" {
		t.Errorf("removal %s by %s; want %s by moderator", a.ID, by(a), answer)
	}
}

// TestRemovedAtOnce: what a filter takes away as it comes is told as both.
func TestRemovedAtOnce(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	before := w.srv.Post(entry{Title: "spam", RemovedBy: "reddit", At: start().Add(-3 * time.Hour)})
	as, page := w.drain(nil)
	if diff := cmp.Diff([]string{"post " + before}, ids(as)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	cursor := page.Cursor
	name := w.srv.Post(entry{Title: "filtered", RemovedBy: "automod_filtered"})
	if diff := cmp.Diff([]string{"delete " + name, "post " + name}, ids(w.next(&cursor))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestClosedSubreddit: what Reddit leaves out of its answers is not told as gone,
// nor is what no list shows any more.
func TestClosedSubreddit(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	var names []string
	for range 20 {
		names = append(names, w.old("hi"))
	}
	cursor := w.connect()
	for _, name := range names {
		w.srv.Edit(name, func(o *entry) { o.Closed, o.Visible = true, w.Now().Add(time.Hour) })
	}
	for range 12 {
		if got := ids(w.next(&cursor)); len(got) > 0 {
			t.Fatalf("told %v", got)
		}
	}
	w.srv.Edit(names[3], func(o *entry) { o.Closed, o.Deleted = false, true })
	var all []activity.Activity
	for range 10 {
		all = append(all, w.next(&cursor)...)
	}
	if a := only(t, all, activity.KindDelete); a.Object != names[3] {
		t.Errorf("deletion of %s, want %s", a.Object, names[3])
	}
}

// TestPinned: an old item that is pinned to the top of its list does not end the
// walk down it.
func TestPinned(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, func(c *Config) { c.Watch = pageSize })
	w.size = 10
	w.srv.Post(entry{Title: "About us", Pinned: true, At: start().Add(-1000 * time.Hour)})
	cursor := w.connect()
	var want []string
	for range 25 {
		want = append(want, "post "+w.srv.Post(entry{Title: "hi"}))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, ids(w.next(&cursor))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGap: what does not fit Reddit's list of the newest 1,000 is said to be lost.
func TestGap(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, func(c *Config) { c.Watch = pageSize })
	w.old("hi")
	cursor := w.connect()
	from := w.Now()
	for i := range 1100 {
		w.srv.Post(entry{Title: "flood", At: from.Add(time.Duration(i) * time.Second)})
	}
	w.Pass(time.Hour)
	var gap *collectors.Gap
	posts := 0
	for page := (collectors.Page{Cursor: cursor, More: true}); page.More; {
		var err error
		if page, err = w.try(page.Cursor); err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Activities {
			if a.Kind == activity.KindPost {
				posts++
			}
		}
		if page.Gap != nil {
			gap = page.Gap
		}
	}
	if gap == nil || !strings.Contains(gap.Reason, "newest 1,000") || !gap.Until.Equal(from.Add(100*time.Second)) {
		t.Errorf("gap %+v, want one until the oldest that is listed, %s", gap, from.Add(100*time.Second))
	}
	if posts != 1000 {
		t.Errorf("%d posts told, want the 1,000 that are listed", posts)
	}
}

// TestMentions: what others say is handed over from the connection on; private
// messages are passed over; nothing is marked as read.
func TestMentions(t *testing.T) {
	type note = reddittest.Note
	w := newWorld(t, reddittest.Options{}, withMentions)
	w.size = 5
	w.srv.Receive(note{Author: "early", Text: "before", At: start().Add(-2 * time.Hour)})
	cursor := w.connect()
	w.srv.Receive(note{Author: "friend", Text: "psst", Message: true})
	reply := w.srv.Receive(note{Author: "fan", Text: "Great u/acme, see https://fan.example", Type: "comment_reply", Parent: "t1_k1"})
	unknown := w.srv.Receive(note{Text: "gone", Type: "username_mention", Parent: "t3_k2"})
	var want []string
	for range 12 {
		want = append(want, "mention "+w.srv.Receive(note{Author: "fan", Text: "more", Type: "post_reply", Parent: "t3_k2"}))
	}
	want = append(want, "mention "+reply, "mention "+unknown)
	slices.Sort(want)
	as := w.next(&cursor)
	if diff := cmp.Diff(want, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	i := slices.IndexFunc(as, func(a activity.Activity) bool { return a.ID == reply })
	got := as[i]
	got.Seen = time.Time{}
	if diff := cmp.Diff(activity.Activity{
		ID: reply, Network: "reddit", Account: "reddit/acme", Kind: activity.KindMention, Time: start().Add(90 * time.Minute), Actor: "fan",
		Text: "Great u/acme, see https://fan.example", Mentions: []string{"acme"}, Links: []string{"https://fan.example"}, LinkDomains: []string{"fan.example"}, ReplyTo: "t1_k1",
		Profile: []activity.Field{{Name: "subreddit", Value: "acme"}, {Name: "title", Value: "New anvils"}, {Name: "type", Value: "comment_reply"}},
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if i := slices.IndexFunc(as, func(a activity.Activity) bool { return a.ID == unknown }); as[i].Actor != "" {
		t.Errorf("actor %q of one whose account is gone", as[i].Actor)
	}
}

// Mentions that the budget keeps waiting are said to be behind, and the account
// itself is read.
func TestMentionsAreBehind(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, withMentions)
	cursor := w.connect()
	w.srv.Receive(reddittest.Note{Author: "fan", Text: "hi"})
	own := w.srv.Post(entry{Title: "own"})
	deps := w.deps()
	deps.HTTP = &http.Client{Transport: refusing{deps.HTTP.Transport, "/message/inbox"}}
	c, err := New(w.cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	var got []activity.Activity
	page := collectors.Page{Cursor: cursor, More: true}
	for n := 0; page.More; n++ {
		if n == 10 {
			t.Fatal("ten polls, and still more")
		}
		if page, err = c.Poll(t.Context(), page.Cursor); err != nil {
			t.Fatal(err)
		}
		got = append(got, page.Activities...)
	}
	if page.Behind == nil || !slices.Equal(ids(got), []string{"post " + own}) {
		t.Errorf("behind %v, got %v; want the post and an error", page.Behind, ids(got))
	}
	w.Pass(time.Minute)
	as, page := w.drain(page.Cursor)
	if only(t, as, activity.KindMention); page.Behind != nil {
		t.Errorf("behind when there is enough: %v", page.Behind)
	}
}

// TestModerators: who is made a moderator of a subreddit, and by whom.
func TestModerators(t *testing.T) {
	type action = reddittest.Action
	w := newWorld(t, reddittest.Options{}, withLogs)
	w.srv.Moderate("acme", action{Action: "addmoderator", Mod: "acme", Target: "founder", At: start().Add(-1000 * time.Hour)})
	w.srv.Moderate("acmehelp", action{})
	cursor := w.connect()
	invited := w.srv.Moderate("acme", action{Action: "invitemoderator", Mod: "acme", Target: "stranger", Details: "+all"})
	joined := w.srv.Moderate("acme", action{Action: "acceptmoderatorinvite", Mod: "stranger"})
	for range 700 { // more than a page of other actions
		w.srv.Moderate("acme", action{Action: "removelink", Mod: "stranger", Target: "fan"})
	}
	out := w.srv.Moderate("acmehelp", action{Action: "removemoderator", Mod: "stranger", Target: "acme"})
	as := w.next(&cursor)
	want := []string{"role_change " + invited, "role_change " + joined, "role_change " + out}
	slices.Sort(want)
	if diff := cmp.Diff(want, ids(as)); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	for _, a := range as {
		if a.Kind == activity.KindFollowers {
			continue
		}
		var raw map[string]any
		if err := json.Unmarshal(a.Raw, &raw); err != nil || raw["id"] != a.ID {
			t.Errorf("raw of %s: %v, error %v", a.ID, raw, err)
		}
		got := fmt.Sprintf("%s %q %v", a.Actor, a.Changed, a.Profile)
		want := map[string]string{
			invited: `acme ["role_changed"] [{action invitemoderator} {member stranger} {roles +all} {subreddit acme}]`,
			joined:  `stranger ["role_granted"] [{action acceptmoderatorinvite} {member stranger} {subreddit acme}]`,
			out:     `stranger ["role_revoked"] [{action removemoderator} {member acme} {subreddit acmehelp}]`,
		}[a.ID]
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestTrouble: a log that is refused hides nothing else, neither in this poll nor
// later, and is said.
func TestTrouble(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, withLogs)
	w.srv.Moderate("acmehelp", reddittest.Action{})
	name := w.old("hi")
	var as []activity.Activity
	cursor := json.RawMessage(nil)
	round := func() error {
		for range 20 {
			page, err := w.try(cursor)
			if err != nil {
				return err
			}
			as, cursor = append(as, page.Activities...), page.Cursor
			if !page.More {
				return nil
			}
		}
		t.Fatal("20 polls, and still more")
		return nil
	}
	if err := round(); err == nil || !strings.Contains(err.Error(), "log of r/acme of reddit/acme: GET /r/acme/about/log: status 403, private") {
		t.Errorf("error %v, want one of the log", err)
	}
	w.Pass(90 * time.Minute)
	w.srv.Edit(name, func(o *entry) { o.Deleted = true })
	w.srv.Change("subreddit.title", "Acme!")
	out := w.srv.Moderate("acmehelp", reddittest.Action{Action: "removemoderator", Mod: "x", Target: "acme"})
	as = nil
	for range 3 {
		w.Pass(time.Minute)
		if err := round(); err == nil {
			t.Error("no error while a log is refused")
		}
	}
	if diff := cmp.Diff([]string{"delete " + name, "profile " + only(t, as, activity.KindProfile).ID, "role_change " + out}, slices.Compact(ids(as))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestUnmade: who is no moderator any more does not see the entry that says so;
// that the log is refused is told once, and the account itself is read on.
func TestUnmade(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, func(c *Config) { c.Moderates = []string{"Acme"} })
	w.srv.Moderate("acme", reddittest.Action{})
	cursor := w.connect()
	w.next(&cursor)
	w.srv.Close("acme", true)
	var all []activity.Activity
	for range 40 {
		all = append(all, w.next(&cursor)...)
	}
	a := only(t, all, activity.KindRoleChange)
	if got, want := fmt.Sprintf("%s %s %q %v", a.ID, a.Actor, a.Changed, a.Profile), `lost.acme.1  ["role_revoked"] [{action log_refused} {member acme} {subreddit acme}]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if n := w.asked("/about/log"); n > 8 {
		t.Errorf("the log was asked for %d times, want twice and every 15 minutes", n)
	}
	w.srv.Close("acme", false)
	missed := w.srv.Moderate("acme", reddittest.Action{Action: "addmoderator", Mod: "x", Target: "acme"})
	all = nil
	for range 20 {
		all = append(all, w.next(&cursor)...)
	}
	slices.SortFunc(all, func(x, y activity.Activity) int { return strings.Compare(x.ID, y.ID) })
	all = slices.CompactFunc(all, func(x, y activity.Activity) bool { return x.ID == y.ID }) // the overlap repeats it
	if a := only(t, all, activity.KindRoleChange); a.ID != missed {
		t.Errorf("told %s when the log is shown again, want %s", a.ID, missed)
	}
	w.srv.Close("acme", true)
	all = nil
	for range 10 {
		all = append(all, w.next(&cursor)...)
	}
	if a := only(t, all, activity.KindRoleChange); a.ID != "lost.acme.2" {
		t.Errorf("told %s the second time, want lost.acme.2", a.ID)
	}
}
