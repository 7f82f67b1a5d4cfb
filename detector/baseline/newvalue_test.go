package baseline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/state"
)

const day = int64(24 * time.Hour)

func TestReady(t *testing.T) {
	p := baseline.Params{Learn: baseline.Learn{Period: 14 * 24 * time.Hour, Events: 20, AtMost: 42 * 24 * time.Hour}}
	tests := []struct {
		name   string
		events int
		age    int64
		want   bool
	}{
		{"nothing seen", 0, 100 * day, false},
		{"long enough, too few", 19, 14 * day, false},
		{"many, too short", 500, 13 * day, false},
		{"both", 20, 14 * day, true},
		{"a sparse account after three periods", 1, 42 * day, true},
		{"a sparse account before", 1, 41 * day, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := baseline.NewValue{Texts: state.New().Texts}
			for range tt.events {
				n.Learn("DE", 1)
			}
			if got := n.Ready(1+tt.age, p); got != tt.want {
				t.Errorf("Ready = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestValuesAreBounded(t *testing.T) {
	n := baseline.NewValue{Texts: state.New().Texts}
	for i := range baseline.MaxValues + 1 {
		n.Learn(fmt.Sprintf("v%03d", i), int64(i))
	}
	if len(n.Values) != baseline.MaxValues || n.Known("v000", 1, baseline.Params{}) || !n.Known("v001", 1, baseline.Params{}) {
		t.Errorf("%d values, want %d without the one unseen for longest", len(n.Values), baseline.MaxValues)
	}
	if n.Evicted != 1 {
		t.Errorf("%d values counted as evicted, want 1", n.Evicted)
	}
}

func TestWords(t *testing.T) {
	n := baseline.NewValue{Texts: state.New().Texts}
	for v, c := range map[string]int{"DE": 212, "AT": 9, "FR": 3, "IT": 2, "CH": 1} {
		n.LearnMany(v, 1, c)
	}
	if got, want := n.Words(), "DE 212, AT 9, FR 3, 2 others"; got != want {
		t.Errorf("Words = %q, want %q", got, want)
	}
	none := baseline.NewValue{Texts: n.Texts}
	if got, want := none.Words(), "nothing"; got != want {
		t.Errorf("Words = %q, want %q", got, want)
	}
}
