package youtube

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/youtube/youtubetest"
)

// setting is what a configuration gives with defaults and an API key.
func setting(more map[string]string) collectors.Setting {
	s := collectors.Setting{
		Source: "youtube/acme", Credential: "yt", Values: map[string]string{},
		Secrets: map[string]collectors.Secret{"api_key": key},
	}
	for _, k := range append(Spec().Credential, Spec().Own...) {
		if k.Default != "" {
			s.Values[k.Name] = k.Default
		}
	}
	maps.Copy(s.Values, more)
	return s
}

func TestSpec(t *testing.T) {
	spec := Spec()
	keys := map[string]bool{}
	for _, k := range append(spec.Credential, spec.Own...) {
		if keys[k.Name] || k.Help == "" {
			t.Errorf("key %s is there twice or has no help", k.Name)
		}
		keys[k.Name] = true
	}
	for line := range strings.SplitSeq(spec.Guide, "\n") {
		if len(line) > 80 {
			t.Errorf("line of %d characters in the guide: %s", len(line), line)
		}
	}
	if spec.CheckAccount("a/b") == nil || spec.CheckAccount("acme") != nil {
		t.Error("CheckAccount takes a/b or refuses acme")
	}
	u := spec.Units
	if u.PerDay != 10_000 || u.Zone != "America/Los_Angeles" || u.Cost(httptest.NewRequest(http.MethodGet, "/youtube/v3/videos", nil)) != 1 || u.Cost(httptest.NewRequest(http.MethodPost, "/token", nil)) != 0 {
		t.Errorf("units %+v", u)
	}
	w := newWorld(t, youtubetest.Options{})
	id := w.old("hi")
	c, err := spec.New(setting(nil), w.deps())
	if err != nil {
		t.Fatal(err)
	}
	page, err := c.Poll(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"post " + id}, ids(page.Activities)); diff != "" || !page.Backfill {
		t.Errorf("backfill %t (-want +got):\n%s", page.Backfill, diff)
	}
}

func TestVerify(t *testing.T) {
	const channel = "Acme, @acme, id UCacmeacmeacmeacmeacme01, 15300 followers, 42 posts, 123456 views"
	for _, tt := range []struct {
		name   string
		videos int
		owner  bool
		want   []string
	}{
		{"key", 2, false, []string{channel, "2 newest videos read, the last of 2026-03-06T09:00:00Z", "an API key: only what is public is seen, and a video made private looks deleted"}},
		{"owner", 1, true, []string{channel, "1 newest videos read, the last of 2026-03-06T09:00:00Z"}},
		{"empty", 0, true, []string{channel, "no video can be seen"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, youtubetest.Options{})
			for range tt.videos {
				w.old("film")
			}
			s := setting(nil)
			if tt.owner {
				s.Values["client_id"] = "1234.apps.example"
				s.Secrets = map[string]collectors.Secret{"client_secret": secret, "refresh_token": refresh}
			}
			seen, err := Spec().Verify(t.Context(), s, w.deps())
			if diff := cmp.Diff(collectors.Seen{Name: "acme", Lines: tt.want}, seen); diff != "" || err != nil {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
	w := newWorld(t, youtubetest.Options{})
	if _, err := Spec().Verify(t.Context(), setting(map[string]string{"channel": "nobody"}), w.deps()); err == nil || !strings.Contains(err.Error(), "YouTube shows no channel nobody; to mend it: check channel") {
		t.Errorf("error %v, want one that there is no such channel", err)
	}
}

// TestShows has everything happen that the API shows.
func TestShows(t *testing.T) {
	for _, mentions := range []string{"false", "true"} {
		t.Run("mentions "+mentions, func(t *testing.T) {
			w := newWorld(t, youtubetest.Options{})
			s := setting(map[string]string{"mentions": mentions})
			w.cfg = configOf(s)
			deleted, edited := w.old("regretted"), w.old("Sale from 9")
			came, page := w.drain(nil)
			w.pass(time.Minute)
			w.srv.Upload(youtubetest.Video{Title: "hi", Description: "https://acme.example @fan #x", Lang: "en", Live: "live", Started: w.clock()})
			w.srv.Edit(edited, func(v *youtubetest.Video) { v.Title = "Sale from 10" })
			w.srv.Delete(deleted)
			w.srv.Change("brandingSettings", "channel.keywords", "coins")
			w.srv.Comment(youtubetest.Comment{Text: "oh", Video: edited, Author: "UCfan", Name: "@fan"})
			w.srv.Comment(youtubetest.Comment{Text: "thanks", Video: edited, Author: youtubetest.ChannelID, Name: "@acme"})
			for range 2 {
				w.pass(2 * time.Minute)
				var more []activity.Activity
				more, page = w.drain(page.Cursor)
				came = append(came, more...)
			}
			collectortest.Shown(t, Spec().Shows(s), came)
		})
	}
	if lack, ok := Spec().Shows(setting(nil)).Kind(activity.KindMention); ok || !strings.Contains(lack.Mend, "mentions: true") {
		t.Errorf("mentions: shown %t, %+v", ok, lack)
	}
}
