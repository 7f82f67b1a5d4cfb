package detector_test

import (
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// TestCoverageOfAField: of an account that others push, a rule on a field says
// what is missing, the activities or only the field in them.
func TestCoverageOfAField(t *testing.T) {
	const learns = "learning 0 of 7 daily changes"
	count := activity.Activity{Kind: activity.KindFollowers, Metrics: []activity.Metric{{Name: "following", Value: 7}}}
	unread := func(string, activity.Kind, string) detector.Sight {
		return detector.Sight{
			Why: "nothing sends counts", Mend: "push counts",
			Lacking: &detector.Sight{Why: "counts come without metrics.followers", Mend: "push it with them"},
		}
	}
	told := func(string, activity.Kind, string) detector.Sight {
		return detector.Sight{Why: "the network does not tell it"}
	}
	for _, tt := range []struct {
		name  string
		acts  []activity.Activity
		after time.Duration
		sight detector.Sighted
		want  string
	}{
		{"nothing comes", nil, 0, unread, "no_source nothing sends counts: push counts"},
		{"something else comes", []activity.Activity{mention()}, 0, unread, "no_source nothing sends counts: push counts"},
		{"they come without it", []activity.Activity{count}, 0, unread, "no_source counts come without metrics.followers: push it with them"},
		{"they came without it long ago", []activity.Activity{count}, 40 * day, unread, "no_source nothing sends counts: push counts"},
		{"they come without it of a network that does not tell it", []activity.Activity{count}, 0, told, "no_source the network does not tell it: "},
		{"they come with it", []activity.Activity{followers(12000)}, 0, unread, learns + ": "},
		{"some come with it", []activity.Activity{count, followers(12000)}, 0, unread, learns + ": "},
		{"they came with it long ago", []activity.Activity{followers(12000)}, 40 * day, unread, "no_source nothing sends counts: push counts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := publicLog(t)
			for i, a := range tt.acts {
				l.put(time.Duration(i)*time.Hour, a)
			}
			if tt.after > 0 {
				l.tick(tt.after)
			}
			for _, c := range l.e.Coverage([]string{"x/acme"}, tt.sight) {
				if c.Rule.Name != "fell" {
					continue
				}
				if got := string(c.State) + " " + c.Why + ": " + c.Mend; got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
}

// TestCoverageOfAValue: logins that others push with what a rule needs are its
// source.
func TestCoverageOfAValue(t *testing.T) {
	l := &log{e: detector.NewEngine(0, plan(t, loginRules), detector.EngineOptions{})}
	a := login("DE")
	a.App = "Mail"
	l.put(0, a)
	unread := func(string, activity.Kind, string) detector.Sight { return detector.Sight{Why: "nothing sends logins"} }
	got := map[string]string{}
	for _, c := range l.e.Coverage([]string{"x/acme"}, unread) {
		got[c.Rule.Name] = string(c.State) + " " + c.Why
	}
	for name, want := range map[string]string{
		"new_country": "learning 0 of 14 days and 1 of 20 activities; waits 42 days at most",
		"seldom":      "learning 0 of 14 days and 1 of 20 activities; waits 42 days at most",
		"travel":      "no_source nothing sends logins",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
}
