package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting/notify"
)

// ErrNoLetter says that there is no dead letter of this number.
var ErrNoLetter = errors.New("no dead letter has this number")

// ErrOver says that a dead letter is not sent again: what it is about is over, and
// its receiver was told so.
var ErrOver = errors.New("it is over, and the receiver was told so since; sending it would begin it again")

// passOver is for whoever only looks: the daemon tells of what is damaged.
func passOver(string, string, error) {}

// Letters returns the dead letters of a receiver, or of all for "", the oldest
// first. What is none is passed over.
func (o *Outbox) Letters(ctx context.Context, receiver string) ([]Letter, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	s, err := o.letters(ctx)
	if err != nil {
		return nil, err
	}
	filter := deadPrefix + "*"
	if receiver != "" {
		filter = DeadSubject(receiver)
	}
	var out []Letter
	for seq := s.CachedInfo().State.FirstSeq; seq <= s.CachedInfo().State.LastSeq; {
		msg, err := s.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(filter))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read stream %s: %w", DeadName, err)
		}
		seq = msg.Sequence + 1
		l, err := decodeLetter(msg)
		if errors.Is(err, errDamaged) {
			continue // the daemon tells; the others can be read
		}
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// Letter returns one dead letter.
func (o *Outbox) Letter(ctx context.Context, number uint64) (Letter, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	s, err := o.letters(ctx)
	if err != nil {
		return Letter{}, err
	}
	msg, err := s.GetMsg(ctx, number)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Letter{}, fmt.Errorf("%d: %w; see picket deadletters ls", number, ErrNoLetter)
	}
	if err != nil {
		return Letter{}, fmt.Errorf("read stream %s: %w", DeadName, err)
	}
	return decodeLetter(msg)
}

func (o *Outbox) letters(ctx context.Context) (jetstream.Stream, error) {
	s, err := o.js.Stream(ctx, DeadName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("open dead letters: there is no stream %s on this server: start picket run once, or check the server's address and account", DeadName)
	}
	if err != nil {
		return nil, fmt.Errorf("open dead letters: %w", err)
	}
	return s, nil
}

func decodeLetter(msg *jetstream.RawStreamMsg) (Letter, error) {
	var l Letter
	err := json.Unmarshal(msg.Data, &l)
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", errDamaged, err)
	case l.V < letterVersion:
		err = fmt.Errorf("%w: field v: %d; expected %d", errDamaged, l.V, letterVersion)
	case l.V > letterVersion:
		err = fmt.Errorf("version %d, this Picket reads %d", l.V, letterVersion)
	}
	if err != nil {
		return l, fmt.Errorf("stream %s, sequence %d: no dead letter of this layout: %w", DeadName, msg.Sequence, err)
	}
	l.Number = msg.Sequence
	return l, nil
}

// Retry queues a dead letter's message again, with the time of a new one, and
// deletes the letter. A crash in between queues it once all the same. It returns
// the message as it was queued; ErrOver leaves the letter where it is.
func (o *Outbox) Retry(ctx context.Context, l *Letter) (notify.Message, error) {
	m := l.Message
	if over, err := o.over(ctx, &m); err != nil || over {
		if over {
			err = fmt.Errorf("%d: %w", l.Number, ErrOver)
		}
		return m, err
	}
	suffix := fmt.Sprintf("-r%d", l.Number)
	m.Key = m.Key[:min(len(m.Key), maxKey-len(suffix))] + suffix
	if err := o.Queue(ctx, []notify.Message{m}); err != nil {
		return m, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	s, err := o.letters(ctx)
	if err != nil {
		return m, err
	}
	if err := s.DeleteMsg(ctx, l.Number); err != nil {
		// The server has no error of its own for a letter that is gone.
		if _, missing := s.GetMsg(ctx, l.Number); errors.Is(missing, jetstream.ErrMsgNotFound) {
			return m, nil
		}
		return m, fmt.Errorf("delete dead letter %d, which is queued again: %w", l.Number, err)
	}
	return m, nil
}

// over reports whether the receiver was told that what a message still calls open
// is over.
func (o *Outbox) over(ctx context.Context, m *notify.Message) (bool, error) {
	if m.Over() {
		return false, nil
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	l, err := openLedger(ctx, o.js, passOver)
	if err != nil {
		return false, err
	}
	r, err := l.record(ctx, m.Receiver, m.Incident)
	if err != nil {
		return false, err
	}
	return r.Over && r.Error == "" && r.Trying == nil, nil
}

// Status is what is known of a receiver from outside the daemon.
type Status struct {
	Waiting   int // messages that are not settled
	Condition Condition
}

// Status returns how a receiver is.
func (o *Outbox) Status(ctx context.Context, receiver string) (Status, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	l, err := openLedger(ctx, o.js, passOver)
	if err != nil {
		return Status{}, err
	}
	c, _, err := l.condition(ctx, receiver)
	if err != nil {
		return Status{}, err
	}
	cons, err := o.js.Consumer(ctx, Stream, consumerName(receiver))
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return Status{Condition: c}, nil // nothing was ever read for it
	}
	if err != nil {
		return Status{}, fmt.Errorf("look at receiver %s: %w", receiver, err)
	}
	info := cons.CachedInfo()
	return Status{Waiting: int(info.NumPending) + info.NumAckPending, Condition: c}, nil //nolint:gosec // messages of one stream
}

// Await waits until a message is settled, and returns what became of its
// incident's messages, also where ctx ends before. Each failed try is told as it
// is recorded.
func (o *Outbox) Await(ctx context.Context, m *notify.Message, failed func(Trying)) (last Record, err error) {
	l, err := openLedger(ctx, o.js, passOver)
	if err != nil {
		return last, err
	}
	clock := time.NewTicker(100 * time.Millisecond)
	defer clock.Stop()
	attempts := 0
	for {
		r, err := l.record(ctx, m.Receiver, m.Incident)
		if err != nil {
			return last, err
		}
		last = *r
		if n := len(r.Keys); n > 0 && r.Keys[n-1] == m.Key {
			return last, nil
		}
		if t := r.Trying; t != nil && t.Key == m.Key && t.Attempts > attempts {
			attempts = t.Attempts
			failed(*t)
		}
		select {
		case <-ctx.Done():
			return last, fmt.Errorf("wait for message %s: %w", m.Key, ctx.Err())
		case <-clock.C:
		}
	}
}
