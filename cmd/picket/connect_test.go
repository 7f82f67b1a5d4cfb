package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/picketd/picket/collectors/mastodon/mastodontest"
	"github.com/picketd/picket/collectors/okta/oktatest"
	"github.com/picketd/picket/collectors/x/xtest"
)

// Tokens of the fake networks, none of which may ever be shown or written into
// a configuration.
const (
	readingToken = "token-that-reads-Qm7w2"
	writingToken = "token-that-writes-Zt5k8"
	oktaToken    = "00token-of-a-read-only-admin-Hx4c9"
)

// TestConnect runs testdata/script/connect: each is a session with a network of
// its own. Beside what testscript brings, and daemon, halt, waitfor and waitget
// of TestScripts, they have
//
//	network x|mastodon|okta|… start a fake one, see startDescribed too; sets URL
//	fault kind                have all its answers go wrong
//	discreet file...          no token stands in these files
//	plain file copy           copy a file with URL and HOST in place of the network's address
func TestConnect(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script/connect", UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Values[networkKey{}], e.Values[daemonKey{}] = new(network), new(daemonOf)
			e.Setenv(raceOptions, os.Getenv(raceOptions))
			e.Setenv("TZ", "Europe/Berlin")
			for name, token := range map[string]string{"BEARER": bearerToken, "READING": readingToken, "WRITING": writingToken, "OKTA": oktaToken} {
				e.Setenv(name, token)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"network": startNetwork, "fault": addFault, "discreet": discreet, "plain": plain,
			"daemon": startDaemon, "halt": halt, "waitfor": waitFor, "waitget": waitGet,
		},
	})
}

type networkKey struct{}

// network is the fake network of one script.
type network struct{ fault func(kind string) error }

func startNetwork(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: network x|mastodon|okta|…")
	}
	of := ts.Value(networkKey{}).(*network)
	ago := func(hours int) time.Time { return time.Now().Add(-time.Duration(hours)*time.Hour - time.Minute) }
	var handler http.Handler
	switch args[0] {
	case "x":
		s := xtest.New(xtest.Options{Bearer: bearerToken, OAuth1: &xtest.OAuth1{
			ConsumerKey: "key-of-the-app", ConsumerSecret: "secret-of-the-app", AccessToken: "1000-token-of-acme", AccessSecret: "secret-of-acme",
			User: "acme", Access: "read-write",
		}})
		s.AddAccount(xtest.Profile{Handle: "Acme", Name: "Acme Ltd", Followers: 48210})
		for i := range 40 { // a post every 6 hours
			s.Post("acme", xtest.Post{Text: "A post of ours", At: ago(6*i + 3)})
		}
		s.AddAccount(xtest.Profile{Handle: "other"})
		s.AddAccount(xtest.Profile{Handle: "closed", Protected: true})
		of.fault = func(kind string) error { return s.AddFault(xtest.Fault{Kind: kind, Reset: 600}) }
		handler = s
	case "mastodon":
		s := mastodontest.New(mastodontest.Options{Tokens: map[string]mastodontest.Token{
			readingToken: {User: "acme", Scopes: []string{"read:accounts", "read:statuses"}},
			writingToken: {User: "acme", Scopes: []string{"read", "write", "follow"}},
		}})
		s.AddAccount(mastodontest.Profile{Name: "acme", DisplayName: "Acme Ltd", Followers: 1204})
		s.Post("acme", mastodontest.Status{Text: "A post of ours", At: ago(5)})
		of.fault = func(kind string) error { return s.AddFault(mastodontest.Fault{Kind: kind, Reset: 600}) }
		handler = s
	case "okta":
		s := oktatest.New(oktatest.Options{Token: oktaToken})
		s.Add(oktatest.Event{Type: "user.session.start", Actor: "editor-1@acme.example", Published: ago(30)})
		s.Add(oktatest.Event{Type: "user.session.start", Actor: "editor-2@acme.example", Published: ago(3)})
		of.fault = func(kind string) error { return s.AddFault(oktatest.Fault{Kind: kind, Reset: 600}) }
		handler = s
	default:
		startDescribed(ts, of, args[0])
		return
	}
	web := httptest.NewServer(handler)
	ts.Defer(web.Close)
	ts.Setenv("URL", web.URL)
}

func addFault(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fault kind")
	}
	ts.Check(ts.Value(networkKey{}).(*network).fault(args[0]))
}

func discreet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: discreet file...")
	}
	for _, file := range args {
		text := ts.ReadFile(file)
		for _, token := range append([]string{bearerToken, readingToken, writingToken, oktaToken}, describedSecrets()...) {
			if strings.Contains(text, token) {
				ts.Fatalf("%s holds a token", file)
			}
		}
	}
}

func plain(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: plain file copy")
	}
	url := ts.Getenv("URL")
	text := strings.NewReplacer(url, "URL", strings.TrimPrefix(url, "http://"), "HOST").Replace(ts.ReadFile(args[0]))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}
