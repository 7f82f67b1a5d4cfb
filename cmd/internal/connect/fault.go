package connect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/mastodon"
	"github.com/picketd/picket/collectors/okta"
	"github.com/picketd/picket/collectors/x"
)

// Fault is what keeps an account from being connected, for a person: what is
// wrong, and what to do about it.
type Fault struct {
	What string // a sentence without its full stop
	Do   string // likewise
	Err  error  // behind it, nil where there is none
}

func (f *Fault) Error() string { return f.What + ". " + f.Do + "." }

func (f *Fault) Unwrap() error { return f.Err }

func fault(do, format string, args ...any) *Fault {
	return &Fault{What: fmt.Sprintf(format, args...), Do: do}
}

// target is what a walk asks, in the words of its faults.
type target struct {
	name    string // "X", "social.example"
	host    string // "api.x.com"
	account string // "@acme", "" where none is asked for
	secret  string // "bearer token"
	where   string // how the address is given: "--base-url"
	now     time.Time
}

// explain turns a collector's error into a Fault. Nothing of it repeats a
// secret: collectors take them out of what they tell.
func (t target) explain(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	f := t.fault(err)
	f.Err = err
	return f
}

func (t target) fault(err error) *Fault {
	if limited, ok := errors.AsType[*collectors.RateLimited](err); ok {
		return fault("Try again "+t.after(limited.Until), "%s takes no more requests for now", t.name)
	}
	status := statusOf(err)
	forbidden, refused := errors.AsType[*collectors.Forbidden](err)
	_, malformed := errors.AsType[*collectors.Malformed](err)
	switch {
	case status == http.StatusUnauthorized && t.secret != "":
		return fault("Copy it again from where it was made, or make a new one there", "%s does not accept this %s (%d)", t.name, t.secret, status)
	case t.account != "" && refused && unknownAccount(err):
		return fault("Check the spelling; it may have been renamed, moved or deleted", "%s knows no account %s (404)", t.name, t.account)
	case protected(err):
		return fault("Connect with --oauth1 and secrets of the account itself, or of one that follows it", "X shows the posts of %s to its followers only", t.account)
	case refused:
		return fault(sentence(forbidden.Mend), "%s refuses this%s", t.name, inBrackets(status))
	case status >= http.StatusInternalServerError:
		return fault("Try again later", "%s has trouble of its own (%d)", t.name, status)
	case malformed, status != 0:
		return fault("Check "+t.where+"; if it is right, look for a newer Picket", "%s does not answer as %s does: %v", t.host, t.api(), root(err))
	}
	return t.unreachable(err)
}

// unreachable is about an answer that never came.
func (t target) unreachable(err error) *Fault {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return fault("Check "+t.where+" and this machine's network", "there is no server %s", t.host)
	}
	if _, ok := errors.AsType[*net.OpError](err); ok || errors.Is(err, context.DeadlineExceeded) {
		return fault("Check this machine's network, its HTTPS_PROXY if it needs one, and "+t.where, "%s does not answer: %v", t.host, root(err))
	}
	return fault("Check "+t.where+" and this machine's network, or try again later", "%s does not answer as %s does: %v", t.host, t.api(), root(err))
}

func (t target) api() string {
	if t.name == t.host {
		return "Mastodon"
	}
	return t.name
}

// after says when to try again, by this machine's clock.
func (t target) after(until time.Time) string {
	switch wait := until.Sub(t.now); {
	case until.IsZero():
		return "in some minutes"
	case wait < time.Minute:
		return "in a minute"
	case wait < 12*time.Hour:
		return "after " + until.Local().Add(time.Minute).Format("15:04")
	}
	return "after " + until.Local().Add(time.Minute).Format("2 January 15:04")
}

// statusOf returns the HTTP status of a refusal, 0 where none was answered.
func statusOf(err error) int {
	if e, ok := errors.AsType[*x.APIError](err); ok {
		return e.Status
	}
	if e, ok := errors.AsType[*mastodon.APIError](err); ok {
		return e.Status
	}
	if e, ok := errors.AsType[*okta.APIError](err); ok {
		return e.Status
	}
	return 0
}

// unknownAccount reports whether the API works and has no such account. X says
// so in an answer that succeeds, Mastodon with words beside its 404.
func unknownAccount(err error) bool {
	if e, ok := errors.AsType[*x.APIError](err); ok {
		return e.Type == "resource-not-found" && e.Title != "Forbidden"
	}
	e, ok := errors.AsType[*mastodon.APIError](err)
	return ok && e.Status == http.StatusNotFound && e.Message != ""
}

// protected reports whether X keeps an account's posts from this credential.
func protected(err error) bool {
	e, ok := errors.AsType[*x.APIError](err)
	return ok && e.Type == "not-authorized-for-resource"
}

func inBrackets(status int) string {
	if status == 0 || status == http.StatusOK {
		return ""
	}
	return fmt.Sprintf(" (%d)", status)
}

// sentence begins a text with a capital letter.
func sentence(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
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
