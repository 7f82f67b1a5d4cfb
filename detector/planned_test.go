package detector_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tuned is a tune document for x/acme, with a beginning where from is not
// negative.
func tuned(set string, from, until time.Duration) string {
	begin := ""
	if from >= 0 {
		begin = "  from: " + start.Add(from).Format(time.RFC3339) + "\n"
	}
	return fmt.Sprintf("---\ntitle: Launch\ntune:\n  rule: burst\n  set: %s\n  accounts: [x/acme]\n  owner: jane\n  reason: campaign\n%s  until: %s\n",
		set, begin, start.Add(until).Format(time.RFC3339))
}

// TestPlanRaisesWhatIsExpected has posts within a plan, over its number, and
// around it.
func TestPlanRaisesWhatIsExpected(t *testing.T) {
	const burst = "title: Burst\nname: burst\ncorrelation: {type: event_count, rules: [post], group-by: account, timespan: 10m, condition: {gte: 2}}\n"
	plan := tuned("{condition.gte: 4}", 30*time.Minute, time.Hour)
	tests := []struct {
		name  string
		posts []string
		want  []string
	}{
		{"before it", []string{"20 post", "21 post"}, []string{"21m0s open burst ×2 x/acme"}},
		{"within it", []string{"30 post", "31 post", "32 post"}, nil},
		{"over its number", []string{"30 post", "31 post", "32 post", "33 post"}, []string{"33m0s open burst ×4 x/acme"}},
		{"its last posts are in the windows of its end", []string{"57 post", "58 post", "62 post"}, nil},
		{"after those it is over", []string{"70 post", "71 post"}, []string{"1h11m0s open burst ×2 x/acme"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := feedAll(t, correlated+burst+plan, tt.posts...)
			if diff := cmp.Diff(tt.want, l.lines); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPlanTeachesNoPeak has three days of a campaign with 5 posts each. Without a
// plan's beginning they are how the account is from then on; as a plan they are
// not, and a burst of 5 on the day after is one.
func TestPlanTeachesNoPeak(t *testing.T) {
	const (
		day   = 24 * 60
		burst = "title: Burst\nname: burst\nbaseline: {type: peak, rules: [post], timespan: 10m, floor: 3, factor: 1, learn: {period: 1d, events: 1}, forget: 90d}\n"
	)
	var posts []string
	for d := range 4 {
		for i := range 5 {
			posts = append(posts, fmt.Sprint(d*day+60+i, " post"))
		}
	}
	tests := []struct {
		name, tune string
		want       []string
	}{
		{"a plan", tuned("{floor: 6}", 0, 3*day*time.Minute), []string{"73h2m0s open burst ×3 x/acme", "73h3m0s update burst ×4 x/acme", "73h4m0s update burst ×5 x/acme"}},
		{"a tuning without a beginning", tuned("{floor: 6}", -1, 3*day*time.Minute), []string{"73h4m0s open burst ×5 x/acme"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := feedAll(t, correlated+burst+tt.tune, posts...)
			if diff := cmp.Diff(tt.want, l.lines); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
