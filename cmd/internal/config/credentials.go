package config

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

func (d *decoder) credentials(n *yaml.Node, path string, c *Config) {
	n = d.enter(n, path)
	switch {
	case isNull(n):
		return
	case n.Kind != yaml.MappingNode:
		d.at(n, path, "expected a mapping from names to credentials, got %s", describe(n))
		return
	}
	named := d.keys(n, path)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if named[key.Value] != value {
			continue // told by keys
		}
		if _, err := name(key.Value); err != nil {
			d.at(key, path, "the name %s cannot be used; expected at most 64 letters, digits, _ and -", shown(key.Value))
			continue
		}
		c.Credentials = append(c.Credentials, d.credential(value, join(path, key.Value), key.Value))
	}
	slices.SortFunc(c.Credentials, func(a, b Credential) int { return cmp.Compare(a.Name, b.Name) })
}

func (d *decoder) credential(n *yaml.Node, path, name string) Credential {
	c := Credential{Name: name}
	for _, multi := range []bool{false, true} {
		if spec, ok := d.spec(peek(n, "collector"), multi); ok {
			d.specCredential(spec, n, path, &c)
			return c
		}
	}
	keys := d.object(n, path,
		choice(d, "collector", &c.Collector, d.known(ofAnyKind, CollectorX, CollectorMastodon, CollectorOkta)...),
		choice(d, "api", &c.API, "v2", "v1.1"),
		parsed(d, "base_url", "an address such as https://api.example.com", &c.BaseURL, webURL),
		parsed(d, "server", "an address such as https://social.example", &c.Server, webURL),
		choice(d, "fields_param", &c.FieldsParam, "tweet.fields", "post.fields"),
		choice(d, "activity", &c.Activity, "off", "stream", "webhook"),
		d.secret("token", &c.Token),
		d.secret("bearer_token", &c.BearerToken),
		d.secret("consumer_key", &c.ConsumerKey),
		d.secret("consumer_secret", &c.ConsumerSecret),
		d.secret("access_token", &c.AccessToken),
		d.secret("access_secret", &c.AccessSecret),
		field{"requests", func(n *yaml.Node, path string) { d.requests(n, path, &c.Requests) }},
		d.decimal("budget_usd_per_month", &c.BudgetUSDPerMonth, 0),
		d.decimal("price_post", &c.PricePost, 0),
		d.decimal("price_user", &c.PriceUser, 0),
		d.decimal("price_message", &c.PriceMessage, 0),
	)
	if d.required(keys, "collector", "the name of a collector, such as "+CollectorX) {
		d.checkCredential(keys, &c)
	}
	return c
}

// oauthKeys are the four secrets of OAuth 1.0a.
func oauthKeys() []string {
	return []string{"consumer_key", "consumer_secret", "access_token", "access_secret"}
}

// credentialKeys says which keys are for credentials of some collectors only.
func credentialKeys() map[string][]string {
	of := map[string][]string{
		"base_url": {CollectorX, CollectorOkta},
		"server":   {CollectorMastodon},
		"token":    {CollectorMastodon, CollectorOkta},
	}
	for _, key := range append(oauthKeys(), "api", "fields_param", "activity", "bearer_token", "budget_usd_per_month", "price_post", "price_user", "price_message") {
		of[key] = []string{CollectorX}
	}
	return of
}

// checkCredential holds each collector's credential to its own keys.
func (d *decoder) checkCredential(keys object, c *Credential) {
	d.ownKeys(keys, "credentials", c.Collector, credentialKeys())
	switch c.Collector {
	case CollectorX:
		if c.Activity == "off" {
			c.Activity = ""
		}
		d.checkXCredential(keys, c)
		c.API, c.FieldsParam = cmp.Or(c.API, "v2"), cmp.Or(c.FieldsParam, "tweet.fields")
	case CollectorMastodon:
		d.required(keys, "server", "the server that is asked, such as https://social.example")
	case CollectorOkta:
		d.required(keys, "base_url", "the organisation's address, such as https://acme.okta.com")
		d.required(keys, "token", "{file: path} or {env: NAME} of an API token")
		if err := oktaURL(c.BaseURL); err != nil {
			d.on(join(keys.path, "base_url"), "%v", err)
		}
	}
}

func (d *decoder) checkXCredential(keys object, c *Credential) {
	oauth := oauthKeys()
	given := slices.DeleteFunc(slices.Clone(oauth), func(key string) bool { return !keys.has(key) })
	activity := c.Activity != ""
	signed := c.Activity == "webhook" && slices.Equal(given, []string{"consumer_secret"})
	switch {
	case activity && c.API == "v1.1":
		d.on(join(keys.path, "activity"), "X tells of it beside API v2 only; use api: v2, or remove this")
	case activity && !keys.has("bearer_token"):
		d.on(join(keys.path, "activity"), "X tells of it to the app's bearer token only; give bearer_token too, or remove this")
	case c.Activity == "webhook" && !keys.has("consumer_secret"):
		d.on(join(keys.path, "activity"), "X signs its calls to a webhook with the app's API Key Secret; give it as consumer_secret")
	case activity && len(given) > 0 && len(given) < len(oauth) && !signed:
		d.on(join(keys.path, given[0]), "is one of %d of the 4 secrets of OAuth 1.0a; expected all of %s, or none", len(given), strings.Join(oauth, ", "))
	case activity:
	case keys.has("bearer_token") && len(given) > 0:
		d.on(join(keys.path, given[0]), "is given beside bearer_token; keep bearer_token or the four of OAuth 1.0a")
	case !keys.has("bearer_token") && len(given) < len(oauth):
		d.on(keys.path, "no bearer_token and %d of the 4 secrets of OAuth 1.0a; expected bearer_token, or all of %s", len(given), strings.Join(oauth, ", "))
	}
}

// oktaURL catches the addresses that people copy from the browser, which have
// no API.
func oktaURL(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return nil //nolint:nilerr // told by webURL
	}
	first, domain, _ := strings.Cut(u.Hostname(), ".")
	if name, console := strings.CutSuffix(first, "-admin"); console {
		return errors.New("is the Admin Console; expected https://" + name + "." + domain)
	}
	if path := strings.TrimRight(u.Path, "/"); strings.HasSuffix(path, "/api/v1") || strings.HasSuffix(path, "/logs") {
		return errors.New("holds the path of the API; expected the organisation's address alone, such as https://acme.okta.com")
	}
	return nil
}

// ownKeys tells of keys that are for members of a list that are of other
// collectors; of says which collectors a key is for.
func (d *decoder) ownKeys(keys object, list, collector string, of map[string][]string) {
	for key, owners := range of {
		if collector != "" && keys.has(key) && !slices.Contains(owners, collector) {
			d.on(join(keys.path, key), "is for %s of collector %s, and this is one of %s; remove it", list, strings.Join(owners, " or "), collector)
		}
	}
}

func (d *decoder) requests(n *yaml.Node, path string, into *RequestLimit) {
	keys := d.object(n, path,
		d.integer("limit", &into.Limit, 1, 1_000_000_000),
		d.duration("per", &into.Per, time.Second, maxPolling))
	if d.required(keys, "limit", "a number of requests") {
		d.required(keys, "per", "the span that limit is for, such as 15m")
	}
}
