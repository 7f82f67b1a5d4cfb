package trial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

// world is a Mastodon server with an account that has posted every six hours.
func world(opts mastodontest.Options, posts int) *mastodontest.Server {
	time.Sleep(26 * 365 * 24 * time.Hour) // the collector takes no status of before Mastodon
	s := mastodontest.New(opts)
	s.AddAccount(mastodontest.Profile{Name: "bakery", Followers: 10})
	now := time.Now()
	for i := range posts {
		s.Post("bakery", mastodontest.Status{Text: fmt.Sprintf("Bread %d", i), At: now.Add(-6 * time.Hour * time.Duration(posts-i))})
	}
	return s
}

var bakery = Address{Name: "bakery", Server: "social.example", Base: "https://social.example"}

func fault(t *testing.T, s *mastodontest.Server, f mastodontest.Fault) {
	t.Helper()
	if err := s.AddFault(f); err != nil {
		t.Fatal(err)
	}
}

const statuses = mastodontest.Statuses

func TestReadMastodon(t *testing.T) {
	rows := []struct {
		name     string
		posts    int
		opts     MastodonOptions
		spoil    func(*testing.T, *mastodontest.Server)
		read     int
		requests int
		waits    string
		partial  string
	}{
		{name: "all there is", posts: 95, opts: MastodonOptions{Posts: 2000}, read: 95, requests: 4},
		{name: "the newest", posts: 95, opts: MastodonOptions{Posts: 50}, read: 50, requests: 3, partial: "the newest 50 of 95; --posts 95 reads more"},
		{name: "as many as there are", posts: 40, opts: MastodonOptions{Posts: 40}, read: 40, requests: 2},
		{name: "since", posts: 200, opts: MastodonOptions{Posts: 2000, Since: time.Date(2025, 12, 18, 0, 0, 0, 0, time.UTC)}, read: 28, requests: 2},
		{
			name: "a short pause", posts: 95, opts: MastodonOptions{Posts: 2000}, read: 95, requests: 5,
			spoil: func(t *testing.T, s *mastodontest.Server) {
				t.Helper()
				fault(t, s, mastodontest.Fault{Kind: mastodontest.Fault429, Endpoint: statuses, Skip: 1, Times: 1, Reset: 30})
			},
			waits: "social.example asks to wait: 30s\n",
		},
		{
			name: "a long pause", posts: 95, opts: MastodonOptions{Posts: 2000}, read: 40, requests: 3,
			spoil: func(t *testing.T, s *mastodontest.Server) {
				t.Helper()
				fault(t, s, mastodontest.Fault{Kind: mastodontest.Fault429, Endpoint: statuses, Skip: 1, Reset: 240})
			},
			partial: "social.example asked for a pause: older posts can be read in 5 minutes",
		},
		{
			name: "trouble that passes", posts: 95, opts: MastodonOptions{Posts: 2000}, read: 95, requests: 6,
			spoil: func(t *testing.T, s *mastodontest.Server) {
				t.Helper()
				fault(t, s, mastodontest.Fault{Kind: mastodontest.Fault500, Skip: 2, Times: 2})
			},
			waits: "social.example does not answer: 1s\nsocial.example does not answer: 2s\n",
		},
		{
			name: "trouble that stays", posts: 95, opts: MastodonOptions{Posts: 2000}, read: 40, requests: 5,
			spoil: func(t *testing.T, s *mastodontest.Server) {
				t.Helper()
				fault(t, s, mastodontest.Fault{Kind: mastodontest.FaultHTML502, Skip: 2})
			},
			waits:   "social.example does not answer: 1s\nsocial.example does not answer: 2s\n",
			partial: "social.example failed before the end; older posts were not read",
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := world(mastodontest.Options{}, row.posts)
				if row.spoil != nil {
					row.spoil(t, server)
				}
				waits := ""
				row.opts.Base = collectortest.Transport(server)
				row.opts.Waiting = func(why string, wait time.Duration) { waits += fmt.Sprintf("%s: %s\n", why, wait) }
				h, err := ReadMastodon(t.Context(), bakery, row.opts)
				if err != nil {
					t.Fatal(err)
				}
				if n := server.Count(""); len(h.Activities) != row.read || n != row.requests || h.Partial != row.partial || waits != row.waits {
					t.Errorf("%d read with %d requests, partial %q, waits %q; want %d, %d, %q, %q",
						len(h.Activities), n, h.Partial, waits, row.read, row.requests, row.partial, row.waits)
				}
				for i := range h.Activities {
					if a := &h.Activities[i]; a.Kind != activity.KindPost || a.Account != "mastodon/bakery@social.example" || i > 0 && a.Time.Before(h.Activities[i-1].Time) {
						t.Errorf("item %d: %s of %s at %s", i, a.Kind, a.Account, a.Time)
					}
				}
			})
		})
	}
}

