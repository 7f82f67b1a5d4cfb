package okta

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/okta/oktatest"
)

// Events turn up late, come twice and in any order, and links name a host that
// is not to be followed.
func TestContract(t *testing.T) {
	collectortest.Run(t, contract(oktatest.Options{Shuffle: 7, LinkHost: "internal.example"}))
}

func contract(opts oktatest.Options) collectortest.Harness {
	return collectortest.Harness{
		Source: "okta/acme", Multi: true, Endpoint: Endpoint,
		Every: 4 * time.Minute, // of the overlap of 5, so that little is read again
		Lag:   DefaultOverlap,
		Open: func(*testing.T) collectortest.Fake {
			opts.Token = token
			f := &contractFake{srv: oktatest.New(opts)}
			return collectortest.Fake{
				New: func(deps collectors.Deps) (collectors.Collector, error) {
					return New(Config{
						BaseURL: "https://acme.example:8443", Token: token, Accept: editors, PageSize: 100, Source: "okta/acme",
					}, deps)
				},
				Handler:   f.srv,
				Publish:   f.publish,
				Late:      f.late,
				Delayed:   f.delayed,
				Malformed: f.malformed,
				Limited: func(w http.ResponseWriter, _ *http.Request, reset time.Time) {
					w.Header().Set("X-Rate-Limit-Limit", "120")
					w.Header().Set("X-Rate-Limit-Remaining", "0")
					w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(reset.Unix(), 10))
					w.WriteHeader(http.StatusTooManyRequests)
					_, _ = w.Write([]byte(`{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests."}`))
				},
				Refuse: func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusUnauthorized)
					_, _ = w.Write([]byte(`{"errorCode":"E0000011","errorSummary":"Invalid token provided"}`))
				},
			}
		},
	}
}

// contractFake makes events of several identities, with others between them.
type contractFake struct {
	srv  *oktatest.Server
	made int
}

func (f *contractFake) event(e oktatest.Event) collectortest.Item {
	f.made++
	who := fmt.Sprintf("editor-%d", f.made%3)
	item := collectortest.Item{Account: "okta/" + who, Kind: activity.KindLogin}
	e.Type, e.Actor, e.Twice = "user.session.start", who+"@acme.example", f.made%4 == 0
	switch f.made % 5 {
	case 2:
		e.Result, item.Kind = "FAILURE", activity.KindLoginFailure
	case 3:
		e.Type, e.Actor, e.User = "user.mfa.factor.deactivate", "admin@acme.example", who+"@acme.example"
		item.Kind = activity.KindMFAChange
	case 4:
		e.Type, item.Kind = "user.session.end", activity.KindLogout
	}
	item.ID = f.srv.Add(e)
	return item
}

func (f *contractFake) publish(n int) []collectortest.Item {
	var items []collectortest.Item
	for range n {
		items = append(items, f.event(oktatest.Event{}))
		switch f.made % 8 {
		case 0:
			f.srv.Add(oktatest.Event{Type: "user.session.start", Actor: "intern@acme.example"})
		case 4:
			f.srv.Add(oktatest.Event{Type: "policy.rule.action.execute", Actor: "editor-1@acme.example"})
		}
	}
	return items
}

// late makes events that happened a while ago: one half is stored now, the other
// was stored in time and becomes visible now.
func (f *contractFake) late(n int) []collectortest.Item {
	return f.delayed(n, 4*time.Minute)
}

func (f *contractFake) delayed(n int, by time.Duration) []collectortest.Item {
	var items []collectortest.Item
	for i := range n {
		then := time.Now().Add(-by - time.Duration(i)*time.Second)
		e := oktatest.Event{Published: then}
		if f.made%2 == 1 {
			e.Stored = then
		}
		items = append(items, f.event(e))
	}
	return items
}

func (f *contractFake) malformed() []collectortest.Item {
	items := f.publish(1)
	f.srv.Add(oktatest.Event{
		Type: "user.session.start", Raw: []byte(fmt.Sprintf(`{"uuid":"bad-%d","eventType":"user.session.start","published":17}`, f.made)),
	})
	return append(items, f.publish(1)...)
}

const token = "00aToken-9f3k2_PqRsTuVwXyZ0123456789abcdef"

// editors guard something; nobody else does.
func editors(identity string) bool {
	switch identity {
	case "okta/editor-0", "okta/editor-1", "okta/editor-2":
		return true
	}
	return false
}
