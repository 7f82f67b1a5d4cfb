package facebook

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/facebook/facebooktest"
	"github.com/picketd/picket/collectors/metagraph"
	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

var me = metagraph.Me{ID: facebooktest.PageID, Handle: facebooktest.Username}

func TestBackfill(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	for i := range 100 {
		w.srv.Post(facebooktest.Post{Text: "old", At: start().Add(-time.Duration(i+1) * time.Hour)})
	}
	w.cfg.Backfill = 90
	page := w.poll(nil)
	if !page.Backfill || !page.More || len(page.Activities) != 51 {
		t.Fatalf("backfill %t, more %t, %d activities; want 50 and a follower count", page.Backfill, page.More, len(page.Activities))
	}
	if want := start().Add(-15 * time.Minute); !page.Overlap.Equal(want) {
		t.Errorf("overlap %s, want %s", page.Overlap, want)
	}
	as, last := w.drain(page.Cursor)
	if len(ids(as)) != 40 || last.Backfill {
		t.Errorf("%d more, the last page backfill %t; want 40 and live", len(ids(as)), last.Backfill)
	}
}

func TestEdit(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	id := w.old("Sale from 9")
	cursor := w.connect()
	for i, text := range []string{"Sale from 10", "Sale from 9", "Sale from 10"} {
		at := w.clock()
		w.must(w.srv.Edit(id, text))
		w.pass(20 * time.Minute)
		as, page := w.drain(cursor)
		cursor = page.Cursor
		got := only(t, as, activity.KindEdit)
		if len(ids(as)) != 1 || got.Object != id || got.Text != text || !got.Time.Equal(at) || !strings.HasPrefix(got.ID, fmt.Sprintf("%s.%d-", id, i+1)) {
			t.Errorf("edit %d: %v: %+v", i, ids(as), got)
		}
		w.pass(20 * time.Minute)
		if as, page = w.drain(cursor); len(ids(as)) != 0 {
			t.Errorf("told again: %v", ids(as))
		}
		cursor = page.Cursor
	}
}

// TestNoEdit: a comment moves updated_time, and a picture's address changes by
// itself.
func TestNoEdit(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	id := w.old("Sale")
	cursor := w.connect()
	w.must(w.srv.Change(id, facebooktest.Object{"updated_time": facebooktest.Time(w.clock())}))
	w.must(w.srv.Change(facebooktest.PageID, facebooktest.Object{"picture": facebooktest.Object{"data": facebooktest.Object{"url": "https://other.example/w/1_2_n.jpg?stp=y&sig=2"}}}))
	w.pass(20 * time.Minute)
	if as, _ := w.drain(cursor); len(ids(as)) != 0 {
		t.Errorf("told %v, want nothing", ids(as))
	}
}

