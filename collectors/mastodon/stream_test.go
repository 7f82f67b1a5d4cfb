package mastodon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

// pipes is a network in memory, in which waiting takes no time in a bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (*pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve answers what goes over the transport that it returns, until stop.
func serve(h http.Handler) (base http.RoundTripper, stop func()) {
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(p)
	}()
	transport := &http.Transport{DialContext: p.dial}
	return transport, func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
	}
}

// streamed is an account that is polled every ten minutes, and whose stream is
// heard.
type streamed struct {
	srv  *mastodontest.Server
	logs *collectortest.Logs
}

// old is a status of before the connection.
func streaming(t *testing.T, opts mastodontest.Options, change func(*Config)) (s *streamed, old string) {
	t.Helper()
	time.Sleep(48 * time.Hour) // into the year 2000: what is older is malformed
	opts.Tokens = map[string]mastodontest.Token{token: {User: "acme"}}
	s = &streamed{srv: mastodontest.New(opts), logs: collectortest.NewLogs()}
	s.srv.AddAccount(mastodontest.Profile{Name: "acme"})
	s.srv.AddAccount(mastodontest.Profile{Name: "fan"})
	s.srv.SetStreaming("ws://127.0.0.1:4000")
	old = s.srv.Post("acme", mastodontest.Status{Text: "Sale from 9", At: time.Now().Add(-time.Hour)})
	base, stop := serve(s.srv)
	client := collectors.NewClient(nil, collectors.ClientOptions{Base: base})
	cfg := Config{Account: "mastodon/acme", Name: "acme", Server: "http://127.0.0.1:3000", Token: token}
	if change != nil {
		change(&cfg)
	}
	c, err := NewStreamer(cfg, collectors.Deps{HTTP: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	sched := collectors.NewScheduler(collectors.Options{Logs: s.logs, Rand: func() float64 { return 0.5 }})
	err = sched.Set([]collectors.Task{{Source: "mastodon/acme", Network: Network, Collector: c, Every: 10 * time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- sched.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		stop()
	})
	time.Sleep(45 * time.Minute)
	// On to half a minute behind a regular poll, so that the next is far.
	for n := s.polls(); s.polls() == n; {
		time.Sleep(time.Second)
	}
	time.Sleep(30 * time.Second)
	return s, old
}

func (s *streamed) polls() int { return s.srv.Count(mastodontest.Statuses) }

// seen returns kind and id of what is in the journal.
func (s *streamed) seen() []string {
	var all []activity.Activity
	for _, b := range s.logs.Batches("mastodon/acme") {
		all = append(all, b.Activities...)
	}
	return ids(all)
}

// What happens to the account is read within seconds while it is polled every
// ten minutes.
func TestStreamBringsThePollForward(t *testing.T) {
	withMentions := func(c *Config) { c.Mentions = true }
	for _, row := range []struct {
		name   string
		change func(*Config)
		do     func(s *streamed, old string) (want string, err error)
	}{
		{"a post", nil, func(s *streamed, _ string) (string, error) {
			return "post " + s.srv.Post("acme", mastodontest.Status{Text: "new"}), nil
		}},
		{"an edit", nil, func(s *streamed, old string) (string, error) {
			return fmt.Sprintf("edit %s.%d", old, time.Now().UnixMilli()), s.srv.Edit(old, "Free coins")
		}},
		{"a deletion", nil, func(s *streamed, old string) (string, error) {
			return "delete " + old, s.srv.Delete(old)
		}},
		{"a mention", withMentions, func(s *streamed, _ string) (string, error) {
			return "mention " + s.srv.Post("fan", mastodontest.Status{Text: "@acme hello"}), nil
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, old := streaming(t, mastodontest.Options{}, row.change)
				if n := s.srv.Streams(); n != 1 {
					t.Fatalf("%d streams, want 1", n)
				}
				want, err := row.do(s, old)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Second)
				if !slices.Contains(s.seen(), want) {
					t.Errorf("after 5 s %v, want %s", s.seen(), want)
				}
			})
		})
	}
}

