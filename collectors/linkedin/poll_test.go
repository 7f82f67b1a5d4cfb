package linkedin

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
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
)

func TestBackfill(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	for i := range 300 {
		w.srv.Post(linkedintest.Post{Text: "old", At: start().Add(-time.Duration(i+1) * time.Hour)})
	}
	w.cfg.Backfill = 150
	page, err := w.try(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !page.Backfill || !page.More || len(page.Activities) != 100 {
		t.Fatalf("backfill %t, more %t, %d activities; want 100 of history", page.Backfill, page.More, len(page.Activities))
	}
	if want := start().Add(-15 * time.Minute); !page.Overlap.Equal(want) {
		t.Errorf("overlap %s, want %s", page.Overlap, want)
	}
	as, last := w.drain(page.Cursor)
	if len(ids(as)) != 50 || last.Backfill {
		t.Errorf("%d more, the last page backfill %t; want 50 and live", len(ids(as)), last.Backfill)
	}
}

// A quiet round is one call, and each part has its time.
func TestCalls(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	w.old("one")
	cursor := w.connect()
	w.pass(time.Hour)
	_, page := w.drain(cursor)
	before := len(w.srv.Requests())
	for range 12 {
		w.pass(5 * time.Minute)
		_, page = w.drain(page.Cursor)
	}
	got := map[string]int{}
	for _, r := range w.srv.Requests()[before:] {
		got[r]++
	}
	want := map[string]int{"posts": 12, "organizations": 4, "networkSizes": 1, "organizationAcls": 4}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls in an hour (-want +got):\n%s", diff)
	}
}

func TestEdit(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	id := w.old("Sale from 9")
	cursor := w.connect()
	for _, words := range []string{"Sale from 10", "Sale from 9", "Sale from 10"} {
		at := w.clock()
		w.srv.Edit(id, words)
		w.pass(20 * time.Minute)
		as, page := w.drain(cursor)
		got := only(t, as, activity.KindEdit)
		if len(ids(as)) != 1 || got.Object != id || got.Text != words || !got.Time.Equal(at) || got.ID != fmt.Sprintf("%s.%d", id, at.UnixMilli()) {
			t.Errorf("%v: %+v", ids(as), got)
		}
		w.pass(5 * time.Minute)
		if as, page = w.drain(page.Cursor); len(ids(as)) != 0 {
			t.Errorf("told again: %v", ids(as))
		}
		cursor = page.Cursor
		w.pass(20 * time.Minute)
	}
}

// A post that is not watched any more is edited by LinkedIn's own word; a change
// of it that nobody sees is none.
func TestEditOfUnwatched(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, func(c *Config) { c.Watch = 2 })
	edited, touched := w.old("Sale from 9"), w.old("Hello")
	for range 3 {
		w.srv.Post(linkedintest.Post{Text: "newer", At: start().Add(-30 * time.Minute)})
	}
	cursor := w.connect()
	at := w.clock()
	w.srv.Edit(edited, "Sale from 10")
	w.srv.Touch(touched)
	w.pass(time.Minute)
	as, page := w.drain(cursor)
	if diff := cmp.Diff([]string{fmt.Sprintf("edit %s.%d", edited, at.UnixMilli())}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.pass(20 * time.Minute)
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told again: %v", ids(as))
	}
}

// What LinkedIn changed of a watched post, and words read otherwise by another
// version of Picket, are no edits.
func TestNoEdit(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	id, other := w.old("Sale"), w.old("Hello")
	cursor := w.connect()
	w.srv.Touch(id)
	hash := (&item{Activity: activity.Activity{Text: "Hello"}}).hash()
	changed := strings.Replace(string(cursor), hash, "0123456789abcdef", 1)
	if changed == string(cursor) {
		t.Fatalf("the cursor holds no hash of %s", other)
	}
	w.pass(time.Minute)
	if as, _ := w.drain(json.RawMessage(changed)); len(ids(as)) != 0 {
		t.Errorf("told %v, want nothing", ids(as))
	}
}

func TestDeletion(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	kept, deleted, hidden := w.old("kept"), w.old("deleted"), w.old("left out by a cache")
	cursor := w.connect()
	w.srv.Delete(deleted)
	w.srv.Omit(hidden, true)
	as, page := w.drain(cursor)
	got := only(t, as, activity.KindDelete)
	if len(ids(as)) != 1 || got.ID != deleted || got.Object != deleted || !got.Time.Equal(w.clock()) {
		t.Errorf("%v: %+v", ids(as), got)
	}
	asked := w.srv.Count("posts/{urn}")
	w.pass(5 * time.Minute)
	if as, page = w.drain(page.Cursor); len(ids(as)) != 0 || w.srv.Count("posts/{urn}") != asked {
		t.Errorf("told %v with %d look-ups more, want nothing and none within an hour", ids(as), w.srv.Count("posts/{urn}")-asked)
	}
	w.srv.Omit(hidden, false)
	w.srv.Delete(kept)
	w.srv.Delete(hidden)
	w.pass(time.Hour)
	as, _ = w.drain(page.Cursor)
	want := []string{"delete " + kept, "delete " + hidden}
	slices.Sort(want)
	if diff := cmp.Diff(want, ids(as)); diff != "" {
		t.Errorf("when all are gone (-want +got):\n%s", diff)
	}
}

