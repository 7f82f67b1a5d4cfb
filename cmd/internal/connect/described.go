package connect

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
)

// DescribedOptions are what connecting takes where the collector describes
// itself.
type DescribedOptions struct {
	Options
	Person
	Account string            // its name on the network; of a log the name of the source
	Set     map[string]string // settings by key, as in the file
	Guards  []string          // of a log: "jane@acme.example=x/acme,mastodon/acme@social.example"
}

// describedWalk is the way of one account, or one log, whose collector
// describes itself.
type describedWalk struct {
	*walk
	do      DescribedOptions
	spec    collectors.Spec
	reuse   *config.Credential // in the file already
	setting collectors.Setting
	given   []string // keys that were given or asked for, in their order
}

// Described connects an account or a log whose collector describes itself.
func Described(ctx context.Context, world World, spec collectors.Spec, o DescribedOptions) error {
	w, err := newWalk(world, o.Options)
	if err != nil {
		return err
	}
	dw := &describedWalk{walk: w, do: o, spec: spec}
	if spec.Multi {
		w.d.say("Connecting %s, whose log shows the logins of people behind your accounts", spec.Title)
	} else {
		w.d.say("Connecting an account of %s", spec.Title)
	}
	for _, step := range []func(context.Context) error{dw.known, dw.account, dw.login, dw.look} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	var guards []guard
	if spec.Multi {
		guards, err = warden{
			walk: w, title: spec.Title, network: spec.Name, given: o.Guards,
			local: dw.setting.Text("identity") == config.IdentityEmailLocal,
		}.whose(ctx)
		if err != nil {
			return err
		}
	}
	entries, err := dw.entries(ctx, guards)
	if err != nil {
		return err
	}
	return w.finish(ctx, entries)
}

// known refuses settings that the collector does not have.
func (w *describedWalk) known(context.Context) error {
	var names []string
	for _, key := range slices.Concat(w.spec.Credential, w.spec.Own) {
		if !hidden(&key) {
			names = append(names, key.Name)
		}
	}
	for name := range w.do.Set {
		if !slices.Contains(names, name) {
			return fault("Settings of "+w.spec.Title+" are "+list(names), "--set %s: there is no such setting", name)
		}
	}
	w.setting.Values, w.setting.Secrets = map[string]string{}, map[string]collectors.Secret{}
	return nil
}

func hidden(key *collectors.Key) bool {
	return key.Type == collectors.KeySecret || key.Type == collectors.KeyDocument
}

// account asks which one it is.
func (w *describedWalk) account(ctx context.Context) error {
	if w.spec.Multi {
		name, err := w.d.ask(ctx, question{label: "\nName for it in Picket, such as acme", flag: "--account", given: w.do.Account, check: func(s string) (string, error) {
			if nameFrom(s) != strings.ToLower(s) || s == "" {
				return "", fmt.Errorf("%q cannot be a name: expected letters, digits, _ and -", s)
			}
			return strings.ToLower(s), nil
		}})
		if err != nil {
			return err
		}
		w.setting.Source = w.spec.Name + "/" + w.site.freeSource(name)
		return w.ask(ctx, w.spec.Own)
	}
	name, err := w.d.ask(ctx, question{label: "\nAccount on " + w.spec.Title, flag: "--account", given: w.do.Account, check: func(s string) (string, error) {
		s = strings.TrimPrefix(strings.TrimPrefix(s, w.spec.Name+"/"), "@")
		if w.spec.CheckAccount == nil {
			return s, nil
		}
		return s, w.spec.CheckAccount(s)
	}})
	if err != nil {
		return err
	}
	w.setting.Source = w.spec.Name + "/" + name
	if a, line := w.site.account(func(a *config.Account) bool { return strings.EqualFold(a.Name, w.setting.Source) }); a != nil {
		return w.site.already(a, line)
	}
	return w.ask(ctx, w.spec.Own)
}

