package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

// gate lets one token through to a network, until another takes its place.
type gate struct {
	behind http.Handler

	mu    sync.Mutex
	token string
	let   map[string]int // requests by token
	kept  int            // requests with another
}

func newGate(t *testing.T, token string, behind http.Handler) (*gate, string) {
	t.Helper()
	g := &gate{behind: behind, token: token, let: map[string]int{}}
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	return g, srv.URL
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	good := r.Header.Get("Authorization") == "Bearer "+g.token
	if good {
		g.let[g.token]++
	} else {
		g.kept++
	}
	g.mu.Unlock()
	if !good {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":"The access token was revoked"}`))
		return
	}
	r.Header.Del("Authorization")
	g.behind.ServeHTTP(w, r)
}

// rotate revokes the token in use.
func (g *gate) rotate(token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.token = token
}

func (g *gate) refused() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.kept
}

func (g *gate) taken(token string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.let[token]
}

// reloads is how often a configuration was put in force.
func (r *watchedRun) reloads() string {
	r.t.Helper()
	answer, err := http.Get("http://" + r.at.HTTP + "/metrics")
	must(r.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(r.t, err)
	_, text, _ := strings.Cut(string(body), "\n"+`picket_config_reloads_total{outcome="success"} `)
	text, _, _ = strings.Cut(text, "\n")
	return text
}

// vault is where a secret lies, and how it is replaced there.
type vault struct {
	name    string
	make    func(t *testing.T, dir, secret string)
	replace func(t *testing.T, dir, secret string, n int)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func vaults() []vault {
	return []vault{
		{
			"a file that is renamed over",
			func(t *testing.T, dir, secret string) {
				t.Helper()
				put(t, dir, map[string]string{"secrets/token": secret})
			},
			func(t *testing.T, dir, secret string, _ int) {
				t.Helper()
				put(t, dir, map[string]string{"secrets/token.new": secret})
				must(t, os.Rename(filepath.Join(dir, "secrets/token.new"), filepath.Join(dir, "secrets/token")))
			},
		},
		{
			"a file that is written in place",
			func(t *testing.T, dir, secret string) {
				t.Helper()
				put(t, dir, map[string]string{"secrets/token": secret})
			},
			func(t *testing.T, dir, secret string, _ int) {
				t.Helper()
				put(t, dir, map[string]string{"secrets/token": secret})
			},
		},
		{
			"a volume of Kubernetes",
			func(t *testing.T, dir, secret string) {
				t.Helper()
				put(t, dir, map[string]string{"secrets/..0/token": secret, "secrets/..data": "-> ..0", "secrets/token": "-> ..data/token"})
			},
			func(t *testing.T, dir, secret string, n int) {
				t.Helper()
				next := fmt.Sprint("..", n)
				put(t, dir, map[string]string{"secrets/" + next + "/token": secret, "secrets/..data_tmp": "-> " + next})
				must(t, os.Rename(filepath.Join(dir, "secrets/..data_tmp"), filepath.Join(dir, "secrets/..data")))
				must(t, os.RemoveAll(filepath.Join(dir, fmt.Sprint("secrets/..", n-1))))
			},
		},
	}
}

const logStale = "secret not taken; the one before stays in force until its file is in order"

// TestRotatedSecrets replaces a token that a network revokes, and the secret of
// a receiver, while the daemon runs; what is no secret is not taken, and told
// once.
func TestRotatedSecrets(t *testing.T) {
	for _, v := range vaults() {
		t.Run(v.name, func(t *testing.T) {
			network := mastodontest.New(mastodontest.Options{Limit: 100_000})
			network.AddAccount(mastodontest.Profile{Name: "acme"})
			g, url := newGate(t, "first", network)
			s := newSite(t, fmt.Sprintf(`- {account: mastodon/acme@social.example, credential: social, username: acme, every: 1s}
credentials:
  social: {collector: mastodon, server: %q, token: {file: secrets/token}}
`, url))
			v.make(t, s.dir, "first\n")
			r := s.launch(t).works()
			const complete, forbidden = `picket_accounts{network="mastodon",state="complete"} 1`, `picket_accounts{network="mastodon",state="forbidden"} 1`
			r.metric(complete)

			g.rotate("second")
			r.metric(forbidden)
			v.replace(t, s.dir, "second\n", 1)
			r.metric(complete)
			r.logged(logReloaded, 1)
			if g.taken("second") == 0 {
				t.Error("nothing was asked with the new token")
			}

			refused := g.refused()
			v.replace(t, s.dir, "", 2)
			told := r.logged(logStale, 1).ContextMap()["fault"]
			if want := "credentials.social.token.file: the secret is empty; put it there"; !strings.Contains(fmt.Sprint(told), want) {
				t.Errorf("told %q, want %q", told, want)
			}
			for before, asked := r.reloads(), false; r.reloads() == before; asked = true { // what the file brings may still come
				if !asked {
					hangup(t)
				}
				r.metric(complete)
			}
			seen := g.taken("second")
			for g.taken("second") < seen+2 { // polling goes on
				r.metric(complete)
			}
			if n := r.logs.FilterMessage(logStale).Len(); n != 1 {
				t.Errorf("an empty secret was told %d times, want once", n)
			}
			if n := g.refused(); n != refused {
				t.Errorf("%d requests with another token than the one before", n-refused)
			}

			g.rotate("third")
			v.replace(t, s.dir, "third", 3)
			r.logged(logReloaded, 2)
			for deadline := time.Now().Add(patience); g.taken("third") == 0; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("nothing was asked with the third token:\n%s", r.log())
				}
			}
			r.metric(complete)
			if n := r.logs.FilterMessage(logRefused).Len(); n != 0 {
				t.Errorf("%d configurations refused, want none", n)
			}
			for _, e := range r.logs.All() {
				for _, secret := range []string{"Bearer second", "Bearer third"} {
					if strings.Contains(fmt.Sprint(e.Message, e.ContextMap()), secret) {
						t.Errorf("the log tells a secret: %s", e.Message)
					}
				}
			}
		})
	}
}

