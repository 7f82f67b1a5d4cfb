package linkedin

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
)

const (
	token   = "AQXtoken9f3k2PqRsTuVwXyZ0123456789"
	secret  = "WPL_AP1.fake-0123456789"
	refresh = "AQWrefresh-9f3k2PqRsTuVwXyZ0123456789"
	client  = "77abcdefghijkl"
	account = "linkedin/" + linkedintest.Number
)

// Posts turn up late, come twice and in another order on their page. The fake
// fails it where more is called than a day allows.
func TestContract(t *testing.T) { collectortest.Run(t, contract()) }

func contract() collectortest.Harness {
	cfg := Config{
		Account: account, BaseURL: "https://api.example", AuthURL: "https://www.example/oauth/v2", Session: "acme",
		ClientID: client, ClientSecret: secret, RefreshToken: refresh, People: true,
		Backfill: MaxBackfill, PageSize: 25, Watch: 10, Look: time.Hour,
	}
	return collectortest.Harness{
		Source:   account,
		Every:    20 * time.Minute, // the contract runs for days
		Endpoint: Endpoint,
		// LinkedIn documents no delay: this is the one that the collector allows for.
		Lag: DefaultOverlap,
		Open: func(t *testing.T) collectortest.Fake {
			t.Helper()
			srv := linkedintest.New(linkedintest.Options{ClientID: client, ClientSecret: secret, Refresh: refresh, Shuffle: true, EndpointCalls: 2000})
			t.Cleanup(func() {
				if n := srv.Over(); n > 0 {
					t.Errorf("%d calls beyond what a day allows", n)
				}
			})
			made := 0
			publish := func(n int, p linkedintest.Post) []collectortest.Item {
				var items []collectortest.Item
				for range n {
					made++
					p, kind := p, activity.KindPost
					p.Text, p.Twice, p.UGC = fmt.Sprintf("post %d https://acme.example/%d", made, made), made%7 == 0, made%3 == 0
					if made%5 == 0 {
						kind, p.Reshares = activity.KindRepost, "urn:li:share:900"
					}
					items = append(items, collectortest.Item{Account: account, Kind: kind, ID: srv.Post(p)})
				}
				return items
			}
			return collectortest.Fake{
				New:     func(deps collectors.Deps) (collectors.Collector, error) { return New(cfg, deps) },
				Handler: srv,
				Publish: func(n int) []collectortest.Item { return publish(n, linkedintest.Post{}) },
				Late: func(n int) []collectortest.Item {
					return publish(n, linkedintest.Post{At: time.Now().Add(-10 * time.Minute)})
				},
				Delayed: func(n int, by time.Duration) []collectortest.Item {
					return publish(n, linkedintest.Post{At: time.Now().Add(-by)})
				},
				Malformed: func() []collectortest.Item {
					items := publish(1, linkedintest.Post{})
					srv.Post(linkedintest.Post{Text: "unreadable", Broken: true})
					return append(items, publish(1, linkedintest.Post{})...)
				},
				Limited: func(w http.ResponseWriter, _ *http.Request, reset time.Time) {
					linkedintest.WriteLimited(w, time.Until(reset))
				},
				Refuse: linkedintest.WriteRefused,
				Ignore: func(a *activity.Activity) bool { return a.Kind == activity.KindFollowers },
			}
		},
	}
}
