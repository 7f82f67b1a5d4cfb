package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/picketd/picket/alerting/notify"
)

// Tolerance is how far a request's timestamp may be away from now, either way.
const Tolerance = 5 * time.Minute

// Faults of a request.
var (
	ErrHeader    = errors.New("webhook-id, webhook-timestamp or webhook-signature is missing or unreadable")
	ErrTime      = fmt.Errorf("webhook-timestamp is more than %s away from now: an old request, or a wrong clock", Tolerance)
	ErrSignature = errors.New("no webhook-signature fits the body")
)

// Verifier holds a receiver's secrets.
type Verifier struct{ hooks []*standardwebhooks.Webhook }

// NewVerifier returns a verifier that accepts requests signed with any of the
// secrets, at least one.
func NewVerifier(secrets ...notify.Secret) (*Verifier, error) {
	if len(secrets) == 0 {
		return nil, errors.New("secrets: none; without one nothing can be verified")
	}
	v := &Verifier{}
	for i, s := range secrets {
		key, err := keyOf(s)
		if err != nil {
			return nil, fmt.Errorf("secrets[%d]: %w", i, err)
		}
		hook, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, fmt.Errorf("secrets[%d]: cannot be used", i)
		}
		v.hooks = append(v.hooks, hook)
	}
	return v, nil
}

// Verify returns the id of a request that is genuine and was sent within
// Tolerance of now; a receiver does nothing for an id that it has seen. The body
// is the one that came, not parsed and written again. Errors match ErrHeader,
// ErrTime or ErrSignature.
func (v *Verifier) Verify(header http.Header, body []byte, now time.Time) (id string, err error) {
	id = header.Get(standardwebhooks.HeaderWebhookID)
	seconds, err := strconv.ParseInt(header.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	if id == "" || err != nil || header.Get(standardwebhooks.HeaderWebhookSignature) == "" {
		return "", ErrHeader
	}
	if off := now.Sub(time.Unix(seconds, 0)); off > Tolerance || off < -Tolerance {
		return "", ErrTime
	}
	for _, hook := range v.hooks {
		if hook.VerifyIgnoringTimestamp(body, header) == nil { // whose clock is now, ours is not
			return id, nil
		}
	}
	return "", ErrSignature
}
