package detector

import (
	"fmt"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline/loginrisk"
)

var DebugRisk func(a *activity.Activity, s string, score float64)

func dbg(a *activity.Activity, w *loginrisk.Weights, m *loginrisk.State) {
	if DebugRisk == nil {
		return
	}
	s := ""
	for _, x := range w {
		s += fmt.Sprintf(" %s %.1f(%.0f/%.0f)", x.Feature, x.Nats, x.Seen, x.Of)
	}
	_, n := m.Since()
	DebugRisk(a, fmt.Sprintf("n=%d %s", n, s), w.Score())
}
