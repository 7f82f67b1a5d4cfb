package linkedin

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
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
)

// setting is what a configuration gives with defaults.
func setting(more map[string]string, secrets ...string) collectors.Setting {
	s := collectors.Setting{
		Source: account, Credential: "acme", Values: map[string]string{},
		Secrets: map[string]collectors.Secret{"token": token},
	}
	for i := 0; i < len(secrets); i += 2 {
		s.Secrets[secrets[i]] = collectors.Secret(secrets[i+1])
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
	if spec.CheckAccount("acme") == nil || spec.CheckAccount("2414183") != nil {
		t.Error("CheckAccount takes acme or refuses 2414183")
	}
	w := newWorld(t, linkedintest.Options{})
	id := w.srv.Post(linkedintest.Post{Text: "hi"})
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
	least := []string{"r_organization_social", "r_organization_admin"}
	page := []string{"Acme & Co, linkedin.com/company/acme, id 2414183, 1204 followers", "2 newest posts read, the last of 2026-03-06T11:00:00Z"}
	people := "people with a role on the page: 1"
	for _, tt := range []struct {
		name     string
		scopes   []string
		values   map[string]string
		secrets  []string
		lines    []string
		warnings []string
	}{
		{
			name: "token alone", lines: append(page, people),
			warnings: []string{"what the token may do, and when it ends, is not known: LinkedIn tells it with client_id and client_secret only; it ends 60 days after it was made"},
		},
		{
			name: "least", scopes: least, values: map[string]string{"client_id": client}, secrets: []string{"client_secret", secret},
			lines: append(page, people, "token with r_organization_social, r_organization_admin", "the token ends on 2026-04-25, in 50 days"),
		},
		{
			name: "refresh token that can post and ends", scopes: append(least, "w_organization_social", "rw_organization_admin"),
			values:  map[string]string{"client_id": client, "people": "false", "mentions": "true"},
			secrets: []string{"client_secret", secret, "refresh_token", refresh},
			lines:   append(page, "comments can be read", "token with r_organization_social, r_organization_admin, w_organization_social, rw_organization_admin"),
			warnings: []string{
				"the token can do more than read: w_organization_social, rw_organization_admin; make it anew without these",
				"the refresh_token ends on 2026-03-26, in 20 days; make another before",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, linkedintest.Options{Scopes: tt.scopes})
			w.old("one")
			w.old("two")
			seen, err := Spec().Verify(t.Context(), setting(tt.values, tt.secrets...), w.deps())
			if err != nil {
				t.Fatal(err)
			}
			want := collectors.Seen{Name: linkedintest.Number, Lines: tt.lines, Warnings: tt.warnings}
			if diff := cmp.Diff(want, seen); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifyTrouble(t *testing.T) {
	for _, tt := range []struct{ endpoint, want string }{
		{"organizations", "profile of " + account},
		{"networkSizes", "followers of " + account},
		{"posts", "posts of " + account},
		{"organizationAcls", "people of " + account},
		{"socialActions/{urn}/comments", "comments of " + account},
		{"oauth", "look-up of the token"},
	} {
		for _, daily := range []bool{false, true} {
			w := newWorld(t, linkedintest.Options{})
			w.old("one")
			fault := linkedintest.Fault{Status: 403, Code: "ACCESS_DENIED", Message: "no"}
			if daily {
				fault = *linkedintest.DayLimit()
			}
			fault.Endpoint = tt.endpoint
			w.srv.AddFault(fault)
			_, err := Spec().Verify(t.Context(), setting(map[string]string{"client_id": client, "mentions": "true"}, "client_secret", secret), w.deps())
			_, refused := errors.AsType[*collectors.Forbidden](err)
			_, limited := errors.AsType[*collectors.RateLimited](err)
			if err == nil || refused == daily || limited != daily || !daily && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s, of the day %t: error %v, want one with %q", tt.endpoint, daily, err, tt.want)
			}
		}
	}
	w := newWorld(t, linkedintest.Options{})
	seen, err := Spec().Verify(t.Context(), setting(map[string]string{"mentions": "true"}), w.deps())
	if err != nil || len(seen.Lines) != 4 || seen.Lines[1] != "no posts yet" || seen.Lines[3] != "no post yet whose comments could be read" {
		t.Errorf("seen %+v, error %v", seen, err)
	}
}

// TestShows has everything happen that the API shows.
func TestShows(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values map[string]string
	}{
		{"default", nil},
		{"without people", map[string]string{"people": "false"}},
		{"mentions", map[string]string{"mentions": "true"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, linkedintest.Options{})
			w.cfg = configOf(setting(tt.values))
			deleted, edited := w.old("regretted"), w.old("Sale from 9")
			w.srv.Post(linkedintest.Post{Text: "look", Reshares: "urn:li:share:900"})
			came, page := w.drain(nil)
			w.srv.Edit(edited, "Sale from 10")
			w.srv.Delete(deleted)
			w.srv.Change(linkedintest.Object{"localizedName": "Acme!"})
			w.srv.SetRoles(linkedintest.Role{Member: "urn:li:person:mallory", Role: "ADMINISTRATOR", State: "APPROVED"})
			w.srv.Comment(edited, linkedintest.Comment{Text: "oh"})
			w.srv.Comment(edited, linkedintest.Comment{Text: "thanks", Actor: linkedintest.URN})
			w.Pass(20 * time.Minute)
			more, _ := w.drain(page.Cursor)
			collectortest.Shown(t, Spec().Shows(setting(tt.values)), append(came, more...))
		})
	}
	shows := Spec().Shows(setting(map[string]string{"people": "false"}))
	if lack, ok := shows.Kind(activity.KindRoleChange); ok || !strings.Contains(lack.Mend, "people: true") {
		t.Errorf("role changes: shown %t, %+v", ok, lack)
	}
}
