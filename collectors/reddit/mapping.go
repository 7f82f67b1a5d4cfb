package reddit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Kinds of things, as Reddit names them.
const (
	kindComment    = "t1"
	kindSubmission = "t3"
	kindMessage    = "t4"
	kindModAction  = "modaction"
)

// thing is what is read of a submission or a comment.
type thing struct {
	kind string
	place
	wire
	edited int64 // when, 0 where it was not or Reddit does not say
}

// wire is a submission (t3) or a comment (t1) as Reddit writes it. Numbers and
// truths that Reddit also writes as another type stay raw.
type wire struct {
	ID        string          `json:"id"`
	Author    *string         `json:"author"`
	Subreddit string          `json:"subreddit"`
	Created   float64         `json:"created_utc"`
	Edited    json.RawMessage `json:"edited"`    // false, a time, or true for very old ones
	BannedBy  json.RawMessage `json:"banned_by"` // null, true, or a moderator's name
	Pinned    bool            `json:"pinned"`    // to the profile: it stands before newer ones

	Title     string `json:"title"`
	Selftext  string `json:"selftext"`
	IsSelf    bool   `json:"is_self"`
	URL       string `json:"url"`
	IsVideo   bool   `json:"is_video"`
	Hint      string `json:"post_hint"`
	Gallery   bool   `json:"is_gallery"`
	Metadata  images `json:"media_metadata"`
	NSFW      bool   `json:"over_18"`
	Flair     string `json:"link_flair_text"`
	Crosspost string `json:"crosspost_parent"`    // name of what it repeats
	RemovedBy string `json:"removed_by_category"` // null where it stands

	Body     string `json:"body"`
	ParentID string `json:"parent_id"`
}

// images are those of a gallery, by Reddit's key; another form is as good as
// none.
type images map[string]struct {
	Type string `json:"e"` // "Image", "AnimatedImage", "RedditVideo"
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *images) UnmarshalJSON(data []byte) error {
	var all map[string]struct {
		Type string `json:"e"`
	}
	if json.Unmarshal(data, &all) == nil {
		*m = all
	}
	return nil
}

// What Reddit writes in place of what was taken away.
const (
	deleted = "[deleted]"
	removed = "[removed]"
	// unavailable stands, with [deleted] as its author, for what somebody wrote
	// who blocks the account that asks; all others see it.
	unavailable = "[unavailable]"
)

// author is who took an item away where that was its author. The others are
// Reddit's words: "moderator", "automod_filtered", "reddit", "copyright_takedown".
const author = "author"

// readThing maps a submission or a comment of the account.
func readThing(raw json.RawMessage, name string) (*thing, error) {
	var it struct {
		Kind string `json:"kind"`
		Data wire   `json:"data"`
	}
	if err := json.Unmarshal(raw, &it); err != nil {
		return nil, err
	}
	if it.Kind != kindSubmission && it.Kind != kindComment {
		return nil, fmt.Errorf("kind %q; want t3, a submission, or t1, a comment", collectors.Clip(plain(it.Kind), 40))
	}
	t := &thing{kind: it.Kind, wire: it.Data}
	if !isID(t.wire.ID) || len(t.wire.ID) > maxThing {
		return nil, fmt.Errorf("id %q; want one such as 1abc23", collectors.Clip(plain(t.wire.ID), 40))
	}
	at, err := checkTime(t.Created)
	if err != nil {
		return nil, fmt.Errorf("created_utc: %w", err)
	}
	if t.Author == nil {
		return nil, errors.New("author: missing; want a name, or " + deleted)
	}
	if *t.Author != deleted && !strings.EqualFold(*t.Author, name) {
		return nil, fmt.Errorf("author %q; want %s", collectors.Clip(plain(*t.Author), 40), name)
	}
	if *t.Author == deleted && strings.TrimSpace(t.Selftext+t.Body) == unavailable {
		return nil, errors.New("author: Reddit hides it, since the account blocks the one that the grant is of; give a grant of the account's own")
	}
	t.place = place{At: at, ID: t.wire.ID}
	var edited float64
	if json.Unmarshal(t.Edited, &edited) == nil {
		if at, err := checkTime(edited); err == nil {
			t.edited = at
		}
	}
	return t, nil
}

// name is the thing's in the API: kind and id.
func (t *thing) name() string { return t.kind + "_" + t.place.ID }

// gone returns who took the thing away, empty where it stands.
func (t *thing) gone() string {
	text := strings.TrimSpace(t.Selftext + t.Body)
	switch by := wordOf(t.RemovedBy); {
	case by == "deleted" || by == author:
		return author
	case by != "":
		return by
	case *t.Author == deleted && text == removed:
		return "moderator"
	case *t.Author == deleted: // or the whole account; its profile tells
		return author
	case text == removed:
		return "moderator"
	case byReddit(text):
		return "reddit"
	case t.bannedBy() && t.kind == kindComment:
		return "moderator"
	}
	return ""
}

