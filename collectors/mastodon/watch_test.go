package mastodon

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

func TestDeletion(t *testing.T) {
	for name, opts := range map[string]mastodontest.Options{"today": {}, "before 4.3": {Before43: true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, opts)
			gone := w.old("regretted")
			also := w.old("regretted too")
			w.old("stays")
			cursor := w.connect()
			as, page := w.drain(cursor)
			if count(as, activity.KindDelete) != 0 {
				t.Fatal("deletion told before there was one")
			}
			w.must(w.srv.Delete(gone))
			w.must(w.srv.Delete(also))
			w.pass(time.Minute) // the count of statuses tells at once
			as, page = w.drain(page.Cursor)
			want := []string{"delete " + gone, "delete " + also}
			slices.Sort(want)
			if got := ids(as); !slices.Equal(got, want) {
				t.Fatalf("got %v, want %v", got, want)
			}
			for _, a := range as {
				if a.Kind == activity.KindDelete && (a.Object != a.ID || !a.Time.Equal(w.clock())) {
					t.Errorf("deletion %+v; want its own id as object and the time of the look", a)
				}
			}
			for range 3 {
				w.pass(11 * time.Minute)
				if as, page = w.drain(page.Cursor); count(as, activity.KindDelete) != 0 {
					t.Error("deletion told twice")
				}
			}
		})
	}
}

func TestDeletionInsideTheOverlap(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	w.old("stays")
	cursor := w.connect()
	id := w.srv.Post("acme", mastodontest.Status{Text: "short-lived"})
	_, page := w.drain(cursor)
	w.must(w.srv.Delete(id))
	told := 0
	for range 5 {
		w.pass(time.Minute)
		var as []activity.Activity
		as, page = w.drain(page.Cursor)
		told += count(as, activity.KindDelete)
	}
	if told != 1 {
		t.Errorf("deletion told %d times, want 1", told)
	}
}

// More deletions than one poll confirms are told in the polls after it.
func TestManyDeletions(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	var all []string
	for i := range 40 {
		all = append(all, w.srv.Post("acme", mastodontest.Status{Text: "old", At: start().Add(-time.Duration(i+1) * time.Hour)}))
	}
	_, page := w.drain(w.connect())
	for _, id := range all {
		w.must(w.srv.Delete(id))
	}
	told := 0
	for range 4 {
		w.pass(time.Minute)
		var as []activity.Activity
		as, page = w.drain(page.Cursor)
		told += count(as, activity.KindDelete)
	}
	if told != 40 {
		t.Errorf("%d deletions told, want 40", told)
	}
}

// What cannot be seen is not deleted.
func TestNoDeletion(t *testing.T) {
	fault := func(kind, endpoint string) func(w *world) {
		return func(w *world) { w.fault(kind, endpoint) }
	}
	rows := []struct {
		name  string
		spoil func(w *world)
		fails bool // the poll fails
	}{
		{"look-up answers 500", fault(mastodontest.Fault500, mastodontest.One), true},
		{"look-up answers 503", fault(mastodontest.Fault503, mastodontest.One), true},
		{"look-up answers 401", fault(mastodontest.Fault401Login, mastodontest.One), true},
		{"look-up answers 403", fault(mastodontest.Fault403, mastodontest.One), false},
		{"look-up is limited", fault(mastodontest.Fault429, mastodontest.One), true},
		{"look-up answers a page with 404", fault(mastodontest.Fault404HTML, mastodontest.One), true},
		{"look-up is cut off", fault(mastodontest.FaultTruncated, mastodontest.One), true}, // a 404 that is cut off is no word of the API
		{"look-up answers HTML", fault(mastodontest.FaultHTML, mastodontest.One), true},
		{"look-up of several answers 500", fault(mastodontest.Fault500, mastodontest.Several), true},
		{"profile answers 500", fault(mastodontest.Fault500, mastodontest.Account), true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, mastodontest.Options{})
			a, b := w.old("one"), w.old("two")
			w.old("three")
			_, page := w.drain(w.connect())
			w.must(w.srv.Delete(a))
			w.must(w.srv.Delete(b))
			w.pass(11 * time.Minute)
			row.spoil(w)
			bad, err := w.try(page.Cursor)
			if (err != nil) != row.fails {
				t.Fatalf("error %v, want one: %t", err, row.fails)
			}
			if n := count(bad.Activities, activity.KindDelete); n != 0 {
				t.Errorf("%d deletions told", n)
			}
			w.srv.ClearFaults()
			if bad.Cursor == nil {
				bad.Cursor = page.Cursor
			}
			w.pass(11 * time.Minute)
			if as, _ := w.drain(bad.Cursor); count(as, activity.KindDelete) != 2 {
				t.Errorf("after it %v, want both deletions", ids(as))
			}
		})
	}
}

