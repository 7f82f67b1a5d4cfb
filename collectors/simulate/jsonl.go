package simulate

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/picketd/picket/collectors/activity"
)

// WriteJSONL writes the rest of the world to w, one activity a line in the
// form of activity.AppendActivity, and its labels to truth, one JSON object a
// line, each at its first activity; one that began in activities already taken
// with Next is not repeated. A nil truth leaves the labels out. It
// returns how many activities were written. An endless world is written until
// w refuses.
func WriteJSONL(w, truth io.Writer, world *World) (int, error) {
	if truth == nil {
		truth = io.Discard
	}
	out, labels := bufio.NewWriterSize(w, 1<<16), bufio.NewWriter(truth)
	told := json.NewEncoder(labels)
	var line []byte
	n := 0
	for {
		a, label, ok := world.Next()
		if !ok {
			break
		}
		line = append(activity.AppendActivity(line[:0], &a), '\n')
		if _, err := out.Write(line); err != nil {
			return n, fmt.Errorf("write activity %d: %w", n+1, err)
		}
		n++
		if label != nil && label.ActivityIDs[0] == a.ID {
			if err := told.Encode(label); err != nil {
				return n, fmt.Errorf("write label %s: %w", label.ID, err)
			}
		}
	}
	if err := out.Flush(); err != nil {
		return n, fmt.Errorf("write activity %d: %w", n, err)
	}
	if err := labels.Flush(); err != nil {
		return n, fmt.Errorf("write labels: %w", err)
	}
	return n, nil
}
