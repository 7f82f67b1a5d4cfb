package bluesky

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/bluesky/blueskytest"
)

// rev returns the revision, or the record key, of a time after start.
func rev(after time.Duration) string {
	return syntax.NewTIDFromTime(start().Add(after), 0).String()
}

func carOf(t testing.TB, records map[string]string) []byte {
	t.Helper()
	r := blueskytest.Repo{DID: did, Rev: rev(0), Records: map[string]json.RawMessage{}}
	for path, value := range records {
		r.Records[path] = json.RawMessage(value)
	}
	data, err := r.CAR()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readCAR returns what a repository tells, a line for each fault.
func readCAR(t testing.TB, data []byte) (all []activity.Activity, faults string, repo Repository, err error) {
	t.Helper()
	repo, err = ReadRepository(t.Context(), bytes.NewReader(data), "bluesky/acme.test", func(one Exported) error {
		if one.Err != nil {
			faults += one.Where + ": " + one.Err.Error() + "\n"
		} else {
			all = append(all, one.Activity)
		}
		return nil
	})
	return all, faults, repo, err
}

// TestRepositoryAsPolled: what a repository tells is what the first poll of the
// same account tells.
func TestRepositoryAsPolled(t *testing.T) {
	sample, err := os.ReadFile("testdata/post.json")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, blueskytest.Options{})
	records := map[string]string{}
	put := func(collection, key, value string) {
		if id := w.srv.Put(did, collection, key, value); !strings.HasSuffix(id, key) {
			t.Fatalf("%s is not under %s", id, key)
		}
		records[collection+"/"+key] = value
	}
	put(collectionPost, rev(-3*time.Hour), strings.ReplaceAll(string(sample), "bafybeiclqiljkybkt", "bafybeiclqiljkybk"))
	put(collectionPost, rev(-2*time.Hour), `{"$type":"app.bsky.feed.post","text":"no","createdAt":"2020-01-01T00:00:00Z","reply":{"parent":{"uri":"`+original+`"}}}`)
	put(collectionPost, "self-made", `{"$type":"app.bsky.feed.post","text":"old","createdAt":"2026-01-01T10:00:00Z"}`)
	put(collectionPost, "ahead", `{"$type":"app.bsky.feed.post","text":"ahead","createdAt":"2031-01-01T10:00:00Z"}`)
	put(collectionRepost, rev(-time.Hour), `{"$type":"app.bsky.feed.repost","subject":{"uri":"`+original+`","cid":"x"},"createdAt":"2026-03-06T12:20:00Z"}`)
	w.cfg.Backfill = 100
	polled, _ := w.drain(nil)
	polled = slices.DeleteFunc(polled, func(a activity.Activity) bool {
		return a.Kind != activity.KindPost && a.Kind != activity.KindReply && a.Kind != activity.KindRepost
	})
	read, faults, repo, err := readCAR(t, carOf(t, records))
	if err != nil || faults != "" || repo.DID != did {
		t.Fatalf("%+v, faults %s, error %v", repo, faults, err)
	}
	if len(read) != 5 || len(polled) != 5 {
		t.Fatalf("%d read and %d polled, want 5 of each", len(read), len(polled))
	}
	byID := func(a, b activity.Activity) int { return strings.Compare(a.ID, b.ID) }
	slices.SortFunc(polled, byID)
	slices.SortFunc(read, byID)
	for i := range polled {
		if len(polled[i].Raw) > 0 != (len(read[i].Raw) > 0) {
			t.Errorf("%s: polled with raw %s, read with raw %s", polled[i].ID, polled[i].Raw, read[i].Raw)
		}
		if polled[i].Text == "ahead" { // is of the revision, and the fake's is another
			polled[i].Time, read[i].Time = polled[i].Time.Truncate(time.Minute), read[i].Time.Truncate(time.Minute)
		}
	}
	diff := cmp.Diff(polled, read, cmpopts.IgnoreFields(activity.Activity{}, "Seen", "Raw"), cmpopts.IgnoreFields(activity.Media{}, "URL"))
	if diff != "" {
		t.Errorf("(-polled +read):\n%s", diff)
	}
}