func TestVanishedIsNotDeleted(t *testing.T) {
	t.Run("an account that hides from this login", func(t *testing.T) {
		w := newWorld(t, mastodontest.Options{})
		w.old("one")
		w.old("two")
		_, page := w.drain(w.connect())
		w.must(w.srv.Hide("acme", true))
		w.fault(mastodontest.Fault404, mastodontest.One)
		w.pass(11 * time.Minute)
		as, page := w.drain(page.Cursor)
		if len(ids(as)) != 0 {
			t.Errorf("got %v, want nothing", ids(as))
		}
		w.srv.ClearFaults()
		w.must(w.srv.Hide("acme", false))
		w.pass(11 * time.Minute)
		if as, _ = w.drain(page.Cursor); len(ids(as)) != 0 {
			t.Errorf("got %v once it is back, want nothing", ids(as))
		}
	})
	for name, row := range map[string]struct {
		opts          mastodontest.Options
		several, ones int
	}{
		"a timeline that lacks statuses by mistake":             {mastodontest.Options{}, 1, 1},
		"a timeline that lacks statuses by mistake, before 4.3": {mastodontest.Options{Before43: true}, 1, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, row.opts)
			there := []string{w.old("one"), w.old("two")}
			gone := w.old("three")
			w.old("stays")
			_, page := w.drain(w.connect())
			for _, id := range there {
				w.must(w.srv.Omit(id, true))
			}
			w.must(w.srv.Delete(gone))
			w.pass(11 * time.Minute)
			as, page := w.drain(page.Cursor)
			if got := ids(as); !slices.Equal(got, []string{"delete " + gone}) {
				t.Errorf("got %v, want the one deletion", got)
			}
			if n, m := w.srv.Count(mastodontest.Several), w.srv.Count(mastodontest.One); n < row.several || m < row.ones || m > 2*row.ones {
				t.Errorf("%d look-ups of several and %d of one, want %d and %d", n, m, row.several, row.ones)
			}
			for _, id := range there {
				w.must(w.srv.Omit(id, false))
			}
			w.pass(11 * time.Minute)
			if as, _ = w.drain(page.Cursor); len(ids(as)) != 0 {
				t.Errorf("got %v once they are back, want nothing", ids(as))
			}
		})
	}
	t.Run("a boost whose original is deleted", func(t *testing.T) {
		w := newWorld(t, mastodontest.Options{})
		of := w.srv.Post("fan", mastodontest.Status{Text: "boost me", At: start().Add(-2 * time.Hour)})
		w.srv.Post("acme", mastodontest.Status{BoostOf: of, At: start().Add(-time.Hour)})
		w.old("stays")
		_, page := w.drain(w.connect())
		w.must(w.srv.Delete(of))
		w.pass(11 * time.Minute)
		if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
			t.Errorf("got %v, want nothing", ids(as))
		}
	})
	t.Run("a post to followers once the token is gone", func(t *testing.T) {
		w := newWorld(t, mastodontest.Options{}, withToken)
		w.srv.Post("acme", mastodontest.Status{Text: "for followers", Visibility: "private", At: start().Add(-time.Hour)})
		w.old("for all")
		_, page := w.drain(w.connect())
		w.cfg.Token = ""
		w.pass(11 * time.Minute)
		if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
			t.Errorf("got %v, want nothing", ids(as))
		}
	})
}

