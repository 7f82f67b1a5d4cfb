package okta

import (
	"testing"

	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/okta/oktatest"
)

// TestShows logs an event of every kind.
func TestShows(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	for _, e := range []oktatest.Event{
		{Type: "user.session.start"},
		{Type: "user.session.start", Result: "FAILURE"},
		{Type: "user.session.end"},
		{Type: "user.session.access_admin_app"},
		{Type: "user.mfa.factor.deactivate"},
		{Type: "user.account.update_password"},
		{Type: "group.privilege.grant"},
		{Type: "system.api_token.create"},
		{Type: "system.api_token.revoke"},
	} {
		e.Actor = "editor-1@acme.example"
		w.srv.Add(e)
	}
	all, _ := w.drain(nil)
	collectortest.Shown(t, w.cfg.Shows(), all)
}
