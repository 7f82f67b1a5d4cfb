package x

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/x/xtest"
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

// serve answers what goes over the transport that it returns, until the test
// ends.
func serve(t *testing.T, h http.Handler) http.RoundTripper {
	t.Helper()
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(p)
	}()
	transport := &http.Transport{DialContext: p.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
	})
	return transport
}

// snowflakes is from when a bubble's clock begins into the years in which X's
// ids tell the time.
const snowflakes = 27 * 365 * 24 * time.Hour

// heard are accounts of one app that are polled every ten minutes, and whose
// events are heard.
type heard struct {
	srv  *xtest.Server
	logs *collectortest.Logs
	hub  *Hub
}

// listening is to be called in a bubble.
func listening(t *testing.T, change func(*Config), handles ...string) *heard {
	t.Helper()
	time.Sleep(snowflakes)
	h := &heard{logs: collectortest.NewLogs()}
	h.srv = xtest.New(xtest.Options{
		Bearer: bearerToken, OAuth1: &xtest.OAuth1{ConsumerSecret: consumerSec}, Hooks: &http.Client{Transport: toHub{h}},
	})
	budget := collectors.NewBudget("x", collectors.BudgetOptions{Endpoint: Endpoint})
	deps := collectors.Deps{Now: time.Now, HTTP: collectors.NewClient(budget, collectors.ClientOptions{Base: serve(t, h.srv)})}
	var err error
	base := Config{BaseURL: "http://127.0.0.1:3000", BearerToken: bearerToken, Activity: ActivityStream}
	if change != nil {
		change(&base)
	}
	app := App{BaseURL: base.BaseURL, BearerToken: bearerToken}
	if base.Activity == ActivityWebhook {
		app.Callback, app.ConsumerSecret = callback, consumerSec
	}
	if h.hub, err = NewHub(app, deps); err != nil {
		t.Fatal(err)
	}
	var tasks []collectors.Task
	for _, handle := range handles {
		h.srv.AddAccount(xtest.Profile{Handle: handle, Name: handle})
		cfg := base
		cfg.Username = handle
		c, err := NewListener(cfg, deps, h.hub)
		if err != nil {
			t.Fatal(err)
		}
		tasks = append(tasks, collectors.Task{Source: "x/" + handle, Network: Network, Collector: c, Every: 10 * time.Minute, Budget: budget})
	}
	sched := collectors.NewScheduler(collectors.Options{Logs: h.logs, Rand: func() float64 { return 0.5 }})
	if err := sched.Set(tasks); err != nil {
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
	})
	return h
}

// rest lets the first polls pass, on to half a minute behind a regular one, so
// that the next is far.
func (h *heard) rest() {
	time.Sleep(45 * time.Minute)
	for n := h.polls(); h.polls() == n; {
		time.Sleep(time.Second)
	}
	time.Sleep(30 * time.Second)
}

func (h *heard) polls() int { return h.srv.Count("users/tweets") }

// seen returns kind and id of what is in an account's journal.
func (h *heard) seen(source string) []string {
	var all []activity.Activity
	for _, b := range h.logs.Batches(source) {
		all = append(all, b.Activities...)
	}
	return ids(all)
}

const callback = "https://picket.example/v1/x/webhook/app"

func byWebhook(c *Config) { c.Activity, c.ConsumerSecret = ActivityWebhook, consumerSec }

// toHub hands what X sends to the webhook to the hub.
type toHub struct{ to *heard }

func (c toHub) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	c.to.hub.ServeHTTP(rec, r)
	return rec.Result(), nil
}
