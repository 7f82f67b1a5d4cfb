package mastodon

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

func TestMapping(t *testing.T) {
	long := "Read https://www.acme.example/a/very/long/path?utm_source=x&b=1 now"
	rows := []struct {
		name string
		mode func(*Config)
		post mastodontest.Status
		to   mastodontest.Status // is there before, of the account fan
		want activity.Activity
	}{
		{
			name: "post with all that can be in it",
			post: mastodontest.Status{Text: "Hi @fan & @nobody!\nSee <https://acme.example/a> #Sale\n\nBye", Lang: "de"},
			want: activity.Activity{
				Kind: activity.KindPost, Text: "Hi @fan & @nobody!\nSee <https://acme.example/a> #Sale\n\nBye", Lang: "de",
				Mentions: []string{"fan"}, Hashtags: []string{"sale"}, Links: []string{"https://acme.example/a"}, LinkDomains: []string{"acme.example"},
			},
		},
		{
			name: "shortened link, whole",
			post: mastodontest.Status{Text: long},
			want: activity.Activity{
				Kind: activity.KindPost, Text: long,
				Links: []string{"https://www.acme.example/a/very/long/path?utm_source=x&b=1"}, LinkDomains: []string{"www.acme.example"},
			},
		},
		{
			name: "link behind words, from another server",
			post: mastodontest.Status{HTML: `<p>Win <a href="https://evil.example/x">acme.example</a></p>`},
			want: activity.Activity{
				Kind: activity.KindPost, Text: "Win acme.example (https://evil.example/x)",
				Links: []string{"https://evil.example/x"}, LinkDomains: []string{"evil.example"},
			},
		},
		{
			name: "content warning comes first",
			post: mastodontest.Status{Text: "body", Warning: "spoiler"},
			want: activity.Activity{Kind: activity.KindPost, Text: "spoiler\n\nbody"},
		},
		{
			name: "application, which the account's own token sees",
			mode: withToken,
			post: mastodontest.Status{Text: "hi", App: "Planner"},
			want: activity.Activity{Kind: activity.KindPost, Text: "hi", App: "Planner"},
		},
		{
			name: "application is not shown to others",
			post: mastodontest.Status{Text: "hi", App: "Planner"},
			want: activity.Activity{Kind: activity.KindPost, Text: "hi"},
		},
		{
			name: "direct message, which the account's own token sees",
			mode: withToken,
			post: mastodontest.Status{Text: "@fan psst", Visibility: "direct"},
			want: activity.Activity{Kind: activity.KindMessage, Text: "@fan psst", Mentions: []string{"fan"}},
		},
		{
			name: "reply",
			post: mastodontest.Status{Text: "@fan thanks", ReplyTo: "<other>"},
			to:   mastodontest.Status{Text: "love it"},
			want: activity.Activity{Kind: activity.KindReply, Text: "@fan thanks", Mentions: []string{"fan"}, ReplyTo: "<other>"},
		},
		{
			name: "boost",
			post: mastodontest.Status{BoostOf: "<other>"},
			to:   mastodontest.Status{Text: "Wow https://fan.example/p", Lang: "en", Media: []mastodontest.Media{{Type: "image", URL: "https://files.example/1.jpg"}}},
			want: activity.Activity{
				Kind: activity.KindRepost, Text: "Wow https://fan.example/p", Lang: "en", Object: "<other>", Mentions: []string{"fan"},
				Links: []string{"https://fan.example/p"}, LinkDomains: []string{"fan.example"},
				Media: []activity.Media{{Hash: "<key>", Type: "image", URL: "https://files.example/1.jpg"}},
			},
		},
		{
			name: "quote without the paragraph that stands for it",
			post: mastodontest.Status{Text: "so true", QuoteOf: "<other>"},
			to:   mastodontest.Status{Text: "quote me"},
			want: activity.Activity{Kind: activity.KindPost, Text: "so true"},
		},
		{
			name: "media of every type",
			post: mastodontest.Status{Text: "look", Media: []mastodontest.Media{
				{Type: "image", URL: "https://files.example/1.jpg"},
				{Type: "gifv", URL: "https://files.example/2.mp4"},
				{Type: "video", URL: "https://files.example/3.mp4"},
				{Type: "audio", URL: "https://files.example/4.mp3"},
				{Type: "unknown", URL: "https://files.example/5"},
			}},
			want: activity.Activity{Kind: activity.KindPost, Text: "look", Media: []activity.Media{
				{Hash: "<key>", Type: "image", URL: "https://files.example/1.jpg"},
				{Hash: "<key>", Type: "gif", URL: "https://files.example/2.mp4"},
				{Hash: "<key>", Type: "video", URL: "https://files.example/3.mp4"},
				{Hash: "<key>", Type: "audio", URL: "https://files.example/4.mp3"},
				{Hash: "<key>", URL: "https://files.example/5"},
			}},
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, mastodontest.Options{})
			if row.mode != nil {
				row.mode(&w.cfg)
			}
			w.srv.AddAccount(mastodontest.Profile{Name: "fan"})
			cursor := w.connect()
			p := row.post
			if row.to.Text != "" {
				to := w.srv.Post("fan", row.to)
				for _, ref := range []*string{&p.ReplyTo, &p.BoostOf, &p.QuoteOf} {
					if *ref != "" {
						*ref = to
					}
				}
			}
			at := w.clock()
			id := w.srv.Post("acme", p)
			w.pass(time.Second)
			as, _ := w.drain(cursor)
			got := only(t, as, row.want.Kind)
			if got.ID != id || got.Network != "mastodon" || got.Account != "mastodon/acme" || !got.Time.Equal(at) || !got.Seen.Equal(w.clock()) {
				t.Errorf("id %q, network %q, account %q, time %s, seen %s", got.ID, got.Network, got.Account, got.Time, got.Seen)
			}
			if other := p.ReplyTo + p.BoostOf; got.ReplyTo+got.Object != other {
				t.Errorf("reply to %q, object %q; want %q", got.ReplyTo, got.Object, other)
			}
			normalise(&got)
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("activity (-want +got):\n%s", diff)
			}
		})
	}
}

