package detector

import (
	"testing"

	"github.com/picketd/picket/rules"
)

// TestMemoryOfSurvives holds that a model's memory is the same after a snapshot
// and that one of another size, of another version of the model, begins anew.
func TestMemoryOfSurvives(t *testing.T) {
	type model struct {
		N    uint32
		Rate float32
		Last int64
	}
	e := NewEngine(0, &Plan{Program: &rules.Program{}}, EngineOptions{})
	*memoryOf[model](e.state("x/acme"), "rule/1", "") = model{7, 0.5, -3}
	*memoryOf[model](e.state("x/acme"), "rule/1", groupMark+"web") = model{8, 1, 2}
	data, err := e.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	back := NewEngine(0, e.plan, EngineOptions{})
	if err := back.Restore(data); err != nil {
		t.Fatal(err)
	}
	if got, want := *memoryOf[model](back.state("x/acme"), "rule/1", ""), (model{7, 0.5, -3}); got != want {
		t.Errorf("after a snapshot %v, want %v", got, want)
	}
	if got, want := *memoryOf[model](back.state("x/acme"), "rule/1", groupMark+"web"), (model{8, 1, 2}); got != want {
		t.Errorf("of a group after a snapshot %v, want %v", got, want)
	}
	type grown struct {
		model
		More uint64
	}
	for _, group := range []string{"", groupMark + "web"} {
		if got := *memoryOf[grown](back.state("x/acme"), "rule/1", group); got != (grown{}) {
			t.Errorf("of another size: %v, want nothing known", got)
		}
	}
}
