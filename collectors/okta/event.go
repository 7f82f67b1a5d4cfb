package okta

import (
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
	UUID      string   `json:"uuid"`
	Published string   `json:"published"`
	Type      string   `json:"eventType"`
	Actor     *entity  `json:"actor"`
	Target    []entity `json:"target"`
	Outcome   *struct {
		Result string `json:"result"`
		Reason string `json:"reason"`
	} `json:"outcome"`

	// Parts that one by one are read for a guarded identity only.
	Client   json.RawMessage `json:"client"`
	Device   json.RawMessage `json:"device"`
	Security json.RawMessage `json:"securityContext"`

	published time.Time
	raw       json.RawMessage
}

// entity is who does something, or what it is done to.
type entity struct {
	ID          string `json:"id"`
	Type        string `json:"type"` // "User", "AppInstance", "PublicClientApp", "Token"
	AlternateID string `json:"alternateId"`
	DisplayName string `json:"displayName"`
}

// What an activity tells beside that. A part that is not of the documented type
// is left out.
type (
	client struct {
		IPAddress string `json:"ipAddress"`
		Device    string `json:"device"`
		UserAgent struct {
			Raw string `json:"rawUserAgent"`
		} `json:"userAgent"`
		Geo struct {
			City        string `json:"city"`
			State       string `json:"state"`
			Country     string `json:"country"`
			Geolocation struct {
				Lat *float64 `json:"lat"`
				Lon *float64 `json:"lon"`
			} `json:"geolocation"`
		} `json:"geographicalContext"`
	}
	device struct {
		Name string `json:"name"`
	}
	security struct {
		ASNumber *float64 `json:"asNumber"`
		ASOrg    string   `json:"asOrg"`
		IsProxy  *bool    `json:"isProxy"`
	}
)

// decodeEvent reads what every event must have. On error the event holds what
// could be read.
func decodeEvent(raw json.RawMessage) (*event, error) {
	e := &event{raw: raw}
	err := json.Unmarshal(raw, e)
	switch {
	case err != nil:
		return e, err
	case e.UUID == "":
		return e, errors.New("uuid is missing; want the event's id")
	case len(e.UUID) > activity.MaxID:
		return e, fmt.Errorf("uuid of %d bytes; want at most %d", len(e.UUID), activity.MaxID)
	case e.Type == "":
		return e, errors.New("eventType is missing; want one such as user.session.start")
	case e.Published == "":
		return e, errors.New("published is missing; want RFC 3339")
	}
	t, err := time.Parse(time.RFC3339, e.Published)
	if err != nil {
		return e, fmt.Errorf("published %q; want RFC 3339", collectors.Clip(e.Published, 40))
	}
	if y := t.UTC().Year(); y < 2000 || y >= 2200 {
		return e, fmt.Errorf("published %q; want a year from 2000 to 2199", collectors.Clip(e.Published, 40))
	}
	e.published = t.UTC()
	return e, nil
}

// at is one event of a page that cannot be mapped.
func at(endpoint string, i int, uuid string, err error) error {
	field := fmt.Sprintf("[%d]", i)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field != "" {
			field += "." + wrong.Field
		}
		err = fmt.Errorf("is a JSON %s; want %s", wrong.Value, jsonKind(wrong))
	}
	if uuid != "" {
		err = fmt.Errorf("event %s: %w", collectors.Clip(strings.Map(printable, uuid), 60), err)
	}
	return &collectors.Malformed{Field: field, Err: fmt.Errorf("%s: %w", endpoint, err)}
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '?'
}

// jsonKind names a wanted type in JSON's words.
func jsonKind(wrong *json.UnmarshalTypeError) string {
	switch kind := wrong.Type.Kind().String(); kind {
	case "slice":
		return "an array"
	case "struct", "ptr":
		return "an object"
	default:
		return "a " + kind
	}
}

func hash(raw json.RawMessage) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(raw)
	return h.Sum64()
}

// result is Okta's outcome.result in upper case, empty if none.
func (e *event) result() string {
	if e.Outcome == nil {
		return ""
	}
	return strings.ToUpper(e.Outcome.Result)
}

// outcome is how the event ended, in Picket's words.
func (e *event) outcome() activity.Outcome {
	var o activity.Outcome
	switch e.result() {
	case "SUCCESS", "ALLOW":
		o.Result = "success"
	case "FAILURE", "DENY":
		o.Result = "failure"
	}
	if e.Outcome != nil {
		o.Reason = e.Outcome.Reason
	}
	return o
}

// user returns the first user among what the event is done to, nil if none.
func (e *event) user() *entity {
	for i := range e.Target {
		if e.Target[i].Type == "User" {
			return &e.Target[i]
		}
	}
	return nil
}

// candidates returns whose activity an event may be, as the package comment
// says: the first of them who guards something has it.
func (e *event) candidates(kind activity.Kind) []*entity {
	user := e.user()
	switch kind {
	case activity.KindMFAChange, activity.KindPasswordChange, activity.KindTokenRevoke, activity.KindLogout:
		if user != nil {
			return []*entity{user}
		}
	case activity.KindRoleChange:
		if user != nil && e.Actor != nil && e.Actor.Type == "User" {
			return []*entity{user, e.Actor}
		}
		if user != nil {
			return []*entity{user}
		}
	case activity.KindTokenGrant:
		if user != nil && (e.Actor == nil || e.Actor.Type != "User") {
			return []*entity{user}
		}
	case activity.KindSession:
		if user != nil && toldOf(e.Type) {
			return []*entity{user}
		}
	default: // logins are of whom they are by
	}
	return []*entity{e.Actor}
}

// toldOf reports whether an event without a kind of its own is about the user
// in target, and the actor is Okta or somebody from its support.
func toldOf(eventType string) bool {
	return strings.HasPrefix(eventType, "user.account.") || strings.HasPrefix(eventType, "user.risk.") ||
		strings.HasPrefix(eventType, "user.session.impersonation.")
}

// owner returns the identity that an event belongs to among those that are
// accepted, empty when there is none.
func (e *event) owner(kind activity.Kind, by string, accept func(string) bool) (string, error) {
	var errs []error
	for _, who := range e.candidates(kind) {
		name, err := who.identity(by)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if name != "" && accept(name) {
			return name, nil
		}
	}
	return "", errors.Join(errs...)
}

// identity returns the identity of somebody, empty when that cannot be one: a
// name that is no account of Picket guards nothing.
func (who *entity) identity(by string) (string, error) {
	if who == nil {
		return "", errors.New("actor is missing; want who did it")
	}
	name, field := who.AlternateID, "alternateId"
	if by == IdentityID {
		name, field = who.ID, "id"
	}
	if name == "" {
		return "", fmt.Errorf("%s of a %q is missing, and identity: %s needs it", field, collectors.Clip(strings.Map(printable, who.Type), 40), by)
	}
	if by == IdentityEmailLocal {
		name, _, _ = strings.Cut(name, "@")
	}
	name = Network + "/" + strings.ToLower(strings.TrimSpace(name))
	if len(name) == len(Network)+1 || len(name) > activity.MaxAccount || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) {
		return "", nil
	}
	return name, nil
}
