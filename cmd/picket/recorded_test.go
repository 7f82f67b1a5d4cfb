package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/picketd/picket/collectors/activity/recordedtest"
	"github.com/picketd/picket/detector/replay"
)

// TestReplayIsDeterministic holds that the same input gives the same bytes.
func TestReplayIsDeterministic(t *testing.T) {
	t.Parallel()
	dir := recordedtest.Path(t, "data/accounts")
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
			Held    string         `json:"held"`
			Summary *replay.Result `json:"summary"`
		}
		if err := json.Unmarshal(line, &item); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if item.Phase == "open" && item.Held == "" {
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