// TestRenamedPage: what Facebook says in place of words that nobody wrote has the
// Page's name in it, and changes with that: no post was edited for it. Words that
// are written later are an edit.
func TestRenamedPage(t *testing.T) {
	const before, after = "Acme & Co updated their cover photo.", "Acme & Sons updated their cover photo."
	for _, tt := range []struct {
		name string
		old  bool // as a cursor of an earlier version knows the post
		text string
		want []string
	}{
		{name: "renamed"},
		{name: "cursor of before", old: true},
		{name: "written on", text: "Our new shop!", want: []string{"edit"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, metagraphtest.Options{})
			post := w.srv.Post(facebooktest.Post{Story: before, Photo: "701", At: start().Add(-time.Hour)})
			cursor := w.connect()
			if tt.old {
				known := strings.ReplaceAll(string(cursor), collectors.Digest("", "701"), collectors.Digest(before, "701"))
				if known == string(cursor) {
					t.Fatalf("cursor %s does not know the post by %s", cursor, collectors.Digest("", "701"))
				}
				_, page := w.drain(json.RawMessage(known))
				cursor = page.Cursor
				w.pass(20 * time.Minute)
			}
			w.must(w.srv.Change(post, facebooktest.Object{"story": after, "message": tt.text}))
			as, page := w.drain(cursor)
			w.pass(20 * time.Minute)
			more, _ := w.drain(page.Cursor)
			var edits []string
			for _, a := range append(as, more...) {
				if a.Kind == activity.KindEdit {
					edits = append(edits, string(a.Kind))
				}
			}
			if diff := cmp.Diff(tt.want, edits); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeletion(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	kept, deleted, hidden := w.old("kept"), w.old("deleted"), w.old("left out by a cache")
	cursor := w.connect()
	w.must(w.srv.Delete(deleted))
	w.must(w.srv.Omit(hidden, true))
	as, page := w.drain(cursor)
	got := only(t, as, activity.KindDelete)
	if len(ids(as)) != 1 || got.ID != deleted || got.Object != deleted || !got.Time.Equal(w.clock()) {
		t.Errorf("%v: %+v", ids(as), got)
	}
	w.must(w.srv.Omit(hidden, false))
	w.must(w.srv.Delete(kept))
	w.must(w.srv.Delete(hidden))
	w.pass(20 * time.Minute)
	as, _ = w.drain(page.Cursor)
	want := []string{"delete " + kept, "delete " + hidden}
	slices.Sort(want)
	if diff := cmp.Diff(want, ids(as)); diff != "" {
		t.Errorf("when all are gone (-want +got):\n%s", diff)
	}
}

// TestNoDeletion: what the token may not see any more was not deleted, and hides
// neither the deletion of others nor that the Page is read.
func TestNoDeletion(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	deleted := w.old("deleted")
	id := w.srv.Post(facebooktest.Post{Text: "hidden", At: start().Add(-time.Minute)})
	cursor := w.connect()
	w.must(w.srv.Omit(id, true))
	w.must(w.srv.Delete(deleted))
	w.srv.AddFault(metagraphtest.Fault{Path: "/" + id, Status: 403, Code: 10, Message: "(#10) This endpoint requires the permission"})
	as, page := w.drain(cursor)
	if diff := cmp.Diff([]string{"delete " + deleted}, ids(as)); diff != "" {
		t.Errorf("while one is refused (-want +got):\n%s", diff)
	}
	w.pass(20 * time.Minute)
	as, page = w.drain(page.Cursor)
	if n := w.srv.Count("/" + id); len(ids(as)) != 0 || n != 2 {
		t.Errorf("told %v and asked for the refused one %d times, want nothing and 2", ids(as), n)
	}
	w.srv.Heal()
	w.must(w.srv.Delete(id))
	w.pass(20 * time.Minute)
	as, _ = w.drain(page.Cursor)
	if got := only(t, as, activity.KindDelete); got.ID != id {
		t.Errorf("told %v, want that %s is deleted", ids(as), id)
	}
}

func TestBackdated(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	w.old("first")
	cursor := w.connect()
	id := w.srv.Post(facebooktest.Post{Text: "backdated", At: start().Add(-30 * time.Minute)})
	as, page := w.drain(cursor)
	if diff := cmp.Diff([]string{"post " + id}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told again: %v", ids(as))
	}
}

func TestProfile(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	cursor := w.connect()
	w.must(w.srv.Change(facebooktest.PageID, facebooktest.Object{
		"name": "Acme Giveaway", "website": "https://evil.example/", "phone": nil, "is_published": false,
		"picture": facebooktest.Object{"data": facebooktest.Object{"url": "https://scontent.example/v/9_9_n.jpg?sig=1"}},
	}))
	as, _ := w.drain(cursor)
	got := only(t, as, activity.KindProfile)
	if diff := cmp.Diff([]string{"link", "name", "phone", "picture", "published"}, got.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	old := []activity.Field{
		{Name: "link", Value: "https://acme.example/"},
		{Name: "name", Value: "Acme & Co"},
		{Name: "phone", Value: "+49 30 5550100"},
		{Name: "picture", Value: "1_2_n.jpg"},
		{Name: "published", Value: "true"},
	}
	if diff := cmp.Diff(old, got.Old); diff != "" {
		t.Errorf("old (-want +got):\n%s", diff)
	}
	if !slices.Contains(got.Profile, activity.Field{Name: "verified", Value: "blue_verified"}) {
		t.Errorf("profile %v", got.Profile)
	}
}

func TestFollowers(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	as, page := w.drain(nil)
	want := []activity.Metric{{Name: "followers", Value: 1204}, {Name: "likes", Value: 1100}}
	if diff := cmp.Diff(want, only(t, as, activity.KindFollowers).Metrics); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	told := 0
	for range 12 {
		w.pass(10 * time.Minute)
		as, page = w.drain(page.Cursor)
		told += len(as)
	}
	if told != 2 {
		t.Errorf("told %d times in two hours, want 2", told)
	}
}

func TestAccess(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{}, withAccess)
	w.srv.Member("roles", "11", "Jane Roe", "MANAGE", "CREATE_CONTENT")
	w.srv.Member("roles", "12", "John Doe", "MODERATE")
	w.srv.App("42", "Planner")
	cursor := w.connect()
	w.must(w.srv.Change("11", facebooktest.Object{"tasks": []string{"CREATE_CONTENT", "MODERATE"}}))
	w.must(w.srv.Delete("12"))
	w.must(w.srv.Delete("42"))
	w.srv.Member("assigned_users", "13", "Mallory", "MANAGE")
	w.srv.App("43", "Mailer")
	as, page := w.drain(cursor)
	type change struct {
		Kind    activity.Kind
		ID, App string
		Changed []string
		Profile []activity.Field
		Old     []activity.Field
	}
	var got []change
	for _, a := range as {
		got = append(got, change{a.Kind, a.ID, a.App, a.Changed, a.Profile, a.Old})
	}
	f := func(name, value string) activity.Field { return activity.Field{Name: name, Value: value} }
	want := []change{
		{
			activity.KindRoleChange, "roles-1-11", "",
			[]string{"role_granted", "role_revoked"},
			[]activity.Field{f("member", "Jane Roe"), f("member_id", "11"), f("roles", "CREATE_CONTENT MODERATE")},
			[]activity.Field{f("roles", "CREATE_CONTENT MANAGE")},
		},
		{
			activity.KindRoleChange, "roles-2-12", "",
			[]string{"role_revoked"},
			[]activity.Field{f("member", "John Doe"), f("member_id", "12")},
			[]activity.Field{f("roles", "MODERATE")},
		},
		{
			activity.KindRoleChange, "assigned users-1-13", "",
			[]string{"role_granted"},
			[]activity.Field{f("member", "Mallory"), f("member_id", "13"), f("roles", "MANAGE")},
			nil,
		},
		{activity.KindTokenGrant, "apps-1-43", "Mailer", []string{"token_granted"}, nil, nil},
		{activity.KindTokenRevoke, "apps-2-42", "Planner", []string{"token_revoked"}, nil, nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.pass(20 * time.Minute)
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told again: %v", ids(as))
	}
	for _, r := range w.srv.Requests() {
		if strings.HasSuffix(r.Path, "/assigned_users") && !slices.Equal(r.Query["business"], []string{"300"}) {
			t.Errorf("assigned_users was asked for with %v", r.Query)
		}
	}
}

// TestNobodyHasRole: a Page has somebody with a role always. A list that is empty all
// of a sudden says of nobody that they lost theirs; one of a business portfolio may
// be empty.
func TestNobodyHasRole(t *testing.T) {
	for _, tt := range []struct {
		edge, fails string
		tells       []string
	}{
		{"roles", "nobody has access; want somebody", []string{}},
		{"assigned_users", "", []string{"role_change assigned users-1-77"}},
	} {
		t.Run(tt.edge, func(t *testing.T) {
			w := newWorld(t, metagraphtest.Options{}, withAccess)
			w.srv.Member(tt.edge, "77", "Jane Roe", "MANAGE")
			cursor := w.connect()
			w.srv.AddFault(metagraphtest.Fault{Path: "/" + tt.edge, Status: 200, Body: `{"data":[]}`})
			page, err := w.try(cursor)
			if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("error %v, want %q", err, tt.fails)
			}
			if diff := cmp.Diff(tt.tells, ids(page.Activities)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			w.srv.Heal()
			if as, _ := w.drain(cursor); len(ids(as)) != 0 {
				t.Errorf("told %v, want nothing", ids(as))
			}
		})
	}
}

func TestMentions(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{}, withMentions)
	post := w.old("What do you think?")
	w.srv.Comment(post, facebooktest.Post{Text: "before", At: start().Add(-time.Hour)})
	cursor := w.connect()
	asked := w.srv.Comment(post, facebooktest.Post{Text: "Awful @acme", From: "Fan Page"})
	answer := w.srv.Comment(post, facebooktest.Post{Text: "Sorry", From: facebooktest.PageID, To: asked, App: "Inbox", Admin: "Jane Roe"})
	tag := w.srv.Tag(facebooktest.Post{Text: "Acme & Co is a fraud"})
	w.srv.Tag(facebooktest.Post{Text: "our own", From: facebooktest.PageID})
	w.pass(time.Minute)
	as, page := w.drain(cursor)
	want := []string{"mention " + asked, "mention " + tag, "reply " + answer}
	slices.Sort(want)
	if diff := cmp.Diff(want, ids(as)); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	for _, a := range as {
		switch a.ID {
		case asked:
			if a.ReplyTo != post || a.Actor != "Fan Page" || a.Text != "Awful @acme" {
				t.Errorf("comment %+v", a)
			}
		case answer:
			if a.ReplyTo != asked || a.Actor != "Jane Roe" || a.App != "Inbox" {
				t.Errorf("reply %+v", a)
			}
		case tag:
			if a.Actor != "" || !slices.Contains(a.Mentions, "Acme & Co") {
				t.Errorf("tag %+v", a)
			}
		}
	}
	w.pass(20 * time.Minute)
	_, page = w.drain(page.Cursor) // repeats what the overlap holds
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told again: %v", ids(as))
	}
}

func TestManyTags(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{}, withMentions)
	cursor := w.connect()
	for range 130 {
		w.srv.Tag(facebooktest.Post{Text: "storm"})
	}
	as, page := w.drain(cursor)
	if len(ids(as)) != 130 || page.Gap != nil {
		t.Errorf("%d mentions, gap %v; want 130 and none", len(ids(as)), page.Gap)
	}
}

func TestTooManyComments(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{}, withMentions)
	post := w.old("What do you think?")
	cursor := w.connect()
	for range 60 {
		w.pass(time.Second)
		w.srv.Comment(post, facebooktest.Post{Text: "storm"})
	}
	as, page := w.drain(cursor)
	if len(ids(as)) != 50 || page.Gap == nil {
		t.Fatalf("%d mentions, gap %v; want 50 and one", len(ids(as)), page.Gap)
	}
	if want := start().Add(20*time.Minute + 11*time.Second); !page.Gap.Until.Equal(want) || page.Gap.Reason != "there were more than 50 comments under one post since the last poll; poll more often" {
		t.Errorf("gap %+v, want until %s", page.Gap, want)
	}
	w.pass(time.Second)
	w.srv.Comment(post, facebooktest.Post{Text: "one more"})
	if as, page = w.drain(page.Cursor); page.Gap != nil {
		t.Errorf("gap again: %+v with %v", page.Gap, ids(as))
	}
}

