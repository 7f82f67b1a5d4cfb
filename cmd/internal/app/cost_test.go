package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

type noCosts struct{}

func (noCosts) Sampled(uint64)                                  {}
func (noCosts) Cost(*rules.Rule, time.Duration, uint64, uint64) {}
func (noCosts) OverBudget(int, *rules.Rule, bool)               {}

// overs notes what is over its budget.
type overs struct {
	noCosts
	now map[string]bool
}

func (o *overs) OverBudget(_ int, r *rules.Rule, over bool) { o.now[r.Name] = over }

func TestBudget(t *testing.T) {
	r := &rules.Rule{ID: "1", Name: "slow", Mode: rules.Enforce}
	for _, tt := range []struct {
		name   string
		action config.BudgetAction
		spans  []int // what the rule took an activity in each span, in microseconds
		told   []int // in which spans it is over its budget
	}{
		{"a pause of the machine", config.BudgetObserve, []int{900, 900, 10, 900, 900}, nil},
		{"three in a row, and as long as it goes on", config.BudgetReport, []int{51, 51, 51, 51, 50, 51, 51, 51}, []int{2, 3, 7}},
		{"exactly the budget", config.BudgetReport, []int{50, 50, 50, 50}, nil},
		{"a span without it", config.BudgetReport, []int{90, 90, 0, 90}, nil},
		{"off", config.BudgetOff, []int{900, 900, 900, 900}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen := &overs{now: map[string]bool{}}
			span, told := 0, []int(nil)
			c := &costs{
				sampling: usualSampling(), metrics: seen,
				budget: func() config.Budget { return config.Budget{Time: 50 * time.Microsecond, Action: tt.action} },
				over:   func(overspent) { told = append(told, span) },
			}
			for i, took := range tt.spans {
				span = i
				c.activities = 200
				if took > 0 {
					c.spending(r).took += time.Duration(200*took) * time.Microsecond
				}
				c.judge([]*rules.Rule{r})
				if want := slices.Contains(tt.told, i); seen.now["slow"] != want {
					t.Errorf("span %d: over %v, want %v", i, seen.now["slow"], want)
				}
			}
			if !slices.Equal(told, tt.told) {
				t.Errorf("told in spans %v, want %v", told, tt.told)
			}
		})
	}
}

// slowRule takes long for a long text, no word of which tells whether it can
// match.
const slowRule = `title: Slow
id: 6f0a8f0e-5d1a-4b76-9f5f-64c3c2a4a7aa
name: slow
logsource: {product: picket, category: post}
detection:
  s:
    text|re: '^([a-z]+ ?)+[.!?]$'
  condition: s
level: high
picket: {quiet: 1s}
`

// blindRule is that of the built-in pack, whose other rules cost time, too.
const blindRule = `title: Blind
id: 6f0a8f0e-5d1a-4b76-9f5f-64c3c2a4a7ab
name: blind
logsource: {product: picket, category: poll}
detection:
  s: {poll.state: gap}
  condition: s
`

// TestRunawayRuleObserves lets a rule go over its budget: it observes from then
// on, an alert says so, a restart changes nothing, and changing the rule ends
// it.
func TestRunawayRuleObserves(t *testing.T) {
	s := newSite(t, "rules:\n  packs: []\n  dirs: [./rules]\n  budget: {time: 50us, action: observe}\n")
	s.put(t, map[string]string{"rules/slow.yml": slowRule, "rules/blind.yml": blindRule})
	how := sampling{every: 1, tell: 10 * time.Millisecond, span: 50 * time.Millisecond, least: 5}
	r := s.launchSampling(t, zapcore.InfoLevel, how).works()
	n := 0
	post := func(text string) {
		n++
		r.push(activity.Activity{ID: fmt.Sprint("p", n), Network: "x", Account: "x/acme", Kind: activity.KindPost, Time: time.Now().UTC(), Text: text})
	}
	long := strings.Repeat("many words that never end ", 200)
	const demoted = "rule over its budget observes from now on"
	for deadline := time.Now().Add(patience); r.logs.FilterMessage(demoted).Len() == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the rule is not told to observe:\n%s", r.log())
		}
		post(long)
	}
	blind := r.alerts("blind", 1)
	if a := blind[0]; a.Account != "picket/rule-slow" || !strings.Contains(a.Evidence[0].Poll.Reason, "rule slow takes ") {
		t.Errorf("alert about %s: %q", a.Account, a.Evidence[0].Poll.Reason)
	}
	r.logged("a rule takes more time than its budget", 1)

	r.end()
	r = s.launchSampling(t, zapcore.InfoLevel, how).works()
	post("stop now.")
	if a := r.alerts("slow", 1)[0]; a.Rule.Mode != rules.Observe {
		t.Errorf("after a restart the rule is in mode %s, want observe", a.Rule.Mode)
	}

	s.put(t, map[string]string{"rules/slow.yml": strings.Replace(slowRule, "level: high", "level: low", 1)})
	r.logged("a rule that was over its budget is judged anew", 1)
}
