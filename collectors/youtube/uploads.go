package youtube

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"google.golang.org/api/googleapi"
	api "google.golang.org/api/youtube/v3"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Bounds of a walk: its pages, and how often it begins anew when Google refuses
// its own token of the next page.
const (
	maxPages = 400
	maxAgain = 2
)

// uploads reads one page of the playlist of uploads, and ends or goes on with its
// walk. How far it was read changes only when the page was read whole.
func (r *round) uploads() error {
	st := r.st
	w := walk{First: st.Since == 0, Start: r.clock().UnixMilli()}
	if st.Walk != nil {
		w = *st.Walk
	}
	size := pageSize
	if w.First {
		size = max(1, min(size, r.c.cfg.Backfill-w.Read)) // no more history than is wanted
	}
	a, err := r.playlist(w.Token, size)
	if refusedFor(err, "invalidPageToken") && w.Token != "" && w.Again < maxAgain {
		st.Walk = &walk{First: w.First, Start: w.Start, Again: w.Again + 1}
		return nil
	}
	if err != nil {
		return r.failed("uploads", err)
	}
	if a.next != "" && a.next == w.Token {
		return r.failed("uploads", &collectors.Malformed{Field: "nextPageToken", Err: errors.New("the next page is the one that was read")})
	}
	if w.Token == "" {
		w.Start = min(w.Start, r.clock().UnixMilli())
	}
	if err := r.takePage(a, &w); err != nil {
		return r.failed("videos", err)
	}
	r.page.Backfill = w.First
	w.Token = a.next
	enough := w.First && w.Read >= r.c.cfg.Backfill || !w.First && w.Low < st.Since
	if w.Token != "" && !enough && w.Pages < maxPages {
		st.Walk = &w
		return nil
	}
	if w.Token != "" && !enough && !w.First {
		r.page.Gap = &collectors.Gap{From: timeOf(st.Since), Until: timeOf(w.Low), Reason: fmt.Sprintf("more than %d new videos in one round", maxPages*pageSize)}
	}
	st.Whole = st.Whole || w.First && w.Token == "" && len(st.Watch) < r.c.cfg.Watch
	st.advance(&w, r.c.cfg.Overlap.Milliseconds())
	return nil
}

func timeOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// playlist asks for one page of the uploads. Google answers that there is no such
// playlist where a channel has no videos; that the channel is there another part
// looks after.
func (r *round) playlist(token string, size int) (*answer, error) {
	a, err := r.c.call(r.ctx, func(svc *api.Service) (caller, func() error) {
		call := svc.PlaylistItems.List([]string{"contentDetails"}).PlaylistId(r.st.Uploads).MaxResults(int64(size)).Context(r.ctx)
		if token != "" {
			call.PageToken(token)
		}
		return call, func() error { _, err := call.Do(); return err }
	})
	if refusedFor(err, "playlistNotFound") {
		return &answer{endpoint: "GET playlistItems"}, nil
	}
	if err == nil {
		r.took(a)
	}
	return a, err
}

// takePage asks for the videos of a page, and hands over what is new of them.
func (r *round) takePage(a *answer, w *walk) error {
	w.Pages++
	w.Read += len(a.items)
	w.Low = 0
	var ids []string
	for i, raw := range a.items {
		var item api.PlaylistItem
		err := json.Unmarshal(raw, &item)
		if err == nil && (item.ContentDetails == nil || !isID(item.ContentDetails.VideoId)) {
			err = errors.New("contentDetails.videoId: missing, or none of YouTube's; want an id such as dQw4w9WgXcQ")
		}
		if err != nil {
			r.malformed(a, i, err)
			continue
		}
		if id := item.ContentDetails.VideoId; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
		if at, err := parseTime(item.ContentDetails.VideoPublishedAt); err == nil {
			w.Low = max(w.Low, at.UnixMilli())
		}
	}
	videos, err := r.videos(ids)
	if err != nil {
		return err
	}
	slices.SortFunc(videos, func(x, y *video) int { return y.compare(x.place) })
	for _, v := range videos {
		w.Low = max(w.Low, v.At)
		w.meet(v.place)
		r.take(v, w)
	}
	if w.Low == 0 { // nothing tells its time, so that nothing says where the walk is
		w.Low = r.st.Since
	}
	if n := len(videos); n > 0 {
		r.low = videos[n-1].At
	}
	return nil
}

