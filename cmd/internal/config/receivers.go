package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/alerting/oncall"
	"github.com/picketd/picket/collectors"
)

// Types of receivers.
const (
	ReceiverAlertmanager = "alertmanager"
	ReceiverPagerDuty    = "pagerduty"
	ReceiverSlack        = "slack"
	ReceiverEmail        = "email"
	ReceiverWebhook      = "webhook"
	ReceiverExec         = "exec"
)

// Detail is how much a receiver is told.
type Detail string

// Details.
const (
	DetailFull    Detail = "full"
	DetailMinimal Detail = "minimal" // no more than the title, which names no person
)

// Audience is for whom a receiver's messages are written.
type Audience string

// Audiences.
const (
	AudienceSecurity       Audience = "security"
	AudienceCommunications Audience = "communications" // without jargon
)

// Security of a mail server's connection.
type Security string

// Securities.
const (
	SecurityStartTLS Security = "starttls"
	SecurityImplicit Security = "implicit"
)

// maxDeadline is the longest deadline that delivery keeps to.
const maxDeadline = 5 * day

// Receiver is one place where people are told. Fields of other types are zero.
type Receiver struct {
	Name     string
	Type     string
	Detail   Detail
	Audience Audience
	// Templates take the place of the built-in words; see notify.Templates.
	Title, Lines Template
	Heartbeat    time.Duration // alertmanager, webhook; 0: none
	Deadlines    Deadlines
	// Fallback are the receivers that are told when this one does not work: those
	// of the file, or where it names none all others that page, or all others
	// where none does.
	Fallback []string
	// LastResort are all others, where the file names no Fallback: they are told
	// beside it where it does not work either.
	LastResort []string

	URL collectors.Secret // webhook: where messages are posted; pagerduty: "" for the service's own

	URLs        []string          // alertmanager: of each member of the cluster
	BearerToken collectors.Secret // alertmanager
	Username    string            // alertmanager, email
	Password    collectors.Secret // alertmanager, email
	RoutingKey  collectors.Secret // pagerduty: of the integration "Events API v2"
	// webhook: keys of Standard Webhooks, base64 with or without "whsec_"; each
	// message is signed by all of them.
	Signing      []collectors.Secret
	HeartbeatURL collectors.Secret // webhook

	Token    collectors.Secret // slack: of the bot, "xoxb-…"
	AppToken collectors.Secret // slack: for buttons without a way in from outside, "xapp-…"; may be empty
	Channel  string            // slack: id, "C0123456789"

	Host     string   // email: of the server
	Port     int      // email: 0 for that of Security
	Security Security // email
	Auth     string   // email: "plain", "login" or "xoauth2", with a username
	From     string   // email
	To       []string // email

	Command []string      // exec: program and arguments
	Timeout time.Duration // exec: for one message

	Headers []Pair  // webhook: sent beside the signature
	Env     []Pair  // exec: added to the program's environment
	Labels  []Label // alertmanager: added to every alert
	CA      string  // webhook, alertmanager: file of certificates to trust in place of the system's
}

// Label is a name with a value that is no secret.
type Label struct{ Name, Value string }

// Pair is a name and its value.
type Pair struct {
	Name  string
	Value collectors.Secret
}

// Template is a file with a template of notify.ParseTemplate, as it was when the
// configuration was read. The zero value is none.
type Template struct{ Path, Text string }

// Deadlines say for how long a message is tried before it is given up; 0 is
// delivery's own.
type Deadlines struct {
	Critical, High, Medium, Low, Informational time.Duration
}

// Pages reports whether messages to the receiver wake people.
func (r *Receiver) Pages() bool {
	return r.Type == ReceiverPagerDuty || r.Type == ReceiverAlertmanager
}

// reach says how the receiver reaches one person, if it does: PagerDuty and
// Alertmanager tell a service, and what is written for communications says
// nothing of who is to do something.
func (r *Receiver) reach() (dispatch.Reach, bool) {
	if r.Audience == AudienceCommunications {
		return dispatch.Reach{}, false
	}
	switch r.Type {
	case ReceiverSlack:
		return dispatch.Reach{Contact: oncall.Slack}, true
	case ReceiverEmail:
		return dispatch.Reach{Contact: oncall.Email, Alone: true}, true
	case ReceiverWebhook, ReceiverExec:
		return dispatch.Reach{}, true
	}
	return dispatch.Reach{}, false
}

