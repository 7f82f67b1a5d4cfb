package googleworkspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// item is one activity record of Google: what one actor did at one time, as one
// event or several. A record whose parts here are not of the documented type
// cannot be mapped.
type item struct {
	ID *struct {
		Time      string      `json:"time"`
		Qualifier json.Number `json:"uniqueQualifier"`
		App       string      `json:"applicationName"`
	} `json:"id"`
	Actor *struct {
		Email string `json:"email"`
		Key   string `json:"key"`
		App   *struct {
			Name string `json:"applicationName"`
		} `json:"applicationInfo"`
	} `json:"actor"`
	IP     string            `json:"ipAddress"`
	Events []json.RawMessage `json:"events"`

	// Read for a guarded identity only; what is not as documented is left out.
	Network json.RawMessage `json:"networkInfo"`

	time time.Time
	raw  json.RawMessage
}

// event is one event of a record.
type event struct {
	Type       string      `json:"type"`
	Name       string      `json:"name"`
	Parameters []parameter `json:"parameters"`
	Status     *struct {
		Status  string `json:"eventStatus"`
		Message string `json:"errorMessage"`
	} `json:"status"`

	raw json.RawMessage
}

// parameter is what an event tells; one of its values is set. Values of other
// types stay in raw.
type parameter struct {
	Name  string   `json:"name"`
	Value string   `json:"value"`
	Multi []string `json:"multiValue"`
	Bool  bool     `json:"boolValue"`
}

// network is where Google says that the address is.
type network struct {
	ASN         []float64 `json:"ipAsn"`
	Region      string    `json:"regionCode"`
	Subdivision string    `json:"subdivisionCode"`
}

// decodeItem reads what every record must have. On error it holds what could be
// read.
func decodeItem(raw json.RawMessage) (*item, error) {
	it := &item{raw: raw}
	err := json.Unmarshal(raw, it)
	switch {
	case err != nil:
		return it, err
	case it.ID == nil:
		return it, errors.New("id is missing; want time, uniqueQualifier and applicationName")
	case it.ID.Time == "":
		return it, errors.New("id.time is missing; want RFC 3339")
	case it.ID.Qualifier == "" || len(it.ID.Qualifier) > 40:
		return it, errors.New("id.uniqueQualifier is missing or long; want a number")
	case it.ID.App == "" || len(it.ID.App) > 100:
		return it, errors.New("id.applicationName is missing or long; want one such as login")
	case len(it.Events) == 0:
		return it, errors.New("events is missing; want at least one")
	}
	t, err := time.Parse(time.RFC3339, it.ID.Time)
	if err != nil {
		return it, fmt.Errorf("id.time %q; want RFC 3339", collectors.Clip(it.ID.Time, 40))
	}
	if y := t.UTC().Year(); y < 2000 || y >= 2200 {
		return it, fmt.Errorf("id.time %q; want a year from 2000 to 2199", collectors.Clip(it.ID.Time, 40))
	}
	it.time = t.UTC()
	return it, nil
}

func decodeEvent(raw json.RawMessage) (*event, error) {
	e := &event{raw: raw}
	if err := json.Unmarshal(raw, e); err != nil {
		return e, err
	}
	if e.Name == "" {
		return e, errors.New("name is missing; want one such as login_success")
	}
	return e, nil
}

// at is one record of a page, or one event of it, that cannot be mapped.
func at(endpoint, field string, it *item, err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field != "" {
			field += "." + wrong.Field
		}
		err = fmt.Errorf("is a JSON %s; want what Google documents", wrong.Value)
	}
	if it.ID != nil && it.ID.Time != "" {
		err = fmt.Errorf("event of %s: %w", collectors.Clip(strings.Map(printable, it.ID.Time), 40), err)
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

// value returns a parameter's text, empty where there is none; of several values
// all, with commas.
func (e *event) value(name string) string {
	for i := range e.Parameters {
		if p := &e.Parameters[i]; p.Name == name {
			if p.Value == "" {
				return strings.Join(p.Multi, ", ")
			}
			return p.Value
		}
	}
	return ""
}

func (e *event) truth(name string) bool {
	for i := range e.Parameters {
		if p := &e.Parameters[i]; p.Name == name {
			return p.Bool || p.Value == "true"
		}
	}
	return false
}

// user returns the address of the user that an event is about, where it names
// one beside the actor.
func (e *event) user() string {
	for _, name := range []string{"USER_EMAIL", "affected_email_address"} {
		if v := e.value(name); strings.Contains(v, "@") {
			return v
		}
	}
	return ""
}

// ofUser reports whether an event is of nobody but the user whom it names: an
// administrator who mends a stranger's second factor or password, or ends their
// sessions, has changed nothing of their own.
func ofUser(kind activity.Kind) bool {
	switch kind {
	case activity.KindMFAChange, activity.KindPasswordChange, activity.KindLogout, activity.KindTokenRevoke:
		return true
	default:
		return false
	}
}

// identity returns whose an event is: the user whom it names, or where that one is
// not accepted and an administrator gave or took rights, theirs, else the actor's. It is empty
// where nobody is accepted.
func (it *item) identity(e *event, kind activity.Kind, by string, accept func(string) bool) string {
	names := make([]string, 0, 2)
	if name := e.user(); name != "" {
		names = append(names, name)
	}
	if it.Actor != nil && (len(names) == 0 || it.ID.App == "admin" && !ofUser(kind)) {
		names = append(names, it.Actor.Email)
	}
	for _, name := range names {
		if identity := identityOf(name, by); identity != "" && accept(identity) {
			return identity
		}
	}
	return ""
}

// identityOf returns the identity of an address, empty where it cannot be one: a
// name that is no account of Picket guards nothing.
func identityOf(name, by string) string {
	if by == IdentityEmailLocal {
		name, _, _ = strings.Cut(name, "@")
	}
	name = Network + "/" + strings.ToLower(strings.TrimSpace(name))
	if len(name) == len(Network)+1 || len(name) > activity.MaxAccount || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) {
		return ""
	}
	return name
}

// actor returns who did it, as an address or else a name.
func (it *item) actor() string {
	switch a := it.Actor; {
	case a == nil:
		return ""
	case a.Email != "":
		return a.Email
	case a.Key != "":
		return a.Key
	case a.App != nil:
		return a.App.Name
	}
	return ""
}

// id names one event of a record. What users change of their own account Google
// lists under two applications, so that its id does not name one: the same person
// cannot do the same twice within the clock's step.
func (it *item) id(e *event, i int) string {
	if ownChange(e.Name) && it.Actor != nil && it.Actor.Email != "" {
		return it.ID.Time + "/" + e.Name + "/" + strings.ToLower(it.Actor.Email)
	}
	id := it.ID.App + "/" + it.ID.Time + "/" + it.ID.Qualifier.String()
	if i > 0 {
		id += "/" + strconv.Itoa(i)
	}
	return id
}

// rawOf returns the record with one event: byte for byte where it has no other,
// else with that one only, so that a rule fires for the event that it is about.
func (it *item) rawOf(e *event) json.RawMessage {
	if len(it.Events) == 1 {
		return it.raw
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(it.raw, &members); err != nil {
		return nil
	}
	members["events"] = json.RawMessage("[" + string(e.raw) + "]")
	raw, err := json.Marshal(members)
	if err != nil {
		return nil
	}
	return raw
}
