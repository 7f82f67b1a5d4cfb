package linkedin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
)

// TestNotFoundElsewhere: only LinkedIn's own word means that a post is gone, not
// that of what lies between.
func TestNotFoundElsewhere(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	id := w.old("there")
	cursor := w.connect()
	w.srv.Omit(id, true)
	for _, body := range []string{"<html>not found</html>", `{"error":{"code":404}}`} {
		w.srv.AddFault(linkedintest.Fault{Endpoint: "posts/{urn}", Status: http.StatusNotFound, Body: body})
		as, err := w.tryAll(cursor)
		if len(ids(as)) != 0 || err == nil {
			t.Errorf("%s: told %v, error %v; want an error", body, ids(as), err)
		}
		w.srv.Heal()
	}
}

// TestFirstPostLate: the first post of a page is told, however late an answer
// holds it; that one answer was empty makes no news of what is old.
func TestFirstPostLate(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	w.connect()
	_, page := w.drain(nil)
	w.Pass(time.Minute)
	id := w.srv.Post(linkedintest.Post{Text: "a film, which takes long to prepare", At: w.Now().Add(-40 * time.Minute)})
	for range 10 {
		w.srv.Post(linkedintest.Post{Text: "years old", At: start().Add(-20000 * time.Hour)})
	}
	as, page := w.drain(page.Cursor)
	if diff := cmp.Diff([]string{"post " + id}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.srv.Delete(id)
	w.Pass(2 * time.Hour)
	_, page = w.drain(page.Cursor)
	w.Pass(time.Minute)
	id = w.srv.Post(linkedintest.Post{Text: "another", At: w.Now().Add(-40 * time.Minute)})
	as, _ = w.drain(page.Cursor)
	if diff := cmp.Diff([]string{"post " + id}, ids(as)); diff != "" {
		t.Errorf("after a deletion (-want +got):\n%s", diff)
	}
}

// TestRequestsBeyondRoles: everybody can ask for a role on a page; however many
// do, who has one is still seen.
func TestRequestsBeyondRoles(t *testing.T) {
	for _, n := range []int{200, 700} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newWorld(t, linkedintest.Options{})
			cursor := w.connect()
			roles := []linkedintest.Role{}
			for i := range n {
				roles = append(roles, linkedintest.Role{Member: fmt.Sprintf("urn:li:person:fake%03d", i), Role: "ADMINISTRATOR", State: "REQUESTED"})
			}
			roles = append(roles,
				linkedintest.Role{Member: "urn:li:person:jane", Role: "ADMINISTRATOR", State: "APPROVED"},
				linkedintest.Role{Member: "urn:li:person:mallory", Role: "ADMINISTRATOR", State: "APPROVED"})
			w.srv.SetRoles(roles...)
			as, err := w.tryAll(cursor)
			if err != nil {
				t.Fatal(err)
			}
			var granted []string
			for _, a := range as {
				if a.Kind == activity.KindRoleChange && slices.Contains(a.Changed, "role_granted") {
					granted = append(granted, a.Profile[0].Value)
				}
			}
			if diff := cmp.Diff([]string{"urn:li:person:mallory"}, granted); diff != "" {
				t.Errorf("granted (-want +got):\n%s", diff)
			}
			if w.log.FilterMessageSnippet("ask for a role").Len() == 0 {
				t.Error("nothing said of those that are left out")
			}
		})
	}
}

// TestLinksAsTyped: a link is one however it is written.
func TestLinksAsTyped(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"capitals", "see HTTPS://Evil.example/x", "evil.example"},
		{"behind a picture", "👉https://evil.example/x", "evil.example"},
		{"behind a word", "shop:https://evil.example/x", "evil.example"},
		{"behind what looks like one", "httphttps://evil.example/x", "evil.example"},
		{"two in one word", "http://a.example|https://evil.example", "evil.example"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := activity.Activity{}
			fill(&a, tt.text)
			if !slices.Contains(a.LinkDomains, tt.want) {
				t.Errorf("links %q to %q, want one to %s", a.Links, a.LinkDomains, tt.want)
			}
		})
	}
}

