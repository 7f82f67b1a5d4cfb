package mastodon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/picketd/picket/collectors"
)

// answer is what the last answer said. It is read here and not by go-mastodon,
// whose types drop a part and whose decoder lets one bad item spoil a page;
// go-mastodon gets an empty object or list in its place.
type answer struct {
	endpoint  string
	status    int
	date      time.Time // the server's clock, zero if it did not say
	linked    bool      // it came with a Link header
	count     int       // items, readable or not
	lowest    string    // lowest id of the readable ones
	malformed []error

	account       *account
	statuses      []*status
	notifications []*notification
	history       []*edition
	grants        []*grant
}

const (
	emptyObject = "{}"
	emptyList   = "[]"
)

// readAccount reads an answer of one account.
func (e *exchange) readAccount(b *body) (string, error) {
	u := &account{}
	if err := json.Unmarshal(b.bytes, u); err != nil {
		return "", unreadable(b, err, 0)
	}
	if id := string(u.ID); !isID(id) {
		return "", &collectors.Malformed{Field: b.endpoint + " answer", Err: badID("id", id)}
	}
	e.answer.account = u
	return emptyObject, nil
}

// readNothing accepts any object.
func (e *exchange) readNothing(b *body) (string, error) {
	var o map[string]json.RawMessage
	if err := json.Unmarshal(b.bytes, &o); err != nil {
		return "", unreadable(b, err, 0)
	}
	return emptyObject, nil
}

// readStatuses reads many statuses.
func (e *exchange) readStatuses(b *body) (string, error) {
	return emptyList, e.sift(b, func(dec *json.Decoder) (string, error) {
		s := &status{}
		if err := dec.Decode(s); err != nil {
			return "", err
		}
		if err := s.check(); err != nil {
			return "", err
		}
		e.answer.statuses = append(e.answer.statuses, s)
		return string(s.ID), nil
	})
}

// readNotifications reads a page of notifications.
func (e *exchange) readNotifications(b *body) (string, error) {
	return emptyList, e.sift(b, func(dec *json.Decoder) (string, error) {
		n := &notification{}
		if err := dec.Decode(n); err != nil {
			return "", err
		}
		if err := n.complete(); err != nil {
			return "", err
		}
		e.answer.notifications = append(e.answer.notifications, n)
		return string(n.ID), nil
	})
}

// readHistory reads the versions of a status.
func (e *exchange) readHistory(b *body) (string, error) {
	return emptyList, e.sift(b, func(dec *json.Decoder) (string, error) {
		v := &edition{}
		if err := dec.Decode(v); err != nil {
			return "", err
		}
		if err := checkCreated(v.CreatedAt); err != nil {
			return "", err
		}
		e.answer.history = append(e.answer.history, v)
		return "", nil
	})
}

// readGrants reads a list of tokens.
func (e *exchange) readGrants(b *body) (string, error) {
	return emptyList, e.sift(b, func(dec *json.Decoder) (string, error) {
		g := &grant{}
		if err := dec.Decode(g); err != nil {
			return "", err
		}
		if !isID(string(g.ID)) {
			return "", badID("id", string(g.ID))
		}
		e.answer.grants = append(e.answer.grants, g)
		return string(g.ID), nil
	})
}

// sift reads a list item by item, and notes those that cannot be read: a bad
// one spoils no other. Read decodes the item that dec is at.
func (e *exchange) sift(b *body, read func(dec *json.Decoder) (id string, err error)) error {
	dec := json.NewDecoder(bytes.NewReader(b.bytes))
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return &collectors.Malformed{Field: b.endpoint + " answer", Err: errors.New("want a list")}
	}
	for ; dec.More(); e.answer.count++ {
		id, err := read(dec)
		if brokenOff(err) {
			return unreadable(b, err, dec.InputOffset())
		}
		if err != nil {
			e.answer.malformed = append(e.answer.malformed, &collectors.Malformed{
				Field: fmt.Sprintf("%s answer[%d]", b.endpoint, e.answer.count), Err: err,
			})
			continue
		}
		if e.answer.lowest == "" || compareIDs(id, e.answer.lowest) < 0 {
			e.answer.lowest = id
		}
	}
	if _, err := dec.Token(); err != nil {
		return unreadable(b, err, dec.InputOffset())
	}
	return nil
}

// brokenOff reports whether an error is of the JSON, not of what it says.
func brokenOff(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	return syntax || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
