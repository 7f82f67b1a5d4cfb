package simulate

import (
	"maps"
	"slices"
	"testing"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
)

// TestShows lives through half a year.
func TestShows(t *testing.T) {
	came := map[string][]activity.Activity{}
	for a := range each(t, world(t, 7, 12, 180, 4)) {
		came[a.Network] = append(came[a.Network], a.Activity)
	}
	if want := []string{"bluesky", "instagram", "mastodon", "okta", "x"}; !slices.Equal(slices.Sorted(maps.Keys(came)), want) {
		t.Fatalf("the world has %v, want %v", slices.Sorted(maps.Keys(came)), want)
	}
	for network, activities := range came {
		t.Run(network, func(t *testing.T) { collectortest.Shown(t, Live{}.Shows(network), activities) })
	}
	if s := (Live{}).Shows("nowhere"); len(s.Kinds) > 0 || s.Any {
		t.Errorf("a network that no world has shows %+v", s)
	}
}