// normalise blanks what differs from run to run.
func normalise(a *activity.Activity) {
	a.ID, a.Network, a.Account, a.Time, a.Seen = "", "", "", time.Time{}, time.Time{}
	for _, ref := range []*string{&a.ReplyTo, &a.Object} {
		if *ref != "" {
			*ref = "<other>"
		}
	}
	for i := range a.Media {
		if a.Media[i].Hash != "" {
			a.Media[i].Hash = "<key>"
		}
	}
}

func TestBackfill(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	for i := range 100 {
		w.srv.Post("acme", mastodontest.Status{Text: "old", At: start().Add(-time.Duration(i+1) * time.Hour)})
	}
	w.cfg.Backfill = 90
	page := w.poll(nil)
	if !page.Backfill || !page.More || len(page.Activities) != 41 {
		t.Fatalf("backfill %t, more %t, %d activities; want 40 and a follower count", page.Backfill, page.More, len(page.Activities))
	}
	if want := start().Add(-15 * time.Minute); !page.Overlap.Equal(want) {
		t.Errorf("overlap %s, want %s", page.Overlap, want)
	}
	as, last := w.drain(page.Cursor)
	if got := count(as, activity.KindPost); got != 50 || last.Backfill {
		t.Errorf("%d more, the last page backfill %t; want 50 and live", got, last.Backfill)
	}
	w.pass(time.Hour)
	if as, _ = w.drain(last.Cursor); len(ids(as)) != 0 {
		t.Errorf("later %v, want nothing: the older ones were not wanted", ids(as))
	}
}

