package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/collectors"
)

// TestSecretsAreNeverShown prints a whole configuration in every way.
func TestSecretsAreNeverShown(t *testing.T) {
	text, _ := readReference(t)
	c, err := loadReference(t, text)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Secrets()) != 30 {
		t.Fatalf("%d secrets, want 30", len(c.Secrets()))
	}
	forms := map[string]func() string{
		"json": func() string {
			b, err := json.Marshal(c)
			return fmt.Sprint(string(b), err)
		},
		"yaml": func() string {
			b, err := yaml.Marshal(c)
			return fmt.Sprint(string(b), err)
		},
		"zap json":    func() string { return zapped(t, c, zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())) },
		"zap console": func() string { return zapped(t, c, zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig())) },
		"slog": func() string {
			var b strings.Builder
			slog.New(slog.NewTextHandler(&b, nil)).Info("loaded", "config", *c)
			slog.New(slog.NewJSONHandler(&b, nil)).Info("loaded", "config", c)
			return b.String()
		},
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		forms[verb] = func() string { return fmt.Sprintf(verb, *c) }
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			got := form()
			if !strings.Contains(got, collectors.Redacted) {
				t.Errorf("no %s in it, so it shows no credential at all", collectors.Redacted)
			}
			assertHidden(t, got, c.Secrets())
		})
	}
}

// zapped logs a configuration and each kind of value in it.
func zapped(t *testing.T, c *Config, enc zapcore.Encoder) string {
	t.Helper()
	var b strings.Builder
	log := zap.New(zapcore.NewCore(enc, zapcore.AddSync(&b), zap.DebugLevel))
	x, _ := c.Credential("acme-x")
	log.Info("loaded", zap.Any("config", c), zap.Any("credential", x), zap.Any("token", c.Intake.Webhook.Tokens[0].Token),
		zap.Reflect("tokens", c.Intake.Webhook.Tokens), zap.Stringer("secret", x.BearerToken))
	return b.String()
}

func assertHidden(t *testing.T, text string, secrets []collectors.Secret) {
	t.Helper()
	for _, s := range secrets {
		for _, form := range []string{s.Reveal(), fmt.Sprintf("%x", s.Reveal()), fmt.Sprintf("%X", s.Reveal())} {
			if strings.Contains(text, form) {
				t.Errorf("a secret is shown, %q of %d bytes", form, len(text))
			}
		}
	}
}

// TestFaultsHideSecrets writes a secret wherever somebody may by mistake. Each
// is a fault, and no fault repeats it.
func TestFaultsHideSecrets(t *testing.T) {
	const secret = "AAAAhunter2/x=="
	tests := []struct{ name, text string }{
		{"in place", "nats: {url: 'nats://a', token: " + secret + "}"},
		{"in place, quoted", "nats: {url: 'nats://a', token: '" + secret + "'}"},
		{"in a list", "nats: {url: 'nats://a', token: [" + secret + "]}"},
		{"as a key", "nats: {url: 'nats://a', token: {? " + secret + "}}"},
		{"under another key", "nats: {url: 'nats://a', token: {value: " + secret + "}}"},
		{"as a file", "nats: {url: 'nats://a', token: {file: " + secret + "}}"},
		{"as an absolute file", "nats: {url: 'nats://a', token: {file: /" + secret + "}}"},
		{"as a home file", "nats: {url: 'nats://a', token: {file: ~" + secret + "}}"},
		{"as a file with a NUL", "nats: {url: 'nats://a', token: {file: \"" + secret + "\\0\"}}"},
		{"as a variable", "nats: {url: 'nats://a', token: {env: " + secret + "}}"},
		{"beside a variable", "nats: {url: 'nats://a', token: {env: A, file: " + secret + "}}"},
		{"under a misspelt key", "nats: {tokn: " + secret + "}"},
		{"as a misspelt key", "nats: {" + secret + ": x}"},
		{"as a key that comes twice", "nats: {" + secret + ": x, " + secret + ": x}"},
		{"as a section", "nats: " + secret},
		{"as an item", "accounts: [" + secret + "]"},
		{"as a credential", "credentials: {a: " + secret + "}"},
		{"as a credential's name", "credentials: {" + secret + ": {collector: x}}"},
		{"in a NATS URL", "nats: {url: 'nats://me:" + secret + "@a'}"},
		{"in a bad NATS URL", "nats: {url: 'http://me:" + secret + "@a'}"},
		{"in a broken NATS URL", "nats: {url: 'nats://me:%zz" + secret + "@a'}"},
		{"in a base URL", "credentials: {a: {collector: x, base_url: 'https://me:" + secret + "@a'}}"},
		{"in a broken base URL", "credentials: {a: {collector: x, base_url: 'https://me:%zz" + secret + "@a'}}"},
		{"in a base URL's query", "credentials: {a: {collector: x, base_url: 'https://a?key=" + secret + "'}}"},
		{"in a server", "credentials: {a: {collector: mastodon, server: 'https://me:" + secret + "@a'}}"},
		{"as a token", "credentials: {a: {collector: okta, base_url: 'https://a', token: " + secret + "}}"},
		{"taken for an alias", "nats: {token: *" + secret + "}"},
		{"with a tag", "nats: {url: 'nats://a', token: !secret " + secret + "}"},
		{"on a broken line", "nats:\n  token: \"" + secret + "\n"},
		{"too short", "intake: {webhook: {tokens: [{name: a, token: {env: SHORT}}]}}"},
		{"not base64", "intake: {webhook: {signing: [{name: a, secret: {env: SHORT}}]}}"},
		{"several lines", "nats: {url: 'nats://a', token: {env: LINES}}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, map[string]string{"picket.yaml": tt.text + "\n"})
			t.Chdir(dir)
			_, err := Load("picket.yaml", environment(map[string]string{"SHORT": secret, "LINES": secret + "\n" + secret}))
			if err == nil {
				t.Fatal("no fault")
			}
			// The parts, since a fault may repeat half of it.
			for _, part := range []string{"hunter2", "AAAA"} {
				if strings.Contains(err.Error(), part) {
					t.Errorf("the secret is repeated: %v", err)
				}
			}
		})
	}
}

