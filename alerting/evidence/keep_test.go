package evidence

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/natstest"
	"github.com/picketd/picket/collectors/activity"
)

// png is the beginning of a picture.
const png = "\x89PNG\x0D\x0A\x1A\x0A and so on"

func bucket(t *testing.T) jetstream.ObjectStore {
	t.Helper()
	_, js := natstest.Connect(t, natstest.Serve(t, nil))
	store, err := Open(t.Context(), js, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// network serves media; its client trusts it and may reach it, as Client may
// not.
func network(t *testing.T) (*httptest.Server, *http.Client) {
	t.Helper()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good":
			_, _ = w.Write([]byte(png))
		case "/moved":
			http.Redirect(w, r, "/good", http.StatusFound)
		case "/plain":
			http.Redirect(w, r, "http://"+r.Host+"/good", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/page":
			w.Header().Set("Content-Type", "image/png") // a lie
			_, _ = w.Write([]byte("<html><script>"))
		case "/large":
			_, _ = w.Write([]byte(png + strings.Repeat("x", 2000)))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	client := Client()
	client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	return srv, client
}

func alert(urls ...string) *alerting.Alert {
	a := &alerting.Alert{ID: "3fa29c00000000000000000000000000"}
	post := activity.Activity{ID: "p1", Kind: activity.KindPost}
	for _, u := range urls {
		post.Media = append(post.Media, activity.Media{Type: "image", URL: u})
	}
	a.Evidence = []activity.Activity{post}
	return a
}

func TestKeep(t *testing.T) {
	srv, client := network(t)
	for _, tt := range []struct {
		name, path string
		kept       bool
		fault      string
	}{
		{"a picture", "/good", true, ""},
		{"one that has moved", "/moved", true, ""},
		{"moved out of https", "/plain", false, "not an https address"},
		{"moved in circles", "/round", false, "more than 3 redirects"},
		{"a page that says it is a picture", "/page", false, "it is text/html; charset=utf-8, no image"},
		{"too large", "/large", false, "more than 1000 bytes"},
		{"gone", "/none", false, "404 Not Found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := bucket(t)
			k := NewKeeper(Config{Store: store, Client: client, MaxBytes: 1000})
			a := alert(srv.URL + tt.path)
			err := k.Keep(t.Context(), a)
			if (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("fault %v, want %q", err, tt.fault)
			}
			copies, err := List(t.Context(), store, a.ID)
			if err != nil || (len(copies) == 1) != tt.kept || Count(t.Context(), store, a) != len(copies) {
				t.Fatalf("%d copies, counted %d, %v; want kept %v", len(copies), Count(t.Context(), store, a), err, tt.kept)
			}
			if !tt.kept {
				return
			}
			c := &copies[0]
			if data, err := Read(t.Context(), store, c); err != nil || string(data) != png {
				t.Errorf("read %q, %v", data, err)
			}
			if c.Type != "image/png" || c.Post != "p1" || c.File() != c.SHA256[:16]+".png" {
				t.Errorf("kept %+v as %s", c, c.File())
			}
		})
	}
}

// TestPrivate: what is not public is not reached, by name or by address.
func TestPrivate(t *testing.T) {
	k := NewKeeper(Config{Store: bucket(t)})
	for _, url := range []string{
		"https://127.0.0.1/a", "https://localhost/a", "https://10.0.0.1/a", "https://169.254.169.254/latest", "https://[::1]/a",
		"https://[::ffff:127.0.0.1]/a", "http://1.1.1.1/a", "https://1.1.1.1:8443/a", "file:///etc/passwd", "https://user:pw@1.1.1.1/", "::",
	} {
		left, err := k.keep(t.Context(), "a", addresses(alert(url)))
		if len(left) > 0 {
			t.Errorf("%s is to be tried again", url)
		}
		if err == nil {
			t.Errorf("%s was fetched", url)
		} else if strings.Contains(err.Error(), "pw@") {
			t.Errorf("the error tells the address: %v", err)
		}
	}
}

// TestAgain: what is kept is not fetched again, and a copy that was changed is
// noticed.
func TestAgain(t *testing.T) {
	srv, client := network(t)
	store := bucket(t)
	k := NewKeeper(Config{Store: store, Client: client})
	a := alert(srv.URL + "/good")
	if err := k.Keep(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	srv.Close()
	if err := k.Keep(t.Context(), a); err != nil {
		t.Errorf("fetched again: %v", err)
	}
	copies, err := List(t.Context(), store, a.ID)
	if err != nil || len(copies) != 1 {
		t.Fatal(copies, err)
	}
	copies[0].SHA256 = strings.Repeat("0", 64)
	if _, err := Read(t.Context(), store, &copies[0]); err == nil || !strings.Contains(err.Error(), "when it was copied") {
		t.Errorf("a changed copy: %v", err)
	}
}

func TestRun(t *testing.T) {
	srv, client := network(t)
	store := bucket(t)
	k := NewKeeper(Config{Store: store, Client: client})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { k.Run(ctx); close(done) }()
	a := alert(srv.URL + "/good")
	k.Want(a)
	for Count(t.Context(), store, a) == 0 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-done
	for i := range waiting + 1 { // nobody copies any more: Want must not wait
		k.Want(alert(srv.URL + "/" + fmt.Sprint(i)))
		a.ID = fmt.Sprintf("%032d", i)
		k.Want(a)
	}
}

// TestWantAsItGrows: what later posts of an alert show is wanted too, each once,
// and eight in all.
func TestWantAsItGrows(t *testing.T) {
	k := NewKeeper(Config{Store: bucket(t)})
	var got []string
	want := func(urls ...string) {
		t.Helper()
		k.Want(alert(urls...))
		for len(k.queue) > 0 {
			for _, at := range (<-k.queue).at {
				got = append(got, strings.TrimPrefix(at.url, "https://img.example/"))
			}
		}
	}
	at := func(i int) string { return fmt.Sprint("https://img.example/", i) }
	want(at(1), at(2))
	want(at(1), at(2))
	want(at(2), at(3))
	want(at(4), at(5), at(6), at(7), at(8), at(9))
	want(at(10))
	again := alert(at(11))
	again.Change = alerting.ChangeReopened
	k.Want(again)
	want()
	if d := cmp.Diff([]string{"1", "2", "3", "4", "5", "6", "7", "8", "11"}, got); d != "" {
		t.Errorf("wanted (-want +got):\n%s", d)
	}
	for i := range 3 * remembered { // of many alerts only the newest are remembered
		a := alert(at(1))
		a.ID = fmt.Sprintf("%032d", i)
		k.Want(a)
		<-k.queue
	}
	if len(k.asked) != remembered || len(k.order) != remembered {
		t.Errorf("%d alerts are remembered, in an order of %d; want %d", len(k.asked), len(k.order), remembered)
	}
}

// TestBound: an alert has few copies, those of its newest posts.
func TestBound(t *testing.T) {
	var urls []string
	for i := range 12 {
		urls = append(urls, "https://img.example/"+string(rune('a'+i)))
	}
	a := alert(append(urls, urls[0], "")...)
	a.Evidence = append(a.Evidence, activity.Activity{ID: "p2", Media: []activity.Media{{URL: "https://img.example/newest"}}})
	got := addresses(a)
	if len(got) != 8 || got[0] != (address{"https://img.example/newest", "p2", 1}) || got[7].url != "https://img.example/g" {
		t.Errorf("%d: %+v", len(got), got)
	}
}
