package x

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/x/xtest"
)

// modes are the three ways in which the collector talks to X.
func modes() map[string]func(*Config) {
	return map[string]func(*Config){
		"v2 tweet.fields": func(*Config) {},
		"v2 post.fields":  func(c *Config) { c.FieldsParam = FieldsPost },
		"v1.1":            func(c *Config) { c.API = APIv11; withOAuth1(c) },
	}
}

func everyMode(t *testing.T, test func(w *world)) {
	t.Helper()
	for name, mode := range modes() {
		t.Run(name, func(t *testing.T) { test(newWorld(t, xtest.Options{V1: true}, mode)) })
	}
}

func TestMapping(t *testing.T) {
	long := strings.Repeat("all work and no play ", 20) + "https://acme.example/long?utm_source=x #end"
	rows := []struct {
		name string
		post func(w *world) string // returns the id
		want activity.Activity     // without ID, Network, Account, Time, Seen
	}{
		{
			name: "text, link, hashtag, mention and escapes",
			post: func(w *world) string {
				return w.srv.Post("acme", xtest.Post{Text: "Tom & Jerry <3 https://Acme.example/a?b=1&c=2 #deal @partner", Lang: "en"})
			},
			want: activity.Activity{
				Kind: activity.KindPost, Text: "Tom & Jerry <3 https://Acme.example/a?b=1&c=2 #deal @partner", Lang: "en",
				Links: []string{"https://Acme.example/a?b=1&c=2"}, LinkDomains: []string{"acme.example"},
				Mentions: []string{"partner"}, Hashtags: []string{"deal"},
			},
		},
		{
			name: "client application, no language",
			post: func(w *world) string {
				return w.srv.Post("acme", xtest.Post{Text: "hi", Lang: "und", Source: `<a href="https://example.com" rel="nofollow">Post&amp;Go</a>`})
			},
			want: activity.Activity{Kind: activity.KindPost, Text: "hi", App: "Post&Go"},
		},
		{
			name: "application as v2 wrote it before December 2022",
			post: func(w *world) string { return w.srv.Post("acme", xtest.Post{Text: "hi", Source: "Twitter Web App"}) },
			want: activity.Activity{Kind: activity.KindPost, Text: "hi", App: "Twitter Web App"},
		},
		{
			name: "reply to a stranger",
			post: func(w *world) string {
				to := w.srv.Post("fan", xtest.Post{Text: "love it"})
				return w.srv.Post("acme", xtest.Post{Text: "@fan thanks", ReplyTo: to})
			},
			want: activity.Activity{Kind: activity.KindReply, Text: "@fan thanks", Mentions: []string{"fan"}, ReplyTo: "<other>"},
		},
		{
			name: "repost longer than 140 characters, whole",
			post: func(w *world) string {
				of := w.srv.Post("fan", xtest.Post{Text: strings.Repeat("y", 200) + " https://fan.example/p"})
				return w.srv.Post("acme", xtest.Post{RepostOf: of})
			},
			want: activity.Activity{
				Kind: activity.KindRepost, Text: strings.Repeat("y", 200) + " https://fan.example/p", Object: "<other>",
				Mentions: []string{"fan"}, Links: []string{"https://fan.example/p"}, LinkDomains: []string{"fan.example"},
			},
		},
		{
			name: "note of more than 280 characters, whole",
			post: func(w *world) string { return w.srv.Post("acme", xtest.Post{Text: long}) },
			want: activity.Activity{
				Kind: activity.KindPost, Text: long, Links: []string{"https://acme.example/long?utm_source=x"},
				LinkDomains: []string{"acme.example"}, Hashtags: []string{"end"},
			},
		},
		{
			name: "quote is a post that links to the quoted one",
			post: func(w *world) string {
				of := w.srv.Post("fan", xtest.Post{Text: "quote me"})
				return w.srv.Post("acme", xtest.Post{Text: "so true", QuoteOf: of})
			},
			want: activity.Activity{Kind: activity.KindPost, Text: "so true"},
		},
		{
			name: "photo and video, their short link out of the text",
			post: func(w *world) string {
				return w.srv.Post("acme", xtest.Post{Text: "look", Media: []xtest.Media{
					{Type: "photo", URL: "https://pbs.example/1.jpg"}, {Type: "animated_gif", URL: "https://pbs.example/2.jpg"},
				}})
			},
			want: activity.Activity{Kind: activity.KindPost, Text: "look", Media: []activity.Media{
				{Hash: "<key>", Type: "image", URL: "https://pbs.example/1.jpg"}, {Hash: "<key>", Type: "gif", URL: "https://pbs.example/2.jpg"},
			}},
		},
	}
	everyMode(t, func(w *world) {
		t := w.t
		cursor := w.connect()
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				at := w.Now().Add(123 * time.Millisecond)
				w.Pass(time.Second)
				id := row.post(w)
				w.Pass(time.Second)
				as, page := w.drain(cursor)
				cursor = page.Cursor
				i := slices.IndexFunc(as, func(a activity.Activity) bool { return a.ID == id })
				if i < 0 {
					t.Fatalf("no activity %s in %v", id, ids(as))
				}
				got := as[i]
				if got.Network != "x" || got.Account != "x/acme" || got.Seen != w.Now() {
					t.Errorf("network %q, account %q, seen %s", got.Network, got.Account, got.Seen)
				}
				if d := got.Time.Sub(at); d < 0 || d > 2*time.Second {
					t.Errorf("time %s, want about %s", got.Time, at)
				}
				other := got.ReplyTo + got.Object
				if strings.Contains(row.want.ReplyTo+row.want.Object, "<other>") && (parseID(other) == 0 || other == id) {
					t.Errorf("reply to %q, object %q; want the other post's id", got.ReplyTo, got.Object)
				}
				normalise(&got)
				if diff := cmp.Diff(row.want, got); diff != "" {
					t.Errorf("activity (-want +got):\n%s", diff)
				}
			})
		}
	})
}

