package natspub

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
	"golang.org/x/sync/errgroup"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

// Headers of Picket's own on state messages; see the package comment.
const (
	HeaderVersion  = "Picket-Version"
	HeaderRevision = "Picket-Revision"
	HeaderState    = "Picket-State"
	HeaderLevel    = "Picket-Level"
	HeaderChange   = "Picket-Change"
	HeaderBrief    = "Picket-Brief"
)

// Timeout bounds one call of a Store or Publisher whose context has no
// deadline.
const Timeout = 10 * time.Second

// readers is how many alerts are read at the same time.
const readers = 32

// Store keeps alerts in the stream. It implements alerting.Store.
type Store struct {
	// Damaged is told of each message that is no alert state: somebody with the
	// right to wrote it by hand. It is passed over. Nil tells nobody.
	Damaged func(subject string, err error)

	js     jetstream.JetStream
	stream jetstream.Stream
}

var _ alerting.Store = (*Store)(nil)

// Open returns the store on the server behind js. The stream must exist; see
// Ensure.
func Open(ctx context.Context, js jetstream.JetStream) (*Store, error) {
	s, err := js.Stream(ctx, Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("open alerts: there is no stream %s on this server: start picket run once, or check the server's address and account", Stream)
	}
	if err != nil {
		return nil, fmt.Errorf("open alerts: %w", err)
	}
	return &Store{js: js, stream: s}, nil
}

