package detector_test

import (
	"strings"
	"testing"
	"time"
)

// TestQuietMadeShorter: an episode ends by the rule in force when it matched
// last, with a restart in between or without.
func TestQuietMadeShorter(t *testing.T) {
	shorter := strings.Replace(testRules, "picket: {quiet: 2h, resolved-by: [sees]}", "picket: {quiet: 20m, resolved-by: [sees]}", 1)
	for _, restart := range []bool{false, true} {
		l := newLog(t)
		blind := post("")
		blind.Kind, blind.Poll.State = "poll", "gap"
		l.put(0, blind)
		l.activate(t, time.Minute, shorter)
		l.put(10*time.Minute, blind)
		if restart {
			if err := l.e.Restore(l.memory(t)); err != nil {
				t.Fatal(err)
			}
		}
		l.tick(3 * time.Hour)
		l.want(t, "0s open blind ×1 x/acme", "10m0s update blind ×2 x/acme", "30m0s close blind ×2 x/acme (quiet)")
	}
}
