package youtubetest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

type object = map[string]any

// answer writes what a list asks for.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, resource string, owner bool, now time.Time) {
	var items []any
	next := ""
	ok := true
	switch resource {
	case "channels":
		asked := r.FormValue("id") == ChannelID || strings.EqualFold(strings.TrimPrefix(r.FormValue("forHandle"), "@"), s.handle())
		if asked && !s.closed {
			items = append(items, s.channel)
		}
	case "playlistItems":
		if r.FormValue("playlistId") != UploadsID || s.closed || len(s.videos) == 0 {
			WriteError(w, http.StatusNotFound, "playlistNotFound", "The playlist identified with the request's <code>playlistId</code> parameter cannot be found.")
			return
		}
		items, next, ok = s.uploads(r, owner, now)
	case "videos":
		items = s.list(strings.Split(r.FormValue("id"), ","), owner, now)
	case "commentThreads":
		if r.FormValue("allThreadsRelatedToChannelId") != ChannelID {
			WriteError(w, http.StatusNotFound, "channelNotFound", "The channel specified in the allThreadsRelatedToChannelId parameter could not be found.")
			return
		}
		items, next, ok = s.threads(r, now)
	default:
		http.NotFound(w, r)
		return
	}
	if !ok {
		WriteError(w, http.StatusBadRequest, "invalidPageToken", "The request specifies an invalid page token.")
		return
	}
	out := object{"kind": "youtube#" + strings.TrimSuffix(resource, "s") + "ListResponse", "etag": "e1", "items": items, "pageInfo": object{"totalResults": len(items), "resultsPerPage": len(items)}}
	if items == nil {
		delete(out, "items") // as YouTube does for channels
	}
	if next != "" {
		out["nextPageToken"] = next
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_ = json.NewEncoder(w).Encode(out)
}

func (s *Server) handle() string {
	snippet, _ := s.channel["snippet"].(object)
	name, _ := snippet["customUrl"].(string)
	return strings.TrimPrefix(name, "@")
}

// shown reports whether who asks may see a video.
func (v *Video) shown(owner bool) bool { return owner || v.Privacy != "private" }

func (s *Server) uploads(r *http.Request, owner bool, now time.Time) ([]any, string, bool) {
	var list []*Video
	for _, v := range slices.Backward(s.videos) {
		if v.Visible.After(now) || !owner && v.Privacy != "" && v.Privacy != "public" {
			continue
		}
		list = append(list, v)
		if v.Twice {
			list = append(list, v)
		}
	}
	from, to, next, ok := page(r, len(list), 5, 50)
	list = slices.Clone(list[from:to])
	if s.opts.Shuffle != 0 {
		s.dice.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	items := []any{}
	for _, v := range list {
		items = append(items, object{
			"kind": "youtube#playlistItem", "etag": "p1", "id": "VVV" + v.ID,
			"contentDetails": object{"videoId": v.ID, "videoPublishedAt": v.At.Format(time.RFC3339)},
		})
	}
	return items, next, ok
}

func (s *Server) list(ids []string, owner bool, now time.Time) []any {
	items := []any{}
	for _, v := range s.videos {
		if !slices.Contains(ids, v.ID) || !v.shown(owner) || v.Visible.After(now) {
			continue
		}
		items = append(items, v.wire())
	}
	return items
}

func (v *Video) wire() object {
	snippet := object{
		"publishedAt": v.At.Format(time.RFC3339), "channelId": ChannelID, "channelTitle": "Acme",
		"title": v.Title, "description": v.Description, "categoryId": "22", "liveBroadcastContent": "none",
		"thumbnails": object{"default": object{"url": "https://i.ytimg.example/vi/" + v.ID + "/default.jpg"}},
	}
	if v.Broken {
		snippet["publishedAt"] = v.At.Unix()
	}
	if len(v.Tags) > 0 {
		snippet["tags"] = v.Tags
	}
	if v.Lang != "" {
		snippet["defaultLanguage"] = v.Lang
	}
	out := object{"kind": "youtube#video", "etag": "v1", "id": v.ID, "snippet": snippet}
	if v.Live != "" {
		snippet["liveBroadcastContent"] = v.Live
		live := object{"scheduledStartTime": v.At.Format(time.RFC3339)}
		if !v.Started.IsZero() {
			live["actualStartTime"] = v.Started.UTC().Format(time.RFC3339)
			live["concurrentViewers"] = "812"
		}
		out["liveStreamingDetails"] = live
	}
	privacy := v.Privacy
	if privacy == "" {
		privacy = "public"
	}
	out["status"] = object{"uploadStatus": "processed", "privacyStatus": privacy, "license": "youtube", "embeddable": true, "publicStatsViewable": true, "madeForKids": false}
	return out
}

func (s *Server) threads(r *http.Request, now time.Time) ([]any, string, bool) {
	list := slices.Clone(s.comments)
	slices.SortStableFunc(list, func(x, y Comment) int { return y.At.Compare(x.At) })
	from, to, next, ok := page(r, len(list), 20, 100)
	items := []any{}
	for _, c := range list[from:to] {
		thread := object{
			"kind": "youtube#commentThread", "etag": "t1", "id": c.ID,
			"snippet": object{
				"channelId": ChannelID, "videoId": c.Video, "canReply": true, "isPublic": true, "totalReplyCount": len(c.Replies),
				"topLevelComment": c.wire(""),
			},
		}
		var replies []any
		for _, reply := range c.Replies {
			reply.Video = c.Video
			if reply.At.IsZero() {
				reply.At = now
			}
			replies = append(replies, reply.wire(c.ID))
		}
		if replies != nil {
			thread["replies"] = object{"comments": replies}
		}
		items = append(items, thread)
	}
	return items, next, ok
}

func (c Comment) wire(parent string) object {
	at := c.At.UTC().Format(time.RFC3339)
	snippet := object{
		"channelId": ChannelID, "videoId": c.Video, "textDisplay": c.Text, "textOriginal": c.Text, "authorDisplayName": c.Name,
		"authorChannelId": object{"value": c.Author}, "canRate": true, "viewerRating": "none", "likeCount": 3,
		"publishedAt": at, "updatedAt": at,
	}
	if parent != "" {
		snippet["parentId"] = parent
	}
	return object{"kind": "youtube#comment", "etag": "m1", "id": c.ID, "snippet": snippet}
}

// WriteError writes an error as the API does.
func WriteError(w http.ResponseWriter, status int, reason, message string) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"error": object{
		"code": status, "message": message,
		"errors": []any{object{"message": message, "domain": "youtube.quota", "reason": reason}},
	}})
}

// Fault makes answers go wrong.
type Fault struct {
	// Resource is what it meets: "videos", "token"; empty all.
	Resource string
	Status   int
	// Reason and Message make the API's error; Body stands in place of both.
	Reason, Message, Body string
	Header                map[string]string
	// Paged meets requests of a next page only; Times ends it after that many, 0
	// goes on until Heal.
	Paged bool
	Times int

	seen int
}

// AddFault makes answers go wrong from the next request on.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Heal ends all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Server) fault(resource string, r *http.Request) *Fault {
	for _, f := range s.faults {
		if f.Resource != "" && f.Resource != resource || f.Paged && r.URL.Query().Get("pageToken") == "" || f.Times > 0 && f.seen >= f.Times {
			continue
		}
		f.seen++
		return f
	}
	return nil
}

func (f *Fault) write(w http.ResponseWriter) {
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	if f.Body == "" {
		WriteError(w, f.Status, f.Reason, f.Message)
		return
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(f.Body))
}
