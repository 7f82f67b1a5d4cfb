package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors/activity"
)

// Held is which activities the log holds of one account: those of its own pages
// and those that were pushed. It implements collectors.Held and is not safe for
// concurrent use.
type Held struct {
	j        *Journal
	account  string
	subjects []string

	next   uint64 // the first sequence that was not read
	keys   map[uint64]struct{}
	newest map[activity.Class]time.Time
	oldest map[activity.Class]time.Time // of what has the network's own ids
	dec    activity.Decoder
	batch  activity.Batch
}

// Held returns what the log holds of an account, of which nothing is read yet.
func (j *Journal) Held(account string) *Held {
	return &Held{
		j: j, account: account, next: 1,
		subjects: []string{j.Subject(account), subjectPrefix + strconv.Itoa(j.Partition(account)) + ".bulk"},
		keys:     map[uint64]struct{}{}, newest: map[activity.Class]time.Time{}, oldest: map[activity.Class]time.Time{},
	}
}

// Has reports whether the activity is in the log as far as it was read, or may be
// in it under another id, see Covers.
func (h *Held) Has(a *activity.Activity) bool {
	_, ok := h.keys[a.Key()]
	return ok || h.Covers(a)
}

// near is how much older than what the log holds something must be to be another:
// networks take the time of a post now from its upload and now from when it was
// published.
const near = time.Hour

// Covers reports whether an activity whose export does not tell its id (see
// activity.ExportID) is of a time of which the log holds activities of the same
// class under the network's own ids, not counting what no export holds. It may be
// one of these.
func (h *Held) Covers(a *activity.Activity) bool {
	oldest, some := h.oldest[a.Kind.Class()]
	return some && strings.HasPrefix(a.ID, activity.ExportID) && a.Time.After(oldest.Add(-near))
}

// Newest returns when the newest activity of a class happened, zero if the log
// holds none.
func (h *Held) Newest(c activity.Class) time.Time { return h.newest[c] }

// Update reads on to where the log ends now. It reads the account's own
// subject and what was pushed to its partition, nothing of other accounts'
// pages.
func (h *Held) Update(ctx context.Context) error {
	stream, err := h.j.js.Stream(ctx, StreamName(h.j.Partition(h.account)))
	if err != nil {
		return fmt.Errorf("read what the journal holds of %s: %w", h.account, err)
	}
	for _, subject := range h.subjects {
		// The last message of a subject tells where reading ends.
		last, err := stream.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err == nil && last.Sequence >= h.next {
			err = h.read(ctx, stream, subject, last.Sequence)
		}
		if err != nil {
			return fmt.Errorf("read what the journal holds of %s: %w", h.account, err)
		}
	}
	h.next = max(h.next, stream.CachedInfo().State.LastSeq+1)
	return nil
}

// read takes the messages of a subject from h.next to last.
func (h *Held) read(ctx context.Context, stream jetstream.Stream, subject string, last uint64) error {
	cons, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{subject}, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: h.next,
	})
	if err != nil {
		return err
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(500))
	if err != nil {
		return err
	}
	defer it.Stop()
	for {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if errors.Is(err, jetstream.ErrNoHeartbeat) {
			continue // the consumer re-creates itself
		}
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if err := h.note(msg.Data()); err != nil {
			return fmt.Errorf("sequence %d: %w", meta.Sequence.Stream, err)
		}
		if meta.Sequence.Stream >= last || meta.NumPending == 0 { // retention may have taken the last one
			return nil
		}
	}
}

func (h *Held) note(data []byte) error {
	if err := h.dec.Batch(data, &h.batch); err != nil {
		return err
	}
	for i := range h.batch.Activities {
		a := &h.batch.Activities[i]
		if a.Account != h.account {
			continue
		}
		h.keys[a.Key()] = struct{}{}
		switch a.Kind {
		case activity.KindPoll, activity.KindFollowers, activity.KindApproval, activity.KindVerdict:
			continue // nothing that an account did, and in no export
		default:
		}
		c := a.Kind.Class()
		if a.Time.After(h.newest[c]) {
			h.newest[c] = a.Time
		}
		if oldest, some := h.oldest[c]; !strings.HasPrefix(a.ID, activity.ExportID) && (!some || a.Time.Before(oldest)) {
			h.oldest[c] = a.Time
		}
	}
	return nil
}