// However a server pages, orders and limits, everything comes once.
func TestServers(t *testing.T) {
	rows := map[string]struct {
		opts mastodontest.Options
		mode func(*Config)
	}{
		"public":             {mastodontest.Options{}, func(*Config) {}},
		"without Link":       {mastodontest.Options{NoLink: true}, func(*Config) {}},
		"without Date":       {mastodontest.Options{NoDate: true}, func(*Config) {}},
		"other order":        {mastodontest.Options{Shuffle: true}, func(*Config) {}},
		"short pages":        {mastodontest.Options{PageSize: 7}, func(*Config) {}},
		"before 4.3":         {mastodontest.Options{Before43: true}, func(*Config) {}},
		"limited federation": {mastodontest.Options{LoginOnly: true, Shuffle: true, PageSize: 11}, withMentions},
		"little watched":     {mastodontest.Options{}, func(c *Config) { c.Watch = 12 }},
		"much watched":       {mastodontest.Options{}, func(c *Config) { c.Watch = 200 }},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, row.opts, row.mode)
			var want []string
			post := func(p mastodontest.Status) string {
				p.Text += " text"
				id := w.srv.Post("acme", p)
				want = append(want, "post "+id)
				return id
			}
			for i := range 60 {
				post(mastodontest.Status{At: start().Add(-time.Duration(i+1) * time.Hour), Twice: i%9 == 0})
			}
			got, page := w.drain(nil)
			known := map[uint64]bool{}
			for i := range got {
				known[got[i].Key()] = true
			}
			var live []string
			for range 12 {
				w.pass(7 * time.Minute)
				live = append(live, post(mastodontest.Status{}), post(mastodontest.Status{Twice: true}))
				post(mastodontest.Status{At: w.clock().Add(-8 * time.Minute)})
				if w.cfg.Mentions {
					want = append(want, "mention "+w.srv.Post("fan", mastodontest.Status{Text: "@acme hello"}))
				}
				var as []activity.Activity
				as, page = w.drain(page.Cursor)
				for _, a := range as {
					if !known[a.Key()] {
						got = append(got, a)
					}
					known[a.Key()] = true
				}
			}
			for _, id := range live[len(live)-6:] {
				w.must(w.srv.Delete(id))
				want = append(want, "delete "+id)
			}
			w.pass(15 * time.Minute)
			as, _ := w.drain(page.Cursor)
			got = append(got, as...)
			slices.Sort(want)
			if diff := cmp.Diff(want, ids(got)); diff != "" {
				t.Errorf("activities (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLateBehindTheOverlap(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	w.old("first")
	w.srv.Post("acme", mastodontest.Status{Text: "second", At: start().Add(-time.Minute)})
	cursor := w.connect()
	w.pass(time.Hour)
	_, page := w.drain(cursor)
	late := w.srv.Post("acme", mastodontest.Status{Text: "federated slowly", At: start().Add(-30 * time.Minute)})
	told := 0
	for range 4 {
		w.pass(11 * time.Minute)
		var as []activity.Activity
		as, page = w.drain(page.Cursor)
		for _, a := range as {
			if a.ID != late {
				t.Errorf("unexpected %s %s", a.Kind, a.ID)
			}
			told++
		}
		told -= count(as, activity.KindFollowers)
	}
	if told != 1 {
		t.Errorf("late status told %d times, want once", told)
	}
}

func TestGap(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	w.pages = 2
	old := w.old("known")
	cursor := w.connect()
	w.pass(time.Hour)
	var last time.Time
	for i := range 100 {
		at := w.clock().Add(-time.Duration(100-i) * time.Second)
		if i == 20 {
			last = at
		}
		w.srv.Post("acme", mastodontest.Status{Text: "flood", At: at})
	}
	as, page := w.drain(cursor)
	if n := count(as, activity.KindPost); n != 80 {
		t.Errorf("%d posts, want 80 of 2 pages", n)
	}
	if g := page.Gap; g == nil || !g.From.Equal(start().Add(-15*time.Minute)) || !g.Until.Equal(last) || !strings.Contains(g.Reason, "poll more often") {
		t.Errorf("gap %+v, want one until %s", g, last)
	}
	if strings.Contains(fmt.Sprint(ids(as)), old) {
		t.Error("the known status came again")
	}
}

func TestMalformedItemsKeepTheirNeighbours(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	cursor := w.connect()
	first := w.srv.Post("acme", mastodontest.Status{Text: "one"})
	w.srv.Post("acme", mastodontest.Status{Text: "two", Broken: true})
	third := w.srv.Post("acme", mastodontest.Status{Text: "three"})
	page := w.poll(cursor)
	if got := ids(page.Activities); !slices.Equal(got, []string{"post " + first, "post " + third}) {
		t.Errorf("got %v", got)
	}
	if len(page.Malformed) != 1 || !strings.Contains(page.Malformed[0].Error(), "answer[1]") {
		t.Errorf("malformed %v, want the second item", page.Malformed)
	}
}

// Items of the wire as servers have been seen to vary them.
func TestWire(t *testing.T) {
	const base = `"id":"1","created_at":"2026-03-06T12:00:00.000Z"`
	rows := []struct {
		name, item, want string
	}{
		{"least", `{` + base + `}`, ""},
		{"number as id", `{"id":17,"created_at":"2026-03-06T12:00:00Z"}`, ""},
		{"number as reply", `{` + base + `,"in_reply_to_id":17}`, ""},
		{"ULID", `{"id":"01HE7XJ1CG84TBKH5V9XKBVGF5","created_at":"2026-03-06T12:00:00.000Z"}`, ""},
		{"other server's card, poll, emojis", `{` + base + `,"card":[],"poll":"no","emojis":{},"application":"Web"}`, ""},
		{"nulls", `{` + base + `,"reblog":null,"edited_at":null,"language":null,"media_attachments":null,"quote":null,"application":null}`, ""},
		{"null", `null`, "id"},
		{"number", `17`, "cannot unmarshal number"},
		{"no id", `{"created_at":"2026-03-06T12:00:00.000Z"}`, `id ""`},
		{"path as id", `{"id":"../1","created_at":"2026-03-06T12:00:00.000Z"}`, `id "../1"; want up to 64`},
		{"long id", `{"id":"` + strings.Repeat("1", 65) + `","created_at":"2026-03-06T12:00:00.000Z"}`, "want up to 64"},
		{"object as id", `{"id":{},"created_at":"2026-03-06T12:00:00.000Z"}`, "cannot unmarshal object"},
		{"no time", `{"id":"1"}`, "created_at is missing"},
		{"other time", `{"id":"1","created_at":"yesterday"}`, "yesterday"},
		{"far time", `{"id":"1","created_at":"1996-03-06T12:00:00.000Z"}`, "year 1996"},
		{"far edit", `{` + base + `,"edited_at":"2996-03-06T12:00:00.000Z"}`, "year 2996"},
		{"number as content", `{` + base + `,"content":5}`, "content"},
		{"boost without id", `{` + base + `,"reblog":{"content":"x"}}`, "reblog: id"},
		{"object as media", `{` + base + `,"media_attachments":{}}`, "media_attachments"},
		{"reply to a path", `{` + base + `,"in_reply_to_id":"a/b"}`, "in_reply_to_id"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e := &exchange{}
			b := &body{endpoint: "GET /x", bytes: []byte(`[{"id":"8","created_at":"2026-03-06T12:00:00Z"},` + row.item + `,{"id":"9","created_at":"2026-03-06T12:00:00Z"}]`)}
			if _, err := e.readStatuses(b); err != nil {
				t.Fatal(err)
			}
			if n := len(e.answer.statuses); e.answer.count != 3 || n < 2 || n == 3 != (row.want == "") {
				t.Fatalf("%d of %d read, malformed %v", n, e.answer.count, e.answer.malformed)
			}
			if row.want != "" && (len(e.answer.malformed) != 1 || !strings.Contains(e.answer.malformed[0].Error(), row.want) || !strings.Contains(e.answer.malformed[0].Error(), "answer[1]")) {
				t.Errorf("malformed %v, want answer[1] and %q", e.answer.malformed, row.want)
			}
		})
	}
}

// A request carries a token where there is one, and else no header at all.
func TestAuthorization(t *testing.T) {
	for name, mode := range map[string]func(*Config){"none": func(*Config) {}, "token": withToken} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, mastodontest.Options{}, mode)
			w.drain(nil)
			requests := w.srv.Requests()
			if len(requests) != map[string]int{"none": 2, "token": 5}[name] {
				t.Fatalf("%d requests", len(requests))
			}
			for _, r := range requests {
				noList := r.Endpoint == mastodontest.Tokens || r.Endpoint == mastodontest.OAuthTokens
				if r.Login != (name == "token") || r.Status != 200 && !noList {
					t.Errorf("%s: login %t, status %d", r.URL, r.Login, r.Status)
				}
			}
		})
	}
}

