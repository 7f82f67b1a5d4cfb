package httpsend

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/alerting/notify"
)

// MaxWait is the longest wait that a receiver may ask for: one that asks for a
// year must not silence a page.
const MaxWait = time.Hour

// Fault returns what follows for the message from an answer that is no success,
// nil for one that is. Said is what the receiver says went wrong, in the words
// of its service; empty: its body.
func (c *Client) Fault(a *Answer, said string) error {
	if a.OK() {
		return nil
	}
	if said == "" {
		said = string(a.Body)
	}
	text := fmt.Sprintf("answered %d %s", a.Status, http.StatusText(a.Status))
	if said = c.quote(said); said != "" {
		text += ": " + said
	}
	switch a.Status {
	case http.StatusMovedPermanently, http.StatusPermanentRedirect:
		return notify.Denied(errors.New(text + "; it redirects to " + destination(a.Header) + ", which is not followed: mend the receiver's URL"))
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return notify.Denied(errors.New(text))
	case http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusTooEarly, http.StatusTooManyRequests:
		return later(errors.New(text), a.Header)
	}
	switch a.Status / 100 {
	case 3:
		return errors.New(text + "; it redirects to " + destination(a.Header) + ", which is not followed")
	case 4:
		return notify.Permanent(errors.New(text))
	}
	return later(errors.New(text), a.Header)
}

// Refused is the error of an answer whose status says success and whose body
// does not. Said is what the body says.
func (c *Client) Refused(a *Answer, said string) error {
	return fmt.Errorf("answered %d, yet not taken: %s", a.Status, c.quote(said))
}

// Lie returns what a body says against the success of its status, for services
// that define no body: "" where it says nothing. It looks at a JSON object's
// "ok" and "success", which are false, and at "error" and "errors", which are
// neither null, false, empty nor 0.
func Lie(a *Answer) string {
	var body map[string]json.RawMessage
	if json.Unmarshal(a.Body, &body) != nil {
		return ""
	}
	for _, name := range []string{"ok", "success"} {
		if string(body[name]) == "false" {
			return string(a.Body)
		}
	}
	for _, name := range []string{"error", "errors"} {
		switch string(body[name]) {
		case "", "null", "false", `""`, "[]", "{}", "0":
		default:
			return string(a.Body)
		}
	}
	return ""
}

// later marks err with the wait that the header asks for: seconds, or a date by
// the clock that wrote the Date header (RFC 9110, 10.2.3).
func later(err error, h http.Header) error {
	text := strings.TrimSpace(h.Get("Retry-After"))
	wait := time.Duration(0)
	if seconds, bad := strconv.ParseUint(text, 10, 31); bad == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, bad := http.ParseTime(text); bad == nil {
		if date, bad := http.ParseTime(h.Get("Date")); bad == nil {
			wait = at.Sub(date)
		}
	}
	if wait <= 0 {
		return err
	}
	return notify.RetryAfter(err, min(wait, MaxWait))
}

// destination returns the host that a redirect leads to.
func destination(h http.Header) string {
	u, err := url.Parse(h.Get("Location"))
	switch {
	case err != nil:
		return "somewhere unreadable"
	case u.Host == "":
		return "another path"
	}
	return strconv.Quote(u.Host)
}

// quote returns text of a receiver as errors show it.
func (c *Client) quote(text string) string { return notify.Quote(text, c.secrets...) }
