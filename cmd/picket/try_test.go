package main

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

// serveMastodon serves a fake Mastodon server for a script, and sets MASTODON
// to its address. Its account acme@social.example has posted once a day for
// forty days and then twenty times in ten minutes. With a kind of fault every
// answer is that fault.
func serveMastodon(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: mastodon [fault]")
	}
	server := mastodontest.New(mastodontest.Options{})
	now := time.Now()
	for i := range 40 {
		server.Post("acme", mastodontest.Status{Text: fmt.Sprint("Bread of day ", i), At: now.AddDate(0, 0, i-44)})
	}
	for i := range 20 {
		server.Post("acme", mastodontest.Status{Text: fmt.Sprint("Flood ", i), At: now.Add(-48*time.Hour + time.Duration(i)*30*time.Second)})
	}
	for _, kind := range args {
		ts.Check(server.AddFault(mastodontest.Fault{Kind: kind, Reset: 240}))
	}
	web := httptest.NewServer(server)
	ts.Defer(web.Close)
	ts.Setenv("MASTODON", web.URL)
}

// TestTryRecorded tries the histories of real accounts. What holds for all of
// them is held for each: the screen fits, ends with what to type next, and
// counts the same as a replay does.
func TestTryRecorded(t *testing.T) {
	t.Parallel()
	dir := recorded(t, "data/accounts")
	for _, account := range []string{"realDonaldTrump", "bizweekgraphics", "person01", "ira_caddeetrs", "ira_GattiSilgatti", "landsurveyorsunited"} {
		t.Run(account, func(t *testing.T) {
			path := filepath.Join(dir, account+".jsonl.gz")
			var out, errOut strings.Builder
			if code := run(t.Context(), []string{"try", "file:" + path}, nil, &out, &errOut); code != 0 {
				t.Fatalf("exit code %d: %s", code, errOut.String())
			}
			lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
			if len(lines) > maxScreen {
				t.Errorf("%d lines, want at most %d", len(lines), maxScreen)
			}
			if want := "Next: picket connect x @" + account; lines[len(lines)-1] != want {
				t.Errorf("the last line is %q, want %q", lines[len(lines)-1], want)
			}
			res, _ := readJSON(t, replayJSON(t, []string{path}))
			findings := 0
			for _, r := range res.Rules {
				findings += r.Findings
			}
			told := regexp.MustCompile(`WHAT PICKET WOULD HAVE TOLD YOU +(\w+)`).FindStringSubmatch(out.String())
			if want := fmt.Sprint(findings); told == nil || told[1] != want && (told[1] != "nothing" || findings != 0) {
				t.Errorf("told %v, a replay finds %s", told, want)
			}
		})
	}
}

// maxScreen is how many lines one account may take: two screens of a laptop.
const maxScreen = 66
