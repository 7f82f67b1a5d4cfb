package linkedin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
)

func TestBackfill(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	for i := range 300 {
		w.srv.Post(linkedintest.Post{Text: "old", At: start().Add(-time.Duration(i+1) * time.Hour)})
	}
	w.cfg.Backfill = 150
	page, err := w.try(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !page.Backfill || !page.More || len(page.Activities) != 100 {
		t.Fatalf("backfill %t, more %t, %d activities; want 100 of history", page.Backfill, page.More, len(page.Activities))
	}
	if want := start().Add(-15 * time.Minute); !page.Overlap.Equal(want) {
		t.Errorf("overlap %s, want %s", page.Overlap, want)
	}
	w.Pass(time.Hour) // what is published meanwhile is found by the overlap
	if second, err := w.try(page.Cursor); err != nil || !second.Backfill || !second.Overlap.Equal(start().Add(-15*time.Minute)) {
		t.Errorf("second page: backfill %t, overlap %s, error %v; want history and the overlap of the first", second.Backfill, second.Overlap, err)
	}
	as, last := w.drain(page.Cursor)
	if len(ids(as)) != 50 || last.Backfill {
		t.Errorf("%d more, the last page backfill %t; want 50 and live", len(ids(as)), last.Backfill)
	}
}

// An edit while history is read in several pages is no history: it is told after
// it.
func TestEditInHistory(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, func(c *Config) { c.PageSize = 10 })
	var posted []string
	for i := range 20 {
		posted = append(posted, w.srv.Post(linkedintest.Post{Text: "post", At: start().Add(time.Duration(i-100) * time.Minute)}))
	}
	page, err := w.try(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Pass(time.Second)
	w.srv.Edit(posted[19], "edited")   // handed over
	for _, id := range posted[11:19] { // so that history begins anew and meets it
		w.srv.Delete(id)
	}
	c := w.collector()
	edits := 0
	for page.More {
		if page, err = c.Poll(t.Context(), page.Cursor); err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Activities {
			if a.Kind == activity.KindEdit {
				edits++
				if page.Backfill {
					t.Errorf("history holds the edit %s", a.ID)
				}
			}
		}
	}
	if edits != 1 {
		t.Errorf("%d edits, want 1", edits)
	}
}

// Posts that are deleted while history or a burst is read shift those below to the
// page before: none is missed.
func TestShiftedPages(t *testing.T) {
	for _, live := range []bool{false, true} {
		for _, gone := range []int{1, 20} {
			t.Run(fmt.Sprintf("live=%t gone=%d", live, gone), func(t *testing.T) {
				w := newWorld(t, linkedintest.Options{}, func(c *Config) { c.PageSize, c.Watch = 30, 10 })
				var cursor json.RawMessage
				from := start().Add(-24 * time.Hour)
				if live {
					cursor, from = w.connect(), start().Add(time.Minute)
				}
				var posted []string
				for i := range 100 {
					posted = append(posted, w.srv.Post(linkedintest.Post{Text: "post", At: from.Add(time.Duration(i) * time.Second)}))
				}
				page, err := w.try(cursor)
				if err != nil {
					t.Fatal(err)
				}
				got := map[string]int{}
				for _, a := range page.Activities {
					got[a.ID]++
				}
				for _, id := range posted[100-gone:] {
					w.srv.Delete(id)
				}
				as, _ := w.drain(page.Cursor)
				for _, a := range as {
					if a.Kind == activity.KindPost {
						got[a.ID]++
					}
				}
				for i, id := range posted {
					if n := got[id]; n == 0 || n > 1 && !live {
						t.Errorf("post %d came %d times", i, n)
					}
				}
			})
		}
	}
}

// Pages that never meet are not asked for without end.
func TestEndlessShift(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, func(c *Config) { c.PageSize = 10 })
	for range 30 {
		w.old("old")
	}
	deps := w.deps()
	next := deps.HTTP.Transport
	deps.HTTP = &http.Client{Transport: observed(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/posts") && r.FormValue("start") != "0" {
			r = r.Clone(r.Context())
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "start=", "start=100", 1)
		}
		return next.RoundTrip(r)
	})}
	c, err := New(w.cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	as, page := w.drainWith(c, nil)
	if n := len(w.srv.Requests()); n > 8 || len(ids(as)) != 10 || len(page.Malformed) != 1 || !strings.Contains(page.Malformed[0].Error(), "shifted 3 times") {
		t.Errorf("%d calls, %d posts, malformed %v; want at most 8, 10 and one about the pages", n, len(ids(as)), page.Malformed)
	}
	as, _ = w.drain(page.Cursor)
	if len(ids(as)) != 20 {
		t.Errorf("%d posts in the next round, want the other 20", len(ids(as)))
	}
}