// normalise blanks what differs from run to run.
func normalise(a *activity.Activity) {
	a.ID, a.Network, a.Account, a.Time, a.Seen = "", "", "", time.Time{}, time.Time{}
	if a.ReplyTo != "" {
		a.ReplyTo = "<other>"
	}
	if a.Kind == activity.KindRepost {
		a.Object = "<other>"
	}
	for i := range a.Media {
		if a.Media[i].Hash != "" {
			a.Media[i].Hash = "<key>"
		}
	}
}

func TestTimeIsThatOfTheID(t *testing.T) {
	w := newWorld(t, xtest.Options{})
	cursor := w.connect()
	made := w.Now().Add(-time.Minute).Add(345 * time.Millisecond)
	w.srv.Post("acme", xtest.Post{Text: "now", At: made})
	as, _ := w.drain(cursor)
	if got := only(t, as, activity.KindPost).Time; !got.Equal(made) {
		t.Errorf("time %s, want %s to the millisecond", got, made)
	}
}

func TestEdit(t *testing.T) {
	everyMode(t, func(w *world) {
		t := w.t
		cursor := w.connect()
		id := w.srv.Post("acme", xtest.Post{Text: "Sale from 9"})
		as, page := w.drain(cursor)
		if got := ids(as); !slices.Equal(got, []string{"post " + id}) {
			t.Fatalf("got %v, want the post", got)
		}
		w.Pass(5 * time.Minute)
		second, err := w.srv.Edit(id, "Sale from 10")
		if err != nil {
			t.Fatal(err)
		}
		w.Pass(time.Minute)
		third, err := w.srv.Edit(second, "Sale from 11")
		if err != nil {
			t.Fatal(err)
		}
		as, page = w.drain(page.Cursor)
		a := only(t, as, activity.KindEdit)
		if a.ID != third || a.Object != id || a.Text != "Sale from 11" {
			t.Errorf("edit %s of %s says %q; want %s of %s", a.ID, a.Object, a.Text, third, id)
		}
		if !a.Time.Equal(w.Now()) {
			t.Errorf("edit at %s, want %s, when its own id was made", a.Time, w.Now())
		}
		// Deleting any version deletes all: one deletion, of the first.
		if err := w.srv.Delete(third); err != nil {
			t.Fatal(err)
		}
		w.Pass(time.Minute)
		as, _ = w.drain(page.Cursor)
		if d := only(t, as, activity.KindDelete); d.ID != id || d.Object != id {
			t.Errorf("deletion %s of %s, want of %s", d.ID, d.Object, id)
		}
	})
}

