package mastodon

import (
	"testing"
	"time"

	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

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
