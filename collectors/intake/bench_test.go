package intake_test

import (
	"context"
	"testing"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
	"github.com/picketd/picket/collectors/simulate"
)

type taker struct{}

func (taker) Submit(_ context.Context, activities []activity.Activity) []error {
	return make([]error, len(activities))
}

// BenchmarkReceive takes bodies of one activity and of 100 in, one a line;
// ns/op is per activity.
func BenchmarkReceive(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"1", 1}, {"100", 100}} {
		var data []byte
		for a := range simulate.Load(1, 1000, size.n) {
			data = append(activity.AppendActivity(data, &a), '\n')
		}
		b.Run(size.name, func(b *testing.B) {
			r := &intake.Receiver{Intake: taker{}, Now: now, Metrics: &tally{}, MaxItems: size.n}
			b.ReportAllocs()
			for n := 0; n < b.N; n += size.n {
				got, err := r.Receive(b.Context(), intake.Body{Data: data, Form: intake.FormLines, Content: intake.Activities})
				if err != nil || got.Accepted != size.n {
					b.Fatal(err, got)
				}
			}
		})
	}
}
