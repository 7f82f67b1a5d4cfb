package trial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/mastodon"
)

// unknownHost reports whether there is no such server.
func unknownHost(err error) bool {
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && dns.IsNotFound
}

// fault says for a person why nothing of an account could be read.
func (w *walk) fault(err error) error {
	host := w.addr.host()
	if limited, ok := errors.AsType[*collectors.RateLimited](err); ok {
		return &Fault{What: fmt.Sprintf("%s takes no more requests from this network for now", host), Do: "Try again " + again(limited.Until), Err: err}
	}
	if unknownHost(err) {
		return &Fault{What: "there is no server " + host, Do: "Check the part after the second @", Err: err}
	}
	refused, answered := errors.AsType[*mastodon.APIError](err)
	_, forbidden := errors.AsType[*collectors.Forbidden](err)
	switch {
	case answered && forbidden:
		return w.refusal(refused, err)
	case answered:
		return &Fault{What: fmt.Sprintf("%s has trouble of its own (it answers %d)", host, refused.Status), Do: "Try again later", Err: err}
	}
	if strings.Contains(err.Error(), "redirects to") { // package collectors follows none to elsewhere
		return &Fault{What: host + " sends on to another server", Do: elsewhere, Err: err}
	}
	if _, ok := errors.AsType[*net.OpError](err); ok || errors.Is(err, context.DeadlineExceeded) {
		return &Fault{What: fmt.Sprintf("%s does not answer: %v", host, root(err)), Do: "Check the part after the second @, or try again later", Err: err}
	}
	return &Fault{What: fmt.Sprintf("%s does not speak as a Mastodon server does: %v", host, root(err)), Do: elsewhere, Err: err}
}

// elsewhere is what to do where the server is none of Mastodon.
const elsewhere = "Check the part after the second @, or give the server's web address with --server"

// refusal says what a server's refusal means. Which status says what is
// documented in package mastodon.
func (w *walk) refusal(e *mastodon.APIError, err error) error {
	host := w.addr.host()
	switch {
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusUnprocessableEntity:
		return &Fault{What: host + " shows posts only to people who are logged in", Do: "Connect the account with a token of its own: " + w.addr.connect(), Err: err}
	case e.Status == http.StatusNotFound && e.Message != "":
		return &Fault{What: fmt.Sprintf("%s knows no account %s", host, w.addr.Name), Do: "Check the spelling; the account may also have moved or been deleted", Err: err}
	case e.Status == http.StatusNotFound:
		return &Fault{What: host + " is no Mastodon server", Do: elsewhere, Err: err}
	case e.Status == http.StatusGone, e.Status == http.StatusOK:
		return &Fault{What: fmt.Sprintf("%s is suspended or deleted", w.addr), Do: "Ask the administrators of " + host, Err: err}
	case e.Status == http.StatusForbidden:
		return &Fault{What: host + " refuses to answer this network", Do: "Try from another network, or connect the account with a token: " + w.addr.connect(), Err: err}
	}
	return &Fault{What: fmt.Sprintf("%s refuses the request (%d)", host, e.Status), Do: "Look for a newer Picket", Err: err}
}

// partial says why reading ended before its end.
func (w *walk) partial(err error) string {
	host := w.addr.host()
	if limited, ok := errors.AsType[*collectors.RateLimited](err); ok {
		return fmt.Sprintf("%s asked for a pause: older posts can be read %s", host, again(limited.Until))
	}
	return host + " failed before the end; older posts were not read"
}

// again says when to try again.
func again(until time.Time) string {
	if until.IsZero() {
		return "in some minutes"
	}
	return "in " + lasting(max(time.Until(until), 0)+time.Minute)
}

// root returns the innermost error, whose words say most.
func root(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