// No more history is told than is wanted, and what lies below is watched all the
// same.
func TestLittleHistory(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, func(c *Config) { c.Backfill = 3 })
	var posted []string
	for i := range 8 {
		posted = append(posted, w.srv.Post(linkedintest.Post{Text: "post", At: start().Add(time.Duration(i-100) * time.Minute)}))
	}
	as, page := w.drain(nil)
	if diff := cmp.Diff([]string{"post " + posted[5], "post " + posted[6], "post " + posted[7]}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.Pass(20 * time.Minute)
	w.srv.Delete(posted[0])
	as, _ = w.drain(page.Cursor)
	if diff := cmp.Diff([]string{"delete " + posted[0]}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// More posts than a walk may read are a gap. Neither an edit of a known post nor one
// that claims to be of the future stands for what was read before.
func TestGap(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, func(c *Config) { c.PageSize, c.Watch = 10, 5 })
	known := w.old("known")
	w.srv.Post(linkedintest.Post{Text: "soon", At: start().Add(24 * time.Hour)})
	cursor := w.connect()
	for range 100 {
		w.Pass(time.Second)
		w.srv.Post(linkedintest.Post{Text: "storm"})
	}
	w.srv.Edit(known, "known, edited")
	c := w.collector()
	c.maxPages = 3
	as, page := w.drainWith(c, cursor)
	want := collectors.Gap{From: start().Add(-15 * time.Minute), Until: start().Add(20*time.Minute + 83*time.Second), Reason: "there were more than 3 pages of posts since the last poll; poll more often"}
	if len(ids(as)) != 19 || page.Gap == nil {
		t.Fatalf("%d posts, gap %v; want 18 and an edit, and a gap", len(ids(as)), page.Gap)
	}
	if diff := cmp.Diff(want, *page.Gap); diff != "" {
		t.Errorf("gap (-want +got):\n%s", diff)
	}
	w.srv.Post(linkedintest.Post{Text: "one more"})
	if as, page := w.drainWith(c, page.Cursor); page.Gap != nil || len(ids(as)) == 0 {
		t.Errorf("told %v, gap %v; want the post and no gap", ids(as), page.Gap)
	}
}

// A post that turns up later than the overlap is found among the watched ones.
func TestLatePost(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	w.old("first")
	cursor := w.connect()
	id := w.srv.Post(linkedintest.Post{Text: "late", At: start().Add(-30 * time.Minute)})
	as, page := w.drain(cursor)
	if diff := cmp.Diff([]string{"post " + id}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told again: %v", ids(as))
	}
}

// A post that LinkedIn dates into the future hides none that comes until then.
func TestPostOfTheFuture(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, func(c *Config) { c.Watch = 1 })
	future := w.srv.Post(linkedintest.Post{Text: "soon", At: start().Add(24 * time.Hour)})
	cursor := w.connect()
	id := w.srv.Post(linkedintest.Post{Text: "now"})
	as, _ := w.drain(cursor)
	if diff := cmp.Diff([]string{"post " + id}, ids(as)); diff != "" {
		t.Errorf("beside %s (-want +got):\n%s", future, diff)
	}
}

// behindTime tells an old time of change beside new words, as an index does that has
// not caught up.
type behindTime struct {
	http.RoundTripper
	now, old string
}

func (b behindTime) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(bytes.ReplaceAll(data, []byte(b.now), []byte(b.old))))
	return resp, nil
}

// TestEditBeforeItsTime: an edit whose words are there before the time that it was
// made is told when that is there too, once.
func TestEditBeforeItsTime(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	at := start().Add(-5 * time.Hour)
	id := w.srv.Post(linkedintest.Post{Text: "Hello", At: at})
	_, page := w.drain(nil)
	w.Pass(time.Hour)
	w.srv.Edit(id, "Free coins")
	deps := w.deps()
	lastModified := func(at time.Time) string { return fmt.Sprintf(`"lastModifiedAt":%d`, at.UnixMilli()) }
	deps.HTTP = collectors.NewClient(nil, collectors.ClientOptions{Base: behindTime{collectortest.Transport(w.srv), lastModified(w.Now()), lastModified(at)}})
	c, err := New(w.cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	early, page := w.drainWith(c, page.Cursor)
	w.Pass(time.Minute)
	then, page := w.drain(page.Cursor)
	w.Pass(time.Minute)
	again, _ := w.drain(page.Cursor)
	count := func(as []activity.Activity) (n int) {
		for i := range as {
			if as[i].Kind == activity.KindEdit && as[i].Object == id {
				n++
			}
		}
		return n
	}
	if e, n, a := count(early), count(then), count(again); e != 0 || n != 1 || a != 0 {
		t.Errorf("%d edits told before the time was there, %d with it and %d after it; want 0, 1 and 0", e, n, a)
	}
}
