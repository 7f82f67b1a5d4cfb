package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"golang.org/x/time/rate"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/intake"
)

// minSecret is the least length of a token or signing key in bytes: 16 random
// bytes cannot be guessed over a network.
const minSecret = 16

// replayWindow is how far a signature's time may be off, either way. Within
// it a signed request can be sent again by who overheard it; its items are
// then duplicates, which change nothing.
const replayWindow = 5 * time.Minute

// Token lets whoever holds it send, as "Authorization: Bearer <secret>".
type Token struct {
	Name   string // for logs and errors
	Secret collectors.Secret
	// Accounts that it may send for: "x/acme", or "x/*" for all that start
	// with "x/". Empty means all.
	Accounts []string
}

// Signer lets whoever signs with its key send, after the Standard Webhooks
// specification 1.0 (standardwebhooks.com): HMAC-SHA256 over id, time and the
// body as sent, in the headers webhook-id, webhook-timestamp and
// webhook-signature.
type Signer struct {
	Name string
	// Secret is the key in base64, with or without the prefix "whsec_".
	Secret   collectors.Secret
	Accounts []string // as in Token
}

// credential is one known sender.
type credential struct {
	name     string
	kind     string // "token" or "signer"
	accounts []string
	limit    *rate.Limiter

	digest [sha256.Size]byte         // of a token
	hook   *standardwebhooks.Webhook // of a signer
}

func (c *credential) String() string { return fmt.Sprintf("%s %q", c.kind, c.name) }

func (c *credential) may(account string) bool {
	if len(c.accounts) == 0 {
		return true
	}
	for _, pattern := range c.accounts {
		if prefix, ok := strings.CutSuffix(pattern, "*"); pattern == account || (ok && strings.HasPrefix(account, prefix)) {
			return true
		}
	}
	return false
}

// wait returns how long the credential must wait with its next request, 0 if
// it may go on.
func (c *credential) wait(now time.Time) time.Duration {
	r := c.limit.ReserveN(now, 1)
	if delay := r.DelayFrom(now); delay > 0 {
		r.CancelAt(now)
		return delay
	}
	return 0
}

// keyring knows the senders.
type keyring struct{ tokens, signers []*credential }

func newKeyring(cfg Config) (*keyring, error) {
	if cfg.Rate < 0 || cfg.Burst < 0 || cfg.MaxBody < 0 || cfg.MaxItems < 0 || cfg.InFlight < 0 {
		return nil, errors.New("a limit is negative; expected a positive number, or 0 for the default")
	}
	if len(cfg.Tokens)+len(cfg.Signers) == 0 {
		return nil, errors.New("neither tokens nor signers are configured, so nobody could send; add one")
	}
	k := &keyring{}
	names := make(map[string]bool)
	add := func(kind, name string, accounts []string) (*credential, error) {
		c := &credential{name: name, kind: kind, accounts: accounts, limit: rate.NewLimiter(rate.Limit(cfg.Rate), cfg.Burst)}
		if name == "" || names[name] {
			return nil, fmt.Errorf("%s: a name is needed that no other has", c)
		}
		names[name] = true
		for _, pattern := range accounts {
			if i := strings.IndexByte(pattern, '*'); !strings.Contains(pattern, "/") || (i >= 0 && i != len(pattern)-1) {
				return nil, fmt.Errorf(`%s: account pattern %q; expected an account such as "x/acme", or a beginning such as "x/*"`, c, pattern)
			}
		}
		return c, nil
	}
	for _, t := range cfg.Tokens {
		c, err := add("token", t.Name, t.Accounts)
		if err != nil {
			return nil, err
		}
		if len(t.Secret.Reveal()) < minSecret {
			return nil, fmt.Errorf("%s: secret is shorter than %d characters; take a random one, as from: openssl rand -hex 32", c, minSecret)
		}
		c.digest = sha256.Sum256([]byte(t.Secret.Reveal()))
		k.tokens = append(k.tokens, c)
	}
	for _, s := range cfg.Signers {
		c, err := add("signer", s.Name, s.Accounts)
		if err != nil {
			return nil, err
		}
		// The library's error quotes the key, so it is not passed on.
		if c.hook, err = standardwebhooks.NewWebhook(s.Secret.Reveal()); err != nil || len(s.Secret.Reveal()) < minSecret*4/3 {
			return nil, fmt.Errorf(`%s: secret is not the base64 of at least %d bytes; take a random one, as from: openssl rand -base64 32`, c, minSecret)
		}
		k.signers = append(k.signers, c)
	}
	return k, nil
}

// claim is who a request says that it is from, before its body is read.
type claim struct {
	token   *credential // proven, or nil
	signers []*credential
	header  http.Header
}

// claim checks what can be checked of a request by its header alone, so that
// strangers do not get their body read.
func (k *keyring) claim(header http.Header, now time.Time) (*claim, error) {
	auth := header.Values("Authorization")
	signature := header.Get(standardwebhooks.HeaderWebhookSignature)
	switch {
	case len(auth) > 1:
		return nil, unauthorized("several Authorization headers; send one")
	case len(auth) == 1:
		c, err := k.token(auth[0])
		return &claim{token: c}, err
	case signature == "":
		return nil, unauthorized("no credential; send Authorization: Bearer <token>, or a Standard Webhooks signature")
	case len(k.signers) == 0:
		return nil, unauthorized("signatures are not configured; send Authorization: Bearer <token>")
	}
	seconds, err := strconv.ParseInt(header.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	if err != nil || header.Get(standardwebhooks.HeaderWebhookID) == "" {
		return nil, unauthorized("a signature needs the headers webhook-id and webhook-timestamp (seconds since 1970) beside it")
	}
	if off := now.Sub(time.Unix(seconds, 0)); off > replayWindow || off < -replayWindow {
		return nil, unauthorized("webhook-timestamp is more than %s off; check the sender's clock, and sign anew before sending again", replayWindow)
	}
	return &claim{signers: k.signers, header: header}, nil
}

// token finds the token without telling by its time how near a guess was.
func (k *keyring) token(auth string) (*credential, error) {
	scheme, secret, _ := strings.Cut(auth, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, unauthorized("Authorization is not of the form: Bearer <token>")
	}
	digest := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	var found *credential
	for _, c := range k.tokens {
		if subtle.ConstantTimeCompare(c.digest[:], digest[:]) == 1 {
			found = c
		}
	}
	if found == nil {
		return nil, unauthorized("token is not known")
	}
	return found, nil
}

// prove returns the signer of the body.
func (c *claim) prove(body []byte) (*credential, error) {
	for _, s := range c.signers {
		if s.hook.VerifyIgnoringTimestamp(body, c.header) == nil { // claim looked at the time, by our clock
			return s, nil
		}
	}
	return nil, unauthorized("signature does not match the body; sign id.timestamp.body with the configured key, over the bytes as sent")
}

func unauthorized(format string, args ...any) error {
	return &refusal{status: http.StatusUnauthorized, reason: intake.ReasonUnauthorized, err: fmt.Errorf(format, args...)}
}
