package collectortest

import (
	"testing"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Shown holds what a collector says that its source shows against what came of
// it: no activity is of another kind or carries a field that is denied, and all
// kinds that are promised came. Reports that the scheduler or a simulation
// writes about polling are passed over.
func Shown(t *testing.T, says collectors.Shows, came []activity.Activity) {
	t.Helper()
	kinds := map[activity.Kind]bool{}
	for i := range came {
		a := &came[i]
		if a.Kind == activity.KindPoll {
			continue
		}
		kinds[a.Kind] = true
		if _, ok := says.Kind(a.Kind); !ok {
			t.Errorf("a %s came, which is not shown", a.Kind)
		}
		for name := range says.Without {
			if _, ok := says.Field(a.Kind, name); ok {
				continue
			}
			for _, field := range parts(name) {
				ref, err := activity.LookupField(field)
				if err != nil {
					t.Fatalf("without %s: %v", name, err)
				}
				if values := ref.Values(a, nil); len(values) > 0 {
					t.Errorf("a %s came with %s %v, which it cannot carry", a.Kind, field, values)
				}
			}
		}
	}
	for _, kind := range says.Kinds {
		if !kinds[kind] {
			t.Errorf("no %s came, which is shown", kind)
		}
		if _, hidden := says.Hidden[kind]; hidden {
			t.Errorf("%s is shown and hidden", kind)
		}
	}
}

// parts returns the fields that a name stands for.
func parts(name string) []string {
	if name == "geo" {
		return []string{"geo.country", "geo.region", "geo.city", "geo.lat", "geo.lon", "geo.asn", "geo.as_org", "geo.proxy", "geo.radius"}
	}
	return []string{name}
}

// IDs returns how many ids activities have: what is read twice counts once.
func IDs(as []activity.Activity) int {
	ids := map[string]bool{}
	for i := range as {
		ids[as[i].ID] = true
	}
	return len(ids)
}
