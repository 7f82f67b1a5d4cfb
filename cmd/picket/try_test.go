package main

import (
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

// serveMastodon serves a fake Mastodon server for a script, and sets MASTODON
// to its address. Its account acme@social.example has posted once a day for
// forty days and then twenty times in ten minutes. With a kind of fault every
// answer is that fault.
func serveMastodon(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: mastodon [fault]")
	}
	server := mastodontest.New(mastodontest.Options{})
	now := time.Now()
	for i := range 40 {
		server.Post("acme", mastodontest.Status{Text: fmt.Sprint("Bread of day ", i), At: now.AddDate(0, 0, i-44)})
	}
	for i := range 20 {
		server.Post("acme", mastodontest.Status{Text: fmt.Sprint("Flood ", i), At: now.Add(-48*time.Hour + time.Duration(i)*30*time.Second)})
	}
	for _, kind := range args {
		ts.Check(server.AddFault(mastodontest.Fault{Kind: kind, Reset: 240}))
	}
	web := httptest.NewServer(server)
	ts.Defer(web.Close)
	ts.Setenv("MASTODON", web.URL)
}