// Get reads the last revisions from the stream's leader.
func (s *Store) Get(ctx context.Context, ids []string) ([]alerting.Stored, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	out := make([]alerting.Stored, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for i, id := range ids {
		g.Go(func() error {
			msg, err := s.stream.GetLastMsgForSubject(ctx, StateSubject(id))
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read alert %s: %w", id, err)
			}
			a, err := alerting.Decode(msg.Data)
			if err != nil {
				return fmt.Errorf("stream %s, sequence %d: %w: %w", Stream, msg.Sequence, alerting.ErrDamaged, err)
			}
			out[i] = alerting.Stored{Alert: a, Seq: msg.Sequence, Time: msg.Time}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

// Put publishes all revisions before it waits for the first acknowledgement.
func (s *Store) Put(ctx context.Context, writes []alerting.Write) []alerting.Result {
	ctx, cancel := bounded(ctx)
	defer cancel()
	results := make([]alerting.Result, len(writes))
	acks := make([]jetstream.PubAckFuture, len(writes))
	for i := range writes {
		msg, err := stateMsg(&writes[i].Alert)
		if err == nil {
			acks[i], err = s.js.PublishMsgAsync(msg, jetstream.WithExpectStream(Stream),
				jetstream.WithExpectLastSequencePerSubject(writes[i].Expected))
		}
		results[i].Err = err
	}
	for i, ack := range acks {
		if ack != nil {
			results[i].Seq, results[i].Err = await(ctx, ack)
		}
	}
	return results
}

func stateMsg(a *alerting.Alert) (*nats.Msg, error) {
	data, err := alerting.Encode(*a)
	if err != nil {
		return nil, err
	}
	brief, err := json.Marshal(alerting.BriefOf(a))
	if err != nil {
		return nil, fmt.Errorf("encode alert %s: %w", a.ID, err)
	}
	msg := &nats.Msg{Subject: StateSubject(a.ID), Data: data, Header: nats.Header{}}
	msg.Header.Set(HeaderVersion, layoutVersion)
	msg.Header.Set(HeaderRevision, strconv.FormatUint(a.Revision, 10))
	msg.Header.Set(HeaderState, string(a.State))
	msg.Header.Set(HeaderLevel, string(a.Rule.Level))
	msg.Header.Set(HeaderChange, string(a.Change))
	msg.Header.Set(HeaderBrief, string(brief))
	return msg, nil
}

// JetStream error codes of a compare-and-set that another writer won. The
// second is what a clustered stream answers while a write is in flight.
const (
	codeWrongLastSequence         = 10071
	codeWrongLastSequenceInFlight = 10164
)

func await(ctx context.Context, ack jetstream.PubAckFuture) (uint64, error) {
	select {
	case ok := <-ack.Ok():
		return ok.Sequence, nil
	case err := <-ack.Err():
		var api *jetstream.APIError
		if errors.As(err, &api) && (api.ErrorCode == codeWrongLastSequence || api.ErrorCode == codeWrongLastSequenceInFlight) {
			return 0, fmt.Errorf("%w: %w", alerting.ErrConflict, err)
		}
		return 0, err
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for the server's acknowledgement: %w", ctx.Err())
	}
}

// Heads lists all alerts by the headers of their last revisions. One that is
// revised while the list is read comes once more, at the list's end: it is
// listed once, by its newer revision.
func (s *Store) Heads(ctx context.Context) ([]alerting.Head, error) {
	cons, err := s.heads(ctx)
	if err != nil {
		return nil, err
	}
	// The server would keep it for minutes, and bounds how many there are.
	defer func() {
		gone, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = s.js.DeleteConsumer(gone, Stream, cons.CachedInfo().Name)
	}()
	if cons.CachedInfo().NumPending == 0 {
		return nil, nil
	}
	var out []alerting.Head
	listed := map[string]int{} // where in out, by id
	err = s.each(ctx, cons, cons.Info, func(h alerting.Head) {
		at, again := listed[h.ID]
		if again {
			out[at] = h
			return
		}
		listed[h.ID] = len(out)
		out = append(out, h)
	})
	return out, err
}

// Watch calls each with the head of every alert and then of every revision.
func (s *Store) Watch(ctx context.Context, fn func(alerting.Head)) error {
	cons, err := s.heads(ctx)
	if err != nil {
		return err
	}
	return s.each(ctx, cons, nil, fn)
}

func (s *Store) heads(ctx context.Context) (jetstream.Consumer, error) {
	cons, err := s.js.OrderedConsumer(ctx, Stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{statePrefix + "*"},
		DeliverPolicy:  jetstream.DeliverLastPerSubjectPolicy,
		HeadersOnly:    true,
	})
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", Stream, err)
	}
	return cons, nil
}

// each reads messages until ctx ends or, where end tells what is left, to the
// end of the stream.
func (s *Store) each(ctx context.Context, cons jetstream.Consumer, end func(context.Context) (*jetstream.ConsumerInfo, error), fn func(alerting.Head)) error {
	it, err := cons.Messages()
	if err != nil {
		return fmt.Errorf("read stream %s: %w", Stream, err)
	}
	defer it.Stop()
	for {
		msg, err := nextHead(ctx, it, end != nil)
		if errors.Is(err, errNoneYet) {
			// What was pending may have expired before it came.
			if info, err := end(ctx); err == nil && info.NumPending == 0 {
				return nil
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("read stream %s: %w", Stream, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read stream %s: %w", Stream, err)
		}
		h, err := head(msg.Subject(), msg.Headers(), meta)
		switch {
		case err == nil:
			fn(h)
		case s.Damaged != nil:
			s.Damaged(msg.Subject(), fmt.Errorf("stream %s, sequence %d: %w", Stream, meta.Sequence.Stream, err))
		}
		if end != nil && meta.NumPending == 0 {
			return nil
		}
	}
}

var errNoneYet = errors.New("no message yet")

// nextHead waits for the next message, a second only where brief.
func nextHead(ctx context.Context, it jetstream.MessagesContext, brief bool) (jetstream.Msg, error) {
	if !brief {
		return it.Next(jetstream.NextContext(ctx))
	}
	wait, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	msg, err := it.Next(jetstream.NextContext(wait))
	if err != nil && ctx.Err() == nil && wait.Err() != nil {
		return nil, errNoneYet
	}
	return msg, err
}

func head(subject string, header nats.Header, meta *jetstream.MsgMetadata) (alerting.Head, error) {
	id, err := activity.DecodeToken(strings.TrimPrefix(subject, statePrefix))
	if err != nil {
		return alerting.Head{}, err
	}
	revision, err := strconv.ParseUint(header.Get(HeaderRevision), 10, 64)
	if err != nil {
		return alerting.Head{}, fmt.Errorf("header %s of alert %s: %w", HeaderRevision, id, err)
	}
	h := alerting.Head{
		ID: id, Seq: meta.Sequence.Stream, Time: meta.Timestamp, Revision: revision,
		State: alerting.State(header.Get(HeaderState)), Level: rules.Level(header.Get(HeaderLevel)),
	}
	if brief := header.Get(HeaderBrief); brief != "" { // an alert of an older Picket has none
		if err := json.Unmarshal([]byte(brief), &h.Brief); err != nil {
			return alerting.Head{}, fmt.Errorf("header %s of alert %s: %w", HeaderBrief, id, err)
		}
	}
	return h, nil
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, Timeout)
}
