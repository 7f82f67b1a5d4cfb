package instagram

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/instagram/instagramtest"
	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

// setting is what a configuration gives with defaults.
func setting(more map[string]string) collectors.Setting {
	s := collectors.Setting{
		Source: "instagram/acme", Values: map[string]string{"user": instagramtest.UserID},
		Secrets: map[string]collectors.Secret{"token": token, "app_secret": secret},
	}
	for _, k := range append(Spec().Credential, Spec().Own...) {
		if k.Default != "" {
			s.Values[k.Name] = k.Default
		}
	}
	maps.Copy(s.Values, more)
	return s
}

func TestSpec(t *testing.T) {
	spec := Spec()
	keys := map[string]bool{}
	for _, k := range append(spec.Credential, spec.Own...) {
		if keys[k.Name] || k.Help == "" {
			t.Errorf("key %s is there twice or has no help", k.Name)
		}
		keys[k.Name] = true
	}
	for line := range strings.SplitSeq(spec.Guide, "\n") {
		if len(line) > 80 {
			t.Errorf("line of %d characters in the guide: %s", len(line), line)
		}
	}
	w := newWorld(t, metagraphtest.Options{})
	id := w.srv.Post(instagramtest.Media{Text: "hi"})
	c, err := spec.New(setting(nil), w.deps())
	if err != nil {
		t.Fatal(err)
	}
	page, err := c.Poll(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"post " + id}, ids(page.Activities)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestVerify(t *testing.T) {
	least := []string{"instagram_basic", "pages_show_list", "pages_read_engagement"}
	for _, tt := range []struct {
		name   string
		scopes []string
		values map[string]string
		want   []string // warnings
	}{
		{"least", least, nil, nil},
		{"may publish", append(least, "instagram_content_publish"), nil, []string{"the token can do more than read: instagram_content_publish; make it anew without these"}},
		{"mentions", append(least, "instagram_manage_comments"), map[string]string{"mentions": "true"}, nil},
		{"mentions not wanted", append(least, "instagram_manage_comments"), nil, []string{"the token can do more than read: instagram_manage_comments; make it anew without these"}},
		{
			"by Instagram Login",
			[]string{"instagram_business_basic"},
			map[string]string{"base_url": "https://graph.instagram.com", "mentions": "true"},
			[]string{"the token lacks instagram_business_manage_comments, which what is configured needs; make it anew with these"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, metagraphtest.Options{Scopes: tt.scopes})
			w.old("one")
			seen, err := Spec().Verify(t.Context(), setting(tt.values), w.deps())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, seen.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			lines := []string{"Acme & Co, id 17841400000000001, 1204 followers, 12 following, 1 posts", "1 newest media read, the last of 2026-03-06T11:00:00Z"}
			if diff := cmp.Diff(lines, seen.Lines[:2]); diff != "" || seen.Name != "acme" {
				t.Errorf("name %q, lines (-want +got):\n%s", seen.Name, diff)
			}
		})
	}
}

// TestShows has everything happen that the API shows.
func TestShows(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values map[string]string
	}{
		{"least", nil},
		{"newest only", map[string]string{"watch": "-1"}},
		{"mentions", map[string]string{"mentions": "true"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, metagraphtest.Options{})
			w.cfg = configOf(setting(tt.values))
			deleted, edited := w.old("regretted"), w.old("Sale from 9")
			w.srv.Story(instagramtest.Media{Text: "hi"})
			came, page := w.drain(nil)
			w.must(w.srv.Edit(edited, "Sale from 10"))
			w.must(w.srv.DeletePost(deleted))
			w.must(w.srv.Change(instagramtest.UserID, instagramtest.Object{"name": "Acme!"}))
			w.srv.Tag(instagramtest.Media{Text: "oh acme", From: "fan"})
			w.srv.Comment(edited, instagramtest.Media{Text: "oh", From: "fan"})
			w.srv.Comment(edited, instagramtest.Media{Text: "thanks", From: "acme"})
			w.pass(20 * time.Minute)
			more, _ := w.drain(page.Cursor)
			collectortest.Shown(t, Spec().Shows(setting(tt.values)), append(came, more...))
		})
	}
}
