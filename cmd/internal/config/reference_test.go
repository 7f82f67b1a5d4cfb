package config

import (
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/builtin"
)

const reference = "../../../deploy/config/reference.yaml"

// alternative starts the lines of the reference that show another choice.
const alternative = "#or "

// readReference returns the reference, as it is and with all its alternatives.
func readReference(t *testing.T) (text, all string) {
	t.Helper()
	b, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), strings.ReplaceAll(string(b), alternative, "")
}

// loadReference loads a variant of the reference among the files that it names.
func loadReference(t *testing.T, text string) (*Config, error) {
	t.Helper()
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	dir := write(t, map[string]string{
		"reference.yaml":            text,
		"rules/mine.yaml":           "title: mine",
		"rules-next/mine.yaml":      "title: mine",
		"secrets/ci-token":          "0123456789abcdef0123456789abcdef",
		"secrets/nats-password":     "nats-password",
		"secrets/okta-token":        "00-api-token-of-okta",
		"secrets/entra-secret":      "value-of-a-client-secret",
		"secrets/google-key.json":   "{\n  \"type\": \"service_account\"\n}\n",
		"secrets/x-consumer-secret": "consumer-secret",
		"secrets/picket.creds":      "credentials",
		"templates/title.tmpl":      "{{.Kind}}",
		"templates/lines.tmpl":      "What: {{.Title}}",
		"tls/ca.pem":                "authority",
		"tls/picket.pem":            "certificate",
		"tls/picket.key":            "key",
	})
	t.Chdir(dir)
	return Load("reference.yaml", func(name string) string {
		switch name {
		case "PUBLISHER_SECRET":
			return key
		case "HOOK_URL":
			return "https://hooks.acme.example/value-of-HOOK_URL"
		}
		return "value-of-" + name
	})
}

func TestReferenceIsInOrder(t *testing.T) {
	text, _ := readReference(t)
	c, err := loadReference(t, text)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Accounts) != 8 || len(c.Sources) != 6 || len(c.Credentials) != 12 || len(c.Identities) != 1 || len(c.Receivers) != 6 {
		t.Errorf("%d accounts, %d sources, %d credentials, %d identities, %d receivers; want 8, 6, 12, 1, 6", len(c.Accounts), len(c.Sources), len(c.Credentials), len(c.Identities), len(c.Receivers))
	}
}

// TestReferenceIsComplete: every key of the reference is known, and every
// known key is in the reference.
func TestReferenceIsComplete(t *testing.T) {
	_, all := readReference(t)
	known := map[string]bool{}
	d := newDecoder("reference.yaml", environment(nil))
	d.visited = func(path string, keys []string) {
		for _, key := range keys {
			known[generic(join(path, key))] = true
		}
	}
	d.decode([]byte(all))

	var root yaml.Node
	if err := yaml.Unmarshal([]byte(all), &root); err != nil {
		t.Fatal(err)
	}
	present := map[string]bool{}
	collectKeys(root.Content[0], "", present)
	if len(present) < 90 {
		t.Errorf("%d keys in the reference, want 90 or more", len(present))
	}
	for key := range present {
		if !known[key] {
			t.Errorf("the reference has %s, which is not known", key)
		}
	}
	for key := range known {
		if !present[key] {
			t.Errorf("%s is known, and not in the reference", key)
		}
	}
}

var (
	index      = regexp.MustCompile(`\[\d+\]`)
	nested     = regexp.MustCompile(`^routes\[\](\.routes\[\])+`)
	credential = regexp.MustCompile(`^credentials\.[^.]+`)
)

// generic takes indexes and the names of credentials out of a path.
func generic(path string) string {
	return nested.ReplaceAllString(credential.ReplaceAllString(index.ReplaceAllString(path, "[]"), "credentials.*"), "routes[]")
}

// collectKeys gathers the paths of all keys, not looking into secrets and not
// counting the names of credentials.
func collectKeys(n *yaml.Node, path string, into map[string]bool) {
	switch n.Kind {
	case yaml.SequenceNode:
		for i, item := range n.Content {
			collectKeys(item, fmt.Sprintf("%s[%d]", path, i), into)
		}
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i].Value
			secret := path != "nats.credentials" && (key == "env" || key == "file")
			if path != "credentials" && !secret {
				into[generic(join(path, key))] = true
			}
			collectKeys(n.Content[i+1], join(path, key), into)
		}
	default: // a value
	}
}

