package slack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/httpsend"
)

// Defaults of a configuration.
const (
	DefaultBaseURL = "https://slack.com/api/"
	// DefaultEvery is what Slack allows: a message a second in a channel.
	DefaultEvery = time.Second
	// DefaultRefused is how long Picket waits where Slack refuses the app token.
	DefaultRefused = 5 * time.Minute
)

// Actor does what people ask for with a button.
type Actor interface {
	Act(ctx context.Context, alertID string, d alerting.Deed) (alerting.Alert, error)
}

// Config is what an Output needs to know.
type Config struct {
	// BotToken begins with "xoxb-" and has the scope chat:write.
	BotToken notify.Secret
	// AppToken begins with "xapp-" and has the scope connections:write. Without
	// it messages have links in place of buttons.
	AppToken notify.Secret
	// Channel is the id of the channel, "C0123456789". Picket's app must be a
	// member.
	Channel string
	// People are the names by which Picket knows people, by their Slack user id.
	// Others act as "slack:U0123456789 (name)".
	People map[string]string
	// Actor is needed with AppToken, and only with it.
	Actor Actor

	// BaseURL of the Web API, default DefaultBaseURL.
	BaseURL string
	// HTTP sends requests, nil: a client with Go's defaults.
	HTTP *http.Client
	// Timeout bounds one request, default httpsend.DefaultTimeout.
	Timeout time.Duration
	// Dialer opens the connection of Socket Mode, nil: one that honours
	// HTTPS_PROXY and takes the certificates that HTTP takes.
	Dialer *websocket.Dialer
	// Every is the shortest time between two messages, default DefaultEvery.
	Every time.Duration
	// Refused is the wait after Slack has refused the app token, default
	// DefaultRefused.
	Refused time.Duration
	// Log is told what fails while nobody asks, nil: nobody is.
	Log *zap.Logger
}

// withDefaults returns the configuration complete, or what is wrong with it.
func (c Config) withDefaults() (Config, error) {
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	if !strings.HasSuffix(c.BaseURL, "/") {
		c.BaseURL += "/"
	}
	if c.Every == 0 {
		c.Every = DefaultEvery
	}
	if c.Refused == 0 {
		c.Refused = DefaultRefused
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	if c.Dialer == nil {
		c.Dialer = dialerOf(c.HTTP)
	}
	return c, c.check()
}

func (c *Config) check() error {
	switch {
	case !token(c.BotToken, "xoxb-"):
		return errors.New(`token: not a bot token; give the one that begins with "xoxb-"`)
	case c.AppToken != nil && !token(c.AppToken, "xapp-"):
		return errors.New(`app_token: not an app-level token; give the one that begins with "xapp-", or none`)
	case (c.AppToken != nil) != (c.Actor != nil):
		return errors.New("app_token: buttons need both it and somebody who does what they say")
	case !id(c.Channel, "CGD"):
		return fmt.Errorf("channel: %q is no channel id such as C0123456789; it stands at the end of the channel's details in Slack", c.Channel)
	case c.Every < 0 || c.Refused < 0 || c.Timeout < 0:
		return errors.New("every, refused, timeout: expected more than 0")
	}
	for _, user := range slices.Sorted(maps.Keys(c.People)) {
		if name := c.People[user]; !id(user, "UW") || strings.TrimSpace(name) == "" {
			return fmt.Errorf("people: %q: %q; expected a user id such as U0123456789 and a name", user, name)
		}
	}
	return httpsend.CheckURL("base_url", c.BaseURL)
}

// token reports whether a secret is there and begins as its kind does.
func token(s notify.Secret, prefix string) bool {
	return s != nil && strings.HasPrefix(s.Reveal(), prefix)
}

// id reports whether s is an id as Slack makes them: one of the kinds, then
// capital letters and digits.
func id(s, kinds string) bool {
	if len(s) < 3 || len(s) > 32 || !strings.ContainsRune(kinds, rune(s[0])) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') })
}

// writeBuffer holds any answer over Socket Mode in one frame: Slack takes at
// most 20 KiB.
const writeBuffer = 32 << 10

func dialerOf(client *http.Client) *websocket.Dialer {
	d := &websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: httpsend.DefaultTimeout, WriteBufferSize: writeBuffer}
	if client != nil {
		if t, ok := client.Transport.(*http.Transport); ok && t.TLSClientConfig != nil {
			d.TLSClientConfig = t.TLSClientConfig.Clone()
		}
	}
	return d
}
