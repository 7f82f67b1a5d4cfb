package logintrial

import (
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/simulate/logins"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/packs"
)

// pack is the built-in pack with what an organisation adds to it: the exits of
// its own VPNs.
func pack(t testing.TB, c logins.Config) []rules.File {
	t.Helper()
	files, err := packs.Load("social")
	if err != nil {
		t.Fatal(err)
	}
	exits := append(logins.Exits(c), "192.0.2.1")
	doc := "title: Exits of our VPNs\nplaceholders:\n  own_exits: [\"" + strings.Join(exits, "/32\", \"") + "/32\"]\n"
	return append(files, rules.File{Name: "exits.yml", Data: []byte(doc)})
}

func population(seed uint64) logins.Config {
	return logins.Config{
		Seed: seed, People: 200, Start: time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC), Days: 365, Quiet: 45, AttacksPerYear: 1.5,
	}
}

// TestLogins holds what the rules about logins promise, on populations that no
// number was chosen by: seeds 1 to 4 were for that.
func TestLogins(t *testing.T) {
	seeds := []uint64{11, 12}
	if testing.Short() {
		seeds = seeds[:1]
	}
	var jumps Tally
	for _, seed := range seeds {
		c := population(seed)
		r, err := Play(c, pack(t, c), c.Quiet)
		if err != nil {
			t.Fatal(err)
		}
		var table strings.Builder
		r.Print(&table)
		t.Logf("seed %d\n%s", seed, table.String())
		if got := r.Challenged(); got > 2 {
			t.Errorf("seed %d: %.2f %% of people's logins are challenged, want at most 2", seed, got)
		}
		if got := r.Abroad().Percent(); got < 95 {
			t.Errorf("seed %d: %.1f %% of intruders from abroad are found, want at least 95", seed, got)
		}
		if got := r.FalseJumps(); got > 0.01 {
			t.Errorf("seed %d: %.4f false alerts of impossible travel per account-month, want at most 0.01", seed, got)
		}
		if r.Jumps.Found < r.Jumps.All {
			t.Errorf("seed %d: %d of %d jumps are found, want all", seed, r.Jumps.Found, r.Jumps.All)
		}
		jumps.All += r.Jumps.All
	}
	if jumps.All < 20 {
		t.Errorf("only %d jumps were injected, want at least 20", jumps.All)
	}
}
