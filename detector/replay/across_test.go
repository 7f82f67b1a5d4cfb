package replay_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
)

// split is a log of several partitions, in the order of log time.
type split struct {
	partitions int
	messages   []replay.Message
}

func (s *split) Partitions() int { return s.partitions }

func (s *split) Next(context.Context) (replay.Message, error) {
	if len(s.messages) == 0 {
		return replay.Message{}, io.EOF
	}
	m := s.messages[0]
	s.messages = s.messages[1:]
	return m, nil
}

// TestAcrossAccounts: what the partitions pass on is judged together, whatever
// their number.
func TestAcrossAccounts(t *testing.T) {
	for _, partitions := range []int{1, 3} {
		src := &split{partitions: partitions}
		for n := range 7 {
			a := at(fmt.Sprint("x/", n), activity.KindLoginFailure, n)
			a.IP = "198.51.100.7"
			src.messages = append(src.messages, replay.Message{Partition: n % partitions, Time: a.Time, Batch: &activity.Batch{Activities: []activity.Activity{*a}}})
		}
		var lines []string
		res, err := replay.Run(t.Context(), plan(t), src, detector.EngineOptions{}, func(f detector.Finding) error {
			lines = append(lines, fmt.Sprintf("%s %s %s ×%d in %d", f.LogTime.Sub(start), f.Phase, f.Rule.Name, f.Count, f.Position.Partition))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			fmt.Sprint("4m0s open password_spray ×5 in ", partitions), fmt.Sprint("5m0s update password_spray ×6 in ", partitions),
			fmt.Sprint("6m0s update password_spray ×7 in ", partitions), fmt.Sprint("6h6m0s close password_spray ×7 in ", partitions),
		}
		if d := cmp.Diff(want, lines); d != "" {
			t.Errorf("%d partitions (-want +got):\n%s", partitions, d)
		}
		for _, r := range res.Rules {
			if r.Name == "password_spray" && (r.Findings != 1 || r.Updates != 2) {
				t.Errorf("%d partitions: %+v", partitions, r)
			}
		}
		if res.Until.Sub(res.From) != 6*time.Minute {
			t.Errorf("from %s until %s", res.From, res.Until)
		}
	}
}
