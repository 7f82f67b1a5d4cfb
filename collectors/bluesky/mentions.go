package bluesky

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// notification is one of app.bsky.notification.listNotifications.
type notification struct {
	URI    string `json:"uri"`
	CID    string `json:"cid"`
	Reason string `json:"reason"`
	Author struct {
		DID    string `json:"did"`
		Handle string `json:"handle"`
	} `json:"author"`
	Record  json.RawMessage `json:"record"`
	Indexed string          `json:"indexedAt"`

	at time.Time // of Indexed
}

// beginMentions notes from when on mentions are read: the connection. There is
// no history of others' posts.
func (r *round) beginMentions() {
	if r.c.cfg.Mentions && r.st.Mention.Since == 0 {
		r.st.Mention.Since = max(1, r.clock().Add(-r.c.cfg.Overlap).UnixMilli())
	}
}

// mentions reads one page of notifications, and ends or goes on with its walk.
func (r *round) mentions() error {
	l := &r.st.Mention
	var w list
	if l.Walk != nil {
		w = *l.Walk
	}
	params := map[string]any{"limit": pageSize, "reasons": []string{"mention", "reply", "quote"}}
	if w.Max != "" {
		params["cursor"] = w.Max
	}
	var answer struct {
		Items  []json.RawMessage `json:"notifications"`
		Cursor string            `json:"cursor"`
	}
	r.ctx = collectors.ForMentions(r.ctx)
	if err := r.authed("app.bsky.notification.listNotifications", params, &answer); err != nil {
		if limited, ok := errors.AsType[*collectors.RateLimited](err); ok {
			if _, answered := errors.AsType[*APIError](err); !answered {
				r.page.Behind = limited // kept for the account itself
			}
		}
		return r.failed("mentions", err)
	}
	now := r.clock()
	if w.Pages == 0 {
		w.Start = now.UnixMilli()
	}
	w.Pages++
	for i, data := range answer.Items {
		n, err := readNotification(data)
		if err != nil {
			r.page.Malformed = append(r.page.Malformed, &collectors.Malformed{
				Field: fmt.Sprintf("app.bsky.notification.listNotifications notifications[%d]", i), Err: err,
			})
			continue
		}
		at := n.at.UnixMilli()
		w.Top = max(w.Top, min(at, w.Start)) // what claims to be of the future hides nothing
		if w.Low == 0 || at < w.Low {
			w.Low = at
		}
		r.mention(l, n, at <= w.Start)
	}
	if len(answer.Cursor) > maxOpaque || answer.Cursor != "" && answer.Cursor == w.Max {
		return r.failed("mentions", &collectors.Malformed{
			Field: "app.bsky.notification.listNotifications cursor", Err: errors.New("is too long, or leads to the same page"),
		})
	}
	w.Max = answer.Cursor
	switch {
	case w.Max == "", w.Low != 0 && w.Low <= l.Since:
	case w.Pages >= r.c.maxPages:
		r.fresh, r.page.Gap = true, &collectors.Gap{
			From: time.UnixMilli(l.Since).UTC(), Until: time.UnixMilli(w.Low).UTC(),
			Reason: "there were more mentions than are read since the last poll; poll more often",
		}
	default:
		l.Walk = &w
		return nil
	}
	l.Since = max(l.Since, w.Start-r.c.cfg.Overlap.Milliseconds())
	l.Mark = max(l.Mark, w.Top)
	l.Walk = nil
	return nil
}

func readNotification(data json.RawMessage) (*notification, error) {
	n := &notification{}
	if err := json.Unmarshal(data, n); err != nil {
		return nil, err
	}
	if n.at = parseTime(n.Indexed); n.at.IsZero() {
		return nil, errors.New("indexedAt: want a time")
	}
	if at, err := syntax.ParseATURI(n.URI); err != nil || !isKey(at.RecordKey().String()) || len(n.URI) > activity.MaxID {
		return nil, errors.New("uri: want an at:// URI of a record")
	}
	return n, nil
}

// mention hands over a post of somebody else that mentions, answers or quotes
// the account. Its time is when the app view took it, which a post that claims
// another time cannot change. Come says that this time is not in the future.
func (r *round) mention(l *mentioned, n *notification, come bool) {
	switch n.Reason {
	case "mention", "reply", "quote":
	default:
		return // servers that do not know the filter send all reasons
	}
	if n.at.UnixMilli() <= l.Since {
		return
	}
	a := r.activity(activity.KindMention, n.URI, n.at)
	rec := newRecord(listed{URI: n.URI, CID: n.CID, Value: n.Record}, "mention")
	rec.fill(&a, n.Author.DID, r.st.Server)
	a.Actor = or(n.Author.Handle, n.Author.DID)
	if a.Actor == "handle.invalid" {
		a.Actor = n.Author.DID
	}
	a.Actor = collectors.Clip(a.Actor, maxDID)
	r.emit(&a, come && n.at.UnixMilli() > l.Mark)
}
