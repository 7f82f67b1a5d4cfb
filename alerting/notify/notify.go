package notify

import (
	"context"
	"errors"
	"time"
)

// Notifier tells messages to one receiver. It is safe for concurrent use, and
// is called with the messages of one incident in order, one at a time.
type Notifier interface {
	// Notify returns when the receiver has taken the message, or why it has not.
	// It tries once: who calls it waits and tries again, with the same Key, which
	// a receiver that recognises repetitions must be given. The receipt is what
	// the output wants to find in Message.Receipt of later messages of the same
	// incident, such as the thread that the first one began; "" is none.
	//
	// An error is taken as one that may pass, unless it is made by [Permanent];
	// [Denied] says that it passes when a person mends a setting, and
	// [RetryAfter] that the receiver has named a time to wait. It never holds a
	// secret: the receiver's URL may be one.
	Notify(ctx context.Context, m *Message) (receipt string, err error)
}

// Beater is a Notifier whose receiver notices when Picket has gone silent.
type Beater interface {
	// Beat tells the receiver that Picket works at that moment and will say so
	// again within every.
	Beat(ctx context.Context, at time.Time, every time.Duration) error
}

// Resumer is a Notifier that goes on with what was told before a restart: its
// receiver forgets what it is not told again.
type Resumer interface {
	// Resume is called before anything is told by this output, with the newest
	// receipt of each incident of the last 90 days that has one and is not over.
	// It is called again where another daemon has told the receiver meanwhile:
	// then nothing of what the output remembers holds any more.
	Resume(receipts map[string]string)
}

// refusal is an error with what follows from it.
type refusal struct {
	err               error
	permanent, denied bool
	after             time.Duration
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// Permanent marks an error that the same message will meet each time, such as
// one that the receiver finds invalid.
func Permanent(err error) error { return &refusal{err: err, permanent: true} }

// Denied marks an error that is about a setting and not about the message: a
// key that the receiver does not take, an address that has moved. It lasts until
// a person mends it, which while a key is rotated takes minutes, so the message
// is tried again for a while and others are told soon.
func Denied(err error) error { return &refusal{err: err, denied: true} }

// RetryAfter marks an error after which the receiver wants to be left alone
// for a time, such as the Retry-After of an HTTP 429.
func RetryAfter(err error, after time.Duration) error { return &refusal{err: err, after: after} }

// IsPermanent reports whether trying again is of no use.
func IsPermanent(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.permanent
}

// IsDenied reports whether trying again is of no use before a setting is mended.
func IsDenied(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.denied
}

// After returns how long the receiver wants to be left alone, 0 where it has
// not said so.
func After(err error) time.Duration {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.after
	}
	return 0
}
