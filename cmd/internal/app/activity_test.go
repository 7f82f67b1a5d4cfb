package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
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

// A configuration that is refused leaves what X calls, and who hears it, as
// they were.
func TestRefusedConfigurationLeavesTheHub(t *testing.T) {
	t.Setenv("PICKET_TEST_X", "AAAA-app-only-bearer-token")
	t.Setenv("PICKET_TEST_X_SECRET", "api-key-secret")
	s := newSite(t, `- {account: x/shop, credential: app, every: 1h}
credentials:
  app: {collector: x, bearer_token: {env: PICKET_TEST_X}, activity: webhook, consumer_secret: {env: PICKET_TEST_X_SECRET}}
`)
	s.write(t, strings.Replace(s.text(t), "http: {listen: 127.0.0.1:0}", "http: {listen: 127.0.0.1:0, public_url: https://picket.example}", 1))
	before, err := loadSite(s)
	must(t, err)
	p := newPollers(newCurrent(before), nil, &places{}, func(string, string, int) {}, zap.NewNop())
	must(t, p.commit(p.prepare(before), collectors.NewScheduler(collectors.Options{Logs: collectortest.NewLogs()})))
	challenge := func() string {
		mux := http.NewServeMux()
		mux.HandleFunc(xWebhook+"{credential}", p.takeCall)
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, xWebhook+"app?crc_token=abc", http.NoBody))
		return rec.Body.String()
	}
	want := challenge()
	t.Setenv("PICKET_TEST_X_SECRET", "the secret of another app")
	after, err := loadSite(s)
	must(t, err)
	set := p.prepare(after)
	if len(set.faults) > 0 || set.built["x/shop"] == p.built["x/shop"] {
		t.Fatalf("faults %v, want the account built anew", set.faults)
	}
	p.discard(set)
	if got := challenge(); got != want || !strings.Contains(got, "response_token") {
		t.Errorf("the challenge is met with %s, want %s", got, want)
	}
}
