package layout

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"
)

// fused finds, in what the compiler lists of a build for arm64, an instruction
// that adds to a product which was not rounded before, and whose line it is of.
var fused = regexp.MustCompile(`\((?:[^()]*/)?(detector/[^()]*\.go:\d+)\)\tFN?M(?:ADD|SUB)[SD]\t`)

// TestNothingIsFused holds that a replay finds the same on every processor: where
// there is an instruction for x*y+z, the compiler uses it, and what is rounded
// once instead of twice differs in its last digit. A conversion, float64(x*y)+z,
// keeps it from that.
func TestNothingIsFused(t *testing.T) {
	if got := fused.FindStringSubmatch("\t0x0010 00016 (/home/u/picket/detector/habit/habit.go:7)\tFMADDD\tF1, F2, F3, F4"); got == nil || got[1] != "detector/habit/habit.go:7" {
		t.Fatalf("an instruction that fuses is not found: %q", got)
	}
	const all = "github.com/picketd/picket/detector/..."
	cmd := exec.CommandContext(t.Context(), "go", "build", "-gcflags="+all+"=-S", all)
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	listing, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, listing[max(0, len(listing)-2000):])
	}
	if !bytes.Contains(listing, []byte("\tFMULD\t")) {
		t.Fatal("the listing has no product at all")
	}
	var lines []string
	for _, at := range fused.FindAllSubmatch(listing, -1) {
		lines = append(lines, string(at[1]))
	}
	slices.Sort(lines)
	for _, line := range slices.Compact(lines) {
		t.Errorf("%s: a product is fused with a sum: write float64(x*y), or float32(x*y), where it is added", line)
	}
}
