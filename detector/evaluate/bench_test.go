package evaluate_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/evaluate"
	"github.com/picketd/picket/detector/replay"
	"github.com/picketd/picket/rules/packs"
)

// BenchmarkTune tries 20 values of posting_burst's floor; an operation is one
// activity, judged at all of them.
func BenchmarkTune(b *testing.B) {
	files, err := packs.Load("social")
	if err != nil {
		b.Fatal(err)
	}
	plan, err := detector.Compile(detector.Set{Rules: files})
	if err != nil {
		b.Fatal(err)
	}
	rule, err := plan.Find("posting_burst")
	if err != nil {
		b.Fatal(err)
	}
	t := evaluate.Tuning{Rule: rule, Number: "floor", Budget: 1}
	for v := 6.0; v < 26; v++ {
		t.Values = append(t.Values, v)
	}
	const accounts = 100
	rng := rand.New(rand.NewPCG(1, 1))
	at, n := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 0
	feed := func() (activity.Activity, error) {
		if n == b.N {
			return activity.Activity{}, io.EOF
		}
		n++
		at = at.Add(time.Duration(rng.ExpFloat64() * float64(20*time.Second)))
		return activity.Activity{
			ID: fmt.Sprint(n), Network: "x", Account: fmt.Sprintf("x/account-%02d", rng.IntN(accounts)), Kind: activity.KindPost, Time: at,
			App: "Web", Text: "We are opening our new office next week, come by on Thursday and meet the team", Lang: "en",
		}, nil
	}
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := evaluate.Tune(b.Context(), plan, replay.Merge([]replay.Feed{feed}, time.Time{}), detector.EngineOptions{}, t); err != nil && b.N > 1 {
		b.Fatal(err)
	}
}
