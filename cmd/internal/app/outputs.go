package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
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
	client, err := trusting(r.CA)
	if err != nil {
		return nil, err
	}
	switch r.Type {
	case config.ReceiverAlertmanager:
		return output(alertmanager.New(alertmanager.Config{
			URLs: r.URLs, Username: r.Username, Password: secretOf(r.Password), Token: secretOf(r.BearerToken),
			WithoutHeartbeat: r.Heartbeat == 0, Labels: textsOf(r.Labels), Client: client,
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
		return output(webhook.New(webhook.Config{URL: r.URL, Secrets: signing(r.Signing), HeartbeatURL: secretOf(r.HeartbeatURL), Header: secretsOf(r.Headers), Client: client}))
	case config.ReceiverExec:
		return output(command.New(command.Config{Command: r.Command, Timeout: r.Timeout, Env: secretsOf(r.Env)}))
	}
	return nil, fmt.Errorf("type: there is none %q", r.Type)
}

// trusting returns a client that trusts the certificates of a file, nil for no file:
// that trusts those of the system.
func trusting(file string) (*http.Client, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca: %s holds no certificate in PEM", file)
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("ca: this build's transport of HTTP takes none")
	}
	transport = transport.Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport}, nil
}

// secretsOf returns pairs by name, nil for none.
func secretsOf(pairs []config.Pair) map[string]notify.Secret {
	if len(pairs) == 0 {
		return nil
	}
	out := make(map[string]notify.Secret, len(pairs))
	for _, p := range pairs {
		out[p.Name] = p.Value
	}
	return out
}

// textsOf returns labels by name.
func textsOf(labels []config.Label) map[string]string {
	out := make(map[string]string, len(labels))
	for _, l := range labels {
		out[l.Name] = l.Value
	}
	return out
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
