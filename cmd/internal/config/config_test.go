package config

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	_ "time/tzdata" // the zones of the tests, wherever they run

	"github.com/picketd/picket/alerting/calendar"
	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/rules"
)

// environment is a getenv with these variables.
func environment(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// write puts files into a new folder and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// load loads a configuration that must be in order.
func load(t *testing.T, text string, vars map[string]string) *Config {
	t.Helper()
	c, err := Load(filepath.Join(write(t, map[string]string{"picket.yaml": text}), "picket.yaml"), environment(vars))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	dir := write(t, map[string]string{"picket.yaml": "accounts:\n  - account: x/acme\n"})
	got, err := Load(filepath.Join(dir, "picket.yaml"), environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		DataDir:  filepath.Join(dir, "data"),
		Instance: host,
		NATS:     NATS{Listen: "127.0.0.1:4222"},
		Journal: Journal{
			Partitions: 1, Durability: Power, Reserve: 1 << 30, Replicas: 1, Mentions: 600,
			Retention: Retention{Logins: 90 * 24 * time.Hour, Posts: 180 * 24 * time.Hour, Mentions: 30 * 24 * time.Hour},
		},
		HTTP:     HTTP{Listen: "127.0.0.1:9465"},
		Log:      Log{Level: "info", Format: "console"},
		Rules:    Rules{Packs: []string{"social"}, Budget: Budget{Time: 50 * time.Microsecond, Span: time.Minute, Action: BudgetReport}},
		Accounts: []Account{{Name: "x/acme", TimeZone: time.UTC, Importance: Normal}},
		Intake: Intake{
			Webhook: Webhook{Rate: 100},
			NATS:    NATSIntake{Activities: "picket.intake.activities", Approvals: "picket.intake.approvals"},
		},
		Evidence:  Evidence{Media: true, Retention: 730 * 24 * time.Hour, MaxBytes: 16 << 20},
		Detector:  Detector{Lateness: 15 * time.Minute, Checkpoint: 10 * time.Second},
		Incidents: Incidents{Window: time.Hour}, Notifications: told(),
		src: got.src,
	}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("defaults\n got %+v\nwant %+v", *got, want)
	}
	if !got.NATS.Embedded() {
		t.Error("no url, and the server is not embedded")
	}
	if want := []string{filepath.Join(dir, "picket.yaml")}; !slices.Equal(got.Files(), want) {
		t.Errorf("files %q, want %q", got.Files(), want)
	}
}

