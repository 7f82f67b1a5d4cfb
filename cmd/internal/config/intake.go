package config

import (
	"encoding/base64"
	"strings"

	"go.yaml.in/yaml/v3"
)

// minSecret is the least length in bytes of what lets others push: so many
// random ones cannot be guessed over a network.
const minSecret = 16

func (d *decoder) token(n *yaml.Node, path string, c *Webhook) {
	var t Token
	keys := d.object(n, path,
		d.form("name", &t.Name, name),
		d.secret("token", &t.Token),
		d.texts("accounts", &t.Accounts, accountPattern),
	)
	if d.required(keys, "name", "a name for logs") {
		d.required(keys, "token", "{file: path} or {env: NAME}")
	}
	if s := t.Token.Reveal(); s != "" && len(s) < minSecret {
		d.on(join(path, "token"), "the secret is shorter than %d characters; take a random one, as from: openssl rand -hex 32", minSecret)
	}
	for i, other := range c.Tokens {
		if t.Token != "" && other.Token == t.Token {
			d.on(join(path, "token"), "is the same as that of intake.webhook.tokens[%d]; give each sender its own", i)
		}
	}
	d.allAccounts(keys)
	c.Tokens = append(c.Tokens, t)
}

func (d *decoder) signing(n *yaml.Node, path string, c *Webhook) {
	var k SigningKey
	keys := d.object(n, path,
		d.form("name", &k.Name, name),
		d.secret("secret", &k.Secret),
		d.texts("accounts", &k.Accounts, accountPattern),
	)
	if d.required(keys, "name", "a name for logs") {
		d.required(keys, "secret", "{file: path} or {env: NAME}")
	}
	if s := k.Secret.Reveal(); s != "" {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
		if err != nil || len(key) < minSecret {
			d.on(join(path, "secret"), "the secret is not the base64 of at least %d bytes; take a random one, as from: openssl rand -base64 32", minSecret)
		}
	}
	d.allAccounts(keys)
	c.Signing = append(c.Signing, k)
}

// allAccounts refuses a list without accounts: it reads like none and would
// mean all.
func (d *decoder) allAccounts(keys object) {
	if keys.has("accounts") && keys.bare("accounts") {
		d.on(join(keys.path, "accounts"), "is empty; expected accounts such as x/acme or x/*, or no key for all of them")
	}
}

func (d *decoder) natsIntake(n *yaml.Node, path string, c *NATSIntake) {
	var off bool
	keys := d.object(n, path,
		parsed(d, "activities", "a NATS subject", &c.Activities, subject),
		parsed(d, "approvals", "a NATS subject", &c.Approvals, subject),
		d.truth("off", &off),
	)
	switch {
	case !off && c.Activities == c.Approvals:
		d.on(path, "activities and approvals are both %q; give each its own subject", c.Activities)
	case off && (keys.has("activities") || keys.has("approvals")):
		d.on(path, "off is given beside subjects; remove off, or the subjects")
	case off:
		*c = NATSIntake{}
	}
}
