package x

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dghubble/go-twitter/twitter" //nolint:staticcheck // archived, and the client this is built on: what it lacks is in this package

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

const (
	// MessagesPage is how many messages one request asks for. X knows no "since
	// that one": each request returns the newest again, and each message is
	// charged once a day, so that a large page would cost more than it finds.
	MessagesPage = 20
	// MessagesEvery is how long to wait between two looks. X allows 15 requests
	// in 15 minutes; half of them are left for pages and for a daemon that has
	// just started.
	MessagesEvery = 110 * time.Second
	// refusedFor is how long refused messages are not asked for again.
	refusedFor = 15 * time.Minute
	// maxMessagePages bounds a walk.
	maxMessagePages = 100
)

// inbox is how far the account's direct messages have been read.
type inbox struct {
	lane
	At int64 `json:"at,omitempty"` // ms since 1970 when they were looked at last, by X's clock
}

// denial is why messages are refused. It is kept beside the cursor, which no
// failed poll moves.
type denial struct {
	err   error
	until time.Time // when to ask again
}

// messageV2 is a direct message. Its parts have the names of a post's, but for
// who wrote it.
type messageV2 struct {
	postFieldsV2 `json:"-"` // read by itself, so that faults name its fields as X does
	Event        string     `json:"event_type"`
	Sender       string     `json:"sender_id"`
}

// mendMessages is for a credential that may not read messages.
const mendMessages = `set the app's permissions to "Read and write and Direct message" at console.x.com and generate the access token anew, ` +
	"since X shows messages to no lesser secrets of OAuth 1.0a; or switch direct_messages off"

// messages reads a page of direct messages and tells of those that the account
// has sent: nobody approves them, and an intruder sends them. What others wrote
// to the account is read over, and nothing of it is kept. No history is read:
// it begins with the connection.
func (r *round) messages() error {
	if err := r.ownMessages(); err != nil {
		return r.refused(err)
	}
	r.beginMessages()
	if no := r.c.denial; r.c.deps.Now().Before(no.until) {
		return r.failed("direct messages", no.err)
	}
	in := &r.st.Messages
	if in.Walk == nil && r.clock().UnixMilli()-in.At < MessagesEvery.Milliseconds() {
		return nil
	}
	w := walk{}
	if in.Walk != nil {
		w = *in.Walk
	}
	list, err := r.ex.messages(w.Token)
	if e, ok := errors.AsType[*APIError](err); ok && e.Status == http.StatusBadRequest && w.Token != "" {
		if w.Again { // it is never known: this must not go on, for each turn costs
			r.endMessages(in, &w, fmt.Sprintf("X did not show page %d of direct messages", w.Pages+1))
			return nil
		}
		w = walk{Again: true} // the page is not known any more: from the newest again
		list, err = r.ex.messages("")
	}
	if err != nil {
		return r.failed("direct messages", r.refused(mendableMessages(err)))
	}
	now := r.note()
	if w.Pages == 0 {
		w.Start = now.UnixMilli()
	}
	unread, met := r.takeMessages(list, in, &w)
	answer := r.ex.answer
	if in.Paid != day(now) {
		unread = answer.count
	}
	r.page.Cost += float64(unread) * r.c.cfg.PriceMessage
	if unread > 0 {
		r.charge(0, answer.users)
	}
	w.Pages++
	w.Token = answer.token
	if !met && answer.more && w.Pages < maxMessagePages {
		in.Walk, r.page.More = &w, true
		return nil
	}
	lost := ""
	if !met && answer.more {
		lost = fmt.Sprintf("more than %d direct messages since the last poll; poll more often", maxMessagePages*MessagesPage)
	}
	r.endMessages(in, &w, lost)
	return nil
}

// endMessages moves the inbox over a walk that ends. Lost says why it did not
// reach what was read before, and is "" where it did.
func (r *round) endMessages(in *inbox, w *walk, lost string) {
	if lost != "" {
		r.gap(collectors.Gap{From: snowflakeTime(in.Mark), Until: snowflakeTime(w.Max), Reason: lost})
	}
	began := time.UnixMilli(w.Start).UTC()
	in.Since = max(in.Since, snowflakeAt(began.Add(-r.c.cfg.Overlap)))
	in.Mark = max(in.Mark, w.Top, snowflakeAt(began))
	in.Paid, in.At, in.Walk = day(began), began.UnixMilli(), nil
}

// beginMessages sets from when on messages are read, once: with the first page
// of the account, so that what was sent while its history was read is not lost.
func (r *round) beginMessages() {
	if in := &r.st.Messages; in.Since == 0 && r.c.cfg.DirectMessages {
		in.Since = snowflakeAt(r.clock().Add(-r.c.cfg.Overlap))
		in.Mark = in.Since
	}
}

// ownMessages refuses those that would be somebody else's: X gives the messages
// of the credential's own user, whose number begins the access token.
func (r *round) ownMessages() error {
	owner, _, _ := strings.Cut(r.c.cfg.AccessToken.Reveal(), "-")
	if id := parseID(owner); id == 0 || id == r.st.User {
		return nil
	}
	return &collectors.Forbidden{
		Mend: "give the credential an access token of the account itself, or switch direct_messages off",
		Err:  fmt.Errorf("x: direct messages of %s: X shows those of the access token's own account only", r.c.cfg.Account),
	}
}

