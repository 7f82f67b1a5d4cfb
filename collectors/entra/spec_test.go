package entra

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/entra/entratest"
)

// setting is what a configuration of the defaults says.
func setting(w *world) collectors.Setting {
	s := collectors.Setting{
		Source: "entra/acme", Values: map[string]string{}, Accept: editors,
		Secrets: map[string]collectors.Secret{"client_secret": entratest.ClientSecret},
	}
	spec := Spec()
	for _, k := range append(spec.Credential, spec.Own...) {
		s.Values[k.Name] = k.Default
	}
	s.Values["tenant"], s.Values["client_id"] = entratest.Tenant, entratest.ClientID
	s.Values["base_url"], s.Values["login_url"] = w.web.URL, w.web.URL
	return s
}

func TestSpec(t *testing.T) {
	w := newWorld(t, entratest.Options{})
	w.login(entratest.SignIn{Time: start().Add(-28 * 24 * time.Hour)})
	spec := Spec()
	c, err := spec.New(setting(w), collectors.Deps{HTTP: w.web.Client(), Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	page, err := c.Poll(t.Context(), nil)
	if err != nil || len(page.Activities) != 1 {
		t.Errorf("%d activities, error %v; want the one of 28 days ago", len(page.Activities), err)
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
	bad.Values["tenant"] = "no/body"
	if _, err := spec.New(bad, collectors.Deps{HTTP: w.web.Client(), Now: w.Now}); err == nil || !strings.Contains(err.Error(), "tenant") {
		t.Errorf("error %v, want one about tenant", err)
	}
}

func TestVerify(t *testing.T) {
	w := newWorld(t, entratest.Options{})
	verify := func(s collectors.Setting) (collectors.Seen, error) {
		return Spec().Verify(t.Context(), s, collectors.Deps{HTTP: w.web.Client(), Now: w.Now})
	}
	got, err := verify(setting(w))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(collectors.Seen{Lines: []string{
		"signIns can be read; nothing in it within 696h0m0s", "directoryAudits can be read; nothing in it within 696h0m0s",
	}}, got); diff != "" {
		t.Error(diff)
	}
	w.login(entratest.SignIn{Time: start().Add(-time.Hour)})
	w.login(entratest.SignIn{User: "intern@acme.example", Time: start().Add(-2 * time.Hour)})
	if got, err = verify(setting(w)); err != nil {
		t.Fatal(err)
	}
	want := "signIns can be read; the newest 2 are of 2 people, 1 of whom guard a configured account, the last of 2026-03-06T11:00:00Z"
	if got.Lines[0] != want {
		t.Errorf("%q, want %q", got.Lines[0], want)
	}
	nobody := setting(w)
	nobody.Accept = nil // picket connect, before any account is configured
	w.Pass(grantSpan)
	if _, err := verify(nobody); err != nil {
		t.Error(err)
	}
	w.srv.AddFault(entratest.Fault{Kind: entratest.FaultTokenSecret})
	_, err = verify(setting(w))
	if _, ok := errors.AsType[*collectors.Forbidden](err); !ok {
		t.Errorf("error %v, want Forbidden", err)
	}
}

// Without a licence picket connect says so, and what can be read.
func TestVerifyUnlicensed(t *testing.T) {
	w := newWorld(t, entratest.Options{Unlicensed: true})
	got, err := w.c.Verify(t.Context())
	if err != nil || len(got.Lines) != 1 || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "P1 or P2") {
		t.Errorf("%+v, error %v; want audits and a warning of the licence", got, err)
	}
}

// One event that is not understood keeps nobody from connecting; where all of them
// are so, something else answers.
func TestVerifyLeavesOutWhatIsOdd(t *testing.T) {
	w := newWorld(t, entratest.Options{})
	odd := entratest.SignIn{Raw: `{"id":"%ID%","createdDateTime":"%TIME%"}`}
	w.srv.SignIn(odd)
	if _, err := w.c.Verify(t.Context()); kindOf(err) != wantMalformed {
		t.Errorf("nothing but odd events: %v, want malformed", err)
	}
	w.login(entratest.SignIn{})
	seen, err := w.c.Verify(t.Context())
	if err != nil || len(seen.Lines) != 2 || !strings.Contains(seen.Lines[0], "of 1 people") || !strings.Contains(seen.Lines[0], "1 is not understood") {
		t.Errorf("%q, %v; want one person, and an event that is not understood", seen.Lines, err)
	}
}
