package app

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/x/xtest"
)

// TestActivityOfX posts on an account that is polled each hour and whose events
// are heard: the post is there at once.
func TestActivityOfX(t *testing.T) {
	const token = "AAAA-app-only-bearer-token"
	t.Setenv("PICKET_TEST_X", token)
	fake := xtest.New(xtest.Options{Bearer: token})
	fake.AddAccount(xtest.Profile{Handle: "shop"})
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	s := newSite(t, fmt.Sprintf(`- {account: x/shop, credential: app, every: 1h}
credentials:
  app: {collector: x, base_url: %q, bearer_token: {env: PICKET_TEST_X}, activity: stream}
`, server.URL))
	r := s.launch(t).works()
	r.metric(`picket_accounts{network="x",state="complete"} 1`)
	eventually(t, "the stream is open", func() bool { return fake.Streams() == 1 })
	fake.Post("shop", xtest.Post{Text: "Giving back!", At: time.Now()})
	r.metric(`picket_collected_activities_total{network="x"} 3`) // the follower count, that it is complete, and the post
}
