package collectors

import (
	"errors"
	"fmt"
	"time"
)

// RateLimited says that the network asked to wait. The scheduler holds back
// the account until then, and every account of the credential once another one
// is asked, too.
type RateLimited struct {
	Until time.Time // zero when the network did not say
	Err   error
}

func (e *RateLimited) Error() string {
	if e.Until.IsZero() {
		return fmt.Sprintf("rate limited: %v", e.Err)
	}
	return fmt.Sprintf("rate limited until %s: %v", e.Until.UTC().Format(time.RFC3339), e.Err)
}

func (e *RateLimited) Unwrap() error { return e.Err }

// Forbidden says that the network refuses this credential or account, so that
// retrying soon is useless and Picket is blind there. Mend tells a person how
// to get access back.
type Forbidden struct {
	Mend string
	Err  error
	// Part says that only a part of a poll is refused and all else was read: the
	// next poll comes at its usual time. The collector sees to it that what was
	// refused is asked for seldom.
	Part bool
}

func (e *Forbidden) Error() string { return fmt.Sprintf("%v; to mend it: %s", e.Err, e.Mend) }

func (e *Forbidden) Unwrap() error { return e.Err }

// OverBudget says that a credential has spent its dollars of this month; it
// stands inside a RateLimited until the next one.
type OverBudget struct {
	Credential   string
	Month        string // "2026-07", UTC
	Spent, Limit float64
	Until        time.Time // when the next month begins
}

func (e *OverBudget) Error() string {
	return fmt.Sprintf("credential %s has spent $%.2f of its $%.2f for %s", e.Credential, e.Spent, e.Limit, e.Month)
}

// UnitsSpent says that what is left of a credential's units of a day is less
// than a request takes; it stands inside a RateLimited until the next day.
type UnitsSpent struct {
	Credential  string
	Used, Limit int
	Cost        int       // of the request that was not sent
	Until       time.Time // when the network grants units anew
}

func (e *UnitsSpent) Error() string {
	return fmt.Sprintf("credential %s has used %d of its %d units of this day, and the next request takes %d", e.Credential, e.Used, e.Limit, e.Cost)
}

// Malformed says that an answer, or one item of it, is not what the network
// documents. Field names the part at fault.
type Malformed struct {
	Field string
	Err   error
}

func (e *Malformed) Error() string { return fmt.Sprintf("malformed %s: %v", e.Field, e.Err) }

func (e *Malformed) Unwrap() error { return e.Err }

// TooLarge says that an answer is larger than ClientOptions.MaxBody.
type TooLarge struct{ Limit int64 } // bytes

func (e *TooLarge) Error() string { return fmt.Sprintf("answer is larger than %d bytes", e.Limit) }

// Errors of Intake.Submit, matched with errors.Is.
var (
	// ErrUnknownAccount: the activity's account is not in the configuration.
	ErrUnknownAccount = errors.New("account is not in the configuration")
	// ErrInvalid: the activity breaks the documented form; the wrapped error
	// names the field.
	ErrInvalid = errors.New("invalid activity")
	// ErrNoRoom: the journal's disk reserve is reached; nothing was accepted.
	ErrNoRoom = errors.New("journal has no room")
)
