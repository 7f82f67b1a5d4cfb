package alertmanager

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/picketd/picket/alerting/notify"
)

// TestPaid holds that what an Alertmanager misses while it is told of older
// things stays owed.
func TestPaid(t *testing.T) {
	p := newPeer("http://am.acme.example")
	p.owe("in-1", []alert{{GeneratorURL: "older"}})
	p.owe("in-2", nil)
	debts := p.debts()
	p.owe("in-1", []alert{{GeneratorURL: "newer"}})
	p.paid(debts)
	left := p.debts()
	if len(left) != 1 || left[0].incident != "in-1" || left[0].alerts[0].GeneratorURL != "newer" {
		t.Errorf("owed: %+v, want the newer of in-1", left)
	}
}

// TestBounded holds that an endless stream of incidents fills neither the memory
// nor one request, and that the newest are kept.
func TestBounded(t *testing.T) {
	var requests, alerts int
	first := ""
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var some []alert
		if err := json.NewDecoder(r.Body).Decode(&some); err != nil {
			t.Error(err)
		}
		if requests++; first == "" {
			first = some[0].Labels[labelIncident]
		}
		alerts += len(some)
	}))
	defer server.Close()
	o, err := New(Config{URLs: []string{server.URL}, Client: server.Client(), WithoutHeartbeat: true})
	if err != nil {
		t.Fatal(err)
	}
	const more = 10
	for i := range maxHeld + more {
		m := &notify.Message{Incident: fmt.Sprintf("in-%06d", i), Kind: notify.Opened, At: time.Unix(int64(i), 0)}
		from := o.cfg.originOf(m)
		o.hold(m, o.cfg.alerts(m, &from))
		o.peers[0].owe(m.Incident, nil)
	}
	if len(o.peers[0].owed) != maxHeld {
		t.Errorf("%d incidents are owed, want %d", len(o.peers[0].owed), maxHeld)
	}
	if err := o.Beat(t.Context(), time.Unix(1e6, 0), time.Minute); err != nil {
		t.Fatal(err)
	}
	if alerts != maxHeld || requests != maxHeld/batch || first != "in-000010" {
		t.Errorf("%d alerts from %s in %d requests, want %d from in-000010 in %d", alerts, first, requests, maxHeld, maxHeld/batch)
	}
}

// TestGenerator holds that an alert leads to where a person looks, never to an
// action.
func TestGenerator(t *testing.T) {
	m := &notify.Message{Links: []notify.Link{
		{Action: notify.ActAck, URL: "https://picket.acme.example/act?token=a"},
		{Action: notify.ActOpen, URL: "javascript:alert(1)"},
		{Action: notify.ActOpen, URL: "https://picket.acme.example/alerts/1"},
	}}
	if got, want := generator(m), "https://picket.acme.example/alerts/1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	m.Links = m.Links[:2]
	if got := generator(m); got != "" {
		t.Errorf("got %q, want none", got)
	}
}
