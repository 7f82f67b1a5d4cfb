package youtube

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/youtube/youtubetest"
)

// TestHijack: who takes over a channel renames it, hides its videos and goes live.
func TestHijack(t *testing.T) {
	w := newWorld(t, youtubetest.Options{})
	var want []string
	var made []string
	for i := range 120 {
		id := w.old(fmt.Sprintf("film %d", i))
		made = append(made, id)
		want = append(want, "delete "+id)
	}
	cursor := w.connect()
	for _, id := range made {
		w.srv.Edit(id, func(v *youtubetest.Video) { v.Privacy = "private" })
	}
	w.srv.Change("snippet", "title", "Tesla [LIVE]")
	w.srv.Change("snippet", "customUrl", "@tesla-live")
	live := w.srv.Upload(youtubetest.Video{Title: "Double your coins", Description: "https://scam.example/x", Live: "live", Started: w.clock()})
	var got []string
	var all []activity.Activity
	for range 8 {
		w.pass(2 * time.Minute)
		as, page := w.drain(cursor)
		cursor = page.Cursor
		got = append(got, ids(as)...)
		all = append(all, as...)
	}
	profile := only(t, all, activity.KindProfile)
	want = append(want, "post "+live, "profile "+profile.ID)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"handle", "name"}, profile.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	post := only(t, all, activity.KindPost)
	field, err := activity.LookupField("profile.live")
	if err != nil {
		t.Fatal(err)
	}
	if v := field.Values(&post, nil); len(v) != 1 || v[0].Str != "live" || !slices.Equal(post.LinkDomains, []string{"scam.example"}) {
		t.Errorf("profile.live %v, domains %q", v, post.LinkDomains)
	}
}

// TestRestored: a video that was hidden and is there again is an edit, and one
// that is hidden again another deletion.
func TestRestored(t *testing.T) {
	w := newWorld(t, youtubetest.Options{})
	id := w.old("film")
	w.old("other")
	cursor := w.connect()
	hide := func(privacy string) { w.srv.Edit(id, func(v *youtubetest.Video) { v.Privacy = privacy }) }
	for i, tt := range []struct {
		privacy string
		want    []string // beginnings
	}{
		{"private", nil},
		{"private", []string{"delete vid00000001"}},
		{"private", nil},
		{"public", []string{"edit vid00000001.1-"}},
		{"private", nil},
		{"private", []string{"delete vid00000001.1"}},
	} {
		hide(tt.privacy)
		got := w.next(&cursor)
		if !slices.EqualFunc(got, tt.want, strings.HasPrefix) {
			t.Errorf("round %d: %q, want %q", i, got, tt.want)
		}
	}
}

// TestFlicker: a video that is not there once is not deleted.
func TestFlicker(t *testing.T) {
	w := newWorld(t, youtubetest.Options{})
	id := w.old("film")
	cursor := w.connect()
	for _, privacy := range []string{"private", "public", "private", "public"} {
		w.srv.Edit(id, func(v *youtubetest.Video) { v.Privacy = privacy })
		if got := w.next(&cursor); len(got) != 0 {
			t.Errorf("%s: %q came, want nothing", privacy, got)
		}
	}
}

func TestEdits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*youtubetest.Video)
		want   []string // changed; nil where nothing is told
	}{
		{"title", func(v *youtubetest.Video) { v.Title = "other" }, []string{"title"}},
		{"description", func(v *youtubetest.Video) { v.Description = "https://scam.example" }, []string{"description"}},
		{"tags", func(v *youtubetest.Video) { v.Tags = []string{"coins"} }, []string{"details"}},
		{"language", func(v *youtubetest.Video) { v.Lang = "ru" }, []string{"details"}},
		{"privacy, by its owner", func(v *youtubetest.Video) { v.Privacy = "private" }, []string{"privacy"}},
		{"several", func(v *youtubetest.Video) { v.Title, v.Privacy = "x", "unlisted" }, []string{"privacy", "title"}},
		{"announced", func(v *youtubetest.Video) { v.Live = "upcoming" }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, youtubetest.Options{}, asOwner)
			id := w.old("film")
			for range 60 { // so that it is on no first page
				w.srv.Upload(youtubetest.Video{Title: "newer", At: start().Add(-2 * time.Hour)})
			}
			cursor := w.connect()
			w.srv.Edit(id, tt.change)
			w.pass(2 * time.Minute)
			as, _ := w.drain(cursor)
			if tt.want == nil {
				if got := ids(as); len(got) != 0 {
					t.Errorf("%q came, want nothing", got)
				}
				return
			}
			a := only(t, as, activity.KindEdit)
			if diff := cmp.Diff(tt.want, a.Changed); diff != "" || a.Object != id || !a.Time.Equal(w.clock()) {
				t.Errorf("object %s, time %s, changed (-want +got):\n%s", a.Object, a.Time, diff)
			}
			if slices.Contains(tt.want, "privacy") && !slices.Contains(a.Old, activity.Field{Name: "privacy", Value: "public"}) {
				t.Errorf("old %v, want privacy public", a.Old)
			}
		})
	}
}