// TestForgottenCursor: the item that a page's cursor names is deleted in the
// middle of a walk, over history and over what is new.
func TestForgottenCursor(t *testing.T) {
	for _, live := range []bool{false, true} {
		t.Run(fmt.Sprintf("live=%t", live), func(t *testing.T) {
			w := newWorld(t, metagraphtest.Options{Forgetful: true})
			w.cfg.PageSize, w.cfg.Watch = 10, 5
			var cursor []byte
			from := start().Add(-24 * time.Hour)
			if live {
				cursor, from = w.connect(), start().Add(time.Minute)
			}
			var posted []string
			for i := range 35 {
				posted = append(posted, w.srv.Post(facebooktest.Post{Text: "post", At: from.Add(time.Duration(i) * time.Second)}))
			}
			page := w.poll(cursor)
			as := page.Activities
			w.must(w.srv.Delete(posted[25])) // the last of the page
			for page.More {
				page = w.poll(page.Cursor)
				as = append(as, page.Activities...)
			}
			times := map[string]int{}
			for _, a := range as {
				if a.Kind == activity.KindPost {
					times[a.ID]++
				}
			}
			for i, id := range posted {
				// What is new is inside the overlap, where the scheduler drops repeats.
				if n := times[id]; n == 0 || n > 1 && !live {
					t.Errorf("post %d came %d times", i, n)
				}
			}
		})
	}
}

