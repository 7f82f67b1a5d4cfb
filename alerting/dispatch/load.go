package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/collectors/activity"
)

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
