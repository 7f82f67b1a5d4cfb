package bluesky

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/bluesky/blueskytest"
)

const blobURL = "https://pds.test/xrpc/com.atproto.sync.getBlob?cid="

func TestMapping(t *testing.T) {
	sample, err := os.ReadFile("testdata/post.json")
	if err != nil {
		t.Fatal(err)
	}
	const (
		post  = `{"$type":"app.bsky.feed.post","createdAt":"2026-03-06T12:20:00.000Z",`
		query = "&did=did%3Aplc%3Aewvi7nxzyoun6zhxrhs64oiz"
		quote = "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3l3quoted2222"
	)
	tests := []struct {
		name, collection, value string
		want                    activity.Activity
	}{
		{"all of a post", collectionPost, string(sample), activity.Activity{
			Kind: activity.KindPost, Text: "Hi @jane.example, see https://acme.example/sale #sale", Lang: "en",
			Hashtags: []string{"spring", "sale"}, Mentions: []string{"jane.example", "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb"},
			Links: []string{"https://acme.example/sale?utm=x"}, LinkDomains: []string{"acme.example"},
			Media: []activity.Media{
				{
					Hash: "sha256:2c26b46b68ffc68ff99b453c1d304134" + "13422d706483bfa0f98a5e886266e7ae", Type: "image",
					URL: blobURL + "bafkreibme22gw2h7y2h7tg2fhqotaqjucnbc24deqo72b6mkl2egezxhvy" + query,
				},
				{Hash: "bafybeiclqiljkybkt", Type: "gif", URL: blobURL + "bafybeiclqiljkybkt" + query},
			},
		}},
		{"reply", collectionPost, post + `"text":"no","reply":{"root":{"uri":"` + original + `"},"parent":{"uri":"` + original + `"}}}`, activity.Activity{
			Kind: activity.KindReply, Text: "no", ReplyTo: original,
		}},
		{"quote", collectionPost, post + `"text":"look","embed":{"$type":"app.bsky.embed.record","record":{"uri":"` + quote + `","cid":"x"}}}`, activity.Activity{
			Kind: activity.KindPost, Text: "look", Object: quote,
		}},
		{"quote with a video", collectionPost, post + `"text":"","embed":{"$type":"app.bsky.embed.recordWithMedia","record":{"record":{"uri":"` + quote + `"}},
			"media":{"$type":"app.bsky.embed.video","video":{"ref":{"$link":"bafkreivideo"},"mimeType":"video/mp4"}}}}`, activity.Activity{
			Kind: activity.KindPost, Object: quote,
			Media: []activity.Media{{Hash: "bafkreivideo", Type: "video", URL: blobURL + "bafkreivideo" + query}},
		}},
		{"link card", collectionPost, post + `"text":"go","embed":{"$type":"app.bsky.embed.external","external":{"uri":"https://Coins.EXAMPLE./now","title":"t"}}}`, activity.Activity{
			Kind: activity.KindPost, Text: "go", Links: []string{"https://Coins.EXAMPLE./now"}, LinkDomains: []string{"coins.example"},
		}},
		{"parts of another form do not hide it", collectionPost, post + `"text":"buy","langs":"en","facets":{},"embed":[],"reply":7,"tags":{"a":1}}`, activity.Activity{
			Kind: activity.KindPost, Text: "buy",
		}},
		{"repost", collectionRepost, `{"$type":"app.bsky.feed.repost","subject":{"uri":"` + original + `","cid":"x"},"createdAt":"2026-03-06T12:20:00Z"}`, activity.Activity{
			Kind: activity.KindRepost, Object: original,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{})
			cursor := w.connect()
			tt.want.ID = w.srv.Put(did, tt.collection, "", tt.value)
			tt.want.Network, tt.want.Account = "bluesky", "bluesky/acme.test"
			got, page := w.drain(cursor)
			if len(page.Malformed) != 0 {
				t.Errorf("malformed: %v", page.Malformed)
			}
			a := only(t, got, tt.want.Kind)
			if diff := cmp.Diff(tt.want, a, cmpopts.IgnoreFields(activity.Activity{}, "Time", "Seen")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What Bluesky would not show is counted once, and spoils nothing beside it.
func TestMalformedRecords(t *testing.T) {
	tests := []struct{ name, collection, value, says string }{
		{"no object", collectionPost, `[1]`, "value is no object"},
		{"another type", collectionPost, `{"$type":"app.bsky.feed.like","text":"x"}`, "$type"},
		{"no text", collectionPost, `{"$type":"app.bsky.feed.post"}`, "text"},
		{"text that is none", collectionPost, `{"$type":"app.bsky.feed.post","text":["x"]}`, "text"},
		{"repost of nothing", collectionRepost, `{"$type":"app.bsky.feed.repost","subject":{}}`, "subject"},
		{"repost of a number", collectionRepost, `{"$type":"app.bsky.feed.repost","subject":7}`, "subject"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{})
			cursor := w.connect()
			w.srv.Put(did, tt.collection, "", tt.value)
			id := w.post("beside it")
			got, page := w.drain(cursor)
			if len(page.Malformed) != 1 || !strings.Contains(page.Malformed[0].Error(), tt.says) {
				t.Errorf("malformed %v, want one with %q", page.Malformed, tt.says)
			}
			if a := only(t, got, activity.KindPost); a.ID != id {
				t.Errorf("got %s, want %s", a.ID, id)
			}
			w.Pass(20 * time.Minute)
			if _, page := w.drain(page.Cursor); len(page.Malformed) != 0 {
				t.Errorf("counted again: %v", page.Malformed)
			}
		})
	}
}

func TestListedRecordMustBeTheAccounts(t *testing.T) {
	tests := []struct{ name, uri, cid, says string }{
		{"another account", "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3l3aaaaaaaa2a", "b", "uri"},
		{"another collection", "at://" + did + "/app.bsky.feed.like/3l3aaaaaaaa2a", "b", "uri"},
		{"no key", "at://" + did + "/app.bsky.feed.post/", "b", "record key"},
		{"key with a slash", "at://" + did + "/app.bsky.feed.post/a/b", "b", "record key"},
		{"key with a space", "at://" + did + "/app.bsky.feed.post/a b", "b", "record key"},
		{"key of two dots", "at://" + did + "/app.bsky.feed.post/..", "b", "record key"},
		{"no cid", "at://" + did + "/app.bsky.feed.post/3l3aaaaaaaa2a", "", "cid"},
		{"long cid", "at://" + did + "/app.bsky.feed.post/3l3aaaaaaaa2a", strings.Repeat("b", 300), "cid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := listed{URI: tt.uri, CID: tt.cid}.record(did, collectionPost)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one with %q", err, tt.says)
			}
		})
	}
}

// Whoever writes a record that the journal does not take shall not hide it so.
func TestHidingBySize(t *testing.T) {
	var facets []string
	for i := range 200 {
		facets = append(facets, fmt.Sprintf(
			`{"index":{"byteStart":0,"byteEnd":1},"features":[{"$type":"app.bsky.richtext.facet#link","uri":"https://coins.example/%d/%s"}]}`, i, strings.Repeat("x", 3000)))
	}
	for name, field := range map[string]string{
		"deep":      `"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"wide":      `"facets":[` + strings.Join(facets, ",") + `]`,
		"surrogate": `"x":"\ud800"`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, blueskytest.Options{})
			cursor := w.connect()
			id := w.srv.Put(did, collectionPost, "", `{"$type":"app.bsky.feed.post","text":"buy","createdAt":"2019-01-01T00:00:00Z",`+field+`}`)
			got, page := w.drain(cursor)
			if a := only(t, got, activity.KindPost); a.ID != id || a.Text != "buy" || len(page.Malformed) != 0 {
				t.Errorf("got %s, malformed %v", a.ID, page.Malformed)
			}
		})
	}
}