func TestLoad(t *testing.T) {
	key := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	dir := write(t, map[string]string{
		"conf/secrets/ci": "0123456789abcdef0123456789abcdef\r\n",
		"conf/ca.pem":     "certificate",
		"conf/p.creds":    "credentials",
		"rules/mine.yaml": "title: mine",
		"conf/picket.yaml": `
data_dir: /var/lib/picket
instance: one
organisation: Acme
nats:
  url: "nats://a.example:4222, tls://b.example:4222"
  credentials: {file: p.creds}
  tls: {ca: ca.pem}
journal:
  partitions: 8
  retention: {logins: 1w2d, posts: 52w}
  max_bytes: 1.5GiB
  replicas: 3
http: {listen: ":0"}
log: {level: debug, format: json, personal: true}
rules:
  packs: []
  dirs: [../rules]
  overrides:
    - {rule: posting_burst, mode: observe}
    - {rule: 5e0c1f7a-5d5e-4f0a-9a57-2f9b7a0c6f11, mode: off, level: low}
  budget: {time: 20us, span: 2m, action: observe}
credentials:
  second: &oauth
    collector: x
    api: v1.1
    base_url: http://127.0.0.1:8080
    fields_param: post.fields
    consumer_key: {env: CK}
    consumer_secret: {env: CS}
    access_token: {env: AT}
    access_secret: {env: AS}
    requests: {per: 15m, limit: 900}
    budget_usd_per_month: 50
    price_post: 0.001
    price_user: 0
  first: {collector: x, bearer_token: {env: BEARER}}
  third: *oauth
sources:
  - {name: history, collector: file, path: in.jsonl, history: true}
  - {name: demo, collector: simulate, accounts: 12, seed: 18446744073709551615, speed: 60, every: 1s}
accounts:
  - account: x/acme
    credential: first
    every: 30s
    user_id: "783214"
    mentions: true
    rehydrate: 0
    backfill: 10
    overlap: 0s
    owner: Jane Roe
    contact: "+49 30 123456"
    time_zone: Europe/Berlin
    working_hours: Mon-Fri 09:00-18:00
    importance: critical
    approvals: required
    guarded_by: [okta/editor-2, okta/editor-3]
  - {account: x/acme_help, credential: first, approvals: off, guarded_by: [okta/editor-2]}
  - {account: x/quiet, credential: second}
  - {account: mastodon/acme@example.social}
intake:
  webhook:
    tokens: [{name: ci, token: {file: secrets/ci}, accounts: ["x/acme", "okta/*"]}]
    signing: [{name: tool, secret: {env: KEY}}]
    rate: 2.5
  nats: {off: true}
  approvals_file: approvals.jsonl
evidence: {media: false, retention: 90d, max_bytes: 1MiB}
detector: {lateness: 0s, checkpoint: 1m, max_accounts: 500000}
`,
	})
	path := filepath.Join(dir, "conf", "picket.yaml")
	got, err := Load(path, environment(map[string]string{
		"CK": "consumer-key", "CS": "consumer-secret", "AT": "access-token", "AS": "access-secret",
		"BEARER": "bearer", "KEY": "whsec_" + key,
	}))
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	oauth := Credential{
		Name: "second", Collector: "x", API: "v1.1", BaseURL: "http://127.0.0.1:8080", FieldsParam: "post.fields",
		ConsumerKey: "consumer-key", ConsumerSecret: "consumer-secret", AccessToken: "access-token", AccessSecret: "access-secret",
		Requests: RequestLimit{900, 15 * time.Minute}, BudgetUSDPerMonth: 50, PricePost: 0.001,
	}
	third := oauth
	third.Name = "third"
	want := Config{
		DataDir: "/var/lib/picket", Instance: "one", Organisation: "Acme",
		NATS: NATS{
			URL: "nats://a.example:4222, tls://b.example:4222", Listen: "127.0.0.1:4222",
			Credentials: filepath.Join(dir, "conf/p.creds"), TLS: TLS{CA: filepath.Join(dir, "conf/ca.pem")},
		},
		Journal: Journal{
			Partitions: 8, Durability: Power, MaxBytes: 3 << 29, Reserve: 1 << 30, Replicas: 3, Mentions: 600,
			Retention: Retention{Logins: 9 * 24 * time.Hour, Posts: 364 * 24 * time.Hour, Mentions: 30 * 24 * time.Hour},
		},
		HTTP: HTTP{Listen: ":0"},
		Log:  Log{Level: "debug", Format: "json", Personal: true},
		Rules: Rules{
			Dirs: []string{filepath.Join(dir, "rules")},
			Overrides: []Override{
				{Rule: "posting_burst", Mode: rules.Observe},
				{Rule: "5e0c1f7a-5d5e-4f0a-9a57-2f9b7a0c6f11", Mode: rules.Off, Level: rules.Low},
			},
			Budget: Budget{Time: 20 * time.Microsecond, Span: 2 * time.Minute, Action: BudgetObserve},
		},
		Credentials: []Credential{
			{Name: "first", Collector: "x", API: "v2", FieldsParam: "tweet.fields", BearerToken: "bearer"},
			oauth, third,
		},
		Sources: []Source{
			{Name: "history", Collector: "file", Every: 2 * time.Second, Path: filepath.Join(dir, "conf/in.jsonl"), History: true},
			{Name: "demo", Collector: "simulate", Every: time.Second, Accounts: 12, Seed: 1<<64 - 1, Speed: 60},
		},
		Accounts: []Account{
			{
				Name: "x/acme", Collector: "x", Credential: "first", Every: 30 * time.Second, UserID: "783214", Mentions: true,
				Rehydrate: -1, Backfill: 10, Owner: "Jane Roe", Contact: "+49 30 123456", TimeZone: berlin,
				WorkingHours: mustHours(t, "Mon-Fri 09:00-18:00", berlin), Importance: Critical, ApprovalsRequired: true,
				GuardedBy: []string{"okta/editor-2", "okta/editor-3"},
			},
			{
				Name: "x/acme_help", Collector: "x", Credential: "first", Every: time.Minute, Username: "acme_help",
				Rehydrate: 100, Backfill: 200, Overlap: 15 * time.Minute, TimeZone: time.UTC, Importance: Normal,
				GuardedBy: []string{"okta/editor-2"},
			},
			{
				Name: "x/quiet", Collector: "x", Credential: "second", Every: time.Minute,
				Rehydrate: 100, Backfill: 200, Overlap: 15 * time.Minute, TimeZone: time.UTC, Importance: Normal,
			},
			{Name: "mastodon/acme@example.social", TimeZone: time.UTC, Importance: Normal},
		},
		Intake: Intake{
			Webhook: Webhook{
				Tokens:  []Token{{Name: "ci", Token: "0123456789abcdef0123456789abcdef", Accounts: []string{"x/acme", "okta/*"}}},
				Signing: []SigningKey{{Name: "tool", Secret: collectors.Secret("whsec_" + key)}},
				Rate:    2.5,
			},
			ApprovalsFile: filepath.Join(dir, "conf/approvals.jsonl"),
		},
		Evidence:  Evidence{Retention: 90 * 24 * time.Hour, MaxBytes: 1 << 20},
		Detector:  Detector{Lateness: 0, Checkpoint: time.Minute, MaxAccounts: 500_000},
		Incidents: Incidents{Window: time.Hour}, Notifications: told(),
		src: got.src,
	}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("loaded\n got %+v\nwant %+v", *got, want)
	}
	if want := []string{path, filepath.Join(dir, "conf/secrets/ci")}; !slices.Equal(got.Files(), want) {
		t.Errorf("files %q, want %q", got.Files(), want)
	}
	if got := len(got.Secrets()); got != 7 {
		t.Errorf("%d secrets, want 7: the alias gives the same four", got)
	}
}

