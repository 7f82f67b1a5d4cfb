package bluesky

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/bluesky-social/indigo/atproto/atclient"

	"github.com/picketd/picket/collectors"
)

// APIError is what a server said when it refused a request. It lies in the
// chain of every *collectors.RateLimited and *collectors.Forbidden that an
// answer led to.
type APIError struct {
	Endpoint string // "com.atproto.repo.listRecords"
	Status   int    // HTTP status
	Name     string // "ExpiredToken"; empty where the answer was not in XRPC's form
	Message  string // the server's own words, shortened and without secrets
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: status %d", e.Endpoint, e.Status)
	if e.Name == "" {
		fmt.Fprintf(&b, ": %s", http.StatusText(e.Status))
	} else {
		fmt.Fprintf(&b, ": %s", e.Name)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	return b.String()
}

// refusedAs reports whether an error is an answer of one of these names.
func refusedAs(err error, names ...string) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && slices.Contains(names, e.Name)
}

// Names of errors, from the lexicons and the reference PDS.
const (
	nameExpired      = "ExpiredToken"
	nameInvalidToken = "InvalidToken"
	nameNoRepo       = "RepoNotFound"
	nameNoRecord     = "RecordNotFound"
	nameTakendown    = "RepoTakendown"
	nameDeactivated  = "RepoDeactivated"
	nameSuspended    = "RepoSuspended"
	nameNoHandle     = "HandleNotFound"
	nameFactor       = "AuthFactorTokenRequired"
)

// What a person does about each refusal.
const (
	mendPassword  = "make a new app password in Bluesky under Settings, Privacy and security, App passwords, and give it as app_password: this one was revoked, or is of another account"
	mendFactor    = "give an app password, made in Bluesky under Settings, Privacy and security, App passwords: this is the account's own password, which asks for a code by e-mail"
	mendSessions  = "look what ends the account's sessions: each of the last ones was refused soon after it was made; if the app password was revoked, give a new one"
	mendNotFound  = "check the account's name and base_url: that server holds no such account; it may have been renamed, deleted or moved to another server"
	mendInactive  = "log in to Bluesky with the account and see what it says; where nobody of yours switched it off, ask the server's administrators"
	mendPath      = "check base_url: what answers there does not speak the AT Protocol; it is the address of the account's PDS that is wanted, such as https://pds.example"
	mendRefused   = "ask the server's administrators: they refuse this machine or this account"
	mendRequest   = "look for a newer Picket: the server does not understand a documented request"
	mendDiscovery = "check the account's name; if it is right, give its did, and base_url where its DID document cannot be reached from here"
)

// fault turns an error of a request into the one that says what to do. What the
// PDS answers when is in the lexicons; texts decide only between mendings.
func (c *Collector) fault(endpoint string, err error) error {
	for ue, ok := errors.AsType[*url.Error](err); ok; ue, ok = errors.AsType[*url.Error](err) {
		err = ue.Err // they repeat the URL, once for each client on the way
	}
	said, ok := errors.AsType[*atclient.APIError](err)
	if !ok {
		err = c.scrubber().Clean(err)
		if _, answered := errors.AsType[*APIError](err); answered {
			return err
		}
		return fmt.Errorf("%s: %w", endpoint, err)
	}
	e := &APIError{Endpoint: endpoint, Status: said.StatusCode, Name: c.words(said.Name), Message: c.words(said.Message)}
	if mend := mendOf(e); mend != "" {
		return &collectors.Forbidden{Mend: mend, Err: e}
	}
	return e
}

// mendOf says what a person does about an answer, "" where waiting may help.
func mendOf(e *APIError) string {
	switch e.Name {
	case nameExpired, nameInvalidToken:
		return mendPassword
	case nameFactor:
		return mendFactor
	case nameTakendown, nameDeactivated, nameSuspended:
		return mendInactive
	case nameNoRepo, nameNoHandle:
		return mendNotFound
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return mendPassword
	case http.StatusForbidden:
		return mendRefused
	case http.StatusNotFound, http.StatusNotImplemented, http.StatusMethodNotAllowed:
		return mendPath
	case http.StatusBadRequest:
		if strings.Contains(e.Message, "Could not resolve DID") {
			return "" // the server's own directory did not answer
		}
		if strings.Contains(e.Message, "Could not find") || strings.Contains(e.Message, "Unable to resolve handle") {
			return mendNotFound
		}
		return mendRequest
	}
	return ""
}

// maxWords bounds what of a server's words is repeated, in bytes.
const maxWords = 300

// printable replaces control characters by spaces, line feeds excepted.
func printable(r rune) rune {
	if unicode.IsControl(r) && r != '\n' {
		return ' '
	}
	return r
}

// words makes text of a server fit for a log line: without secrets and control
// characters, and not long.
func (c *Collector) words(text string) string { return c.scrubber().Words(text) }

// scrubber knows the password and the session's tokens.
func (c *Collector) scrubber() collectors.Scrubber {
	secrets := []collectors.Secret{c.cfg.Password}
	if c.session != nil {
		secrets = append(secrets, collectors.Secret(c.session.Access), collectors.Secret(c.session.Refresh))
	}
	return collectors.NewScrubber(secrets...)
}
