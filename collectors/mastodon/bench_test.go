package mastodon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

// BenchmarkPoll is one poll of a full page of 20 statuses against reading and
// discarding the same bytes through the same client.
func BenchmarkPoll(b *testing.B) {
	srv := mastodontest.New(mastodontest.Options{Now: start})
	user := srv.AddAccount(mastodontest.Profile{Name: "acme", Note: "We bake bread"})
	for i := range 20 {
		srv.Post("acme", mastodontest.Status{
			Text: fmt.Sprintf("We bake %d kinds of bread & more every morning, come and see https://www.acme.example/bread/%d", i, i),
			At:   start().Add(-time.Duration(i) * time.Second),
		})
	}
	answers := map[string]*httptest.ResponseRecorder{}
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		endpoint := mastodontest.Endpoint(r.URL.Path)
		if answers[endpoint] == nil {
			answers[endpoint] = httptest.NewRecorder()
			srv.ServeHTTP(answers[endpoint], r)
		}
		a := answers[endpoint]
		return &http.Response{StatusCode: a.Code, Header: a.Header(), Body: io.NopCloser(bytes.NewReader(a.Body.Bytes())), Request: r}, nil
	})}
	b.Run("discard", func(b *testing.B) {
		for b.Loop() {
			resp, err := client.Get("https://social.example/api/v1/accounts/" + user + "/statuses")
			if err != nil {
				b.Fatal(err)
			}
			n, _ := io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			b.SetBytes(n)
		}
	})
	b.Run("collector", func(b *testing.B) {
		c, err := New(Config{Name: "acme", Server: "https://social.example"}, collectors.Deps{HTTP: client, Now: start})
		if err != nil {
			b.Fatal(err)
		}
		cursor := json.RawMessage(fmt.Sprintf(`{"v":1,"host":"social.example","name":"acme","user":%q,"posts":{"since":%d}}`, user, start().Add(-time.Hour).UnixMilli()))
		for b.Loop() {
			page, err := c.Poll(b.Context(), cursor)
			if err != nil || len(page.Activities) != 20 {
				b.Fatalf("%d activities: %v", len(page.Activities), err)
			}
		}
	})
}
