package googleworkspace

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/googleworkspace/googleworkspacetest"
)

// setting is what a configuration of the defaults says.
func setting(w *world) collectors.Setting {
	s := collectors.Setting{
		Source: "googleworkspace/acme", Values: map[string]string{}, Accept: editors,
		Secrets: map[string]collectors.Secret{"service_account": w.cfg.ServiceAccount},
	}
	spec := Spec()
	for _, k := range append(spec.Credential, spec.Own...) {
		s.Values[k.Name] = k.Default
	}
	s.Values["admin_email"], s.Values["base_url"] = admin, w.web.URL
	return s
}

func TestSpec(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	w.login(googleworkspacetest.Event{Time: start().Add(-29 * 24 * time.Hour)})
	spec := Spec()
	c, err := spec.New(setting(w), collectors.Deps{HTTP: w.web.Client(), Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	page, err := c.Poll(t.Context(), nil)
	if err != nil || len(page.Activities) != 1 {
		t.Errorf("%d activities, error %v; want the one of 29 days ago", len(page.Activities), err)
	}
	for line := range strings.SplitSeq(spec.Guide, "\n") {
		if len(line) > 80 {
			t.Errorf("line of %d characters in the guide: %s", len(line), line)
		}
	}
	if shows := spec.Shows(setting(w)); len(shows.Kinds) != 9 {
		t.Errorf("shows %v, want 9 kinds", shows.Kinds)
	}
	if spec.Lag > setting(w).Duration("overlap") {
		t.Errorf("a lag of %s is above the overlap", spec.Lag)
	}
	bad := setting(w)
	bad.Values["admin_email"] = "nobody"
	if _, err := spec.New(bad, collectors.Deps{HTTP: w.web.Client(), Now: w.Now}); err == nil || !strings.Contains(err.Error(), "admin_email") {
		t.Errorf("error %v, want one about admin_email", err)
	}
}

func TestVerify(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	verify := func(s collectors.Setting) (collectors.Seen, error) {
		return Spec().Verify(t.Context(), s, collectors.Deps{HTTP: w.web.Client(), Now: w.Now})
	}
	got, err := verify(setting(w))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"the log of logins can be read; nobody logged in within 720h0m0s"}, got.Lines); diff != "" {
		t.Error(diff)
	}
	w.login(googleworkspacetest.Event{Time: start().Add(-time.Hour)})
	w.login(googleworkspacetest.Event{Actor: "intern@acme.example", Time: start().Add(-2 * time.Hour)})
	if got, err = verify(setting(w)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"the log of logins can be read; the newest 2 are of 2 people, the last of 2026-03-06T11:00:00Z",
		"1 of these people guard a configured account",
		"they are named like googleworkspace/editor-1",
	}
	if diff := cmp.Diff(want, got.Lines); diff != "" {
		t.Error(diff)
	}
	nobody := setting(w)
	nobody.Accept = nil // picket connect, before any account is configured
	if _, err := verify(nobody); err != nil {
		t.Error(err)
	}
	w.srv.AddFault(googleworkspacetest.Fault{Kind: googleworkspacetest.FaultTokenDenied})
	_, err = verify(setting(w))
	if _, ok := errors.AsType[*collectors.Forbidden](err); !ok {
		t.Errorf("error %v, want Forbidden", err)
	}
}

// One record that is not understood keeps nobody from connecting; where all of
// them are so, something else answers.
func TestVerifyLeavesOutWhatIsOdd(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	w.srv.Add(googleworkspacetest.Event{App: "login", Name: "login_success", Raw: `{"id":{"time":"2026-03-06T11:00:00.000Z","uniqueQualifier":"1","applicationName":"login"}}`})
	if _, err := w.c.Verify(t.Context()); kindOf(err) != wantMalformed {
		t.Errorf("nothing but odd records: %v, want malformed", err)
	}
	w.login(googleworkspacetest.Event{})
	seen, err := w.c.Verify(t.Context())
	if err != nil || len(seen.Lines) == 0 || !strings.Contains(seen.Lines[0], "of 1 people") || !strings.Contains(seen.Lines[0], "1 is not understood") {
		t.Errorf("%q, %v; want one person, and a record that is not understood", seen.Lines, err)
	}
}
