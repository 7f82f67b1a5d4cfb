package linkedin

import (
	"encoding/json"
	"errors"
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

// A quiet round is one call, and each part has its time.
func TestCalls(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	w.old("one")
	cursor := w.connect()
	w.Pass(time.Hour)
	_, page := w.drain(cursor)
	before := len(w.srv.Requests())
	for range 12 {
		w.Pass(5 * time.Minute)
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
		at := w.Now()
		w.srv.Edit(id, words)
		w.Pass(20 * time.Minute)
		as, page := w.drain(cursor)
		got := only(t, as, activity.KindEdit)
		if len(ids(as)) != 1 || got.Object != id || got.Text != words || !got.Time.Equal(at) || got.ID != fmt.Sprintf("%s.%d", id, at.UnixMilli()) {
			t.Errorf("%v: %+v", ids(as), got)
		}
		w.Pass(5 * time.Minute)
		if as, page = w.drain(page.Cursor); len(ids(as)) != 0 {
			t.Errorf("told again: %v", ids(as))
		}
		cursor = page.Cursor
		w.Pass(20 * time.Minute)
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
	at := w.Now()
	w.srv.Edit(edited, "Sale from 10")
	w.srv.Touch(touched)
	w.Pass(time.Minute)
	as, page := w.drain(cursor)
	if diff := cmp.Diff([]string{fmt.Sprintf("edit %s.%d", edited, at.UnixMilli())}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.Pass(20 * time.Minute)
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
	w.Pass(time.Minute)
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
	if len(ids(as)) != 1 || got.ID != deleted || got.Object != deleted || !got.Time.Equal(w.Now()) {
		t.Errorf("%v: %+v", ids(as), got)
	}
	asked := w.srv.Count("posts/{urn}")
	w.Pass(5 * time.Minute)
	if as, page = w.drain(page.Cursor); len(ids(as)) != 0 || w.srv.Count("posts/{urn}") != asked {
		t.Errorf("told %v with %d look-ups more, want nothing and none within an hour", ids(as), w.srv.Count("posts/{urn}")-asked)
	}
	w.srv.Omit(hidden, false)
	w.srv.Delete(kept)
	w.srv.Delete(hidden)
	w.Pass(time.Hour)
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
	page, err := w.try(cursor)
	if err != nil || w.srv.Count("posts/{urn}") != 10 || !page.More {
		t.Errorf("%d look-ups, more %t, error %v; want 10 in one poll", w.srv.Count("posts/{urn}"), page.More, err)
	}
	as, _ := w.drain(cursor)
	if len(ids(as)) != 25 || !strings.HasPrefix(ids(as)[0], "delete ") {
		t.Errorf("%d told, want 25 deletions", len(ids(as)))
	}
}

// A page that lacks many posts which are there costs few calls.
func TestManyMissing(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	var posted []string
	for range 25 {
		posted = append(posted, w.old("there"))
	}
	cursor := w.connect()
	for _, id := range posted {
		w.srv.Omit(id, true)
	}
	as, _ := w.drain(cursor)
	if n := w.srv.Count("posts/{urn}"); len(ids(as)) != 0 || n != 10 {
		t.Errorf("told %v after %d look-ups, want nothing after 10", ids(as), n)
	}
}

// A deleted post that a cache still shows is neither new nor deleted twice.
func TestGhost(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	w.srv.Post(linkedintest.Post{Text: "kept", At: start().Add(-2 * time.Hour)})
	id := w.old("deleted")
	cursor := w.connect()
	w.srv.Omit(id, true)
	w.srv.Haunt(id)
	as, page := w.drain(cursor)
	if diff := cmp.Diff([]string{"delete " + id}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.srv.Omit(id, false)
	w.Pass(5 * time.Minute)
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

// After LinkedIn has asked to wait nothing more is sent.
func TestPartLimited(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	cursor := w.connect()
	w.srv.AddFault(linkedintest.Fault{Endpoint: "organizations", Status: 429, Message: "Too many requests", Header: map[string]string{"Retry-After": "60"}})
	before := w.srv.Count("organizationAcls")
	_, err := w.tryAll(cursor)
	limited, is := errors.AsType[*collectors.RateLimited](err)
	if !is || !limited.Until.Equal(w.Now().Add(time.Minute)) || w.srv.Count("organizationAcls") != before {
		t.Errorf("error %v, %d calls of the next part; want to wait a minute, and none", err, w.srv.Count("organizationAcls")-before)
	}
}

// What was read beside a part that LinkedIn refuses is not read again at each try.
func TestRefusedAgain(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	cursor := w.connect()
	w.srv.AddFault(linkedintest.Fault{Endpoint: "organizationAcls", Status: 403, Code: "ACCESS_DENIED", Service: 100, Message: "no"})
	before := w.srv.Count("organizations")
	c := w.collector()
	for range 4 {
		page, err := c.Poll(t.Context(), cursor)
		if err == nil {
			cursor = page.Cursor
		}
	}
	if n := w.srv.Count("organizations") - before; n != 1 {
		t.Errorf("the organisation was read %d times, want once", n)
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
