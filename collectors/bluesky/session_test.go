package bluesky

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/bluesky/blueskytest"
)

const (
	createSession  = "com.atproto.server.createSession"
	refreshSession = "com.atproto.server.refreshSession"
)

// A day of polls, a new process each, makes one session and renews it as often
// as access tokens expire.
func TestOneSessionForADay(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withMentions)
	cursor := w.connect()
	for range 24 * 6 {
		_, cursor = w.later(10*time.Minute, cursor)
	}
	if made, renewed := w.srv.Requests(createSession), w.srv.Requests(refreshSession); made != 1 || renewed < 11 || renewed > 13 {
		t.Errorf("%d sessions made and %d times renewed in a day, want 1 and 12", made, renewed)
	}
}

// forgetful loses the saves from a moment on, as a process does that dies
// between an answer and the save.
type forgetful struct {
	*passing
	dead bool
}

var errDied = errors.New("died")

func (f *forgetful) Save(ctx context.Context, name string, s collectors.Secret) error {
	if f.dead {
		return errDied
	}
	return f.passing.Save(ctx, name, s)
}

func TestCrashBeforeARenewedSessionIsSaved(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withMentions)
	cursor := w.connect()
	w.Pass(3 * time.Hour) // the access token has expired
	deps := w.deps()
	deps.Sessions = &forgetful{passing: w.sessions, dead: true}
	c, err := New(w.cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	for { // until the part that needs a session
		page, err := c.Poll(t.Context(), cursor)
		if errors.Is(err, errDied) {
			break
		}
		if err != nil || !page.More {
			t.Fatalf("error %v, more %t; want that the session cannot be saved", err, page.More)
		}
		cursor = page.Cursor
	}
	id := w.srv.Notify(did, blueskytest.Notification{Reason: "mention", Text: "hello"})
	got, _ := w.later(time.Hour, cursor) // the token before the lost one is still good
	if a := only(t, got, "mention"); a.ID != id {
		t.Errorf("got %v", ids(got))
	}
	if n := w.srv.Requests(createSession); n != 1 {
		t.Errorf("%d sessions made, want 1", n)
	}
}

func TestSessionThatWasEndedIsMadeAnewOnce(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withMentions)
	cursor := w.connect()
	w.srv.EndSessions(did)
	_, cursor = w.later(3*time.Hour, cursor)
	_, _ = w.later(time.Hour, cursor)
	if n := w.srv.Requests(createSession); n != 2 {
		t.Errorf("%d sessions made, want 2", n)
	}
}

// An app password that was revoked costs few logins, whatever happens.
func TestRevokedAppPassword(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withMentions)
	cursor := w.connect()
	w.srv.RevokeAppPassword(did, "picket")
	w.srv.EndSessions(did)
	w.Pass(3 * time.Hour)
	refused := 0
	for range 24 * 60 {
		w.Pass(time.Minute)
		page, err := w.try(cursor)
		if err != nil {
			f, ok := errors.AsType[*collectors.Forbidden](err)
			if !ok || f.Mend != mendPassword && f.Mend != mendSessions || !strings.Contains(err.Error(), "Invalid identifier or password") {
				t.Fatalf("error %v, want a Forbidden that says what was refused", err)
			}
			refused++
			continue
		}
		cursor = page.Cursor
	}
	if n := w.srv.Requests(createSession) - 1; n < 90 || n > 96 || refused < 1000 {
		t.Errorf("%d logins in a day of polls, %d refusals told; want at most 96, and the trouble told", n, refused)
	}
}

// A server whose access tokens are never good does not make Picket log in
// without end.
func TestSessionsThatAreNeverGood(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withMentions)
	w.srv.AddFault(blueskytest.Fault{Kind: blueskytest.FaultExpired, Endpoint: "app.bsky.notification.listNotifications"})
	w.srv.AddFault(blueskytest.Fault{Kind: blueskytest.FaultExpired, Endpoint: "com.atproto.server.listAppPasswords"})
	var cursor json.RawMessage
	for range 24 * 60 {
		w.Pass(time.Minute)
		if page, err := w.try(cursor); err == nil {
			cursor = page.Cursor
		}
	}
	if n := w.srv.Requests(createSession); n > 100 {
		t.Errorf("%d sessions in a day, want at most 100", n)
	}
}

func TestAnotherPasswordIsUsedAtOnce(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withMentions)
	cursor := w.connect()
	w.cfg.Password = accountPassword
	_, _ = w.later(10*time.Minute, cursor)
	if n := w.srv.Requests(createSession); n != 2 {
		t.Errorf("%d sessions made, want 2", n)
	}
}

func TestSessionsAreKeptByAccount(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withPassword)
	w.connect()
	kept, err := w.sessions.Load(t.Context(), "bluesky "+did)
	if err != nil || kept == "" {
		t.Errorf("session %v, error %v", kept, err)
	}
	if strings.Contains(kept.Reveal(), appPassword) {
		t.Error("the password lies beside the session")
	}
}

func TestSessionsAreNeeded(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withPassword)
	deps := w.deps()
	deps.Sessions = nil
	if _, err := New(w.cfg, deps); err == nil || !strings.Contains(err.Error(), "Deps.Sessions") {
		t.Errorf("error %v, want one about Deps.Sessions", err)
	}
}
