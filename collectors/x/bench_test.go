package x

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors"
)

// timelineAnswer is a page of 20 posts, about 10 KB.
func timelineAnswer() []byte {
	var posts []string
	for i := range 20 {
		posts = append(posts, fmt.Sprintf(`{"id":"%d","text":"We bake %d kinds of bread &amp; more every morning, come and see https://t.co/abcdefghij","author_id":"1000",`+
			`"created_at":"2026-03-06T11:5%d:00.000Z","lang":"en","edit_history_tweet_ids":["%d"],"public_metrics":{"retweet_count":1,"reply_count":2,"like_count":3,"quote_count":4},`+
			`"entities":{"urls":[{"start":62,"end":85,"url":"https://t.co/abcdefghij","expanded_url":"https://acme.example/%d","display_url":"acme.example/%d"}]}}`,
			snowflakeAt(start())-int64(i)<<30, i, i%10, snowflakeAt(start())-int64(i)<<30, i, i))
	}
	return []byte(`{"data":[` + strings.Join(posts, ",") + `],"meta":{"result_count":20}}`)
}

// BenchmarkPoll is one poll of 10 KB against reading and discarding the same
// bytes through the same client.
func BenchmarkPoll(b *testing.B) {
	answers := map[string][]byte{
		"users/tweets": timelineAnswer(),
		"users":        []byte(`{"data":{"id":"1000","name":"Acme","username":"acme"}}`),
	}
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Date": {start().Format(http.TimeFormat)}},
			Body: io.NopCloser(bytes.NewReader(answers[Endpoint(r)])), Request: r,
		}, nil
	})}
	b.Run("discard", func(b *testing.B) {
		for b.Loop() {
			resp, err := client.Get("https://api.x.com/2/users/1000/tweets")
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	})
	b.Run("collector", func(b *testing.B) {
		c, err := New(Config{Username: "acme", BearerToken: bearerToken, Rehydrate: -1}, collectors.Deps{HTTP: client, Now: start})
		if err != nil {
			b.Fatal(err)
		}
		cursor := json.RawMessage(fmt.Sprintf(`{"v":1,"user":"1000","posts":{"since":"%d"}}`, snowflakeAt(start().Add(-1e12))))
		b.SetBytes(int64(len(answers["users/tweets"])))
		for b.Loop() {
			page, err := c.Poll(b.Context(), cursor)
			if err != nil || len(page.Activities) != 20 {
				b.Fatalf("%d activities: %v", len(page.Activities), err)
			}
		}
	})
}
