package collectors

import (
	"context"

	"github.com/picketd/picket/collectors/activity"
)

// Intake takes activities that others push (webhook, NATS, file). Submit
// blocks until each is durable in the journal or refused, and returns one
// error per activity in order: nil, or one that matches ErrUnknownAccount,
// ErrInvalid or ErrNoRoom, or another for a passing fault that may be retried.
// It may add to the activities.
// It is safe for concurrent use.
type Intake interface {
	Submit(ctx context.Context, activities []activity.Activity) []error
}