// What is none of the account's brings no poll.
func TestStreamOfOthersBringsNoPoll(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(s *streamed) error
	}{
		{"somebody's post", func(s *streamed) error {
			s.srv.Post("fan", mastodontest.Status{Text: "new"})
			return nil
		}},
		{"somebody's deletion", func(s *streamed) error {
			return s.srv.Delete(s.srv.Post("fan", mastodontest.Status{Text: "new"}))
		}},
		{"a mention where mentions are not read", func(s *streamed) error {
			s.srv.Post("fan", mastodontest.Status{Text: "@acme hello"})
			return nil
		}},
		{"a new follower", func(s *streamed) error {
			_, err := s.srv.Notify("acme", "follow", "fan", "")
			return err
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := streaming(t, mastodontest.Options{}, nil)
				before := s.polls()
				if err := row.do(s); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if n := s.polls() - before; n != 0 {
					t.Errorf("%d requests for the timeline, want none", n)
				}
			})
		})
	}
}

// A storm of mentions brings two polls a minute, not one each three seconds.
func TestStormOfMentions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := streaming(t, mastodontest.Options{}, func(c *Config) { c.Mentions = true })
		before := s.srv.Count(mastodontest.Self)
		for range 240 {
			s.srv.Post("fan", mastodontest.Status{Text: "@acme hello"})
			time.Sleep(time.Second)
		}
		if n := s.srv.Count(mastodontest.Self) - before; n < 6 || n > 10 {
			t.Errorf("%d polls in 4 minutes, want about 8", n)
		}
	})
}

// Whatever becomes of the stream, polls go on in time and miss nothing, and it
// is opened again.
func TestBrokenStream(t *testing.T) {
	for _, row := range []struct {
		name  string
		opts  mastodontest.Options
		spoil func(s *streamed) error
		open  int // streams half an hour later
	}{
		{"it breaks once", mastodontest.Options{}, func(s *streamed) error { s.srv.BreakStreams(); return nil }, 1},
		{"there is none", mastodontest.Options{NoStreams: true}, func(*streamed) error { return nil }, 0},
		{"it is refused", mastodontest.Options{}, func(s *streamed) error {
			defer s.srv.BreakStreams()
			return s.srv.AddFault(mastodontest.Fault{Kind: mastodontest.Fault403, Endpoint: mastodontest.Streaming})
		}, 0},
		{"it answers 503", mastodontest.Options{}, func(s *streamed) error {
			defer s.srv.BreakStreams()
			return s.srv.AddFault(mastodontest.Fault{Kind: mastodontest.Fault503Empty, Endpoint: mastodontest.Streaming})
		}, 0},
		{"the server's address answers nonsense", mastodontest.Options{}, func(s *streamed) error {
			defer s.srv.BreakStreams()
			return s.srv.AddFault(mastodontest.Fault{Kind: mastodontest.FaultHTML, Endpoint: mastodontest.Instance})
		}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := streaming(t, row.opts, nil)
				if err := row.spoil(s); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				before := s.polls()
				id := s.srv.Post("acme", mastodontest.Status{Text: "while it was down"})
				time.Sleep(30 * time.Minute)
				if n := s.polls() - before; n < 3 || n > 6 {
					t.Errorf("%d requests for the timeline in half an hour, want 3, and as many for what was new", n)
				}
				if !slices.Contains(s.seen(), "post "+id) {
					t.Errorf("seen %v, want post %s", s.seen(), id)
				}
				if n := s.srv.Streams(); n != row.open {
					t.Errorf("%d streams, want %d", n, row.open)
				}
			})
		})
	}
}

