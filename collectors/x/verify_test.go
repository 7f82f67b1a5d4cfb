package x

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/x/xtest"
)

func (w *world) verify() (*Standing, error) {
	w.t.Helper()
	return w.collector().Verify(w.t.Context())
}

func TestVerify(t *testing.T) {
	w := newWorld(t, xtest.Options{})
	for day := range 4 { // 4 posts in 2 days, two of which bring something along
		w.srv.Post("acme", xtest.Post{Text: "A post", At: start().AddDate(0, 0, -2).Add(time.Duration(day) * 12 * time.Hour)})
	}
	quoted := w.srv.Post("other", xtest.Post{Text: "Theirs", At: start().Add(-time.Hour)})
	w.srv.Post("acme", xtest.Post{Text: "Look", QuoteOf: quoted, At: start().Add(-50 * time.Minute)})
	w.srv.Post("acme", xtest.Post{Text: "See", Media: []xtest.Media{{Type: "photo", URL: "https://files.example/1.png"}}, At: start().Add(-40 * time.Minute)})
	got, err := w.verify()
	if err != nil {
		t.Fatal(err)
	}
	want := &Standing{
		UserID: "1000", Handle: "acme", Name: "Acme & Co", Followers: 1200, Posts: 6,
		Read: 6, Newest: start().Add(-40 * time.Minute), PerDay: 3, Extras: 2. / 6,
		Cost: 0.010 + 8*0.005,
	}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Error(diff)
	}
	if n := w.srv.Count(""); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestVerifyPace(t *testing.T) {
	rows := []struct {
		name   string
		ago    []time.Duration
		perDay float64
	}{
		{"no post", nil, 0},
		{"one just now", []time.Duration{0}, 1},
		{"ten within an hour are one day's", []time.Duration{0, 0, 0, 0, 0, 0, 0, 0, 0, time.Hour}, 10},
		{"one a day", []time.Duration{0, 24 * time.Hour, 48 * time.Hour}, 1.5},
		{"long ago", []time.Duration{100 * 24 * time.Hour}, 0.01},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var made []time.Time
			for _, ago := range row.ago {
				made = append(made, start().Add(-ago))
			}
			var s Standing
			s.pace(made, start())
			if s.PerDay != row.perDay {
				t.Errorf("%g posts a day, want %g", s.PerDay, row.perDay)
			}
		})
	}
}

// What the credential may is told by X for OAuth 1.0a only.
func TestVerifyAccess(t *testing.T) {
	rows := []struct {
		name   string
		said   string
		change func(*Config)
		access string
		write  bool
	}{
		{"bearer token", "read-write", func(*Config) {}, "", false},
		{"read", "read", withOAuth1, "read", false},
		{"read and write", "read-write", withOAuth1, "read-write", true},
		{"messages", "read-write-directmessages", withOAuth1, "read-write-directmessages", true},
		{"not told", "", withOAuth1, "", false},
		{"a word that is not documented", "all", withOAuth1, "", false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, xtest.Options{OAuth1: &xtest.OAuth1{
				ConsumerKey: consumerKey, ConsumerSecret: consumerSec, AccessToken: accessToken, AccessSecret: accessSec, User: "acme", Access: row.said,
			}}, row.change)
			s, err := w.verify()
			if err != nil {
				t.Fatal(err)
			}
			if s.Access != row.access || s.MayWrite() != row.write {
				t.Errorf("access %q, may write: %t; want %q, %t", s.Access, s.MayWrite(), row.access, row.write)
			}
		})
	}
}

func TestVerifyRefusals(t *testing.T) {
	t.Run("no such account", func(t *testing.T) {
		w := newWorld(t, xtest.Options{}, func(c *Config) { c.Username = "nobody" })
		_, err := w.verify()
		if refused, ok := errors.AsType[*APIError](err); kindOf(err) != wantForbidden || !ok || refused.Type != "resource-not-found" {
			t.Errorf("error %v, want a refusal with resource-not-found", err)
		}
	})
	t.Run("protected posts", func(t *testing.T) {
		w := newWorld(t, xtest.Options{})
		if err := w.srv.SetProfile("acme", func(p *xtest.Profile) { p.Protected = true }); err != nil {
			t.Fatal(err)
		}
		_, err := w.verify()
		if forbidden, ok := errors.AsType[*collectors.Forbidden](err); !ok || forbidden.Mend != mendProtected {
			t.Errorf("error %v, want one that says how to read protected posts", err)
		}
	})
	for fault, want := range map[string]string{xtest.Fault401Echo: wantForbidden, xtest.Fault429: wantLimited, xtest.Fault503: wantRetry} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld(t, xtest.Options{})
			if err := w.srv.AddFault(xtest.Fault{Kind: fault, Reset: 60}); err != nil {
				t.Fatal(err)
			}
			_, err := w.verify()
			if err == nil || kindOf(err) != want {
				t.Fatalf("error %v, want %s", err, want)
			}
			if found := secretsIn(err.Error()); len(found) > 0 {
				t.Errorf("error holds %d secrets", len(found))
			}
		})
	}
}

// A look where messages are read shows that they can be.
func TestVerifyReadsMessages(t *testing.T) {
	w := newWorld(t, xtest.Options{}, withMessages, func(c *Config) { c.PriceMessage, c.PriceUser = 1, 10 })
	w.send("acme", "fan", "psst")
	w.send("fan", "acme", "what?")
	s, err := w.collector().Verify(t.Context())
	if err != nil || s.Cost != 12 {
		t.Errorf("standing %+v, error %v; want a cost of 12 for the user and two messages", s, err)
	}
	w.own.Access = "read"
	if _, err := w.collector().Verify(t.Context()); kindOf(err) != wantForbidden || !strings.Contains(err.Error(), "Read and write and Direct message") {
		t.Errorf("error %v, want that the app may not", err)
	}
}