// ask fills in keys that hold no secret: what was given by flags, what has to
// be asked for, and defaults.
func (w *describedWalk) ask(ctx context.Context, keys []collectors.Key) error {
	for _, key := range keys {
		value, given := w.do.Set[key.Name]
		switch {
		case hidden(&key):
			continue
		case !given && !key.Required:
			if key.Default != "" {
				w.setting.Values[key.Name] = key.Default
			}
			continue
		}
		value, err := w.d.ask(ctx, question{label: sentence(key.Help), flag: "--set " + key.Name + "=VALUE", given: value, check: func(s string) (string, error) {
			if key.Choices != nil && !slices.Contains(key.Choices, s) {
				return "", fmt.Errorf("%q is not one of %s", s, list(key.Choices))
			}
			if key.Type == collectors.KeyURL {
				if u, err := url.Parse(s); err != nil || u.Host == "" || u.User != nil { // not repeated: it may hold a secret
					return "", fmt.Errorf("this is no web address, or has a user in it: expected %s", key.Help)
				}
				s = strings.TrimRight(s, "/")
			}
			return s, checked(&key, s)
		}})
		if err != nil {
			return err
		}
		w.given = append(w.given, key.Name)
		w.setting.Values[key.Name] = strings.ReplaceAll(value, ",", "\n")
		if key.Type != collectors.KeyList {
			w.setting.Values[key.Name] = value
		}
	}
	return nil
}

// checked holds a text against a key, each item of a list by itself.
func checked(key *collectors.Key, s string) error {
	if key.Check == nil {
		return nil
	}
	if key.Type != collectors.KeyList {
		return key.Check(s)
	}
	for item := range strings.SplitSeq(s, ",") {
		if err := key.Check(item); err != nil {
			return err
		}
	}
	return nil
}

// login takes a credential of the file, or makes a new one.
func (w *describedWalk) login(ctx context.Context) error {
	var err error
	// One credential reads one account of most networks, so none is offered:
	// the person names it.
	if w.o.Credential != "" {
		w.reuse, err = w.reused(ctx, w.spec.Name, func(*config.Credential) bool { return true })
		if err != nil {
			return err
		}
	}
	if w.reuse != nil {
		if err := w.settled(); err != nil {
			return err
		}
		maps.Copy(w.setting.Values, w.reuse.Values)
		w.setting.Credential = w.reuse.Name
		w.setting.Secrets = w.reuse.Secrets
		return nil
	}
	if err := w.ask(ctx, w.spec.Credential); err != nil {
		return err
	}
	w.guide("\n" + w.spec.Guide + "\n")
	var wanted []collectors.Key
	for _, key := range w.spec.Credential {
		if hidden(&key) {
			wanted = append(wanted, key)
		}
	}
	for i := range wanted {
		env, path := w.o.TokenEnv, w.o.TokenFile
		if len(wanted) > 1 {
			env, path = w.oneOf(&wanted[i])
		}
		s, err := w.obtain(ctx, asked{
			key: wanted[i].Name, label: sentence(strings.ReplaceAll(wanted[i].Name, "_", " ")), lines: wanted[i].Type == collectors.KeyDocument,
			file: nameFrom(w.setting.Account(), w.spec.Name, wanted[i].Name), may: !wanted[i].Required,
		}, env, path)
		if err != nil {
			return err
		}
		if s != nil {
			w.secrets = append(w.secrets, s)
			w.setting.Secrets[s.key] = s.value
		}
	}
	return nil
}

// settled refuses settings of a credential that is in the file already: it has
// them there, and a change would be one for all that it reads.
func (w *describedWalk) settled() error {
	for _, key := range w.spec.Credential {
		if _, given := w.do.Set[key.Name]; given {
			return fault(fmt.Sprintf("Leave --set %s out, or give the name of a new --credential", key.Name),
				"--set %s: the credential %s is in the file already, with its settings", key.Name, w.reuse.Name)
		}
	}
	return nil
}

// oneOf says where one of several secrets is: --token-env is then the beginning
// of their names, --token-file the folder that holds them. One that may be left
// out, and is not there, is.
func (w *describedWalk) oneOf(key *collectors.Key) (env, path string) {
	if w.o.TokenEnv != "" {
		env = strings.TrimSuffix(w.o.TokenEnv, "_") + "_" + strings.ToUpper(key.Name)
		if !key.Required && w.Getenv(env) == "" {
			return "", ""
		}
	}
	if w.o.TokenFile != "" {
		path = filepath.Join(w.o.TokenFile, key.Name)
		if !key.Required && !exists(path) {
			return "", ""
		}
	}
	return env, path
}

