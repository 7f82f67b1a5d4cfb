package detector_test

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/picketd/picket/detector"
)

var update = flag.Bool("update", false, "write the golden file of findings anew")

// TestFindingsStayTheSame holds the findings of random streams to what they were
// when each account was a tree of Go maps: how memory is laid out must not show.
// Since then values of alerts that nobody judged stay new, also where history that
// is told meanwhile has them, activities have a verdict, and a sequence of an
// identity tells what followed on the accounts that it guards; without these the
// findings are the same as then.
func TestFindingsStayTheSame(t *testing.T) {
	t.Parallel()
	facts := []detector.Account{{Name: "x/a", Approvals: true, GuardedBy: []string{"okta/e"}}, {Name: "x/b", GuardedBy: []string{"okta/e"}}}
	plans := []*detector.Plan{plan(t, loudRules, facts...), plan(t, strings.Replace(loudRules, "factor: 2", "factor: 3", 1), facts...)}
	var got []string
	for seed := range uint64(60) {
		lines := replay(t, plans, seed+1000, nil)
		got = append(got, digest(lines))
	}
	text := strings.Join(got, "\n") + "\n"
	const golden = "testdata/findings.sha256"
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Fields(string(want)) {
		if line != got[i] {
			t.Errorf("stream %d has other findings", i)
		}
	}
}

func digest(lines []string) string {
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:8])
}
