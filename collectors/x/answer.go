package x

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dghubble/go-twitter/twitter" //nolint:staticcheck // archived, and the client this is built on: what it lacks is in this package

	"github.com/picketd/picket/collectors"
)

// answerV2 is the envelope of every answer of API v2, in both vocabularies.
// Items stay raw, so that a bad one spoils no other.
type answerV2 struct {
	Data     json.RawMessage `json:"data"`
	Includes struct {
		Tweets []json.RawMessage `json:"tweets"`
		Posts  []json.RawMessage `json:"posts"`
		Users  []json.RawMessage `json:"users"`
		Media  []json.RawMessage `json:"media"`
	} `json:"includes"`
	Errors []problem `json:"errors"`
	Meta   *struct {
		ResultCount int    `json:"result_count"`
		NextToken   string `json:"next_token"`
	} `json:"meta"`
}

func (a *answerV2) empty() bool { return len(a.Data) == 0 || string(a.Data) == "null" }

// translate turns an answer of API v2 into what v1.1 answers to call, and
// notes the rest in e.answer.
func (e *exchange) translate(call string, b *body) ([]byte, error) {
	var a answerV2
	if err := json.Unmarshal(b.bytes, &a); err != nil {
		return nil, unreadable(b, err)
	}
	switch call {
	case callUser, callSelf:
		return e.translateUser(&a, b)
	case callLookup:
		return e.translateLookup(&a, b)
	default:
		return e.translateTimeline(&a, b)
	}
}

func (e *exchange) translateUser(a *answerV2, b *body) ([]byte, error) {
	if a.empty() {
		return nil, e.withoutData(a, b)
	}
	u, counts, err := userV2(a.Data)
	if err != nil {
		return nil, at(b, "data", err)
	}
	e.answer.users, e.answer.counts = 1, counts
	return marshal(b, u)
}

func (e *exchange) translateTimeline(a *answerV2, b *body) ([]byte, error) {
	if a.empty() {
		if a.Meta == nil || aboutUser(a.Errors) {
			return nil, e.withoutData(a, b)
		}
		a.Data = json.RawMessage("[]")
	}
	if a.Meta != nil && a.Meta.NextToken != "" {
		e.answer.more, e.answer.token = true, a.Meta.NextToken
	}
	beside, bad := includesV2(a)
	e.answer.malformed = append(e.answer.malformed, bad...)
	e.answer.extras = len(a.Includes.Tweets) + len(a.Includes.Posts) + len(a.Includes.Media)
	e.answer.users = len(a.Includes.Users)
	return e.translateItems(a.Data, b, beside)
}

// translateLookup also notes which of the requested posts X says do not exist.
// Other refusals (a protected or suspended author, an internal error) say
// nothing about a deletion.
func (e *exchange) translateLookup(a *answerV2, b *body) ([]byte, error) {
	if a.empty() {
		if len(a.Errors) == 0 {
			return nil, e.withoutData(a, b)
		}
		a.Data = json.RawMessage("[]")
	}
	e.answer.missing = map[int64]bool{}
	for i := range a.Errors {
		p := &a.Errors[i]
		post := p.ResourceType == "tweet" || p.ResourceType == "post"
		if p.kind() != "resource-not-found" || !post || p.Section == "includes" {
			continue
		}
		if id := parseID(p.subject()); id != 0 {
			e.answer.missing[id] = true
		}
	}
	return e.translateItems(a.Data, b, &besideV2{})
}

// subject returns the id that a problem is about.
func (p *problem) subject() string {
	if p.ResourceID != "" {
		return p.ResourceID
	}
	var s string
	if json.Unmarshal(p.Value, &s) != nil {
		return ""
	}
	return s
}

// aboutUser reports whether a timeline was refused as a whole; errors beside
// posts are about what those refer to.
func aboutUser(problems []problem) bool {
	return slices.ContainsFunc(problems, func(p problem) bool {
		return p.Section != "includes" && (p.ResourceType == "user" || p.Parameter == "id")
	})
}

func (e *exchange) withoutData(a *answerV2, b *body) error {
	if len(a.Errors) > 0 {
		i := max(0, slices.IndexFunc(a.Errors, func(p problem) bool { return aboutUser([]problem{p}) }))
		return e.c.refusal(b, &a.Errors[i])
	}
	return unreadable(b, errors.New("neither data nor errors nor meta"))
}

