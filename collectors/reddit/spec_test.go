package reddit

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/reddit/reddittest"
)

// setting is what a configuration gives with defaults and a refresh token.
func setting(more map[string]string) collectors.Setting {
	s := collectors.Setting{
		Source: "reddit/acme", Credential: "owner", Values: map[string]string{"client_id": reddittest.ClientID},
		Secrets: map[string]collectors.Secret{"client_secret": secret, "refresh_token": refresh},
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
	if spec.CheckAccount("a/b") == nil || spec.CheckAccount("Acme_Help-1") != nil {
		t.Error("CheckAccount takes a/b or refuses Acme_Help-1")
	}
	w := newWorld(t, reddittest.Options{})
	name := w.old("hi")
	c, err := spec.New(setting(nil), w.deps())
	if err != nil {
		t.Fatal(err)
	}
	page, err := c.Poll(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"post " + name}, ids(page.Activities)); diff != "" || !page.Backfill {
		t.Errorf("backfill %t (-want +got):\n%s", page.Backfill, diff)
	}
}

func TestVerify(t *testing.T) {
	const account = "u/acme, Acme, 3300 comment karma, 4200 followers, 15300 karma, 12000 link karma"
	for _, tt := range []struct {
		name     string
		opts     reddittest.Options
		password bool
		more     map[string]string
		lines    []string
		warnings []string
	}{
		{
			name: "least", opts: reddittest.Options{Scope: "identity read history"},
			lines: []string{account, "/user/acme/submitted: 2 newest read", "/user/acme/comments: 1 newest read"},
		},
		{
			name: "everything", more: map[string]string{"mentions": "true", "moderates": "acme\nacmehelp"},
			lines:    []string{account, "/user/acme/submitted: 2 newest read", "/user/acme/comments: 1 newest read", "/message/inbox: 0 newest read", "/r/acme/about/log: 0 newest read", "/r/acmehelp/about/log: 1 newest read"},
			warnings: []string{"Reddit has no scope that only reads the inbox: privatemessages may also send messages in the account's name"},
		},
		{
			name: "too much, of somebody else", opts: reddittest.Options{Scope: "identity read history submit edit", Owner: "watcher"},
			lines:    []string{account, "/user/acme/submitted: 2 newest read", "/user/acme/comments: 1 newest read"},
			warnings: []string{"the grant is of watcher and not of the account: what the account hides from others is not seen", "the grant has scopes that are not needed, make one without: submit edit"},
		},
		{
			name: "all scopes", opts: reddittest.Options{Scope: "*"},
			lines:    []string{account, "/user/acme/submitted: 2 newest read", "/user/acme/comments: 1 newest read"},
			warnings: []string{"the grant may do everything, posting and deleting included: make one with the scopes history identity read"},
		},
		{
			name: "password", password: true,
			lines:    []string{account, "/user/acme/submitted: 2 newest read", "/user/acme/comments: 1 newest read"},
			warnings: []string{"this is the account's password, which may do everything: a refresh_token may only read"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.opts)
			w.old("a")
			w.old("b")
			w.srv.Post(reddittest.Thing{Parent: "t3_1abc23", Text: "c"})
			w.srv.Moderate("acme", reddittest.Action{})
			w.srv.Moderate("acmehelp", reddittest.Action{Action: "addmoderator", Mod: "acme"})
			s := setting(tt.more)
			if tt.password {
				s.Secrets = map[string]collectors.Secret{"client_secret": secret, "password": password}
			}
			seen, err := Spec().Verify(t.Context(), s, w.deps())
			if diff := cmp.Diff(collectors.Seen{Name: "acme", Lines: tt.lines, Warnings: tt.warnings}, seen); diff != "" || err != nil {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestVerifyRefused: what a poll could not read is not proven.
func TestVerifyRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts reddittest.Options
		more map[string]string
		want string
	}{
		{"inbox", reddittest.Options{Scope: "identity read history"}, map[string]string{"mentions": "true"}, "look at /message/inbox of reddit/acme: GET /message/inbox: status 403, insufficient_scope: Forbidden; to mend it: the grant lacks"},
		{"no moderator", reddittest.Options{}, map[string]string{"moderates": "acme"}, "status 403, private: Forbidden; to mend it: the account must be a moderator of r/acme, "},
		{"lists", reddittest.Options{Scope: "identity read"}, nil, "GET /user/acme/submitted: status 403, insufficient_scope"},
		{"owner", reddittest.Options{Scope: "read history"}, nil, "owner of the grant of reddit/acme: GET /api/v1/me: status 403, insufficient_scope"},
		{"another account", reddittest.Options{Name: "other"}, nil, "GET /user/acme/about: status 404"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.opts)
			if _, err := Spec().Verify(t.Context(), setting(tt.more), w.deps()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestShows has everything happen that the API shows.
func TestShows(t *testing.T) {
	for _, more := range []map[string]string{nil, {"mentions": "true", "moderates": "acme"}} {
		w := newWorld(t, reddittest.Options{})
		s := setting(more)
		w.cfg = configOf(s)
		w.srv.Moderate("acme", reddittest.Action{})
		deleted, edited := w.old("regretted"), w.old("Sale from 9")
		came, page := w.drain(nil)
		w.Pass(time.Hour)
		w.srv.Post(reddittest.Thing{Title: "hi", Text: "https://acme.example u/fan #x"})
		w.srv.Post(reddittest.Thing{Title: "see", Crosspost: "t3_1abc23"})
		w.srv.Post(reddittest.Thing{Parent: "t3_1abc23", Text: "yes"})
		w.srv.Edit(edited, func(o *reddittest.Thing) { o.Text = "Sale from 10" })
		w.srv.Edit(deleted, func(o *reddittest.Thing) { o.Deleted = true })
		w.srv.Change("subreddit.public_description", "Coins")
		w.srv.Receive(reddittest.Note{Author: "fan", Text: "oh", Type: "comment_reply", Parent: "t1_k1"})
		w.srv.Moderate("acme", reddittest.Action{Action: "addmoderator", Mod: "acme", Target: "stranger"})
		for range 2 {
			w.Pass(2 * time.Minute)
			var again []activity.Activity
			again, page = w.drain(page.Cursor)
			came = append(came, again...)
		}
		collectortest.Shown(t, Spec().Shows(s), came)
	}
	for kind, want := range map[activity.Kind]string{activity.KindMention: "mentions: true", activity.KindRoleChange: "set moderates"} {
		if lack, ok := Spec().Shows(setting(nil)).Kind(kind); ok || !strings.Contains(lack.Mend, want) {
			t.Errorf("%s: shown %t, %+v", kind, ok, lack)
		}
	}
}