func TestEdit(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	w.old("other")
	id := w.old("Sale from 9")
	_, page := w.drain(w.connect())
	w.must(w.srv.Edit(id, "Sale from 10"))
	first := w.clock()
	w.pass(time.Minute)
	w.must(w.srv.Edit(id, "Win coins https://coins.example/"))
	second := w.clock()
	w.pass(time.Minute)
	w.must(w.srv.Edit(id, "Sale from 10"))
	third := w.clock()
	w.pass(11 * time.Minute)
	as, page := w.drain(page.Cursor)
	var got []string
	for _, a := range as {
		if a.Kind == activity.KindEdit {
			got = append(got, fmt.Sprintf("%s %s %q %v", a.ID, a.Object, a.Text, a.LinkDomains))
		}
	}
	want := []string{
		fmt.Sprintf(`%s.%d %s "Sale from 10" []`, id, first.UnixMilli(), id),
		fmt.Sprintf(`%s.%d %s "Win coins https://coins.example/" [coins.example]`, id, second.UnixMilli(), id),
		fmt.Sprintf(`%s.%d %s "Sale from 10" []`, id, third.UnixMilli(), id),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("edits (-want +got):\n%s", diff)
	}
	for range 3 {
		w.pass(11 * time.Minute)
		if as, page = w.drain(page.Cursor); len(ids(as)) != 0 {
			t.Errorf("later %v, want nothing", ids(as))
		}
	}
}

// A post that is edited before it was seen comes as both.
func TestEditBeforeTheFirstLook(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	cursor := w.connect()
	id := w.srv.Post("acme", mastodontest.Status{Text: "Approved text"})
	w.pass(time.Minute)
	w.must(w.srv.Edit(id, "Other text"))
	as, _ := w.drain(cursor)
	if p := only(t, as, activity.KindPost); p.ID != id || p.Text != "Approved text" || !p.Time.Equal(w.clock().Add(-time.Minute)) {
		t.Errorf("post %+v, want the first text", p)
	}
	if e := only(t, as, activity.KindEdit); e.Object != id || e.Text != "Other text" || !e.Time.Equal(w.clock()) {
		t.Errorf("edit %+v, want the second text", e)
	}
}

// Without a history the edit itself is told.
func TestEditWithoutHistory(t *testing.T) {
	for _, kind := range []string{mastodontest.Fault404, mastodontest.Fault404HTML, mastodontest.Fault500, mastodontest.FaultHollow, mastodontest.FaultTruncated} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t, mastodontest.Options{})
			id := w.old("Sale from 9")
			_, page := w.drain(w.connect())
			w.must(w.srv.Edit(id, "Sale from 10"))
			w.pass(11 * time.Minute)
			w.fault(kind, mastodontest.History)
			as, _ := w.drain(page.Cursor)
			if e := only(t, as, activity.KindEdit); e.Text != "Sale from 10" || e.Object != id {
				t.Errorf("edit %+v", e)
			}
		})
	}
}

func TestServerWithoutEdits(t *testing.T) {
	w := newWorld(t, mastodontest.Options{Before35: true})
	id := w.old("Sale from 9")
	_, page := w.drain(w.connect())
	w.must(w.srv.Edit(id, "Sale from 10"))
	w.pass(11 * time.Minute)
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("got %v, want nothing: it does not say edited_at", ids(as))
	}
}

func TestMentions(t *testing.T) {
	w := newWorld(t, mastodontest.Options{}, withMentions)
	own := w.old("quote me")
	w.srv.Post("fan", mastodontest.Status{Text: "@acme long ago", At: start().Add(-48 * time.Hour)})
	w.pass(time.Hour) // its notification lies before the connection
	as, page := w.drain(nil)
	if n := count(as, activity.KindMention); n != 0 {
		t.Fatalf("%d mentions of before", n)
	}
	w.pass(20 * time.Minute)
	hello := w.srv.Post("fan", mastodontest.Status{Text: "hello @acme https://fan.example/", App: "Web", At: w.clock().Add(-2 * time.Hour)})
	quote := w.srv.Post("fan", mastodontest.Status{Text: "see this", QuoteOf: own})
	w.srv.Post("fan", mastodontest.Status{Text: "@acme psst", Visibility: "direct"})
	for _, kind := range []string{"favourite", "reblog", "follow", "moderation_warning", "a type of tomorrow"} {
		if _, err := w.srv.Notify("acme", kind, "fan", own); err != nil {
			t.Fatal(err)
		}
	}
	at := w.clock()
	w.pass(time.Minute)
	as, page = w.drain(page.Cursor)
	want := []string{"mention " + hello, "mention " + quote}
	if got := ids(as); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	i := slices.IndexFunc(as, func(a activity.Activity) bool { return a.ID == hello })
	if a := as[i]; a.Actor != "fan" || a.App != "" || !a.Time.Equal(at) || a.Text != "hello @acme https://fan.example/" || !slices.Equal(a.LinkDomains, []string{"fan.example"}) {
		t.Errorf("mention %+v", a)
	}
	w.pass(20 * time.Minute)
	if as, page = w.drain(page.Cursor); !slices.Equal(ids(as), want) {
		t.Errorf("in the overlap %v, want them again", ids(as))
	}
	for range 3 {
		w.pass(20 * time.Minute)
		if as, page = w.drain(page.Cursor); len(ids(as)) != 0 {
			t.Errorf("later %v, want nothing", ids(as))
		}
	}
}

