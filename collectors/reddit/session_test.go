package reddit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/reddit/reddittest"
)

// tokens counts the requests for an access token.
func (w *world) tokens() int { return w.asked("/access_token") }

// TestSession: an access token is kept over restarts, until shortly before its end.
func TestSession(t *testing.T) {
	for _, way := range []struct {
		name   string
		change func(*Config)
		under  string
	}{
		{"refresh token", func(*Config) {}, "owner"},
		{"password", withPassword, "owner acme history identity read"},
	} {
		t.Run(way.name, func(t *testing.T) {
			w := newWorld(t, reddittest.Options{}, way.change)
			cursor := w.connect()
			w.next(&cursor)
			if n := w.tokens(); n != 1 || w.kept.saves != 1 || w.kept.saved[way.under] == "" {
				t.Fatalf("%d tokens asked for, %d saved under %v; want 1 and 1 under %q", n, w.kept.saves, w.kept.saved, way.under)
			}
			w.Pass(23 * time.Hour)
			w.next(&cursor)
			if n := w.tokens(); n != 2 {
				t.Errorf("%d tokens asked for after a day, want 2", n)
			}
			w.srv.Expire()
			w.next(&cursor)
			if n := w.tokens(); n != 3 || w.kept.saves != 3 {
				t.Errorf("%d tokens asked for and %d saved when Reddit takes the last no more, want 3", n, w.kept.saves)
			}
			w.cfg.ClientID = "another"
			if _, err := w.try(cursor); err == nil || !strings.Contains(err.Error(), "check client_id") {
				t.Errorf("error %v of another app, want one: what was kept is of the one before", err)
			}
		})
	}
}

// TestRevoked: a grant that was taken back is said, and asked for once a poll.
func TestRevoked(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	cursor := w.connect()
	before := w.tokens()
	w.srv.Revoke()
	_, err := w.try(cursor)
	if forbidden, ok := errors.AsType[*collectors.Forbidden](err); !ok || !strings.Contains(forbidden.Mend, "the refresh token was revoked") {
		t.Errorf("error %v, want one that the token was revoked", err)
	}
	if n := w.tokens() - before; n > 4 {
		t.Errorf("%d requests for a token in one poll", n)
	}
}

// TestGranted polls as often as Reddit grants for half an hour: it is never
// exceeded, and nearly all is used.
func TestGranted(t *testing.T) {
	const granted = 60
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 1, 5, 8, 0, 0, 300, time.UTC)))
		srv := reddittest.New(reddittest.Options{Secret: secret, Refresh: refresh, Granted: granted})
		budget := collectors.NewBudget("acme", collectors.BudgetOptions{Endpoint: Endpoint})
		client := collectors.NewClient(budget, collectors.ClientOptions{Base: collectortest.Transport(srv)})
		cfg := Config{Account: "reddit/acme", ClientID: reddittest.ClientID, ClientSecret: secret, RefreshToken: refresh}
		c, err := New(cfg, collectors.Deps{HTTP: client, Log: zap.NewNop(), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		var cursor json.RawMessage
		for end := time.Now().Add(3 * reddittest.Window); time.Now().Before(end); {
			page, err := c.Poll(t.Context(), cursor)
			switch limited, ok := errors.AsType[*collectors.RateLimited](err); {
			case err == nil:
				cursor = page.Cursor
				time.Sleep(1700 * time.Millisecond)
			case ok && limited.Until.After(time.Now()):
				time.Sleep(time.Until(limited.Until))
			default:
				t.Fatalf("poll: %v", err)
			}
		}
		if n := srv.Over(); n != 0 {
			t.Errorf("%d requests beyond what was granted", n)
		}
		if n := len(srv.Requests()) - 1; n < 3*granted*95/100 || n > 3*granted {
			t.Errorf("%d requests in half an hour, want %d to %d", n, 3*granted*95/100, 3*granted)
		}
	})
}

