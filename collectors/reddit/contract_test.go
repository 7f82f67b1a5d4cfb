package reddit

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/reddit/reddittest"
)

const (
	secret   = "app-secret-0a1b2c3d4e5f"
	refresh  = "8412345-fakeRefreshToken0123456789"
	password = "correct horse battery"
)

// Submissions, crossposts and comments turn up late, come twice and in another
// order on their page. No limit of requests is exceeded.
func TestContract(t *testing.T) { collectortest.Run(t, contract()) }

func contract() collectortest.Harness {
	const account = "reddit/acme"
	cfg := Config{
		Account: account, BaseURL: "https://oauth.reddit.example", TokenURL: "https://www.reddit.example/api/v1/access_token", Session: "owner",
		ClientID: reddittest.ClientID, ClientSecret: secret, RefreshToken: refresh, Backfill: MaxBackfill, Watch: pageSize,
	}
	return collectortest.Harness{
		Source:   account,
		Every:    20 * time.Minute, // the contract runs for days
		Endpoint: Endpoint,
		Open: func(t *testing.T) collectortest.Fake {
			t.Helper()
			srv := reddittest.New(reddittest.Options{Secret: secret, Refresh: refresh, Shuffle: 7})
			t.Cleanup(func() {
				if n, agents := srv.Over(), srv.Strange(); n > 0 || len(agents) > 0 {
					t.Errorf("%d requests above the limit, User-Agents %q", n, agents)
				}
			})
			made := 0
			publish := func(n int, by reddittest.Thing) []collectortest.Item {
				var items []collectortest.Item
				for range n {
					made++
					it := by
					it.Title, it.Text, it.Twice = fmt.Sprintf("post %d", made), fmt.Sprintf("https://acme.example/%d", made), made%7 == 0
					kind := activity.KindPost
					switch made % 3 {
					case 1:
						kind, it.Crosspost = activity.KindRepost, "t3_1abc23"
					case 2:
						kind, it.Parent = activity.KindReply, "t3_1abc23"
					}
					items = append(items, collectortest.Item{Account: account, Kind: kind, ID: srv.Post(it)})
				}
				return items
			}
			return collectortest.Fake{
				New: func(deps collectors.Deps) (collectors.Collector, error) {
					c, err := New(cfg, deps)
					if err == nil {
						c.size, c.cfg.Watch = 40, 30
					}
					return c, err
				},
				Handler: srv,
				Publish: func(n int) []collectortest.Item { return publish(n, reddittest.Thing{}) },
				Late: func(n int) []collectortest.Item {
					return publish(n, reddittest.Thing{At: time.Now().Add(-40 * time.Minute)})
				},
				Malformed: func() []collectortest.Item {
					items := publish(1, reddittest.Thing{})
					srv.Post(reddittest.Thing{Title: "unreadable", Broken: true})
					return append(items, publish(1, reddittest.Thing{})...)
				},
				Limited: func(w http.ResponseWriter, _ *http.Request, reset time.Time) {
					reddittest.WriteLimited(w, time.Until(reset))
				},
				Refuse: reddittest.WriteRefused,
				Ignore: func(a *activity.Activity) bool { return a.Kind == activity.KindFollowers },
			}
		},
	}
}
