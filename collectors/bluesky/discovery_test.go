package bluesky

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/bluesky/blueskytest"
)

func TestDiscovery(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"handle": func(*Config) {},
		"did":    func(c *Config) { c.Name, c.Account = did, "bluesky/acme" },
		"both":   func(c *Config) { c.Name, c.DID = "stale.test", did },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{}, discovered, change)
			id := w.post("hello")
			got, _ := w.drain(nil)
			if a := only(t, got, activity.KindPost); a.ID != id {
				t.Errorf("got %s, want %s", a.ID, id)
			}
		})
	}
}

func TestDiscoveredServerMustBePublic(t *testing.T) {
	for _, server := range []string{
		"http://pds.test", "https://127.0.0.1", "https://[::1]", "https://localhost", "https://metadata", "https://10.0.0.1:8443",
		"https://db.internal", "https://pds.test/path", "https://user@pds.test", "ftp://pds.test", "pds.test", "",
	} {
		t.Run(server, func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{URL: server}, discovered)
			w.srv.SetPDS(did, server)
			_, err := w.try(nil)
			if f, ok := errors.AsType[*collectors.Forbidden](err); !ok || f.Mend != mendDiscovery {
				t.Errorf("error %v, want a Forbidden", err)
			}
			if n := w.srv.Requests("com.atproto.sync.getRepoStatus"); n != 0 {
				t.Errorf("%d requests there, want none", n)
			}
		})
	}
}

// A handle that points to an account which does not say so itself is not its
// name.
func TestHandleOfAnother(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, discovered)
	c := w.collector()
	honest := c.deps.HTTP.Transport
	c.deps.HTTP.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, "/did:") {
			w.srv.SetHandle(did, "somebody-else.test") // after the handle was looked up
		}
		return honest.RoundTrip(r)
	})
	_, err := c.Poll(t.Context(), nil)
	if f, ok := errors.AsType[*collectors.Forbidden](err); !ok || f.Mend != mendDiscovery {
		t.Errorf("error %v, want a Forbidden about the handle", err)
	}
}

func TestMovedToAnotherServer(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, discovered)
	w.post("before")
	cursor := w.connect()
	w.srv.SetPDS(did, "https://new.test")
	w.srv.SetStatus(did, "deactivated") // as the old server says; the fake is both
	page, err := w.try(cursor)
	if err != nil {
		t.Fatal(err)
	}
	a := only(t, page.Activities, activity.KindProfile)
	if diff := cmp.Diff([]activity.Field{{Name: "server", Value: "https://pds.test"}}, a.Old); diff != "" {
		t.Errorf("old (-want +got):\n%s", diff)
	}
	w.srv.SetStatus(did, "")
	id := w.post("after")
	got, _ := w.later(time.Minute, page.Cursor)
	if b := only(t, got, activity.KindPost); b.ID != id {
		t.Errorf("got %s, want %s", b.ID, id)
	}
}

// A server that was left may go on as if it were still the account's.
func TestMovedAndTheOldServerStaysActive(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, discovered)
	cursor := w.connect()
	w.srv.SetPDS(did, "https://new.test")
	got, cursor := w.later(6*time.Minute, cursor)
	if diff := cmp.Diff([]string{"server"}, only(t, got, activity.KindProfile).Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	st, err := decodeState(cursor)
	if err != nil || st.Server != "https://new.test" {
		t.Errorf("it reads %s, error %v; want the new server", st.Server, err)
	}
}
