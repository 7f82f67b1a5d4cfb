package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors/activity"
)

// ledger keeps what became of messages.
type ledger interface {
	// record returns the record of an incident at a receiver, an empty one where
	// there is none.
	record(ctx context.Context, receiver, incident string) (*Record, error)
	write(ctx context.Context, receiver, incident string, r *Record) error
	// bury keeps a dead letter. seq is its message's, and makes a repetition
	// harmless.
	bury(ctx context.Context, l *Letter, seq uint64) error
	// condition returns a receiver's condition, and its newest dead letter, nil
	// where there is none.
	condition(ctx context.Context, receiver string) (Condition, *Letter, error)
	judge(ctx context.Context, receiver string, c Condition) error
}

// natsLedger keeps it in JetStream.
type natsLedger struct {
	js            jetstream.JetStream
	records, dead jetstream.Stream
	// damaged is told of what cannot be read and is taken for nothing.
	damaged func(stream, subject string, err error)
}

var _ ledger = (*natsLedger)(nil)

func openLedger(ctx context.Context, js jetstream.JetStream, damaged func(stream, subject string, err error)) (*natsLedger, error) {
	s, err := js.Stream(ctx, RecordsName)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", RecordsName, err)
	}
	dead, err := js.Stream(ctx, DeadName)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", DeadName, err)
	}
	return &natsLedger{js, s, dead, damaged}, nil
}

// last returns a subject's last message, nil where there is none.
func last(ctx context.Context, s jetstream.Stream, subject string) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	msg, err := s.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", subject, err)
	}
	return msg, nil
}

func (l *natsLedger) put(ctx context.Context, stream, subject, id string, body any) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write %s: %w", subject, err)
	}
	msg := nats.NewMsg(subject)
	msg.Data = data
	msg.Header.Set(HeaderVersion, layoutVersion)
	if id != "" {
		msg.Header.Set(jetstream.MsgIDHeader, id)
	}
	if _, err := l.js.PublishMsg(ctx, msg, jetstream.WithExpectStream(stream)); err != nil {
		return fmt.Errorf("write %s: %w", subject, err)
	}
	return nil
}

func (l *natsLedger) record(ctx context.Context, receiver, incident string) (*Record, error) {
	msg, err := last(ctx, l.records, RecordSubject(receiver, incident))
	if err != nil {
		return nil, err
	}
	if msg == nil {
		return &Record{V: recordVersion}, nil
	}
	r, err := decodeRecord(msg.Data)
	if errors.Is(err, errDamaged) {
		// A message may be told twice for it, which is better than none any more.
		l.damaged(RecordsName, msg.Subject, fmt.Errorf("stream %s, sequence %d: %w", RecordsName, msg.Sequence, err))
		return &Record{V: recordVersion}, nil
	}
	return r, err
}

func (l *natsLedger) write(ctx context.Context, receiver, incident string, r *Record) error {
	return l.put(ctx, RecordsName, RecordSubject(receiver, incident), "", r)
}

// receipts returns the newest receipts of a receiver, by incident, but for those
// that are over.
func (l *natsLedger) receipts(ctx context.Context, receiver string) (map[string]string, error) {
	prefix := RecordSubject(receiver, "")
	info, err := l.records.Info(ctx, jetstream.WithSubjectFilter(strings.TrimSuffix(prefix, activity.EncodeToken(""))+"*"))
	if err != nil {
		return nil, fmt.Errorf("list records of receiver %s: %w", receiver, err)
	}
	out := map[string]string{}
	for subject := range info.State.Subjects {
		incident, err := activity.DecodeToken(subject[strings.LastIndexByte(subject, '.')+1:])
		if err != nil {
			continue // no incident is called so
		}
		r, err := l.record(ctx, receiver, incident)
		if errors.Is(err, errNewer) {
			continue // its own messages wait, others do not
		}
		if err != nil {
			return nil, err
		}
		if r.Receipt != "" && !r.Over {
			out[incident] = r.Receipt
		}
	}
	return out, nil
}

func (l *natsLedger) bury(ctx context.Context, d *Letter, seq uint64) error {
	id := d.Message.Receiver + "/" + d.Message.Key + "/" + strconv.FormatUint(seq, 10)
	return l.put(ctx, DeadName, DeadSubject(d.Message.Receiver), id, d)
}

func (l *natsLedger) condition(ctx context.Context, receiver string) (Condition, *Letter, error) {
	c := Condition{V: conditionVersion}
	msg, err := last(ctx, l.records, ConditionSubject(receiver))
	if err != nil {
		return c, nil, err
	}
	if msg != nil {
		if err := json.Unmarshal(msg.Data, &c); err != nil {
			l.damaged(RecordsName, msg.Subject, fmt.Errorf("stream %s, sequence %d: %w", RecordsName, msg.Sequence, err))
			c = Condition{V: conditionVersion}
		}
	}
	msg, err = last(ctx, l.dead, DeadSubject(receiver))
	if err != nil || msg == nil {
		return c, nil, err
	}
	letter, err := decodeLetter(msg)
	if errors.Is(err, errDamaged) {
		l.damaged(DeadName, msg.Subject, err)
		return c, nil, nil
	}
	return c, &letter, err
}