// videos asks for videos by id, at most 50, and looks for watched ones among them
// that are not there any more.
func (r *round) videos(ids []string) ([]*video, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	a, err := r.c.call(r.ctx, func(svc *api.Service) (caller, func() error) {
		call := svc.Videos.List([]string{"snippet,status,liveStreamingDetails"}).Id(strings.Join(ids, ",")) // in one, as documented
		call.Context(r.ctx)
		call.Fields(googleapi.Field("items(id,snippet(publishedAt,channelId,title,description,tags,defaultLanguage,defaultAudioLanguage,liveBroadcastContent),status(privacyStatus,madeForKids),liveStreamingDetails(actualStartTime))"))
		return call, func() error { _, err := call.Do(); return err }
	})
	if err != nil {
		return nil, err
	}
	r.took(a)
	var out []*video
	sound := true
	for i, raw := range a.items {
		v, err := readVideo(raw)
		if err != nil {
			r.malformed(a, i, err)
			sound = false
			continue
		}
		if slices.Contains(ids, v.ID) && !slices.ContainsFunc(out, func(o *video) bool { return o.ID == v.ID }) {
			out = append(out, v)
		}
	}
	for _, id := range ids {
		r.met[id] = true
		there := slices.ContainsFunc(out, func(v *video) bool { return v.ID == id })
		if w := r.st.find(id); w != nil && !there && sound {
			r.missing(w)
		}
	}
	return out, nil
}

// missing notes that a watched video was not there. It is gone when it is not
// there a second time: answers may come of caches that do not know it yet.
func (r *round) missing(w *watched) {
	if !w.Missing {
		w.Missing = true
		return
	}
	a := activity.Activity{ID: w.ID, Kind: activity.KindDelete, Time: r.second(), Object: w.ID}
	if w.Gone > 0 {
		a.ID = fmt.Sprintf("%s.%d", w.ID, w.Gone)
	}
	r.st.bury(w.ID)
	r.tell(&a)
}

// take hands over a video, or what changed of it.
func (r *round) take(v *video, w *walk) {
	if known := r.st.find(v.ID); known != nil {
		r.compare(known, v)
		return
	}
	if known, ok := r.st.unearth(v.ID); ok {
		known.Edits++
		r.st.watch(v.watched(known), r.c.cfg.Watch)
		a := v.edit(known, []string{"privacy"}, r.second())
		a.Old = append(a.Old, activity.Field{Name: "privacy", Value: "hidden"})
		r.tell(&a)
		return
	}
	window := r.st.inWindow(v.place)
	if !w.First && !window && v.At < r.st.Since {
		return // older than what is watched
	}
	r.st.watch(v.watched(watched{}), r.c.cfg.Watch)
	a := v.activity(activity.KindPost, v.ID, timeOf(v.At))
	r.emit(&a)
	// Beyond the window nobody knows whether it was handed over before.
	r.held = true
	r.fresh = r.fresh || window || w.First
}

// compare tells what changed of a watched video.
func (r *round) compare(known *watched, v *video) {
	old := *known
	changed := v.changed(&old)
	if v.live == "live" && old.Live != "live" {
		a := v.activity(activity.KindPost, "", r.second())
		at := v.started
		if at.IsZero() {
			at = a.Time
		}
		a.ID, a.Time, a.Object = fmt.Sprintf("%s.live-%d", v.ID, at.Unix()), at, v.ID
		r.tell(&a)
	}
	if len(changed) > 0 {
		old.Edits++
		a := v.edit(old, changed, r.second())
		if slices.Contains(changed, "privacy") {
			a.Old = append(a.Old, activity.Field{Name: "privacy", Value: old.Privacy})
		}
		r.tell(&a)
	}
	now := v.watched(old)
	if now.place == old.place {
		*known = now
		return
	}
	r.st.Watch = slices.DeleteFunc(r.st.Watch, func(o watched) bool { return o.ID == v.ID })
	r.st.watch(now, r.c.cfg.Watch)
}

// sweep looks at watched videos that no page of this poll showed, 50 a poll:
// first those that should have been there, the others by turns.
func (r *round) sweep() error {
	var first, rest []string
	for i := range r.st.Watch {
		switch w := &r.st.Watch[i]; {
		case r.met[w.ID]:
		case w.Missing || w.At >= r.low:
			first = append(first, w.ID)
		default:
			rest = append(rest, w.ID)
		}
	}
	first = first[:min(len(first), pageSize)]
	if n := min(pageSize-len(first), len(rest)); n > 0 {
		begin := r.st.Sweep % len(rest)
		for i := range n {
			first = append(first, rest[(begin+i)%len(rest)])
		}
		r.st.Sweep = (begin + n) % len(rest)
	}
	videos, err := r.videos(first)
	if err != nil {
		return r.failed("watched videos", err)
	}
	for _, v := range videos {
		if known := r.st.find(v.ID); known != nil {
			r.compare(known, v)
		}
	}
	r.c.deps.Log.Debug("looked at watched videos", zap.String("account", r.c.cfg.Account), zap.Int("asked", len(first)), zap.Int("there", len(videos)))
	return nil
}