func TestLookUps(t *testing.T) {
	c := load(t, `
credentials:
  one: {collector: x, bearer_token: {env: T}}
accounts:
  - {account: x/acme, guarded_by: [okta/a, okta/b]}
  - {account: x/other, guarded_by: [okta/a]}
`, map[string]string{"T": "secret-value"})

	if a, ok := c.Account("x/other"); !ok || a.Name != "x/other" {
		t.Errorf("Account(x/other) = %+v, %v", a, ok)
	}
	if _, ok := c.Account("okta/a"); ok {
		t.Error("an identity is no account")
	}
	if cred, ok := c.Credential("one"); !ok || cred.BearerToken.Reveal() != "secret-value" {
		t.Errorf("Credential(one) = %+v, %v", cred, ok)
	}
	if _, ok := c.Credential("two"); ok {
		t.Error("there is no credential two")
	}
	if got, want := c.Guards("okta/a"), []string{"x/acme", "x/other"}; !slices.Equal(got, want) {
		t.Errorf("okta/a guards %q, want %q", got, want)
	}
	if got := c.Guards("x/acme"); got != nil {
		t.Errorf("x/acme guards %q, want nothing", got)
	}
	for name, want := range map[string]bool{"x/acme": true, "okta/b": true, "okta/c": false, "": false} {
		if got := c.Known(name); got != want {
			t.Errorf("Known(%q) = %v, want %v", name, got, want)
		}
	}
}

// TestFault places faults that other rooms find.
func TestFault(t *testing.T) {
	c := load(t, "rules:\n  packs:\n    - social\n    - scoial\naccounts:\n  - account: x/acme\n", nil)
	tests := []struct {
		name, field string
		want        string
	}{
		{"a field in the file", "rules.packs[1]", ":4:7: rules.packs[1]: unknown"},
		{"an item that is not there", "rules.packs[7]", ":3:5: rules.packs[7]: unknown"},
		{"a key that is not there", "accounts[0].owner", ":6:5: accounts[0].owner: unknown"},
		{"nothing around it", "journal.replicas", ":1:1: journal.replicas: unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := c.Fault(tt.field, "unknown").Error(); got != c.Files()[0]+tt.want {
				t.Errorf("got  %s\nwant %s", got, c.Files()[0]+tt.want)
			}
		})
	}
}

// TestNamed asks for what a configuration names that cannot be loaded.
func TestNamed(t *testing.T) {
	dir := write(t, map[string]string{
		"refused.yaml": "rules: {dirs: [./rules]}\nno_such_key: 1\naccounts: [{account: x/acme, credential: c}]\ncredentials: {c: {collector: x, bearer_token: {file: token}}}\n",
		"torn.yaml":    "rules: {dirs: [./rules",
	})
	path := func(name string) string { return filepath.Join(dir, name) }
	tests := []struct {
		name, file  string
		files, dirs []string
	}{
		{"with faults", "refused.yaml", []string{path("refused.yaml"), path("token")}, []string{path("rules")}},
		{"no YAML", "torn.yaml", []string{path("torn.yaml")}, nil},
		{"not there", "none.yaml", []string{path("none.yaml")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files, dirs := Named(path(tt.file), environment(nil))
			if !slices.Equal(files, tt.files) || !slices.Equal(dirs, tt.dirs) {
				t.Errorf("files %q, folders %q; want %q, %q", files, dirs, tt.files, tt.dirs)
			}
		})
	}
}

func TestUnreadable(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "absent.yaml"), environment(nil))
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "give the path") {
		t.Errorf("got %v, want one that wraps ErrNotExist and says how to mend it", err)
	}
	if faults, ok := errors.AsType[Faults](err); ok {
		t.Errorf("an absent file has faults: %v", faults)
	}
}

func mustHours(t *testing.T, text string, zone *time.Location) calendar.Hours {
	t.Helper()
	h, err := calendar.ParseHours(text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// told is how much receivers are told where the file says nothing.
func told() Notifications {
	return Notifications{
		Budget: dispatch.Budget{Pages: 10, Messages: 60, Per: time.Hour},
		Repeat: map[rules.Level]time.Duration{"critical": time.Hour, "high": 4 * time.Hour},
		Digest: 9 * time.Hour, Zone: time.UTC, FlapQuiet: 30 * time.Minute,
	}
}
