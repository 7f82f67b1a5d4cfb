package connect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/mastodon"
	"github.com/picketd/picket/collectors/okta"
	"github.com/picketd/picket/collectors/x"
)

func TestExplain(t *testing.T) {
	now := time.Date(2026, 3, 6, 12, 0, 0, 0, time.Local)
	ofX := target{name: "X", host: "api.x.com", account: "@acme", secret: "bearer token", where: "--base-url", now: now}
	ofMastodon := target{name: "social.example", host: "social.example", account: "@acme", where: "--server", now: now}
	forbidden := func(err error) error {
		return fmt.Errorf("look: %w", &collectors.Forbidden{Mend: "ask somebody", Err: err})
	}
	limited := func(after time.Duration) error {
		return &collectors.RateLimited{Until: now.Add(after), Err: errors.New("status 429")}
	}
	rows := []struct {
		name string
		of   target
		err  error
		want string
	}{
		{"token refused", ofX, forbidden(&x.APIError{Status: 401}), "X does not accept this bearer token (401). Copy it again from where it was made, or make a new one there."},
		{"no token and login only", ofMastodon, forbidden(&mastodon.APIError{Status: 401}), "social.example refuses this (401). Ask somebody."},
		{"not allowed", ofX, forbidden(&okta.APIError{Status: 403}), "X refuses this (403). Ask somebody."},
		{"unknown to X", ofX, forbidden(&x.APIError{Status: 200, Type: "resource-not-found", Title: "Not Found Error"}), "X knows no account @acme (404). Check the spelling; it may have been renamed, moved or deleted."},
		{"suspended on X", ofX, forbidden(&x.APIError{Status: 200, Type: "resource-not-found", Title: "Forbidden"}), "X refuses this. Ask somebody."},
		{"unknown to Mastodon", ofMastodon, forbidden(&mastodon.APIError{Status: 404, Message: "Record not found"}), "social.example knows no account @acme (404). Check the spelling; it may have been renamed, moved or deleted."},
		{"no Mastodon there", ofMastodon, forbidden(&mastodon.APIError{Status: 404}), "social.example refuses this (404). Ask somebody."},
		{"limited, no time told", ofX, &collectors.RateLimited{Err: errors.New("status 429")}, "X takes no more requests for now. Try again in some minutes."},
		{"limited for seconds", ofX, limited(20 * time.Second), "X takes no more requests for now. Try again in a minute."},
		{"limited for minutes", ofX, limited(15 * time.Minute), "X takes no more requests for now. Try again after 12:16."},
		{"limited for a day", ofX, limited(24 * time.Hour), "X takes no more requests for now. Try again after 7 March 12:01."},
		{"trouble of its own", ofX, &x.APIError{Status: 503}, "X has trouble of its own (503). Try again later."},
		{"malformed", ofX, &collectors.Malformed{Field: "data", Err: errors.New("id is missing")}, "api.x.com does not answer as X does: id is missing. Check --base-url; if it is right, look for a newer Picket."},
		{"a page of HTML", ofMastodon, fmt.Errorf("GET /api: %w", errors.New("answer is not JSON")), "social.example does not answer as Mastodon does: answer is not JSON. Check --server and this machine's network, or try again later."},
		{"no such server", ofX, &net.DNSError{IsNotFound: true}, "there is no server api.x.com. Check --base-url and this machine's network."},
		{"no connection", ofX, &net.OpError{Op: "dial", Err: errors.New("connection refused")}, "api.x.com does not answer: connection refused. Check this machine's network, its HTTPS_PROXY if it needs one, and --base-url."},
		{"no answer in time", ofX, fmt.Errorf("no complete answer: %w", context.DeadlineExceeded), "api.x.com does not answer: context deadline exceeded. Check this machine's network, its HTTPS_PROXY if it needs one, and --base-url."},
		{"interrupted", ofX, fmt.Errorf("look: %w", context.Canceled), "look: context canceled"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			err := row.of.explain(row.err)
			if err.Error() != row.want {
				t.Errorf("\n got %s\nwant %s", err, row.want)
			}
			if !errors.Is(err, row.err) {
				t.Error("the error behind it is lost")
			}
		})
	}
}
