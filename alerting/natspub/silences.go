package natspub

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting/silence"
	"github.com/picketd/picket/collectors/activity"
)

// SilenceStream is the name of the stream that holds silences.
const SilenceStream = "SILENCES"

const (
	silencePrefix = "picket.silence."
	// silenceRevisions is how many revisions a silence keeps: more than its life
	// can have.
	silenceRevisions = 16
)

// Silences keeps silences in a stream of their own. It implements silence.Store.
type Silences struct {
	// Damaged is told of each message that is no silence: somebody with the right
	// to wrote it by hand, or a newer Picket. It is passed over. Nil tells nobody.
	Damaged func(subject string, err error)

	js     jetstream.JetStream
	stream jetstream.Stream
}

var _ silence.Store = (*Silences)(nil)

// EnsureSilences creates the stream of silences or brings it to the options. It
// refuses one of a newer layout, and one whose settings can lose acknowledged
// messages.
func EnsureSilences(ctx context.Context, js jetstream.JetStream, opts StreamOptions) error {
	want := jetstream.StreamConfig{
		Name:              SilenceStream,
		Description:       "Picket silences",
		Subjects:          []string{silencePrefix + "*"},
		Storage:           opts.Storage,
		Retention:         jetstream.LimitsPolicy,
		Discard:           jetstream.DiscardOld,
		MaxAge:            orDefault(opts.Retention, defaultRetention),
		MaxBytes:          -1,
		MaxMsgs:           -1,
		MaxMsgsPerSubject: silenceRevisions,
		Replicas:          orDefault(opts.Replicas, 1),
		Duplicates:        2 * time.Minute, // nothing here is published twice
		AllowDirect:       false,           // as of alerts
		Metadata:          map[string]string{metaVersion: layoutVersion},
	}
	// A silence may begin MaxSpan from now and last as long again.
	if want.MaxAge < 2*silence.MaxSpan {
		return fmt.Errorf("silences: retention %s is shorter than %s, for which one may be planned and last: make it longer", want.MaxAge, 2*silence.MaxSpan)
	}
	return ensure(ctx, js, want)
}

// OpenSilences returns the silences on the server behind js. The stream must
// exist; see EnsureSilences. Without it, the error is jetstream.ErrStreamNotFound.
func OpenSilences(ctx context.Context, js jetstream.JetStream) (*Silences, error) {
	s, err := js.Stream(ctx, SilenceStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("open silences: there is no stream %s on this server: start picket run once, or check the server's address and account: %w", SilenceStream, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open silences: %w", err)
	}
	return &Silences{js: js, stream: s}, nil
}

// SilenceSubject returns the subject of a silence.
func SilenceSubject(id string) string { return silencePrefix + activity.EncodeToken(id) }

// Get reads the last revision from the stream's leader.
func (s *Silences) Get(ctx context.Context, id string) (silence.Stored, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	msg, err := s.stream.GetLastMsgForSubject(ctx, SilenceSubject(id))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return silence.Stored{}, nil
	}
	if err != nil {
		return silence.Stored{}, fmt.Errorf("read silence %s: %w", id, err)
	}
	got, err := silence.Decode(msg.Data)
	if err != nil {
		return silence.Stored{}, fmt.Errorf("stream %s, sequence %d: %w", SilenceStream, msg.Sequence, err)
	}
	return silence.Stored{Silence: got, Seq: msg.Sequence}, nil
}

// Put publishes a revision under compare-and-set.
func (s *Silences) Put(ctx context.Context, one silence.Silence, expected uint64) (uint64, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	data, err := silence.Encode(one)
	if err != nil {
		return 0, err
	}
	msg := &nats.Msg{Subject: SilenceSubject(one.ID), Data: data, Header: nats.Header{}}
	msg.Header.Set(HeaderVersion, layoutVersion)
	msg.Header.Set(HeaderRevision, strconv.FormatUint(one.Revision, 10))
	msg.Header.Set(HeaderChange, string(one.Change))
	ack, err := s.js.PublishMsgAsync(msg, jetstream.WithExpectStream(SilenceStream), jetstream.WithExpectLastSequencePerSubject(expected))
	if err != nil {
		return 0, err
	}
	return await(ctx, ack)
}

// List reads the last revision of each silence.
func (s *Silences) List(ctx context.Context) ([]silence.Silence, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	byID := map[string]int{}
	var out []silence.Silence
	read, done := context.WithCancel(ctx)
	defer done()
	err := s.Watch(read, func(one silence.Silence) {
		if at, again := byID[one.ID]; again { // revised while the list is read
			out[at] = one
			return
		}
		byID[one.ID] = len(out)
		out = append(out, one)
	}, done)
	if read.Err() != nil && ctx.Err() == nil {
		err = nil // read to its end
	}
	return out, err
}

// Watch calls each with the last revision of every silence and then with every
// new one. An ordered consumer goes on by itself behind a lost connection.
func (s *Silences) Watch(ctx context.Context, each func(silence.Silence), ready func()) error {
	cons, err := s.js.OrderedConsumer(ctx, SilenceStream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{silencePrefix + "*"},
		DeliverPolicy:  jetstream.DeliverLastPerSubjectPolicy,
	})
	if err != nil {
		return fmt.Errorf("read stream %s: %w", SilenceStream, err)
	}
	// The server would keep it for minutes, and bounds how many there are.
	defer func() {
		gone, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = s.js.DeleteConsumer(gone, SilenceStream, cons.CachedInfo().Name)
	}()
	it, err := cons.Messages()
	if err != nil {
		return fmt.Errorf("read stream %s: %w", SilenceStream, err)
	}
	defer it.Stop()
	return s.each(ctx, it, cons, each, ready)
}

// each reads messages until ctx ends, and tells when those are read that were
// there at first.
func (s *Silences) each(ctx context.Context, it jetstream.MessagesContext, cons jetstream.Consumer, each func(silence.Silence), ready func()) error {
	told := ready == nil
	tell := func(pending uint64) {
		if !told && pending == 0 {
			told = true
			ready()
		}
	}
	tell(cons.CachedInfo().NumPending)
	for ctx.Err() == nil {
		msg, err := nextHead(ctx, it, !told)
		if errors.Is(err, errNoneYet) {
			// What was pending may have expired before it came.
			if info, err := cons.Info(ctx); err == nil {
				tell(info.NumPending)
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("read stream %s: %w", SilenceStream, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read stream %s: %w", SilenceStream, err)
		}
		one, err := silence.Decode(msg.Data())
		switch {
		case err == nil:
			each(one)
		case s.Damaged != nil:
			s.Damaged(msg.Subject(), fmt.Errorf("stream %s, sequence %d: %w", SilenceStream, meta.Sequence.Stream, err))
		}
		tell(meta.NumPending)
	}
	return ctx.Err()
}
