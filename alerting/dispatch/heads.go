package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

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
