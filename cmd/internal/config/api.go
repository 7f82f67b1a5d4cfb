package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/collectors"
)

// API says who may read alerts and act on them over HTTP. Without tokens
// nobody may.
type API struct {
	Tokens []APIToken
}

// APIToken lets its bearer do what it can, under its name.
type APIToken struct {
	Name  string
	Token collectors.Secret
	Can   []string // CanRead, CanAct or both
}

// What an APIToken can do.
const (
	CanRead = "read"
	CanAct  = "act"
)

// reserved is the actor of what Picket does by itself.
const reserved = "picket"

func (d *decoder) apiToken(n *yaml.Node, path string, c *API) {
	var t APIToken
	rights := []string{CanRead, CanAct}
	keys := d.object(n, path,
		d.form("name", &t.Name, name),
		d.secret("token", &t.Token),
		d.texts("can", &t.Can, func(s string) error {
			if slices.Contains(rights, s) {
				return nil
			}
			return fmt.Errorf("%q is unknown; expected %s", clip(s), strings.Join(rights, " or "))
		}),
	)
	if d.required(keys, "name", "the person or program that acts") && d.required(keys, "token", "{file: path} or {env: NAME}") &&
		d.required(keys, "can", "[read], [act] or [read, act]") && keys.bare("can") {
		d.on(join(path, "can"), "is empty; expected [read], [act] or [read, act]")
	}
	if strings.EqualFold(t.Name, reserved) {
		d.on(join(path, "name"), "%q is what Picket itself acts as; name the person or program", t.Name)
	}
	if s := t.Token.Reveal(); s != "" && len(s) < minSecret {
		d.on(join(path, "token"), "the secret is shorter than %d characters; take a random one, as from: openssl rand -hex 32", minSecret)
	}
	for i, other := range c.Tokens {
		if t.Token != "" && other.Token == t.Token {
			d.on(join(path, "token"), "is the same as that of http.api.tokens[%d]; give each its own, or nobody knows who acted", i)
		}
	}
	c.Tokens = append(c.Tokens, t)
}

// publicURL checks the address at which people reach the daemon's HTTP server.
func publicURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err == nil && (u.User != nil || u.RawQuery != "" || u.Fragment != "") { // which may be secrets, so they are not repeated
		return "", errors.New("holds more than scheme, host and path; expected the address of a server such as https://picket.example.com")
	}
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("%q is not the address of a server; expected one such as https://picket.example.com", clip(s))
	}
	return strings.TrimRight(s, "/"), nil
}