// TestRefusedCursors: where every cursor is refused, a poll does not go on for
// ever, and it is told.
func TestRefusedCursors(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{Forgetful: true})
	w.cfg.PageSize = 10
	cursor := w.connect()
	for range 15 {
		w.pass(time.Second)
		w.srv.Post(facebooktest.Post{Text: "post"})
	}
	refuse := func() string {
		list := w.poll(cursor)
		w.srv.AddFault(metagraphtest.Fault{Path: "/published_posts", Status: 400, Code: 100, Message: "(#100) Invalid parameter: after", Times: 1})
		cursor = list.Cursor
		page := w.poll(cursor)
		cursor = page.Cursor
		return fmt.Sprintf("%t%v", page.More, page.Malformed)
	}
	for i, want := range []string{"true[]", "true[]", "false[malformed paging.cursors.after: refused 3 times in a walk, which begins anew in the next round: GET /v27.0/100200300/published_posts: status 400, code 100: (#100) Invalid parameter: after (fbtrace_id AbCdEfGh123); to mend it: look for a newer Picket, or set api_version to the one that it was made for, v27.0: the server does not understand a documented request]", "true[]"} {
		if got := refuse(); got != want {
			t.Errorf("refusal %d: more and malformed %s, want %s", i+1, got, want)
		}
	}
	as, page := w.drain(cursor)
	if len(ids(as)) != 15 || len(page.Malformed) != 0 {
		t.Errorf("%d posts, malformed %v; want 15 and none", len(ids(as)), page.Malformed)
	}
}

