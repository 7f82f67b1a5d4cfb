package alertmanager

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/httpsend"
)

// The defaults and bounds of a configuration.
const (
	// DefaultHold is longer than an incident is left open for, and as long as
	// Picket keeps what it has to tell.
	DefaultHold = 7 * 24 * time.Hour
	// MinHold is longer than any sensible pause between two heartbeats.
	MinHold = time.Hour

	maxURLs = 16
)

// Config is what an Output needs to know.
type Config struct {
	// URLs are those of all Alertmanagers of the cluster, with the route prefix
	// where they have one and without /api/v2: "http://am-1.acme.example:9093".
	URLs []string
	// Username and Password are of HTTP basic authentication; Token is of a
	// bearer. At most one of the two.
	Username string
	Password notify.Secret
	Token    notify.Secret
	// Labels are added to every alert.
	Labels map[string]string
	// Hold is how long an alert fires that Picket says nothing more about,
	// default DefaultHold, at least MinHold.
	Hold time.Duration
	// WithoutHeartbeat leaves out the alert PicketHeartbeat.
	WithoutHeartbeat bool
	// Timeout is how long one request may take, default httpsend.DefaultTimeout.
	Timeout time.Duration
	// Client sends the requests, nil: one with Go's defaults.
	Client *http.Client
	// Now is the time from which Hold counts, default time.Now.
	Now func() time.Time
}

func (c *Config) complete() error {
	if c.Hold == 0 {
		c.Hold = DefaultHold
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	switch {
	case c.Hold < MinHold:
		return fmt.Errorf("hold: %s; expected at least %s", c.Hold, MinHold)
	case c.Timeout < 0:
		return fmt.Errorf("timeout: %s; expected more than 0", c.Timeout)
	case (c.Username == "") != (c.Password == nil):
		return errors.New("username, password: give both or neither")
	case c.Token != nil && c.Password != nil:
		return errors.New("token: given beside username and password; give one of the two")
	case strings.Contains(c.Username, ":"):
		return errors.New("username: holds a colon, which basic authentication does not allow")
	}
	if err := c.checkURLs(); err != nil {
		return err
	}
	return c.checkLabels()
}

func (c *Config) checkURLs() error {
	if len(c.URLs) == 0 || len(c.URLs) > maxURLs {
		return fmt.Errorf("urls: %d; expected those of all Alertmanagers of the cluster, 1 to %d", len(c.URLs), maxURLs)
	}
	for i, raw := range c.URLs {
		field := fmt.Sprintf("urls[%d]", i)
		if err := httpsend.CheckURL(field, raw); err != nil {
			return err
		}
		u, err := url.Parse(raw)
		switch {
		case err != nil || u.User != nil:
			return fmt.Errorf("%s: holds a user; give username and password instead", field)
		case u.RawQuery != "" || strings.Contains(u.Path, "/api/"):
			return fmt.Errorf("%s: leave out the path of the API and what follows it", field)
		case slices.Contains(c.URLs[:i], raw):
			return fmt.Errorf("%s: is there twice", field)
		}
	}
	return nil
}

func (c *Config) checkLabels() error {
	named := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	names := make([]string, 0, len(c.Labels))
	for name := range c.Labels {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch {
		case !named.MatchString(name):
			return fmt.Errorf("labels: %q is no name of a label; expected letters, digits and _", name)
		case slices.Contains([]string{labelName, labelIncident, labelReceiver, labelLevel, labelSeverity, labelAgain}, name):
			return fmt.Errorf("labels: %s is set by Picket itself; leave it out", name)
		case c.Labels[name] == "" || c.Labels[name] != printing(c.Labels[name]):
			return fmt.Errorf("labels: the value of %s is empty, too long or does not print", name)
		}
	}
	return nil
}

// header is what each request carries.
func (c *Config) header() http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	switch {
	case c.Token != nil:
		h.Set("Authorization", "Bearer "+c.Token.Reveal())
	case c.Password != nil:
		h.Set("Authorization", "Basic "+basic{c.Username, c.Password}.Reveal())
	}
	return h
}

// secrets are what no error shows.
func (c *Config) secrets() []notify.Secret {
	switch {
	case c.Token != nil:
		return []notify.Secret{c.Token}
	case c.Password != nil:
		return []notify.Secret{basic{c.Username, c.Password}, c.Password}
	}
	return nil
}

// basic is a user and password as they are sent.
type basic struct {
	username string
	password notify.Secret
}

// Reveal returns the base64 of both.
func (b basic) Reveal() string {
	return base64.StdEncoding.EncodeToString([]byte(b.username + ":" + b.password.Reveal()))
}