// TestManyDeletions: each poll asks for some of what is missing.
func TestManyDeletions(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	var posted []string
	for range 25 {
		posted = append(posted, w.old("spree"))
	}
	cursor := w.connect()
	for _, id := range posted {
		w.srv.Delete(id)
	}
	as, _ := w.drain(cursor)
	if len(ids(as)) != 25 || !strings.HasPrefix(ids(as)[0], "delete ") {
		t.Errorf("%d told, want 25 deletions", len(ids(as)))
	}
}

// A deleted post that a cache still shows is neither new nor deleted twice.
func TestGhost(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	w.old("kept")
	id := w.old("deleted")
	cursor := w.connect()
	w.srv.Omit(id, true)
	w.srv.Haunt(id)
	as, page := w.drain(cursor)
	if diff := cmp.Diff([]string{"delete " + id}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.srv.Omit(id, false)
	w.pass(5 * time.Minute)
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told %v, want nothing", ids(as))
	}
}

// TestNoDeletion: what the token may not see any more was not deleted, and a page
// without the list of posts deletes none.
func TestNoDeletion(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	id := w.old("hidden")
	cursor := w.connect()
	w.srv.Omit(id, true)
	w.srv.AddFault(linkedintest.Fault{Endpoint: "posts/{urn}", Status: 403, Code: "ACCESS_DENIED", Service: 100, Message: "Not enough permissions"})
	if _, page := w.tryAll(cursor); page == nil || !strings.Contains(page.Error(), "look-up of a missing post of "+account) {
		t.Errorf("error %v, want that of the look-up", page)
	}
	w.srv.Heal()
	w.srv.Omit(id, false)
	w.srv.AddFault(linkedintest.Fault{Endpoint: "posts", Status: http.StatusOK, Body: `{"paging":{"start":0,"count":100,"links":[]}}`})
	if _, err := w.tryAll(cursor); err == nil || !strings.Contains(err.Error(), "elements is missing; want a list") {
		t.Errorf("error %v, want one about the missing list", err)
	}
	w.srv.Heal()
	if as, _ := w.drain(cursor); len(ids(as)) != 0 {
		t.Errorf("told %v, want nothing", ids(as))
	}
}

// tryAll polls until no page is left or one fails.
func (w *world) tryAll(cursor json.RawMessage) ([]activity.Activity, error) {
	w.t.Helper()
	c := w.collector()
	var all []activity.Activity
	for range 50 {
		page, err := c.Poll(w.t.Context(), cursor)
		if err != nil {
			return all, err
		}
		all = append(all, page.Activities...)
		if cursor = page.Cursor; !page.More {
			return all, nil
		}
	}
	w.t.Fatal("50 polls, and still more")
	return nil, nil
}

