package intake

import (
	"errors"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Metrics is told what a way in does. Its methods are safe for concurrent use
// and return at once.
type Metrics interface {
	// Accepted reports activities that became durable.
	Accepted(n int)
	// Refused reports items, or bodies refused as a whole, that were not
	// taken, and why (see Reasons).
	Refused(reason string, n int)
}

// NoMetrics counts nothing.
type NoMetrics struct{}

// Accepted implements Metrics.
func (NoMetrics) Accepted(int) {}

// Refused implements Metrics.
func (NoMetrics) Refused(string, int) {}

// Reasons for a refusal. The first group refuses bodies, the second items.
const (
	ReasonUnauthorized = "unauthorized"  // no credential, or a wrong one
	ReasonRateLimited  = "rate_limited"  // more requests than the credential may send
	ReasonBusy         = "busy"          // more requests at once than are served
	ReasonTooLarge     = "too_large"     // too many bytes or items in one body, or bytes in one item
	ReasonMediaType    = "media_type"    // a form that is not read
	ReasonForm         = "form"          // the body's structure is broken
	ReasonUnread       = "unread"        // the body did not arrive in full
	ReasonSlowConsumer = "slow_consumer" // NATS dropped messages that waited too long

	ReasonMalformed     = "malformed"      // the item cannot be decoded
	ReasonInvalid       = "invalid"        // the item breaks the documented form
	ReasonForbiddenKind = "forbidden_kind" // only Picket writes this kind
	ReasonNotAllowed    = "not_allowed"    // the credential is not for this account
	ReasonUnknown       = "unknown_account"
	ReasonNoRoom        = "no_room" // the journal's disk reserve is reached
	ReasonFault         = "fault"   // a passing fault
)

// Reasons returns all reasons, so that their metrics start at zero.
func Reasons() []string {
	return []string{
		ReasonUnauthorized, ReasonRateLimited, ReasonBusy, ReasonTooLarge, ReasonMediaType,
		ReasonForm, ReasonUnread, ReasonSlowConsumer,
		ReasonMalformed, ReasonInvalid, ReasonForbiddenKind, ReasonNotAllowed, ReasonUnknown,
		ReasonNoRoom, ReasonFault,
	}
}

// BodyReason returns the reason of an error that refuses a whole body.
func BodyReason(err error) string {
	switch {
	case errors.Is(err, ErrTooLarge):
		return ReasonTooLarge
	case errors.Is(err, ErrMediaType):
		return ReasonMediaType
	}
	return ReasonForm
}

// itemReason returns the reason of an error that refuses one item, and the
// field at fault if there is one.
func itemReason(err error) (reason, field string) {
	var syntax *activity.SyntaxError
	var invalid *activity.FieldError
	switch {
	case errors.As(err, &syntax):
		return ReasonMalformed, syntax.Field
	case errors.As(err, &invalid):
		return ReasonInvalid, invalid.Field
	case errors.Is(err, ErrForbiddenKind):
		return ReasonForbiddenKind, "kind"
	case errors.Is(err, errNotAllowed):
		return ReasonNotAllowed, "account"
	case errors.Is(err, collectors.ErrUnknownAccount):
		return ReasonUnknown, "account"
	case errors.Is(err, collectors.ErrInvalid):
		return ReasonInvalid, ""
	case errors.Is(err, collectors.ErrNoRoom):
		return ReasonNoRoom, ""
	case errors.Is(err, ErrTooLong):
		return ReasonTooLarge, ""
	}
	return ReasonFault, ""
}
