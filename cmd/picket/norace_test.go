//go:build !race

package main

// Tests that play long recorded histories, or thousands of rules, in one
// goroutine: the race detector finds nothing in them and makes them thirty times
// as slow, which delays those beside them. .ci/run runs them without it.

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity/recordedtest"
)

// TestTryRecorded tries the histories of real accounts. What holds for all of
// them is held for each: the screen fits, ends with what to type next, and
// counts the same as a replay does.
func TestTryRecorded(t *testing.T) {
	t.Parallel()
	dir := recordedtest.Path(t, "data/accounts")
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

// TestReplayRecorded replays real posts of three real accounts, by themselves
// and as one log. The counts change only with the rules, the detector or the
// data.
func TestReplayRecorded(t *testing.T) {
	t.Parallel()
	dir := recordedtest.Path(t, "data/accounts")
	file := func(account string) string { return filepath.Join(dir, account+".jsonl.gz") }
	rows := []struct {
		name       string
		files      []string
		activities uint64
		accounts   int
		findings   map[string]int // by rule; the others have none
	}{
		{"public figure", []string{file("realDonaldTrump")}, 32826, 1, map[string]int{"posting_burst": 6, "unlike_itself": 97}},
		{"newsroom", []string{file("bizweekgraphics")}, 6966, 1, map[string]int{"posting_burst": 1, "new_client_app": 2, "gone_silent": 2, "unlike_itself": 48}},
		{"private person", []string{file("person01")}, 14576, 1, map[string]int{"new_client_app": 1, "unlike_itself": 80}},
		{"two as one log", []string{file("person01"), file("bizweekgraphics")}, 21542, 2, map[string]int{"posting_burst": 1, "new_client_app": 3, "unlike_itself": 128, "gone_silent": 3}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got, opened := readJSON(t, replayJSON(t, row.files))
			findings := map[string]int{}
			for _, r := range got.Rules {
				if r.Findings > 0 {
					findings[r.Name] = r.Findings
				}
				opened -= r.Findings
			}
			if diff := cmp.Diff(row.findings, findings); diff != "" {
				t.Errorf("findings by rule (-want +got):\n%s", diff)
			}
			if opened != 0 {
				t.Errorf("%d more findings printed than counted", opened)
			}
			if got.Activities != row.activities || got.Accounts != row.accounts || got.Duplicates != 0 || got.Unreadable != 0 {
				t.Errorf("%d activities of %d accounts, %d duplicates, %d unreadable; want %d of %d and none",
					got.Activities, got.Accounts, got.Duplicates, got.Unreadable, row.activities, row.accounts)
			}
		})
	}
}
