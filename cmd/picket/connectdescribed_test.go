package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/picketd/picket/collectors/bluesky/blueskytest"
	"github.com/picketd/picket/collectors/entra/entratest"
	"github.com/picketd/picket/collectors/facebook/facebooktest"
	"github.com/picketd/picket/collectors/github/githubtest"
	"github.com/picketd/picket/collectors/googleworkspace/googleworkspacetest"
	"github.com/picketd/picket/collectors/instagram/instagramtest"
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
	"github.com/picketd/picket/collectors/reddit/reddittest"
)

// Secrets of the fake networks whose collectors describe themselves.
const (
	blueskyDID      = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
	blueskyPassword = "abcd-efgh-ijkl-mnop"
	githubToken     = "ghp_that-reads-the-audit-log-8Vb2"
	metaToken       = "EAAG-token-of-a-system-user-5Kx"
	metaSecret      = "0123456789abcdef-secret-of-the-app"
	linkedinClient  = "77abcdefghijkl"
	linkedinSecret  = "WPL_AP1.secret-of-the-app-3Hq"
	linkedinRefresh = "AQW-refresh-token-of-an-admin-7Zt"
	redditRefresh   = "8412345-refresh-token-of-the-account"
	redditSecret    = "secret-of-the-reddit-app-4Wq"
)

// describedSecrets may never be shown or written into a configuration. Of a key
// file it is how the key itself begins.
func describedSecrets() []string {
	return []string{blueskyPassword, githubToken, metaToken, metaSecret, linkedinSecret, linkedinRefresh, redditRefresh, redditSecret, entratest.ClientSecret, "PRIVATE KEY"}
}

// workspaceKey is made once: it takes a while.
var workspaceKey = sync.OnceValues(googleworkspacetest.NewKey)

