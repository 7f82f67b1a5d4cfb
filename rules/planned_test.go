package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestPlans holds when plans hold: to the second, and a timespan longer than
// they say.
func TestPlans(t *testing.T) {
	const plan = "---\ntitle: Plan %d\ntune: {rule: burst, set: {condition.gte: %d}, accounts: [x/b], owner: jane, reason: launch, from: %q, until: %q}\n"
	src := inForce + fmt.Sprintf(plan, 1, 61, "2026-03-06T09:00:00+01:00", "2026-03-06T12:00:00+01:00") + fmt.Sprintf(plan, 2, 31, "2026-03-06T11:10:00Z", "2026-03-07")
	p, err := Compile([]File{{Name: "a.yml", Data: []byte(src)}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, account, at string
		want              int
	}{
		{"before it", "x/b", "2026-03-06T07:59:59Z", 12},
		{"at its start", "x/b", "2026-03-06T08:00:00Z", 61},
		{"at its end", "x/b", "2026-03-06T11:00:00Z", 61},
		{"as long as windows hold what was planned", "x/b", "2026-03-06T11:09:59Z", 61},
		{"the next one", "x/b", "2026-03-06T11:10:00Z", 31},
		{"until a day", "x/b", "2026-03-07T00:09:59Z", 31},
		{"over", "x/b", "2026-03-07T00:10:00Z", 12},
		{"another account", "x/c", "2026-03-06T09:00:00Z", 12},
		{"a tuning without a beginning", "x/acme", "2020-01-01T00:00:00Z", 40},
		{"ends at its day", "x/acme", "2026-04-01T00:00:00Z", 12},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.rules[1].For(tt.account, at).Condition.Min; got != tt.want {
				t.Errorf("from %d on it is a burst, want %d", got, tt.want)
			}
		})
	}
	// A minute earlier, the windows of the first would be judged by both.
	_, err = Compile([]File{{Name: "a.yml", Data: []byte(strings.Replace(src, "11:10:00Z", "11:09:00Z", 1))}})
	if err == nil || !strings.Contains(err.Error(), `x/b is already tuned for rule "burst" by "Plan 1"; keep one`) {
		t.Errorf("plans that overlap: %v", err)
	}
}
