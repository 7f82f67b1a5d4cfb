package bluesky

import (
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

const (
	// maxRaw bounds a record that is kept as it is.
	maxRaw = 16 << 10
	// maxList bounds links, mentions and tags of one record; Bluesky's own
	// limits of a post are far below.
	maxList = 100
	// lying is how far createdAt may be from when the server took the record
	// before the record itself is kept to show it.
	lying = time.Hour
)

// translate maps a record of the account, and notes one that cannot be mapped.
func (r *round) translate(collection string, rec *record, at time.Time) (activity.Activity, bool) {
	a := r.activity(activity.KindPost, uri(r.st.DID, collection, rec.key), at)
	if err := rec.into(&a, collection, r.st.DID, r.st.Server); err != nil {
		r.page.Malformed = append(r.page.Malformed, &collectors.Malformed{Field: a.ID, Err: err})
		return a, false
	}
	return a, true
}

// into maps a post or a repost of the account with this DID. Without the server
// that holds its media, they have no address.
func (rec *record) into(a *activity.Activity, collection, did, server string) error {
	if err := rec.check(collection); err != nil {
		return err
	}
	if collection == collectionRepost {
		var subject ref
		rec.read("subject", &subject)
		a.Kind, a.Object = activity.KindRepost, bounded(subject.URI)
	} else {
		rec.fill(a, did, server)
		if a.ReplyTo != "" {
			a.Kind = activity.KindReply
		}
	}
	if claimed := rec.created(); !claimed.IsZero() && claimed.Sub(a.Time).Abs() > lying && len(rec.Value) <= maxRaw {
		a.Raw = rec.Value
	}
	return nil
}

// fill puts into a what a post says. Author is whose post it is.
func (rec *record) fill(a *activity.Activity, author, server string) {
	a.Text = collectors.Clip(rec.text("text"), activity.MaxText)
	var langs []string
	if rec.read("langs", &langs) && len(langs) > 0 {
		a.Lang = collectors.Clip(langs[0], 64)
	}
	var to reply
	if rec.read("reply", &to) {
		a.ReplyTo = bounded(to.Parent.URI)
	}
	var tags []string
	rec.read("tags", &tags)
	for _, tag := range tags {
		a.Hashtags = appendNew(a.Hashtags, tag)
	}
	var facets []json.RawMessage
	rec.read("facets", &facets)
	for _, data := range facets {
		var f facet
		if json.Unmarshal(data, &f) == nil { // else as good as absent
			addFacet(a, &f)
		}
	}
	var e embed
	if rec.read("embed", &e) {
		a.Object = bounded(e.quoted())
		e.hang(a, author, server)
		if e.Media != nil {
			e.Media.hang(a, author, server)
		}
	}
	for _, link := range a.Links {
		if u, err := url.Parse(link); err == nil {
			a.LinkDomains = appendNew(a.LinkDomains, strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")))
		}
	}
}

// addFacet adds what a stretch of the text stands for. It names people by their
// DID; their handle is what the text says.
func addFacet(a *activity.Activity, f *facet) {
	for _, feature := range f.Features {
		switch feature.Type {
		case "app.bsky.richtext.facet#link":
			a.Links = appendNew(a.Links, feature.URI)
		case "app.bsky.richtext.facet#tag":
			a.Hashtags = appendNew(a.Hashtags, feature.Tag)
		case "app.bsky.richtext.facet#mention":
			a.Mentions = appendNew(a.Mentions, mentionOf(a.Text, f, feature.DID))
		}
	}
}

func mentionOf(text string, f *facet, did string) string {
	if f.Index.Start >= 0 && f.Index.Start < f.Index.End && f.Index.End <= len(text) {
		if h, err := syntax.ParseHandle(strings.TrimPrefix(text[f.Index.Start:f.Index.End], "@")); err == nil {
			return h.Normalize().String()
		}
	}
	return did
}

// hang puts pictures, films and links into an activity.
func (e *embed) hang(a *activity.Activity, author, server string) {
	if e.External.URI != "" {
		a.Links = appendNew(a.Links, e.External.URI)
	}
	add := func(b *blob, kind string) {
		if b.Ref.Link == "" || len(a.Media) >= maxList {
			return
		}
		if b.Mime == "image/gif" {
			kind = "gif"
		}
		m := activity.Media{Hash: hashOf(b.Ref.Link), Type: kind}
		if server != "" {
			query := url.Values{"did": {author}, "cid": {b.Ref.Link}}
			m.URL = server + "/xrpc/com.atproto.sync.getBlob?" + query.Encode()
		}
		a.Media = append(a.Media, m)
	}
	for i := range e.Images {
		add(&e.Images[i].Image, "image")
	}
	if e.Video != nil {
		add(e.Video, "video")
	}
}

// rawSHA256 begins the bytes of a CID of plain bytes by their SHA-256 hash:
// version 1, codec raw, hash function and length.
const rawSHA256 = "\x01\x55\x12\x20"

// hashOf returns the content hash that a blob's CID holds, and the CID itself
// where it is of another kind.
func hashOf(cid string) string {
	if text, ok := strings.CutPrefix(cid, "b"); ok {
		data, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(text))
		if digest, ok := strings.CutPrefix(string(data), rawSHA256); err == nil && ok && len(digest) == 32 {
			return "sha256:" + hex.EncodeToString([]byte(digest))
		}
	}
	return collectors.Clip(cid, maxCID)
}

func appendNew(list []string, s string) []string {
	if s == "" || len(list) >= maxList || slices.Contains(list, s) {
		return list
	}
	return append(list, collectors.Clip(s, 2048))
}
