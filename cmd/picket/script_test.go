package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/picketd/picket/collectors/bluesky/blueskytest"
)

var update = flag.Bool("update", false, "write the goldens of the scripts anew")

// TestScripts runs testdata/script: each is a session at the command line. Beside
// what testscript brings, they have
//
//	daemon [flag...]        start picket run on picket.yaml; sets HTTP, a URL, and NATS, an address
//	hangup                  send SIGHUP to the daemon
//	halt                    stop the daemon, which must exit with 0
//	waitfor re command...   run a command until it succeeds and its output matches; stdout is that output
//	waitget re url          fetch until the answer matches
//	append file line        add one line to a file
//	car file json           write a repository, see blueskytest.Repo, as a CAR file
//	mastodon [fault]        serve a fake Mastodon server; sets MASTODON, a URL
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Values[daemonKey{}] = new(daemonOf)
			e.Setenv(raceOptions, os.Getenv(raceOptions))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon": startDaemon, "hangup": hangUp, "halt": halt,
			"waitfor": waitFor, "waitget": waitGet, "append": appendLine, "car": writeCAR, "mastodon": serveMastodon,
		},
	})
}

type daemonKey struct{}

// daemonOf is the daemon of one script.
type daemonOf struct{ *process }

func daemonIn(ts *testscript.TestScript) *daemonOf { return ts.Value(daemonKey{}).(*daemonOf) }

func startDaemon(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! daemon")
	}
	dir := ts.MkAbs(".")
	p, err := start(dir, "picket", []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + dir, raceOptions + "=" + ts.Getenv(raceOptions)}, append([]string{"run", "--config", "picket.yaml"}, args...)...)
	ts.Check(err)
	daemonIn(ts).process = p
	ts.Defer(func() {
		ts.Check(p.stop())
	})
	at, err := p.says(`http://(\S+)/metrics\n.*nats://(\S+) `)
	ts.Check(err)
	ts.Setenv("HTTP", "http://"+at[1])
	ts.Setenv("NATS", at[2])
}

func hangUp(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(daemonIn(ts).cmd.Process.Signal(syscall.SIGHUP))
}

func halt(ts *testscript.TestScript, _ bool, _ []string) { ts.Check(daemonIn(ts).stop()) }

func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: waitfor re command [argument...]")
	}
	re, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	ts.Check(poll(func() error {
		err := ts.Exec(args[1], args[2:]...)
		if out := ts.ReadFile("stdout"); err == nil && !re.MatchString(out) {
			return fmt.Errorf("%s: no match for %s\n%s", strings.Join(args[1:], " "), args[0], out)
		}
		return err
	}))
}

func waitGet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitget re url")
	}
	re, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	ts.Check(poll(func() error {
		body, err := get(args[1])
		if err == nil && !re.MatchString(body) {
			err = fmt.Errorf("%s: no match for %s; its end is\n%s", args[1], args[0], body[max(0, len(body)-1000):])
		}
		return err
	}))
}

// web returns a client that leaves no connection behind.
func web() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
}

// get fetches a URL, whatever its status.
func get(url string) (string, error) {
	resp, err := web().Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func writeCAR(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: car file json")
	}
	var repo blueskytest.Repo
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &repo))
	data, err := repo.CAR()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

func appendLine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: append file line")
	}
	ts.Check(addLine(ts.MkAbs(args[0]), args[1]))
}
