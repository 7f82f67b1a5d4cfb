package facebook

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/facebook/facebooktest"
	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

// setting is what a configuration gives with defaults.
func setting(more map[string]string) collectors.Setting {
	s := collectors.Setting{
		Source: "facebook/acme", Values: map[string]string{},
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
	if spec.CheckAccount("a/b") == nil || spec.CheckAccount("acme") != nil {
		t.Error("CheckAccount takes a/b or refuses acme")
	}
	w := newWorld(t, metagraphtest.Options{})
	id := w.srv.Post(facebooktest.Post{Text: "hi"})
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
	least := []string{"pages_show_list", "pages_read_engagement"}
	for _, tt := range []struct {
		name   string
		opts   metagraphtest.Options
		values map[string]string
		want   []string // warnings
	}{
		{"least", metagraphtest.Options{Scopes: least}, nil, nil},
		{
			"may post, and ends",
			metagraphtest.Options{Scopes: append(least, "pages_manage_posts"), Expires: start().Add(50 * time.Hour)},
			nil,
			[]string{"the token can do more than read: pages_manage_posts; make it anew without these", "the token ends on 2026-03-08, in 2 days; a system user's need not"},
		},
		{
			"lacks",
			metagraphtest.Options{Scopes: least},
			map[string]string{"mentions": "true", "apps": "true"},
			[]string{"the token lacks pages_read_user_content, pages_manage_metadata, which what is configured needs; make it anew with these"},
		},
		{"needs what else were a warning", metagraphtest.Options{Scopes: append(least, "pages_manage_metadata")}, map[string]string{"business": "300"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.opts)
			w.old("one")
			w.old("two")
			seen, err := Spec().Verify(t.Context(), setting(tt.values), w.deps())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, seen.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			lines := []string{"Acme & Co, id 100200300, 1204 followers, 1100 likes", "2 newest posts read, the last of 2026-03-06T11:00:00Z"}
			if diff := cmp.Diff(lines, seen.Lines[:2]); diff != "" || seen.Name != "acme" || !strings.HasPrefix(seen.Lines[2], "token of type PAGE, app Acme Watch, with pages_") {
				t.Errorf("name %q, lines %q (-want +got):\n%s", seen.Name, seen.Lines, diff)
			}
		})
	}
}

func TestVerifyTrouble(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	w.srv.AddFault(metagraphtest.Fault{Path: "/debug_token", Status: 400, Code: 100, Message: "(#100) You must provide an app access token"})
	seen, err := Spec().Verify(t.Context(), setting(nil), w.deps())
	if err != nil || len(seen.Warnings) != 1 || !strings.HasPrefix(seen.Warnings[0], "Meta does not tell this token") {
		t.Errorf("seen %+v, error %v", seen, err)
	}
	w.srv.Heal()
	w.srv.AddFault(metagraphtest.Fault{Path: "/debug_token", Status: 200, Body: `{"data":{"is_valid":false,"error":{"code":190,"message":"gone","subcode":460}}}`})
	_, err = Spec().Verify(t.Context(), setting(nil), w.deps())
	if forbidden, ok := errors.AsType[*collectors.Forbidden](err); !ok || !strings.Contains(forbidden.Mend, "changed its password") {
		t.Errorf("error %v, want a refusal because of the password", err)
	}
	w.srv.Heal()
	_, err = Spec().Verify(t.Context(), setting(map[string]string{"page": "404"}), w.deps())
	if forbidden, ok := errors.AsType[*collectors.Forbidden](err); !ok || !strings.Contains(forbidden.Mend, "no such object") {
		t.Errorf("error %v, want one about the Page's id", err)
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
		{"all", map[string]string{"mentions": "true", "people": "true", "apps": "true"}},
		{"a business's people", map[string]string{"business": "300"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, metagraphtest.Options{})
			w.cfg = configOf(setting(tt.values))
			deleted, edited := w.old("regretted"), w.old("Sale from 9")
			w.srv.Post(facebooktest.Post{Text: "hi", App: "Planner", Admin: "Jane Roe", Link: "https://acme.example/"})
			w.srv.Post(facebooktest.Post{Text: "look", Shares: "900_1"})
			w.srv.App("42", "Planner")
			came, page := w.drain(nil)
			w.must(w.srv.Edit(edited, "Sale from 10"))
			w.must(w.srv.Delete(deleted))
			w.must(w.srv.Delete("42"))
			w.must(w.srv.Change(facebooktest.PageID, facebooktest.Object{"name": "Acme!"}))
			w.srv.App("43", "Mailer")
			w.srv.Member("roles", "11", "Jane Roe", "MANAGE")
			w.srv.Member("assigned_users", "12", "John Doe", "MANAGE")
			w.srv.Tag(facebooktest.Post{Text: "oh Acme"})
			w.srv.Comment(edited, facebooktest.Post{Text: "oh", From: "Fan Page"})
			w.srv.Comment(edited, facebooktest.Post{Text: "thanks", From: facebooktest.PageID})
			w.pass(20 * time.Minute)
			more, _ := w.drain(page.Cursor)
			collectortest.Shown(t, Spec().Shows(setting(tt.values)), append(came, more...))
		})
	}
	shows := Spec().Shows(setting(nil))
	if lack, ok := shows.Kind(activity.KindRoleChange); ok || !strings.Contains(lack.Mend, "people: true") {
		t.Errorf("role changes: shown %t, %+v", ok, lack)
	}
}
