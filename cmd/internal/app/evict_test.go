package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
)

// evictions counts what a worker tells of accounts that were forgotten.
type evictions struct {
	noMetrics
	accounts uint64
}

func (e *evictions) Evicted(_ int, n detector.Evicted) { e.accounts += n.Accounts }

// TestEvictedAccountsAreTold gives a worker more accounts than it may remember:
// what its metrics are told is what is missing.
func TestEvictedAccountsAreTold(t *testing.T) {
	w, told := savingWorker(t, t.TempDir()), &evictions{}
	w.accounts, w.metrics = 64, told
	w.engine = detector.NewEngine(0, w.engine.Plan(), w.engineOptions())
	for i := range 200 {
		at := time.Date(2026, 3, 2, 12, 0, i, 0, time.UTC)
		a := activity.Activity{ID: fmt.Sprint(i), Network: "x", Account: fmt.Sprintf("x/%03d", i), Kind: activity.KindPost, Time: at}
		data := activity.AppendBatch(nil, &activity.Batch{Activities: []activity.Activity{a}})
		if err := w.apply(t.Context(), &journal.Message{Type: journal.Bulk, Sequence: uint64(i + 1), Time: at, Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	if n, _ := w.engine.Size(); n > 64 || told.accounts != uint64(200-n) {
		t.Errorf("%d accounts remembered and %d told as evicted of 200, want at most 64 and the rest", n, told.accounts)
	}
}
