package detector

import (
	"encoding/json"
	"testing"
)

// TestMemoryOfSurvives holds that a model's memory is the same after a snapshot
// and that one of another size, of another version of the model, begins anew.
func TestMemoryOfSurvives(t *testing.T) {
	type model struct {
		N    uint32
		Rate float32
		Last int64
	}
	st := &accountState{}
	*memoryOf[model](st, "rule/1", "") = model{7, 0.5, -3}
	data, err := json.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	var back accountState
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if got, want := *memoryOf[model](&back, "rule/1", ""), (model{7, 0.5, -3}); got != want {
		t.Errorf("after a snapshot %v, want %v", got, want)
	}
	type grown struct {
		model
		More uint64
	}
	if got := *memoryOf[grown](&back, "rule/1", ""); got != (grown{}) {
		t.Errorf("of another size: %v, want nothing known", got)
	}
}