func (e *exchange) translateItems(data json.RawMessage, b *body, beside *besideV2) ([]byte, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return nil, unreadable(b, err)
	}
	e.answer.count, e.answer.posts = len(items), len(items)
	e.answer.histories = make(map[int64][]int64, len(items))
	out := make([]*statusV1, 0, len(items))
	for i, item := range items {
		s, history, err := postV2(item, beside)
		if err != nil {
			e.answer.malformed = append(e.answer.malformed, at(b, fmt.Sprintf("data[%d]", i), err))
			continue
		}
		e.answer.histories[s.ID] = history
		out = append(out, s)
	}
	return marshal(b, out)
}

// sift takes the items that go-twitter could not read out of an answer of API
// v1.1 and notes what its types have no room for.
func (e *exchange) sift(call string, b *body) ([]byte, error) {
	switch call {
	case callUser, callSelf:
		if err := readable(b.bytes, &twitter.User{}, func(u *twitter.User) int64 { return u.ID }); err != nil {
			return nil, at(b, "user", err)
		}
		e.answer.users, e.answer.counts = 1, true
		return b.bytes, nil
	case callStatus:
		if err := readable(b.bytes, &twitter.Tweet{}, statusID); err != nil {
			return nil, at(b, "status", err)
		}
		return b.bytes, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(b.bytes, &items); err != nil {
		return nil, unreadable(b, err)
	}
	e.answer.count, e.answer.posts, e.answer.more = len(items), len(items), len(items) > 0
	e.answer.histories = make(map[int64][]int64, len(items))
	kept := items[:0]
	for i, item := range items {
		var t twitter.Tweet
		if err := readable(item, &t, statusID); err != nil {
			e.answer.malformed = append(e.answer.malformed, at(b, fmt.Sprintf("[%d]", i), err))
			continue
		}
		if call != callLookup {
			if _, err := t.CreatedAtTime(); err != nil {
				e.answer.malformed = append(e.answer.malformed, at(b, fmt.Sprintf("[%d].created_at", i), err))
				continue
			}
		}
		e.answer.histories[t.ID] = historyV1(item)
		kept = append(kept, item)
	}
	return marshal(b, kept)
}

func statusID(t *twitter.Tweet) int64 { return t.ID }

// readable checks that go-twitter can read an item and that it has an id.
func readable[T any](data []byte, into *T, id func(*T) int64) error {
	if err := json.Unmarshal(data, into); err != nil {
		return err
	}
	if id(into) <= 0 {
		return errors.New("id is missing; want a positive number")
	}
	return nil
}

// historyV1 returns the ids of a post's versions. An edited version tells them
// under edit.edit_control_initial, an unedited one under initial.
func historyV1(item json.RawMessage) []int64 {
	type initial struct {
		IDs []string `json:"edit_tweet_ids"`
	}
	var t struct {
		Control struct {
			Initial initial `json:"initial"`
			Edit    struct {
				First   string  `json:"initial_tweet_id"`
				Initial initial `json:"edit_control_initial"`
			} `json:"edit"`
		} `json:"ext_edit_control"`
	}
	if json.Unmarshal(item, &t) != nil {
		return nil
	}
	ids := append(t.Control.Initial.IDs, t.Control.Edit.Initial.IDs...)
	if first := t.Control.Edit.First; len(ids) == 0 && first != "" {
		ids = []string{first}
	}
	return parseIDs(ids)
}

func parseIDs(ids []string) []int64 {
	var out []int64
	for _, s := range ids {
		if id := parseID(s); id != 0 {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func marshal(b *body, v any) ([]byte, error) {
	out, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%s: translate: %w", b.endpoint, err)
	}
	return out, nil
}

// at is one item of an answer, or the whole, that cannot be mapped.
func at(b *body, field string, err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return unreadable(b, syntax)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field != "" {
			field += "." + wrong.Field
		}
		err = fmt.Errorf("is a JSON %s; want %s", wrong.Value, goKind(wrong))
	}
	return &collectors.Malformed{Field: field, Err: fmt.Errorf("%s: %w", b.endpoint, err)}
}

// goKind names a wanted type in JSON's words.
func goKind(wrong *json.UnmarshalTypeError) string {
	switch kind := wrong.Type.Kind().String(); {
	case strings.HasPrefix(kind, "int"):
		return "a whole number"
	case kind == "slice", kind == "array":
		return "an array"
	case kind == "struct", kind == "map", kind == "ptr":
		return "an object"
	default:
		return "a " + kind
	}
}

// compile-time check: go-twitter sends through an exchange.
var _ http.RoundTripper = (*exchange)(nil)
