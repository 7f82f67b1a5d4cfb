package config

import (
	"fmt"
	"strings"
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

// checkAccounts checks what refers to something else in the file, and keeps
// what look-ups need.
func (d *decoder) checkAccounts(c *Config) {
	s := d.src
	s.accounts = make(map[string]int, len(c.Accounts))
	s.guards = map[string][]string{}
	d.unique("rules.overrides", "rule", len(c.Rules.Overrides), func(i int) string { return c.Rules.Overrides[i].Rule })
	d.unique("sources", "name", len(c.Sources), func(i int) string { return c.Sources[i].Name })
	d.unique("accounts", "account", len(c.Accounts), func(i int) string { return c.Accounts[i].Name })
	hook := c.Intake.Webhook
	d.unique("intake.webhook.tokens", "name", len(hook.Tokens), func(i int) string { return hook.Tokens[i].Name })
	d.unique("intake.webhook.signing", "name", len(hook.Signing), func(i int) string { return hook.Signing[i].Name })

	names := make([]string, len(c.Credentials))
	collectors := make(map[string]string, len(c.Credentials))
	for i, cred := range c.Credentials {
		names[i], collectors[cred.Name] = cred.Name, cred.Collector
	}
	for i := range c.Accounts {
		a := &c.Accounts[i]
		if a.Name == "" {
			continue
		}
		s.accounts[a.Name] = i
		for _, identity := range a.GuardedBy {
			s.guards[identity] = append(s.guards[identity], a.Name)
		}
		if a.Credential == "" {
			continue
		}
		path := fmt.Sprintf("accounts[%d]", i)
		collector, ok := collectors[a.Credential]
		if !ok {
			d.on(path+".credential", "there is no credential %q%s", clip(a.Credential), suggest(a.Credential, names))
			continue
		}
		a.Collector = collector
		if collector == CollectorX {
			d.checkX(c, a, path)
		}
	}
}

// checkX checks what X needs to know of an account.
func (d *decoder) checkX(c *Config, a *Account, path string) {
	network, handle, _ := strings.Cut(a.Name, "/")
	if network != CollectorX {
		d.on(path+".credential", "%q reads accounts of x, and this one is of %s; name another credential", a.Credential, network)
		return
	}
	cred, _ := c.Credential(a.Credential)
	bearer := cred.BearerToken != ""
	if bearer && a.UserID == "" && a.Username == "" {
		if !usernameForm.MatchString(handle) {
			d.on(path, "user_id and username are missing, and %q is no handle of X; give one of them", clip(handle))
			return
		}
		a.Username = handle
	}
	if bearer && a.Mentions && cred.API == "v1.1" {
		d.on(path+".mentions", "API v1.1 gives them to OAuth 1.0a only; use api: v2, or the four secrets of OAuth 1.0a")
	}
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