// TestReferenceShowsEveryCollector: each collector that describes itself has a
// credential there, and an account or a source, with each of its keys.
func TestReferenceShowsEveryCollector(t *testing.T) {
	_, all := readReference(t)
	var shown struct {
		Credentials       map[string]map[string]any
		Sources, Accounts []map[string]any
	}
	if err := yaml.Unmarshal([]byte(all), &shown); err != nil {
		t.Fatal(err)
	}
	collectorOf := func(entry map[string]any) any {
		name, _ := entry["credential"].(string)
		return shown.Credentials[name]["collector"]
	}
	for _, spec := range builtin.Specs() {
		credential := slices.Collect(maps.Values(shown.Credentials))
		credential = slices.DeleteFunc(credential, func(c map[string]any) bool { return c["collector"] != spec.Name })
		own := slices.Clone(shown.Accounts)
		if spec.Multi {
			own = slices.Clone(shown.Sources)
		}
		own = slices.DeleteFunc(own, func(e map[string]any) bool { return collectorOf(e) != spec.Name })
		for _, part := range []struct {
			name    string
			keys    []collectors.Key
			entries []map[string]any
		}{{"credential", spec.Credential, credential}, {"account or source", spec.Own, own}} {
			if len(part.entries) == 0 {
				t.Errorf("%s: no %s is shown", spec.Name, part.name)
			}
			for _, key := range part.keys {
				if !slices.ContainsFunc(part.entries, func(e map[string]any) bool { _, ok := e[key.Name]; return ok }) {
					t.Errorf("%s: key %s of its %s is not shown", spec.Name, key.Name, part.name)
				}
			}
		}
	}
}

// TestReferenceDefaults: a line that ends in "# default" changes nothing.
func TestReferenceDefaults(t *testing.T) {
	text, _ := readReference(t)
	want, err := loadReference(t, text)
	if err != nil {
		t.Fatal(err)
	}
	marked := 0
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if !strings.Contains(line, "# default") || strings.HasPrefix(line, "#") {
			continue
		}
		marked++
		key, _, _ := strings.Cut(strings.TrimLeft(line, " -"), ":")
		t.Run(fmt.Sprintf("line %d %s", i+1, key), func(t *testing.T) {
			got, err := loadReference(t, strings.Join(slices.Delete(slices.Clone(lines), i, i+1), "\n"))
			if err != nil {
				t.Fatal(err)
			}
			got.src = want.src
			if !reflect.DeepEqual(got, want) {
				t.Errorf("without the line\n got %+v\nwant %+v", *got, *want)
			}
		})
	}
	if marked != 124 {
		t.Errorf("%d lines are marked as defaults, want 124", marked)
	}
}

// TestReferenceAlternatives loads the choices that exclude what stands above.
func TestReferenceAlternatives(t *testing.T) {
	text, _ := readReference(t)
	use := func(text string, drop []string, take ...string) string {
		var out []string
		for line := range strings.SplitSeq(text, "\n") {
			bare := strings.TrimSpace(line)
			if slices.ContainsFunc(drop, func(key string) bool { return strings.HasPrefix(bare, key+":") }) {
				continue
			}
			for _, key := range take {
				if strings.HasPrefix(bare, alternative+key+":") || strings.HasPrefix(bare, alternative+"  "+key+":") {
					line = strings.Replace(line, alternative, "", 1)
				}
			}
			out = append(out, line)
		}
		return strings.Join(out, "\n")
	}
	embedded := []string{"listen", "open_alerts", "durability", "reserve"}
	tests := []struct {
		name string
		text string
		ok   func(*Config) bool
	}{
		{"credentials file and TLS", use(text, embedded, "url", "credentials", "tls", "ca", "cert", "key"), func(c *Config) bool {
			return c.NATS.Credentials == "secrets/picket.creds" && c.NATS.TLS == TLS{"tls/ca.pem", "tls/picket.pem", "tls/picket.key"}
		}},
		{"token", use(text, embedded, "url", "token"), func(c *Config) bool { return c.NATS.Token == "value-of-NATS_TOKEN" }},
		{"user and password", use(text, embedded, "url", "user", "password"), func(c *Config) bool {
			return c.NATS.User == "picket" && c.NATS.Password == "nats-password"
		}},
		{"OAuth 1.0a", use(text, []string{"bearer_token"}, "consumer_key", "consumer_secret", "access_token", "access_secret"), func(c *Config) bool {
			x, _ := c.Credential("acme-x")
			return x.ConsumerSecret == "consumer-secret" && x.AccessSecret == "value-of-X_ACCESS_SECRET"
		}},
		{"bearer token of Alertmanager", use(text, []string{"username", "password", "auth"}, "bearer_token"), func(c *Config) bool {
			return c.Receivers[1].BearerToken == "value-of-ALERTMANAGER_TOKEN"
		}},
		{"an enterprise of GitHub", use(text, []string{"org"}, "enterprise"), func(c *Config) bool {
			s := c.Sources[slices.IndexFunc(c.Sources, func(s Source) bool { return s.Name == "code" })]
			return s.Values["enterprise"] == "acme-corp" && s.Values["org"] == ""
		}},
		{"no NATS intake", use(text, []string{"activities", "approvals"}, "off"), func(c *Config) bool { return c.Intake.NATS == NATSIntake{} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.text == text {
				t.Fatal("the reference does not show this")
			}
			c, err := loadReference(t, tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if !tt.ok(c) {
				t.Errorf("loaded %+v", *c)
			}
		})
	}
}
