package detector_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// TestKnows holds what is said of models whose values cannot be listed.
func TestKnows(t *testing.T) {
	learnt := map[string]func() *log{
		"logins": func() *log { return atHome(t, loginRules) },
		"rhythm": func() *log { return rhythmLog(t, detector.EngineOptions{}) },
		"young": func() *log {
			l := &log{e: detector.NewEngine(0, plan(t, rateRules), detector.EngineOptions{})}
			l.put(0, post(""))
			return l
		},
		"nothing": func() *log { return &log{e: detector.NewEngine(0, plan(t, rateRules), detector.EngineOptions{})} },
		"public": func() *log {
			l := publicLog(t)
			for d := range 12 {
				l.put(time.Duration(d)*day, followers(float64(10000+10*d)), mention())
			}
			return l
		},
		"posts": func() *log {
			l := &log{e: detector.NewEngine(0, plan(t, profileRules), detector.EngineOptions{})}
			for d := range 3 {
				l.put(time.Duration(d)*day, activity.Activity{Kind: activity.KindPost, Text: "Fresh bread"})
			}
			return l
		},
	}
	for _, tt := range []struct {
		of, rule string
		want     []string
	}{
		{"logins", "unlike", []string{"61 logins since 2026-03-02; countries: DE 100 %"}},
		{"logins", "travel", []string{"last seen 2026-04-01 12:00Z at 52.52, 13.41 within 20 km"}},
		{"logins", "seldom", []string{"61 uses of app since 2026-03-02"}},
		{"logins", "new_country", nil},
		{"logins", "no such rule", nil},
		{"rhythm", "rhythm", []string{"since 2026-03-02 activities on 90 days in 13 weeks, the last 2026-05-31 06:00Z; a silence since then is odd from 2026-06-01 07:13Z"}},
		{"young", "rhythm", []string{"since 2026-03-02 activities on 0 days in 0 weeks, the last 2026-03-02 12:00Z; its silences are not known yet"}},
		{"nothing", "rhythm", nil},
		{"public", "moved", []string{"10110 at 2026-03-13 12:00Z; 11 daily changes known, on average +0.10 % a day give or take 0.01 %"}},
		{"public", "storm", []string{"3168 intervals of 5m, 11 days"}},
		{"posts", "unlike", []string{"3 posts since 2026-03-02"}},
	} {
		t.Run(tt.of+"/"+tt.rule, func(t *testing.T) {
			l := learnt[tt.of]()
			rule := tt.rule
			if r, err := l.e.Plan().Find(tt.rule); err == nil {
				rule = r.ID
			}
			if d := cmp.Diff(tt.want, l.e.Knows("x/acme", rule)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
