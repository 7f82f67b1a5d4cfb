package mastodon

import (
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

// What a list of tokens brings is no promise of the configuration, which does not
// know of it: coverage counts it as seen once it has come.
func TestShowsTokens(t *testing.T) {
	for software, want := range map[string]int{"": 0, mastodontest.GoToSocial: 2, mastodontest.Pleroma: 2} {
		w := newWorld(t, mastodontest.Options{Software: software}, withToken)
		w.srv.Grant("acme", mastodontest.Grant{App: "Planner"})
		came, _ := w.drain(nil)
		lack, shown := w.cfg.Shows().Kind(activity.KindTokenGrant)
		if shown || !strings.Contains(lack.Why, "this server has shown no list") || count(came, activity.KindTokenGrant) != want {
			t.Errorf("%s: shown %t, %q; %d came, want %d", software, shown, lack.Why, count(came, activity.KindTokenGrant), want)
		}
		if _, lacks := w.cfg.Shows().Field(activity.KindTokenGrant, "app"); !lacks {
			t.Errorf("%s: the app of a token is said to lack", software)
		}
	}
	lack, _ := Config{}.Shows().Kind(activity.KindTokenRevoke)
	if !strings.Contains(lack.Mend, "a token of the account") {
		t.Errorf("without a token: %+v", lack)
	}
}

// TestShows has everything happen that a server shows.
func TestShows(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
	}{
		{"everybody", func(*Config) {}},
		{"everybody, newest only", func(c *Config) { c.Watch = -1 }},
		{"the account itself", withToken},
		{"the account itself, with mentions", withMentions},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, mastodontest.Options{}, tt.change)
			other := w.srv.Post("fan", mastodontest.Status{Text: "@acme are you there?"})
			deleted := w.old("regretted")
			edited := w.old("Sale from 9")
			w.srv.Post("acme", mastodontest.Status{Text: "@fan yes", ReplyTo: other, App: "Scheduler"})
			w.srv.Post("acme", mastodontest.Status{BoostOf: other})
			w.srv.Post("acme", mastodontest.Status{Text: "@fan in private", Visibility: "direct"})
			came, page := w.drain(nil)
			w.must(w.srv.Edit(edited, "Sale from 10"))
			w.must(w.srv.Delete(deleted))
			w.must(w.srv.SetProfile("acme", func(p *mastodontest.Profile) { p.DisplayName = "Acme!" }))
			w.srv.Post("fan", mastodontest.Status{Text: "@acme thanks"})
			w.pass(20 * time.Minute)
			more, _ := w.drain(page.Cursor)
			collectortest.Shown(t, w.cfg.Shows(), append(came, more...))
		})
	}
}
