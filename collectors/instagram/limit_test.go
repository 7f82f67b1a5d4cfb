package instagram

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/instagram/instagramtest"
	"github.com/picketd/picket/collectors/metagraph"
	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

// TestLimitedHour polls as often as the limit allows for three hours: it is
// never exceeded, and of each hour nearly all is used.
func TestLimitedHour(t *testing.T) {
	for _, calls := range []int{200} {
		t.Run(fmt.Sprint(calls), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := instagramtest.New(metagraphtest.Options{Token: token, Calls: calls})
				cfg := Config{Account: "instagram/acme", User: instagramtest.UserID, Access: metagraph.Access{Token: token}}
				client := collectors.NewClient(nil, collectors.ClientOptions{Base: collectortest.Transport(srv)})
				c, err := New(cfg, collectors.Deps{HTTP: client, Log: zap.NewNop(), Now: time.Now})
				if err != nil {
					t.Fatal(err)
				}
				var cursor []byte
				hour, before := time.Now().Add(time.Hour), 0
				for range 3 {
					for time.Now().Before(hour) {
						page, err := c.Poll(t.Context(), cursor)
						switch limited, ok := errors.AsType[*collectors.RateLimited](err); {
						case err == nil:
							cursor = page.Cursor
							time.Sleep(time.Second)
						case ok && limited.Until.After(time.Now()):
							time.Sleep(time.Until(limited.Until))
						default:
							t.Fatalf("poll: %v", err)
						}
					}
					if n := len(srv.Requests()) - before; n > calls || n < calls*95/100 {
						t.Errorf("%d requests in an hour, want %d to %d", n, calls*95/100, calls)
					}
					before, hour = len(srv.Requests()), hour.Add(time.Hour)
				}
				if n := srv.Exceeded(); n != 0 {
					t.Errorf("%d requests beyond the limit", n)
				}
			})
		})
	}
}
