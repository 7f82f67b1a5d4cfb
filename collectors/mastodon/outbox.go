package mastodon

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// public is whom an activity of ActivityPub is addressed to that everybody may
// read.
const public = "https://www.w3.org/ns/activitystreams#Public"

// outboxItem is an item of outbox.json in an account's archive: an ActivityPub
// activity as app/serializers/activitypub of Mastodon writes it.
type outboxItem struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"` // "Create" or "Announce"
	Published string          `json:"published"`
	Object    json.RawMessage `json:"object"` // a boost's may be an address alone
}

// note is what a status is in ActivityPub: a Note, or a Question with a poll.
type note struct {
	ID         string            `json:"id"`
	Summary    string            `json:"summary"`
	InReplyTo  string            `json:"inReplyTo"`
	Published  string            `json:"published"`
	To         addressees        `json:"to"`
	CC         addressees        `json:"cc"`
	Content    string            `json:"content"`
	ContentMap map[string]string `json:"contentMap"`
	Attachment []struct {
		MediaType string `json:"mediaType"`
		URL       string `json:"url"`
	} `json:"attachment"`
	Tag []struct {
		Type string `json:"type"`
		Name string `json:"name"`
	} `json:"tag"`
}

// addressees are addresses, one of which may stand alone; another form is as
// good as none.
type addressees []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *addressees) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = addressees{one}
		return nil
	}
	var all []json.RawMessage
	_ = json.Unmarshal(data, &all) // else none
	for _, raw := range all {
		if json.Unmarshal(raw, &one) == nil {
			*a = append(*a, one)
		}
	}
	return nil
}

// ErrNoPost says that an item of an archive is no post of the account.
var ErrNoPost = errors.New("is no post")

// Outbox maps an item of outbox.json in the archive that a server gives to the
// owner of an account, as Poll maps the status that it is, under the same id.
// What the archive does not say stays empty: the application, the ids of media,
// and of a boost everything but that it was one. Network and Account are the
// caller's to set. What is neither a post nor a boost is ErrNoPost.
func Outbox(data []byte) (activity.Activity, error) {
	var it outboxItem
	if err := json.Unmarshal(data, &it); err != nil {
		return activity.Activity{}, fmt.Errorf("expected an activity (an object): %w", err)
	}
	at, err := time.Parse(time.RFC3339, it.Published)
	if err != nil {
		return activity.Activity{}, fmt.Errorf("published: %.40q is not a time; expected one such as 2026-01-08T08:00:00Z", it.Published)
	}
	a := activity.Activity{Time: at.UTC()}
	switch it.Type {
	case "Announce":
		a.Kind = activity.KindRepost
		a.ID, err = statusID(strings.TrimSuffix(it.ID, "/activity"))
		return a, err
	case "Create":
		return a, it.create(&a)
	}
	return a, fmt.Errorf("type %.40q: %w", it.Type, ErrNoPost)
}

// create maps a status of the account's own.
func (it *outboxItem) create(a *activity.Activity) error {
	var n note
	if err := json.Unmarshal(it.Object, &n); err != nil {
		return fmt.Errorf("object: expected a note (an object): %w", err)
	}
	id, err := statusID(n.ID)
	if err != nil {
		return fmt.Errorf("object: %w", err)
	}
	a.ID, a.Kind = id, activity.KindPost
	switch {
	case n.direct():
		a.Kind = activity.KindMessage
	case n.InReplyTo != "":
		a.Kind = activity.KindReply
	}
	a.ReplyTo = n.inReplyTo()
	if len(n.ContentMap) == 1 {
		for lang := range n.ContentMap {
			a.Lang = lang
		}
	}
	home := hostOf(n.ID)
	for _, t := range n.Tag {
		switch t.Type {
		case "Mention": // Mastodon's API leaves out the server that it is itself
			a.Mentions = appendNew(a.Mentions, strings.TrimSuffix(strings.TrimPrefix(t.Name, "@"), "@"+home))
		case "Hashtag":
			a.Hashtags = appendNew(a.Hashtags, strings.TrimPrefix(t.Name, "#"))
		}
	}
	c := content{html: n.Content, warning: n.Summary}
	fill(a, c)
	for _, m := range n.Attachment {
		kind, _, _ := strings.Cut(m.MediaType, "/")
		if kind == "image" || kind == "video" || kind == "audio" {
			a.Media = append(a.Media, activity.Media{Type: kind, URL: m.URL})
		}
	}
	return nil
}

// direct reports whether only those named may read it.
func (n *note) direct() bool {
	for _, who := range slices.Concat(n.To, n.CC) {
		if who == public || strings.HasSuffix(who, "/followers") {
			return false
		}
	}
	return len(n.To)+len(n.CC) > 0
}

// inReplyTo is the id of the post that is answered, where it is of the same
// server; else its address, since the server's own id of it is not told.
func (n *note) inReplyTo() string {
	if n.InReplyTo == "" || hostOf(n.InReplyTo) != hostOf(n.ID) {
		return n.InReplyTo
	}
	if id, err := statusID(n.InReplyTo); err == nil {
		return id
	}
	return n.InReplyTo
}

// statusID takes a status's id out of its address, which ends in it.
func statusID(address string) (string, error) {
	id := address[strings.LastIndexByte(address, '/')+1:]
	if id == "" || strings.Trim(id, "0123456789") != "" || len(id) > 32 {
		return "", fmt.Errorf("id %.80q: expected the address of a status, which ends in its number", address)
	}
	return id, nil
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}