// broken fails every request.
type broken struct{ err error }

func (b broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, b.err }

func TestReadMastodonFaults(t *testing.T) {
	add := func(f mastodontest.Fault) func(*testing.T, *mastodontest.Server) {
		return func(t *testing.T, s *mastodontest.Server) {
			t.Helper()
			fault(t, s, f)
		}
	}
	rows := []struct {
		name  string
		addr  Address
		opts  mastodontest.Options
		spoil func(*testing.T, *mastodontest.Server)
		base  http.RoundTripper
		want  string
	}{
		{
			name: "no such account", addr: Address{Name: "nobody", Server: "social.example", Base: "https://social.example"},
			want: "social.example knows no account nobody. Check the spelling; the account may also have moved or been deleted.",
		},
		{
			name: "login only", opts: mastodontest.Options{LoginOnly: true},
			want: "social.example shows posts only to people who are logged in. Connect the account with a token of its own: picket connect mastodon @bakery@social.example.",
		},
		{
			name: "rate limited", spoil: add(mastodontest.Fault{Kind: mastodontest.Fault429, Reset: 240}),
			want: "social.example takes no more requests from this network for now. Try again in 5 minutes.",
		},
		{
			name: "rate limited, nobody knows how long", spoil: add(mastodontest.Fault{Kind: mastodontest.Fault429Bare}),
			want: "social.example takes no more requests from this network for now. Try again in some minutes.",
		},
		{
			name: "suspended", spoil: func(t *testing.T, s *mastodontest.Server) {
				t.Helper()
				if err := s.Suspend("bakery", true); err != nil {
					t.Fatal(err)
				}
			},
			want: "@bakery@social.example is suspended or deleted. Ask the administrators of social.example.",
		},
		{
			name: "blocked", spoil: add(mastodontest.Fault{Kind: mastodontest.Fault403Blocked}),
			want: "social.example refuses to answer this network. Try from another network, or connect the account with a token: picket connect mastodon @bakery@social.example.",
		},
		{
			name: "trouble", spoil: add(mastodontest.Fault{Kind: mastodontest.Fault500}),
			want: "social.example has trouble of its own (it answers 500). Try again later.",
		},
		{
			name: "a request that is not understood", spoil: add(mastodontest.Fault{Kind: mastodontest.Fault400}),
			want: "social.example refuses the request (400). Look for a newer Picket.",
		},
		{
			name: "other web pages", spoil: add(mastodontest.Fault{Kind: mastodontest.Fault404HTML}),
			want: "social.example is no Mastodon server. Check the part after the second @, or give the server's web address with --server.",
		},
		{
			name: "a page of HTML", spoil: add(mastodontest.Fault{Kind: mastodontest.FaultHTML}),
			want: "social.example does not speak as a Mastodon server does: answer is not JSON. Check the part after the second @, or give the server's web address with --server.",
		},
		{
			name: "another host", spoil: add(mastodontest.Fault{Kind: mastodontest.FaultRedirect}),
			want: "social.example sends on to another server. Check the part after the second @, or give the server's web address with --server.",
		},
		{
			name: "no such server", base: broken{&net.DNSError{Err: "no such host", Name: "social.example", IsNotFound: true}},
			want: "there is no server social.example. Check the part after the second @.",
		},
		{
			name: "no answer", base: broken{&net.OpError{Op: "dial", Err: errors.New("connection refused")}},
			want: "social.example does not answer: connection refused. Check the part after the second @, or try again later.",
		},
		{
			name: "nothing to show", spoil: func(t *testing.T, s *mastodontest.Server) {
				t.Helper()
				if err := s.Hide("bakery", true); err != nil {
					t.Fatal(err)
				}
			},
			want: "@bakery@social.example has no public post: there is nothing to judge. Posts to followers only are shown to the account itself: connect it with picket connect mastodon @bakery@social.example.",
		},
		{
			name: "no server's address", addr: Address{Name: "bakery", Server: "social.example", Base: "http://social.example"},
			want: `mastodon: server: "http://social.example"; want https, since others could read the token and change the answers (http is taken for loopback only). Write the account as @name@server, and --server as https://social.example.`,
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := world(row.opts, 3)
				if row.spoil != nil {
					row.spoil(t, server)
				}
				if row.addr == (Address{}) {
					row.addr = bakery
				}
				if row.base == nil {
					row.base = collectortest.Transport(server)
				}
				_, err := ReadMastodon(t.Context(), row.addr, MastodonOptions{Posts: 100, Base: row.base})
				if told, ok := errors.AsType[*Fault](err); !ok || told.Error() != row.want {
					t.Errorf("%v\nwant %s", err, row.want)
				}
			})
		})
	}
}

func TestReadMastodonStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := world(mastodontest.Options{}, 95)
		fault(t, server, mastodontest.Fault{Kind: mastodontest.Fault500, Skip: 2})
		ctx, cancel := context.WithCancel(t.Context())
		_, err := ReadMastodon(ctx, bakery, MastodonOptions{
			Posts: 100, Base: collectortest.Transport(server), Waiting: func(string, time.Duration) { cancel() },
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted: %v", err)
		}
	})
}

func TestParseAddress(t *testing.T) {
	const fault = `"%s" is not an account of Mastodon. Write it as @name@server, such as mastodon:@acme@social.example.`
	rows := []struct{ in, base, want string }{
		{"@acme@social.example", "", "@acme@social.example https://social.example"},
		{"acme@Social.Example", "", "@acme@social.example https://social.example"},
		{"https://social.example/@acme", "", "@acme@social.example https://social.example"},
		{"https://social.example/@acme/", "", "@acme@social.example https://social.example"},
		{"https://social.example/@acme@other.example", "", "@acme@other.example https://social.example"},
		{"@acme@acme.example", "https://social.acme.example/", "@acme@acme.example https://social.acme.example"},
		{"@acme@acme.example", "social.acme.example", "@acme@acme.example https://social.acme.example"},
		{"@acme@127.0.0.1:8080", "", "@acme@127.0.0.1:8080 https://127.0.0.1:8080"},
		{"acme", "", fault},
		{"@acme", "", fault},
		{"@acme@", "", fault},
		{"@@social.example", "", fault},
		{"@acme@social.example/path", "", fault},
		{"@a b@social.example", "", fault},
		{"https://social.example/acme", "", fault},
		{"https://social.example", "", fault},
	}
	for _, row := range rows {
		got, err := ParseAddress(row.in, row.base)
		text := got.String() + " " + got.Base
		if err != nil {
			text = err.Error()
		}
		if want := row.want; want == fault && text != fmt.Sprintf(fault, row.in) || want != fault && text != want {
			t.Errorf("%q: %s, want %s", row.in, text, want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("@acme@social.example")
	f.Add("https://social.example/@acme@other.example")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s, "")
		if err != nil {
			return
		}
		again, err := ParseAddress(a.String(), a.Base)
		if err != nil || again != a {
			t.Errorf("%q: %+v, and read again %+v, %v", s, a, again, err)
		}
	})
}
