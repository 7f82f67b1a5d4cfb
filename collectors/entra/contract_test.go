package entra

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/entra/entratest"
)

// Events turn up hours late, come twice and in any order. Some of the contract's
// tests poll without a scheduler, and so without anybody who would heed the limit
// of five requests in ten seconds, which TestLimit holds.
func TestContract(t *testing.T) {
	collectortest.Run(t, contract(entratest.Options{Shuffle: 7, Limit: 1_000_000}))
}

func contract(opts entratest.Options) collectortest.Harness {
	return collectortest.Harness{
		Source: "entra/acme", Multi: true, Endpoint: Endpoint, Every: 4 * time.Minute,
		Lag: DefaultOverlap, // an hour above what Microsoft documents
		Open: func(*testing.T) collectortest.Fake {
			f := &contractFake{srv: entratest.New(opts)}
			return collectortest.Fake{
				New: func(deps collectors.Deps) (collectors.Collector, error) {
					c, err := New(Config{
						BaseURL: "https://graph.example", LoginURL: "https://login.example", Tenant: entratest.Tenant,
						ClientID: entratest.ClientID, ClientSecret: entratest.ClientSecret,
						Accept: editors, PageSize: 100, Source: "entra/acme", Backfill: 8 * 24 * time.Hour,
					}, deps)
					if err == nil {
						c.grant = 1_000_000
					}
					return c, err
				},
				Handler:   f.srv,
				Publish:   f.publish,
				Late:      f.late,
				Delayed:   f.delayed,
				Malformed: f.malformed,
				Limited: func(w http.ResponseWriter, _ *http.Request, reset time.Time) {
					w.Header().Set("Retry-After", strconv.Itoa(int((time.Until(reset)+time.Second-1)/time.Second)))
					w.WriteHeader(http.StatusTooManyRequests)
					_, _ = w.Write([]byte(`{"error":{"code":"TooManyRequests","message":"Too Many Requests"}}`))
				},
				Refuse: func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(http.StatusUnauthorized)
					if r.Method == http.MethodPost {
						_, _ = w.Write([]byte(`{"error":"invalid_client","error_codes":[7000222],"error_description":"AADSTS7000222: expired"}`))
						return
					}
					_, _ = w.Write([]byte(`{"error":{"code":"InvalidAuthenticationToken","message":"Access token has expired."}}`))
				},
			}
		},
	}
}

// contractFake makes events of several identities and both logs, with others
// between them.
type contractFake struct {
	srv  *entratest.Server
	made int
}

func (f *contractFake) event(at time.Time) collectortest.Item {
	f.made++
	who := fmt.Sprintf("editor-%d", f.made%3)
	item := collectortest.Item{Account: "entra/" + who, Kind: activity.KindLogin}
	login, twice := who+"@acme.example", f.made%4 == 0
	switch f.made % 6 {
	case 2:
		item.Kind = activity.KindLoginFailure
		item.ID = f.srv.SignIn(entratest.SignIn{User: login, Code: 50126, Time: at, Twice: twice})
	case 3:
		item.Kind = activity.KindRoleChange
		item.ID = "Directory_" + f.srv.Audit(entratest.Audit{Activity: "Add member to role", By: "boss@acme.example", User: login, Time: at, Twice: twice})
	case 4:
		item.Kind = activity.KindTokenGrant
		item.ID = "Directory_" + f.srv.Audit(entratest.Audit{Activity: "Consent to application", By: login, App: "Post Planner", Time: at, Twice: twice})
	case 5:
		item.Kind = activity.KindSession
		item.ID = f.srv.SignIn(entratest.SignIn{User: login, Code: 50140, Time: at, Twice: twice})
	default:
		item.ID = f.srv.SignIn(entratest.SignIn{User: login, Time: at, Twice: twice})
	}
	return item
}

func (f *contractFake) publish(n int) []collectortest.Item {
	var items []collectortest.Item
	for range n {
		items = append(items, f.event(time.Time{}))
		switch f.made % 8 {
		case 0:
			f.srv.SignIn(entratest.SignIn{User: "intern@acme.example"})
		case 4:
			f.srv.Audit(entratest.Audit{Activity: "GroupLifecyclePolicies_Get", By: "editor-1@acme.example"})
		}
	}
	return items
}

// late makes events that happened up to nearly the overlap ago.
func (f *contractFake) late(n int) []collectortest.Item {
	var items []collectortest.Item
	for i := range n {
		ago := 8*time.Minute + time.Duration(f.made%7)*25*time.Minute + time.Duration(i)*time.Second
		items = append(items, f.event(time.Now().Add(-ago)))
	}
	return items
}

func (f *contractFake) delayed(n int, by time.Duration) []collectortest.Item {
	var items []collectortest.Item
	for range n {
		items = append(items, f.event(time.Now().Add(-by)))
	}
	return items
}

func (f *contractFake) malformed() []collectortest.Item {
	items := f.publish(1)
	f.srv.SignIn(entratest.SignIn{Raw: fmt.Sprintf(`{"id":"bad-%d","createdDateTime":17}`, f.made)})
	return append(items, f.publish(1)...)
}
