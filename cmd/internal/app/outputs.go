package app

import (
	"fmt"
	"strings"

	"github.com/picketd/picket/alerting/command"
	"github.com/picketd/picket/alerting/email"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/pagerduty"
	"github.com/picketd/picket/alerting/webhook"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
)

// notifierOf builds the output of a receiver.
func notifierOf(r *config.Receiver) (notify.Notifier, error) {
	switch r.Type {
	case config.ReceiverPagerDuty:
		return output(pagerduty.New(pagerduty.Config{RoutingKey: r.RoutingKey, BaseURL: r.URL.Reveal()}))
	case config.ReceiverEmail:
		return output(email.New(email.Config{
			Host: r.Host, Port: r.Port, Security: email.Security(r.Security), Auth: email.Auth(r.Auth), Username: r.Username, Password: secretOf(r.Password),
			From: r.From, To: r.To, Timeout: r.Timeout,
		}))
	case config.ReceiverWebhook:
		return output(webhook.New(webhook.Config{URL: r.URL, Secrets: signing(r.Signing), HeartbeatURL: secretOf(r.HeartbeatURL)}))
	case config.ReceiverExec:
		return output(command.New(command.Config{Command: r.Command, Timeout: r.Timeout}))
	}
	return nil, fmt.Errorf("this Picket has no output of type %q", r.Type)
}

// output turns the answer of an output's New into an interface, which is nil
// where there is none.
func output[T notify.Notifier](o T, err error) (notify.Notifier, error) {
	if err != nil {
		return nil, err
	}
	return o, nil
}

// signing returns keys as Standard Webhooks write them.
func signing(keys []collectors.Secret) []notify.Secret {
	const prefix = "whsec_"
	out := make([]notify.Secret, 0, len(keys))
	for _, k := range keys {
		out = append(out, collectors.Secret(prefix+strings.TrimPrefix(k.Reveal(), prefix)))
	}
	return out
}

// secretOf is nil where there is no secret.
func secretOf(s collectors.Secret) notify.Secret {
	if s == "" {
		return nil
	}
	return s
}
