package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/picketd/picket/alerting"
)

// Codes of problems, for programs.
const (
	CodeUnauthorized = "unauthorized" // no token, or none that is known
	CodeForbidden    = "forbidden"    // the token may not do that
	CodeNotFound     = "not_found"    // no such alert, or no such thing here
	CodeAmbiguous    = "ambiguous"    // the number names several alerts
	CodeState        = "state"        // the alert's state does not allow it
	CodeInvalid      = "invalid"      // a field or parameter; see Problem.Field
	CodeTooLarge     = "too_large"    // the body
	CodeMediaType    = "media_type"   // the body is no JSON
	CodeConflict     = "conflict"     // others were ahead each time; try again
	CodeUnavailable  = "unavailable"  // the store did not answer; try again
)

// GuardCodes are those of requests that are refused before they are looked into,
// so that their metric starts at zero.
func GuardCodes() []string {
	return []string{CodeUnauthorized, CodeForbidden, CodeInvalid, CodeTooLarge, CodeMediaType}
}

// problem is an error of the request itself.
type problem struct {
	status int
	code   string
	detail string
}

func (p *problem) Error() string { return p.detail }

// problemOf tells an error to whoever asked. Errors of alerting hold what
// people need to know, and no secret.
func problemOf(err error) Problem {
	p := Problem{Type: "about:blank", Detail: err.Error(), Field: fieldOf(err)}
	var own *problem
	switch {
	case errors.As(err, &own):
		p.Status, p.Code = own.status, own.code
	case p.Field != "":
		p.Status, p.Code = http.StatusUnprocessableEntity, CodeInvalid
	case errors.Is(err, alerting.ErrNotFound):
		p.Status, p.Code = http.StatusNotFound, CodeNotFound
	case errors.Is(err, alerting.ErrAmbiguous):
		p.Status, p.Code = http.StatusConflict, CodeAmbiguous
	case errors.Is(err, alerting.ErrState):
		p.Status, p.Code = http.StatusConflict, CodeState
	case errors.Is(err, alerting.ErrConflict):
		p.Status, p.Code = http.StatusServiceUnavailable, CodeConflict
	default:
		p.Status, p.Code = http.StatusServiceUnavailable, CodeUnavailable
	}
	p.Title = http.StatusText(p.Status)
	return p
}

// bodyError tells what is wrong with a body of JSON.
func bodyError(err error) error {
	var large *http.MaxBytesError
	var kind *json.UnmarshalTypeError
	var moment *time.ParseError
	switch {
	case errors.As(err, &large):
		return &problem{http.StatusRequestEntityTooLarge, CodeTooLarge, "the body has more bytes than are taken"}
	case errors.As(err, &kind) && kind.Field == "":
		return &problem{http.StatusBadRequest, CodeInvalid, "body: is a JSON " + kind.Value + "; expected one JSON object as openapi.yaml describes it"}
	case errors.As(err, &kind):
		return invalid(kind.Field, "%s is a JSON %s; expected %s", kind.Field, kind.Value, kind.Type)
	case errors.As(err, &moment):
		return invalid("until", "until %s; expected a time such as 2026-03-14T02:12:00Z", moment.Value)
	}
	return &problem{http.StatusBadRequest, CodeInvalid, "body: " + err.Error() + "; expected one JSON object as openapi.yaml describes it"}
}
