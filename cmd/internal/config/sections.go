package config

import (
	"os"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/rules"
)

const (
	defaultNATSListen = "127.0.0.1:4222"
	defaultHTTPListen = "127.0.0.1:9465"
	listenOff         = "off"

	maxPartitions = 1024
	maxPolling    = 30 * day // between two polls
)

// defaults returns what holds where the file says nothing.
func defaults() *Config {
	instance, err := os.Hostname()
	if err != nil || instance == "" {
		instance = "picket"
	}
	return &Config{
		DataDir:  "data",
		Instance: instance,
		NATS:     NATS{Listen: defaultNATSListen},
		Journal: Journal{
			Partitions: 1, Durability: Power, Reserve: 1 << 30, Replicas: 1, Mentions: 600,
			Retention: Retention{Logins: 90 * day, Posts: 180 * day, Mentions: 30 * day},
		},
		HTTP:  HTTP{Listen: defaultHTTPListen},
		Log:   Log{Level: "info", Format: "console"},
		Rules: Rules{Packs: []string{"social"}, Budget: Budget{Time: 50 * time.Microsecond, Span: time.Minute, Action: BudgetReport}},
		Intake: Intake{
			Webhook: Webhook{Rate: 100},
			NATS:    NATSIntake{Activities: "picket.intake.activities", Approvals: "picket.intake.approvals"},
		},
		Evidence:  Evidence{Media: true, Retention: 730 * day, MaxBytes: 16 << 20},
		Detector:  Detector{Lateness: 15 * time.Minute, Checkpoint: 10 * time.Second},
		Incidents: Incidents{Window: time.Hour}, Notifications: defaultNotifications(),
	}
}

// config reads the whole document.
func (d *decoder) config(root *yaml.Node, c *Config) {
	c.DataDir, _ = d.locate(c.DataDir)
	var natsKeys, journalKeys object
	top := d.object(root, "", slices.Concat([]field{
		d.path("data_dir", &c.DataDir),
		d.text("instance", &c.Instance),
		d.text("organisation", &c.Organisation),
		{"nats", func(n *yaml.Node, path string) { natsKeys = d.nats(n, path, &c.NATS) }},
		{"journal", func(n *yaml.Node, path string) { journalKeys = d.journal(n, path, &c.Journal) }},
		d.section("http",
			parsed(d, "listen", "an address such as "+defaultHTTPListen, &c.HTTP.Listen, address),
			parsed(d, "public_url", "an address such as https://picket.example.com", &c.HTTP.PublicURL, publicURL),
			d.section("api", d.list("tokens", func(n *yaml.Node, path string) { d.apiToken(n, path, &c.HTTP.API) }))),
		d.section("log",
			choice(d, "level", &c.Log.Level, "debug", "info", "warn", "error"),
			choice(d, "format", &c.Log.Format, "console", "json"),
			d.truth("personal", &c.Log.Personal)),
		d.section("rules",
			d.texts("packs", &c.Rules.Packs, anyText),
			field{"dirs", func(n *yaml.Node, path string) { d.dirs(n, path, &c.Rules.Dirs) }},
			field{"shadow", func(n *yaml.Node, path string) { d.dirs(n, path, &c.Rules.Shadow) }},
			d.list("overrides", func(n *yaml.Node, path string) { d.override(n, path, &c.Rules) }),
			d.section("budget",
				d.duration("time", &c.Rules.Budget.Time, time.Microsecond, time.Second),
				d.duration("span", &c.Rules.Budget.Span, time.Second, time.Hour),
				choice(d, "action", &c.Rules.Budget.Action, BudgetReport, BudgetObserve, BudgetOff))),
		parsed(d, "budget", budgetForm, &c.Budget, parseBudget),
		{"credentials", func(n *yaml.Node, path string) { d.credentials(n, path, c) }},
		d.list("sources", func(n *yaml.Node, path string) { d.source(n, path, c) }),
		d.list("accounts", func(n *yaml.Node, path string) { d.account(n, path, c) }),
		d.list("identities", func(n *yaml.Node, path string) { d.identity(n, path, c) }),
		d.list("people", func(n *yaml.Node, path string) { d.person(n, path, c) }),
		d.list("schedules", d.schedule),
		d.list("quiet_hours", func(n *yaml.Node, path string) { d.quiet(n, path, c) }),
		d.list("maintenance", func(n *yaml.Node, path string) { d.window(n, path, c) }),
		d.list("receivers", func(n *yaml.Node, path string) { d.receiver(n, path, c) }),
	}, d.routing(c), []field{
		{"enrich", func(n *yaml.Node, path string) { d.enrich(n, path, &c.Enrich) }},
		d.section("intake",
			d.section("webhook",
				d.list("tokens", func(n *yaml.Node, path string) { d.token(n, path, &c.Intake.Webhook) }),
				d.list("signing", func(n *yaml.Node, path string) { d.signing(n, path, &c.Intake.Webhook) }),
				d.decimal("rate", &c.Intake.Webhook.Rate, 0.01)),
			field{"nats", func(n *yaml.Node, path string) { d.natsIntake(n, path, &c.Intake.NATS) }},
			d.path("approvals_file", &c.Intake.ApprovalsFile)),
		d.section("evidence",
			d.truth("media", &c.Evidence.Media),
			d.duration("retention", &c.Evidence.Retention, time.Hour, 0),
			d.size("max_bytes", &c.Evidence.MaxBytes)),
		d.section("detector",
			d.duration("lateness", &c.Detector.Lateness, 0, day),
			d.duration("checkpoint", &c.Detector.Checkpoint, time.Second, time.Hour),
			d.integer("max_accounts", &c.Detector.MaxAccounts, 0, 1e9)),
	})...)
	d.checkServer(c, natsKeys, journalKeys)
	d.checkNames(c)
	d.checkSources(c)
	d.checkIdentities(c)
	d.checkAccounts(c)
	d.checkWebhooks(c)
	d.checkActivity(c)
	d.checkOnCall(c)
	d.checkReceivers(c)
	d.checkRouting(c)
	if (top.node != nil || top.empty) && top.bare("accounts") && top.bare("sources") {
		d.on("accounts", "nothing to watch; expected at least one account, or a source")
	}
}

