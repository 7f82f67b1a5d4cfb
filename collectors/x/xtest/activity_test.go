package xtest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/x/xtest"
)

const subscriptions = "/2/activity/subscriptions"

func TestSubscriptions(t *testing.T) {
	r := newRig(t, xtest.Options{PageSize: 1})
	bio := `{"event_type":"profile.update.bio","filter":{"user_id":"1000"},"tag":"t"}`
	made := r.do(http.MethodPost, subscriptions, bio)
	if made.status != 200 || made.text("data", "event_type") != "profile.update.bio" || made.text("data", "filter", "user_id") != "1000" {
		t.Fatalf("made %d %v", made.status, made.body)
	}
	for _, row := range []struct {
		name, method, path, body string
		auth                     []string
		status                   int
		title                    string
	}{
		{"a second one", http.MethodPost, subscriptions, bio, nil, 409, "DuplicateSubscription"},
		{"a private event", http.MethodPost, subscriptions, `{"event_type":"dm.sent","filter":{"user_id":"1000"}}`, nil, 400, "Invalid Request"},
		{"nobody", http.MethodPost, subscriptions, `{"event_type":"post.create","filter":{"user_id":"7"}}`, nil, 400, "Invalid Request"},
		{"an unknown field", http.MethodPost, subscriptions, `{"event_types":["post.create"]}`, nil, 400, "Invalid Request"},
		{"by a user", http.MethodGet, subscriptions, "", []string{`OAuth oauth_consumer_key="a", oauth_token="b", oauth_signature="c", oauth_nonce="d", oauth_timestamp="1"`}, 403, "Unsupported Authentication"},
		{"by nobody", http.MethodGet, subscriptions, "", []string{""}, 401, "Unauthorized"},
		{"another id", http.MethodDelete, subscriptions + "/7", "", nil, 404, "Not Found Error"},
		{"too many", http.MethodGet, subscriptions + "?max_results=1001", "", nil, 400, "Invalid Request"},
	} {
		got := r.do(row.method, row.path, row.body, row.auth...)
		if got.status != row.status || got.text("title") != row.title {
			t.Errorf("%s: %d %q, want %d %q", row.name, got.status, got.text("title"), row.status, row.title)
		}
	}
	r.do(http.MethodPost, subscriptions, `{"event_type":"post.create","filter":{"user_id":"1000"}}`)
	first := r.get(subscriptions)
	second := r.get(subscriptions + "?pagination_token=" + first.text("meta", "next_token"))
	if first.text("data", 0, "event_type") != "profile.update.bio" || second.text("data", 0, "event_type") != "post.create" || second.text("meta", "next_token") != "" {
		t.Errorf("pages %v and %v", first.body, second.body)
	}
	id := first.text("data", 0, "subscription_id")
	if got := r.do(http.MethodPut, subscriptions+"/"+id, `{"tag":"u"}`); got.text("data", "tag") != "u" {
		t.Errorf("changed %v", got.body)
	}
	if got := r.do(http.MethodDelete, subscriptions+"/"+id, ""); got.at("data", "deleted") != true || len(r.srv.Subscriptions()) != 1 {
		t.Errorf("deleted %v, and there are %v", got.body, r.srv.Subscriptions())
	}
}

// lines is who reads a stream.
type lines struct {
	http.ResponseWriter
	got chan string
}

func (l lines) Write(p []byte) (int, error) {
	l.got <- string(p)
	return len(p), nil
}

func (lines) Flush() {}

// read opens a stream and returns what comes until it ends.
func read(ctx context.Context, srv *xtest.Server) (got chan string, status func() int) {
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "https://api.x.com/2/activity/stream", http.NoBody)
	req.Header.Set("Authorization", "Bearer token")
	rec := httptest.NewRecorder()
	got = make(chan string, 100)
	go func() {
		srv.ServeHTTP(lines{rec, got}, req)
		close(got)
	}()
	return got, func() int { return rec.Code }
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := xtest.New(xtest.Options{})
		id := srv.AddAccount(xtest.Profile{Handle: "acme"})
		srv.AddAccount(xtest.Profile{Handle: "closed", Protected: true})
		for _, user := range []string{id, "1001"} {
			for _, kind := range []string{"post.create", "post.delete", "profile.update.screenname"} {
				req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, subscriptions,
					strings.NewReader(`{"event_type":"`+kind+`","filter":{"user_id":"`+user+`"}}`))
				req.Header.Set("Authorization", "Bearer token")
				srv.ServeHTTP(httptest.NewRecorder(), req)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		one, _ := read(t.Context(), srv)
		two, _ := read(ctx, srv)
		synctest.Wait()
		three, status := read(t.Context(), srv)
		if text := <-three; !strings.Contains(text, `"connection_issue":"TooManyConnections"`) || status() != 429 {
			t.Errorf("third stream: %d %s, want that there are too many", status(), text)
		}
		time.Sleep(21 * time.Second)
		post := srv.Post("acme", xtest.Post{Text: "new"})
		srv.Post("closed", xtest.Post{Text: "nobody hears this"})
		if err := srv.SetProfile("acme", func(p *xtest.Profile) { p.Name, p.Location = "Free coins", "nobody is subscribed" }); err != nil {
			t.Fatal(err)
		}
		if err := srv.Delete(post); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		if n := srv.Streams(); n != 1 {
			t.Errorf("%d streams, want 1", n)
		}
		srv.Say(xtest.OperationalDisconnect)
		srv.EndStreams()
		var got []string
		for line := range one {
			rest, ok := strings.CutSuffix(line, "\r\n")
			if !ok {
				t.Errorf("line %q does not end as X's do", line)
			}
			got = append(got, strings.NewReplacer(post, "POST").Replace(rest))
		}
		want := []string{
			"", `"event_type":"post.create"`, `"payload":{"after":"Free coins","before":"acme"}`,
			`"payload":{"author_id":"1000","id":"POST"}`, xtest.OperationalDisconnect,
		}
		if len(got) != len(want) {
			t.Fatalf("lines %q, want %d", got, len(want))
		}
		for i := range want {
			if !strings.Contains(got[i], want[i]) {
				t.Errorf("line %d is %s, want %s", i, got[i], want[i])
			}
		}
		if n := len(two); n != len(want)-1 {
			t.Errorf("the second stream had %d lines, want the same", n)
		}
	})
}

func TestStreamLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := xtest.New(xtest.Options{Limits: map[string]int{"activity/stream": 3}})
		var got []string
		for range 4 {
			ctx, cancel := context.WithCancel(t.Context())
			lines, status := read(ctx, srv)
			synctest.Wait()
			cancel()
			for range lines { // to its end
			}
			got = append(got, strconv.Itoa(status()))
		}
		if diff := cmp.Diff([]string{"200", "200", "200", "429"}, got); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
	})
}
