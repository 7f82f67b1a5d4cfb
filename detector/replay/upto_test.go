package replay_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/replay"
)

// TestUpTo: of a log that has grown, only what was there before is read again.
func TestUpTo(t *testing.T) {
	grown := &split{partitions: 3}
	for minute := range 5 {
		a := at("x/a", activity.KindPost, minute)
		grown.messages = append(grown.messages, replay.Message{Time: a.Time, Batch: &activity.Batch{Activities: []activity.Activity{*a}}})
	}
	src := replay.UpTo(grown, start.Add(2*time.Minute))
	if n := replay.Partitions(src); n != 3 {
		t.Errorf("%d partitions, want those of the log", n)
	}
	for minute := range 3 {
		m, err := src.Next(t.Context())
		if err != nil || m.Time.Sub(start) != time.Duration(minute)*time.Minute {
			t.Fatalf("message %d: %s, %v", minute, m.Time.Sub(start), err)
		}
	}
	for range 2 {
		if _, err := src.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("behind the end: %v, want io.EOF", err)
		}
	}
}