// TestRepositoryWhole reads a repository of many records, in whose tree there
// are several layers, and what is no post.
func TestRepositoryWhole(t *testing.T) {
	records := map[string]string{
		"app.bsky.actor.profile/self":           `{"$type":"app.bsky.actor.profile","displayName":"Acme","description":"Bread\u0007","avatar":{"$type":"blob","ref":{"$link":"bafkreibme22gw2h7y2h7tg2fhqotaqjucnbc24deqo72b6mkl2egezxhvy"},"mimeType":"image/png","size":7}}`,
		"app.bsky.graph.follow/3mgfgs2222222":   `{"$type":"app.bsky.graph.follow","subject":"did:plc:x"}`,
		"app.bsky.feed.like/3mgfgs2222222":      `{"$type":"app.bsky.feed.like"}`,
		"chat.example.thing/3mgfgs2222222":      `{"$type":"app.bsky.feed.post","text":"not in its collection"}`,
		"app.bsky.feed.post/3mgfgs2222222":      `{"$type":"app.bsky.feed.like","text":"of another type"}`,
		"app.bsky.feed.repost/3mgfgs2222222":    `{"$type":"app.bsky.feed.repost"}`,
		"app.bsky.feed.postgate/3mgfgs2222222":  `{"$type":"app.bsky.feed.postgate"}`,
		"app.bsky.feed.threadgate/3mgfgs222222": `{"$type":"app.bsky.feed.threadgate","sig":{"$bytes":"AAEC"}}`,
	}
	for i := range 500 {
		records["app.bsky.feed.post/"+rev(time.Duration(i-600)*time.Minute)] = fmt.Sprintf(`{"$type":"app.bsky.feed.post","text":"Loaf %d","n":%d}`, i, i)
	}
	all, faults, repo, err := readCAR(t, carOf(t, records))
	if err != nil {
		t.Fatal(err)
	}
	const want = "app.bsky.feed.post/3mgfgs2222222: $type: expected app.bsky.feed.post\n" +
		"app.bsky.feed.repost/3mgfgs2222222: subject: uri is missing\n"
	if faults != want {
		t.Errorf("faults\n%swant\n%s", faults, want)
	}
	if repo.Others != 5 || len(all) != 501 {
		t.Errorf("%d others and %d activities, want 5 and 501", repo.Others, len(all))
	}
	profile := activity.Activity{
		ID: "archive/" + rev(0), Network: "bluesky", Account: "bluesky/acme.test", Kind: activity.KindProfile, Time: start(),
		Profile: []activity.Field{
			{Name: "description", Value: "Bread "},
			{Name: "name", Value: "Acme"},
			{Name: "picture", Value: "bafkreibme22gw2h7y2h7tg2fhqotaqjucnbc24deqo72b6mkl2egezxhvy"},
		},
	}
	if diff := cmp.Diff(profile, all[0]); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
	if got := all[500]; got.Text != "Loaf 499" || !got.Time.Equal(start().Add(-101*time.Minute)) {
		t.Errorf("the newest is %q of %s", got.Text, got.Time)
	}
}

// TestRepositoryDamaged: what is damaged is told, and what can be read around it
// is.
func TestRepositoryDamaged(t *testing.T) {
	whole := carOf(t, map[string]string{
		"app.bsky.feed.post/a": `{"$type":"app.bsky.feed.post","text":"Loaf one","createdAt":"2026-01-01T10:00:00Z"}`,
		"app.bsky.feed.post/b": `{"$type":"app.bsky.feed.post","text":"Loaf two","createdAt":"2026-01-02T10:00:00Z"}`,
	})
	tests := []struct {
		name   string
		data   []byte
		want   string // of the error, or the faults
		number int    // of activities
	}{
		{"whole", whole, "", 2},
		{"a record was changed", bytes.Replace(whole, []byte("Loaf one"), []byte("Loaf 0ne"), 1), "its content is not what its CID bafyrei", 1},
		{"cut short", whole[:len(whole)-3], "ends within a block", 0},
		{"nothing behind the commit", whole[:280], "lacks block", 0},
		{"nothing behind the header", whole[:60], "lacks the repository's commit", 0},
		{"no CAR file", []byte("hello"), "is no CAR file", 0},
		{"empty", nil, "is no CAR file", 0},
		{"another version", bytes.Replace(whole, []byte("gversion\x01"), []byte("gversion\x02"), 1), "version 2 with 1 roots", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all, faults, _, err := readCAR(t, tt.data)
			if err != nil {
				faults += err.Error()
			}
			if !strings.Contains(faults, tt.want) || tt.want == "" && faults != "" {
				t.Errorf("told %q, want %q", faults, tt.want)
			}
			if len(all) != tt.number {
				t.Errorf("%d activities, want %d", len(all), tt.number)
			}
		})
	}
}