// watchOnce opens the stream of a handler and returns why it ended.
func watchOnce(t *testing.T, h http.Handler) (hints int, err error) {
	t.Helper()
	base, stop := serve(h)
	defer stop()
	client := &http.Client{Transport: base} // without the time-out that the scheduler takes off
	s, err := NewStreamer(Config{Account: "mastodon/acme", Name: "acme", Server: "http://127.0.0.1:3000", Token: token, Mentions: true}, collectors.Deps{HTTP: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	s.own.Store(&own{user: "7", posts: map[string]bool{"70": true}})
	err = s.Watch(t.Context(), func() { hints++ })
	return hints, err
}

func answers(status int, kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

func TestStreamErrors(t *testing.T) {
	const events, object = "text/event-stream", "application/json"
	for _, row := range []struct {
		name             string
		instance, stream http.HandlerFunc
		kind             string
		want             string
	}{
		{"closed by the server", answers(404, object, `{"error":"Record not found"}`), answers(200, events, ":)\n\n"), "", "mastodon: stream of mastodon/acme: the server closed it: unexpected EOF"},
		{"limited", answers(429, object, `{"error":"Too many requests"}`), nil, "limited", "mastodon: stream of mastodon/acme: rate limited: GET /api/v2/instance: status 429: Too many requests"},
		{"no instance", answers(500, object, ``), nil, "", "mastodon: stream of mastodon/acme: GET /api/v2/instance: status 500: Internal Server Error"},
		{"an instance that is no object", answers(200, object, `[]`), nil, "malformed", "GET /api/v2/instance answer: json: cannot unmarshal array"},
		{"an address without TLS", answers(200, object, `{"configuration":{"urls":{"streaming":"ws://evil.example"}}}`), nil, "malformed", "configuration.urls.streaming: \"http://evil.example\"; want https, since others could read the token"},
		{"token without the scope", answers(200, object, `{}`), answers(401, object, `{"error":"Access token does not have the required scopes"}`), "forbidden", "make the token anew with the scopes"},
		{"token that was revoked", answers(200, object, `{}`), answers(401, object, `{"error":"Invalid access token"}`), "forbidden", "make a new token on the server"},
		{"token echoed", answers(200, object, `{}`), answers(403, object, `{"error":"not `+token+`"}`), "forbidden", "status 403: not [redacted]"},
		{"a page", answers(200, object, `{}`), answers(200, "text/html", `<html>`), "malformed", `it is "text/html"; want text/event-stream`},
		{"an endless event", answers(200, object, `{}`), answers(200, events, "event: update\ndata: "+strings.Repeat("x", maxEvent+1)), "malformed", "an event of more than 1048576 bytes"},
		{"an event of endless lines", answers(200, object, `{}`), answers(200, events, "event: update\n"+strings.Repeat("data: "+strings.Repeat("x", maxEvent/4)+"\n", 5)), "malformed", "an event of more than 1048576 bytes"},
		{"silence", answers(200, object, `{}`), func(w http.ResponseWriter, r *http.Request) {
			answers(200, events, ":)\n\n")(w, r)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "", "mastodon: stream of mastodon/acme: nothing came for 1m30s, not even a sign of life"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mux := http.NewServeMux()
				mux.HandleFunc("/api/v2/instance", row.instance)
				if row.stream != nil {
					mux.HandleFunc("/api/v1/streaming/user", row.stream)
				}
				_, err := watchOnce(t, mux)
				if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), token) {
					t.Fatalf("error %v\nwant one with %s", err, row.want)
				}
				_, limited := errors.AsType[*collectors.RateLimited](err)
				_, forbidden := errors.AsType[*collectors.Forbidden](err)
				_, malformed := errors.AsType[*collectors.Malformed](err)
				if limited != (row.kind == "limited") || forbidden != (row.kind == "forbidden") || malformed != (row.kind == "malformed") {
					t.Errorf("error %T %v, want kind %q", err, err, row.kind)
				}
			})
		})
	}
}

// A stream ends with its context, and says so.
func TestStreamEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mastodontest.New(mastodontest.Options{Tokens: map[string]mastodontest.Token{token: {User: "acme"}}})
		srv.AddAccount(mastodontest.Profile{Name: "acme"})
		base, stop := serve(srv)
		defer stop()
		client := &http.Client{Transport: base}
		s, err := NewStreamer(Config{Name: "acme", Server: "http://127.0.0.1:3000", Token: token}, collectors.Deps{HTTP: client, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Hour, cancel) // heartbeats keep it alive until then
		began := time.Now()
		if err := s.Watch(ctx, func() {}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the context's", err)
		}
		if d := time.Since(began); d != time.Hour {
			t.Errorf("it lasted %s, want an hour", d)
		}
	})
}

func TestStreamNeedsAToken(t *testing.T) {
	_, err := NewStreamer(Config{Name: "acme", Server: "https://social.example"}, collectors.Deps{HTTP: http.DefaultClient, Now: time.Now})
	if err == nil || err.Error() != "mastodon: stream: the server opens it for a token only; give the credential one, or switch stream off" {
		t.Errorf("error %v", err)
	}
}