// startDescribed starts a fake of a network whose collector describes itself, with
// what it takes to connect in the environment: APP_PASSWORD of bluesky, GITHUB of
// github, META_TOKEN and META_APP_SECRET of facebook and instagram, TENANT, CLIENT
// and ENTRA of entra, LINKEDIN_CLIENT, LINKEDIN_CLIENT_SECRET and
// LINKEDIN_REFRESH_TOKEN of linkedin, CLIENT, REDDIT_CLIENT_SECRET and
// REDDIT_REFRESH_TOKEN of reddit. For googleworkspace it writes key.json, as the Google Cloud
// console does, in several lines.
func startDescribed(ts *testscript.TestScript, of *network, name string) {
	handler := &late{}
	web := httptest.NewServer(handler)
	ts.Defer(web.Close)
	ts.Setenv("URL", web.URL)
	ago := func(hours int) time.Time { return time.Now().Add(-time.Duration(hours)*time.Hour - time.Minute) }
	switch name {
	case "bluesky":
		s := blueskytest.New(blueskytest.Options{URL: web.URL})
		s.AddAccount(blueskyDID, "acme.test", "the account's own")
		s.AddAppPassword(blueskyDID, blueskytest.AppPassword{Name: "picket", Password: blueskyPassword})
		s.Put(blueskyDID, "app.bsky.feed.post", "", blueskytest.Post("A post of ours", ago(3)))
		ts.Setenv("APP_PASSWORD", blueskyPassword)
		of.fault = func(kind string) error { s.AddFault(blueskytest.Fault{Kind: kind, Reset: 600}); return nil }
		handler.set(s)
	case "github":
		s := githubtest.New(githubtest.Options{Token: githubToken})
		s.Add(githubtest.Event{Action: "org.add_member", Actor: "octocat", Created: ago(3)})
		ts.Setenv("GITHUB", githubToken)
		of.fault = func(kind string) error { return s.AddFault(githubtest.Fault{Kind: kind, Reset: 600}) }
		handler.set(s)
	case "entra":
		s := entratest.New(entratest.Options{})
		s.SignIn(entratest.SignIn{User: "editor-1@acme.example", Time: ago(3)})
		ts.Setenv("TENANT", entratest.Tenant)
		ts.Setenv("CLIENT", entratest.ClientID)
		ts.Setenv("ENTRA", entratest.ClientSecret)
		of.fault = func(kind string) error { s.AddFault(entratest.Fault{Kind: kind}); return nil }
		handler.set(s)
	case "googleworkspace":
		key, err := workspaceKey()
		ts.Check(err)
		s := googleworkspacetest.New(googleworkspacetest.Options{Key: key, Admin: "reports@acme.example"})
		s.Add(googleworkspacetest.Event{App: "login", Name: "login_success", Actor: "editor-1@acme.example", Time: ago(3)})
		var file bytes.Buffer
		ts.Check(json.Indent(&file, []byte(googleworkspacetest.ServiceAccount(key, web.URL+"/token")), "", "  "))
		ts.Check(os.WriteFile(ts.MkAbs("key.json"), append(file.Bytes(), '\n'), 0o600))
		of.fault = func(kind string) error { s.AddFault(googleworkspacetest.Fault{Kind: kind}); return nil }
		handler.set(s)
	case "linkedin":
		s := linkedintest.New(linkedintest.Options{
			ClientID: linkedinClient, ClientSecret: linkedinSecret, Refresh: linkedinRefresh,
			Scopes: []string{"r_organization_social", "rw_organization_admin"},
		})
		s.Post(linkedintest.Post{Text: "A post of ours", At: ago(3)})
		ts.Setenv("LINKEDIN_CLIENT", linkedinClient)
		ts.Setenv("LINKEDIN_CLIENT_SECRET", linkedinSecret)
		ts.Setenv("LINKEDIN_REFRESH_TOKEN", linkedinRefresh)
		of.fault = func(kind string) error {
			if kind == "version" {
				s.Retire("202712")
				return nil
			}
			s.AddFault(linkedintest.Fault{Endpoint: "posts", Status: http.StatusForbidden, Code: "ACCESS_DENIED", Service: 100, Message: "Not enough permissions"})
			return nil
		}
		handler.set(s)
	case "reddit":
		s := reddittest.New(reddittest.Options{Secret: redditSecret, Refresh: redditRefresh, Scope: "history identity read modlog submit"})
		s.Post(reddittest.Thing{Title: "A post of ours", At: ago(3)})
		s.Moderate("acme", reddittest.Action{Action: "addmoderator", Mod: "acme", Target: "jane", At: ago(3)})
		ts.Setenv("CLIENT", reddittest.ClientID)
		ts.Setenv("REDDIT_CLIENT_SECRET", redditSecret)
		ts.Setenv("REDDIT_REFRESH_TOKEN", redditRefresh)
		of.fault = func(string) error {
			s.AddFault(reddittest.Fault{Path: "/access_token", Status: http.StatusBadRequest})
			return nil
		}
		handler.set(s)
	case "facebook", "instagram":
		startMeta(ts, of, name, handler, ago)
	default:
		ts.Fatalf("no fake of %s", name)
	}
}

func startMeta(ts *testscript.TestScript, of *network, name string, handler *late, ago func(hours int) time.Time) {
	opts := metagraphtest.Options{Token: metaToken, AppSecret: metaSecret, Scopes: []string{"pages_show_list", "pages_read_engagement", "instagram_basic"}}
	var s *metagraphtest.Server
	if name == "facebook" {
		page := facebooktest.New(opts)
		page.Post(facebooktest.Post{Text: "A post of ours", At: ago(3)})
		handler.set(page)
		s = page.Server
	} else {
		account := instagramtest.New(opts)
		account.Post(instagramtest.Media{Text: "A post of ours", At: ago(3)})
		handler.set(account)
		s = account.Server
	}
	ts.Setenv("META_TOKEN", metaToken)
	ts.Setenv("META_APP_SECRET", metaSecret)
	of.fault = func(string) error {
		s.AddFault(metagraphtest.Fault{Status: http.StatusForbidden, Code: 200, Message: "Requires pages_read_engagement"})
		return nil
	}
}

// late is a handler that is made after its server, whose address it needs.
type late struct {
	mu sync.Mutex
	h  http.Handler
}

func (l *late) set(h http.Handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.h = h
}

func (l *late) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	h := l.h
	l.mu.Unlock()
	h.ServeHTTP(w, r)
}
