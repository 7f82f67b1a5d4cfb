package googleworkspace

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/googleworkspace/googleworkspacetest"
)

// Events turn up hours late, come twice and in any order.
func TestContract(t *testing.T) {
	if _, err := key(); err != nil { // not inside a bubble, whose clock it would hold up
		t.Fatal(err)
	}
	collectortest.Run(t, contract(googleworkspacetest.Options{Shuffle: 7}))
}

func contract(opts googleworkspacetest.Options) collectortest.Harness {
	return collectortest.Harness{
		Source: "googleworkspace/acme", Multi: true, Endpoint: Endpoint, Every: 4 * time.Minute,
		Lag: DefaultOverlap, // twice what Google documents
		Open: func(t *testing.T) collectortest.Fake {
			opts.Key, _ = key()
			f := &contractFake{srv: googleworkspacetest.New(opts)}
			t.Cleanup(func() {
				if n := f.srv.Over(); n > 0 {
					t.Errorf("%d requests above Google's limits", n)
				}
			})
			return collectortest.Fake{
				New: func(deps collectors.Deps) (collectors.Collector, error) {
					return New(Config{
						BaseURL: "https://admin.example", ServiceAccount: serviceAccount(t, "https://oauth.example/token"),
						AdminEmail: admin, Accept: editors, PageSize: 100, Source: "googleworkspace/acme", Backfill: 8 * 24 * time.Hour,
					}, deps)
				},
				Handler:   f.srv,
				Publish:   f.publish,
				Late:      f.late,
				Delayed:   f.delayed,
				Malformed: f.malformed,
				Refuse: func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(http.StatusUnauthorized)
					if r.Method == http.MethodPost {
						_, _ = w.Write([]byte(`{"error":"unauthorized_client","error_description":"Client is unauthorized."}`))
						return
					}
					_, _ = w.Write([]byte(`{"error":{"code":401,"message":"Invalid Credentials","errors":[{"reason":"authError"}]}}`))
				},
			}
		},
	}
}

// contractFake makes events of several identities and all logs, with others
// between them.
type contractFake struct {
	srv  *googleworkspacetest.Server
	made int
}

func (f *contractFake) event(e googleworkspacetest.Event) collectortest.Item {
	f.made++
	who := fmt.Sprintf("editor-%d", f.made%3)
	item := collectortest.Item{Account: "googleworkspace/" + who, Kind: activity.KindLogin}
	e.App, e.Name, e.Actor, e.Twice = "login", "login_success", who+"@acme.example", f.made%4 == 0
	switch f.made % 6 {
	case 2:
		e.Name, item.Kind = "login_failure", activity.KindLoginFailure
	case 3:
		e.App, e.Name, e.Actor = "admin", "UNASSIGN_ROLE", "boss@acme.example"
		e.Parameters = map[string]any{"USER_EMAIL": who + "@acme.example"}
		item.Kind = activity.KindRoleChange
	case 4:
		e.App, e.Name, item.Kind = "token", "authorize", activity.KindTokenGrant
	case 5:
		e.App, e.Name, item.Kind = "token", "revoke", activity.KindTokenRevoke
	}
	qualifier, at := f.srv.Add(e)
	item.ID = e.App + "/" + at + "/" + qualifier
	return item
}

func (f *contractFake) publish(n int) []collectortest.Item {
	var items []collectortest.Item
	for range n {
		items = append(items, f.event(googleworkspacetest.Event{}))
		switch f.made % 8 {
		case 0:
			f.srv.Add(googleworkspacetest.Event{App: "login", Name: "login_success", Actor: "intern@acme.example"})
		case 4:
			f.srv.Add(googleworkspacetest.Event{App: "token", Name: "activity", Actor: "editor-1@acme.example"})
		}
	}
	return items
}

// late makes events that happened up to nearly the overlap ago.
func (f *contractFake) late(n int) []collectortest.Item {
	var items []collectortest.Item
	for i := range n {
		ago := 8*time.Minute + time.Duration(f.made%7)*30*time.Minute + time.Duration(i)*time.Second
		items = append(items, f.event(googleworkspacetest.Event{Time: time.Now().Add(-ago)}))
	}
	return items
}

func (f *contractFake) delayed(n int, by time.Duration) []collectortest.Item {
	var items []collectortest.Item
	for range n {
		items = append(items, f.event(googleworkspacetest.Event{Time: time.Now().Add(-by)}))
	}
	return items
}

func (f *contractFake) malformed() []collectortest.Item {
	items := f.publish(1)
	f.srv.Add(googleworkspacetest.Event{
		App: "login", Name: "login_success", Raw: fmt.Sprintf(`{"id":{"time":17,"uniqueQualifier":"%d"},"events":[]}`, f.made),
	})
	return append(items, f.publish(1)...)
}