// A quiet account costs two requests a round, and what was read is read again
// only every ten minutes.
func TestRequestsOfAQuietRound(t *testing.T) {
	w := newWorld(t, mastodontest.Options{})
	for i := range 50 {
		w.srv.Post("acme", mastodontest.Status{Text: "old", At: start().Add(-time.Duration(i+1) * time.Hour)})
	}
	cursor := w.connect()
	_, page := w.drain(cursor)
	before := len(w.srv.Requests())
	for range 9 {
		w.pass(time.Minute)
		_, page = w.drain(page.Cursor)
	}
	requests := w.srv.Requests()[before:]
	if len(requests) != 18 {
		t.Errorf("%d requests in 9 rounds, want 18", len(requests))
	}
	for _, r := range requests {
		if r.Endpoint == mastodontest.Statuses && !strings.Contains(r.URL, "since_id=") {
			t.Errorf("%s reads all that is watched", r.URL)
		}
	}
}

func TestCursorFits(t *testing.T) {
	st := newState()
	id := func(i int) string { return fmt.Sprintf("%064d", i) }
	at := start().UnixMilli()
	st.Host, st.Name, st.User = strings.Repeat("h", 253), strings.Repeat("n", maxName), id(1)
	full := lane{Since: at, Mark: id(2), Walk: &walk{Start: at, Top: id(3), Low: id(4), LowAt: at, Max: id(5), Above: id(6), Read: 20000, Pages: 500}}
	st.Posts, st.Mentions = full, full
	for i := range maxWatch + 10 {
		st.watch(watched{ID: id(i), At: at, Edited: at, Met: true, Missing: true, Only: true}, maxWatch)
	}
	for i := range maxGone + 10 {
		st.unwatch(watched{ID: id(10_000 + i), At: at})
	}
	u := &account{}
	u.Note = "<p>" + strings.Repeat(`\"`, 5000) + "</p>"
	u.DisplayName, u.Acct, u.URL, u.Avatar, u.Header = strings.Repeat(`"`, 5000), strings.Repeat(`\`, 5000), strings.Repeat("\n", 5000), strings.Repeat("\x01", 5000), strings.Repeat("\u2028", 5000)
	st.Profile = &snapshot{Values: profileValues(u)}
	st.Apps = &apps{At: at, List: len(appLists()), Lack: lackTrouble, Read: true, Cut: true}
	for i := range maxApps {
		st.Apps.Known = append(st.Apps.Known, app{ID: id(i), Name: strings.Repeat(`"`, maxAppName)})
	}
	b, err := collectors.EncodeCursor(st)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", len(b))
	back, err := decodeState(b)
	if err != nil || len(back.Watch) != maxWatch || len(back.Gone) != maxGone {
		t.Errorf("error %v, %d watched, %d gone", err, len(back.Watch), len(back.Gone))
	}
}

