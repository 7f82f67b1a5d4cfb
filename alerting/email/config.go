package email

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/alerting/notify"
)

// Security is how a connection to the server is encrypted.
type Security string

// The ways to encrypt. There is none without encryption.
const (
	// StartTLS begins in clear and changes to TLS before anything is said (RFC
	// 3207); a server that does not offer it gets no mail.
	StartTLS Security = "starttls"
	// Implicit is TLS from the first byte (RFC 8314).
	Implicit Security = "implicit"
)

// Auth is how Picket says to the server who it is.
type Auth string

// The mechanisms.
const (
	AuthNone    Auth = "none"
	AuthPlain   Auth = "plain"
	AuthLogin   Auth = "login"
	AuthXOAuth2 Auth = "xoauth2" // the password is an access token
)

// The defaults and bounds of a configuration.
const (
	DefaultTimeout = 30 * time.Second
	MaxRecipients  = 50

	portStartTLS = 587
	portImplicit = 465
)

// Config is what an Output needs to know.
type Config struct {
	Host     string   // of the server, the name that its certificate must have
	Port     int      // default 587, with Security implicit 465
	Security Security // default StartTLS

	// Auth is by default AuthPlain where there is a Username, else AuthNone.
	Auth     Auth
	Username string
	Password notify.Secret // with AuthXOAuth2 the access token

	From string   // "Picket <picket@acme.example>"
	To   []string // who is told always; besides them the message's people who have an address "email"

	// Domain is what follows the @ in Message-IDs, by default that of From.
	Domain string
	// Timeout is how long one message may take, default DefaultTimeout.
	Timeout time.Duration
	// RootCAs are who may vouch for the server's certificate, nil: those of the
	// system.
	RootCAs *x509.CertPool
	// Dial opens a connection, nil: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// withDefaults returns the configuration complete, or what is wrong with it.
func (c Config) withDefaults() (Config, error) {
	if c.Security == "" {
		c.Security = StartTLS
	}
	if c.Port == 0 {
		c.Port = portStartTLS
		if c.Security == Implicit {
			c.Port = portImplicit
		}
	}
	if c.Auth == "" {
		c.Auth = AuthNone
		if c.Username != "" {
			c.Auth = AuthPlain
		}
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return c, fmt.Errorf("from: %q is no e-mail address such as \"Picket <picket@acme.example>\"", c.From)
	}
	if c.Domain == "" {
		c.Domain = from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	}
	return c, errors.Join(c.checkServer(), c.checkAuth(), c.checkPeople())
}

func (c *Config) checkServer() error {
	switch {
	case c.Host == "" || strings.ContainsAny(c.Host, " /@\r\n"):
		return fmt.Errorf("host: %q is no host name; give the mail server's, such as smtp.acme.example", c.Host)
	case c.Port < 1 || c.Port > 65535:
		return fmt.Errorf("port: %d; expected 1 to 65535, or none for the usual one", c.Port)
	case c.Security != StartTLS && c.Security != Implicit:
		return fmt.Errorf("security: %q; expected %s or %s", c.Security, StartTLS, Implicit)
	case c.Timeout < 0:
		return fmt.Errorf("timeout: %s; expected more than 0", c.Timeout)
	}
	return nil
}

func (c *Config) checkAuth() error {
	switch {
	case !slices.Contains([]Auth{AuthNone, AuthPlain, AuthLogin, AuthXOAuth2}, c.Auth):
		return fmt.Errorf("auth: %q; expected %s, %s, %s or %s", c.Auth, AuthNone, AuthPlain, AuthLogin, AuthXOAuth2)
	case c.Auth == AuthNone && (c.Username != "" || c.Password != nil):
		return fmt.Errorf("auth: %s takes neither username nor password", AuthNone)
	case c.Auth != AuthNone && c.Username == "":
		return fmt.Errorf("username: missing; auth %s needs one", c.Auth)
	case c.Auth != AuthNone && c.Password == nil:
		return fmt.Errorf("password: missing; auth %s needs one", c.Auth)
	}
	return nil
}

func (c *Config) checkPeople() error {
	if len(c.To) > MaxRecipients {
		return fmt.Errorf("to: %d addresses; at most %d, use a mailing list", len(c.To), MaxRecipients)
	}
	for i, to := range c.To {
		if _, err := mail.ParseAddress(to); err != nil {
			return fmt.Errorf("to[%d]: %q is no e-mail address", i, to)
		}
	}
	if !dotAtom(c.Domain) {
		return fmt.Errorf("domain: %q is no domain such as acme.example", c.Domain)
	}
	return nil
}
