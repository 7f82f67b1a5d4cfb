package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/collectors"
)

// Collectors that describe themselves, see collectors.Spec, say which keys
// their credentials, accounts and sources have. What was given at these keys is
// kept as it was written, and handed to the collector in a collectors.Setting.

// Keyed is what was given at the keys of one credential, account or source of a
// collector that describes itself, defaults included.
type Keyed struct {
	Values  map[string]string            // see collectors.Setting
	Secrets map[string]collectors.Secret // by key
}

// spec returns the collector that describes itself under this name.
func (d *decoder) spec(name string, multi bool) (collectors.Spec, bool) {
	for _, s := range d.specs {
		if s.Name == name && s.Multi == multi {
			return s, true
		}
	}
	return collectors.Spec{}, false
}

// known returns the names of the collectors that a list's members may be of:
// those with fields of their own here, and those that describe themselves.
func (d *decoder) known(fits func(collectors.Spec) bool, own ...string) []string {
	for _, s := range d.specs {
		if fits(s) {
			own = append(own, s.Name)
		}
	}
	return own
}

func ofAnyKind(collectors.Spec) bool { return true }

func ofMany(s collectors.Spec) bool { return s.Multi }

// peek returns the text at a key of a mapping before it is read: it decides
// which other keys there are.
func peek(n *yaml.Node, key string) string {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if value := resolve(n.Content[i+1]); n.Content[i].Value == key && value.Kind == yaml.ScalarNode {
			return value.Value
		}
	}
	return ""
}

// keyed returns the fields of keys, which fill into.
func (d *decoder) keyed(keys []collectors.Key, into *Keyed) []field {
	into.Values, into.Secrets = map[string]string{}, map[string]collectors.Secret{}
	fields := make([]field, 0, len(keys))
	for _, key := range keys {
		if key.Default != "" {
			into.Values[key.Name] = key.Default
		}
		if span, err := time.ParseDuration(key.Default); err == nil && key.Type == collectors.KeyDuration {
			into.Values[key.Name] = span.String() // as one that is given: writing the default changes nothing
		}
		fields = append(fields, field{key.Name, func(n *yaml.Node, path string) { d.key(&key, n, path, into) }})
	}
	return fields
}

// key reads the value of one key.
func (d *decoder) key(key *collectors.Key, n *yaml.Node, path string, into *Keyed) {
	keep := func(s string) { into.Values[key.Name] = s }
	switch key.Type {
	case collectors.KeySecret, collectors.KeyDocument:
		var s collectors.Secret
		d.hidden(key.Name, &s, key.Type == collectors.KeyDocument).read(n, path)
		if s != "" {
			into.Secrets[key.Name] = s
		}
	case collectors.KeyList:
		var items []string
		d.texts(key.Name, &items, func(s string) error { return checkText(key, s) }).read(n, path)
		keep(strings.Join(items, "\n"))
	case collectors.KeyURL:
		parsed(d, key.Name, key.Help, new(string), func(s string) (string, error) {
			s, err := webURL(s)
			if err == nil {
				keep(strings.TrimRight(s, "/"))
			}
			return s, err
		}).read(n, path)
	case collectors.KeyTruth:
		var truth bool
		d.truth(key.Name, &truth).read(n, path)
		keep(strconv.FormatBool(truth))
	case collectors.KeyNumber:
		number, most := 0, key.Most
		if most == 0 {
			most = 1_000_000_000
		}
		number, _ = strconv.Atoi(into.Values[key.Name])
		d.integer(key.Name, &number, int(key.Least), int(most)).read(n, path)
		keep(strconv.Itoa(number))
	case collectors.KeyDuration:
		span, _ := time.ParseDuration(into.Values[key.Name])
		d.duration(key.Name, &span, time.Duration(key.Least)*time.Second, time.Duration(key.Most)*time.Second).read(n, path)
		keep(span.String())
	case collectors.KeyText:
		d.form(key.Name, new(string), func(s string) (string, error) {
			if err := checkText(key, s); err != nil {
				return "", err
			}
			keep(s)
			return s, nil
		}).read(n, path)
	}
}

// checkText holds a text against what a key takes.
func checkText(key *collectors.Key, s string) error {
	if key.Choices != nil && !slices.Contains(key.Choices, s) {
		return fmt.Errorf("%q is unknown%s", clip(s), suggest(s, key.Choices))
	}
	if key.Check != nil {
		return key.Check(s)
	}
	return nil
}

// complete tells of keys that are needed and not there.
func (d *decoder) complete(o object, keys []collectors.Key) {
	for _, key := range keys {
		if key.Required {
			d.required(o, key.Name, key.Help)
		}
	}
}

// specCredential reads a credential of a collector that describes itself.
func (d *decoder) specCredential(spec collectors.Spec, n *yaml.Node, path string, c *Credential) {
	keys := d.object(n, path, append([]field{
		choice(d, "collector", &c.Collector, spec.Name),
		{"requests", func(n *yaml.Node, path string) { d.requests(n, path, &c.Requests) }},
	}, d.keyed(spec.Credential, &c.Keyed)...)...)
	d.complete(keys, spec.Credential)
}

// checkSpecAccount checks what a collector that describes itself needs to know
// of an account.
func (d *decoder) checkSpecAccount(keys object, spec *collectors.Spec, a *Account) {
	a.Rehydrate, a.Watch, a.Backfill, a.Overlap = 0, 0, 0, 0
	if !keys.has("credential") {
		for _, key := range spec.Own {
			if keys.has(key.Name) {
				d.on(join(keys.path, key.Name), "is for accounts that are polled, and this one has no credential; name one, or remove it")
			}
		}
		a.Keyed = Keyed{}
		return
	}
	if !keys.has("every") {
		a.Every = cmp.Or(spec.Every, time.Minute)
	}
	d.complete(keys, spec.Own)
	if _, handle, ok := strings.Cut(a.Name, "/"); ok && spec.CheckAccount != nil {
		if err := spec.CheckAccount(handle); err != nil {
			d.on(join(keys.path, "account"), "%v", err)
		}
	}
}

// Setting returns what an account's collector is told, where it describes
// itself.
func (c *Config) Setting(a *Account) collectors.Setting {
	cred, _ := c.Credential(a.Credential)
	return setting(a.Name, &cred, &a.Keyed)
}

// SourceSetting returns what a source's collector is told, where it describes
// itself.
func (c *Config) SourceSetting(s *Source) collectors.Setting {
	cred, _ := c.Credential(s.Credential)
	return setting(s.Collector+"/"+s.Name, &cred, &s.Keyed)
}

func setting(source string, cred *Credential, own *Keyed) collectors.Setting {
	s := collectors.Setting{
		Source: source, Credential: cred.Name,
		Values:  make(map[string]string, len(cred.Values)+len(own.Values)),
		Secrets: make(map[string]collectors.Secret, len(cred.Secrets)+len(own.Secrets)),
	}
	for _, from := range []*Keyed{&cred.Keyed, own} {
		maps.Copy(s.Values, from.Values)
		maps.Copy(s.Secrets, from.Secrets)
	}
	return s
}