func (l *natsLedger) judge(ctx context.Context, receiver string, c Condition) error {
	return l.put(ctx, RecordsName, ConditionSubject(receiver), "", c)
}

// acknowledger is how the server is told of a message that it has given out.
type acknowledger interface {
	// InProgress says that it is still worked on.
	InProgress() error
	// DoubleAck says that it is settled, and returns when the server knows.
	DoubleAck(ctx context.Context) error
}

// source gives a receiver's messages out.
type source interface {
	// take waits for the next message. They come in the order in which they were
	// queued; one that is given out again comes late, and is held already or
	// settled.
	take(ctx context.Context) (*parcel, error)
	// log is when the stream that sequences are of was created.
	log() time.Time
	close()
}

// How the durable consumers give out messages. Whoever holds one says so in
// time; see keepEvery.
const (
	ackWait   = 10 * time.Minute
	mostHeld  = 1000
	keepEvery = ackWait / 4
)

// natsSource reads a receiver's durable consumer.
type natsSource struct {
	it      jetstream.MessagesContext
	created time.Time
	last    uint64 // sequence of the last delivery
	damaged func(stream, subject string, err error)
}

var _ source = (*natsSource)(nil)

// errMissed says that the server gave out a message which never came: what
// comes now may be ahead of it.
var errMissed = errors.New("a message was lost on its way from the server; reading again from the last one that is settled")

// openSource opens a receiver's consumer. One with messages that were given out
// and not settled, as after a crash, is made anew behind what is settled: the
// server would give new messages out before it repeats the old ones.
func openSource(ctx context.Context, js jetstream.JetStream, receiver string, damaged func(stream, subject string, err error)) (*natsSource, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	s, err := js.Stream(ctx, Stream)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", Stream, err)
	}
	want := consumerConfig(receiver)
	cons, err := s.Consumer(ctx, want.Durable)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		cons, err = s.CreateConsumer(ctx, want)
	case err != nil:
	case cons.CachedInfo().NumAckPending > 0:
		if err := s.DeleteConsumer(ctx, want.Durable); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil, fmt.Errorf("make consumer %s anew: %w", want.Durable, err)
		}
		want.DeliverPolicy, want.OptStartSeq = jetstream.DeliverByStartSequencePolicy, cons.CachedInfo().AckFloor.Stream+1
		cons, err = s.CreateConsumer(ctx, want)
	}
	if err != nil {
		return nil, fmt.Errorf("open consumer %s: %w", want.Durable, err)
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(100))
	if err != nil {
		return nil, fmt.Errorf("read consumer %s: %w", want.Durable, err)
	}
	return &natsSource{it: it, created: s.CachedInfo().Created, last: cons.CachedInfo().Delivered.Consumer, damaged: damaged}, nil
}

func consumerConfig(receiver string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       consumerName(receiver),
		Description:   "Picket notifications of one receiver",
		FilterSubject: QueueSubject(receiver, "")[:len(QueueSubject(receiver, ""))-1] + "*",
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxAckPending: mostHeld,
		MaxDeliver:    -1,
		Metadata:      map[string]string{metaVersion: layoutVersion, metaReceiver: receiver},
	}
}

func (s *natsSource) log() time.Time { return s.created }
func (s *natsSource) close()         { s.it.Stop() }

// take passes over what is no message, once it is told.
func (s *natsSource) take(ctx context.Context) (*parcel, error) {
	for {
		msg, err := s.it.Next(jetstream.NextContext(ctx))
		if errors.Is(err, jetstream.ErrNoHeartbeat) {
			continue // the server is away
		}
		if err != nil {
			return nil, fmt.Errorf("read stream %s: %w", Stream, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return nil, fmt.Errorf("read stream %s: %w", Stream, err)
		}
		if meta.Sequence.Consumer != s.last+1 {
			return nil, errMissed
		}
		s.last = meta.Sequence.Consumer
		m, err := decode(msg.Data())
		if err != nil {
			s.damaged(Stream, msg.Subject(), fmt.Errorf("stream %s, sequence %d: %w", Stream, meta.Sequence.Stream, err))
			if err := msg.Term(); err != nil {
				return nil, fmt.Errorf("read stream %s: %w", Stream, err)
			}
			continue
		}
		return &parcel{message: m, seq: meta.Sequence.Stream, queued: meta.Timestamp, behind: meta.NumPending, ack: msg}, nil
	}
}
