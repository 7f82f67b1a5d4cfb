package webhook

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/httpsend"
)

const (
	// SecretPrefix is what a signing secret begins with.
	SecretPrefix = "whsec_"

	// Least and most bytes of a key, by the specification.
	minKey = 24
	maxKey = 64

	maxSecrets = 4
	// Paths and queries this long are taken for secrets of a URL.
	minSecretPart = 8
)

// Config is what an Output needs to know.
type Config struct {
	// URL is where messages are sent. It may hold a secret in its path or query:
	// no error shows those.
	URL notify.Secret
	// Secrets sign each request: "whsec_" and the base64 of 24 to 64 bytes, at
	// most 4. None: requests are not signed.
	Secrets []notify.Secret
	// Header is sent beside the signature, such as an Authorization. Its values
	// are secrets.
	Header map[string]notify.Secret
	// HeartbeatURL is told again and again that Picket works; nil: nobody is.
	HeartbeatURL notify.Secret
	// Timeout is how long one request may take, default httpsend.DefaultTimeout.
	Timeout time.Duration
	// Client sends the requests, nil: one with Go's defaults.
	Client *http.Client
	// Now is the time of an attempt, default time.Now.
	Now func() time.Time
}

// Output is a notify.Notifier, and a notify.Beater.
type Output struct {
	cfg  Config
	send *httpsend.Client
}

// New returns an output, or what is wrong with its configuration.
func New(cfg Config) (*Output, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Output{cfg: cfg, send: httpsend.New(httpsend.Options{HTTP: cfg.Client, Timeout: cfg.Timeout, Secrets: cfg.hidden()})}, nil
}

func (c *Config) check() error {
	if err := httpsend.CheckURL("url", reveal(c.URL)); err != nil {
		return err
	}
	if c.HeartbeatURL != nil {
		if err := httpsend.CheckURL("heartbeat_url", c.HeartbeatURL.Reveal()); err != nil {
			return err
		}
	}
	if len(c.Secrets) > maxSecrets {
		return fmt.Errorf("secrets: %d; at most %d, the new one and those that it takes the place of", len(c.Secrets), maxSecrets)
	}
	for i, s := range c.Secrets {
		if _, err := keyOf(s); err != nil {
			return fmt.Errorf("secrets[%d]: %w", i, err)
		}
	}
	for _, name := range c.headerNames() {
		if err := checkHeader(name, reveal(c.Header[name])); err != nil {
			return fmt.Errorf("headers: %w", err)
		}
	}
	if c.Timeout < 0 {
		return fmt.Errorf("timeout: %s; expected more than 0", c.Timeout)
	}
	return nil
}

// checkHeader says what is wrong with a header field, without its value.
func checkHeader(name, value string) error {
	valid := func(r rune) bool {
		return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	}
	canonical := textproto.CanonicalMIMEHeaderKey(name)
	switch {
	case name == "" || strings.ContainsFunc(name, func(r rune) bool { return !valid(r) }):
		return fmt.Errorf("%q is no name of a header field", name)
	case strings.HasPrefix(canonical, "Webhook-") || slices.Contains([]string{"Host", "Content-Type", "Content-Length", "Transfer-Encoding", "Connection"}, canonical):
		return fmt.Errorf("%s is set by Picket itself; leave it out", name)
	case value == "" || strings.ContainsFunc(value, unicode.IsControl):
		return fmt.Errorf("%s: its value is empty or more than one line", name)
	}
	return nil
}

