package bluesky

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/bluesky/blueskytest"
	"github.com/picketd/picket/collectors/collectortest"
)

func TestVerify(t *testing.T) {
	who := []string{"Acme (" + did + ") on https://pds.test", "1 of its newest posts were read", "followers: 1200", "following: 10", "posts: 1"}
	const may = "Bluesky has no app passwords that only read: this one may post in the account's name, so keep it as safe as the account's own"
	login := append(append([]string{}, who...), "the login works; the account has 2 app passwords")
	tests := []struct {
		name     string
		opts     blueskytest.Options
		password collectors.Secret
		lines    []string
		warnings []string
	}{
		{"public", blueskytest.Options{}, "", who, nil},
		{"app password", blueskytest.Options{}, appPassword, login, []string{may}},
		{"app password for messages", blueskytest.Options{}, "priv-ileg-ed00-0000", login, []string{
			"this app password may also read and send direct messages: make one without that", may,
		}},
		{"the account's own", blueskytest.Options{}, accountPassword, login, []string{
			"this is the account's own password, which may do everything, its deletion included: give an app password in its place", may,
		}},
		{"list not shown", blueskytest.Options{NoAppPasswords: true}, appPassword, who, []string{
			"the server does not show the list of app passwords to this password: new ones are not told", may,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.opts)
			w.srv.AddAppPassword(did, blueskytest.AppPassword{Name: "dm", Password: "priv-ileg-ed00-0000", Privileged: true})
			w.post("hello")
			s := setting(tt.password)
			deps := w.deps()
			deps.Sessions = nil
			seen, err := Spec().Verify(t.Context(), s, deps)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(collectors.Seen{Name: "acme.test", Lines: tt.lines, Warnings: tt.warnings}, seen); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// setting is what a configuration file says.
func setting(password collectors.Secret) collectors.Setting {
	s := collectors.Setting{
		Source: "bluesky/acme.test", Credential: "bluesky", Values: map[string]string{"base_url": "https://pds.test"},
		Secrets: map[string]collectors.Secret{},
	}
	spec := Spec()
	for _, k := range append(append([]collectors.Key{}, spec.Credential...), spec.Own...) {
		if k.Default != "" {
			s.Values[k.Name] = k.Default
		}
	}
	if password != "" {
		s.Secrets["app_password"] = password
	}
	return s
}

func TestVerifyFails(t *testing.T) {
	w := newWorld(t, blueskytest.Options{})
	_, err := Spec().Verify(t.Context(), setting("wrong-wrong-wrong"), w.deps())
	if f, ok := errors.AsType[*collectors.Forbidden](err); !ok || f.Mend != mendPassword || strings.Contains(err.Error(), "wrong-wrong") {
		t.Errorf("error %v, want a Forbidden that does not tell the password", err)
	}
	s := setting("")
	s.Values["base_url"] = "http://pds.example"
	if _, err := Spec().Verify(t.Context(), s, w.deps()); err == nil || !strings.Contains(err.Error(), "base_url") {
		t.Errorf("error %v, want one about base_url", err)
	}
}

func TestSpec(t *testing.T) {
	spec := Spec()
	w := newWorld(t, blueskytest.Options{})
	c, err := spec.New(setting(""), w.deps())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.(collectors.Watcher); !ok {
		t.Error("it does not watch")
	}
	for line := range strings.SplitSeq(spec.Guide, "\n") {
		if len(line) > 80 {
			t.Errorf("line of the guide with %d characters: %s", len(line), line)
		}
	}
	for name, good := range map[string]bool{
		"acme.bsky.social": true, "acme.example": true, did: true, "Acme.Example": true,
		"acme": false, "@acme.example": false, "acme@social.example": false, "did:plc": false, "": false, "acme.local": false,
	} {
		if err := spec.CheckAccount(name); (err == nil) != good {
			t.Errorf("account name %q: error %v, want one: %t", name, err, !good)
		}
	}
	for path, want := range map[string]string{
		"https://pds.test/xrpc/com.atproto.server.createSession": "pds.test createSession",
		"https://pds.test/xrpc/com.atproto.repo.listRecords":     "pds.test",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if got := spec.Endpoint(req); got != want {
			t.Errorf("quota of %s is %q, want %q", path, got, want)
		}
	}
}

func TestConfig(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		says   string
	}{
		{"name", func(c *Config) { c.Name = "acme" }, "name"},
		{"did", func(c *Config) { c.DID = "plc:x" }, "did"},
		{"long did", func(c *Config) { c.DID = "did:plc:" + strings.Repeat("a", 300) }, "did"},
		{"server by http", func(c *Config) { c.Server = "http://pds.example" }, "base_url"},
		{"server with a path", func(c *Config) { c.Server = "https://pds.example/xrpc" }, "base_url: \"https://pds.example\" with a path"},
		{"server with a login", func(c *Config) { c.Server = "https://secret:secret@pds.example?secret" }, "base_url: \"https://pds.example\" with a user and a query"},
		{"app view", func(c *Config) { c.AppView = "public" }, "app_view"},
		{"account", func(c *Config) { c.Account = "x/acme" }, "account"},
		{"password", func(c *Config) { c.Password = "abcd\n" }, "app_password"},
		{"mentions", func(c *Config) { c.Mentions = true }, "mentions"},
		{"watch", func(c *Config) { c.Watch = 5 }, "watch"},
		{"much to watch", func(c *Config) { c.Watch = 500 }, "watch"},
		{"backfill", func(c *Config) { c.Backfill = 20_000 }, "backfill"},
		{"overlap", func(c *Config) { c.Overlap = 48 * time.Hour }, "overlap"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Config{Name: "acme.example"}
			tt.change(&c)
			_, err := c.complete()
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v, want one about %s", err, tt.says)
			}
		})
	}
	c, err := Config{Name: "Acme.Example", Server: "http://127.0.0.1:2583"}.complete()
	if err != nil || c.Account != "bluesky/acme.example" || c.AppView != DefaultAppView || c.Watch != 100 || c.Backfill != 200 {
		t.Errorf("%+v, error %v", c, err)
	}
}

