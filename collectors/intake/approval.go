package intake

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/picketd/picket/collectors/activity"
)

// ApprovalFields are the fields of an approval, in their documented order.
func ApprovalFields() []string {
	return []string{
		"id", "account", "text", "links", "media", "approvers",
		"valid_from", "valid_until", "max_uses", "tool", "time",
	}
}

// ParseApproval reads an approval, the short form in which people and
// publishing tools say that a message may be published:
//
//	{
//	  "account": "x/acme",                      where; needed
//	  "text": "We are hiring!",                 what: one of text, links and media is needed
//	  "links": ["https://acme.example/jobs"],
//	  "media": ["sha256:9f86d081884c7d65…"],    content hashes
//	  "approvers": ["ann", "bob"],
//	  "valid_from": "2026-03-01T08:00:00Z",     RFC 3339; at once if absent
//	  "valid_until": "2026-03-02T08:00:00Z",    no end if absent
//	  "max_uses": 1,                            once if absent
//	  "tool": "hootsuite",                      publishing tool
//	  "time": "2026-02-28T17:00:00Z",           when it was approved; now if absent
//	  "id": "campaign-7"                        derived from the content if absent
//	}
//
// A derived id depends on everything but time, so that sending the same
// approval again changes nothing; who wants to approve the same words twice
// gives an id or another validity. Errors are *activity.SyntaxError and
// *activity.FieldError.
func ParseApproval(data []byte, now time.Time) (activity.Activity, error) {
	var p approval
	if err := p.decode(data); err != nil {
		return activity.Activity{}, err
	}
	if p.time.IsZero() {
		p.time = now.UTC()
	}
	if p.id == "" {
		p.id = p.derivedID()
	}
	network, _, _ := strings.Cut(p.account, "/")
	a := activity.Activity{
		ID: p.id, Network: network, Account: p.account, Kind: activity.KindApproval,
		Time: p.time, Seen: now.UTC(), Approval: p.Approval,
	}
	if err := p.check(); err != nil {
		return activity.Activity{}, err
	}
	if err := a.Validate(); err != nil {
		return activity.Activity{}, err
	}
	return a, nil
}

type approval struct {
	id, account string
	time        time.Time
	activity.Approval
}

// decode reads the object member by member: encoding/json into a struct would
// let misspelt, repeated and differently capitalised names pass.
func (p *approval) decode(data []byte) error {
	if !utf8.Valid(data) {
		return &activity.SyntaxError{Msg: "invalid UTF-8; encode the approval as UTF-8"}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return &activity.SyntaxError{Msg: "expected an approval (an object)"}
	}
	seen := make(map[string]bool, 8)
	for dec.More() {
		tok, err := dec.Token()
		name, _ := tok.(string)
		switch {
		case err != nil:
			return syntax(dec, "", err)
		case seen[name]:
			return &activity.SyntaxError{Offset: int(dec.InputOffset()), Field: name, Msg: "given twice; keep one of the two"}
		}
		seen[name] = true
		if err := p.member(dec, name); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return syntax(dec, "", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return &activity.SyntaxError{Offset: int(dec.InputOffset()), Msg: "expected the end of the input after the approval"}
	}
	return nil
}

func (p *approval) member(dec *json.Decoder, name string) error {
	switch name {
	case "id":
		return value(dec, name, "text", &p.id)
	case "account":
		return value(dec, name, `text such as "x/acme"`, &p.account)
	case "text":
		return value(dec, name, "text", &p.Text)
	case "links":
		return value(dec, name, "a list of text", &p.Links)
	case "media":
		return value(dec, name, "a list of text", &p.Media)
	case "approvers":
		return value(dec, name, "a list of text", &p.Approvers)
	case "valid_from":
		return instant(dec, name, &p.From)
	case "valid_until":
		return instant(dec, name, &p.Until)
	case "max_uses":
		return value(dec, name, "a whole number", &p.MaxUses)
	case "tool":
		return value(dec, name, "text", &p.Tool)
	case "time":
		return instant(dec, name, &p.time)
	}
	return &activity.SyntaxError{
		Offset: int(dec.InputOffset()), Field: name,
		Msg: "unknown field; expected one of " + strings.Join(ApprovalFields(), ", "),
	}
}

// value decodes a member; null is absent.
func value(dec *json.Decoder, name, want string, into any) error {
	err := dec.Decode(into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &activity.SyntaxError{Offset: int(dec.InputOffset()), Field: name, Msg: fmt.Sprintf("expected %s, found %s", want, wrong.Value)}
	}
	if err != nil {
		return syntax(dec, name, err)
	}
	return nil
}

func instant(dec *json.Decoder, name string, into *time.Time) error {
	const want = `a time such as "2026-03-01T12:00:00Z"`
	var s *string
	if err := value(dec, name, want, &s); err != nil || s == nil {
		return err
	}
	t, err := time.Parse(time.RFC3339, *s)
	if err != nil {
		return &activity.SyntaxError{Offset: int(dec.InputOffset()), Field: name, Msg: fmt.Sprintf("%.40q is not a time; expected RFC 3339 %s", *s, want[len("a time "):])}
	}
	*into = t.UTC()
	return nil
}

// syntax says after which byte broken JSON is broken.
func syntax(dec *json.Decoder, field string, err error) error {
	msg := "expected JSON: " + err.Error()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		msg = "expected more JSON, found the end of the input"
	}
	return &activity.SyntaxError{Offset: int(dec.InputOffset()), Field: field, Msg: msg}
}

// check holds what the activity's own form does not ask for.
func (p *approval) check() error {
	switch {
	case p.account == "":
		return &activity.FieldError{Field: "account", Msg: `missing; expected the account that may publish, such as "x/acme"`}
	case p.Text == "" && len(p.Links) == 0 && len(p.Media) == 0:
		return &activity.FieldError{Field: "text", Msg: "missing; expected at least one of text, links and media: an approval of nothing matches nothing"}
	case p.MaxUses < 0:
		return &activity.FieldError{Field: "max_uses", Msg: fmt.Sprintf("is %d; expected 1 or more, or none for once", p.MaxUses)}
	case !p.Until.IsZero() && !p.Until.After(p.From):
		return &activity.FieldError{Field: "valid_until", Msg: fmt.Sprintf("%s is not after valid_from %s; such an approval is never valid", stamp(p.Until), stamp(p.From))}
	}
	return nil
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }

// derivedID hashes the content. Its values are stored in journals, so it never
// changes.
func (p *approval) derivedID() string {
	var b []byte
	word := func(s string) { b = append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...) }
	list := func(words []string) {
		word(fmt.Sprint(len(words)))
		for _, s := range words {
			word(s)
		}
	}
	word(p.account)
	word(p.Text)
	list(p.Links)
	list(p.Media)
	list(p.Approvers)
	word(p.From.Format(time.RFC3339Nano))
	word(p.Until.Format(time.RFC3339Nano))
	word(fmt.Sprint(p.MaxUses))
	word(p.Tool)
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:16])
}
