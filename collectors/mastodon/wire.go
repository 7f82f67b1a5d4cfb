package mastodon

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	api "github.com/mattn/go-mastodon"

	"github.com/picketd/picket/collectors"
)

// The objects of an answer are go-mastodon's types, each with what it drops
// beside it. A member that is named here again is read in place of
// go-mastodon's; what nobody reads is ignored, so that what other servers make
// of it cannot spoil an item.

type status struct {
	api.Status
	Account          author          `json:"account"`
	InReplyToID      api.ID          `json:"in_reply_to_id"`
	Reblog           *status         `json:"reblog"`
	MediaAttachments []attachment    `json:"media_attachments"`
	Application      application     `json:"application"`
	Quote            json.RawMessage `json:"quote"`
	Card             ignored         `json:"card"`
	Poll             ignored         `json:"poll"`
	Emojis           ignored         `json:"emojis"`
	Filtered         ignored         `json:"filtered"`
	ScheduledParams  ignored         `json:"params"`
}

// quotes reports whether it quotes another status.
func (s *status) quotes() bool { return len(s.Quote) > 0 && string(s.Quote) != "null" }

// check refuses what cannot be told apart from others or put in time.
func (s *status) check() error {
	id := string(s.ID)
	switch {
	case !isID(id):
		return badID("id", id)
	case s.Reblog != nil && !isID(string(s.Reblog.ID)):
		return badID("reblog: id", string(s.Reblog.ID))
	case s.InReplyToID != "" && !isID(string(s.InReplyToID)):
		return badID("in_reply_to_id", string(s.InReplyToID))
	case !s.EditedAt.IsZero() && !sensible(s.EditedAt):
		return fmt.Errorf("edited_at is in the year %d", s.EditedAt.Year())
	}
	return checkCreated(s.CreatedAt)
}

func badID(field, id string) error {
	return fmt.Errorf("%s %q; want up to %d letters, digits, _ or -", field, collectors.Clip(id, maxID), maxID)
}

func checkCreated(t time.Time) error {
	switch {
	case t.IsZero():
		return errors.New("created_at is missing")
	case !sensible(t):
		return fmt.Errorf("created_at is in the year %d", t.Year())
	}
	return nil
}

// sensible reports whether an activity may have happened then.
func sensible(t time.Time) bool {
	y := t.UTC().Year()
	return y >= 2000 && y < 2200
}

// author is what is read of an account beside a status.
type author struct {
	Acct string `json:"acct"`
}

type attachment struct {
	api.Attachment
	Meta ignored `json:"meta"`
}

// application is the name of the one that a status was made with. One of
// another form is as good as absent: the status stands.
type application string

// UnmarshalJSON implements json.Unmarshaler.
func (a *application) UnmarshalJSON(data []byte) error {
	var o struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(data, &o) == nil {
		*a = application(o.Name)
	}
	return nil
}

type ignored struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*ignored) UnmarshalJSON([]byte) error { return nil }

type account struct {
	api.Account
	Fields []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"fields"`
	Moved          *author `json:"moved"`
	Suspended      bool    `json:"suspended"`
	FollowersCount *int64  `json:"followers_count"`
	CreatedAt      ignored `json:"created_at"`
	Emojis         ignored `json:"emojis"`
	Source         ignored `json:"source"`
	FollowedTag    ignored `json:"followed_tags"`
}

type notification struct {
	api.Notification
	Account author          `json:"account"`
	Raw     json.RawMessage `json:"status"`
	status  *status         // of a mention or a quote
}

// complete reads the status where it is wanted. A notification of another type
// counts as met whatever it holds.
func (n *notification) complete() error {
	if !isID(string(n.ID)) {
		return badID("id", string(n.ID))
	}
	if err := checkCreated(n.CreatedAt); err != nil {
		return err
	}
	if n.Type != typeMention && n.Type != typeQuote {
		return nil
	}
	if len(n.Raw) == 0 || string(n.Raw) == "null" {
		return nil // deleted in the meantime
	}
	n.status = &status{}
	if err := json.Unmarshal(n.Raw, n.status); err != nil {
		return fmt.Errorf("status: %w", err)
	}
	if err := n.status.check(); err != nil {
		return fmt.Errorf("status: %w", err)
	}
	return nil
}

// edition is one version in the history of a status.
type edition struct {
	api.StatusHistory
	MediaAttachments []attachment `json:"media_attachments"`
	Account          ignored      `json:"account"`
	Emojis           ignored      `json:"emojis"`
}