func TestBackfillAndPages(t *testing.T) {
	everyMode(t, func(w *world) {
		t := w.t
		for i := range 260 {
			w.srv.Post("acme", xtest.Post{Text: "old", At: start().Add(-time.Duration(i+1) * time.Hour)})
		}
		var history []activity.Activity
		page := w.poll(nil)
		for ; page.More; page = w.poll(page.Cursor) {
			if !page.Backfill {
				t.Fatal("a page of history is not marked as backfill")
			}
			history = append(history, page.Activities...)
		}
		history = append(history, page.Activities...)
		if got := count(history, activity.KindPost); got != 200 {
			t.Errorf("%d posts of history, want 200", got)
		}
		var want []string
		for i := range 230 {
			want = append(want, "post "+w.srv.Post("acme", xtest.Post{Text: "new", At: w.Now().Add(time.Duration(i) * time.Second)}))
		}
		w.Pass(time.Hour)
		as, last := w.drain(page.Cursor)
		slices.Sort(want)
		if got := ids(as); !slices.Equal(got, want) {
			t.Errorf("%d new posts, want %d", len(got), len(want))
		}
		if last.Backfill {
			t.Error("a later page is marked as backfill")
		}
		if last.Gap != nil {
			t.Errorf("gap %+v, want none", last.Gap)
		}
	})
}

func TestFirstPollOfAnEmptyAccount(t *testing.T) {
	everyMode(t, func(w *world) {
		t := w.t
		page := w.poll(nil)
		if got := ids(page.Activities); len(got) != 0 || !page.Backfill || page.More {
			t.Errorf("activities %v, backfill %t, more %t; want none, true, false", got, page.Backfill, page.More)
		}
		id := w.srv.Post("acme", xtest.Post{Text: "first ever"})
		w.Pass(time.Minute)
		next := w.poll(page.Cursor)
		if got := ids(next.Activities); !slices.Equal(got, []string{"post " + id}) || next.Backfill {
			t.Errorf("activities %v, backfill %t; want the post and false", got, next.Backfill)
		}
	})
}

func TestOverlap(t *testing.T) {
	everyMode(t, func(w *world) {
		t := w.t
		cursor := w.connect()
		early := w.srv.Post("acme", xtest.Post{Text: "seen at once"})
		hidden := w.srv.Post("acme", xtest.Post{Text: "seen later", VisibleAt: w.Now().Add(10 * time.Minute)})
		w.Pass(time.Minute)
		as, page := w.drain(cursor)
		if got := ids(as); !slices.Equal(got, []string{"post " + early}) {
			t.Fatalf("got %v, want only the visible post", got)
		}
		if want := w.Now().Add(-DefaultOverlap - precision); !page.Overlap.Equal(want) {
			t.Errorf("overlap from %s, want %s", page.Overlap, want)
		}
		newer := w.srv.Post("acme", xtest.Post{Text: "between"})
		w.Pass(9 * time.Minute)
		as, page = w.drain(page.Cursor)
		want := []string{"post " + early, "post " + hidden, "post " + newer}
		slices.Sort(want)
		if got := ids(as); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v: the late one and what the overlap repeats", got, want)
		}
		for _, a := range as {
			if a.Kind == activity.KindPost && a.Time.Before(page.Overlap) {
				t.Errorf("%s at %s lies before the overlap %s, so its key would be forgotten", a.ID, a.Time, page.Overlap)
			}
		}
		w.Pass(time.Hour)
		_, page = w.drain(page.Cursor)
		as, _ = w.drain(page.Cursor)
		if got := ids(as); len(got) != 0 {
			t.Errorf("an hour later %v, want nothing", got)
		}
	})
}

