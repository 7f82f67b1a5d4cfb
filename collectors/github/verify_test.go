package github

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/github/githubtest"
)

func TestVerify(t *testing.T) {
	ago := func(d time.Duration) time.Time { return start().Add(-d) }
	w := newWorld(t, githubtest.Options{Scopes: "admin:org, read:audit_log, repo", Expires: ago(-90 * 24 * time.Hour)})
	w.srv.Add(githubtest.Event{Action: "org.add_member", Actor: "owner", User: "editor-2", Created: ago(3 * time.Hour)})
	w.srv.Add(githubtest.Event{Action: "repo.access", Actor: "editor-1", Created: ago(2 * time.Hour)})
	w.srv.Add(githubtest.Event{Action: "repo.access", Actor: "editor-1", Created: ago(5 * time.Hour)})
	w.srv.Add(githubtest.Event{Action: "pull_request.create", Actor: "editor-1", Created: ago(time.Hour)})
	w.srv.Add(githubtest.Event{Action: "repo.access", Actor: "intern", Created: ago(time.Hour)})
	w.srv.Add(githubtest.Event{Action: "repo.access", Actor: "editor-0", Created: ago(31 * 24 * time.Hour)})
	got, err := w.c.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := collectors.Seen{
		Lines: []string{
			"the log may be read; it holds 5 events since 2026-02-04, the last of 2026-03-06T11:00:00Z",
			"github/editor-1: last seen 2026-03-06T10:00:00Z",
			"github/editor-2: last seen 2026-03-06T09:00:00Z",
			"the token ends 2026-06-04",
		},
		Warnings: []string{
			"no event tells an IP address: switch on their display under Settings, Audit log, Settings, so that rules about addresses can see",
			"the token may also admin:org, repo: make one with read:audit_log alone, or a fine-grained one",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if w.srv.Count() != 1 {
		t.Errorf("%d requests, want one", w.srv.Count())
	}
}

func TestVerifyQuietLog(t *testing.T) {
	w := newWorld(t, githubtest.Options{Scopes: "-"})
	got, err := w.c.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(collectors.Seen{Lines: []string{"the log may be read, and holds nothing since 2026-02-04"}}, got); diff != "" {
		t.Error(diff)
	}
	for range 120 {
		w.srv.Add(githubtest.Event{Action: "user.login", Actor: "editor-1", IP: "192.0.2.7"})
	}
	got, err = w.c.Verify(t.Context())
	if err != nil || len(got.Warnings) != 0 || got.Lines[0] != "the log may be read; of its newest 100 events the last is of 2026-03-06T12:00:00Z" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := w.srv.AddFault(githubtest.Fault{Kind: githubtest.Fault404}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.c.Verify(t.Context()); kindOf(err) != wantForbidden {
		t.Errorf("%v, want what to mend", err)
	}
}

// TestSpec makes the collector from settings as a configuration gives them.
func TestSpec(t *testing.T) {
	spec := Spec()
	w := newWorld(t, githubtest.Options{})
	values := map[string]string{}
	for _, key := range append(spec.Credential, spec.Own...) {
		if key.Default != "" {
			values[key.Name] = key.Default
		}
	}
	values["base_url"] = w.web.URL
	set := collectors.Setting{
		Source: "github/acme", Values: values, Secrets: map[string]collectors.Secret{"token": token}, Accept: editors,
	}
	deps := collectors.Deps{HTTP: w.web.Client(), Now: w.Now}
	c, err := spec.New(set, deps)
	if err != nil {
		t.Fatal(err)
	}
	w.srv.Add(githubtest.Event{Action: "org.disable_saml", Actor: "editor-1"})
	page, err := c.Poll(t.Context(), nil)
	if err != nil || len(page.Activities) != 1 {
		t.Errorf("%d activities, %v; want one of the organisation that the source is called after", len(page.Activities), err)
	}
	if seen, err := spec.Verify(t.Context(), set, deps); err != nil || len(seen.Lines) != 2 {
		t.Errorf("%+v, %v", seen, err)
	}
	if n := len(spec.Shows(set).Kinds); n != 5 {
		t.Errorf("%d kinds of an organisation, want 5", n)
	}
	values["enterprise"] = "acme-corp"
	if n := len(spec.Shows(set).Kinds); n != 9 {
		t.Errorf("%d kinds of an enterprise, want 9", n)
	}
	set.Secrets = nil
	if c, err := spec.New(set, deps); err == nil || c != nil {
		t.Errorf("%v, %v; want no collector, and why", c, err)
	}
	if _, err := spec.Verify(t.Context(), set, deps); err == nil {
		t.Error("verified without a token")
	}
}

// One event that is not understood keeps nobody from connecting; where all of them
// are so, something else answers.
func TestVerifyLeavesOutWhatIsOdd(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	w.srv.Add(githubtest.Event{Raw: json.RawMessage(`{"action":"org.add_member","actor":"editor-1","@timestamp":"yesterday"}`)})
	if _, err := w.c.Verify(t.Context()); kindOf(err) != wantMalformed {
		t.Errorf("nothing but odd events: %v, want malformed", err)
	}
	w.srv.Add(githubtest.Event{Action: "user.login", Actor: "editor-1"})
	seen, err := w.c.Verify(t.Context())
	if err != nil || len(seen.Lines) < 2 || !strings.Contains(seen.Lines[0], "1 is not understood") {
		t.Errorf("%+v, %v; want one person, and an event that is not understood", seen, err)
	}
}