func TestProfile(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	cursor := w.connect()
	w.srv.Change(linkedintest.Object{
		"localizedName": "Acme Giveaway", "localizedWebsite": "https://evil.example/", "locations": []linkedintest.Object{},
		"logoV2": linkedintest.Object{"original": "urn:li:digitalmediaAsset:logo2"}, "alternativeNames": []string{"Free Coins"},
	})
	as, _ := w.drain(cursor)
	got := only(t, as, activity.KindProfile)
	if diff := cmp.Diff([]string{"aliases", "link", "location", "name", "phone", "picture"}, got.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	old := []activity.Field{
		{Name: "link", Value: "https://acme.example/"},
		{Name: "location", Value: "1 Road, Berlin, DE"},
		{Name: "name", Value: "Acme & Co"},
		{Name: "phone", Value: "+49 30 5550100"},
		{Name: "picture", Value: "urn:li:digitalmediaAsset:logo1"},
	}
	if diff := cmp.Diff(old, got.Old); diff != "" {
		t.Errorf("old (-want +got):\n%s", diff)
	}
	if !slices.Contains(got.Profile, activity.Field{Name: "link", Value: "https://evil.example/"}) {
		t.Errorf("profile %v", got.Profile)
	}
}

func TestRoles(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	role := func(member, role, state string) linkedintest.Role {
		return linkedintest.Role{Member: "urn:li:person:" + member, Role: role, State: state}
	}
	w.srv.SetRoles(role("jane", "ADMINISTRATOR", "APPROVED"), role("john", "CURATOR", "APPROVED"), role("tom", "ANALYST", "REQUESTED"), role("old", "ANALYST", "REVOKED"))
	cursor := w.connect()
	w.srv.SetRoles(
		role("jane", "ADMINISTRATOR", "APPROVED"), role("jane", "CONTENT_ADMINISTRATOR", "APPROVED"), role("john", "CURATOR", "REVOKED"),
		role("mallory", "ADMINISTRATOR", "APPROVED"), role("eve", "ADMINISTRATOR", "REQUESTED"), role("tom", "ANALYST", "REJECTED"),
	)
	as, page := w.drain(cursor)
	type change struct {
		ID      string
		Changed []string
		Profile []activity.Field
		Old     []activity.Field
	}
	var got []change
	for _, a := range as {
		if a.Kind == activity.KindRoleChange {
			got = append(got, change{a.ID, a.Changed, a.Profile, a.Old})
		}
	}
	f := func(name, value string) activity.Field { return activity.Field{Name: name, Value: value} }
	want := []change{
		{"roles-1-urn:li:person:eve", []string{"role_requested"}, []activity.Field{f("member_id", "urn:li:person:eve"), f("roles", "REQUESTED:ADMINISTRATOR")}, nil},
		{
			"roles-2-urn:li:person:jane",
			[]string{"role_granted"},
			[]activity.Field{f("member_id", "urn:li:person:jane"), f("roles", "ADMINISTRATOR CONTENT_ADMINISTRATOR")},
			[]activity.Field{f("roles", "ADMINISTRATOR")},
		},
		{"roles-3-urn:li:person:mallory", []string{"role_granted"}, []activity.Field{f("member_id", "urn:li:person:mallory"), f("roles", "ADMINISTRATOR")}, nil},
		{"roles-4-urn:li:person:john", []string{"role_revoked"}, []activity.Field{f("member_id", "urn:li:person:john")}, []activity.Field{f("roles", "CURATOR")}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.pass(20 * time.Minute)
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told again: %v", ids(as))
	}
}

// A list of roles that is missing, empty or cannot be read in part never means
// that somebody lost a role.
func TestRolesMissing(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       string // part of the error, empty where there is none
	}{
		{"no list", `{}`, "elements is missing; want a list"},
		{"empty", `{"elements":[],"paging":{}}`, "nobody has a role; want at least the member whose token this is"},
		{"of another page", `{"elements":[{"roleAssignee":"urn:li:person:jane","role":"ADMINISTRATOR","state":"APPROVED","organization":"urn:li:organization:1"}]}`, ""},
		{"of another form", `{"elements":[{"roleAssignee":7,"role":"ADMINISTRATOR","state":"APPROVED"}]}`, ""},
		{"of another state", `{"elements":[{"roleAssignee":"urn:li:person:jane","role":"ADMINISTRATOR","state":"MAYBE","organizationTarget":"` + linkedintest.URN + `"}]}`, ""},
		{"endless", `{"elements":[{"roleAssignee":"urn:li:person:jane","role":"ADMINISTRATOR","state":"APPROVED","organization":"` + linkedintest.URN + `"}],"paging":{"links":[{"rel":"next"}]}}`, "more than 5 pages of roles"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, linkedintest.Options{})
			cursor := w.connect()
			w.srv.AddFault(linkedintest.Fault{Endpoint: "organizationAcls", Status: http.StatusOK, Body: tt.body})
			as, err := w.tryAll(cursor)
			if len(ids(as)) != 0 {
				t.Errorf("told %v, want nothing", ids(as))
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			w.srv.Heal()
			if as, _ := w.drain(cursor); len(ids(as)) != 0 {
				t.Errorf("told when all is well again: %v", ids(as))
			}
		})
	}
}

