package okta

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/okta/oktatest"
)

func TestVerify(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	ago := func(d time.Duration) time.Time { return start().Add(-d) }
	w.login(oktatest.Event{Actor: "Editor-2@acme.example", Published: ago(3 * time.Hour)})
	w.login(oktatest.Event{Published: ago(2 * time.Hour)})
	w.login(oktatest.Event{Published: ago(5 * time.Hour)})
	w.login(oktatest.Event{Actor: "past@acme.example", Published: ago(31 * 24 * time.Hour)})
	// A challenge has not ended, so it is nobody's login.
	w.login(oktatest.Event{Actor: "half@acme.example", Result: "CHALLENGE", Published: ago(time.Hour)})
	w.srv.Add(oktatest.Event{Type: "system.email.new_device_notification.sent_message", Actor: "editor-1@acme.example", Published: ago(time.Minute)})
	got, err := w.c.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := &Standing{
		Events: 4, Newest: ago(time.Hour), Since: ago(30 * 24 * time.Hour),
		Seen: []Seen{{"okta/editor-1", ago(2 * time.Hour)}, {"okta/editor-2", ago(3 * time.Hour)}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if last := got.Last("okta/editor-2"); !last.Equal(ago(3 * time.Hour)) {
		t.Errorf("editor-2 was seen at %s, want 3 hours ago", last)
	}
	if last := got.Last("okta/nobody"); !last.IsZero() {
		t.Errorf("nobody was seen at %s", last)
	}
	if n := w.srv.Count(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	if c := w.c.Counts(); c != (Counts{}) {
		t.Errorf("counts %+v, want none: nothing was polled", c)
	}
}

func TestVerifyEmpty(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	got, err := w.c.Verify(t.Context())
	if err != nil || got.Events != 0 || !got.Newest.IsZero() {
		t.Errorf("%+v, error %v; want no event", got, err)
	}
}

func TestVerifyAtMost(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	for i := range 120 {
		w.login(oktatest.Event{Actor: fmt.Sprintf("editor-%d", i), Published: start().Add(-time.Duration(i) * time.Minute)})
	}
	got, err := w.c.Verify(t.Context())
	if err != nil || got.Events != 100 || len(got.Seen) != 100 {
		t.Errorf("%d events of %d identities, error %v; want the newest 100", got.Events, len(got.Seen), err)
	}
}

func TestVerifyRefusals(t *testing.T) {
	for fault, want := range map[string]string{
		oktatest.Fault401Echo: wantForbidden, oktatest.Fault403: wantForbidden, oktatest.Fault404: wantForbidden,
		oktatest.FaultRedirect: wantForbidden, oktatest.Fault429: wantLimited, oktatest.Fault503: wantRetry, oktatest.FaultObject: wantMalformed,
	} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld(t, oktatest.Options{})
			if err := w.srv.AddFault(oktatest.Fault{Kind: fault, Reset: 60}); err != nil {
				t.Fatal(err)
			}
			_, err := w.c.Verify(t.Context())
			if err == nil || kindOf(err) != want {
				t.Fatalf("error %v, want %s", err, want)
			}
			if holdsSecret(err.Error()) {
				t.Error("error holds the token")
			}
		})
	}
}

// One event that is not understood keeps nobody from connecting; where all of them
// are so, something else answers.
func TestVerifyLeavesOutWhatIsOdd(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	w.login(oktatest.Event{Raw: []byte(`{"uuid":"1","eventType":"user.session.start"}`)})
	if _, err := w.c.Verify(t.Context()); kindOf(err) != wantMalformed {
		t.Errorf("nothing but odd events: %v, want malformed", err)
	}
	w.login(oktatest.Event{})
	if got, err := w.c.Verify(t.Context()); err != nil || got.Events != 1 || len(got.Seen) != 1 {
		t.Errorf("%+v, %v; want one event of one person", got, err)
	}
}
