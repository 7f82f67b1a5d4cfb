package bluesky

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/bluesky/blueskytest"
)

func wantForbidden(t *testing.T, w *world, cursor json.RawMessage, mend string) {
	t.Helper()
	_, err := w.try(cursor)
	f, ok := errors.AsType[*collectors.Forbidden](err)
	if !ok || f.Mend != mend {
		t.Errorf("error %v, want a Forbidden to mend by %q", err, mend)
	}
}

func TestErrors(t *testing.T) {
	const (
		status   = "com.atproto.sync.getRepoStatus"
		describe = "com.atproto.repo.describeRepo"
		list     = "com.atproto.repo.listRecords"
		login    = "com.atproto.server.createSession"
		grants   = "com.atproto.server.listAppPasswords"
		notes    = "app.bsky.notification.listNotifications"
		counts   = "app.bsky.actor.getProfile"
	)
	malformed := func(err error) bool { _, ok := errors.AsType[*collectors.Malformed](err); return ok }
	mend := func(want string) func(error) bool {
		return func(err error) bool {
			f, ok := errors.AsType[*collectors.Forbidden](err)
			return ok && f.Mend == want
		}
	}
	plain := func(err error) bool {
		_, forbidden := errors.AsType[*collectors.Forbidden](err)
		_, limited := errors.AsType[*collectors.RateLimited](err)
		return err != nil && !forbidden && !limited && !malformed(err)
	}
	limited := func(err error) bool {
		l, ok := errors.AsType[*collectors.RateLimited](err)
		return ok && l.Until.Equal(start().Add(600e9))
	}
	tests := []struct {
		name     string
		kind     string
		endpoint string
		is       func(error) bool
		says     string
	}{
		{"429", blueskytest.Fault429, "", limited, "RateLimitExceeded"},
		{"429 of mentions", blueskytest.Fault429, notes, limited, "RateLimitExceeded"},
		{"500", blueskytest.Fault500, "", plain, "status 500: InternalServerError"},
		{"no app view behind the server", blueskytest.Fault502, notes, plain, "mentions of bluesky/acme.test: app.bsky.notification.listNotifications: status 502: UpstreamFailure"},
		{"app view down", blueskytest.Fault500, counts, plain, "app_view: none"},
		{"refused", blueskytest.Fault403, list, mend(mendRefused), "Forbidden"},
		{"no XRPC there", blueskytest.Fault404, "", mend(mendPath), "status 404: Not Found"},
		{"login refused", blueskytest.Fault401, login, mend(mendPassword), "Invalid identifier or password"},
		{"code by e-mail", blueskytest.FaultFactor, login, mend(mendFactor), "sign in code"},
		{"guest network", blueskytest.FaultHTML, status, plain, "not whole JSON"},
		{"cut", blueskytest.FaultCut, status, plain, "not whole JSON"},
		{"null", blueskytest.FaultNull, list, malformed, "records"},
		{"empty object", blueskytest.FaultEmpty, status, malformed, "did"},
		{"empty list of records", blueskytest.FaultEmpty, list, malformed, "records: missing"},
		{"empty identity", blueskytest.FaultEmpty, describe, malformed, "did"},
		{"empty session", blueskytest.FaultEmpty, login, malformed, "accessJwt"},
		{"types of the status", blueskytest.FaultTypes, status, malformed, status},
		{"types of records", blueskytest.FaultTypes, list, malformed, list},
		{"types of the identity", blueskytest.FaultTypes, describe, malformed, describe},
		{"types of app passwords", blueskytest.FaultTypes, grants, malformed, grants},
		{"types of notifications", blueskytest.FaultTypes, notes, malformed, notes},
		{"types of counts", blueskytest.FaultTypes, counts, malformed, counts},
		{"directory of the server down", blueskytest.FaultDirectory, describe, plain, "Could not resolve DID"},
		{"request refused", blueskytest.FaultEcho, list, mend(mendRequest), "InvalidRequest"},
		{"token repeated", blueskytest.FaultEcho, notes, mend(mendRequest), "bad header Bearer " + collectors.Redacted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{}, withMentions)
			w.srv.AddFault(blueskytest.Fault{Kind: tt.kind, Endpoint: tt.endpoint, Reset: 600})
			var err error
			var cursor json.RawMessage
			for range 20 { // the parts come one after the other
				var page collectors.Page
				if page, err = w.try(cursor); err != nil || !page.More {
					break
				}
				cursor = page.Cursor
			}
			if !tt.is(err) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want another, with %q", err, tt.says)
			}
			for _, secret := range []string{appPassword, "eyJ"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells a secret: %v", err)
				}
			}
		})
	}
}

// Trouble with one part hides no post.
func TestTroubleOfAPartHidesNoPost(t *testing.T) {
	for _, endpoint := range []string{
		"com.atproto.server.createSession", "app.bsky.notification.listNotifications", "app.bsky.actor.getProfile", "com.atproto.repo.describeRepo",
	} {
		t.Run(endpoint, func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{}, withMentions)
			cursor := w.connect()
			w.sessions.kept = nil
			w.Pass(2 * 60 * 60e9)
			w.srv.AddFault(blueskytest.Fault{Kind: blueskytest.Fault500, Endpoint: endpoint})
			id := w.post("while something is broken")
			page := w.poll(cursor)
			if a := only(t, page.Activities, activity.KindPost); a.ID != id || !page.More {
				t.Errorf("page %v, more %t", ids(page.Activities), page.More)
			}
			for cursor = page.Cursor; ; {
				page, err := w.try(cursor)
				if err != nil {
					return // the trouble is told
				}
				if !page.More {
					t.Fatal("the trouble is not told")
				}
				cursor = page.Cursor
			}
		})
	}
}

func TestUnknownAccount(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"handle":         func(c *Config) { c.Name = "nobody.test" },
		"did":            func(c *Config) { c.DID = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb" },
		"did discovered": func(c *Config) { c.DID, c.Server = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb", "" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{}, change)
			_, err := w.try(nil)
			if _, ok := errors.AsType[*collectors.Forbidden](err); !ok {
				t.Errorf("error %v, want a Forbidden", err)
			}
		})
	}
}