// TestGapEndsAfterItBegins: comments that claim to be of the future do not have a
// gap end before it begins.
func TestGapEndsAfterItBegins(t *testing.T) {
	w := newWorld(t, linkedintest.Options{Ascending: true, NoTotal: true}, withMentions)
	post := w.old("What do you think?")
	cursor := w.connect()
	for i := range 400 {
		w.srv.Comment(post, linkedintest.Comment{Text: "storm", At: w.Now().Add(time.Duration(i+1) * time.Minute)})
	}
	if _, page := w.drain(cursor); page.Gap == nil || page.Gap.Until.Before(page.Gap.From) {
		t.Errorf("gap %+v, want one that ends after it begins", page.Gap)
	}
}

// TestUnreadableParts: what of the profile comes in another form was not emptied.
func TestUnreadableParts(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	cursor := w.connect()
	for name, value := range map[string]any{
		"logoV2": "urn:li:image:1", "industries": "x", "locations": 7, "description": 7, "website": []int{7}, "localizedSpecialties": 7, "coverPhotoV2": 7, "alternativeNames": 7,
	} {
		w.srv.Change(linkedintest.Object{name: value})
	}
	w.srv.Change(linkedintest.Object{"localizedDescription": "", "localizedWebsite": ""})
	as, page := w.drain(cursor)
	if len(ids(as)) != 0 {
		t.Errorf("told %v %q", ids(as), as[len(as)-1].Changed)
	}
	w.srv.Change(linkedintest.Object{"logoV2": linkedintest.Object{"original": "urn:li:digitalmediaAsset:logo2"}})
	w.Pass(time.Hour)
	as, _ = w.drain(page.Cursor)
	if a := only(t, as, activity.KindProfile); !slices.Equal(a.Changed, []string{"picture"}) || a.Old[0].Value != "urn:li:digitalmediaAsset:logo1" {
		t.Errorf("changed %q from %v, want picture from logo1", a.Changed, a.Old)
	}
}

// TestPublishedEdited: a state that begins with PUBLISHED hides no post.
func TestPublishedEdited(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	cursor := w.connect()
	id := w.srv.Post(linkedintest.Post{Text: "hi", State: "PUBLISHED_EDITED"})
	as, _ := w.drain(cursor)
	if diff := cmp.Diff([]string{"post " + id}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestHistoryInSmallPages: small pages do not cut off history that was asked for.
func TestHistoryInSmallPages(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, func(c *Config) { c.PageSize, c.Backfill = 10, 400 })
	for i := range 450 {
		w.srv.Post(linkedintest.Post{Text: "old", At: start().Add(-time.Duration(i+1) * time.Hour)})
	}
	as, _ := w.drain(nil)
	if n := len(ids(as)); n != 400 {
		t.Errorf("%d posts of history, want 400", n)
	}
}

// TestRotated: a refresh token that LinkedIn gave in place of the one before, to
// another page of the same credential, is used by all, and is kept when it could
// not be at first.
func TestRotated(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, withRefresh)
	one, other := w.collector(), w.collector()
	_, page := w.drainWith(one, nil)
	w.drainWith(other, nil)
	w.srv.Rotate("AQWanother-refresh-999999999")
	w.Pass(60 * 24 * time.Hour)
	w.kept.broken = true
	if _, err := one.Poll(t.Context(), page.Cursor); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Fatalf("error %v, want one of the session", err)
	}
	w.kept.broken = false
	w.Pass(time.Minute)
	if _, err := one.Poll(t.Context(), page.Cursor); err != nil {
		t.Fatal(err)
	}
	w.Pass(60 * 24 * time.Hour)
	if _, err := w.try(page.Cursor); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if _, err := other.Poll(t.Context(), page.Cursor); err != nil {
		t.Errorf("another page of the credential: %v", err)
	}
}

// TestClockSetBack: what was read by a clock that ran ahead is read again when
// the clock is right.
func TestClockSetBack(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, withMentions)
	post := w.old("hi")
	w.Pass(30 * 24 * time.Hour)
	_, page := w.drain(nil)
	w.Pass(-30 * 24 * time.Hour)
	w.srv.Change(linkedintest.Object{"vanityName": "acme-giveaway"})
	w.srv.SetRoles(linkedintest.Role{Member: "urn:li:person:mallory", Role: "ADMINISTRATOR", State: "APPROVED"})
	calls := w.srv.Count("networkSizes")
	as, _ := w.drain(page.Cursor)
	if len(ids(as)) != 3 || w.srv.Count("networkSizes") == calls {
		t.Errorf("told %v beside %s, want a profile, two roles, and followers", ids(as), post)
	}
}
