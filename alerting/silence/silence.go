package silence

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/rules"
)

const (
	// Version is the version of the stored form of a silence, its "v".
	Version = 1
	// DefaultSpan is how long a silence lasts unless said otherwise.
	DefaultSpan = 7 * 24 * time.Hour
	// MaxSpan is how long one may last, and how far ahead it may begin.
	MaxSpan = 90 * 24 * time.Hour

	maxName   = 128  // bytes of a person's name
	maxReason = 1024 // bytes of a reason
)

// Errors of what people do with silences, matched with errors.Is.
var (
	// ErrState: the silence's state does not allow the action.
	ErrState = errors.New("the silence's state does not allow it")
	// ErrActor: the actor is missing, reserved, or the one who asks.
	ErrActor = errors.New("actor is not acceptable")
	// ErrSpan: the times of a silence are not acceptable.
	ErrSpan = errors.New("times are not acceptable")
	// ErrNotFound: there is no such silence.
	ErrNotFound = errors.New("no such silence")
)

// State is where a silence is in its life.
type State string

// The states of a silence.
const (
	Awaiting  State = "awaiting"  // a second person has not confirmed it
	Scheduled State = "scheduled" // it begins later
	Active    State = "active"
	Over      State = "over"
)

// States returns all states in the order of a silence's life.
func States() []State { return []State{Awaiting, Scheduled, Active, Over} }

// Change says what a revision of a silence is about.
type Change string

// The changes that make a revision.
const (
	ChangeAdded     Change = "added"
	ChangeConfirmed Change = "confirmed"
	ChangeExpired   Change = "expired" // by hand, before its end
)

// Silence is one revision of one silence. Its JSON is the stored form, version
// Version; times are RFC 3339 in UTC, absent when zero.
type Silence struct {
	V        int            `json:"v"`
	ID       string         `json:"id"`
	Revision uint64         `json:"revision"` // from 1, without gaps
	Change   Change         `json:"change"`   // what this revision is about
	Matchers match.Matchers `json:"matchers"`
	Author   string         `json:"author"`
	Reason   string         `json:"reason"`
	Created  time.Time      `json:"created"`
	Start    time.Time      `json:"start"`
	End      time.Time      `json:"end"` // exclusive; earlier than planned once expired by hand
	// Two says that it takes a second person; see the package comment.
	Two       bool           `json:"two_persons,omitempty"`
	Confirmed *alerting.Mark `json:"confirmed,omitempty"`
	Expired   *alerting.Mark `json:"expired,omitempty"`
	// Window names the maintenance window of the configuration that this is one
	// occurrence of; such a silence is stored nowhere.
	Window string `json:"window,omitempty"`
}

// Request is what somebody wants silenced.
type Request struct {
	Matchers match.Matchers
	Author   string        // who asks; not alerting.ByPicket
	Reason   string        // must be given
	Start    time.Time     // zero is at once
	End      time.Time     // zero is after Span
	Span     time.Duration // from the start; 0 is DefaultSpan
}

// New returns the silence that is asked for.
func New(r Request, now time.Time) (Silence, error) {
	now = now.UTC()
	s := Silence{
		V: Version, Revision: 1, Change: ChangeAdded, Matchers: r.Matchers, Reason: strings.TrimSpace(r.Reason),
		Created: now, Start: r.Start.UTC(), End: r.End.UTC(), Two: Critical(r.Matchers),
	}
	var err error
	if s.Author, err = actor("silence", r.Author); err != nil {
		return Silence{}, err
	}
	if r.Start.IsZero() || s.Start.Before(now) {
		s.Start = now
	}
	if r.End.IsZero() {
		s.End = s.Start.Add(cmp.Or(r.Span, DefaultSpan))
	}
	switch {
	case !r.End.IsZero() && r.Span != 0:
		return Silence{}, fmt.Errorf("silence: %w: both an end and a span are given; give one of them", ErrSpan)
	case s.Matchers.IsZero():
		return Silence{}, fmt.Errorf("silence: %w; it would match every alert", match.ErrNone)
	case s.Reason == "":
		return Silence{}, errors.New("silence: no reason; say why nobody needs to be told")
	case len(s.Reason) > maxReason:
		return Silence{}, fmt.Errorf("silence: the reason has %d bytes; expected at most %d", len(s.Reason), maxReason)
	case !s.End.After(s.Start):
		return Silence{}, fmt.Errorf("silence: %w: it ends %s, not after its start %s", ErrSpan, rfc(s.End), rfc(s.Start))
	case s.End.Sub(s.Start) > MaxSpan:
		return Silence{}, fmt.Errorf("silence: %w: it ends %s; expected at most %d days after its start, and to be renewed then", ErrSpan, rfc(s.End), int(MaxSpan.Hours()/24))
	case s.Start.Sub(now) > MaxSpan:
		return Silence{}, fmt.Errorf("silence: %w: it begins %s; expected within %d days", ErrSpan, rfc(s.Start), int(MaxSpan.Hours()/24))
	}
	s.ID = idOf(&s)
	return s, nil
}