func FuzzCursor(f *testing.F) {
	f.Add([]byte(`{"v":1,"user":"1","host":"social.example","name":"acme","posts":{"since":5,"mark":"7","walk":{"start":1,"max":"9"}},"watch":[{"id":"7","at":1}]}`))
	f.Add([]byte(`{"v":1,"gone":[{"id":"7","at":1}],"profile":{"n":1,"values":{"name":"a"}},"followers":{"n":1,"at":5},"swept":5,"blank":true}`))
	f.Add([]byte(`{"v":1,"apps":{"at":5,"list":1,"read":true,"cut":true,"known":[{"id":"9","n":"Planner"},{"id":"7"}]}}`))
	f.Add([]byte(`{"v":1,"apps":{"at":5,"lack":"scope"}}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"v":2}`))
	f.Fuzz(func(t *testing.T, cursor []byte) {
		st, err := decodeState(cursor)
		if err != nil {
			if kindOf(err) != wantMalformed {
				t.Fatalf("error %v, want a malformed cursor", err)
			}
			return
		}
		st.prune()
		st.watch(watched{ID: "5", At: 1}, 3)
		st.sweep(&walk{})
		for _, w := range st.missing() {
			st.unwatch(w)
		}
		b, err := collectors.EncodeCursor(st)
		if err != nil {
			return // names in a foreign cursor can be of any length
		}
		if _, err := decodeState(b); err != nil {
			t.Fatalf("%s does not survive: %v", b, err)
		}
	})
}
