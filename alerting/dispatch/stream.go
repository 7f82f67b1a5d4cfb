package dispatch

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
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

// Load reads all that may still change. What cannot be read is passed over and
// told, so that one damaged document keeps nobody from hearing of all others; one
// of a newer layout is an error, since a newer Picket reads it.
func (s *StreamStore) Load(ctx context.Context) (Stored, error) {
	info, err := s.stream.Info(ctx)
	if err != nil {
		return Stored{}, fmt.Errorf("read stream %s: %w", Stream, err)
	}
	out := Stored{Created: info.Created, Fence: info.State.LastSeq}
	heads, damaged, err := s.heads(ctx, info.State.LastSeq)
	if err != nil {
		return Stored{}, err
	}
	for _, h := range heads {
		if h.Closed {
			continue
		}
		err := s.read(ctx, &h, &out)
		switch {
		case errors.Is(err, errDamaged):
			s.pass(&h, err)
			damaged = append(damaged, h)
		case err != nil:
			return Stored{}, err
		}
	}
	for _, h := range damaged {
		out.lose(&h)
	}
	return out, nil
}

// pass tells of a message that is passed over.
func (s *StreamStore) pass(h *Head, err error) {
	s.mu.Lock()
	_, known := s.told[h.Seq]
	if s.told == nil {
		s.told = map[uint64]struct{}{}
	}
	s.told[h.Seq] = struct{}{}
	s.mu.Unlock()
	if !known && s.Damaged != nil {
		s.Damaged(h.subject, err)
	}
}

// lose notes what is missing of what was stored.
func (out *Stored) lose(h *Head) {
	switch {
	case strings.HasPrefix(h.subject, incidentPrefix):
		if out.Lost == nil {
			out.Lost = map[string]uint64{}
		}
		out.Lost[h.ID] = h.Seq
	case strings.HasPrefix(h.subject, deskPrefix):
		receiver, err := activity.DecodeToken(strings.TrimPrefix(h.subject, deskPrefix))
		if err != nil {
			return // no receiver is called so
		}
		if out.LostDesks == nil {
			out.LostDesks = map[string]uint64{}
		}
		out.LostDesks[receiver] = h.Seq
	case h.subject == markSubject:
		out.Unmarked = true
	}
}

// read adds one document to what is loaded. One that was written again since
// heads were read is gone, and the fence of what is loaded no longer holds. One
// that is none is errDamaged.
func (s *StreamStore) read(ctx context.Context, h *Head, out *Stored) error {
	msg, err := s.stream.GetMsg(ctx, h.Seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("read stream %s: %w", Stream, alerting.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("read stream %s, sequence %d: %w", Stream, h.Seq, err)
	}
	var layout struct {
		V int `json:"v"`
	}
	if err = json.Unmarshal(msg.Data, &layout); err == nil && layout.V > Version {
		return fmt.Errorf("stream %s, sequence %d: field v: version %d, this Picket reads 1 to %d: upgrade it", Stream, h.Seq, layout.V, Version)
	}
	if err == nil {
		err = out.take(h, layout.V, msg.Data)
	}
	if err != nil {
		return fmt.Errorf("stream %s, sequence %d: %w: %w", Stream, h.Seq, errDamaged, err)
	}
	return nil
}

// take adds what a document says, or tells why it is none.
func (out *Stored) take(h *Head, v int, data []byte) error {
	var err error
	switch {
	case v < 1:
		return fmt.Errorf("field v: %d; expected 1 to %d", v, Version)
	case strings.HasPrefix(h.subject, incidentPrefix):
		var r Record
		if err = json.Unmarshal(data, &r); err == nil {
			err = r.sound(h.ID)
		}
		if err == nil {
			out.Records = append(out.Records, r)
		}
	case strings.HasPrefix(h.subject, deskPrefix):
		var d Desk
		err = json.Unmarshal(data, &d)
		if err == nil && DeskSubject(d.Receiver) != h.subject {
			err = fmt.Errorf("field receiver: %q; expected that of the subject %s", d.Receiver, h.subject)
		}
		if err == nil {
			out.Desks = append(out.Desks, d)
		}
	default:
		var m mark
		if err = json.Unmarshal(data, &m); err == nil && m.Applied == 0 {
			err = errors.New("field applied: expected 1 or more")
		}
		if err == nil {
			out.Mark = m.Applied
		}
	}
	return err
}

// sound tells why a record is none of an incident with this id: what decides by
// it takes for granted that places of members are places.
func (r *Record) sound(id string) error {
	in := r.Incident
	switch {
	case in == nil:
		return errors.New("field incident: missing")
	case in.ID != id:
		return fmt.Errorf("field incident.id: %q; expected that of the subject, %q", in.ID, id)
	case len(in.Members) == 0:
		return errors.New("field incident.members: expected at least one")
	case !slices.Contains(alerting.States(), in.State):
		return fmt.Errorf("field incident.state: %q; expected one of %v", in.State, alerting.States())
	case !places(r.Muted, in):
		return errors.New("field muted: names a member that is not there")
	}
	for i := range r.Told {
		if !places(r.Told[i].Members, in) {
			return errors.New("field told: names a member that is not there")
		}
	}
	return nil
}

func places(members []int, in *incident.Incident) bool {
	return !slices.ContainsFunc(members, func(i int) bool { return i < 0 || i >= len(in.Members) })
}

// Head is what can be known of a stored incident without reading it.
type Head struct {
	ID     string
	Seq    uint64
	State  alerting.State
	Level  rules.Level
	Opened time.Time
	Closed bool

	subject string
}

// Number returns the short number of the incident.
func (h *Head) Number() string { return incident.Number(h.ID) }

// Heads lists all incidents that are kept, in no order.
func (s *StreamStore) Heads(ctx context.Context) ([]Head, error) {
	info, err := s.stream.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", Stream, err)
	}
	all, _, err := s.heads(ctx, info.State.LastSeq)
	var out []Head
	for _, h := range all {
		if h.ID != "" {
			out = append(out, h)
		}
	}
	return out, err
}

