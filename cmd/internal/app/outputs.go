package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/alertmanager"
	"github.com/picketd/picket/alerting/command"
	"github.com/picketd/picket/alerting/email"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/oncall"
	"github.com/picketd/picket/alerting/pagerduty"
	"github.com/picketd/picket/alerting/slack"
	"github.com/picketd/picket/alerting/webhook"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
)

// retell is how often an Alertmanager without a configured heartbeat is told
// again of what fires: it forgets when it is started anew.
const retell = 5 * time.Minute

// outputs builds the outputs of receivers.
type outputs struct {
	actor slack.Actor
	log   *zap.Logger
}

// of builds one. Its error names the key that is wrong.
func (o *outputs) of(r *config.Receiver, people map[string]string) (notify.Notifier, error) {
	switch r.Type {
	case config.ReceiverAlertmanager:
		return output(alertmanager.New(alertmanager.Config{
			URLs: r.URLs, Username: r.Username, Password: secretOf(r.Password), Token: secretOf(r.BearerToken),
			WithoutHeartbeat: r.Heartbeat == 0,
		}))
	case config.ReceiverPagerDuty:
		return output(pagerduty.New(pagerduty.Config{RoutingKey: r.RoutingKey, BaseURL: r.URL.Reveal()}))
	case config.ReceiverSlack:
		c := slack.Config{BotToken: r.Token, AppToken: secretOf(r.AppToken), Channel: r.Channel, People: people, Log: o.log}
		if c.AppToken != nil {
			c.Actor = o.actor
		}
		return output(slack.New(c))
	case config.ReceiverEmail:
		return output(email.New(email.Config{
			Host: r.Host, Port: r.Port, Security: email.Security(r.Security), Auth: email.Auth(r.Auth), Username: r.Username,
			Password: secretOf(r.Password), From: r.From, To: r.To,
		}))
	case config.ReceiverWebhook:
		return output(webhook.New(webhook.Config{URL: r.URL, Secrets: signing(r.Signing), HeartbeatURL: secretOf(r.HeartbeatURL)}))
	case config.ReceiverExec:
		return output(command.New(command.Config{Command: r.Command, Timeout: r.Timeout}))
	}
	return nil, fmt.Errorf("type: there is none %q", r.Type)
}

// words returns how a receiver's messages are put: for its audience, by its
// templates, and then with its detail.
func (o *outputs) words(r *config.Receiver) (func(m *notify.Message) *notify.Message, error) {
	var own notify.Templates
	for _, t := range []struct {
		file config.Template
		into **notify.Template
	}{{r.Title, &own.Title}, {r.Lines, &own.Lines}} {
		if t.file.Path == "" {
			continue
		}
		parsed, err := notify.ParseTemplate(t.file.Path, t.file.Text)
		if err != nil {
			return nil, err
		}
		*t.into = parsed
	}
	plainly, minimal, name := r.Audience == config.AudienceCommunications, r.Detail == config.DetailMinimal, r.Name
	return func(m *notify.Message) *notify.Message {
		if plainly {
			m = notify.Plainly(m)
		}
		m, err := own.Apply(m)
		if err != nil {
			o.log.Error("a template failed; the message is told in Picket's words", zap.String("receiver", name), zap.String("key", m.Key), zap.Error(err))
		}
		if minimal {
			m = notify.Minimal(m)
		}
		return m
	}, nil
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

// inSlack returns the names of people by their Slack user id.
func inSlack(people []oncall.Person) map[string]string {
	names := map[string]string{}
	for _, p := range people {
		if id := p.Contacts[config.ReceiverSlack]; id != "" {
			names[id] = p.Name
		}
	}
	return names
}

// nobody acts where receivers are only checked.
type nobody struct{}

func (nobody) Act(context.Context, string, alerting.Deed) (alerting.Alert, error) {
	return alerting.Alert{}, errors.New("nothing is done here")
}
