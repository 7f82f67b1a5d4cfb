package config

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

func (d *decoder) identity(n *yaml.Node, path string, c *Config) {
	var id Identity
	keys := d.object(n, path,
		d.form("identity", &id.Identity, func(s string) (string, error) { return s, accountName(s) }),
		d.list("guards", func(n *yaml.Node, path string) { d.guarding(n, path, &id) }),
		d.text("name", &id.Name),
		d.text("contact", &id.Contact),
	)
	d.required(keys, "identity", "network/name such as okta/editor-2")
	c.Identities = append(c.Identities, id)
}

// guarding reads the name of an account that an identity guards.
func (d *decoder) guarding(n *yaml.Node, path string, id *Identity) {
	s, ok := d.word(n, path)
	switch {
	case !ok:
	case slices.Contains(id.Guards, s):
		d.at(resolve(n), path, "%q is in the list already; keep one", clip(s))
	default:
		id.Guards = append(id.Guards, s)
		d.guarded = append(d.guarded, mention{s, path})
	}
}

func (d *decoder) enrich(n *yaml.Node, path string, c *Enrich) {
	d.object(n, path, d.path("location", &c.Location), d.path("asn", &c.ASN), d.path("anonymous", &c.Anonymous))
	first := map[string]string{}
	for _, f := range []struct{ key, path string }{{"location", c.Location}, {"asn", c.ASN}, {"anonymous", c.Anonymous}} {
		if other := first[f.path]; f.path != "" && other != "" {
			d.on(join(path, f.key), "is the file of %s too; each needs its own", other)
		}
		first[f.path] = f.key
	}
}

// checkIdentities checks whom identities guard, and makes them known to the
// accounts: afterwards each account's GuardedBy is complete.
func (d *decoder) checkIdentities(c *Config) {
	accounts, guarding := map[string]*Account{}, map[string]bool{}
	names := make([]string, 0, len(c.Accounts))
	for i := range c.Accounts {
		a := &c.Accounts[i]
		names, accounts[a.Name] = append(names, a.Name), a
		for _, identity := range a.GuardedBy {
			guarding[identity] = true
		}
	}
	for _, m := range d.guarded {
		if accounts[m.name] == nil {
			d.on(m.path, "%q is not among accounts%s", clip(m.name), suggest(m.name, names))
		}
	}
	d.src.identities = make(map[string]int, len(c.Identities))
	for i, id := range c.Identities {
		if id.Identity == "" {
			continue // told already
		}
		d.src.identities[id.Identity] = i
		path := fmt.Sprintf("identities[%d]", i)
		switch {
		case slices.Contains(id.Guards, id.Identity):
			d.on(path+".guards", "%s would guard itself; expected accounts such as x/acme", id.Identity)
			continue
		case len(id.Guards) == 0 && !guarding[id.Identity]:
			d.on(path, "%s guards nothing, so nothing of it would be taken; expected guards: [x/acme], or its name under guarded_by of an account", id.Identity)
		}
		for _, name := range id.Guards {
			if a := accounts[name]; a != nil && !slices.Contains(a.GuardedBy, id.Identity) {
				a.GuardedBy = append(a.GuardedBy, id.Identity)
				guarding[id.Identity] = true
			}
		}
	}
	for i, s := range c.Sources { // a source reports about itself under this name
		if own := s.Collector + "/" + s.Name; guarding[own] {
			d.on(fmt.Sprintf("sources[%d].name", i), "%q would make the source %s, which is an identity; give it another name", s.Name, own)
		}
	}
}
