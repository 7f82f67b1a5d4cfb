package bluesky

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/bluesky/blueskytest"
	"github.com/picketd/picket/collectors/collectortest"
)

func TestContract(t *testing.T) {
	collectortest.Run(t, contract())
}

// contractFake is an account that posts, answers and reposts, and that others
// mention.
type contractFake struct {
	t    *testing.T
	srv  *blueskytest.Server
	made int
}

func contract() collectortest.Harness {
	const account = "bluesky/acme.test"
	cfg := Config{
		Account: account, Name: "acme.test", Server: "https://pds.test", Backfill: maxBackfill, Watch: 20,
		Password: appPassword, Session: "bluesky", Mentions: true,
	}
	return collectortest.Harness{
		Source:   account,
		Every:    20 * time.Minute, // the contract runs for days
		Lag:      DefaultOverlap,   // records that claim to be older than they are
		Endpoint: endpointQuota,
		Open: func(t *testing.T) collectortest.Fake {
			f := &contractFake{t: t, srv: blueskytest.New(blueskytest.Options{})}
			f.srv.AddAccount(did, "acme.test", "account-password")
			f.srv.AddAppPassword(did, blueskytest.AppPassword{Name: "picket", Password: appPassword})
			t.Cleanup(func() {
				for _, e := range f.srv.Exceeded() {
					t.Errorf("limit exceeded: %s", e)
				}
			})
			return collectortest.Fake{
				New:     func(deps collectors.Deps) (collectors.Collector, error) { return New(cfg, deps) },
				Handler: f.srv,
				Publish: func(n int) []collectortest.Item { return f.publish(n, func() string { return "" }) },
				Late: func(n int) []collectortest.Item {
					return f.publish(n, func() string { return f.srv.TID(time.Now().Add(-10 * time.Minute)) })
				},
				Delayed: func(n int, by time.Duration) []collectortest.Item {
					return f.publish(n, func() string { return f.srv.TID(time.Now().Add(-by)) })
				},
				Malformed: func() []collectortest.Item {
					items := f.publish(1, func() string { return "" })
					f.srv.Put(did, collectionPost, "", `{"$type":"app.bsky.feed.post","text":{"no":"text"}}`)
					f.srv.Notify(did, blueskytest.Notification{Reason: "mention", Broken: true})
					return append(items, f.publish(1, func() string { return "" })...)
				},
				Limited: func(w http.ResponseWriter, _ *http.Request, reset time.Time) { blueskytest.Limited(w, reset) },
				Refuse:  func(w http.ResponseWriter, _ *http.Request) { blueskytest.Refused(w) },
				Ignore:  func(a *activity.Activity) bool { return a.Kind == activity.KindFollowers },
			}
		},
	}
}

func (f *contractFake) publish(n int, key func() string) []collectortest.Item {
	var items []collectortest.Item
	for range n {
		f.made++
		item := collectortest.Item{Account: "bluesky/acme.test", Kind: activity.KindPost}
		text := fmt.Sprintf("post %d https://acme.example/%d", f.made, f.made)
		switch f.made % 5 {
		case 2:
			item.Kind = activity.KindMention
			item.ID = f.srv.Notify(did, blueskytest.Notification{Reason: "mention", Text: text})
			f.srv.Notify(did, blueskytest.Notification{Reason: "like", Text: text})
		case 3:
			item.Kind = activity.KindReply
			item.ID = f.srv.Put(did, collectionPost, key(), fmt.Sprintf(
				`{"$type":"app.bsky.feed.post","text":%q,"createdAt":"1999-01-01T00:00:00Z","reply":{"parent":{"uri":%q}}}`, text, original))
		case 4:
			item.Kind = activity.KindRepost
			item.ID = f.srv.Put(did, collectionRepost, key(), fmt.Sprintf(
				`{"$type":"app.bsky.feed.repost","subject":{"uri":%q},"createdAt":"2150-01-01T00:00:00Z"}`, original))
		default:
			item.ID = f.srv.Put(did, collectionPost, key(), blueskytest.Post(text, time.Now()))
		}
		if f.made%7 == 0 && item.Kind != activity.KindMention {
			f.srv.Twice(item.ID)
		}
		items = append(items, item)
	}
	return items
}