func TestReadEvents(t *testing.T) {
	for _, row := range []struct {
		name, stream string
		want         []string
		lines        int
	}{
		{"as documented", ":)\n\nevent: update\ndata: {\"id\":\"1\"}\n\n:thump\nevent: delete\ndata: 9\n\n", []string{`update {"id":"1"}`, "delete 9"}, 9},
		{"with line ends of Windows", "event: delete\r\ndata: 9\r\n\r\n", []string{"delete 9"}, 3},
		{"without spaces", "event:delete\ndata:9\n\n", []string{"delete 9"}, 3},
		{"data in several lines", "event: update\ndata: {\ndata: }\n\n", []string{"update {\n}"}, 4},
		{"data without a name", "data: 9\n\n", nil, 2},
		{"a name without data", "event: filters_changed\n\n", nil, 2},
		{"empty data", "event: filters_changed\ndata\n\n", []string{"filters_changed "}, 3},
		{"cut off", "event: delete\ndata: 9\n", nil, 2},
		{"unknown fields", "id: 4\nretry: 7\nevent: delete\ndata: 9\n\n", []string{"delete 9"}, 5},
		{"nothing", "", nil, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			lines := 0
			err := readEvents(strings.NewReader(row.stream), func() { lines++ }, func(event string, data []byte) {
				got = append(got, event+" "+string(data))
			})
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("error %v, want that it was closed", err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if lines != row.lines {
				t.Errorf("%d signs of life, want %d", lines, row.lines)
			}
		})
	}
}

func TestConcerns(t *testing.T) {
	known := &own{user: "7", posts: map[string]bool{"70": true}}
	for _, row := range []struct {
		event, data string
		want        concern
	}{
		{"update", `{"id":"71","account":{"id":"7"}}`, concernsNew},
		{"status.update", `{"id":"70","account":{"id":"7"}}`, concernsOld},
		{"update", `{"id":"71","account":{"id":"8"}}`, concernsNothing},
		{"update", `{"id":"71"}`, concernsNothing},
		{"update", `{"id":"71","account":{"id":7}}`, concernsNothing},
		{"update", `{`, concernsNothing},
		{"delete", "70", concernsOld},
		{"delete", "71", concernsNothing},
		{"notification", `{"type":"mention"}`, concernsMention},
		{"notification", `{"type":"quote"}`, concernsMention},
		{"notification", `{"type":"follow"}`, concernsNothing},
		{"notification", `null`, concernsNothing},
		{"conversation", `{"id":"1"}`, concernsNothing},
		{"", ``, concernsNothing},
	} {
		if got := concerns(known, row.event, []byte(row.data)); got != row.want {
			t.Errorf("%s %s concerns %d, want %d", row.event, row.data, got, row.want)
		}
	}
	if got := concerns(&own{}, "update", []byte(`{"account":{"id":""}}`)); got != concernsNothing {
		t.Errorf("an event of nobody concerns %d before the account's id is known", got)
	}
}

func FuzzStream(f *testing.F) {
	f.Add([]byte(":)\n\nevent: update\ndata: {\"id\":\"71\",\"account\":{\"id\":\"7\"}}\n\n"))
	f.Add([]byte("event: delete\r\ndata: 70\r\n\r\n"))
	f.Add([]byte("event: notification\ndata: {\"type\":\"mention\"}\n\n:thump\n"))
	f.Add([]byte("data\ndata:\nevent\n\n"))
	known := &own{user: "7", posts: map[string]bool{"70": true}}
	f.Fuzz(func(t *testing.T, stream []byte) {
		err := readEvents(strings.NewReader(string(stream)), func() {}, func(event string, data []byte) {
			if event == "" || len(data) > maxEvent {
				t.Errorf("event %q of %d bytes", event, len(data))
			}
			concerns(known, event, data)
		})
		if err == nil {
			t.Error("a stream ended without a reason")
		}
	})
}

func FuzzInstance(f *testing.F) {
	f.Add([]byte(`{"configuration":{"urls":{"streaming":"wss://streaming.social.example"}}}`))
	f.Add([]byte(`{"configuration":{"urls":{"streaming":"ws://localhost:4000/base/"}}}`))
	f.Add([]byte(`{"configuration":{"urls":{"streaming":"wss://user:pass@social.example?x=1#y"}}}`))
	f.Add([]byte(`{"configuration":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := decodeInstance(data)
		if err != nil || u == nil {
			return
		}
		if u.User != nil || u.Host == "" || u.RawQuery != "" || u.Scheme != "https" && !loopback(u) {
			t.Errorf("%s was taken", u)
		}
	})
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}
