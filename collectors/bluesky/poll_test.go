package bluesky

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/bluesky/blueskytest"
)

func TestQuietRoundIsOneRequest(t *testing.T) {
	w := newWorld(t, blueskytest.Options{})
	w.post("hello")
	cursor := w.connect()
	_, cursor = w.later(time.Minute, cursor) // what was due after the pause
	before := w.srv.Total()
	got, _ := w.later(time.Minute, cursor)
	if n := w.srv.Total() - before; n != 1 || len(got) != 0 {
		t.Errorf("a quiet round took %d requests and gave %v, want 1 and nothing", n, ids(got))
	}
}

func TestRevisionThatIsNotToldIsNoCalm(t *testing.T) {
	w := newWorld(t, blueskytest.Options{NoRev: true, NoDate: true})
	cursor := w.connect()
	id := w.post("seen without a revision")
	got, _ := w.later(time.Minute, cursor)
	if a := only(t, got, activity.KindPost); a.ID != id {
		t.Errorf("got %s, want %s", a.ID, id)
	}
}

func TestDeleted(t *testing.T) {
	w := newWorld(t, blueskytest.Options{})
	id := w.post("a mistake")
	boost := w.srv.Put(did, collectionRepost, "", `{"$type":"app.bsky.feed.repost","subject":{"uri":"`+original+`"}}`)
	w.post("stays")
	cursor := w.connect()
	w.srv.Delete(id)
	w.srv.Delete(boost)
	got, cursor := w.later(time.Minute, cursor)
	var objects []string
	for _, a := range got {
		if a.Kind == activity.KindDelete {
			objects = append(objects, a.Object)
			if d := a.Time.Sub(start().Add(20 * time.Minute)); d < 0 || d > time.Second {
				t.Errorf("deleted at %s, want when the repository changed", a.Time)
			}
		}
	}
	slices.Sort(objects)
	if diff := cmp.Diff([]string{id, boost}, objects); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	if got, _ := w.later(time.Hour, cursor); len(ids(got)) != 0 {
		t.Errorf("told again: %v", ids(got))
	}
}

// A post that is deleted when hundreds are takes several polls, and none is
// lost on the way.
func TestManyDeleted(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, func(c *Config) { c.Watch = 60 })
	var made []string
	for i := range 60 {
		made = append(made, w.post(fmt.Sprint("post ", i)))
	}
	cursor := w.connect()
	for _, id := range made {
		w.srv.Delete(id)
	}
	got, _ := w.later(time.Minute, cursor)
	if len(got) != 60 {
		t.Errorf("%d activities, want 60 deletions", len(got))
	}
}

func TestDeletedWhenAllWatchedAre(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, func(c *Config) { c.Watch, c.Backfill = 10, 30 })
	var made []string
	for i := range 40 {
		made = append(made, w.post(fmt.Sprint("post ", i)))
		w.Pass(time.Minute)
	}
	w.Pass(time.Hour)
	cursor := w.connect()
	for _, id := range made[25:] {
		w.srv.Delete(id)
	}
	got, cursor := w.later(time.Minute, cursor)
	if len(got) != 10 {
		t.Errorf("%v, want the deletions of the 10 watched", ids(got))
	}
	_, cursor = w.later(time.Hour, cursor)
	w.srv.Delete(made[24])
	if got, _ := w.later(time.Minute, cursor); only(t, got, activity.KindDelete).Object != made[24] {
		t.Errorf("%v, want the deletion of one that came to be watched", ids(got))
	}
}

func TestEdited(t *testing.T) {
	w := newWorld(t, blueskytest.Options{})
	id := w.srv.Put(did, collectionPost, "3mgfk2zzzzz2a", blueskytest.Post("before", start()))
	cursor := w.connect()
	w.srv.Put(did, collectionPost, "3mgfk2zzzzz2a", blueskytest.Post("after", start()))
	got, cursor := w.later(time.Minute, cursor)
	a := only(t, got, activity.KindEdit)
	if a.Object != id || a.Text != "after" || a.ID == id {
		t.Errorf("edit %+v", a)
	}
	w.srv.Put(did, collectionPost, "3mgfk2zzzzz2a", blueskytest.Post("before", start()))
	got, cursor = w.later(time.Minute, cursor)
	if b := only(t, got, activity.KindEdit); b.Text != "before" || b.ID == a.ID {
		t.Errorf("edit back %+v", b)
	}
	w.srv.Delete(id)
	_, cursor = w.later(time.Minute, cursor)
	w.srv.Put(did, collectionPost, "3mgfk2zzzzz2a", blueskytest.Post("again", start()))
	got, _ = w.later(time.Minute, cursor)
	if a := only(t, got, activity.KindPost); a.Text != "again" || !strings.HasPrefix(a.ID, id+".") {
		t.Errorf("made again under its old key: %+v", a)
	}
}