// wordOf returns one of Reddit's words for who took something away.
func wordOf(s string) string {
	word := strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
	if word == "" && s != "" {
		return "unknown"
	}
	return collectors.Clip(word, maxGone)
}

// byReddit reports whether a text is the whole of what Reddit writes in place of
// what it removed. An author can begin a text with it, too.
func byReddit(text string) bool {
	switch strings.ToLower(text) {
	case "[ removed by reddit ]",
		"[ removed by reddit on account of violating the [content policy](/help/contentpolicy). ]":
		return true
	}
	return false
}

// bannedBy reports whether a moderator is told that a moderator or a filter took
// the thing away.
func (t *thing) bannedBy() bool {
	s := strings.TrimSpace(string(t.BannedBy))
	return s == "true" || strings.HasPrefix(s, `"`) && s != `""` // another form says nothing
}

// text is what the thing says; a title cannot be edited.
func (t *thing) text() string {
	if t.kind == kindComment {
		return plain(t.Body)
	}
	return plain(t.Title + "\n\n" + t.Selftext)
}

// watched is what is remembered of the thing.
func (t *thing) watched() watched {
	return watched{place: t.place, Text: collectors.Digest(t.text())}
}

// activity returns an activity with what the thing shows. A submission that
// repeats another one is a repost of it, and a comment a reply.
func (t *thing) activity() activity.Activity {
	a := activity.Activity{ID: t.name(), Kind: activity.KindPost, Time: timeOf(t.At)}
	fill(&a, t.text())
	switch {
	case t.kind == kindComment:
		a.Kind = activity.KindReply
		if isName(t.ParentID) {
			a.ReplyTo = t.ParentID
		}
	case isName(t.Crosspost):
		a.Kind, a.Object = activity.KindRepost, t.Crosspost
	}
	if t.kind == kindSubmission {
		t.hang(&a)
	}
	nsfw := ""
	if t.NSFW {
		nsfw = "true"
	}
	a.Profile = fieldsOf("flair", collectors.Clip(plain(t.Flair), 100), "nsfw", nsfw, "subreddit", collectors.Clip(plain(t.Subreddit), 60), "title", collectors.Clip(plain(t.Title), 1200))
	return a
}

// hang adds the link and the pictures of a submission. Reddit's own address of
// what it repeats is no link.
func (t *thing) hang(a *activity.Activity) {
	u, err := url.Parse(plain(t.URL))
	if err == nil && u.Host != "" && !t.IsSelf && !t.Gallery && t.Crosspost == "" && len(t.URL) <= 8000 {
		a.Links = appendNew(a.Links, u.String())
	}
	switch {
	case t.Gallery:
		for _, key := range slices.Sorted(maps.Keys(t.Metadata)) {
			kind := "image"
			switch t.Metadata[key].Type {
			case "RedditVideo":
				kind = "video"
			case "AnimatedImage":
				kind = "gif"
			}
			a.Media = append(a.Media, activity.Media{Hash: collectors.Clip(plain(key), 100), Type: kind})
		}
		a.Media = a.Media[:min(len(a.Media), maxEach)]
	case err != nil || u.Host == "" || t.Crosspost != "":
	case t.IsVideo:
		a.Media = []activity.Media{{Hash: collectors.Clip(path.Base(u.Path), 100), Type: "video", URL: u.String()}}
	case t.Hint == "image" || strings.EqualFold(u.Hostname(), "i.redd.it"):
		kind := "image"
		if strings.EqualFold(path.Ext(u.Path), ".gif") {
			kind = "gif"
		}
		a.Media = []activity.Media{{Hash: collectors.Clip(path.Base(u.Path), 100), Type: kind, URL: u.String()}}
	}
}

// isName reports whether s is the name of a thing, "t3_1abc23".
func isName(s string) bool {
	kind, id, ok := strings.Cut(s, "_")
	return ok && len(kind) == 2 && kind[0] == 't' && isID(id)
}

func fieldsOf(pairs ...string) []activity.Field {
	var out []activity.Field
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, activity.Field{Name: pairs[i], Value: pairs[i+1]})
		}
	}
	return out
}

// edit returns an edit of a thing; known has counted it. Reddit tells when a
// text was edited last, unless that was within minutes of its beginning.
func (t *thing) edit(known *watched, seen int64) activity.Activity {
	a := t.activity()
	a.ID = fmt.Sprintf("%s.%d-%s", t.name(), known.Edits, collectors.Digest(t.text()))
	a.Kind, a.Object = activity.KindEdit, t.name()
	a.Time = timeOf(seen)
	if t.edited >= t.At && t.edited <= seen {
		a.Time = timeOf(t.edited)
	}
	return a
}

