package mastodon

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

func (w *world) verify() (*Standing, error) {
	w.t.Helper()
	return w.collector().Verify(w.t.Context())
}

func TestVerify(t *testing.T) {
	least := []string{"read:accounts", "read:statuses"}
	tokens := map[string]mastodontest.Token{
		token: {User: "acme", Scopes: least}, readerToken: {User: "reader", Scopes: []string{"read", "write:statuses", "admin:read", "follow", "push"}},
		appToken: {Scopes: []string{"read"}}, "empty-scopes-token": {User: "acme"},
	}
	rows := []struct {
		name     string
		token    collectors.Secret
		opts     mastodontest.Options
		want     Standing // of the token
		writing  []string
		requests int
	}{
		{"without a token", "", mastodontest.Options{}, Standing{}, nil, 2},
		{"its own", token, mastodontest.Options{}, Standing{TokenOf: "acme", Own: true, Scopes: least}, nil, 4},
		{
			"another's that may write", readerToken,
			mastodontest.Options{},
			Standing{TokenOf: "reader", Scopes: []string{"read", "write:statuses", "admin:read", "follow", "push"}},
			[]string{"write:statuses", "admin:read", "follow", "push"},
			4,
		},
		{"an application's", appToken, mastodontest.Options{}, Standing{Scopes: []string{"read"}}, nil, 4},
		{"before 4.3 with granular scopes", token, mastodontest.Options{Before43: true}, Standing{TokenOf: "acme", Own: true}, nil, 4},
		{"before 4.3", "empty-scopes-token", mastodontest.Options{Before43: true}, Standing{TokenOf: "acme", Own: true}, nil, 4},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			row.opts.Tokens = tokens
			w := newWorld(t, row.opts, func(c *Config) { c.Token = row.token })
			w.srv.Post("acme", mastodontest.Status{Text: "Older", At: start().Add(-3 * time.Hour)})
			w.srv.Post("acme", mastodontest.Status{Text: "Newer", At: start().Add(-2 * time.Hour)})
			got, err := w.verify()
			if err != nil {
				t.Fatal(err)
			}
			want := row.want
			want.ID, want.Acct, want.Name, want.Followers, want.Statuses = got.ID, "acme", "Acme & Co", 1200, 2
			want.Read, want.Newest = 2, start().Add(-2*time.Hour)
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Error(diff)
			}
			if !slices.Equal(got.Writing(), row.writing) {
				t.Errorf("writing scopes %v, want %v", got.Writing(), row.writing)
			}
			if n := w.srv.Count(""); n != row.requests {
				t.Errorf("%d requests, want %d", n, row.requests)
			}
		})
	}
}

func TestVerifyAllows(t *testing.T) {
	rows := []struct {
		name   string
		scopes []string
		want   bool
	}{
		{"not told", nil, true},
		{"the scope itself", []string{"read:accounts", "read:notifications"}, true},
		{"its group", []string{"read"}, true},
		{"others", []string{"read:accounts", "read:statuses"}, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := Standing{Scopes: row.scopes}
			if got := s.Allows("read:notifications"); got != row.want {
				t.Errorf("allows %t, want %t", got, row.want)
			}
		})
	}
}

func TestVerifyRefusals(t *testing.T) {
	rows := []struct {
		name   string
		token  collectors.Secret
		opts   mastodontest.Options
		change func(*world)
		mend   string
	}{
		{"token unknown", "wrong-token-w5r1j", mastodontest.Options{}, nil, mendToken},
		{"no token and login only", "", mastodontest.Options{LoginOnly: true}, nil, mendLogin},
		{"no such account", "", mastodontest.Options{}, func(w *world) { w.cfg.Name = "nobody" }, mendNotFound},
		{"suspended", "", mastodontest.Options{}, func(w *world) { _ = w.srv.Suspend("acme", true) }, mendSuspended},
		{
			"too few scopes", token,
			mastodontest.Options{Tokens: map[string]mastodontest.Token{token: {User: "acme", Scopes: []string{"read:accounts"}}}},
			nil, mendScope,
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, row.opts, func(c *Config) { c.Token = row.token })
			if row.change != nil {
				row.change(w)
			}
			_, err := w.verify()
			if forbidden, ok := errors.AsType[*collectors.Forbidden](err); !ok || forbidden.Mend != row.mend {
				t.Fatalf("error %v, want one that says: %s", err, row.mend)
			}
			if row.token != "" && strings.Contains(err.Error(), row.token.Reveal()) {
				t.Error("error holds the token")
			}
		})
	}
}

// A server that fails at the scopes is no server without them.
func TestVerifyScopesFail(t *testing.T) {
	for fault, stops := range map[string]bool{
		mastodontest.Fault401: true, mastodontest.Fault429: true, mastodontest.FaultBroken: true, mastodontest.FaultGarbage: true,
		mastodontest.Fault503:     true,
		mastodontest.Fault404HTML: false, mastodontest.Fault403Scope: false,
	} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld(t, mastodontest.Options{}, withToken)
			if err := w.srv.AddFault(mastodontest.Fault{Kind: fault, Endpoint: mastodontest.App, Reset: 60}); err != nil {
				t.Fatal(err)
			}
			s, err := w.verify()
			if (err != nil) != stops {
				t.Fatalf("error %v, want one: %t", err, stops)
			}
			if err == nil && s.Scopes != nil {
				t.Errorf("scopes %v, want none", s.Scopes)
			}
		})
	}
}
