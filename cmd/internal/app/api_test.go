package app

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/api/links"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// TestLinkActs follows a link from a message to what it does, by the server of
// a running daemon.
func TestLinkActs(t *testing.T) {
	r := newSite(t, "").run(t)
	js := r.js()
	m := managerBeside(t, js)
	at := time.Now().UTC()
	finding := detector.Finding{
		Episode: "3fa29c00000000000000000000000000", Phase: detector.Open, Network: "x", Account: "x/acme",
		Rule:    &rules.Rule{ID: "r", Title: "Posting burst", Level: rules.High, Mode: rules.Enforce},
		LogTime: at, First: at, Last: at, Count: 12, Position: detector.Position{Sequence: 1},
	}
	if err := m.Report(t.Context(), []detector.Finding{finding}); err != nil {
		t.Fatal(err)
	}
	a, err := m.Get(t.Context(), finding.Episode)
	if err != nil {
		t.Fatal(err)
	}
	book, err := links.Open(t.Context(), js, 1)
	if err != nil {
		t.Fatal(err)
	}
	made := links.New(links.Config{Book: book, Alerts: m, Now: time.Now, Base: func() string { return "http://" + r.at.HTTP }})
	link := made.For(&a, "", "night shift", notify.Person{Name: "Ann"})[0]
	if link.Action != notify.ActAck {
		t.Fatalf("the first link is to %s", link.Action)
	}
	for _, tt := range []struct {
		method string
		status int
		says   string
		state  alerting.State
	}{
		{http.MethodGet, http.StatusOK, "Acknowledge PK-3FA29C?", alerting.Firing},
		{http.MethodPost, http.StatusOK, "Done: PK-3FA29C is acknowledged", alerting.Acknowledged},
		{http.MethodPost, http.StatusGone, "was used already", alerting.Acknowledged},
	} {
		t.Run(fmt.Sprint(tt.method, " ", tt.status), func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tt.method, link.URL, strings.NewReader(url.Values{"answer": {"yes"}}.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			resp, err := new(http.Client).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tt.status || !strings.Contains(string(body), tt.says) {
				t.Errorf("%s %v\n%s\nwant %q", resp.Status, err, body, tt.says)
			}
			if got, err := m.Get(t.Context(), a.ID); err != nil || got.State != tt.state {
				t.Errorf("the alert is %s, %v; want %s", got.State, err, tt.state)
			}
		})
	}
}

// managerBeside works on the daemon's alerts as another daemon would.
func managerBeside(t *testing.T, js jetstream.JetStream) *alerting.Manager {
	t.Helper()
	store, err := natspub.Open(t.Context(), js)
	if err != nil {
		t.Fatal(err)
	}
	m, err := alerting.New(alerting.Config{Store: store, Publisher: natspub.NewPublisher(js, natspub.PublisherOptions{Version: "0.1.0"})})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
