package detector

import (
	"testing"

	"github.com/picketd/picket/rules"
)

func TestBudgetedRules(t *testing.T) {
	budget := rules.Params{budgetNumber: 0.5}
	for _, tt := range []struct {
		name            string
		rule            rules.Rule
		budgeted, moved bool
	}{
		{"a model with a budget", rules.Rule{Type: rules.TypeProfile, Mode: rules.Enforce, Level: rules.High, Params: budget}, true, true},
		{"one that is critical", rules.Rule{Type: rules.TypeProfile, Mode: rules.Enforce, Level: rules.Critical, Params: budget}, false, false},
		{"one that only observes", rules.Rule{Type: rules.TypeRate, Mode: rules.Observe, Level: rules.Medium, Params: budget}, false, false},
		{"one that only feeds others", rules.Rule{Type: rules.TypeRate, Mode: rules.Enforce, Level: rules.Medium, Params: budget, Silent: true}, false, false},
		{"learned values, whose threshold no budget moves", rules.Rule{Type: rules.TypeNewValue, Mode: rules.Enforce, Level: rules.Medium}, true, false},
		{"a policy", rules.Rule{Type: rules.TypeApproval, Mode: rules.Enforce, Level: rules.High}, false, false},
		{"a fixed count", rules.Rule{Type: rules.TypeEventCount, Mode: rules.Enforce, Level: rules.High}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Budgeted(&tt.rule); got != tt.budgeted {
				t.Errorf("budgeted: %t", got)
			}
			if _, got := Share(&tt.rule); got != tt.moved {
				t.Errorf("moved by it: %t", got)
			}
		})
	}
}

// TestShareLeavesOthers: without a rule that a budget moves, and without a
// budget, every rule stays what it is.
func TestShareLeavesOthers(t *testing.T) {
	all := []*rules.Rule{
		{Type: rules.TypeNewValue, Mode: rules.Enforce, Level: rules.High},
		{Type: rules.TypeApproval, Mode: rules.Enforce, Level: rules.Critical},
	}
	for _, budget := range []float64{0, 1} {
		got, err := share(all, budget)
		if err != nil || len(got) != 2 || got[0] != all[0] || got[1] != all[1] {
			t.Errorf("budget %g: %v, %v", budget, got, err)
		}
	}
}
