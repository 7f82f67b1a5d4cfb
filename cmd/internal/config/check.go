package config

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/picketd/picket/collectors"
)

// checkServer checks what the NATS server decides: Picket's own or another.
func (d *decoder) checkServer(c *Config, nats, journal object) {
	if nats.has("url") {
		for _, key := range []string{"listen", "open_alerts"} {
			if nats.has(key) {
				d.on("nats."+key, "is for the embedded server, and nats.url names another; remove one of them")
			}
		}
		for _, key := range []string{"durability", "reserve"} {
			if journal.has(key) {
				d.on("journal."+key, "is for the embedded server, and nats.url names another, whose own settings decide; remove it")
			}
		}
	} else {
		for _, key := range []string{"credentials", "token", "user", "password", "tls"} {
			if nats.has(key) {
				d.on("nats."+key, "is for a server at nats.url, which is not given; give it, or remove this")
			}
		}
		if c.Journal.Replicas > 1 {
			d.on("journal.replicas", "%d; the embedded server is alone and keeps 1, give nats.url for a cluster", c.Journal.Replicas)
		}
	}
	if c.Journal.Replicas%2 == 0 {
		d.on("journal.replicas", "%d; expected 1, 3 or 5, since an even number survives no more than one less", c.Journal.Replicas)
	}
	d.checkLogin(c.NATS, nats)
	if c.HTTP.Listen == c.NATS.Listen && !nats.has("url") && !strings.HasSuffix(c.HTTP.Listen, ":0") {
		d.on("http.listen", "%s is where the embedded NATS server listens; give one of them another port", c.HTTP.Listen)
	}
}

// checkLogin checks the ways to log in to an external server.
func (d *decoder) checkLogin(c NATS, keys object) {
	first := ""
	for _, key := range []string{"credentials", "token", "user"} {
		switch {
		case !keys.has(key):
		case first == "":
			first = key
		default:
			d.on("nats."+key, "is given beside nats.%s; keep one way to log in", first)
		}
	}
	if keys.has("user") != keys.has("password") {
		d.on("nats", "user and password go together; give both or neither")
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		d.on("nats.tls", "cert and key go together; give both or neither")
	}
}

// checkNames tells of names that come twice.
func (d *decoder) checkNames(c *Config) {
	d.unique("rules.overrides", "rule", len(c.Rules.Overrides), func(i int) string { return c.Rules.Overrides[i].Rule })
	d.unique("sources", "name", len(c.Sources), func(i int) string { return c.Sources[i].Name })
	d.unique("accounts", "account", len(c.Accounts), func(i int) string { return c.Accounts[i].Name })
	d.unique("identities", "identity", len(c.Identities), func(i int) string { return c.Identities[i].Identity })
	d.unique("maintenance", "name", len(c.Maintenance), func(i int) string { return c.Maintenance[i].Name })
	d.unique("http.api.tokens", "name", len(c.HTTP.API.Tokens), func(i int) string { return c.HTTP.API.Tokens[i].Name })
	hook := c.Intake.Webhook
	d.unique("intake.webhook.tokens", "name", len(hook.Tokens), func(i int) string { return hook.Tokens[i].Name })
	d.unique("intake.webhook.signing", "name", len(hook.Signing), func(i int) string { return hook.Signing[i].Name })
}

// checkAccounts checks what refers to something else in the file, and keeps
// what look-ups need.
func (d *decoder) checkAccounts(c *Config) {
	s := d.src
	s.accounts = make(map[string]int, len(c.Accounts))
	s.guards = map[string][]string{}
	for i := range c.Accounts {
		a := &c.Accounts[i]
		if a.Name == "" {
			continue
		}
		s.accounts[a.Name] = i
		for _, identity := range a.GuardedBy {
			s.guards[identity] = append(s.guards[identity], a.Name)
		}
		if a.Credential != "" {
			d.checkPolled(c, a, fmt.Sprintf("accounts[%d]", i))
		}
	}
}

// checkWebhooks checks that X could call the webhooks that it is to call.
func (d *decoder) checkWebhooks(c *Config) {
	u, err := url.Parse(c.HTTP.PublicURL)
	if err == nil && u.Scheme == "https" && u.Port() == "" {
		return
	}
	for _, cred := range c.Credentials {
		if cred.Activity == "webhook" {
			d.on("credentials."+cred.Name+".activity", "X calls https addresses without a port only; give http.public_url one, or use stream")
		}
	}
}

// checkActivity tells of credentials that hear activity of X with the token of
// one app: each would take a connection of the few that X gives it.
func (d *decoder) checkActivity(c *Config) {
	first := map[collectors.Secret]string{}
	for i := range c.Credentials {
		cred := &c.Credentials[i]
		if cred.Collector != CollectorX || cred.Activity == "" || cred.BearerToken == "" {
			continue
		}
		other, again := first[cred.BearerToken]
		if !again {
			first[cred.BearerToken] = cred.Name
			continue
		}
		d.on("credentials."+cred.Name+".bearer_token", "is the same as that of credentials.%s, and both hear activity, for which X gives an app few connections; "+
			"move the accounts of %s to %s, or remove activity from one of them", other, cred.Name, other)
	}
}