// idOf makes an id of what the silence is.
func idOf(s *Silence) string {
	h := sha256.New()
	for _, part := range []string{s.Matchers.String(), s.Author, s.Reason, s.Window, stamp(s.Created), stamp(s.Start), stamp(s.End)} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
func rfc(t time.Time) string   { return t.UTC().Format(time.RFC3339) }

// Critical reports whether matchers could match an alert of level critical.
func Critical(m match.Matchers) bool { return m.Could(match.Level, string(rules.Critical)) }

// Number returns the short number that people say aloud: "SL-" and the first six
// hexadecimal digits of the id in upper case.
func (s *Silence) Number() string { return numberPrefix + strings.ToUpper(s.ID[:min(len(s.ID), 6)]) }

const numberPrefix = "SL-"

// State returns where the silence is in its life at a moment.
func (s *Silence) State(at time.Time) State {
	switch {
	case !at.Before(s.End):
		return Over
	case s.Two && s.Confirmed == nil:
		return Awaiting
	case at.Before(s.From()):
		return Scheduled
	}
	return Active
}

// From returns when it takes effect: at its start, or when it was confirmed
// where that was later.
func (s *Silence) From() time.Time {
	if s.Two && s.Confirmed != nil && s.Confirmed.At.After(s.Start) {
		return s.Confirmed.At
	}
	return s.Start
}

// Silences reports whether an alert with these labels is silenced at a moment.
func (s *Silence) Silences(labels match.Set, at time.Time) bool {
	return s.State(at) == Active && s.Matchers.Matches(labels)
}

// Confirm returns s confirmed by a second person.
func (s Silence) Confirm(by, reason string, now time.Time) (Silence, error) {
	by, err := actor("confirm "+s.Number(), by)
	switch {
	case err != nil:
		return s, err
	case strings.EqualFold(by, alerting.Name(s.Author)):
		return s, fmt.Errorf("confirm %s: %w: %s asked for it; it could match a critical alert, so somebody else must confirm it", s.Number(), ErrActor, s.Author)
	case !s.Two:
		return s, fmt.Errorf("confirm %s: %w: it can match no critical alert and needs no second person", s.Number(), ErrState)
	case s.State(now) != Awaiting:
		return s, fmt.Errorf("confirm %s: %w: it is %s", s.Number(), ErrState, s.standing(now))
	}
	s.Confirmed = mark(by, reason, now)
	s.Revision, s.Change = s.Revision+1, ChangeConfirmed
	return s, nil
}

// Expire returns s ended now.
func (s Silence) Expire(by, reason string, now time.Time) (Silence, error) {
	by, err := actor("expire "+s.Number(), by)
	switch {
	case err != nil:
		return s, err
	case s.State(now) == Over:
		return s, fmt.Errorf("expire %s: %w: it is %s", s.Number(), ErrState, s.standing(now))
	}
	s.Expired, s.End = mark(by, reason, now), now.UTC()
	if s.End.Before(s.Start) {
		s.Start = s.End
	}
	s.Revision, s.Change = s.Revision+1, ChangeExpired
	return s, nil
}

// standing tells the state and who brought it about.
func (s *Silence) standing(at time.Time) string {
	switch state := s.State(at); {
	case state == Over && s.Expired != nil:
		return fmt.Sprintf("over since %s by %s", rfc(s.End), s.Expired.By)
	case state == Over:
		return "over since " + rfc(s.End)
	case s.Confirmed != nil:
		return fmt.Sprintf("%s, confirmed by %s", state, s.Confirmed.By)
	default:
		return string(state)
	}
}

func mark(by, reason string, now time.Time) *alerting.Mark {
	return &alerting.Mark{By: by, At: now.UTC(), Reason: clip(alerting.Name(reason), maxReason)}
}

func actor(what, by string) (string, error) {
	by = alerting.Name(by)
	switch {
	case by == "" || strings.EqualFold(by, alerting.ByPicket):
		return "", fmt.Errorf("%s: %w: %q; name the person who acts", what, ErrActor, by)
	case len(by) > maxName:
		return "", fmt.Errorf("%s: %w: the name has %d bytes; expected at most %d", what, ErrActor, len(by), maxName)
	}
	return by, nil
}

// clip cuts a text to a number of bytes.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// Encode returns the stored form.
func Encode(s Silence) ([]byte, error) { return json.Marshal(s) }

// Decode reads the stored form, of this version alone.
func Decode(data []byte) (Silence, error) {
	var s Silence
	if err := json.Unmarshal(data, &s); err != nil {
		return Silence{}, fmt.Errorf("silence: %w", err)
	}
	switch {
	case s.V != Version:
		return Silence{}, fmt.Errorf("silence %s has version %d, this Picket reads %d", s.ID, s.V, Version)
	case s.ID == "" || s.Revision == 0 || s.Matchers.IsZero() || s.Start.IsZero() || s.End.IsZero():
		return Silence{}, errors.New("silence: id, revision, matchers, start or end is missing")
	case s.Confirmed != nil && strings.EqualFold(alerting.Name(s.Confirmed.By), alerting.Name(s.Author)):
		return Silence{}, fmt.Errorf("silence %s is confirmed by its author", s.ID)
	}
	// Whoever wrote it, it takes what its matchers take.
	s.Two = s.Two || Critical(s.Matchers)
	return s, nil
}