// look makes one real call and says what was seen and what watching takes.
func (w *describedWalk) look(ctx context.Context) error {
	deps, _ := w.deps(w.spec.Endpoint)
	deps.Sessions = &heldSessions{}
	w.setting.Accept = func(string) bool { return false }
	seen, err := try(deps, func() (collectors.Seen, error) { return w.spec.Verify(ctx, w.setting, deps) })
	if err != nil {
		return target{name: w.spec.Title, host: w.spec.Title, secret: w.secretName(), where: "--set", now: w.Now()}.explain(err)
	}
	for i, line := range seen.Lines {
		lead := "      "
		if i == 0 {
			lead = "\nSeen: "
		}
		w.d.say("%s%s", lead, line)
	}
	for _, warning := range seen.Warnings {
		w.d.say("WARNING: %s", warning)
	}
	if seen.Name != "" {
		w.setting.Source = w.spec.Name + "/" + seen.Name
	}
	w.d.say("\nWhat watching it every %s takes:", span(w.every()))
	w.d.say("  polls     about %s a day, of one request or more", about(polls(w.every())))
	w.d.say("  limits    %s", w.spec.Limits)
	return nil
}

// every is the interval: the collector's own where the person gave none.
func (w *describedWalk) every() time.Duration {
	if w.o.Every == time.Minute && w.spec.Every != 0 {
		return w.spec.Every
	}
	return w.o.Every
}

// secretName is what the secret is called in a fault, empty where there is
// none.
func (w *describedWalk) secretName() string {
	if len(w.setting.Secrets) == 0 {
		return ""
	}
	return "credential"
}

// entries are what is added to the configuration.
func (w *describedWalk) entries(ctx context.Context, guards []guard) ([]entry, error) {
	var out []entry
	name := w.setting.Credential
	if w.reuse == nil {
		var err error
		if name, err = w.named(nameFrom(w.setting.Account(), w.spec.Name)); err != nil {
			return nil, err
		}
		var credential members
		credential.text("collector", w.spec.Name)
		w.put(&credential, w.spec.Credential)
		for _, s := range w.secrets {
			credential.put(s.key, s.ref())
		}
		out = append(out, entry{"credentials", name, &credential.node})
	}
	var own members
	section := "accounts"
	if w.spec.Multi {
		section = "sources"
		own.text("name", w.setting.Account())
		own.text("collector", w.spec.Name)
	} else {
		own.text("account", w.setting.Source)
	}
	own.text("credential", name)
	if w.o.Every != time.Minute {
		own.put("every", plain(span(w.o.Every)))
	}
	w.put(&own, w.spec.Own)
	if !w.spec.Multi {
		if err := w.person(ctx, w.do.Person, &own); err != nil {
			return nil, err
		}
	}
	out = append(out, entry{section: section, value: &own.node})
	for _, g := range guards {
		out = append(out, entry{section: "identities", value: g.node()})
	}
	return out, nil
}

// put adds the keys that were given.
func (w *describedWalk) put(m *members, keys []collectors.Key) {
	for _, key := range keys {
		if !slices.Contains(w.given, key.Name) {
			continue
		}
		value := w.setting.Values[key.Name]
		switch key.Type {
		case collectors.KeyText, collectors.KeyURL:
			m.text(key.Name, value)
		case collectors.KeyList:
			m.put(key.Name, words(strings.Split(value, "\n")))
		default:
			m.put(key.Name, &yaml.Node{Kind: yaml.ScalarNode, Value: value})
		}
	}
}

// heldSessions keeps sessions while a walk lasts: the daemon makes its own.
type heldSessions struct{ held map[string]collectors.Secret }

func (h *heldSessions) Load(_ context.Context, name string) (collectors.Secret, error) {
	return h.held[name], nil
}

func (h *heldSessions) Save(_ context.Context, name string, s collectors.Secret) error {
	if h.held == nil {
		h.held = map[string]collectors.Secret{}
	}
	h.held[name] = s
	return nil
}