// What clients say of time is taken for what it is.
func TestClaimedTimes(t *testing.T) {
	now := start().Add(20 * time.Minute)
	tests := []struct {
		name    string
		key     string
		created string
		want    time.Time
		raw     bool
	}{
		{"the server's own key", "", "2026-03-06T12:20:00Z", now, false},
		{"created long ago", "", "2019-07-01T00:00:00Z", now, true},
		{"created in the future", "", "2031-01-01T00:00:00Z", now, true},
		{"no time at all", "", "yesterday", now, false},
		{"year 1", "", "0001-01-01T00:00:00Z", now, false},
		{"key dated back", "3kaaaaaaaaa2a", "2026-03-06T12:20:00Z", now, false},
		{"key in the future", "3zzzzzzzzzz2a", "2026-03-06T12:20:00Z", now, false},
		{"key that is none of time", "my-first-post", "2026-03-06T12:20:00Z", now, false},
		{"key of 400 bytes", strings.Repeat("k", 400), "2026-03-06T12:20:00Z", now, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{})
			cursor := w.connect()
			w.srv.Put(did, collectionPost, tt.key, fmt.Sprintf(`{"$type":"app.bsky.feed.post","text":"x","createdAt":%q}`, tt.created))
			got, page := w.drain(cursor)
			a := only(t, got, activity.KindPost)
			if d := a.Time.Sub(tt.want).Abs(); d > time.Second {
				t.Errorf("time %s, want %s", a.Time, tt.want)
			}
			if (a.Raw != nil) != tt.raw {
				t.Errorf("raw %s, want one: %t", a.Raw, tt.raw)
			}
			if got, _ := w.later(time.Hour, page.Cursor); len(ids(got)) != 0 {
				t.Errorf("told again: %v", ids(got))
			}
		})
	}
}

func TestDatedBackAmongThoseWatched(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, func(c *Config) { c.Watch = 10 })
	for i := range 30 {
		w.post(fmt.Sprint("post ", i))
		w.Pass(time.Hour)
	}
	cursor := w.connect()
	id := w.srv.Put(did, collectionPost, w.srv.TID(w.Now().Add(-5*time.Hour)), blueskytest.Post("slipped in", start()))
	got, _ := w.later(time.Minute, cursor)
	if a := only(t, got, activity.KindPost); a.ID != id || w.Now().Sub(a.Time) > 2*time.Minute {
		t.Errorf("got %s at %s, want %s now", a.ID, a.Time, id)
	}
}

func TestBackfillIsBounded(t *testing.T) {
	w := newWorld(t, blueskytest.Options{PageSize: 7}, func(c *Config) { c.Backfill = 20 })
	for i := range 40 {
		w.post(fmt.Sprint("post ", i))
		w.Pass(time.Minute)
	}
	w.Pass(time.Hour)
	var n int
	var cursor json.RawMessage
	for {
		page := w.poll(cursor)
		for _, a := range page.Activities {
			if a.Kind == activity.KindPost {
				n++
			}
			if page.Backfill == (a.Kind == activity.KindFollowers) {
				t.Errorf("%s in a page with backfill=%t", a.Kind, page.Backfill)
			}
		}
		if cursor = page.Cursor; !page.More {
			break
		}
	}
	if n < 20 || n > 26 {
		t.Errorf("%d posts of history, want 20 and what its last page holds", n)
	}
}

func TestTooManyAreAGap(t *testing.T) {
	w := newWorld(t, blueskytest.Options{PageSize: 10})
	w.pages = 3
	for i := range 30 {
		w.post(fmt.Sprint("old ", i))
	}
	cursor := w.connect()
	for i := range 80 {
		w.Pass(time.Minute)
		w.post(fmt.Sprint("post ", i))
	}
	_, page := w.drain(cursor)
	if page.Gap == nil || !page.Gap.From.Before(page.Gap.Until) {
		t.Errorf("gap %+v, want one", page.Gap)
	}
}