func TestSameCursorSameItems(t *testing.T) {
	everyMode(t, func(w *world) {
		t := w.t
		keep := w.srv.Post("acme", xtest.Post{Text: "to be deleted"})
		cursor := w.connect()
		w.srv.Post("acme", xtest.Post{Text: "a"})
		w.srv.Post("acme", xtest.Post{Text: "b"})
		if err := w.srv.Delete(keep); err != nil {
			t.Fatal(err)
		}
		if err := w.srv.SetProfile("acme", func(p *xtest.Profile) { p.Name = "Pwned" }); err != nil {
			t.Fatal(err)
		}
		w.Pass(2 * time.Hour)
		first, last := w.drain(cursor)
		second, again := w.drain(cursor)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("the second time one cursor gives other items:\n%s", diff)
		}
		if string(last.Cursor) != string(again.Cursor) {
			t.Errorf("cursors differ:\n%s\n%s", last.Cursor, again.Cursor)
		}
		if got := ids(first); len(got) != 4 {
			t.Errorf("%d activities %v, want 2 posts, a deletion and a profile", len(got), got)
		}
	})
}

func TestDuplicateItemsInOnePage(t *testing.T) {
	w := newWorld(t, xtest.Options{})
	cursor := w.connect()
	id := w.srv.Post("acme", xtest.Post{Text: "twice", Twice: true})
	as := w.poll(cursor).Activities
	if len(as) != 2 || as[0].ID != id || as[1].ID != id {
		t.Errorf("got %v, want the same post two times: dropping repeats is the scheduler's", as)
	}
}

func TestMalformedItem(t *testing.T) {
	everyMode(t, func(w *world) {
		t := w.t
		cursor := w.connect()
		first := w.srv.Post("acme", xtest.Post{Text: "before"})
		w.srv.Post("acme", xtest.Post{Text: "bad", Broken: true})
		last := w.srv.Post("acme", xtest.Post{Text: "after"})
		page := w.poll(cursor)
		want := []string{"post " + first, "post " + last}
		slices.Sort(want)
		if got := ids(page.Activities); !slices.Equal(got, want) {
			t.Errorf("got %v, want the two neighbours", got)
		}
		if len(page.Malformed) != 1 || !strings.Contains(page.Malformed[0].Error(), "[1].id") {
			t.Errorf("malformed %v, want one that names [1].id", page.Malformed)
		}
	})
}

func TestEmptyPagesAreFollowed(t *testing.T) {
	// All items of a page may be malformed; with API v2 its token leads on.
	w := newWorld(t, xtest.Options{PageSize: 2})
	cursor := w.connect()
	old := w.srv.Post("acme", xtest.Post{Text: "old"})
	for range 4 {
		w.srv.Post("acme", xtest.Post{Text: "bad", Broken: true})
	}
	as, page := w.drain(cursor)
	if got := ids(as); !slices.Equal(got, []string{"post " + old}) {
		t.Errorf("got %v, want the post behind two unreadable pages; last page %+v", got, page)
	}
}

func TestGap(t *testing.T) {
	rows := []struct {
		name string
		mode func(*Config)
		new  int
		want bool
	}{
		{"v2: more than X keeps", func(*Config) {}, 330, true},
		{"v1.1: more than X keeps", func(c *Config) { c.API = APIv11; withOAuth1(c) }, 330, true},
		{"v2: half of what X keeps", func(*Config) {}, 150, false},
		{"v2: nearly all that X keeps", func(*Config) {}, 300, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, xtest.Options{V1: true, Keep: 320}, row.mode)
			w.keep = 320
			w.old("old")
			cursor := w.connect()
			for i := range row.new {
				w.srv.Post("acme", xtest.Post{Text: "flood", At: w.Now().Add(time.Duration(i) * time.Millisecond)})
			}
			w.Pass(time.Minute)
			as, page := w.drain(cursor)
			if got, most := len(ids(as)), min(row.new, 320); got != most {
				t.Errorf("%d posts, want %d", got, most)
			}
			if (page.Gap != nil) != row.want {
				t.Fatalf("gap %+v, want one: %t", page.Gap, row.want)
			}
			if row.want && (!page.Gap.From.Before(page.Gap.Until) || !strings.Contains(page.Gap.Reason, "newest 320 posts")) {
				t.Errorf("gap %+v, want its bounds in order and X's limit named", page.Gap)
			}
		})
	}
}
