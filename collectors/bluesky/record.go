package bluesky

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/picketd/picket/collectors"
)

// listed is one record as listRecords and getRecord give it.
type listed struct {
	URI   string          `json:"uri"`
	CID   string          `json:"cid"`
	Value json.RawMessage `json:"value"`
}

// record is a record that can be told apart from others.
type record struct {
	listed
	key    string // see kept
	fields map[string]json.RawMessage
}

const maxCID = 256

// record checks that a record is of the account and the collection that were
// asked for.
func (l listed) record(did, collection string) (*record, error) {
	key, ok := strings.CutPrefix(l.URI, "at://"+did+"/"+collection+"/")
	switch {
	case !ok:
		return nil, fmt.Errorf("uri is %q; want one of %s of %s", collectors.Clip(l.URI, maxWords), collection, did)
	case !isKey(key):
		return nil, errors.New("uri has no record key")
	case l.CID == "" || len(l.CID) > maxCID:
		return nil, fmt.Errorf("cid of %d bytes; want 1 to %d", len(l.CID), maxCID)
	}
	return newRecord(l, key), nil
}

func newRecord(l listed, key string) *record {
	rec := &record{listed: l, key: kept(key)}
	_ = json.Unmarshal(l.Value, &rec.fields) // what is no object has no fields, see check
	return rec
}

// check refuses what Bluesky would not show as a record of the collection.
func (rec *record) check(collection string) error {
	if rec.fields == nil {
		return errors.New("value is no object")
	}
	if got := rec.text("$type"); got != collection {
		return fmt.Errorf("$type is %q; want %s", collectors.Clip(got, maxDID), collection)
	}
	var s string
	switch collection {
	case collectionPost:
		if err := json.Unmarshal(rec.fields["text"], &s); err != nil {
			return fmt.Errorf("text: %w", err)
		}
	case collectionRepost:
		var subject ref
		if !rec.read("subject", &subject) || subject.URI == "" {
			return errors.New("subject: uri is missing")
		}
	}
	return nil
}

// read decodes a field into out and reports whether that could be done. Fields
// of another form than documented are as good as absent: whoever writes them
// shall not hide the record with them.
func (rec *record) read(name string, out any) bool {
	data, ok := rec.fields[name]
	return ok && json.Unmarshal(data, out) == nil
}

// text returns a field's text, empty where it has none.
func (rec *record) text(name string) string {
	var s string
	rec.read(name, &s)
	return s
}

// created returns what the client says of when the record was made, zero where
// it says nothing sensible.
func (rec *record) created() time.Time {
	return parseTime(rec.text("createdAt"))
}

func parseTime(s string) time.Time {
	t, err := syntax.ParseDatetimeLenient(s)
	if err != nil || !sensible(t.Time()) {
		return time.Time{}
	}
	return t.Time().UTC()
}

// uri names a record, as reply_to and object of other activities do.
func uri(did, collection, key string) string {
	return "at://" + did + "/" + collection + "/" + key
}

// The parts of records, of app.bsky.feed.post, app.bsky.richtext.facet and
// app.bsky.embed.*, as far as they are read.

type ref struct {
	URI string `json:"uri"`
}

type reply struct {
	Parent ref `json:"parent"`
}

type facet struct {
	Index struct {
		Start int `json:"byteStart"`
		End   int `json:"byteEnd"`
	} `json:"index"`
	Features []struct {
		Type string `json:"$type"`
		URI  string `json:"uri"`
		DID  string `json:"did"`
		Tag  string `json:"tag"`
	} `json:"features"`
}

type blob struct {
	Ref struct {
		Link string `json:"$link"`
	} `json:"ref"`
	Mime string `json:"mimeType"`
}

// embed is any embed: each type has some of its fields. Record is a ref, and in
// a recordWithMedia an embed itself.
type embed struct {
	Type   string `json:"$type"`
	Images []struct {
		Image blob `json:"image"`
	} `json:"images"`
	Video    *blob           `json:"video"`
	External ref             `json:"external"`
	Record   json.RawMessage `json:"record"`
	Media    *embed          `json:"media"`
}

// quoted returns the uri of the post that is quoted, "" if there is none.
func (e *embed) quoted() string {
	var direct ref
	var inner struct {
		Record ref `json:"record"`
	}
	if json.Unmarshal(e.Record, &direct) == nil && direct.URI != "" {
		return direct.URI
	}
	if json.Unmarshal(e.Record, &inner) == nil {
		return inner.Record.URI
	}
	return ""
}