func TestProfile(t *testing.T) {
	w := newWorld(t, blueskytest.Options{})
	cursor := w.connect()
	w.srv.Put(did, collectionProfile, "self", `{"$type":"app.bsky.actor.profile","displayName":"Acme Giveaway","description":"free coins",
		"website":"https://coins.example","avatar":{"$type":"blob","ref":{"$link":"bafkreiavatar"}},"pinnedPost":{"uri":"`+original+`"}}`)
	got, cursor := w.later(time.Minute, cursor)
	a := only(t, got, activity.KindProfile)
	if diff := cmp.Diff([]string{"description", "link", "name", "picture", "pinned"}, a.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]activity.Field{{Name: "name", Value: "Acme"}}, a.Old); diff != "" {
		t.Errorf("old (-want +got):\n%s", diff)
	}
	w.srv.Put(did, collectionProfile, "self", `{"$type":"app.bsky.actor.profile","displayName":"Acme"}`)
	got, cursor = w.later(time.Minute, cursor)
	if b := only(t, got, activity.KindProfile); b.ID == a.ID || len(b.Old) != 5 {
		t.Errorf("changed back: %+v", b)
	}
	w.srv.SetHandle(did, "acme-official.test")
	got, cursor = w.later(6*time.Minute, cursor)
	c := only(t, got, activity.KindProfile)
	if diff := cmp.Diff([]activity.Field{{Name: "handle", Value: "acme.test"}}, c.Old); diff != "" {
		t.Errorf("handle (-want +got):\n%s", diff)
	}
	w.srv.SetPDS(did, "https://evil.test")
	got, _ = w.later(6*time.Minute, cursor)
	d := only(t, got, activity.KindProfile)
	if diff := cmp.Diff([]activity.Field{{Name: "server", Value: "https://pds.test"}}, d.Old); diff != "" {
		t.Errorf("server (-want +got):\n%s", diff)
	}
}