func TestShows(t *testing.T) {
	tests := []struct {
		name   string
		change []func(*Config)
		lacks  []activity.Kind
	}{
		{"public", nil, []activity.Kind{activity.KindMention, activity.KindTokenGrant, activity.KindTokenRevoke}},
		{"with a password", []func(*Config){withPassword}, []activity.Kind{activity.KindMention}},
		{"with mentions", []func(*Config){withMentions}, nil},
		{"without an app view", []func(*Config){withMentions, func(c *Config) { c.AppView = none }}, []activity.Kind{activity.KindFollowers}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{}, tt.change...)
			gone := w.post("will go")
			w.srv.Put(did, collectionPost, "3mgfk2zzzzz2a", blueskytest.Post("before", start()))
			w.srv.AddAppPassword(did, blueskytest.AppPassword{Name: "old", Password: "x"})
			cursor := w.connect()
			w.srv.Delete(gone)
			w.srv.Put(did, collectionPost, "3mgfk2zzzzz2a", blueskytest.Post("after", start()))
			w.post("hello")
			w.srv.Put(did, collectionPost, "", `{"$type":"app.bsky.feed.post","text":"r","reply":{"parent":{"uri":"`+original+`"}}}`)
			w.srv.Put(did, collectionRepost, "", `{"$type":"app.bsky.feed.repost","subject":{"uri":"`+original+`"}}`)
			w.srv.Notify(did, blueskytest.Notification{Reason: "mention", Text: "hi"})
			w.srv.AddAppPassword(did, blueskytest.AppPassword{Name: "new", Password: "y"})
			w.srv.RevokeAppPassword(did, "old")
			w.srv.SetHandle(did, "renamed.test")
			got, _ := w.later(time.Hour, cursor)
			shows := w.cfg.Shows()
			collectortest.Shown(t, shows, got)
			for _, kind := range tt.lacks {
				if lack, ok := shows.Kind(kind); ok || lack.Why == "" || lack.Mend == "" {
					t.Errorf("%s: shown %t, %+v; want a reason and what would show it", kind, ok, lack)
				}
			}
		})
	}
}

// An hour of polls every minute, and every second, with one budget: the fake
// counts, and nothing is beyond what is documented.
func TestLimitOfAnHour(t *testing.T) {
	for _, every := range []time.Duration{time.Minute, time.Second} {
		t.Run(every.String(), func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{Limit: 300}, withMentions)
			budget := collectors.NewBudget("bluesky", collectors.BudgetOptions{Endpoint: endpointQuota, Now: w.Now})
			deps := w.deps()
			deps.HTTP = collectors.NewClient(budget, collectors.ClientOptions{Base: collectortest.Transport(w.srv), MaxWait: time.Nanosecond})
			var cursor []byte
			begun := w.Now()
			c, err := New(w.cfg, deps)
			if err != nil {
				t.Fatal(err)
			}
			for w.Now().Sub(begun) < time.Hour {
				w.srv.Put(did, collectionProfile, "self", fmt.Sprintf(`{"$type":"app.bsky.actor.profile","displayName":"at %d"}`, w.Now().Unix()))
				page, err := c.Poll(t.Context(), cursor)
				limited, ok := errors.AsType[*collectors.RateLimited](err)
				switch {
				case ok && limited.Until.After(w.Now()):
					w.Pass(limited.Until.Sub(w.Now())) // as the scheduler does
				case err != nil:
					t.Fatal(err)
				default:
					cursor = page.Cursor
				}
				w.Pass(every)
			}
			granted := 300 * 12
			if n := w.srv.Total(); every == time.Second && n < granted*95/100 {
				t.Errorf("%d requests in an hour with more work than that, want at least 95 %% of %d", n, granted)
			}
		})
	}
}
