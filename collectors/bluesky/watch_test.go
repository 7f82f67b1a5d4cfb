package bluesky

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/bluesky/blueskytest"
)

// watching runs Watch of a collector until the test ends, and returns what it
// hints and how it ended.
func watching(t *testing.T, c *Collector) (hints chan struct{}, ended chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	hints, ended = make(chan struct{}, 100), make(chan error, 1)
	var done sync.WaitGroup
	done.Go(func() { ended <- c.Watch(ctx, func() { hints <- struct{}{} }) })
	t.Cleanup(func() { cancel(); done.Wait() })
	return hints, ended
}

const patience = 20 * time.Second

func wait[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come within %s", what, patience)
		panic("not reached")
	}
}

func listening(t *testing.T, w *world, n int) {
	t.Helper()
	for range int(patience / (10 * time.Millisecond)) {
		if w.srv.Streams() == n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%d connections, want %d", w.srv.Streams(), n)
}

func withFirehose(c *Config) { c.Firehose = true }

func TestWatchHearsItsAccount(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withFirehose)
	w.serve()
	other := "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"
	w.srv.AddAccount(other, "other.test", "x")
	c := w.collector()
	hints, _ := watching(t, c)
	page, err := c.Poll(t.Context(), nil) // tells Watch where to listen
	if err != nil {
		t.Fatal(err)
	}
	listening(t, w, 1)
	w.srv.Put(other, collectionPost, "", blueskytest.Post("not ours", start()))
	id := w.post("ours")
	wait(t, "the hint of a post", hints)
	w.srv.Delete(id)
	wait(t, "the hint of a deletion", hints)
	w.srv.SetStatus(did, "deactivated")
	wait(t, "the hint of a deactivation", hints)
	w.srv.SetStatus(did, "")
	wait(t, "the hint of a return", hints)
	if len(hints) != 0 {
		t.Errorf("%d more hints, want none for another account", len(hints))
	}
	w.srv.SetHandle(did, "renamed.test")
	wait(t, "the hint of a rename", hints)
	for page.More { // nothing but the event makes it look at the handle
		if page, err = c.Poll(t.Context(), page.Cursor); err != nil {
			t.Fatal(err)
		}
	}
	w.srv.SetHandle(did, "renamed-again.test")
	wait(t, "the hint of a second rename", hints)
	page, err = c.Poll(t.Context(), page.Cursor)
	if err != nil {
		t.Fatal(err)
	}
	if a := only(t, page.Activities, activity.KindProfile); len(a.Changed) != 1 || a.Changed[0] != "handle" {
		t.Errorf("profile %+v, want the handle that changed within five minutes", a)
	}
}

func TestAccountsOfAServerShareAConnection(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withFirehose)
	w.serve()
	w.srv.AddAccount("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "other.test", "x")
	first := w.collector()
	w.cfg.Name = "other.test"
	second := w.collector()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	for _, c := range []*Collector{first, second} {
		if _, err := c.Poll(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	hints, _ := watching(t, first)
	go func() { ended <- second.Watch(ctx, func() {}) }()
	listening(t, w, 1)
	cancel()
	if err := wait(t, "the end of one", ended); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	w.post("the other one still hears")
	wait(t, "the hint", hints)
	listening(t, w, 1)
}

func TestWatchEnds(t *testing.T) {
	tests := []struct {
		name string
		do   func(w *world)
		says string
	}{
		{"closed", func(w *world) { w.srv.CloseStreams() }, "event stream of http://127.0.0.1"},
		{"error frame", func(w *world) {
			w.srv.SendRaw(blueskytest.Frame(map[string]any{"op": -1}, map[string]any{"error": "ConsumerTooSlow", "message": "too slow"}))
		}, "ConsumerTooSlow: too slow"},
		{"no CBOR", func(w *world) { w.srv.SendRaw([]byte("hello")) }, "frame of"},
		{"unknown operation", func(w *world) { w.srv.SendRaw(blueskytest.Frame(map[string]any{"op": 7}, map[string]any{})) }, "operation 7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{}, withFirehose)
			w.serve()
			c := w.collector()
			if _, err := c.Poll(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			_, ended := watching(t, c)
			listening(t, w, 1)
			tt.do(w)
			if err := wait(t, "the end", ended); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one with %q", err, tt.says)
			}
		})
	}
}

func TestWatchRefused(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withFirehose)
	w.serve()
	w.srv.AddFault(blueskytest.Fault{Kind: blueskytest.Fault404, Endpoint: "com.atproto.sync.subscribeRepos"})
	c := w.collector()
	if _, err := c.Poll(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	_, ended := watching(t, c)
	if err := wait(t, "the end", ended); err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("error %v, want one with the status", err)
	}
}

// A server that a DID document names is dialled at public addresses only.
func TestWatchDialsNoNeighbour(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withFirehose)
	web := w.serve()
	w.cfg.Server = ""
	c := w.collector()
	c.heard.set(did, web.URL)
	_, ended := watching(t, c)
	if err := wait(t, "the end", ended); err == nil || w.srv.Requests("com.atproto.sync.subscribeRepos") != 0 {
		t.Errorf("error %v after %d requests, want an error and none", err, w.srv.Requests("com.atproto.sync.subscribeRepos"))
	}
}

func TestWatchWithoutFirehose(t *testing.T) {
	w := newWorld(t, blueskytest.Options{})
	c := w.collector()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Watch(ctx, func() {}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestWatchFollowsAMove(t *testing.T) {
	w := newWorld(t, blueskytest.Options{}, withFirehose)
	w.serve()
	c := w.collector()
	if _, err := c.Poll(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	_, ended := watching(t, c)
	listening(t, w, 1)
	c.heard.set(did, "https://other.test")
	if err := wait(t, "the end", ended); !errors.Is(err, errMoved) {
		t.Errorf("error %v, want %v", err, errMoved)
	}
}