func (c *Config) headerNames() []string {
	names := make([]string, 0, len(c.Header))
	for name := range c.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// hidden returns what no error may show.
func (c *Config) hidden() []notify.Secret {
	out := slices.Clone(c.Secrets)
	for _, name := range c.headerNames() {
		out = append(out, c.Header[name])
	}
	for _, u := range []notify.Secret{c.URL, c.HeartbeatURL} {
		if parsed, err := url.Parse(reveal(u)); err == nil && u != nil {
			out = append(out, parts(parsed)...)
		}
	}
	return out
}

// part is a secret in a URL.
type part string

// Reveal returns it.
func (p part) Reveal() string { return string(p) }

// parts returns what may be secret in a URL, the longest first.
func parts(u *url.URL) []notify.Secret {
	password, _ := u.User.Password()
	var out []notify.Secret
	all := append([]string{u.RequestURI(), u.RawQuery, u.EscapedPath(), u.Path, password}, strings.Split(u.Path, "/")...)
	for _, values := range u.Query() {
		all = append(all, values...)
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	for _, text := range slices.Compact(all) {
		if len(text) >= minSecretPart {
			out = append(out, part(text))
		}
	}
	return out
}

func reveal(s notify.Secret) string {
	if s == nil {
		return ""
	}
	return s.Reveal()
}

// keyOf returns the key of a signing secret. Its error does not show it.
func keyOf(s notify.Secret) ([]byte, error) {
	text, ok := strings.CutPrefix(reveal(s), SecretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < minKey || len(key) > maxKey {
		return nil, fmt.Errorf(`not %q and the base64 of %d to %d bytes; take a random one, as from: echo "%s$(openssl rand -base64 32)"`, SecretPrefix, minKey, maxKey, SecretPrefix)
	}
	return key, nil
}

// Notify sends one request. It returns no receipt.
func (o *Output) Notify(ctx context.Context, m *notify.Message) (receipt string, err error) {
	body, err := json.Marshal(m)
	if err != nil {
		return "", notify.Permanent(fmt.Errorf("webhook: %w", err))
	}
	return "", o.post(ctx, o.cfg.URL, idOf(m.Key), body)
}

// idOf returns the id of a message: its key, with "~", which keys do not have,
// for the dots, which the specification does not want in what is signed between
// dots.
func idOf(key string) string { return strings.ReplaceAll(key, ".", "~") }

// heartbeat is the body of one.
type heartbeat struct {
	Type  string    `json:"type"`
	At    time.Time `json:"at"`
	Every int64     `json:"every_seconds"`
}

// Beat tells the heartbeat's URL that Picket works; without one it does nothing.
func (o *Output) Beat(ctx context.Context, at time.Time, every time.Duration) error {
	if o.cfg.HeartbeatURL == nil {
		return nil
	}
	body, err := json.Marshal(heartbeat{"picket.heartbeat", at.UTC(), int64(every / time.Second)})
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return o.post(ctx, o.cfg.HeartbeatURL, "heartbeat-"+strconv.FormatInt(at.UnixMilli(), 10), body)
}

func (o *Output) post(ctx context.Context, to notify.Secret, id string, body []byte) error {
	header, err := o.header(id, body)
	if err != nil {
		return notify.Permanent(fmt.Errorf("webhook: %w", err))
	}
	answer, err := o.send.Post(ctx, to.Reveal(), header, body)
	if err == nil {
		err = o.send.Fault(answer, "")
		if said := httpsend.Lie(answer); err == nil && said != "" {
			err = o.send.Refused(answer, said)
		}
	}
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return nil
}

func (o *Output) header(id string, body []byte) (http.Header, error) {
	now := o.cfg.Now()
	h := http.Header{"Content-Type": {"application/json"}}
	for name, value := range o.cfg.Header {
		h.Set(name, value.Reveal())
	}
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	var signatures []string
	for _, s := range o.cfg.Secrets {
		signature, err := sign(s, id, now, body)
		if err != nil {
			return nil, err
		}
		signatures = append(signatures, signature)
	}
	if len(signatures) > 0 {
		h.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	}
	return h, nil
}

func sign(s notify.Secret, id string, at time.Time, body []byte) (string, error) {
	key, err := keyOf(s)
	if err != nil {
		return "", err
	}
	hook, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return "", errors.New("the signing secret cannot be used")
	}
	return hook.Sign(id, at, body)
}
