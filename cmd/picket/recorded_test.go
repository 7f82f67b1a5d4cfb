package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/detector/replay"
)

// recorded finds recorded data: in the folder that PICKET_SHARED names, else in
// ../shared beside the project. Where neither is there the test is skipped;
// where PICKET_SHARED is set, its absence fails.
func recorded(t *testing.T, name string) string {
	t.Helper()
	if root := os.Getenv("PICKET_SHARED"); root != "" {
		path := filepath.Join(root, name)
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("PICKET_SHARED is set and has no %s: %v", name, err)
		}
		return path
	}
	path := filepath.Join("..", "..", "..", "shared", name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no recorded data: set PICKET_SHARED to a folder that holds %s", name)
		}
		t.Skipf("no recorded data: PICKET_SHARED is not set and there is no ../shared/%s beside the project", name)
	}
	return path
}

// TestReplayRecorded replays real posts of three real accounts, by themselves
// and as one log. The counts change only with the rules, the detector or the
// data.
func TestReplayRecorded(t *testing.T) {
	t.Parallel()
	dir := recorded(t, "data/accounts")
	file := func(account string) string { return filepath.Join(dir, account+".jsonl.gz") }
	rows := []struct {
		name       string
		files      []string
		activities uint64
		accounts   int
		findings   map[string]int // by rule; the others have none
	}{
		{"public figure", []string{file("realDonaldTrump")}, 32826, 1, map[string]int{"posting_burst": 6, "new_client_app": 7, "unlike_itself": 111}},
		{"newsroom", []string{file("bizweekgraphics")}, 6966, 1, map[string]int{"posting_burst": 1, "new_client_app": 21, "gone_silent": 2, "unlike_itself": 54}},
		{"private person", []string{file("person01")}, 14576, 1, map[string]int{"new_client_app": 58, "unlike_itself": 86}},
		{"two as one log", []string{file("person01"), file("bizweekgraphics")}, 21542, 2, map[string]int{"posting_burst": 1, "new_client_app": 84, "unlike_itself": 139, "gone_silent": 3}},
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

// TestReplayIsDeterministic holds that the same input gives the same bytes.
func TestReplayIsDeterministic(t *testing.T) {
	t.Parallel()
	dir := recorded(t, "data/accounts")
	files := []string{filepath.Join(dir, "bizweekgraphics.jsonl.gz"), filepath.Join(dir, "ira_GattiSilgatti.jsonl.gz")}
	first := replayJSON(t, files)
	if again := replayJSON(t, files); !bytes.Equal(first, again) || len(first) == 0 {
		t.Errorf("%d bytes, and others the second time", len(first))
	}
}

// readJSON returns the summary that ends what replay --json prints, and how many
// findings before it open an episode.
func readJSON(t *testing.T, out []byte) (summary *replay.Result, opened int) {
	t.Helper()
	for line := range bytes.Lines(out) {
		var item struct {
			Phase   string         `json:"phase"`
			Summary *replay.Result `json:"summary"`
		}
		if err := json.Unmarshal(line, &item); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if item.Phase == "open" {
			opened++
		}
		summary = item.Summary
	}
	if summary == nil {
		t.Fatal("the last line is no summary")
	}
	return summary, opened
}

// replayJSON runs picket replay --json with the built-in rules.
func replayJSON(t *testing.T, files []string) []byte {
	t.Helper()
	var out, errOut bytes.Buffer
	if code := run(t.Context(), append([]string{"replay", "--json", "--pack", "social"}, files...), nil, &out, &errOut); code != 0 {
		t.Fatalf("replay: exit code %d\n%s", code, errOut.String())
	}
	return out.Bytes()
}