// TestRepositoryHostile: a tree that leads to itself ends.
func TestRepositoryHostile(t *testing.T) {
	r := &repository{file: &carFile{}, each: func(Exported) error { return nil }, blocks: map[link][]byte{}}
	file, err := openCAR(bytes.NewReader(carOf(t, nil)))
	if err != nil {
		t.Fatal(err)
	}
	r.file = file
	self := link(cborSHA256 + strings.Repeat("x", 32))
	head := linkHead + string(self)
	r.blocks[self] = []byte("\xa2ae\x80al" + head)
	if err := r.walk(t.Context(), self, 0); err == nil || !strings.Contains(err.Error(), "more than 128 levels") {
		t.Errorf("a node to the left of itself: %v", err)
	}
	r.blocks[self] = []byte("\xa2ae\x81\xa4ak\x41xap\x00at" + head + "av" + head + "al\xf6")
	if err := r.walk(t.Context(), self, 0); err == nil || !strings.Contains(err.Error(), "in no order") {
		t.Errorf("a node to the right of itself: %v", err)
	}
}

// TestRepositoryOfNothing: blocks that hold nothing count as blocks, so that a file
// of them ends soon.
func TestRepositoryOfNothing(t *testing.T) {
	const most = 10
	file, err := openCAR(bytes.NewReader(append(carOf(t, nil), make([]byte, most)...)))
	if err != nil {
		t.Fatal(err)
	}
	r := &repository{file: file, each: func(Exported) error { return nil }, most: most, blocks: map[link][]byte{}}
	if err := r.load(t.Context()); !errors.Is(err, errTooMuch) {
		t.Errorf("error %v", err)
	}
}

// FuzzRepository: whatever a file holds, it is read to its end, and what comes
// of it is sound.
func FuzzRepository(f *testing.F) {
	f.Add(carOf(f, nil))
	f.Add(carOf(f, map[string]string{
		"app.bsky.feed.post/a":        `{"$type":"app.bsky.feed.post","text":"Loaf","createdAt":"2026-01-01T10:00:00Z","langs":["en"]}`,
		"app.bsky.actor.profile/self": `{"$type":"app.bsky.actor.profile","displayName":"Acme"}`,
		"app.bsky.feed.like/b":        `{"$type":"app.bsky.feed.like"}`,
	}))
	f.Add([]byte("\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, _, _, err := readCAR(t, data)
		if errors.Is(err, errBlock) {
			t.Errorf("one block ended all: %v", err)
		}
		for i := range all {
			if err := all[i].Validate(); err != nil {
				t.Errorf("unsound: %v", err)
			}
		}
	})
}

// FuzzRecordOfRepository: whatever a record holds, it can be read.
func FuzzRecordOfRepository(f *testing.F) {
	f.Add([]byte("\xa2dtextdLoafe$typerapp.bsky.feed.post"))
	f.Add([]byte("\xa1ax\xd8\x2a\x41\x00"))
	f.Add([]byte("\xa1ax\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00"))
	file, err := openCAR(bytes.NewReader(carOf(f, nil)))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		value, err := file.toJSON(data)
		if err != nil {
			return
		}
		rec := newRecord(listed{Value: value}, "a")
		a := activity.Activity{ID: "a", Network: "bluesky", Account: "bluesky/acme.test", Kind: activity.KindPost, Time: start()}
		if rec.into(&a, collectionPost, did, "") == nil && slim(&a) == nil {
			if err := a.Validate(); err != nil {
				t.Errorf("unsound: %v", err)
			}
		}
	})
}