// Receiver returns the receiver with this name.
func (c *Config) Receiver(name string) (*Receiver, bool) {
	for i := range c.Receivers {
		if c.Receivers[i].Name == name {
			return &c.Receivers[i], true
		}
	}
	return nil, false
}

func (d *decoder) receiver(n *yaml.Node, path string, c *Config) {
	r := Receiver{Detail: DetailFull, Audience: AudienceSecurity}
	keys := d.object(n, path, append(d.commonKeys(&r), d.typeKeys(&r)...)...)
	if d.required(keys, "name", "a name for routes, metrics and commands") && d.required(keys, "type", "the service, such as "+ReceiverPagerDuty) {
		d.checkReceiver(keys, &r)
	}
	c.Receivers = append(c.Receivers, r)
}

// commonKeys are those of every receiver.
func (d *decoder) commonKeys(r *Receiver) []field {
	deadline := func(name string, into *time.Duration) field {
		return d.duration(name, into, time.Minute, maxDeadline)
	}
	return []field{
		d.form("name", &r.Name, name),
		choice(d, "type", &r.Type, receiverTypes()...),
		choice(d, "detail", &r.Detail, DetailFull, DetailMinimal),
		choice(d, "audience", &r.Audience, AudienceSecurity, AudienceCommunications),
		d.duration("heartbeat", &r.Heartbeat, time.Minute, day),
		d.section("deadlines",
			deadline("critical", &r.Deadlines.Critical), deadline("high", &r.Deadlines.High), deadline("medium", &r.Deadlines.Medium),
			deadline("low", &r.Deadlines.Low), deadline("informational", &r.Deadlines.Informational)),
		d.texts("fallback", &r.Fallback, anyText),
		d.section("templates", d.template("title", &r.Title), d.template("lines", &r.Lines)),
	}
}

// typeKeys are those of some types only; see receiverKeys.
func (d *decoder) typeKeys(r *Receiver) []field {
	return []field{
		d.secretURL("url", &r.URL),
		d.texts("urls", &r.URLs, httpURL),
		d.secret("bearer_token", &r.BearerToken),
		d.text("username", &r.Username),
		d.secret("password", &r.Password),
		d.secret("routing_key", &r.RoutingKey),
		d.list("secrets", func(n *yaml.Node, path string) {
			var s collectors.Secret
			if d.secret("", &s).read(n, path); s != "" {
				r.Signing = append(r.Signing, s)
			}
		}),
		d.secretURL("heartbeat_url", &r.HeartbeatURL),
		d.secret("bot_token", &r.Token),
		d.secret("app_token", &r.AppToken),
		d.text("channel", &r.Channel),
		d.text("host", &r.Host),
		d.integer("port", &r.Port, 1, 65535),
		choice(d, "auth", &r.Auth, "plain", "login", "xoauth2"),
		choice(d, "security", &r.Security, SecurityStartTLS, SecurityImplicit),
		parsed(d, "from", `a mail address such as "Picket <picket@acme.example>"`, &r.From, mailAddress),
		d.texts("to", &r.To, func(s string) error { _, err := mailAddress(s); return err }),
		d.list("command", func(n *yaml.Node, path string) {
			if s, ok := d.word(n, path); ok {
				r.Command = append(r.Command, s)
			}
		}),
		d.duration("timeout", &r.Timeout, time.Second, 25*time.Second),
		d.pairs("headers", &r.Headers, headerName),
		d.pairs("environment", &r.Env, variableName),
		d.list("labels", func(n *yaml.Node, path string) {
			var l Label
			keys := d.object(n, path, d.form("name", &l.Name, variableName), d.text("value", &l.Value))
			if d.required(keys, "name", "a name") && d.required(keys, "value", "its value") {
				r.Labels = append(r.Labels, l)
			}
		}),
		d.path("ca", &r.CA),
	}
}