// TestSecretFolder: what is no file is refused before it is opened.
func TestSecretFolder(t *testing.T) {
	t.Chdir(write(t, map[string]string{"picket.yaml": "accounts: [{account: x/acme}]\nnats: {url: 'nats://a', token: {file: .}}\n"}))
	_, err := Load("picket.yaml", os.Getenv)
	const want = "picket.yaml:2:39: nats.token.file: read the file named here: not a regular file; relative paths start at the configuration's folder"
	if err == nil || err.Error() != want {
		t.Errorf("fault %v\nwant  %s", err, want)
	}
}

// TestSecretFiles reads what people and secret stores write.
func TestSecretFiles(t *testing.T) {
	tests := []struct {
		name, content, want, fault string
	}{
		{"plain", "s3cret", "s3cret", ""},
		{"with a line break", "s3cret\n", "s3cret", ""},
		{"with a Windows line break", "s3cret\r\n", "s3cret", ""},
		{"with spaces, which may belong to it", " s3cret ", " s3cret ", ""},
		{"empty", "\n", "", "the secret is empty; put it there"},
		{"two lines", "s3cret\nother\n", "", "the secret has more than one line; expected one"},
		{"binary", "s3\x00cret", "", "the secret has more than one line; expected one"},
		{"too long", strings.Repeat("s", 64<<10+1), "", "read the file named here: longer than 65536 bytes, so it is no secret; relative paths start at the configuration's folder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(write(t, map[string]string{
				"picket.yaml": "accounts: [{account: x/acme}]\nnats: {url: 'nats://a', token: {file: token}}\n",
				"token":       tt.content,
			}))
			c, err := Load("picket.yaml", os.Getenv)
			if tt.fault != "" {
				if want := "picket.yaml:2:39: nats.token.file: " + tt.fault; err == nil || err.Error() != want {
					t.Errorf("fault %v\nwant  %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := c.NATS.Token.Reveal(); got != tt.want {
				t.Errorf("read %q, want %q", got, tt.want)
			}
		})
	}
}

// TestReloadKeepsSecrets holds which faults of a secret file leave the value
// before in force, and that they are told.
func TestReloadKeepsSecrets(t *testing.T) {
	const text = "accounts: [{account: x/a, credential: c}]\ncredentials: {c: {collector: x, bearer_token: {file: %s}}}\n"
	for _, row := range []struct {
		name  string
		make  func(t *testing.T, file string)
		token string
		told  string // "" for nothing
	}{
		{"another", replaced("second\n"), "second", ""},
		{"the same", replaced("first"), "first", ""},
		{"empty", replaced(""), "first", "the secret is empty; put it there"},
		{"nothing but a new line", replaced("\n"), "first", "the secret is empty; put it there"},
		{"two lines", replaced("second\nthird\n"), "first", "the secret has more than one line; expected one"},
		{"filled with zero bytes", replaced("sec\x00\x00"), "first", "the secret has more than one line; expected one"},
		{"too long", replaced(strings.Repeat("x", maxSecret+1)), "first", "read the file named here: longer than 65536 bytes, so it is no secret; relative paths start at the configuration's folder"},
		{"gone", func(t *testing.T, file string) {
			t.Helper()
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}, "first", "read the file named here: no such file or directory; relative paths start at the configuration's folder"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			path, file := filepath.Join(dir, "picket.yaml"), filepath.Join(dir, "token")
			replaced("first")(t, file)
			replaced(fmt.Sprintf(text, "token"))(t, path)
			before, err := Load(path, os.Getenv)
			if err != nil {
				t.Fatal(err)
			}
			row.make(t, file)
			for again := range 2 { // what was kept is kept again
				after, err := Reload(before, path, os.Getenv)
				if err != nil {
					t.Fatal(err)
				}
				if got := after.Credentials[0].BearerToken.Reveal(); got != row.token {
					t.Errorf("reload %d: the token is %q, want %q", again+1, got, row.token)
				}
				want := Faults(nil)
				if row.told != "" {
					want = Faults{{File: path, Line: 2, Column: 54, Message: "credentials.c.bearer_token.file: " + row.told}}
				}
				if !slices.Equal(after.Stale(), want) {
					t.Errorf("reload %d: told %v, want %v", again+1, after.Stale(), want)
				}
				before = after
			}
			// Of another file nothing is known that could stay.
			replaced("")(t, filepath.Join(dir, "other"))
			replaced(fmt.Sprintf(text, "other"))(t, path)
			if _, err := Reload(before, path, os.Getenv); err == nil || !strings.Contains(err.Error(), "the secret is empty") {
				t.Errorf("an empty file that was not read before: %v", err)
			}
		})
	}
}

// replaced returns what replaces a file's text.
func replaced(text string) func(*testing.T, string) {
	return func(t *testing.T, file string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