// TestRotationRebuildsWhatItMust holds that only collectors of the credential
// are built anew, and that its budget stays, and the same of receivers.
func TestRotationRebuildsWhatItMust(t *testing.T) {
	s := newSite(t, `- {account: mastodon/one@social.example, credential: one}
- {account: mastodon/uno@social.example, credential: one}
- {account: mastodon/two@social.example, credential: two}
credentials:
  one: {collector: mastodon, server: "https://social.example", token: {file: secrets/one}}
  two: {collector: mastodon, server: "https://social.example", token: {file: secrets/two}}
receivers:
- {name: first, type: alertmanager, urls: ["https://alerts.acme.example"], bearer_token: {file: secrets/hook}}
- {name: second, type: alertmanager, urls: ["https://alerts.acme.example"], bearer_token: {file: secrets/two}}
`)
	s.put(t, map[string]string{"secrets/one": "a", "secrets/two": "b", "secrets/hook": "c"})
	before, err := loadSite(s)
	must(t, err)
	p := newPollers(newCurrent(before), nil, &places{}, func(string, string, int) {}, zap.NewNop())
	sched := collectors.NewScheduler(collectors.Options{Logs: collectortest.NewLogs()})
	set := p.prepare(before)
	must(t, p.commit(set, sched))
	receiving := &receivers{outputs: outputs{nobody{}, zap.NewNop()}}
	receiving.of, err = receiving.build(before)
	must(t, err)

	s.put(t, map[string]string{"secrets/one": "z", "secrets/hook": "y"})
	after, err := config.Reload(before, s.config, os.Getenv)
	must(t, err)
	next := p.prepare(after)
	for name, fresh := range map[string]bool{"mastodon/one@social.example": true, "mastodon/uno@social.example": true, "mastodon/two@social.example": false} {
		if got := next.built[name] != set.built[name]; got != fresh || next.built[name] == nil {
			t.Errorf("%s is built anew: %t, want %t", name, got, fresh)
		}
		if next.built[name].task.Budget != set.built[name].task.Budget {
			t.Errorf("%s has another budget", name)
		}
	}
	built, err := receiving.build(after)
	must(t, err)
	for name, fresh := range map[string]bool{"first": true, "second": false} {
		if got := built[name].Receiver != receiving.of[name].Receiver; got != fresh {
			t.Errorf("receiver %s is built anew: %t, want %t", name, got, fresh)
		}
	}
}
