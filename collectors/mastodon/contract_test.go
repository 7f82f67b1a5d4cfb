package mastodon

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

func TestContract(t *testing.T) {
	collectortest.Run(t, contract())
}

func contract() collectortest.Harness {
	const account = "mastodon/acme@social.example"
	cfg := Config{Account: account, Server: "https://social.example", Name: "acme", Token: token, Backfill: maxBackfill, Watch: 10}
	return collectortest.Harness{
		Source: account,
		Every:  20 * time.Minute, // the contract runs for days
		Lag:    DefaultOverlap,
		Open: func(*testing.T) collectortest.Fake {
			srv := mastodontest.New(mastodontest.Options{
				Brief: true, Software: mastodontest.GoToSocial, Tokens: map[string]mastodontest.Token{token: {User: "acme"}},
			})
			srv.AddAccount(mastodontest.Profile{Name: "acme"})
			original := srv.Post("fan", mastodontest.Status{Text: "to be boosted"})
			made := 0
			publish := func(n int, p mastodontest.Status) []collectortest.Item {
				var items []collectortest.Item
				for range n {
					made++
					if made%25 == 5 { // an app is let in
						id := srv.Grant("acme", mastodontest.Grant{App: fmt.Sprint("App ", made), At: p.At})
						items = append(items, collectortest.Item{Account: account, Kind: activity.KindTokenGrant, ID: "token-" + id})
						continue
					}
					p, kind := p, activity.KindPost
					p.Text = fmt.Sprintf("post %d https://acme.example/%d", made, made)
					switch made % 5 {
					case 3:
						kind, p.ReplyTo = activity.KindReply, original
					case 4:
						kind, p.BoostOf = activity.KindRepost, original
					}
					p.Twice = made%7 == 0
					items = append(items, collectortest.Item{Account: account, Kind: kind, ID: srv.Post("acme", p)})
				}
				return items
			}
			return collectortest.Fake{
				New:     func(deps collectors.Deps) (collectors.Collector, error) { return New(cfg, deps) },
				Handler: srv,
				Publish: func(n int) []collectortest.Item { return publish(n, mastodontest.Status{}) },
				Late: func(n int) []collectortest.Item {
					return publish(n, mastodontest.Status{At: time.Now().Add(-10 * time.Minute)})
				},
				Delayed: func(n int, by time.Duration) []collectortest.Item {
					return publish(n, mastodontest.Status{At: time.Now().Add(-by)})
				},
				Malformed: func() []collectortest.Item {
					items := publish(1, mastodontest.Status{})
					srv.Post("acme", mastodontest.Status{Text: "unreadable", Broken: true})
					return append(items, publish(1, mastodontest.Status{})...)
				},
				Limited: func(w http.ResponseWriter, _ *http.Request, reset time.Time) {
					w.Header().Set("X-RateLimit-Limit", "300")
					w.Header().Set("X-RateLimit-Remaining", "0")
					w.Header().Set("X-RateLimit-Reset", reset.UTC().Format("2006-01-02T15:04:05.000000Z"))
					w.WriteHeader(http.StatusTooManyRequests)
					_, _ = w.Write([]byte(`{"error":"Too many requests"}`))
				},
				Refuse: func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusUnauthorized)
					_, _ = w.Write([]byte(`{"error":"This API requires an authenticated user"}`))
				},
				Ignore: func(a *activity.Activity) bool {
					return a.Kind == activity.KindFollowers || a.App == mastodontest.AskingApp
				},
			}
		},
	}
}