func (d *decoder) nats(n *yaml.Node, path string, c *NATS) object {
	return d.object(n, path,
		parsed(d, "url", "a URL such as nats://host:4222", &c.URL, natsURLs),
		parsed(d, "listen", "an address such as "+defaultNATSListen+", or off", &c.Listen, func(s string) (string, error) {
			if s == listenOff {
				return "", nil
			}
			return address(s)
		}),
		d.truth("open_alerts", &c.OpenAlerts),
		d.section("credentials", d.file("file", &c.Credentials)),
		d.secret("token", &c.Token),
		d.text("user", &c.User),
		d.secret("password", &c.Password),
		d.section("tls", d.file("ca", &c.TLS.CA), d.file("cert", &c.TLS.Cert), d.file("key", &c.TLS.Key)),
	)
}

func (d *decoder) journal(n *yaml.Node, path string, c *Journal) object {
	return d.object(n, path,
		d.integer("partitions", &c.Partitions, 1, maxPartitions),
		choice(d, "durability", &c.Durability, Power, Process),
		d.section("retention",
			d.duration("logins", &c.Retention.Logins, time.Hour, 0),
			d.duration("posts", &c.Retention.Posts, time.Hour, 0),
			d.duration("mentions", &c.Retention.Mentions, time.Hour, 0)),
		d.size("max_bytes", &c.MaxBytes),
		d.size("reserve", &c.Reserve),
		d.integer("replicas", &c.Replicas, 1, 5),
		d.integer("mentions_per_minute", &c.Mentions, 0, 1_000_000),
	)
}

// dirs reads folders of rules, each of which must be there.
func (d *decoder) dirs(n *yaml.Node, path string, into *[]string) {
	d.items(n, path, func(n *yaml.Node, path string) {
		var dir string
		d.path("", &dir).read(n, path)
		if dir == "" {
			return
		}
		if info, err := os.Stat(dir); err != nil {
			d.at(resolve(n), path, "%v; expected a folder of rules, relative ones start at the configuration's folder", err)
		} else if !info.IsDir() {
			d.at(resolve(n), path, "%q is not a folder; expected a folder of rules", clip(dir))
		}
		*into = append(*into, dir)
	})
}

func (d *decoder) override(n *yaml.Node, path string, c *Rules) {
	var o Override
	keys := d.object(n, path,
		d.text("rule", &o.Rule),
		choice(d, "mode", &o.Mode, rules.Enforce, rules.Observe, rules.Off),
		choice(d, "level", &o.Level, rules.Informational, rules.Low, rules.Medium, rules.High, rules.Critical),
	)
	c.Overrides = append(c.Overrides, o)
	if !d.required(keys, "rule", "the name or id of a rule") {
		return
	}
	if !keys.has("mode") && !keys.has("level") {
		d.on(path, "changes nothing; expected mode or level beside rule")
	}
}

// required tells of a mapping that is empty or lacks a key.
func (d *decoder) required(o object, key, expected string) bool {
	switch {
	case o.node == nil:
		if o.empty {
			d.on(o.path, "is empty; expected a mapping with %s", key)
		}
		return false
	case !o.has(key):
		d.on(o.path, "%s is missing; expected %s", key, expected)
		return false
	}
	return true
}