func TestStatus(t *testing.T) {
	for _, status := range []string{"deactivated", "takendown", "suspended"} {
		t.Run(status, func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{})
			w.post("hello")
			cursor := w.connect()
			w.srv.SetStatus(did, status)
			page := w.poll(cursor)
			a := only(t, page.Activities, activity.KindProfile)
			if diff := cmp.Diff([]activity.Field{{Name: "status", Value: "active"}}, a.Old); diff != "" || !page.More {
				t.Errorf("status (-want +got):\n%s, more %t", diff, page.More)
			}
			wantForbidden(t, w, page.Cursor, mendInactive)
			w.srv.SetStatus(did, "")
			got, _ := w.drain(page.Cursor)
			if diff := cmp.Diff([]string{"status"}, only(t, got, activity.KindProfile).Changed); diff != "" || len(ids(got)) != 1 {
				t.Errorf("after its return %v:\n%s", ids(got), diff)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	w := newWorld(t, blueskytest.Options{})
	got, page := w.drain(nil)
	a := only(t, got, activity.KindFollowers)
	want := []activity.Metric{{Name: "followers", Value: 1200}, {Name: "following", Value: 10}, {Name: "posts", Value: 0}}
	if diff := cmp.Diff(want, a.Metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	got, cursor := w.later(50*time.Minute, page.Cursor)
	if len(got) != 0 {
		t.Errorf("told again within the hour: %+v", got)
	}
	if got, _ := w.later(11*time.Minute, cursor); only(t, got, activity.KindFollowers).ID == a.ID {
		t.Error("the id of another hour is the same")
	}
}

func TestNoAppViewIsAsked(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, func(c *Config) { c.AppView = none })
	if got, _ := w.drain(nil); len(got) != 0 || w.srv.Requests("app.bsky.actor.getProfile") != 0 {
		t.Errorf("%v came", got)
	}
}

func TestMentions(t *testing.T) {
	w := newWorld(t, blueskytest.Options{PageSize: 5}, withMentions)
	cursor := w.connect()
	want := []string{}
	for i, reason := range []string{"mention", "reply", "quote", "like", "repost", "follow", "mention", "mention", "mention", "mention"} {
		id := w.srv.Notify(did, blueskytest.Notification{Reason: reason, Text: fmt.Sprint("@acme.test number ", i)})
		if reason == "mention" || reason == "reply" || reason == "quote" {
			want = append(want, "mention "+id)
		}
	}
	got, cursor := w.later(time.Minute, cursor)
	slices.Sort(want)
	if diff := cmp.Diff(want, ids(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, a := range got {
		if a.Kind == activity.KindMention && (a.Actor != "fan.test" || !strings.HasPrefix(a.Text, "@acme.test")) {
			t.Errorf("mention %+v", a)
		}
	}
	if got, _ := w.later(time.Hour, cursor); len(ids(got)) != 0 {
		t.Errorf("told again: %v", ids(got))
	}
}

func TestAppPasswords(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withPassword)
	cursor := w.connect()
	w.srv.AddAppPassword(did, blueskytest.AppPassword{Name: "totally-legit", Password: "zzzz-zzzz-zzzz-zzzz", Privileged: true})
	made := w.Now()
	got, cursor := w.later(6*time.Minute, cursor)
	a := only(t, got, activity.KindTokenGrant)
	if a.App != "totally-legit" || !a.Time.Equal(made) || !strings.Contains(string(a.Raw), `"privileged":true`) {
		t.Errorf("grant %+v", a)
	}
	w.srv.RevokeAppPassword(did, "totally-legit")
	got, cursor = w.later(6*time.Minute, cursor)
	if b := only(t, got, activity.KindTokenRevoke); b.App != "totally-legit" {
		t.Errorf("revocation %+v", b)
	}
	if got, _ := w.later(6*time.Minute, cursor); len(ids(got)) != 0 {
		t.Errorf("told again: %v", ids(got))
	}
}

// A server that shows the list to full sessions only costs one question an hour
// and hides nothing else; the account's own password is shown it.
func TestAppPasswordsRefused(t *testing.T) {
	w := newWorld(t, blueskytest.Options{NoAppPasswords: true}, withPassword)
	cursor := w.connect()
	before := w.srv.Requests("com.atproto.server.listAppPasswords")
	id := w.post("still seen")
	var got []activity.Activity
	for range 30 {
		var more []activity.Activity
		more, cursor = w.later(time.Minute, cursor)
		got = append(got, more...)
	}
	if a := only(t, got, activity.KindPost); a.ID != id {
		t.Errorf("got %v", ids(got))
	}
	if n := w.srv.Requests("com.atproto.server.listAppPasswords") - before; n > 1 {
		t.Errorf("asked %d times in half an hour, want at most once", n)
	}
	if n := w.srv.Requests("com.atproto.server.createSession"); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
	w.cfg.Password = accountPassword
	_, cursor = w.later(time.Hour, cursor)
	w.srv.AddAppPassword(did, blueskytest.AppPassword{Name: "new", Password: "zzzz-zzzz-zzzz-zzzz"})
	got, _ = w.later(time.Hour, cursor)
	if a := only(t, got, activity.KindTokenGrant); a.App != "new" {
		t.Errorf("grant %+v", a)
	}
}

func TestAnotherAccountBeginsAnew(t *testing.T) {
	w := newWorld(t, blueskytest.Options{})
	cursor := w.connect()
	other := "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"
	w.srv.AddAccount(other, "other.test", "x")
	id := w.srv.Put(other, collectionPost, "", blueskytest.Post("hello", start()))
	w.cfg.Name = "other.test"
	got, _ := w.drain(cursor)
	if a := only(t, got, activity.KindPost); a.ID != id {
		t.Errorf("got %s, want %s", a.ID, id)
	}
}

// A round that a restart finds half done is ended, and what came since is read
// at once.
func TestRestartInARound(t *testing.T) {
	w := newWorld(t, blueskytest.Options{})
	cursor := w.connect()
	w.post("before the restart")
	page := w.poll(cursor)
	if st, err := decodeState(page.Cursor); err != nil || st.Round == nil {
		t.Fatalf("no round is under way, error %v", err)
	}
	w.Pass(time.Minute)
	id := w.post("while it was down")
	got, _ := w.drain(page.Cursor)
	if a := only(t, got, activity.KindPost); a.ID != id {
		t.Errorf("got %v, want %s too", ids(got), id)
	}
}