// refused marks a refusal as one of messages alone, and notes it: whoever may not
// read them is polled as often as ever, and asks for them seldom.
func (r *round) refused(err error) error {
	if no, ok := errors.AsType[*collectors.Forbidden](err); ok {
		no.Part = true
		*r.c.denial = denial{err, r.c.deps.Now().Add(refusedFor)}
	}
	return err
}

// mendableMessages says of a refusal what this request needs.
func mendableMessages(err error) error {
	no, ok := errors.AsType[*collectors.Forbidden](err)
	if e, said := errors.AsType[*APIError](err); ok && said && (no.Mend == mendRefused || e.Type == "oauth1-permissions") {
		no.Mend = mendMessages
	}
	return err
}

// takeMessages maps the messages of a page. It returns how many were not read
// before, and whether the page goes back as far as what was.
func (r *round) takeMessages(list []json.RawMessage, in *inbox, w *walk) (unread int, met bool) {
	from := r.overlapOf(&in.lane)
	for i, item := range list {
		m, err := readMessage(item)
		if err != nil {
			r.page.Malformed = append(r.page.Malformed, at(&body{endpoint: messagesEndpoint}, fmt.Sprintf("data[%d]", i), err))
			continue
		}
		id := parseID(m.ID)
		if id <= in.Since {
			met = true
			continue
		}
		w.Top, w.Max = max(w.Top, id), id
		if id > in.Mark {
			unread++
		}
		if m.Event != messageCreate || parseID(m.Sender) != r.st.User {
			continue
		}
		t, err := m.tweet()
		if err != nil {
			r.page.Malformed = append(r.page.Malformed, at(&body{endpoint: messagesEndpoint}, fmt.Sprintf("data[%d]", i), err))
			continue
		}
		a := r.message(activity.KindMessage, t, false)
		r.emit(&a, id > in.Mark)
		r.keepOverlap(&a, id, &in.lane, from)
	}
	return unread, met
}

const (
	messagesEndpoint = "GET /2/dm_events"
	messageCreate    = "MessageCreate"
)

func readMessage(item json.RawMessage) (*messageV2, error) {
	var m messageV2
	if err := json.Unmarshal(item, &m); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(item, &m.postFieldsV2); err != nil {
		return nil, err
	}
	switch {
	case parseID(m.ID) == 0:
		return nil, fmt.Errorf("id %q; want decimal digits", collectors.Clip(m.ID, 40))
	case m.Event == messageCreate && parseID(m.Sender) == 0:
		return nil, fmt.Errorf("sender_id %q; want decimal digits", collectors.Clip(m.Sender, 40))
	}
	return &m, nil
}

// tweet returns the message as go-twitter reads a post, for the mapping that
// both share.
func (m *messageV2) tweet() (*twitter.Tweet, error) {
	s, err := m.status(&besideV2{})
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	t := &twitter.Tweet{}
	return t, json.Unmarshal(data, t)
}

// messages asks for a page of direct messages, the newest where token is empty.
func (e *exchange) messages(token string) ([]json.RawMessage, error) {
	e.answer = answer{}
	query := url.Values{
		"event_types": {messageCreate}, "max_results": {strconv.Itoa(MessagesPage)},
		"dm_event.fields": {"attachments,created_at,entities,event_type,id,sender_id,text"},
	}
	if e.c.cfg.FieldsParam == FieldsPost { // there the sender is no field but comes with an expansion
		query.Set("dm_event.fields", "attachments,created_at,entities,event_type,id,text")
		query.Set("expansions", "sender_id")
		query.Set("user.fields", "id")
	}
	if token != "" {
		query.Set("pagination_token", token)
	}
	target := e.c.base.JoinPath("2/dm_events")
	target.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(e.ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", messagesEndpoint, err)
	}
	req.Header.Set("Accept", "application/json")
	b, err := e.send(req)
	if err != nil {
		return nil, err
	}
	e.answer.date = b.date
	if b.status != http.StatusOK {
		return nil, e.c.fault(b)
	}
	if err := checkForm(b); err != nil {
		return nil, err
	}
	return e.readMessages(b)
}

func (e *exchange) readMessages(b *body) ([]json.RawMessage, error) {
	var a answerV2
	if err := json.Unmarshal(b.bytes, &a); err != nil {
		return nil, unreadable(b, err)
	}
	if a.empty() {
		if a.Meta == nil {
			return nil, e.withoutData(&a, b)
		}
		a.Data = json.RawMessage("[]")
	}
	var list []json.RawMessage
	if err := json.Unmarshal(a.Data, &list); err != nil {
		return nil, unreadable(b, err)
	}
	e.answer.count, e.answer.users = len(list), len(a.Includes.Users)
	if a.Meta != nil && a.Meta.NextToken != "" && len(a.Meta.NextToken) <= maxToken {
		e.answer.more, e.answer.token = true, a.Meta.NextToken
	}
	return list, nil
}
