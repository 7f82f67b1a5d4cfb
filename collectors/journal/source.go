package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Open returns the fenced log of one polled source: an account ("x/acme") or
// a source that yields activities of several accounts ("file/history").
func (j *Journal) Open(_ context.Context, source string) (collectors.Log, error) {
	return &sourceLog{j: j, source: source, subject: j.Subject(source), stream: StreamName(j.Partition(source))}, nil
}

// sourceLog is one source's view of its subject: the sequence of the last
// message that it has seen there is the fence of the next append.
type sourceLog struct {
	j                       *Journal
	source, subject, stream string

	mu   sync.Mutex
	last uint64
	read bool
	dec  activity.Decoder
}

// Checkpoint re-reads the subject's last message.
func (l *sourceLog) Checkpoint(ctx context.Context) (collectors.Checkpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	msg, err := l.j.lastMessage(ctx, l.stream, l.subject)
	if err != nil {
		return collectors.Checkpoint{}, fmt.Errorf("read checkpoint of %s: %w", l.source, err)
	}
	l.read = true
	if msg == nil {
		l.last = 0
		if l.j.cfg.Kept == nil {
			return collectors.Checkpoint{}, nil
		}
		if kept, ok := l.j.cfg.Kept(l.source); ok {
			// Retention took the account's last message: go on from the
			// detector's copy and say that something may be missing.
			kept.Lost = true
			return kept, nil
		}
		return collectors.Checkpoint{}, nil
	}
	l.last = msg.Sequence
	var b activity.Batch
	if err := l.dec.Batch(msg.Data, &b); err != nil {
		return collectors.Checkpoint{}, fmt.Errorf("checkpoint of %s (sequence %d): %w", l.source, msg.Sequence, err)
	}
	return collectors.Checkpoint{
		Cursor:   json.RawMessage(bytes.Clone(b.Cursor)),
		Recent:   append([]uint64(nil), b.Recent...),
		LastTime: msg.Time,
	}, nil
}

// Append stores one page under the fence. Activities of other accounts than
// the source go first, to the bulk subjects of their partitions: a crash in
// between repeats them, and the detector drops the second.
func (l *sourceLog) Append(ctx context.Context, b *activity.Batch) error {
	if err := l.j.room(); err != nil {
		l.j.obs.Refused("no_room", len(b.Activities))
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.read {
		return fmt.Errorf("append to %s: its checkpoint has not been read", l.source)
	}
	own := *b
	var others []activity.Activity
	own.Activities, others = l.split(b.Activities)
	if len(others) > 0 {
		if err := l.j.appendBulk(ctx, others, b.Backfill); err != nil {
			return fmt.Errorf("append %d activities of %s: %w", len(others), l.source, err)
		}
	}
	room := usualHead + len(own.Cursor) + recentBytes*len(own.Recent) + usualBytes*len(own.Activities)
	data := activity.AppendBatch(make([]byte, 0, room), &own)
	if len(data) > MaxMessage+collectors.MaxCursor {
		return fmt.Errorf("append to %s: page of %d bytes, limit %d: split it", l.source, len(data), MaxMessage)
	}
	opts := expires(l.j.cfg.Retention.lifeOf(own.Activities), jetstream.WithExpectLastSequencePerSubject(l.last))
	seq, err := l.j.publish(ctx, l.subject, data, opts...)
	if err != nil {
		return l.settle(ctx, data, err)
	}
	l.last = seq
	l.j.obs.Appended(len(own.Activities), len(data))
	return nil
}

// split parts a page into what goes to the source's own subject and what goes to
// others. A page of one of the two is not copied.
func (l *sourceLog) split(page []activity.Activity) (own, others []activity.Activity) {
	isOwn := func(a *activity.Activity) bool { return a.Account == l.source && a.Kind != activity.KindApproval }
	n := 0
	for i := range page {
		if isOwn(&page[i]) {
			n++
		}
	}
	switch n {
	case len(page):
		return page, nil
	case 0:
		return nil, page
	}
	own, others = make([]activity.Activity, 0, n), make([]activity.Activity, 0, len(page)-n)
	for i := range page {
		if isOwn(&page[i]) {
			own = append(own, page[i])
		} else {
			others = append(others, page[i])
		}
	}
	return own, others
}

// settle decides an append that did not get a plain acknowledgement. The
// message may be stored all the same (the answer was lost, or a retry of ours
// met our own message): then the subject's last message is ours.
func (l *sourceLog) settle(ctx context.Context, data []byte, cause error) error {
	if !errors.Is(cause, collectors.ErrFenced) && !ambiguous(cause) {
		return fmt.Errorf("append to %s: %w", l.source, cause)
	}
	msg, err := l.j.lastMessage(ctx, l.stream, l.subject)
	if err != nil {
		l.read = false
		return fmt.Errorf("append to %s: %w", l.source, errors.Join(cause, err))
	}
	if msg != nil && msg.Sequence > l.last && bytes.Equal(msg.Data, data) {
		l.last = msg.Sequence
		return nil
	}
	if errors.Is(cause, collectors.ErrFenced) {
		l.j.obs.Fenced()
	}
	l.read = false
	return fmt.Errorf("append to %s: %w", l.source, cause)
}

// lastMessage returns a subject's last message, nil if there is none. A replica
// may answer with an older one; the fence then refuses the append and the
// caller reads again.
func (j *Journal) lastMessage(ctx context.Context, stream, subject string) (*jetstream.RawStreamMsg, error) {
	s, err := j.js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	msg, err := s.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	return msg, err
}