// pairs reads a list of names with secrets, each name once.
func (d *decoder) pairs(key string, into *[]Pair, check func(string) (string, error)) field {
	return d.list(key, func(n *yaml.Node, path string) {
		var p Pair
		keys := d.object(n, path, d.form("name", &p.Name, check), d.secret("value", &p.Value))
		named := d.required(keys, "name", "a name")
		if !d.required(keys, "value", "its value") || !named || p.Name == "" {
			return
		}
		if slices.ContainsFunc(*into, func(other Pair) bool { return strings.EqualFold(other.Name, p.Name) }) {
			d.on(join(path, "name"), "%s is there twice", p.Name)
			return
		}
		*into = append(*into, p)
	})
}

func headerName(s string) (string, error) {
	return matching(s, headerForm, "the name of a header, such as Authorization")
}

func variableName(s string) (string, error) {
	return matching(s, variableForm, "a name of letters, digits and _, such as team")
}

var (
	headerForm   = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]{1,128}$`)
	variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
)

func receiverTypes() []string {
	return []string{ReceiverAlertmanager, ReceiverPagerDuty, ReceiverSlack, ReceiverEmail, ReceiverWebhook, ReceiverExec}
}

// receiverKeys says which keys are for receivers of some types only.
func receiverKeys() map[string][]string {
	return map[string][]string{
		"url":  {ReceiverWebhook, ReceiverPagerDuty},
		"urls": {ReceiverAlertmanager}, "bearer_token": {ReceiverAlertmanager},
		"username": {ReceiverAlertmanager, ReceiverEmail}, "password": {ReceiverAlertmanager, ReceiverEmail},
		"routing_key": {ReceiverPagerDuty}, "secrets": {ReceiverWebhook},
		"heartbeat": {ReceiverAlertmanager, ReceiverWebhook}, "heartbeat_url": {ReceiverWebhook},
		"bot_token": {ReceiverSlack}, "app_token": {ReceiverSlack}, "channel": {ReceiverSlack},
		"host": {ReceiverEmail}, "port": {ReceiverEmail}, "security": {ReceiverEmail}, "auth": {ReceiverEmail}, "from": {ReceiverEmail}, "to": {ReceiverEmail},
		"command": {ReceiverExec}, "timeout": {ReceiverExec},
		"headers": {ReceiverWebhook}, "environment": {ReceiverExec}, "labels": {ReceiverAlertmanager}, "ca": {ReceiverAlertmanager, ReceiverWebhook},
	}
}

// need is a key that a type cannot do without, and what is expected of it.
type need struct{ key, expected string }

func receiverNeeds() map[string][]need {
	return map[string][]need{
		ReceiverAlertmanager: {{"urls", "the addresses of Alertmanager, such as [http://localhost:9093]"}},
		ReceiverPagerDuty:    {{"routing_key", "{file: path} or {env: NAME} of the key of an integration Events API v2"}},
		ReceiverSlack:        {{"bot_token", "{file: path} or {env: NAME} of the bot's token"}, {"channel", "the id of a channel, such as C0123456789"}},
		ReceiverEmail:        {{"host", "the mail server's name"}, {"from", "the sender's address"}, {"to", "the addresses that are told"}},
		ReceiverWebhook:      {{"url", "an address, or {file: path} or {env: NAME} of one"}, {"secrets", "a list of {file: path} or {env: NAME} of keys, as from: openssl rand -base64 32"}},
		ReceiverExec:         {{"command", "a program and its arguments, such as [/usr/local/bin/tell, --loud]"}},
	}
}

// checkReceiver holds each receiver to the keys of its type.
func (d *decoder) checkReceiver(keys object, r *Receiver) {
	of := receiverKeys()
	for _, key := range sortedKeys(of) {
		if owners := of[key]; r.Type != "" && keys.has(key) && !slices.Contains(owners, r.Type) {
			d.on(join(keys.path, key), "is for receivers of type %s, and this is one of %s; remove it", strings.Join(owners, " or "), r.Type)
		}
	}
	for _, n := range receiverNeeds()[r.Type] {
		if d.required(keys, n.key, n.expected) && keys.bare(n.key) {
			d.on(join(keys.path, n.key), "is empty; expected %s", n.expected)
		}
	}
	switch r.Type {
	case ReceiverAlertmanager:
		if keys.has("bearer_token") && keys.has("username") {
			d.on(join(keys.path, "bearer_token"), "is given beside username; keep one way to log in")
		}
		for _, u := range r.URLs {
			if _, err := webURL(u); err != nil && (keys.has("bearer_token") || keys.has("username")) {
				d.on(join(keys.path, "urls"), "%v", err)
			}
		}
		d.together(keys, "username", "password")
	case ReceiverEmail:
		r.Security = cmp.Or(r.Security, SecurityStartTLS)
		if keys.has("auth") && !keys.has("username") {
			d.on(join(keys.path, "auth"), "is given without username; give both, or remove this")
		}
		d.together(keys, "username", "password")
	case ReceiverWebhook:
		d.together(keys, "heartbeat", "heartbeat_url")
	}
}

func (d *decoder) together(keys object, a, b string) {
	if keys.has(a) != keys.has(b) {
		d.on(keys.path, "%s and %s go together; give both or neither", a, b)
	}
}

func sortedKeys(m map[string][]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// checkReceivers checks what refers to another receiver, and completes it.
func (d *decoder) checkReceivers(c *Config) {
	d.unique("receivers", "name", len(c.Receivers), func(i int) string { return c.Receivers[i].Name })
	var names []string
	for i := range c.Receivers {
		if name := c.Receivers[i].Name; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for i := range c.Receivers {
		r := &c.Receivers[i]
		path := fmt.Sprintf("receivers[%d].fallback", i)
		for j, name := range r.Fallback {
			switch at := fmt.Sprintf("%s[%d]", path, j); {
			case name == r.Name:
				d.on(at, "is the receiver itself; name others")
			case !slices.Contains(names, name):
				d.on(at, "there is no receiver %q%s", clip(name), suggest(name, names))
			}
		}
	}
	for i := range c.Receivers {
		r := &c.Receivers[i]
		if _, given := d.src.where[fmt.Sprintf("receivers[%d].fallback", i)]; !given {
			r.Fallback, r.LastResort = othersThan(c.Receivers, r.Name)
		}
	}
}

// othersThan returns the other receivers that page, and those that do not; all
// others where none pages.
func othersThan(all []Receiver, name string) (first, last []string) {
	var paging, others []string
	for i := range all {
		switch r := &all[i]; {
		case r.Name == name || r.Name == "":
		case r.Pages():
			paging = append(paging, r.Name)
		default:
			others = append(others, r.Name)
		}
	}
	if len(paging) > 0 {
		return paging, others
	}
	return others, nil
}

// template is a key with the path of a template, which is read.
func (d *decoder) template(name string, into *Template) field {
	return field{name, func(n *yaml.Node, path string) {
		var file string
		if d.file("", &file).read(n, path); file == "" {
			return
		}
		if !slices.Contains(d.src.files, file) {
			d.src.files = append(d.src.files, file)
		}
		text, err := readSmall(file)
		if err != nil {
			d.at(resolve(n), path, "%v; expected the path of a template", err)
			return
		}
		*into = Template{file, text}
	}}
}

// secretURL is an address, written here or, since some are secrets themselves,
// in a file or an environment variable.
func (d *decoder) secretURL(name string, into *collectors.Secret) field {
	plain := field{name, func(n *yaml.Node, path string) {
		if s, ok := d.word(n, path); ok {
			*into = collectors.Secret(s)
		}
	}}
	hidden := d.secret(name, into)
	return field{name, func(n *yaml.Node, path string) {
		if resolve(n).Kind == yaml.MappingNode {
			hidden.read(n, path)
		} else {
			plain.read(n, path)
		}
		// What it says may be a secret, so it is not repeated.
		if u, err := url.Parse(into.Reveal()); *into != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			d.on(path, "is no address; expected one such as https://hooks.example/picket")
			*into = ""
		}
	}}
}

// httpURL takes plain HTTP too: Alertmanager often stands beside.
func httpURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("not a web address; expected one such as http://localhost:9093")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("holds more than scheme, host and path; expected an address such as http://localhost:9093")
	}
	return nil
}

func mailAddress(s string) (string, error) {
	if _, err := mail.ParseAddress(s); err != nil {
		return "", fmt.Errorf("%q is no mail address; expected one such as sre@acme.example", clip(s))
	}
	return s, nil
}
