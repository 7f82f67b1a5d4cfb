package x

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/x/xtest"
)

func TestContract(t *testing.T) { collectortest.Run(t, contract(false)) }

// TestContractOfMessages is a life with direct messages, which are read as
// mentions are and signed at some cost: it need not be long.
func TestContractOfMessages(t *testing.T) { collectortest.Soak(t, contract(true), 150, 25) }

func contract(messages bool) collectortest.Harness {
	return collectortest.Harness{
		Source:   "x/acme",
		Endpoint: Endpoint,
		Every:    20 * time.Minute, // the contract runs for days
		Lag:      DefaultOverlap,
		Open: func(*testing.T) collectortest.Fake {
			srv := xtest.New(xtest.Options{OAuth1: &xtest.OAuth1{
				ConsumerKey: consumerKey, ConsumerSecret: consumerSec, AccessToken: accessToken, AccessSecret: accessSec, User: "acme",
			}})
			srv.AddAccount(xtest.Profile{Handle: "acme"})
			original := srv.Post("fan", xtest.Post{Text: "to be reposted"})
			made := 0
			publish := func(n int, p xtest.Post) []collectortest.Item {
				var items []collectortest.Item
				for range n {
					made++
					if made%7 == 6 && messages && srv.Count("dm_events") > 0 { // those of before the connection are not read
						id, err := srv.Message("acme", "fan", xtest.Message{Text: fmt.Sprintf("coins %d", made), At: p.At})
						if err != nil {
							panic(err) // both were made above
						}
						items = append(items, collectortest.Item{Account: "x/acme", Kind: activity.KindMessage, ID: id})
						continue
					}
					p, kind := p, activity.KindPost
					p.Text = fmt.Sprintf("post %d https://acme.example/%d", made, made)
					switch made % 5 {
					case 3:
						kind, p.ReplyTo = activity.KindReply, original
					case 4:
						kind, p.RepostOf = activity.KindRepost, original
					}
					items = append(items, collectortest.Item{Account: "x/acme", Kind: kind, ID: srv.Post("acme", p)})
				}
				return items
			}
			return collectortest.Fake{
				New: func(deps collectors.Deps) (collectors.Collector, error) {
					cfg := Config{Username: "acme", BearerToken: bearerToken, Mentions: true, Backfill: maxBackfill, Rehydrate: 10}
					if messages {
						withMessages(&cfg)
					}
					return New(cfg, deps)
				},
				Handler: srv,
				Publish: func(n int) []collectortest.Item { return publish(n, xtest.Post{}) },
				Late: func(n int) []collectortest.Item {
					return publish(n, xtest.Post{At: time.Now().Add(-10 * time.Minute)})
				},
				Delayed: func(n int, by time.Duration) []collectortest.Item {
					return publish(n, xtest.Post{At: time.Now().Add(-by)})
				},
				Malformed: func() []collectortest.Item {
					items := publish(1, xtest.Post{})
					srv.Post("acme", xtest.Post{Text: "unreadable", Broken: true})
					return append(items, publish(1, xtest.Post{})...)
				},
				Limited: func(w http.ResponseWriter, _ *http.Request, reset time.Time) {
					w.Header().Set("x-rate-limit-remaining", "0")
					w.Header().Set("x-rate-limit-reset", strconv.FormatInt(reset.Unix(), 10))
					w.WriteHeader(http.StatusTooManyRequests)
					_, _ = w.Write([]byte(`{"errors":[{"code":88,"message":"Rate limit exceeded"}]}`))
				},
				Refuse: func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusUnauthorized)
					_, _ = w.Write([]byte(`{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}`))
				},
				Ignore: func(a *activity.Activity) bool { return a.Kind == activity.KindFollowers },
			}
		},
	}
}