// Trouble with mentions hides no post, and is not hidden itself.
func TestPostsDespiteRefusedMentions(t *testing.T) {
	w := newWorld(t, mastodontest.Options{}, withMentions)
	cursor := w.connect()
	w.fault(mastodontest.Fault403Scope, mastodontest.Notifications)
	id := w.srv.Post("acme", mastodontest.Status{Text: "still read"})
	page := w.poll(cursor)
	if got := ids(page.Activities); !slices.Equal(got, []string{"post " + id}) || !page.More {
		t.Fatalf("got %v, more %t", got, page.More)
	}
	if _, err := w.try(page.Cursor); kindOf(err) != wantForbidden {
		t.Errorf("error %v, want the refusal", err)
	}
}

func TestProfile(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	w.srv.AddAccount(mastodontest.Profile{Name: "acme2@other.example"})
	_, page := w.drain(nil)
	w.pass(time.Minute)
	w.must(w.srv.SetProfile("acme", func(p *mastodontest.Profile) {
		p.DisplayName, p.Avatar, p.MovedTo, p.Locked = "Free Coins", "https://files.example/b.png", "acme2@other.example", true
		p.Fields[1].Value = "https://coins.example/win"
	}))
	as, page := w.drain(page.Cursor)
	a := only(t, as, activity.KindProfile)
	if want := []string{"fields", "link", "moved", "name", "picture", "protected"}; !slices.Equal(a.Changed, want) {
		t.Errorf("changed %v, want %v", a.Changed, want)
	}
	wantNew := []activity.Field{
		{Name: "banner", Value: "https://files.example/h.png"},
		{Name: "bot", Value: "false"},
		{Name: "description", Value: "We make <things>\n\nhttps://acme.example/about"},
		{Name: "fields", Value: "Shop: https://shop.acme.example/\nSince: https://coins.example/win"},
		{Name: "handle", Value: "acme"},
		{Name: "link", Value: "https://shop.acme.example/ https://coins.example/win"},
		{Name: "moved", Value: "acme2@other.example"},
		{Name: "name", Value: "Free Coins"},
		{Name: "picture", Value: "https://files.example/b.png"},
		{Name: "protected", Value: "true"},
		{Name: "url", Value: "https://social.example/@acme"},
	}
	if diff := cmp.Diff(wantNew, a.Profile); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
	wantOld := []activity.Field{
		{Name: "fields", Value: "Shop: https://shop.acme.example/\nSince: 1949"},
		{Name: "link", Value: "https://shop.acme.example/"},
		{Name: "name", Value: "Acme & Co"},
		{Name: "picture", Value: "https://files.example/a.png"},
		{Name: "protected", Value: "false"},
	}
	if diff := cmp.Diff(wantOld, a.Old); diff != "" {
		t.Errorf("old (-want +got):\n%s", diff)
	}
	w.pass(time.Minute)
	if as, _ = w.drain(page.Cursor); count(as, activity.KindProfile) != 0 {
		t.Error("the change was told twice")
	}
}

// A value that is too long for the cursor changes although it is cut.
func TestLongProfileValues(t *testing.T) {
	a, b := bounded(string(make([]byte, 5000))+"a"), bounded(string(make([]byte, 5000))+"b")
	if a == b || len(a) > maxValue {
		t.Errorf("values %q and %q", a, b)
	}
}

func TestFollowersHourly(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	as, page := w.drain(nil)
	a := only(t, as, activity.KindFollowers)
	want := []activity.Metric{{Name: "followers", Value: 1200}, {Name: "following", Value: 10}, {Name: "posts", Value: 0}}
	if diff := cmp.Diff(want, a.Metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	told := 0
	for range 18 { // three hours
		w.pass(10 * time.Minute)
		as, page = w.drain(page.Cursor)
		told += count(as, activity.KindFollowers)
	}
	if told != 3 {
		t.Errorf("told %d times in 3 hours, want 3", told)
	}
}
