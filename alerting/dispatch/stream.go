package dispatch

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors/activity"
)

// Stream is the name of the stream that holds incidents.
const Stream = "INCIDENTS"

// Headers of Picket's own; see the package comment.
const (
	HeaderVersion = "Picket-Version"
	HeaderState   = "Picket-State"
	HeaderLevel   = "Picket-Level"
	HeaderOpened  = "Picket-Opened"
	HeaderClosed  = "Picket-Closed"
)

const (
	incidentPrefix = "picket.incident."
	deskPrefix     = "picket.desk."
	markSubject    = "picket.dispatched"

	layoutVersion = "1"
	metaVersion   = "picket.version"
	kept          = 2 * 365 * 24 * time.Hour
	timeout       = 10 * time.Second
)

// StreamOptions fix how incidents are kept. The zero value is one replica on
// disk.
type StreamOptions struct {
	Replicas int                   // 0 means 1
	Storage  jetstream.StorageType // the zero value is FileStorage
}

// Ensure creates the stream or brings it to the options. It refuses a stream of a
// newer layout, and one whose settings can lose acknowledged messages.
func Ensure(ctx context.Context, js jetstream.JetStream, opts StreamOptions) error {
	want := jetstream.StreamConfig{
		Name: Stream, Description: "Picket incidents: what they are and who was told what",
		Subjects: []string{incidentPrefix + "*", deskPrefix + "*", markSubject},
		Storage:  opts.Storage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		MaxAge: kept, MaxBytes: -1, MaxMsgs: -1, MaxMsgsPerSubject: 1, Replicas: max(opts.Replicas, 1),
		Metadata: map[string]string{metaVersion: layoutVersion},
	}
	s, err := js.Stream(ctx, Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if _, err := js.CreateStream(ctx, want); err != nil {
			return fmt.Errorf("create stream %s: %w", Stream, err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("open stream %s: %w", Stream, err)
	}
	have := s.CachedInfo().Config
	switch {
	case have.Metadata[metaVersion] != layoutVersion:
		return fmt.Errorf("stream %s has layout version %q, this Picket writes %q: use the version of Picket that created it", Stream, have.Metadata[metaVersion], layoutVersion)
	case have.PersistMode == jetstream.AsyncPersistMode:
		return fmt.Errorf("stream %s has persist_mode async, under which acknowledged messages are lost on a crash: recreate it with persist_mode default", Stream)
	case have.Storage != want.Storage:
		return fmt.Errorf("stream %s is kept in %s storage, the configuration says %s: storage is fixed when the stream is created", Stream, have.Storage, want.Storage)
	}
	have.Subjects, have.MaxAge, have.Replicas = want.Subjects, want.MaxAge, want.Replicas
	have.MaxMsgsPerSubject, have.MaxBytes, have.MaxMsgs = want.MaxMsgsPerSubject, want.MaxBytes, want.MaxMsgs
	if _, err := js.UpdateStream(ctx, have); err != nil {
		return fmt.Errorf("update stream %s: %w", Stream, err)
	}
	return nil
}

// IncidentSubject returns the subject of an incident.
func IncidentSubject(id string) string { return incidentPrefix + activity.EncodeToken(id) }

// DeskSubject returns the subject of what is kept of a receiver.
func DeskSubject(receiver string) string { return deskPrefix + activity.EncodeToken(receiver) }

// errDamaged says that what is stored is none of what it should be, of whatever
// version.
var errDamaged = errors.New("the document cannot be read")

// StreamStore keeps documents in the stream. It implements Store.
type StreamStore struct {
	// Damaged is told of each message that cannot be read, once: somebody with the
	// right to write to the stream put it there, or a disk did. It is passed over.
	// It may be nil, and is set before anything is read.
	Damaged func(subject string, err error)

	js     jetstream.JetStream
	stream jetstream.Stream

	mu   sync.Mutex
	told map[uint64]struct{} // sequences that Damaged was told of
}

// Open returns the store on the server behind js. The stream must exist; see
// Ensure.
func Open(ctx context.Context, js jetstream.JetStream) (*StreamStore, error) {
	s, err := js.Stream(ctx, Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("open incidents: there is no stream %s on this server: start picket run once, or check the server's address and account", Stream)
	}
	if err != nil {
		return nil, fmt.Errorf("open incidents: %w", err)
	}
	return &StreamStore{js: js, stream: s}, nil
}

var _ Store = (*StreamStore)(nil)

// Put publishes all documents before it waits for the first acknowledgement. The
// first expects the fence to be the stream's last sequence, and each other the one
// before it, by its id, to be the last message: by its sequence alone, one could
// follow a message of another writer in the place of its own that was refused.
func (s *StreamStore) Put(ctx context.Context, docs []Document, fence uint64) (uint64, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	acks := make([]jetstream.PubAckFuture, 0, len(docs))
	batch := rand.Text() // another one each time: an id that comes again would be taken for stored
	id := func(i int) string { return batch + "." + strconv.Itoa(i) }
	for i, doc := range docs {
		msg, err := message(&doc)
		if err != nil {
			return 0, err
		}
		opts := []jetstream.PublishOpt{
			jetstream.WithExpectStream(Stream), jetstream.WithMsgID(id(i)), jetstream.WithExpectLastSequence(fence + uint64(i)),
		}
		if i > 0 {
			opts = append(opts, jetstream.WithExpectLastMsgID(id(i-1)))
		}
		ack, err := s.js.PublishMsgAsync(msg, opts...)
		if err != nil {
			return 0, fmt.Errorf("store %s: %w", msg.Subject, err)
		}
		acks = append(acks, ack)
	}
	for i, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return 0, refused(i, ack.Msg().Subject, err)
		case <-ctx.Done():
			return 0, fmt.Errorf("store %s: %w", ack.Msg().Subject, ctx.Err())
		}
	}
	return fence + uint64(len(docs)), nil
}

// JetStream's error codes of an expected sequence that another writer was ahead
// of. The second is what a cluster answers while a write is in flight.
const (
	codeWrongLastSequence         = 10071
	codeWrongLastSequenceInFlight = 10164
)

func refused(at int, subject string, err error) error {
	var api *jetstream.APIError
	if at == 0 && errors.As(err, &api) && (api.ErrorCode == codeWrongLastSequence || api.ErrorCode == codeWrongLastSequenceInFlight) {
		return fmt.Errorf("store %s: %w: %w", subject, alerting.ErrConflict, err)
	}
	return fmt.Errorf("store %s: %w", subject, err)
}

// mark is the stored form of how far the alert store is applied.
type mark struct {
	V       int    `json:"v"`
	Applied uint64 `json:"applied"`
}

func message(doc *Document) (*nats.Msg, error) {
	var subject string
	var body any
	header := nats.Header{}
	header.Set(HeaderVersion, layoutVersion)
	switch {
	case doc.Record != nil:
		in := doc.Record.Incident
		subject, body = IncidentSubject(in.ID), doc.Record
		header.Set(HeaderState, string(in.State))
		header.Set(HeaderLevel, string(in.Level))
		header.Set(HeaderOpened, in.Opened.UTC().Format(time.RFC3339))
		if doc.Record.Closed {
			header.Set(HeaderClosed, "true")
		}
	case doc.Desk != nil:
		subject, body = DeskSubject(doc.Desk.Receiver), doc.Desk
	default:
		subject, body = markSubject, mark{Version, doc.Mark}
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", subject, err)
	}
	return &nats.Msg{Subject: subject, Data: data, Header: header}, nil
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, timeout)
}