// note is what somebody else wrote to the account, as its inbox has it.
type note struct {
	Name      string  `json:"name"` // "t1_k3x9"
	Author    *string `json:"author"`
	Dest      string  `json:"dest"` // whose inbox it is
	Body      string  `json:"body"`
	Type      string  `json:"type"` // "username_mention", "comment_reply", "post_reply"
	Created   float64 `json:"created_utc"`
	ParentID  string  `json:"parent_id"`
	Subreddit string  `json:"subreddit"`
	LinkTitle string  `json:"link_title"`

	place   place
	message bool // a private one
}

// readNote maps an item of the inbox. It is nil, with its place, where that is a
// private message, which is not read.
func readNote(raw json.RawMessage) (*activity.Activity, *note, error) {
	var it struct {
		Kind string `json:"kind"`
		Data note   `json:"data"`
	}
	if err := json.Unmarshal(raw, &it); err != nil {
		return nil, nil, err
	}
	n := &it.Data
	n.message = it.Kind == kindMessage
	if !isName(n.Name) {
		return nil, nil, fmt.Errorf("name %q; want one such as t1_k3x9", collectors.Clip(plain(n.Name), 40))
	}
	at, err := checkTime(n.Created)
	if err != nil {
		return nil, nil, fmt.Errorf("created_utc: %w", err)
	}
	_, id, _ := strings.Cut(n.Name, "_")
	n.place = place{At: at, ID: id}
	if n.message {
		return nil, n, nil
	}
	a := &activity.Activity{ID: n.Name, Kind: activity.KindMention, Time: timeOf(at)}
	if n.Author != nil && *n.Author != deleted {
		a.Actor = collectors.Clip(plain(*n.Author), 100)
	}
	if isName(n.ParentID) {
		a.ReplyTo = n.ParentID
	}
	fill(a, n.Body)
	a.Profile = fieldsOf("subreddit", collectors.Clip(plain(n.Subreddit), 60), "title", collectors.Clip(plain(n.LinkTitle), 1200), "type", collectors.Clip(plain(n.Type), 40))
	return a, n, nil
}

// modAction is one action in a log of moderators.
type modAction struct {
	ID        string  `json:"id"` // "ModAction_4e2b4b2e-…"
	Action    string  `json:"action"`
	Mod       string  `json:"mod"`
	Target    string  `json:"target_author"`
	Details   string  `json:"details"` // rights, or "remove"
	Subreddit string  `json:"subreddit"`
	Created   float64 `json:"created_utc"`

	place place
}

// changes are the actions that change who moderates, and what of it they change.
func changes(action string) string {
	switch action {
	case "addmoderator", "acceptmoderatorinvite":
		return "role_granted"
	case "removemoderator":
		return "role_revoked"
	case "invitemoderator", "uninvitemoderator", "setpermissions", "reordermoderators":
		return "role_changed"
	}
	return ""
}

// readModAction maps an action of a moderator. It is nil, with its place, where
// the action does not change who moderates.
func readModAction(raw json.RawMessage) (*activity.Activity, *modAction, error) {
	var it struct {
		Kind string          `json:"kind"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(raw, &it); err != nil {
		return nil, nil, err
	}
	if it.Kind != kindModAction {
		return nil, nil, fmt.Errorf("kind %q; want %s", collectors.Clip(plain(it.Kind), 40), kindModAction)
	}
	m := &modAction{}
	if err := json.Unmarshal(it.Data, m); err != nil {
		return nil, nil, err
	}
	_, id, _ := strings.Cut(m.ID, "_")
	if id = strings.ToLower(id); !isID(id) {
		return nil, nil, fmt.Errorf("id %q; want one such as ModAction_4e2b4b2e-91a1-11ef-b1a4-0e5d8a8e0d53", collectors.Clip(plain(m.ID), 60))
	}
	at, err := checkTime(m.Created)
	if err != nil {
		return nil, nil, fmt.Errorf("created_utc: %w", err)
	}
	m.place = place{At: at, ID: id}
	changed := changes(m.Action)
	if changed == "" {
		return nil, m, nil
	}
	member := m.Target
	if m.Action == "acceptmoderatorinvite" && member == "" {
		member = m.Mod
	}
	a := &activity.Activity{
		ID: "ModAction_" + id, Kind: activity.KindRoleChange, Time: timeOf(at), Actor: collectors.Clip(plain(m.Mod), 100), Changed: []string{changed},
		Profile: fieldsOf("action", m.Action, "member", collectors.Clip(plain(member), 100), "roles", collectors.Clip(plain(m.Details), 500), "subreddit", collectors.Clip(plain(m.Subreddit), 60)),
		Raw:     it.Data,
	}
	return a, m, nil
}
