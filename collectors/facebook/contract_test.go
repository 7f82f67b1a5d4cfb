package facebook

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/facebook/facebooktest"
	"github.com/picketd/picket/collectors/metagraph"
	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

const (
	token  = "EAAGtoken9f3k2PqRsTuVwXyZ0123456789"
	secret = "app-secret-0a1b2c3d4e5f"
)

// Items turn up late, come twice and in another order.
func TestContract(t *testing.T) { collectortest.Run(t, contract()) }

func contract() collectortest.Harness {
	const account = "facebook/acme"
	cfg := Config{
		Account: account, Access: metagraph.Access{Token: token, AppSecret: secret},
		Options: metagraph.Options{Backfill: metagraph.MaxBackfill, PageSize: 30, Watch: 10},
	}
	return collectortest.Harness{
		Source: account,
		Every:  20 * time.Minute, // the contract runs for days
		// Meta documents no delay: this is the one that the collector allows for.
		Lag: metagraph.DefaultOverlap,
		Open: func(*testing.T) collectortest.Fake {
			srv := facebooktest.New(metagraphtest.Options{Token: token, AppSecret: secret, Shuffle: true})
			made := 0
			publish := func(n int, p facebooktest.Post) []collectortest.Item {
				var items []collectortest.Item
				for range n {
					made++
					p, kind := p, activity.KindPost
					p.Text, p.Twice = fmt.Sprintf("post %d https://acme.example/%d", made, made), made%7 == 0
					if made%5 == 0 {
						kind, p.Shares = activity.KindRepost, "900_1"
					}
					items = append(items, collectortest.Item{Account: account, Kind: kind, ID: srv.Post(p)})
				}
				return items
			}
			return collectortest.Fake{
				New:     func(deps collectors.Deps) (collectors.Collector, error) { return New(cfg, deps) },
				Handler: srv,
				Publish: func(n int) []collectortest.Item { return publish(n, facebooktest.Post{}) },
				Late: func(n int) []collectortest.Item {
					return publish(n, facebooktest.Post{At: time.Now().Add(-10 * time.Minute)})
				},
				Delayed: func(n int, by time.Duration) []collectortest.Item {
					return publish(n, facebooktest.Post{At: time.Now().Add(-by)})
				},
				Malformed: func() []collectortest.Item {
					items := publish(1, facebooktest.Post{})
					srv.Post(facebooktest.Post{Text: "unreadable", Broken: true})
					return append(items, publish(1, facebooktest.Post{})...)
				},
				Limited: func(w http.ResponseWriter, _ *http.Request, reset time.Time) { srv.WriteLimited(w, time.Until(reset)) },
				Refuse:  func(w http.ResponseWriter, _ *http.Request) { metagraphtest.WriteRefused(w) },
				Ignore:  func(a *activity.Activity) bool { return a.Kind == activity.KindFollowers },
			}
		},
	}
}
