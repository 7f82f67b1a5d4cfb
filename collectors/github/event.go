package github

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// event is what decides what an event becomes, and for whom. An event whose
// parts here are not of the documented type cannot be mapped.
type event struct {
	ID        string       `json:"_document_id"`
	Timestamp *json.Number `json:"@timestamp"` // milliseconds since 1970
	Created   *json.Number `json:"created_at"` // the same
	Action    string       `json:"action"`
	Actor     string       `json:"actor"`
	User      string       `json:"user"` // whom it happens to

	time time.Time
	raw  json.RawMessage
}

// decodeEvent reads what every event must have. On error the event holds what
// could be read.
func decodeEvent(raw json.RawMessage) (*event, error) {
	e := &event{raw: raw}
	err := json.Unmarshal(raw, e)
	switch {
	case err != nil:
		return e, err
	case e.Action == "":
		return e, errors.New("action is missing; want one such as org.add_member")
	case len(e.ID) > activity.MaxID:
		return e, fmt.Errorf("_document_id of %d bytes; want at most %d", len(e.ID), activity.MaxID)
	}
	if e.ID == "" { // a server of one's own may leave it out
		sum := sha256.Sum256(raw)
		e.ID = "sha256:" + hex.EncodeToString(sum[:])
	}
	stamp := e.Timestamp
	if stamp == nil {
		stamp = e.Created
	}
	if stamp == nil {
		return e, errors.New("@timestamp is missing; want milliseconds since 1970")
	}
	ms, err := stamp.Int64()
	if err != nil {
		return e, fmt.Errorf("@timestamp %q; want whole milliseconds since 1970", collectors.Clip(stamp.String(), 40))
	}
	e.time = time.UnixMilli(ms).UTC()
	if y := e.time.Year(); y < 2000 || y >= 2200 {
		return e, fmt.Errorf("@timestamp %d; want milliseconds since 1970, in the years 2000 to 2199", ms)
	}
	return e, nil
}

// at is one event of a page that cannot be mapped.
func at(endpoint string, i int, err error) error {
	field := fmt.Sprintf("[%d]", i)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field != "" {
			field += "." + wrong.Field
		}
		err = fmt.Errorf("is a JSON %s; want %s", wrong.Value, jsonKind(wrong))
	}
	return &collectors.Malformed{Field: field, Err: fmt.Errorf("%s: %w", endpoint, err)}
}

// jsonKind names a wanted type in JSON's words.
func jsonKind(wrong *json.UnmarshalTypeError) string {
	switch {
	case wrong.Type.Name() == "Number":
		return "a number"
	case wrong.Type.Kind().String() == "struct":
		return "an object"
	}
	return "a " + wrong.Type.Kind().String()
}

func hash(raw json.RawMessage) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(raw)
	return h.Sum64()
}

// owner returns the identity that an event belongs to, empty when it guards
// nothing.
func (c *Collector) owner(e *event, kind activity.Kind) string {
	accepted := func(login string) string {
		if id := identity(login); id != "" && c.cfg.Accept(id) {
			return id
		}
		return ""
	}
	switch kind {
	case activity.KindRoleChange:
		// Who gave a role away did something with the rights of their own.
		if id := accepted(e.User); id != "" {
			return id
		}
	case activity.KindMFAChange, activity.KindPasswordChange, activity.KindTokenGrant, activity.KindTokenRevoke:
		if e.User != "" && !ofActor(e.Action) {
			return accepted(e.User)
		}
	default: // logins and what is done in a session are of whom they are by
		if e.Actor == "" {
			return accepted(e.User)
		}
	}
	return accepted(e.Actor)
}

// ofActor reports whether a token is of who did it, though another is named:
// apps are let in by an owner, for the organisation.
func ofActor(action string) bool {
	return strings.HasPrefix(action, "integration_installation.") || strings.HasPrefix(action, "oauth_application.") ||
		strings.HasPrefix(action, "org.oauth_app_")
}

// identity makes a login a name of Picket's, empty when it cannot be one.
func identity(login string) string {
	name := Network + "/" + strings.ToLower(strings.TrimSpace(login))
	if len(name) == len(Network)+1 || len(name) > activity.MaxAccount || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) {
		return ""
	}
	return name
}
