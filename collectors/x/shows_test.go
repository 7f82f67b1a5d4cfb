package x

import (
	"testing"
	"time"

	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/x/xtest"
)

// TestShows has everything happen that X shows.
func TestShows(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
	}{
		{"all", func(c *Config) { withMentions(c); withMessages(c) }},
		{"neither mentions nor deletions", func(c *Config) { c.Rehydrate = -1 }},
		{"deletions by events alone", func(c *Config) { c.Rehydrate, c.Activity = -1, ActivityStream }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, xtest.Options{}, tt.change)
			other := w.srv.Post("fan", xtest.Post{Text: "@acme are you there?"})
			deleted := w.old("regretted")
			w.srv.Post("acme", xtest.Post{Text: "@fan yes", ReplyTo: other})
			w.srv.Post("acme", xtest.Post{RepostOf: other})
			edited := w.srv.Post("acme", xtest.Post{Text: "Sale from 9"})
			came, page := w.drain(nil)
			if _, err := w.srv.Edit(edited, "Sale from 10"); err != nil {
				t.Fatal(err)
			}
			if err := w.srv.Delete(deleted); err != nil {
				t.Fatal(err)
			}
			if err := w.srv.SetProfile("acme", func(p *xtest.Profile) { p.Name = "Acme!" }); err != nil {
				t.Fatal(err)
			}
			w.Pass(2 * time.Minute)
			if w.cfg.DirectMessages {
				w.send("acme", "fan", "psst")
			}
			if w.cfg.Activity != "" {
				w.suspects = []int64{parseID(deleted)}
			}
			more, _ := w.drain(page.Cursor)
			collectortest.Shown(t, w.cfg.Shows(), append(came, more...))
		})
	}
}
