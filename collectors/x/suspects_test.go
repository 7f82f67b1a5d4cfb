package x

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/x/xtest"
)

// A page whose cursor is the one of before says nothing of what was stored: its
// deletions are told again.
func TestSuspectedDeletionsWithinASecond(t *testing.T) {
	w := newWorld(t, xtest.Options{}, func(c *Config) { c.Activity, c.Rehydrate = ActivityStream, 1 })
	gone := w.old("gone")
	w.srv.Post("acme", xtest.Post{Text: "newest", At: start().Add(-time.Minute)})
	l, err := NewListener(w.cfg, collectors.Deps{HTTP: w.web.Client(), Now: w.Now}, newHub(t, w.srv))
	if err != nil {
		t.Fatal(err)
	}
	_, page := w.drain(w.connect())
	if err := w.srv.Delete(gone); err != nil {
		t.Fatal(err)
	}
	l.note(&event{kind: eventDeletion, user: 1000, post: parseID(gone)})
	for range 2 { // the first page is lost
		lost, err := l.Poll(t.Context(), page.Cursor)
		if err != nil || !slices.Contains(ids(lost.Activities), "delete "+gone) {
			t.Errorf("got %v, error %v; want the deletion", ids(lost.Activities), err)
		}
		if string(lost.Cursor) != string(page.Cursor) {
			t.Fatalf("cursors %s and %s, want the same", page.Cursor, lost.Cursor)
		}
	}
}

// Who deletes more old posts at once than one look-up takes hides none of them.
func TestManySuspectedDeletions(t *testing.T) {
	w := newWorld(t, xtest.Options{}, func(c *Config) { c.Activity, c.Rehydrate, c.Backfill = ActivityStream, 1, 1 })
	var gone []string
	for i := range 2*maxSuspects + 50 {
		gone = append(gone, w.srv.Post("acme", xtest.Post{Text: "old", At: start().Add(-time.Hour + time.Duration(i)*time.Second)}))
	}
	w.srv.Post("acme", xtest.Post{Text: "newest", At: start().Add(-time.Minute)})
	l, err := NewListener(w.cfg, collectors.Deps{HTTP: w.web.Client(), Now: w.Now}, newHub(t, w.srv))
	if err != nil {
		t.Fatal(err)
	}
	page := collectors.Page{Cursor: w.connect()}
	for i, id := range gone {
		l.note(&event{kind: eventDeletion, user: 1000, post: parseID(id)})
		if i < maxSuspects { // X still shows the first ones
			continue
		}
		if err := w.srv.Delete(id); err != nil {
			t.Fatal(err)
		}
	}
	told := map[string]bool{}
	for range 8 {
		w.Pass(time.Second)
		if page, err = l.Poll(t.Context(), page.Cursor); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids(page.Activities) {
			if strings.HasPrefix(id, "delete ") {
				told[id] = true
			}
		}
	}
	if want := len(gone) - maxSuspects; len(told) != want {
		t.Errorf("%d deletions, want %d", len(told), want)
	}
}
