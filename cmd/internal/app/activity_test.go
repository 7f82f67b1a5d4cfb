package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/x/xtest"
)

// callsTo sends what goes to https://picket.example to the daemon, once it is
// known where that listens.
type callsTo struct {
	address string
	known   chan struct{}
}

func (c *callsTo) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case <-c.known:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host = "http", c.address
	return http.DefaultTransport.RoundTrip(out)
}

// TestActivityOfX posts on an account that is polled each hour and whose events
// are heard: the post is there at once.
func TestActivityOfX(t *testing.T) {
	const token, secret = "AAAA-app-only-bearer-token", "api-key-secret"
	t.Setenv("PICKET_TEST_X", token)
	t.Setenv("PICKET_TEST_X_SECRET", secret)
	for _, by := range []string{"stream", "webhook, consumer_secret: {env: PICKET_TEST_X_SECRET}"} {
		t.Run(strings.Split(by, ",")[0], func(t *testing.T) {
			to := &callsTo{known: make(chan struct{})}
			fake := xtest.New(xtest.Options{Bearer: token, OAuth1: &xtest.OAuth1{ConsumerSecret: secret}, Hooks: &http.Client{Transport: to}})
			fake.AddAccount(xtest.Profile{Handle: "shop"})
			server := httptest.NewServer(fake)
			t.Cleanup(server.Close)
			s := newSite(t, fmt.Sprintf(`- {account: x/shop, credential: app, every: 1h}
credentials:
  app: {collector: x, base_url: %q, bearer_token: {env: PICKET_TEST_X}, activity: %s}
`, server.URL, by))
			s.write(t, strings.Replace(s.text(t), "http: {listen: 127.0.0.1:0}", "http: {listen: 127.0.0.1:0, public_url: https://picket.example}", 1))
			r := s.launch(t).works()
			to.address = r.at.HTTP
			close(to.known)
			r.metric(`picket_accounts{network="x",state="complete"} 1`)
			eventually(t, "X tells of what happens", func() bool {
				subscribed := len(fake.Subscriptions()) == 10
				return subscribed && fake.Streams()+len(fake.Webhooks()) == 1
			})
			fake.Post("shop", xtest.Post{Text: "Giving back!", At: time.Now()})
			r.metric(`picket_collected_activities_total{network="x"} 3`) // the follower count, that it is complete, and the post
		})
	}
}