// Find returns the id of the newest incident that a person means by a number, an
// id, the beginning of one, or the number of the alert that it began with. Its
// error is alerting.ErrNotFound where there is none, incident.ErrReference where there
// cannot be one.
func (s *StreamStore) Find(ctx context.Context, reference string) (string, error) {
	want := strings.ToLower(strings.TrimSpace(reference))
	want = strings.TrimPrefix(strings.TrimPrefix(want, "in-"), "pk-")
	if len(want) < 4 {
		return "", fmt.Errorf("incident %q: %w", reference, incident.ErrReference)
	}
	heads, err := s.Heads(ctx)
	if err != nil {
		return "", err
	}
	found := slices.DeleteFunc(heads, func(h Head) bool { return !strings.HasPrefix(h.ID, want) })
	if len(found) == 0 {
		return "", fmt.Errorf("incident %s: %w; picket incidents ls lists them", reference, errNoIncident)
	}
	return slices.MaxFunc(found, func(a, b Head) int { return a.Opened.Compare(b.Opened) }).ID, nil
}

// errNoIncident is alerting.ErrNotFound of an incident.
var errNoIncident = notFound{}

type notFound struct{}

func (notFound) Error() string        { return "there is none" }
func (notFound) Is(target error) bool { return target == alerting.ErrNotFound }

// Incident returns the newest incident that a person means; see Find.
func (s *StreamStore) Incident(ctx context.Context, reference string) (incident.Incident, error) {
	id, err := s.Find(ctx, reference)
	if err != nil {
		return incident.Incident{}, err
	}
	r, err := s.Get(ctx, id)
	if err != nil {
		return incident.Incident{}, err
	}
	return *r.Incident, nil
}

// Get returns what is stored of an incident; alerting.ErrNotFound where nothing
// is.
func (s *StreamStore) Get(ctx context.Context, id string) (Record, error) {
	msg, err := s.stream.GetLastMsgForSubject(ctx, IncidentSubject(id))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Record{}, fmt.Errorf("get incident %s: %w", id, alerting.ErrNotFound)
	}
	if err != nil {
		return Record{}, fmt.Errorf("get incident %s: %w", id, err)
	}
	var out Stored
	if err := s.read(ctx, &Head{ID: id, Seq: msg.Sequence, subject: msg.Subject}, &out); err != nil {
		return Record{}, err
	}
	return out.Records[0], nil
}

// heads lists the last message of each subject, up to a sequence, apart from those
// that are damaged, which it tells of.
func (s *StreamStore) heads(ctx context.Context, last uint64) (out, damaged []Head, err error) {
	if last == 0 {
		return nil, nil, nil
	}
	cons, err := s.js.OrderedConsumer(ctx, Stream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, HeadersOnly: true,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read stream %s: %w", Stream, err)
	}
	defer func() { // the server would keep it for minutes, and bounds how many there are
		gone, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = s.js.DeleteConsumer(gone, Stream, cons.CachedInfo().Name)
	}()
	if cons.CachedInfo().NumPending == 0 {
		return nil, nil, nil
	}
	it, err := cons.Messages()
	if err != nil {
		return nil, nil, fmt.Errorf("read stream %s: %w", Stream, err)
	}
	defer it.Stop()
	for {
		wait, cancel := context.WithTimeout(ctx, timeout)
		msg, err := it.Next(jetstream.NextContext(wait))
		cancel()
		if err != nil {
			return nil, nil, fmt.Errorf("read stream %s: %w", Stream, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return nil, nil, fmt.Errorf("read stream %s: %w", Stream, err)
		}
		h, err := headOf(msg, meta)
		if err != nil {
			s.pass(&h, fmt.Errorf("stream %s, sequence %d: %w: %w", Stream, meta.Sequence.Stream, errDamaged, err))
			damaged = append(damaged, h)
		} else {
			out = append(out, h)
		}
		if meta.NumPending == 0 {
			return out, damaged, nil
		}
	}
}

func headOf(msg jetstream.Msg, meta *jetstream.MsgMetadata) (Head, error) {
	h := Head{
		Seq: meta.Sequence.Stream, subject: msg.Subject(),
		State: alerting.State(msg.Headers().Get(HeaderState)), Level: rules.Level(msg.Headers().Get(HeaderLevel)),
		Closed: msg.Headers().Get(HeaderClosed) != "",
	}
	token, ok := strings.CutPrefix(h.subject, incidentPrefix)
	if !ok {
		return h, nil
	}
	id, err := activity.DecodeToken(token)
	if err != nil {
		return h, err
	}
	h.ID = id
	if h.Opened, err = time.Parse(time.RFC3339, msg.Headers().Get(HeaderOpened)); err != nil {
		return h, fmt.Errorf("header %s: %w", HeaderOpened, err)
	}
	return h, nil
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, timeout)
}
