package linkedin

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
)

// One access token is made and kept over restarts until shortly before its end, or
// until another refresh token is configured.
func TestSession(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, withRefresh)
	w.old("one")
	cursor := w.connect()
	if n := w.srv.Count("oauth"); n != 1 || w.kept.saves != 1 {
		t.Fatalf("%d access tokens made, %d kept; want 1", n, w.kept.saves)
	}
	if s := w.kept.saved.Reveal(); !strings.Contains(s, "AQXaccess") || !strings.Contains(s, `"refresh_ends":"2026-03-26T12:00:00Z"`) {
		t.Errorf("kept %s", s)
	}
	w.Pass(59 * 24 * time.Hour)
	_, page := w.drain(cursor)
	if n := w.srv.Count("oauth"); n != 1 {
		t.Errorf("%d access tokens made after 59 days, want 1", n)
	}
	w.Pass(24 * time.Hour)
	_, page = w.drain(page.Cursor)
	if n := w.srv.Count("oauth"); n != 2 {
		t.Errorf("%d access tokens made after 60 days, want 2", n)
	}
	w.cfg.RefreshToken = "AQWanother-refresh-token"
	if _, err := w.try(page.Cursor); err == nil || w.srv.Count("oauth") != 3 {
		t.Errorf("error %v after %d access tokens, want a refusal of the new refresh token", err, w.srv.Count("oauth"))
	}
}

// An access token that is taken back is made anew once; the refresh token's end is
// a refusal that says what to do.
func TestRevoked(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, withRefresh)
	id := w.old("one")
	_, page := w.drain(nil)
	w.Pass(20 * time.Minute)
	w.srv.Revoke(false)
	w.srv.Edit(id, "two")
	c := w.collector()
	_, err := c.Poll(t.Context(), page.Cursor)
	if _, forbidden := errors.AsType[*collectors.Forbidden](err); err == nil || forbidden {
		t.Errorf("error %v, want one that the next poll mends", err)
	}
	as, page := w.drainWith(c, page.Cursor)
	if len(ids(as)) != 1 {
		t.Errorf("told %v, want the edit", ids(as))
	}
	w.srv.Revoke(true)
	for n, want := range []string{"REVOKED_ACCESS_TOKEN", "invalid_request: The provided refresh token is invalid, expired or revoked", "invalid_request"} {
		_, err = c.Poll(t.Context(), page.Cursor)
		forbidden, refused := errors.AsType[*collectors.Forbidden](err)
		if err == nil || !strings.Contains(err.Error(), want) || refused != (n > 0) {
			t.Errorf("poll %d: error %v, want %q", n, err, want)
		}
		if refused && !strings.Contains(forbidden.Mend, "make a new refresh_token") {
			t.Errorf("mend %q", forbidden.Mend)
		}
		if strings.Contains(err.Error(), refresh) {
			t.Errorf("error shows a secret: %v", err)
		}
	}
}

// An access token that is refused although it was just made is no use to repeat.
func TestRefusedAnew(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, withRefresh)
	w.srv.AddFault(linkedintest.Fault{Endpoint: "posts", Status: 401, Code: "REVOKED_ACCESS_TOKEN", Service: 65601})
	c := w.collector()
	for n := range 2 {
		_, err := c.Poll(t.Context(), nil)
		if _, refused := errors.AsType[*collectors.Forbidden](err); !refused {
			t.Errorf("poll %d: error %v, want a refusal", n, err)
		}
	}
}

func TestTokenEndpoint(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		status     int
		want       string
		mend       string
	}{
		{"another app", `{"error":"invalid_client","error_description":"Client authentication failed"}`, 401, "POST /oauth/v2/accessToken: status 401, invalid_client: Client authentication failed", "LinkedIn does not know this app"},
		{"no token", `{"expires_in":60}`, 200, "want access_token and expires_in", ""},
		{"no end", `{"access_token":"AQX"}`, 200, "want access_token and expires_in", ""},
		{"no JSON", `<html>`, 200, "answer is not JSON", ""},
		{"down", `<html>`, 503, "status 503", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, linkedintest.Options{}, withRefresh)
			w.srv.AddFault(linkedintest.Fault{Endpoint: "oauth", Status: tt.status, Body: tt.body})
			_, err := w.try(nil)
			forbidden, refused := errors.AsType[*collectors.Forbidden](err)
			if err == nil || !strings.Contains(err.Error(), tt.want) || refused != (tt.mend != "") || refused && !strings.Contains(forbidden.Mend, tt.mend) {
				t.Errorf("error %v, want %q, mend %q", err, tt.want, tt.mend)
			}
			if w.kept.saves != 0 {
				t.Error("a session was kept")
			}
		})
	}
}

// The end of the refresh token, which only a person can replace, is warned of once
// a day.
func TestWarning(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, withRefresh) // it ends in 20 days
	c := w.collector()
	_, page := w.drainWith(c, nil)
	warned := func() int { return w.log.FilterMessageSnippet("the refresh token ends").Len() }
	if warned() != 1 {
		t.Errorf("%d warnings, want 1", warned())
	}
	w.Pass(time.Hour)
	_, page = w.drainWith(c, page.Cursor)
	w.Pass(23 * time.Hour)
	w.drainWith(c, page.Cursor)
	if warned() != 2 {
		t.Errorf("%d warnings on the next day, want 2", warned())
	}
}
