package entra

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// log is one of the two logs that are read.
type log struct {
	name   string // in the cursor
	path   string
	time   string // name of the time by which it is filtered
	decode func(json.RawMessage) (*event, error)
}

// logs lists what is read, in turn.
func logs() []log {
	return []log{
		{signIns, "/v1.0/auditLogs/signIns", "createdDateTime", decodeSignIn},
		{"directoryAudits", "/v1.0/auditLogs/directoryAudits", "activityDateTime", decodeAudit},
	}
}

// signIns is the name of the log that needs a licence.
const signIns = "signIns"

// event is what both logs have in common.
type event struct {
	id        string
	time      time.Time
	kind      activity.Kind // none: ignored
	changed   string
	outcome   activity.Outcome
	subject   user // whose activity it is
	initiator user // whose it is where the subject is not accepted
	by        string
	raw       json.RawMessage

	fill func(*activity.Activity) []string
}

// user is who signed in, did something, or whom it is done to.
type user struct{ upn, id string }

// checkEvent checks what both logs document of each event, and returns when it
// happened.
func checkEvent(id, field, text string) (time.Time, error) {
	switch {
	case id == "":
		return time.Time{}, errors.New("id is missing; want the event's id")
	case len(id) > activity.MaxID:
		return time.Time{}, fmt.Errorf("id of %d bytes; want at most %d", len(id), activity.MaxID)
	case text == "":
		return time.Time{}, fmt.Errorf("%s is missing; want RFC 3339", field)
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s %q; want RFC 3339", field, collectors.Clip(strings.Map(printable, text), 40))
	}
	if y := t.UTC().Year(); y < 2000 || y >= 2200 {
		return time.Time{}, fmt.Errorf("%s %q; want a year from 2000 to 2199", field, collectors.Clip(text, 40))
	}
	return t.UTC(), nil
}

// at is one event of a page that cannot be mapped.
func at(endpoint string, i int, id string, err error) error {
	field := fmt.Sprintf("value[%d]", i)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field != "" {
			field += "." + wrong.Field
		}
		err = fmt.Errorf("is a JSON %s; want what Microsoft documents", wrong.Value)
	}
	if id != "" {
		err = fmt.Errorf("event %s: %w", collectors.Clip(strings.Map(printable, id), 60), err)
	}
	return &collectors.Malformed{Field: field, Err: fmt.Errorf("%s: %w", endpoint, err)}
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '?'
}

func hash(raw json.RawMessage) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(raw)
	return h.Sum64()
}

// identity returns whose an event is, empty where nobody is accepted.
func (e *event) identity(by string, accept func(string) bool) string {
	for _, u := range []user{e.subject, e.initiator} {
		if name := u.name(by); name != "" && accept(name) {
			return name
		}
	}
	return ""
}

// name returns the identity of a user, empty where that cannot be one: a name that
// is no account of Picket guards nothing.
func (u user) name(by string) string {
	name := u.upn
	switch by {
	case IdentityID:
		name = u.id
	case IdentityEmailLocal:
		name, _, _ = strings.Cut(name, "@")
	}
	name = Network + "/" + strings.ToLower(strings.TrimSpace(name))
	if len(name) == len(Network)+1 || len(name) > activity.MaxAccount || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) {
		return ""
	}
	return name
}

// address returns an IP address as activities have it, empty where it is none.
func address(text string) string {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	return ip.WithZone("").Unmap().String()
}