// checkPolled checks an account against the credential that reads it.
func (d *decoder) checkPolled(c *Config, a *Account, path string) {
	cred, ok := c.Credential(a.Credential)
	if !ok {
		d.on(path+".credential", "there is no credential %q%s", clip(a.Credential), suggest(a.Credential, c.credentialNames()))
		return
	}
	a.Collector = cred.Collector
	network, handle, _ := strings.Cut(a.Name, "/")
	switch {
	case cred.Collector == "": // told already
		return
	case cred.Collector == CollectorOkta || d.reads(cred.Collector):
		d.on(path+".credential", "%q reads an organisation's log, no account; name it under sources, and another credential here", a.Credential)
		return
	case cred.Collector != network:
		d.on(path+".credential", "%q reads accounts of %s, and this one is of %s; name another credential", a.Credential, cred.Collector, network)
		return
	}
	d.checkPace(path, a.Every, a.Fastest, a.Slowest)
	if _, describes := d.spec(network, false); describes {
		return
	}
	for key, owner := range map[string]string{"user_id": CollectorX, "rehydrate": CollectorX, "direct_messages": CollectorX, "watch": CollectorMastodon, "stream": CollectorMastodon} {
		if _, given := d.src.where[join(path, key)]; given && owner != cred.Collector {
			d.on(join(path, key), "is for accounts of collector %s, and this is one of %s; remove it", owner, cred.Collector)
		}
	}
	switch cred.Collector {
	case CollectorX:
		a.Watch = 0
		d.checkX(&cred, a, path, handle)
	case CollectorMastodon:
		a.Rehydrate = 0
		d.checkMastodon(&cred, a, path, handle)
	}
}

// reads reports whether a collector that describes itself reads a log of many
// identities.
func (d *decoder) reads(collector string) bool {
	_, multi := d.spec(collector, true)
	return multi
}

// checkX checks what X needs to know of an account.
func (d *decoder) checkX(cred *Credential, a *Account, path, handle string) {
	bearer := cred.AccessToken == "" // alone, which does not tell whose account it is
	switch {
	case a.Username != "":
		if _, err := matching(a.Username, usernameForm, "1 to 15 letters, digits or _ without @"); err != nil {
			d.on(path+".username", "%v", err)
		}
	case bearer && a.UserID == "":
		if !usernameForm.MatchString(handle) {
			d.on(path, "user_id and username are missing, and %q is no handle of X; give one of them", clip(handle))
			return
		}
		a.Username = handle
	}
	if a.Messages && (bearer || cred.API == "v1.1") {
		d.on(path+".direct_messages", "X shows them to the account itself only, with API v2; give credential %q the account's four secrets of OAuth 1.0a and api: v2, or remove this", a.Credential)
	}
	if bearer && a.Mentions && cred.API == "v1.1" {
		d.on(path+".mentions", "API v1.1 gives them to OAuth 1.0a only; use api: v2, or the four secrets of OAuth 1.0a")
	}
}

// checkMastodon checks what Mastodon needs to know of an account.
func (d *decoder) checkMastodon(cred *Credential, a *Account, path, handle string) {
	const form = "the name without the first @, such as acme, or acme@other.example of another server"
	switch {
	case a.Username != "":
		if _, err := matching(a.Username, mastodonForm, form); err != nil {
			d.on(path+".username", "%v", err)
		}
	case !mastodonForm.MatchString(handle):
		d.on(path, "username is missing, and %q is no name of Mastodon; expected %s", clip(handle), form)
	default:
		a.Username = handle
	}
	// Of its own accounts a server knows the name alone.
	if user, host, _ := strings.Cut(a.Username, "@"); strings.EqualFold(host, hostOf(cred.Server)) {
		a.Username = user
	}
	if a.Mentions && cred.Token == "" {
		d.on(path+".mentions", "they are shown to the account itself only; give credential %q a token of the account, or remove this", a.Credential)
	}
	if a.Stream && cred.Token == "" {
		d.on(path+".stream", "the server opens it for a token only; give credential %q a token of the account, or remove this", a.Credential)
	}
}

// hostOf returns the host of an address that was checked.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// unique tells of names that come twice in a list.
func (d *decoder) unique(list, key string, n int, nameOf func(int) string) {
	first := make(map[string]int, n)
	for i := range n {
		name := nameOf(i)
		if name == "" {
			continue // told already
		}
		if j, again := first[name]; again {
			d.on(fmt.Sprintf("%s[%d].%s", list, i, key), "%q is %s[%d] already; keep one of them", clip(name), list, j)
			continue
		}
		first[name] = i
	}
}
