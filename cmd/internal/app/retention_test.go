package app

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
)

// TestReplayEndsWhereRetentionTookTheEnd replays a log whose last message has
// expired: no later one will come to tell that it is over.
func TestReplayEndsWhereRetentionTookTheEnd(t *testing.T) {
	s := newSite(t, "")
	s.offline(t, func(js jetstream.JetStream) {
		j, err := journal.Open(t.Context(), js, journal.Config{
			Partitions: 1, Retention: journal.Retention{Logins: time.Hour, Posts: time.Hour, Mentions: time.Second},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		mention := deletion(2)
		mention.Kind, mention.Object = activity.KindMention, ""
		for i, err := range j.Submit(t.Context(), []activity.Activity{deletion(1), mention}) {
			if err != nil {
				t.Fatalf("item %d: %v", i, err)
			}
		}
		stream, err := js.Stream(t.Context(), journal.StreamName(0))
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			info, err := stream.Info(t.Context())
			if err != nil || time.Now().After(deadline) {
				t.Fatalf("the mention does not expire (%v)", err)
			}
			if info.State.Msgs == 1 && info.State.LastSeq == 2 {
				return
			}
		}
	})
	cfg, err := loadSite(s)
	if err != nil {
		t.Fatal(err)
	}
	r, err := OpenJournalReplay(t.Context(), cfg, time.Time{}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m, err := r.Next(ctx)
	if err != nil || len(m.Batch.Activities) != 1 || m.Batch.Activities[0].ID != "1" {
		t.Fatalf("first message %+v, %v; want the deletion", m, err)
	}
	if _, err := r.Next(ctx); !errors.Is(err, io.EOF) {
		t.Errorf("after what is left: %v, want the end", err)
	}
}