// TestLiveStarts: an announced broadcast is told twice, its end not at all.
func TestLiveStarts(t *testing.T) {
	w := newWorld(t, youtubetest.Options{})
	cursor := w.connect()
	id := w.srv.Upload(youtubetest.Video{Title: "Launch", Live: "upcoming"})
	if diff := cmp.Diff([]string{"post " + id}, w.next(&cursor)); diff != "" {
		t.Errorf("announced (-want +got):\n%s", diff)
	}
	began := time.Date(2026, 3, 6, 13, 32, 30, 0, time.UTC)
	w.srv.Edit(id, func(v *youtubetest.Video) { v.Live, v.Started = "live", began })
	if diff := cmp.Diff([]string{"post " + id + ".live-1772803950"}, w.next(&cursor)); diff != "" {
		t.Errorf("began (-want +got):\n%s", diff)
	}
	w.srv.Edit(id, func(v *youtubetest.Video) { v.Live = "none" })
	if diff := cmp.Diff([]string{}, w.next(&cursor)); diff != "" {
		t.Errorf("ended (-want +got):\n%s", diff)
	}
}

// TestHandle: the channel is known by its id once it was seen.
func TestHandle(t *testing.T) {
	w := newWorld(t, youtubetest.Options{})
	w.old("film")
	cursor := w.connect()
	w.srv.Change("snippet", "customUrl", "@stolen")
	if got := w.next(&cursor); len(got) != 1 || !strings.HasPrefix(got[0], "profile ") {
		t.Errorf("%q came, want one change of the profile", got)
	}
	if _, err := w.try(nil); err == nil || !strings.Contains(err.Error(), "YouTube shows no channel acme; to mend it: check channel") {
		t.Errorf("error %v, want one that there is no such handle any more", err)
	}
}

// TestUnits: a quiet round takes as many units as are documented.
func TestUnits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		videos int
		change func(*Config)
		want   int
	}{
		{"few videos", 10, func(*Config) {}, 3},
		{"more than a page", 60, func(*Config) {}, 4},
		{"none", 0, func(*Config) {}, 2},
		{"comments", 60, withMentions, 5},
		{"owner", 60, asOwner, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, youtubetest.Options{}, tt.change)
			for i := range tt.videos {
				w.old(fmt.Sprint(i))
			}
			cursor := w.connect()
			before := w.srv.Used()
			w.next(&cursor)
			if got := w.srv.Used() - before; got != tt.want {
				t.Errorf("%d units, want %d: %q", got, tt.want, w.srv.Requests())
			}
		})
	}
}

func TestComments(t *testing.T) {
	w := newWorld(t, youtubetest.Options{}, withMentions)
	id := w.old("film")
	w.srv.Comment(youtubetest.Comment{Text: "before", Video: id, Author: "UCfan", Name: "@fan", At: start().Add(-time.Hour)})
	cursor := w.connect()
	var want []string
	for i := range 130 {
		want = append(want, "mention "+w.srv.Comment(youtubetest.Comment{Text: fmt.Sprint("nice ", i), Video: id, Author: "UCfan", Name: "@fan"}))
	}
	want = append(want, "reply "+w.srv.Comment(youtubetest.Comment{
		Text: "claim at https://scam.example", Video: id, Author: youtubetest.ChannelID, Name: "@acme",
		Replies: []youtubetest.Comment{{ID: "Ugxreply", Text: "is it @acme?", Author: "UCfan", Name: "@fan"}},
	}), "mention Ugxreply")
	slices.Sort(want)
	w.pass(time.Minute)
	as, page := w.drain(cursor)
	if diff := cmp.Diff(want, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	reply := only(t, as, activity.KindReply)
	if reply.ReplyTo != id || !slices.Equal(reply.LinkDomains, []string{"scam.example"}) {
		t.Errorf("reply to %q, domains %q", reply.ReplyTo, reply.LinkDomains)
	}
	if page.Overlap.After(reply.Time) {
		t.Errorf("overlap %s, want none after %s: the next round reads it again", page.Overlap, reply.Time)
	}
	w.pass(3 * time.Hour)
	_, page = w.drain(page.Cursor)
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("%q came again", ids(as))
	}
}

// TestSession: an access token serves until it ends, in the next process, too.
func TestSession(t *testing.T) {
	w := newWorld(t, youtubetest.Options{Rotate: true}, asOwner)
	w.old("film")
	cursor := w.connect() // 90 minutes
	if w.kept.saves != 1 {
		t.Errorf("%d sessions saved, want 1", w.kept.saves)
	}
	w.next(&cursor)
	w.next(&cursor)
	if w.kept.saves != 2 {
		t.Errorf("%d sessions saved after the first has ended, want 2", w.kept.saves)
	}
	w.cfg.RefreshToken = "1//another-0123456789"
	if _, err := w.try(cursor); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("error %v, want one that the new refresh token is not known", err)
	}
}