// A part that LinkedIn refuses hides neither posts nor the other parts, and is
// not hidden by them.
func TestPartRefused(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	cursor := w.connect()
	w.srv.AddFault(linkedintest.Fault{Endpoint: "organizations", Status: 403, Code: "ACCESS_DENIED", Service: 100, Message: "Viewer don't have permission to the ADMIN_ONLY"})
	w.srv.SetRoles(linkedintest.Role{Member: "urn:li:person:jane", Role: "CURATOR", State: "APPROVED"})
	id := w.srv.Post(linkedintest.Post{Text: "hi"})
	as, err := w.tryAll(cursor)
	if diff := cmp.Diff([]string{"post " + id, "role_change roles-1-urn:li:person:jane"}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err == nil || !strings.Contains(err.Error(), "profile of "+account) || !strings.Contains(err.Error(), "super admin of this page") {
		t.Errorf("error %v, want that of the profile", err)
	}
}

// Posts that are deleted while history or a burst is read shift those below to the
// page before: none is missed.
func TestShiftedPages(t *testing.T) {
	for _, live := range []bool{false, true} {
		for _, gone := range []int{1, 20} {
			t.Run(fmt.Sprintf("live=%t gone=%d", live, gone), func(t *testing.T) {
				w := newWorld(t, linkedintest.Options{}, func(c *Config) { c.PageSize, c.Watch = 30, 10 })
				var cursor json.RawMessage
				from := start().Add(-24 * time.Hour)
				if live {
					cursor, from = w.connect(), start().Add(time.Minute)
				}
				var posted []string
				for i := range 100 {
					posted = append(posted, w.srv.Post(linkedintest.Post{Text: "post", At: from.Add(time.Duration(i) * time.Second)}))
				}
				page, err := w.try(cursor)
				if err != nil {
					t.Fatal(err)
				}
				got := map[string]int{}
				for _, a := range page.Activities {
					got[a.ID]++
				}
				for _, id := range posted[100-gone:] {
					w.srv.Delete(id)
				}
				as, _ := w.drain(page.Cursor)
				for _, a := range as {
					if a.Kind == activity.KindPost {
						got[a.ID]++
					}
				}
				for i, id := range posted {
					if n := got[id]; n == 0 || n > 1 && !live {
						t.Errorf("post %d came %d times", i, n)
					}
				}
			})
		}
	}
}

// More posts than a walk may read are a gap.
func TestGap(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, func(c *Config) { c.PageSize, c.Watch = 10, 5 })
	w.old("known")
	cursor := w.connect()
	for range 100 {
		w.pass(time.Second)
		w.srv.Post(linkedintest.Post{Text: "storm"})
	}
	c := w.collector()
	c.maxPages = 3
	as, page := w.drainWith(c, cursor)
	want := collectors.Gap{From: start().Add(-15 * time.Minute), Until: start().Add(20*time.Minute + 81*time.Second), Reason: "there were more than 3 pages of posts since the last poll; poll more often"}
	if len(ids(as)) != 20 || page.Gap == nil {
		t.Fatalf("%d posts, gap %v; want 20 and one", len(ids(as)), page.Gap)
	}
	if diff := cmp.Diff(want, *page.Gap); diff != "" {
		t.Errorf("gap (-want +got):\n%s", diff)
	}
	w.srv.Post(linkedintest.Post{Text: "one more"})
	if as, page := w.drainWith(c, page.Cursor); page.Gap != nil || len(ids(as)) == 0 {
		t.Errorf("told %v, gap %v; want the post and no gap", ids(as), page.Gap)
	}
}

// A post that LinkedIn dates into the future hides none that comes until then.
func TestPostOfTheFuture(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, func(c *Config) { c.Watch = 1 })
	future := w.srv.Post(linkedintest.Post{Text: "soon", At: start().Add(24 * time.Hour)})
	cursor := w.connect()
	id := w.srv.Post(linkedintest.Post{Text: "now"})
	as, _ := w.drain(cursor)
	if diff := cmp.Diff([]string{"post " + id}, ids(as)); diff != "" {
		t.Errorf("beside %s (-want +got):\n%s", future, diff)
	}
}

// Drafts are no posts.
func TestUnpublished(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	w.srv.Post(linkedintest.Post{Text: "not yet", State: "DRAFT"})
	id := w.srv.Post(linkedintest.Post{Text: "out"})
	as, _ := w.drain(nil)
	if diff := cmp.Diff([]string{"post " + id}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The cursor of another page, or of another host, begins anew.
func TestOtherPage(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	id := w.old("one")
	cursor := w.connect()
	w.cfg.BaseURL = "https://gateway.example"
	as, _ := w.drain(cursor)
	if diff := cmp.Diff([]string{"post " + id}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := w.log.FilterMessage("the cursor is of another page; reading anew").Len(); n == 0 {
		t.Error("nothing was logged")
	}
}

// A post as long as Picket keeps them, full of links and tags, comes with some of
// them: it must not be hidden by its length.
func TestLongestPost(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	cursor := w.connect()
	id := w.srv.Post(linkedintest.Post{Text: "https://lure.example http://a.example/" + strings.Repeat(`"`, 62_000) + "x"})
	as, _ := w.drain(cursor) // validates what comes
	if a := only(t, as, activity.KindPost); a.ID != id || len(a.Text) < 62_000 || len(a.Links) != 1 || a.Links[0] != "https://lure.example" {
		t.Errorf("post %s with %d bytes and %d links, want 62,000 and the one that is not long", a.ID, len(a.Text), len(a.Links))
	}
}
