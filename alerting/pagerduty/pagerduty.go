package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/httpsend"
)

const (
	// DefaultURL is where events go. Accounts in the European region use
	// https://events.eu.pagerduty.com.
	DefaultURL = "https://events.pagerduty.com"

	keyLength = 32
)

// Config is what an Output needs to know.
type Config struct {
	// RoutingKey is the integration key of a service's Events API v2
	// integration, or of an event orchestration: 32 letters and digits.
	RoutingKey notify.Secret
	// BaseURL is where the API is, default DefaultURL.
	BaseURL string
	// Timeout is how long one event may take, default httpsend.DefaultTimeout.
	Timeout time.Duration
	// Client sends the requests, nil: one with Go's defaults.
	Client *http.Client
}

// Output is a notify.Notifier.
type Output struct {
	key  notify.Secret
	url  string
	send *httpsend.Client
}

// New returns an output, or what is wrong with its configuration.
func New(cfg Config) (*Output, error) {
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultURL
	}
	if err := httpsend.CheckURL("url", cfg.BaseURL); err != nil {
		return nil, err
	}
	switch {
	case cfg.RoutingKey == nil || cfg.RoutingKey.Reveal() == "":
		return nil, errors.New("routing_key: missing; give the integration key of the service's Events API v2 integration")
	case !keyLike(cfg.RoutingKey.Reveal()):
		return nil, fmt.Errorf("routing_key: not %d letters and digits; copy the integration key of the service's Events API v2 integration", keyLength)
	case cfg.Timeout < 0:
		return nil, fmt.Errorf("timeout: %s; expected more than 0", cfg.Timeout)
	}
	return &Output{
		key: cfg.RoutingKey, url: strings.TrimRight(cfg.BaseURL, "/") + "/v2/enqueue",
		send: httpsend.New(httpsend.Options{HTTP: cfg.Client, Timeout: cfg.Timeout, Secrets: []notify.Secret{cfg.RoutingKey}}),
	}, nil
}

func keyLike(key string) bool {
	return len(key) == keyLength && !strings.ContainsFunc(key, func(r rune) bool {
		return r > unicode.MaxASCII || (!unicode.IsLetter(r) && !unicode.IsDigit(r))
	})
}

// Notify sends one event, and at the end of an incident one for each of its
// alerts. The receipt says which those are; where there is one, and it waits for
// somebody as it did from the beginning, there is none.
func (o *Output) Notify(ctx context.Context, m *notify.Message) (receipt string, err error) {
	after, of := seriesOf(m.Receipt).next(m)
	for _, n := range of {
		if err := o.event(ctx, m, n); err != nil {
			return "", fmt.Errorf("pagerduty: %w", err)
		}
	}
	if after == (series{}) && m.Receipt == "" {
		return "", nil
	}
	return after.String(), nil
}

// event sends one event of one alert of the incident.
func (o *Output) event(ctx context.Context, m *notify.Message, n int) error {
	body, err := encode(m, o.key.Reveal(), dedupKey(m.Incident, n))
	if err != nil {
		return notify.Permanent(err)
	}
	answer, err := o.send.Post(ctx, o.url, http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return err
	}
	return o.judge(answer)
}

// reply is the body of an answer.
type reply struct {
	Status  string   `json:"status"`
	Message string   `json:"message"`
	Errors  []string `json:"errors"`
}

func (r *reply) String() string {
	text := r.Status
	if r.Message != "" {
		text += ": " + r.Message
	}
	if len(r.Errors) > 0 {
		text += ": " + strings.Join(r.Errors, "; ")
	}
	return text
}

// ofKey reports whether the key alone is at fault: PagerDuty answers 400 to one
// that it does not know, as to a wrong event, and names it ("Invalid routing key",
// "Length of 'routing_key' is incorrect").
func (r *reply) ofKey() bool {
	return len(r.Errors) > 0 && !slices.ContainsFunc(r.Errors, func(said string) bool {
		said = strings.ToLower(said)
		return !strings.Contains(said, "routing key") && !strings.Contains(said, "routing_key")
	})
}

func (o *Output) judge(answer *httpsend.Answer) error {
	var r reply
	if json.Unmarshal(answer.Body, &r) != nil {
		r = reply{}
	}
	if !answer.OK() {
		err := o.send.Fault(answer, r.String())
		if r.ofKey() {
			return notify.Denied(err)
		}
		return err
	}
	if r.Status != "success" {
		said := r.String()
		if said == "" {
			said = string(answer.Body)
		}
		return o.send.Refused(answer, said)
	}
	return nil
}
