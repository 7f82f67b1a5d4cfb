package youtube

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/youtube/youtubetest"
)

const (
	key     = "AIzaSyfake0123456789abcdef"
	secret  = "GOCSPX-fake0123456789"
	refresh = "1//0fake-refresh-0123456789"
)

// Uploads turn up late, come twice and in another order on their page.
func TestContract(t *testing.T) {
	if _, err := time.LoadLocation(zone); err != nil { // read once, outside a bubble
		t.Fatal(err)
	}
	collectortest.Run(t, contract())
}

func contract() collectortest.Harness {
	const account = "youtube/acme"
	cfg := Config{
		Account: account, BaseURL: "https://youtube.example", TokenURL: "https://oauth.example/token", Session: "owner",
		ClientID: "1234.apps.example", ClientSecret: secret, RefreshToken: refresh, Backfill: MaxBackfill, Watch: pageSize,
	}
	return collectortest.Harness{
		Source: account,
		Every:  20 * time.Minute, // the contract runs for days
		Open: func(*testing.T) collectortest.Fake {
			srv := youtubetest.New(youtubetest.Options{Refresh: refresh, Rotate: true, Shuffle: 7, Units: 1_000_000})
			made := 0
			publish := func(n int, v youtubetest.Video) []collectortest.Item {
				var items []collectortest.Item
				for range n {
					made++
					v := v
					v.Title, v.Twice = fmt.Sprintf("video %d https://acme.example/%d", made, made), made%7 == 0
					items = append(items, collectortest.Item{Account: account, Kind: activity.KindPost, ID: srv.Upload(v)})
				}
				return items
			}
			return collectortest.Fake{
				New:     func(deps collectors.Deps) (collectors.Collector, error) { return New(cfg, deps) },
				Handler: srv,
				Publish: func(n int) []collectortest.Item { return publish(n, youtubetest.Video{}) },
				Late: func(n int) []collectortest.Item {
					return publish(n, youtubetest.Video{At: time.Now().Add(-40 * time.Minute)})
				},
				Malformed: func() []collectortest.Item {
					items := publish(1, youtubetest.Video{})
					srv.Upload(youtubetest.Video{Title: "unreadable", Broken: true})
					return append(items, publish(1, youtubetest.Video{})...)
				},
				Refuse: func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost {
						w.WriteHeader(http.StatusBadRequest)
						_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`))
						return
					}
					youtubetest.WriteError(w, http.StatusUnauthorized, "authError", "Invalid Credentials")
				},
				Ignore: func(a *activity.Activity) bool { return a.Kind == activity.KindFollowers },
			}
		},
	}
}
