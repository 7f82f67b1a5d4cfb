package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// TestPeopleAreTold goes the whole way: a finding becomes an alert, an incident
// and a message at a receiver, whose links look at it, act on it and ask the
// person.
func TestPeopleAreTold(t *testing.T) {
	told := make(chan notify.Message, 16)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m notify.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		told <- m
	}))
	t.Cleanup(hook.Close)
	t.Setenv("HOOK_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	s := newSite(t, fmt.Sprintf(`
receivers: [{name: hook, type: webhook, url: %q, secrets: [{env: HOOK_KEY}]}]
identities: [{identity: okta/ann, name: Ann Roe}]
`, hook.URL))
	s.changeHTTP(t, "public_url: 'https://picket.acme.example', ")
	r := s.run(t)
	at := time.Now().UTC()
	err := managerBeside(t, r.js()).Report(t.Context(), []detector.Finding{{
		Episode: "3fa29c00000000000000000000000000", Phase: detector.Open, Network: "okta", Account: "okta/ann",
		Rule:    &rules.Rule{ID: "r", Title: "Login from a new country", Level: rules.High, Mode: rules.Enforce, Response: []string{"Phone the person."}},
		LogTime: at, First: at, Last: at, Count: 1, Position: detector.Position{Sequence: 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	m := await1(t, told)
	if want := "HIGH okta/ann (guards x/acme): login from a new country [PK-3FA29C]"; m.Kind != notify.Opened || m.Title != want {
		t.Errorf("told %s %q, want opened %q", m.Kind, m.Title, want)
	}
	var actions []notify.Action
	for _, l := range m.Links {
		actions = append(actions, l.Action)
	}
	want := []notify.Action{notify.ActAck, notify.ActAssign, notify.ActExpected, notify.ActFalse, notify.ActTrue, notify.ActAnswer}
	if d := cmp.Diff(want, actions); d != "" {
		t.Fatalf("links (-want +got):\n%s", d)
	}
	here := func(l notify.Link) string {
		return "http://" + r.at.HTTP + strings.TrimPrefix(l.URL, "https://picket.acme.example")
	}
	if page := press(t, http.MethodGet, here(m.Links[5])); !strings.Contains(page, "Ann Roe") {
		t.Errorf("the question does not name whom it asks:\n%s", page)
	}
	press(t, http.MethodPost, here(m.Links[0]))
	if m = await1(t, told); m.Kind != notify.Acknowledged || m.State != alerting.Acknowledged {
		t.Errorf("after the acknowledgement told %s, %s", m.Kind, m.State)
	}
}

// changeHTTP adds keys to what the configuration says of HTTP.
func (s *site) changeHTTP(t *testing.T, keys string) {
	t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.config, []byte(strings.Replace(string(text), "http: {", "http: {"+keys, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func await1(t *testing.T, told <-chan notify.Message) notify.Message {
	t.Helper()
	select {
	case m := <-told:
		return m
	case <-time.After(30 * time.Second):
		t.Fatal("nobody was told")
	}
	return notify.Message{}
}

// press opens a link or its button as ann and returns the page.
func press(t *testing.T, method, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("by=ann"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s, %v\n%s", method, url, resp.Status, err, page)
	}
	return string(page)
}
