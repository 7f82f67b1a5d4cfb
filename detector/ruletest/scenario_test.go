package ruletest_test

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/picketd/picket/detector/ruletest"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/packs"
)

// ofPack holds the tests of the built-in pack.
const ofPack = "../../rules/packs/social/tests"

// load reads the scenarios of a folder of the built-in pack.
func load(t *testing.T, folder string) map[string]*ruletest.Scenario {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(ofPack, folder, "*.test.yml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios in %s: %v", folder, err)
	}
	out := map[string]*ruletest.Scenario{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ruletest.Parse(path, data)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(path), ".test.yml")] = s
	}
	return out
}

func social(t *testing.T) []rules.File {
	t.Helper()
	files, err := packs.Load("social")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// play runs scenarios against the social pack, each as a subtest.
func play(t *testing.T, scenarios map[string]*ruletest.Scenario) {
	t.Helper()
	files := social(t)
	for name, s := range scenarios {
		t.Run(name, func(t *testing.T) {
			got, err := ruletest.Run(t.Context(), s, files, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := got.Diff(); diff != "" {
				t.Errorf("%s: findings differ (- missing, + too much):\n%s", s.Title, diff)
			}
		})
	}
}

// TestIncidents plays documented incidents.
func TestIncidents(t *testing.T) { play(t, load(t, "incidents")) }

// TestEveryRuleHasAnIncident holds that each rule of the pack that can raise
// does so in an incident that is documented somewhere.
func TestEveryRuleHasAnIncident(t *testing.T) {
	raised := map[string]bool{}
	for name, s := range load(t, "incidents") {
		if len(s.References) == 0 {
			t.Errorf("incident %s has no reference", name)
		}
		for _, ref := range s.References {
			if u, err := url.Parse(ref); err != nil || u.Host == "" {
				t.Errorf("incident %s: reference %q is no address", name, ref)
			}
		}
		for _, e := range s.Expect {
			raised[e.Rule] = true
		}
	}
	prog, err := rules.Compile(social(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range prog.Rules() {
		for _, k := range r.Joins { // what it finds is told in that rule's alert
			raised[r.Name] = raised[r.Name] || raised[prog.Rules()[k].Name]
		}
		if !r.Silent && !slices.Contains(r.Tags, rules.TagTest) && !raised[r.Name] {
			t.Errorf("rule %s raises in no incident", r.Name)
		}
	}
}

// TestLookAlikes plays harmless days that resemble incidents.
func TestLookAlikes(t *testing.T) { play(t, load(t, "lookalikes")) }

// TestLookAlikesWakeNobody holds that no look-alike expects what pages people,
// but for what is odd by itself and may be told in working hours.
func TestLookAlikesWakeNobody(t *testing.T) {
	may := map[string]string{
		"holiday_trip":         "login_new_country", // a new country is one, whoever it is
		"rebrand":              "profile_changed",   // a changed face does not show who changed it
		"holiday_known_laptop": "login_new_country", // as above
		"cleanup_tool":         "many_deletions",    // its first nights; see there
	}
	all := load(t, "lookalikes")
	for _, name := range []string{
		"thread_replies", "thread_posts", "live_event_weekly", "live_event_first", "nightly_batch", "holiday_trip",
		"company_vpn", "mobile_carrier", "new_phone", "new_colleague", "rebrand",
	} {
		if all[name] == nil {
			t.Errorf("the look-alike %s is missing", name)
		}
	}
	for name, s := range all {
		for _, e := range s.Expect {
			if e.Level == rules.Critical || e.Level == rules.High && may[name] != e.Rule {
				t.Errorf("%s expects %s, which is %s", name, e.Rule, e.Level)
			}
		}
	}
}

// TestVariations plays invented cases that probe one property of a rule each.
func TestVariations(t *testing.T) { play(t, load(t, "variations")) }

// TestBadScenarios reads each file of testdata/bad. Its first lines say which
// faults it must have: all of them, and no others.
func TestBadScenarios(t *testing.T) {
	paths, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(paths) < 20 {
		t.Fatalf("found %d bad scenarios (%v), want at least 20", len(paths), err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(strings.TrimSuffix(name, ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s, err := ruletest.Parse(name, data)
			if err == nil {
				_, err = ruletest.Run(t.Context(), s, social(t), nil)
			}
			var faults rules.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("error %v, want faults", err)
			}
			if got, want := faults.Error(), wanted(string(data)); got != want {
				t.Errorf("faults:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func wanted(src string) string {
	var out []string
	for line := range strings.Lines(src) {
		want, ok := strings.CutPrefix(line, "# want: ")
		if !ok {
			break
		}
		out = append(out, strings.TrimSuffix(want, "\n"))
	}
	return strings.Join(out, "\n")
}
