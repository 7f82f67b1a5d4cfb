package slack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/httpsend"
)

// wire sends the library's requests, all of which are a POST, as Picket sends
// its own: bounded, followed nowhere else, and with errors that tell no secret.
type wire struct{ client *httpsend.Client }

func (w *wire) Do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	answer, err := w.client.Post(req.Context(), req.URL.String(), req.Header, body)
	if err != nil {
		return nil, err
	}
	if err := w.client.Fault(answer, ""); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Header: answer.Header,
		Body: io.NopCloser(bytes.NewReader(answer.Body)), Request: req,
	}, nil
}

// limited is the wait where Slack asks for one without saying how long.
const limited = 30 * time.Second

// fault says what follows from an error of a method.
//
// Of the errors that Slack names, those of the message are for ever, and those
// of the tokens last until somebody mends them: "invalid_auth" while a token is
// rotated. Those of the channel may pass, since somebody in Slack can mend them while the message
// waits: inviting Picket ends "not_in_channel", and of a private channel
// "channel_not_found". So may all others, among them those that Slack may name
// some day.
func (o *Output) fault(method string, err error) error {
	named, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok {
		return fmt.Errorf("slack: %s: %w", method, o.discreet(err))
	}
	said := append([]string{named.Err}, named.ResponseMetadata.Messages...)
	err = fmt.Errorf("slack: %s: %s", method, o.quote(strings.Join(said, "; ")))
	switch {
	case slices.Contains([]string{"ratelimited", "rate_limited", "message_limit_exceeded"}, named.Err):
		return notify.RetryAfter(err, limited)
	case slices.Contains(ofTokens(), named.Err):
		return notify.Denied(err)
	case slices.Contains(forever(), named.Err):
		return notify.Permanent(err)
	}
	return err
}

// maxCause bounds what an error says of its cause, in characters.
const maxCause = 300

// quote returns what others said as errors show it.
func (o *Output) quote(text string) string {
	return cut(alerting.Plain(notify.Hide(text, o.cfg.BotToken, o.cfg.AppToken)), maxCause)
}

// discreet returns an error that may be shown: what follows from it is kept,
// and its words are Picket's own or those of the standard library.
func (o *Output) discreet(err error) error {
	said := err
	if outer, ok := errors.AsType[*url.Error](err); ok {
		said = outer.Err // without the URL: that of Socket Mode has a ticket
	}
	text := o.quote(said.Error())
	switch {
	case notify.IsPermanent(err):
		return notify.Permanent(errors.New(text))
	case notify.IsDenied(err):
		return notify.Denied(errors.New(text))
	case notify.After(err) > 0:
		return notify.RetryAfter(errors.New(text), notify.After(err))
	}
	return errors.New(text)
}

// forever lists the errors that the same message meets each time.
func forever() []string {
	return []string{
		"invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "no_text",
		"invalid_arguments", "invalid_arg_name", "invalid_form_data", "invalid_charset",
	}
}

// ofTokens lists the errors that end when a token is mended.
func ofTokens() []string {
	return []string{"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope", "not_allowed_token_type"}
}

// is reports whether an error is one of those that Slack names so.
func is(err error, names ...string) bool {
	named, ok := errors.AsType[slack.SlackErrorResponse](err)
	return ok && slices.Contains(names, named.Err)
}
