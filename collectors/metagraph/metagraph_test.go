package metagraph

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestUsage(t *testing.T) {
	const app, page, business = "X-App-Usage", "X-Page-Usage", "X-Business-Use-Case-Usage"
	for _, tt := range []struct {
		name   string
		header map[string]string
		want   usage
	}{
		{"none", nil, usage{}},
		{"app", map[string]string{app: `{"call_count":28,"total_time":25,"total_cputime":26}`}, usage{percent: 28, of: "the app"}},
		{"time counts too", map[string]string{app: `{"call_count":1,"total_time":98,"total_cputime":2}`}, usage{percent: 98, of: "the app"}},
		{"the higher counts", map[string]string{app: `{"call_count":28}`, page: `{"call_count":40}`}, usage{percent: 40, of: "the Page"}},
		{
			"business use cases",
			map[string]string{business: `{"100":[{"type":"pages","call_count":97,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":0},{"type":"instagram","call_count":100,"estimated_time_to_regain_access":19}]}`},
			usage{percent: 100, of: "instagram 100", wait: 19 * time.Minute},
		},
		{"not JSON", map[string]string{app: "28", business: "{"}, usage{}},
		{"beyond all", map[string]string{app: `{"call_count":1e300,"estimated_time_to_regain_access":1e300}`}, usage{percent: 1000, of: "the app", wait: 24 * time.Hour}},
		{"negative", map[string]string{app: `{"call_count":-4,"estimated_time_to_regain_access":-4}`}, usage{of: "the app"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			for name, value := range tt.header {
				h.Set(name, value)
			}
			if got := usageOf(h); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestHold(t *testing.T) {
	for percent, want := range map[int]time.Duration{97: 10 * time.Minute, 98: 15 * time.Minute, 99: 30 * time.Minute, 100: time.Hour, 250: time.Hour} {
		if got := holdFor(percent); got != want {
			t.Errorf("at %d %%: %s, want %s", percent, got, want)
		}
	}
	now := time.Date(2026, 3, 6, 12, 0, 30, 0, time.UTC)
	var m minutes
	if got := m.oldest(now); got != 0 {
		t.Errorf("without a request: %s", got)
	}
	for _, at := range []time.Duration{0, 10 * time.Second, time.Minute, 50 * time.Minute, 90 * time.Minute} {
		m.add(now.Add(at))
	}
	if len(m) != 2 { // 50 and 90 minutes
		t.Errorf("%d minutes kept, want 2", len(m))
	}
	// Those of 12:50 have left the hour at 13:51.
	if got := m.oldest(now.Add(90 * time.Minute)); got != 20*time.Minute+30*time.Second {
		t.Errorf("oldest leaves in %s, want 20m30s", got)
	}
}

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		text                  string
		mentions, tags, links []string
	}{
		{"", nil, nil, nil},
		{"@a.b. and (@c_d) @ #x #x,#y #1 #2026a", []string{"a.b", "c_d"}, []string{"x", "y", "2026a"}, nil},
		{"#Größe#mehr", nil, []string{"Größe", "mehr"}, nil},
		{"see (https://a.example/x?y=1), http://b.example.", nil, nil, []string{"https://a.example/x?y=1", "http://b.example"}},
		{"mail@a.example is no mention", nil, nil, nil},
	} {
		mentions, tags, links := Words(tt.text)
		if diff := cmp.Diff([][]string{tt.mentions, tt.tags, tt.links}, [][]string{mentions, tags, links}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"https://l.facebook.com/l.php?u=https%3A%2F%2Fa.example%2Fx%3Fy%3D1&h=AT": "https://a.example/x?y=1",
		"https://l.facebook.com/l.php":                                            "https://l.facebook.com/l.php",
		"https://a.example/?u=b":                                                  "https://a.example/?u=b",
		"::":                                                                      "::",
	} {
		if got := Direct(in); got != want {
			t.Errorf("Direct(%q) is %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"https://s.example/v/t/1_2_n.jpg?x=1": "1_2_n.jpg", "": "", "https://s.example/": "https://s.example/", "::": "::"} {
		if got := FileOf(in); got != want {
			t.Errorf("FileOf(%q) is %q, want %q", in, got, want)
		}
	}
	if got := Domain("https://WWW.A.example.:443/x"); got != "www.a.example" {
		t.Errorf("domain %q", got)
	}
}

func TestNext(t *testing.T) {
	for _, tt := range []struct{ name, answer, last, want, fault string }{
		{"last page", `{"data":[],"paging":{"cursors":{"before":"a","after":"b"}}}`, "", "", ""},
		{"no paging", `{"data":[]}`, "", "", ""},
		{"another", `{"data":[],"paging":{"cursors":{"after":"b"},"next":"https://graph.facebook.com/x?access_token=T&after=b"}}`, "a", "b", ""},
		{"next alone", `{"data":[],"paging":{"next":"https://graph.facebook.com/x?access_token=T&after=b"}}`, "", "b", ""},
		{"next without", `{"data":[],"paging":{"next":"https://graph.facebook.com/x?offset=2"}}`, "", "", "malformed paging: next without cursors.after"},
		{"the same again", `{"data":[],"paging":{"cursors":{"after":"b"},"next":"x"}}`, "b", "", "malformed paging: the next page is the one that was read"},
		{"long", `{"data":[],"paging":{"cursors":{"after":"` + strings.Repeat("b", 1025) + `"},"next":"x"}}`, "", "", "malformed paging: cursors.after of 1025 bytes; want at most 1024"},
		{"no list", `{"id":"1"}`, "", "", "malformed GET /x answer: data is missing; want a list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			l, err := decodeList(&Answer{Endpoint: "GET /x", Body: []byte(tt.answer)})
			if err == nil {
				got, err = l.next(tt.last)
			}
			fault := ""
			if err != nil {
				fault = err.Error()
			}
			if got != tt.want || fault != tt.fault {
				t.Errorf("next %q, error %q; want %q, %q", got, fault, tt.want, tt.fault)
			}
		})
	}
}

// reader returns one of a plain account whose items have nothing but words.
func reader(t *testing.T, srv *metagraphtest.Server) *Reader {
	t.Helper()
	plain := func(raw json.RawMessage, _ Me) (*Item, error) {
		var o struct {
			ID   string `json:"id"`
			Time string `json:"created_time"`
			Text string `json:"message"`
		}
		if err := json.Unmarshal(raw, &o); err != nil {
			return nil, err
		}
		at, err := ParseTime(o.Time)
		return &Item{Activity: activity.Activity{ID: o.ID, Time: at, Text: o.Text, Kind: activity.KindPost}}, err
	}
	rd, err := NewReader(Access{BaseURL: "https://graph.example", Token: "token-1234"}, Source{
		Network: "plain", Account: "plain/acme", Object: "1", ProfileFields: "id,name",
		Profile: func(raw json.RawMessage) (*Profile, error) {
			p := &Profile{Items: -1, Values: map[string]string{}}
			return p, json.Unmarshal(raw, p)
		},
		Timelines: []Timeline{{Name: "posts", Edge: "feed", Params: map[string][]string{"fields": {"id,created_time,message"}}, Map: plain}},
		Grants: []Grant{{
			Name: "roles", Edge: "roles", Params: map[string][]string{"fields": {"id,name,tasks"}},
			Entry: func(raw json.RawMessage) (e Entry, err error) { return e, json.Unmarshal(raw, &e) },
		}},
	}, Options{}, collectors.Deps{
		HTTP: collectors.NewClient(nil, collectors.ClientOptions{Base: collectortest.Transport(srv)}),
		Log:  zap.NewNop(), Now: srv.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return rd
}

func clock() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

// drain polls until there is no more, and returns what came, and the last page.
func drain(t *testing.T, rd *Reader, cursor json.RawMessage) ([]string, collectors.Page) {
	t.Helper()
	var out []string
	for range 100 {
		page, err := rd.Poll(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Activities {
			out = append(out, string(a.Kind)+" "+a.ID)
		}
		if cursor = page.Cursor; !page.More {
			return out, page
		}
	}
	t.Fatal("100 polls, and still more")
	return nil, collectors.Page{}
}

// TestGap: a walk that is given up says what it missed.
func TestGap(t *testing.T) {
	now := clock()
	srv := metagraphtest.New(metagraphtest.Options{Token: "token-1234", Now: func() time.Time { return now }})
	srv.SetNode("1", metagraphtest.Object{"name": "Acme"})
	post := func(n int) {
		srv.Add("1", "feed", metagraphtest.Item{
			ID: fmt.Sprintf("1_%d", n), At: now, Fields: metagraphtest.Object{"created_time": now.Format(time.RFC3339), "message": "hi"},
		})
	}
	post(0)
	rd := reader(t, srv)
	rd.maxPages = 2
	_, page := drain(t, rd, nil)
	now = now.Add(time.Hour)
	for n := range 120 {
		now = now.Add(time.Second)
		post(n + 1)
	}
	var gap *collectors.Gap
	cursor, got := page.Cursor, 0
	for {
		page, err := rd.Poll(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		got += len(page.Activities)
		if page.Gap != nil {
			gap = page.Gap
		}
		if cursor = page.Cursor; !page.More {
			break
		}
	}
	want := &collectors.Gap{
		From: clock().Add(-15 * time.Minute), Until: clock().Add(time.Hour + 21*time.Second),
		Reason: "there were more than 100 posts since the last poll; poll more often",
	}
	if diff := cmp.Diff(want, gap); diff != "" || got < 100 {
		t.Errorf("%d posts, gap (-want +got):\n%s", got, diff)
	}
}

// TestManyMembers: more people than the cursor holds are not compared, so that
// none seems to come or go.
func TestManyMembers(t *testing.T) {
	now := clock()
	srv := metagraphtest.New(metagraphtest.Options{Token: "token-1234", Now: func() time.Time { return now }})
	srv.SetNode("1", metagraphtest.Object{"name": "Acme"})
	name := strings.Repeat("Ä", 30)
	for n := range maxEntries {
		srv.Add("1", "roles", metagraphtest.Item{ID: fmt.Sprint(1000 + n), At: now, Fields: metagraphtest.Object{"name": name}})
	}
	rd := reader(t, srv)
	_, page := drain(t, rd, nil)
	if len(page.Cursor) > collectors.MaxCursor {
		t.Errorf("cursor of %d bytes", len(page.Cursor))
	}
	srv.Add("1", "roles", metagraphtest.Item{ID: "5", At: now, Fields: metagraphtest.Object{"name": name}})
	now = now.Add(time.Hour)
	got, page := drain(t, rd, page.Cursor)
	if len(got) != 0 {
		t.Errorf("told %v", got)
	}
	if err := srv.Delete("1079"); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	if got, _ = drain(t, rd, page.Cursor); !slices.Equal(got, []string{"role_change roles-1-5", "role_change roles-2-1079"}) {
		t.Errorf("when they fit again: %v", got)
	}
}

// TestManyTasks: people whose tasks are too many words are not compared either.
func TestManyTasks(t *testing.T) {
	now := clock()
	srv := metagraphtest.New(metagraphtest.Options{Token: "token-1234", Now: func() time.Time { return now }})
	srv.SetNode("1", metagraphtest.Object{"name": "Acme"})
	for n := range maxEntries {
		srv.Add("1", "roles", metagraphtest.Item{ID: fmt.Sprint(1000 + n), At: now, Fields: metagraphtest.Object{"name": "Jane", "tasks": strings.Repeat("PROFILE_PLUS_MANAGE ", 14)}})
	}
	rd := reader(t, srv)
	_, page := drain(t, rd, nil)
	if err := srv.Delete("1000"); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	if got, page := drain(t, rd, page.Cursor); len(got) != 0 || len(page.Cursor) > 2<<10 {
		t.Errorf("told %v; cursor of %d bytes", got, len(page.Cursor))
	}
}

// TestConfirm: no more than 20 missing items are asked for in a poll, and the
// others in the next.
func TestConfirm(t *testing.T) {
	now := clock()
	srv := metagraphtest.New(metagraphtest.Options{Token: "token-1234", Now: func() time.Time { return now }})
	srv.SetNode("1", metagraphtest.Object{"name": "Acme"})
	for n := range 45 {
		at := now.Add(-time.Hour - time.Duration(n)*time.Minute)
		srv.Add("1", "feed", metagraphtest.Item{
			ID: fmt.Sprintf("1_%d", n), At: at, Fields: metagraphtest.Object{"created_time": at.Format(time.RFC3339), "message": "hi"},
		})
	}
	rd := reader(t, srv)
	_, page := drain(t, rd, nil)
	for n := range 45 {
		if err := srv.Delete(fmt.Sprintf("1_%d", n)); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Hour)
	before := len(srv.Requests())
	first, err := rd.Poll(t.Context(), page.Cursor)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(srv.Requests()) - before; n != 22 || len(first.Activities) != 20 || !first.More {
		t.Errorf("%d requests, %d deletions, more %t; want 22, 20 and more", n, len(first.Activities), first.More)
	}
	rest, _ := drain(t, rd, first.Cursor)
	if len(rest) != 25 {
		t.Errorf("%d deletions after these, want 25: %v", len(rest), rest)
	}
}

// TestLargest: a cursor with as much as may be in it fits.
func TestLargest(t *testing.T) {
	id := strings.Repeat("9", maxID)
	st := &state{Version: cursorVersion, Host: strings.Repeat("h", 100), Object: id, Me: Me{id, id}, Tracks: map[string]*track{}, Voices: map[string]*lane{}, Grants: map[string]*grant{}}
	p := place{At: 1 << 42, ID: id}
	w := func() *walk {
		return &walk{First: true, Deep: true, Start: 1 << 42, After: strings.Repeat("c", maxAfter), Top: p, Low: p, Below: p, Read: 4000, Pages: 200, Met: true}
	}
	for _, name := range []string{"media", "stories"} {
		tr := &track{lane: lane{Since: 1 << 42, Mark: p, Walk: w()}, Swept: 1 << 32}
		for range MaxWatch {
			tr.Watch = append(tr.Watch, watched{place: p, Hash: collectors.Digest(""), Edits: 9, Met: true, Missing: true})
		}
		st.Tracks[name] = tr
		if name == "media" {
			for range maxGone {
				tr.Gone = append(tr.Gone, p)
			}
		}
	}
	st.Voices["tags"] = &lane{Since: 1 << 42, Mark: p, Walk: w()}
	st.Profile = &snapshot{N: 9, Values: map[string]string{"description": strings.Repeat("ä", maxValue/2), "name": strings.Repeat("n", maxValue), "link": strings.Repeat("l", maxValue)}}
	b, err := collectors.EncodeCursor(st)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeState(b); err != nil {
		t.Error(err)
	}
}

// FuzzCursor: what is taken as a cursor is written the same again.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{"v":1}`, `{"v":2}`, `{"v":1,"me":{"id":"1"},"tracks":{"posts":{"since":5,"walk":{"start":1,"after":"b","read":1,"pages":1},"watch":[{"at":1,"id":"2","h":"x"}]}},"grants":{"roles":{"n":1,"at":2,"entries":[]}}}`,
		`{"v":1,"tracks":{"posts":null}}`, `{"v":1,"voices":{"a":null}}`, `{"v":1,"grants":{"a":null}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		st, err := decodeState(data)
		if err != nil {
			return
		}
		first, err := collectors.EncodeCursor(st)
		if err != nil {
			return
		}
		again, err := decodeState(first)
		if err != nil {
			t.Fatalf("%s does not survive writing: %v", data, err)
		}
		if second, err := collectors.EncodeCursor(again); err != nil || string(second) != string(first) {
			t.Errorf("%s became %s: %v", first, second, err)
		}
	})
}

// FuzzAnswer: no answer of a server breaks the reader, whatever it holds.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"data":[{"id":"1_2","created_time":"2026-03-06T12:00:00+0000","message":"hi"}],"paging":{"cursors":{"after":"x"},"next":"y"}}`,
		`{"error":{"message":"x","code":190,"error_subcode":463}}`, `{"error":7}`, `{"id":"1"}`, `[`, ``, `{"data":[null,7,"x"]}`,
	} {
		f.Add([]byte(seed), 200, `{"call_count":99}`)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int, header string) {
		if status < 200 || status > 599 {
			return
		}
		srv := metagraphtest.New(metagraphtest.Options{Token: "token-1234", Now: clock})
		srv.SetNode("1", metagraphtest.Object{"name": "Acme"})
		if len(body) > 0 {
			srv.AddFault(metagraphtest.Fault{Path: "/feed", Status: status, Body: string(body), Header: map[string]string{"X-App-Usage": header}})
		}
		page, err := reader(t, srv).Poll(t.Context(), nil)
		if err == nil && (len(page.Cursor) == 0 || len(page.Cursor) > collectors.MaxCursor) {
			t.Errorf("cursor of %d bytes", len(page.Cursor))
		}
		for i := range page.Activities {
			if a := &page.Activities[i]; a.Account != "plain/acme" || a.Time.IsZero() {
				t.Errorf("activity %+v", a)
			}
		}
	})
}