// TestCursor: the most that is watched fits.
func TestCursor(t *testing.T) {
	w := newWorld(t, youtubetest.Options{}, func(c *Config) { c.Watch, c.Backfill = MaxWatch, MaxBackfill })
	w.srv.Change("snippet", "description", strings.Repeat("日", 5000))
	var made []string
	for i := range MaxWatch + maxGone + 20 {
		made = append(made, w.old(fmt.Sprint(i)))
	}
	cursor := w.connect()
	for _, id := range made[len(made)-maxGone-20:] {
		w.srv.Delete(id)
	}
	for range 12 {
		w.next(&cursor)
	}
	st, err := decodeState(cursor)
	if err != nil || len(st.Gone) != maxGone {
		t.Fatalf("%d gone, error %v", len(st.Gone), err)
	}
	if len(cursor) > 60<<10 {
		t.Errorf("cursor of %d bytes", len(cursor))
	}
	if _, err := w.try(json.RawMessage(`{"v":2}`)); err == nil || !strings.Contains(err.Error(), "version 2; want 1") {
		t.Errorf("error %v", err)
	}
}

// TestPartLacks: a part of the channel that an answer leaves out, or has null, is as
// it was; nothing was taken away.
func TestPartLacks(t *testing.T) {
	w := newWorld(t, youtubetest.Options{})
	w.old("film")
	cursor := w.connect()
	for _, rest := range []string{
		`"brandingSettings": null, "status": null, "statistics": null`,
		`"kind": "youtube#channel"`,
	} {
		w.srv.AddFault(youtubetest.Fault{Resource: "channels", Times: 1, Status: http.StatusOK, Body: `{"items": [{"id": "` + youtubetest.ChannelID + `",
			"snippet": {"title": "Acme", "description": "Anvils since 1920. https://acme.example/", "customUrl": "@` + youtubetest.Handle + `", "country": "DE", "thumbnails": null},
			"contentDetails": {"relatedPlaylists": {"uploads": "` + youtubetest.UploadsID + `"}}, ` + rest + `}]}`})
		if diff := cmp.Diff([]string{}, w.next(&cursor)); diff != "" {
			t.Errorf("with %s (-want +got):\n%s", rest, diff)
		}
		if diff := cmp.Diff([]string{}, w.next(&cursor)); diff != "" {
			t.Errorf("when all is there again (-want +got):\n%s", diff)
		}
	}
	w.srv.Change("brandingSettings", "image", nil)
	if got := w.next(&cursor); len(got) != 1 || !strings.HasPrefix(got[0], "profile ") {
		t.Errorf("%q came when the banner was taken away, want one change of the profile", got)
	}
}

// TestPartLacksAtFirst: what the first look lacked is no change when it is there.
func TestPartLacksAtFirst(t *testing.T) {
	w := newWorld(t, youtubetest.Options{})
	w.srv.AddFault(youtubetest.Fault{Resource: "channels", Status: http.StatusOK, Body: `{"items": [{"id": "` + youtubetest.ChannelID + `",
		"snippet": {"title": "Acme", "description": "Anvils since 1920. https://acme.example/", "customUrl": "@` + youtubetest.Handle + `", "country": "DE"},
		"contentDetails": {"relatedPlaylists": {"uploads": "` + youtubetest.UploadsID + `"}}}]}`})
	cursor := w.connect()
	w.srv.Heal()
	if diff := cmp.Diff([]string{}, w.next(&cursor)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.srv.Change("brandingSettings", "channel.keywords", "free coins")
	if got := w.next(&cursor); len(got) != 1 || !strings.HasPrefix(got[0], "profile ") {
		t.Errorf("%q came, want one change of the profile", got)
	}
}

// TestVideoLacks: a status that an answer leaves out is as it was.
func TestVideoLacks(t *testing.T) {
	w := newWorld(t, youtubetest.Options{})
	id := w.old("film")
	cursor := w.connect()
	lacking := youtubetest.Fault{Resource: "videos", Status: http.StatusOK, Body: `{"items": [
		{"id": "` + id + `", "status": null, "snippet": {"publishedAt": "` + start().Add(-3*time.Hour).Format(time.RFC3339) + `", "title": "film"}},
		{"id": "newnewnewne", "snippet": {"publishedAt": "` + start().Add(95*time.Minute).Format(time.RFC3339) + `", "title": "new", "tags": ["a"]}}]}`}
	w.srv.Upload(youtubetest.Video{ID: "newnewnewne", Title: "new", Tags: []string{"a"}, At: start().Add(95 * time.Minute)})
	w.srv.AddFault(lacking)
	w.pass(10 * time.Minute)
	if diff := cmp.Diff([]string{"post newnewnewne"}, w.next(&cursor)); diff != "" {
		t.Errorf("without status (-want +got):\n%s", diff)
	}
	w.srv.Heal()
	if diff := cmp.Diff([]string{}, w.next(&cursor)); diff != "" {
		t.Errorf("when all is there (-want +got):\n%s", diff)
	}
	w.srv.Edit("newnewnewne", func(v *youtubetest.Video) { v.Tags = []string{"free coins"} })
	if got := w.next(&cursor); len(got) != 1 || !strings.HasPrefix(got[0], "edit newnewnewne.") {
		t.Errorf("%q came, want an edit", got)
	}
}
