package github

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/github/githubtest"
)

// Events turn up late, come twice and in any order, and links name a host that
// is not to be followed.
func TestContract(t *testing.T) {
	collectortest.Run(t, contract(githubtest.Options{Shuffle: 7, LinkHost: "internal.example"}, Config{Org: "acme"}))
}

func contract(opts githubtest.Options, cfg Config) collectortest.Harness {
	return collectortest.Harness{
		Source: "github/acme", Multi: true, Endpoint: Endpoint,
		Every: 5 * time.Minute, // of the overlap of 10, so that little is read again
		// GitHub documents no delay: this is the one that the collector allows for.
		Lag: DefaultOverlap,
		Open: func(*testing.T) collectortest.Fake {
			opts.Token = token
			f := &contractFake{srv: githubtest.New(opts)}
			return collectortest.Fake{
				New: func(deps collectors.Deps) (collectors.Collector, error) {
					cfg := cfg
					cfg.BaseURL, cfg.Token, cfg.Accept, cfg.Source = "https://api.example", token, editors, "github/acme"
					return New(cfg, deps)
				},
				Handler:   f.srv,
				Publish:   f.publish,
				Late:      f.late,
				Delayed:   f.delayed,
				Malformed: f.malformed,
				Limited: func(w http.ResponseWriter, _ *http.Request, reset time.Time) {
					w.Header().Set("X-RateLimit-Limit", "1750")
					w.Header().Set("X-RateLimit-Remaining", "0")
					w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
					w.WriteHeader(http.StatusForbidden)
					_, _ = w.Write([]byte(`{"message":"API rate limit exceeded for user ID 1."}`))
				},
				Refuse: func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusUnauthorized)
					_, _ = w.Write([]byte(`{"message":"Bad credentials"}`))
				},
			}
		},
	}
}

// contractFake makes events of several identities, with others between them.
type contractFake struct {
	srv  *githubtest.Server
	made int
}

func (f *contractFake) event(e githubtest.Event) collectortest.Item {
	f.made++
	who := fmt.Sprintf("editor-%d", f.made%3)
	item := collectortest.Item{Account: "github/" + who, Kind: activity.KindLogin}
	e.Action, e.Actor, e.Twice = "user.login", who, f.made%4 == 0
	switch f.made % 5 {
	case 2:
		e.Action, item.Kind = "user.failed_login", activity.KindLoginFailure
	case 3:
		e.Action, e.Actor, e.User = "two_factor_authentication.disabled", "owner", who
		item.Kind = activity.KindMFAChange
	case 4:
		e.Action, item.Kind = "repo.archived", activity.KindSession
	}
	item.ID = f.srv.Add(e)
	return item
}

func (f *contractFake) publish(n int) []collectortest.Item {
	var items []collectortest.Item
	for range n {
		items = append(items, f.event(githubtest.Event{}))
		switch f.made % 8 {
		case 0:
			f.srv.Add(githubtest.Event{Action: "user.login", Actor: "intern"})
		case 4:
			f.srv.Add(githubtest.Event{Action: "pull_request.create", Actor: "editor-1"})
		}
	}
	return items
}

// late makes events that happened a while ago and become visible now.
func (f *contractFake) late(n int) []collectortest.Item {
	return f.delayed(n, 9*time.Minute)
}

func (f *contractFake) delayed(n int, by time.Duration) []collectortest.Item {
	var items []collectortest.Item
	for i := range n {
		items = append(items, f.event(githubtest.Event{Created: time.Now().Add(-by - time.Duration(i)*time.Second)}))
	}
	return items
}

func (f *contractFake) malformed() []collectortest.Item {
	items := f.publish(1)
	f.srv.Add(githubtest.Event{
		Action: "user.login", Raw: fmt.Appendf(nil, `{"_document_id":"bad-%d","action":"user.login","@timestamp":"soon"}`, f.made),
	})
	return append(items, f.publish(1)...)
}

const token = "ghp_9f3k2PqRsTuVwXyZ0123456789abcdefABCD"

// editors guard something; nobody else does.
func editors(identity string) bool {
	switch identity {
	case "github/editor-0", "github/editor-1", "github/editor-2":
		return true
	}
	return false
}