// TestForgottenTag is the same for posts of others.
func TestForgottenTag(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{Forgetful: true}, withMentions)
	w.cfg.PageSize = 10
	cursor := w.connect()
	var tags []string
	for range 25 {
		w.pass(time.Second)
		tags = append(tags, w.srv.Tag(facebooktest.Post{Text: "storm"}))
	}
	got := map[string]bool{}
	page := collectors.Page{Cursor: cursor, More: true}
	for page.More {
		page = w.poll(page.Cursor)
		for _, a := range page.Activities {
			if a.Kind == activity.KindMention && !got[a.ID] {
				if got[a.ID] = true; len(got) == 10 {
					w.must(w.srv.Delete(tags[15])) // the last of the page
				}
			}
		}
	}
	if len(got) != 25 {
		t.Errorf("%d posts of others, want 25", len(got))
	}
}

// TestGhost: a cache still shows a post after it was told as deleted.
func TestGhost(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	w.old("older")
	id := w.srv.Post(facebooktest.Post{Text: "deleted", At: start()})
	cursor := w.connect()
	w.must(w.srv.Delete(id))
	as, page := w.drain(cursor)
	only(t, as, activity.KindDelete)
	w.must(w.srv.Haunt(id, true))
	w.pass(20 * time.Minute)
	as, page = w.drain(page.Cursor)
	w.must(w.srv.Haunt(id, false))
	w.pass(20 * time.Minute)
	more, _ := w.drain(page.Cursor)
	if got := ids(append(as, more...)); len(got) != 0 {
		t.Errorf("told %v, want nothing", got)
	}
}

// TestUnseen: while the Page itself cannot be seen no deletion is concluded.
func TestUnseen(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	id := w.old("hidden with the Page")
	cursor := w.connect()
	w.must(w.srv.Delete(id))
	w.srv.AddFault(metagraphtest.Fault{Path: "/" + facebooktest.PageID, Status: 400, Code: 100, Subcode: 33})
	if page, err := w.try(cursor); err == nil || !strings.Contains(err.Error(), "facebook: profile of facebook/acme") {
		t.Errorf("error %v, page %+v; want that of the profile", err, page)
	}
	if n := w.srv.Count("/" + id); n != 0 {
		t.Errorf("the post was asked for %d times", n)
	}
}

func TestMalformed(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	cursor := w.connect()
	good := w.srv.Post(facebooktest.Post{Text: "good"})
	w.srv.Post(facebooktest.Post{Text: "bad", Created: "yesterday"})
	as, page := w.drain(cursor)
	if diff := cmp.Diff([]string{"post " + good}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(page.Malformed) == 0 || page.Malformed[0].Error() != `malformed GET /v27.0/100200300/published_posts answer, data[0]: created_time: "yesterday"; want a time such as 2026-03-06T12:00:00+0000` {
		t.Errorf("malformed %v", page.Malformed)
	}
}

// TestTroubleApart: a part that is refused hides neither posts nor itself.
func TestTroubleApart(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{}, withMentions)
	cursor := w.connect()
	w.srv.AddFault(metagraphtest.Fault{Path: "/tagged", Status: 403, Code: 200, Message: "(#200) Missing permissions"})
	id := w.srv.Post(facebooktest.Post{Text: "hi"})
	page := w.poll(cursor)
	if diff := cmp.Diff([]string{"post " + id}, ids(page.Activities)); diff != "" || !page.More {
		t.Errorf("more %t (-want +got):\n%s", page.More, diff)
	}
	_, err := w.try(page.Cursor)
	for err == nil {
		page = w.poll(page.Cursor)
		_, err = w.try(page.Cursor)
	}
	if _, ok := errors.AsType[*collectors.Forbidden](err); !ok || !strings.Contains(err.Error(), "facebook: tagged posts of facebook/acme: GET /v27.0/100200300/tagged: status 403, code 200: (#200) Missing permissions") {
		t.Errorf("error %v", err)
	}
}