// TestCursorFits: a cursor that is as full as it can be fits.
func TestCursorFits(t *testing.T) {
	st := newState()
	st.Asked = strings.Repeat("a", 300)
	long := walk{Start: 1772703000, After: strings.Repeat("t", maxID), Top: place{1772703000, strings.Repeat("z", maxID)}, Low: 1772703000, Items: 6000, Pages: 12}
	for _, l := range []*lane{&st.Posts, &st.Comments} {
		l.Walk = &long
		for i := range MaxWatch {
			l.Watch = append(l.Watch, watched{
				place: place{1772703000 - int64(i), fmt.Sprintf("z%012d", i)}, Text: collectors.Digest("x"), Edits: 100, Gone: strings.Repeat("g", maxGone), Went: 10,
			})
		}
	}
	values := map[string]string{}
	for _, name := range []string{"name", "description", "banner", "picture", "avatar", "nsfw", "email_verified"} {
		values[name] = collectors.Bounded(strings.Repeat(`"`, 5000), maxValue)
	}
	st.Profile = &snapshot{N: 1000, Values: values}
	st.Logs = map[string]*flow{}
	for i := range MaxModerates {
		st.Logs[fmt.Sprintf("%s%02d", strings.Repeat("s", maxName-2), i)] = &flow{Since: 1772703000, Mark: long.Top, Walk: &long, Read: 1772703000}
	}
	data, err := collectors.EncodeCursor(st)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeState(data); err != nil {
		t.Errorf("cursor of %d bytes: %v", len(data), err)
	}
	t.Logf("%d of %d bytes", len(data), collectors.MaxCursor)
}

func TestBadCursor(t *testing.T) {
	for _, tt := range []struct{ name, cursor, want string }{
		{"no JSON", `{"v":`, "unexpected end"},
		{"version", `{"v":2}`, "version 2; want 1"},
		{"id", `{"v":1,"posts":{"watch":[{"a":1,"i":"A b"}]}}`, `id "A b" is none of Reddit's`},
		{"order", `{"v":1,"comments":{"watch":[{"a":1,"i":"a"},{"a":2,"i":"b"}]}}`, "not in order"},
		{"time", `{"v":1,"mention":{"since":-1}}`, "negative time"},
		{"walk", `{"v":1,"posts":{"walk":{"start":-1}}}`, "a walk that none can be"},
		{"log", `{"v":1,"logs":{"a/b":{}}}`, `log of "a/b"`},
		{"empty log", `{"v":1,"logs":{"acme":null}}`, `log of "acme"`},
		{"sweep", `{"v":1,"sweep":-1}`, "sweep -1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, reddittest.Options{})
			_, err := w.try([]byte(tt.cursor))
			if _, is := errors.AsType[*collectors.Malformed](err); !is || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "clear the account's cursor") {
				t.Errorf("error %v, want a Malformed with %q", err, tt.want)
			}
		})
	}
}

// TestOtherAccount: a cursor of another account is not gone on with.
func TestOtherAccount(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	w.old("hi")
	cursor := w.connect()
	page, err := w.try([]byte(strings.Replace(string(cursor), " acme", " other", 1)))
	if err != nil || !page.Backfill || len(page.Activities) != 1 {
		t.Errorf("backfill %t, %d activities, error %v; want history", page.Backfill, len(page.Activities), err)
	}
}

// TestLeftOff: what is not read any more leaves nothing in the cursor.
func TestLeftOff(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, withLogs, withMentions)
	w.srv.Moderate("acme", reddittest.Action{})
	w.srv.Moderate("acmehelp", reddittest.Action{})
	cursor := w.connect()
	if !strings.Contains(string(cursor), `"acmehelp"`) || !strings.Contains(string(cursor), `"mention"`) {
		t.Fatalf("cursor %s, want logs and mentions in it", cursor)
	}
	w.cfg.Moderates, w.cfg.Mentions = []string{"ACME"}, false
	w.next(&cursor)
	if s := string(cursor); strings.Contains(s, "acmehelp") || strings.Contains(s, `"mention"`) || !strings.Contains(s, `"acme"`) {
		t.Errorf("cursor %s, want the log of acme only", s)
	}
}
