package youtube

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/youtube/youtubetest"
)

// FuzzAnswer has all answers be the same bytes: nothing breaks, and what comes
// of it is valid.
func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"video.json", "channel.json", "thread.json"} {
		f.Add([]byte(`{"items":[` + string(golden(f, name)) + `],"nextPageToken":"CAoQAA"}`))
	}
	f.Add([]byte(`{"items":[{"contentDetails":{"videoId":"Ks-_Mh1QhMc"},"id":"Ks-_Mh1QhMc","snippet":{"publishedAt":"2026-03-05T09:30:00Z","title":"\ud800\u0000"}}]}`))
	f.Add([]byte(`{"items":[null,7,{}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := newWorld(t, youtubetest.Options{}, withMentions)
		deps := w.deps()
		deps.HTTP = &http.Client{Transport: constant(data)}
		c, err := New(w.cfg, deps)
		if err != nil {
			t.Fatal(err)
		}
		cursor := json.RawMessage(`{"v":1,"asked":"` + DefaultBaseURL + ` acme","channel":"UC1","uploads":"UU1","since":1,"comments":{"since":1},` +
			`"watch":[{"a":1772703000000,"i":"Ks-_Mh1QhMc","t":"","d":"","r":""}],"gone":[{"a":2,"i":"gone1","t":"","d":"","r":""}]}`)
		for range 5 {
			page, err := c.Poll(t.Context(), cursor)
			if err != nil {
				return
			}
			for i := range page.Activities {
				if err := page.Activities[i].Validate(); err != nil {
					t.Fatalf("activity %+v: %v", page.Activities[i], err)
				}
			}
			cursor = page.Cursor
		}
	})
}

// FuzzCursor: whatever a cursor holds, it is refused or read, and what it becomes
// can be read again.
func FuzzCursor(f *testing.F) {
	f.Add([]byte(`{"v":1,"channel":"UC1","uploads":"UU1","since":5,"walk":{"start":1,"token":"x"},"watch":[{"a":1,"i":"v1"}]}`))
	f.Add([]byte(`{"v":1,"watch":[{"a":1,"i":""}]}`))
	f.Add([]byte(`{"v":1,"comments":{"since":-1}}`))
	f.Add([]byte(`{"v":1,"sweep":9223372036854775807,"watch":[{"a":1,"i":"vid00000001"},{"a":1,"i":"vid00000001"}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := newWorld(t, youtubetest.Options{}, withMentions)
		w.old("film")
		page, err := w.try(data)
		if err != nil {
			return
		}
		if _, err := decodeState(page.Cursor); err != nil || len(page.Cursor) > collectors.MaxCursor {
			t.Errorf("cursor of %d bytes, error %v: %s", len(page.Cursor), err, page.Cursor)
		}
	})
}

// FuzzText: links, names and tags of any text make a valid activity.
func FuzzText(f *testing.F) {
	f.Add("see https://acme.example/a?b=c, @acme #anvils")
	f.Add("http://[::1 @ # @. \xff\x00")
	f.Fuzz(func(t *testing.T, text string) {
		a := activity.Activity{ID: "1", Network: Network, Account: "youtube/acme", Kind: activity.KindPost, Time: start()}
		fill(&a, text)
		if err := a.Validate(); err != nil && len(text) < 10_000 {
			t.Error(err)
		}
	})
}
