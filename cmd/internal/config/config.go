// Package config reads Picket's one YAML file into a Config: strictly, with
// every fault and its place in one go, and with secrets taken from files or
// the environment only. It starts nothing and knows no collector's code; what
// a setting means to a room belongs in that room, and plugging them together
// in cmd/internal/app.
//
// Every key, its default and its meaning is in deploy/config/reference.yaml,
// which a test holds against this package.
//
// Time zones are loaded by name, so the command must import time/tzdata for
// machines that have no time zone database.
package config

import (
	"reflect"
	"slices"
	"time"

	"github.com/picketd/picket/alerting/calendar"
	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/alerting/oncall"
	"github.com/picketd/picket/alerting/silence"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/rules"
)

// Config is one configuration file, complete with defaults and checked. It is
// immutable once loaded. Paths in it are absolute or relative to the working
// directory, no longer to the file.
type Config struct {
	DataDir       string // journal, checkpoints, generated credentials
	Instance      string // this daemon's name in leases and logs
	Organisation  string // whose accounts these are; may be empty
	NATS          NATS
	Journal       Journal
	HTTP          HTTP
	Log           Log
	Rules         Rules
	Credentials   []Credential          // sorted by name
	Sources       []Source              // in the file's order
	Accounts      []Account             // in the file's order
	Identities    []Identity            // in the file's order; those that only guarded_by names are not among them
	Receivers     []Receiver            // in the file's order
	Routes        []dispatch.Route      // of the file alone; see Policy
	Inhibit       []dispatch.Inhibition // in the file's order
	Escalation    []Escalation          // in the file's order
	Incidents     Incidents
	Notifications Notifications
	Enrich        Enrich
	Intake        Intake
	Evidence      Evidence
	Detector      Detector
	People        []oncall.Person   // in the file's order
	Schedules     []oncall.Schedule // in the file's order
	QuietHours    oncall.QuietHours
	Maintenance   []silence.Window // in the file's order
	Budget        float64          // alerts per account and month that learned rules may raise together; 0 leaves each rule its own

	src *source
}

// NATS says which server holds the log and carries the alerts.
type NATS struct {
	URL string // server URLs, comma separated; "" means the embedded server

	// For the embedded server only.
	Listen     string // host:port, "" for no listener
	OpenAlerts bool   // whoever reaches the listener may subscribe to alerts

	// For a server at URL only.
	Credentials string // path of a NATS credentials file, "" for none
	Token       collectors.Secret
	User        string
	Password    collectors.Secret
	TLS         TLS
}

// Embedded tells whether Picket runs the NATS server itself.
func (n NATS) Embedded() bool { return n.URL == "" }

// TLS holds paths of PEM files; empty fields take the system's default.
type TLS struct {
	CA   string // authorities to trust
	Cert string // client certificate; given with Key or not at all
	Key  string
}

// Durability says what an acknowledged activity survives.
type Durability string

// Durabilities of the embedded server.
const (
	Power   Durability = "power"   // a power failure: fsync for each message
	Process Durability = "process" // a killed process, not a power failure
)

// Journal says how the activity log is stored.
type Journal struct {
	Partitions int        // fixed when the store is created
	Durability Durability // embedded server only
	Retention  Retention
	MaxBytes   int64 // per partition; 0 is unbounded
	Reserve    int64 // bytes of free disk below which intake stops; embedded server only
	Replicas   int   // 1, 3 or 5
	Mentions   int   // of an account that are kept of one minute, before only a sample is; 0 for all
}

// Retention is how long activities are kept, by what they are about; see
// activity.Class.
type Retention struct {
	Logins, Posts, Mentions time.Duration
}

// HTTP serves metrics, health, webhook intake, approvals and the API of alerts.
type HTTP struct {
	Listen string // host:port
	// PublicURL is where people reach it, without a slash at the end; "" where
	// they do not, and messages hold no links then.
	PublicURL string
	API       API
}

// Log says what is logged and how.
type Log struct {
	Level    string // debug, info, warn or error
	Format   string // console or json
	Personal bool   // log IP addresses and texts too
}

// Rules says which rules are in force.
type Rules struct {
	Packs     []string // built-in packs by name
	Dirs      []string // folders of rule documents
	Shadow    []string // folders of documents that only observe, beside the others
	Overrides []Override
	Budget    Budget
}

// Budget bounds what one rule may cost.
type Budget struct {
	// Span is how long a rule is measured until it is held against Time; it is
	// over its budget after three in a row.
	Span   time.Duration
	Time   time.Duration // that a rule may take an activity, on average over all activities
	Action BudgetAction
}

// BudgetAction says what happens to a rule over its budget.
type BudgetAction string

// What may happen to a rule over its budget.
const (
	BudgetReport  BudgetAction = "report"  // a metric and a line in the log tell of it
	BudgetObserve BudgetAction = "observe" // it observes from then on, and an alert tells of it
	BudgetOff     BudgetAction = "off"     // nothing
)

// Override changes one rule without a copy of it.
type Override struct {
	Rule  string      // name or id
	Mode  rules.Mode  // "" leaves it
	Level rules.Level // "" leaves it
}

// Names of the collectors whose settings have fields here; the others describe
// theirs, see collectors/builtin.
const (
	CollectorX        = "x"
	CollectorMastodon = "mastodon"
	CollectorOkta     = "okta"
	CollectorFile     = "file"
	CollectorSimulate = "simulate"
)

// Credential is what one collector uses to read accounts or a log, with its
// budgets. Fields of other collectors are zero.
type Credential struct {
	Name      string
	Collector string // CollectorX, CollectorMastodon, CollectorOkta or one that describes itself

	BaseURL     string // x: "" for the network's own; okta: the organisation's
	API         string // x: "v2" or "v1.1"
	FieldsParam string // x: "tweet.fields" or "post.fields"

	// x: either BearerToken or the four of OAuth 1.0a are set; with Activity
	// BearerToken is, and the four may be beside it, or for a webhook the
	// ConsumerSecret alone.
	BearerToken    collectors.Secret
	ConsumerKey    collectors.Secret
	ConsumerSecret collectors.Secret
	AccessToken    collectors.Secret
	AccessSecret   collectors.Secret

	Activity string // x: "stream" or "webhook" to hear of events at once; "" to poll alone

	Server string            // mastodon: the server's URL
	Token  collectors.Secret // mastodon: "" reads what everybody may; okta: an API token

	Requests          RequestLimit
	BudgetUSDPerMonth float64 // x: 0 is no limit
	PricePost         float64 // x: US dollars for each post read; 0 takes the collector's
	PriceUser         float64 // x: US dollars for each user read; 0 takes the collector's
	PriceMessage      float64 // x: US dollars for each direct message read; 0 takes the collector's

	Keyed // of collectors that describe themselves
}

// RequestLimit bounds requests beside what the network's own headers say. The
// zero value does not.
type RequestLimit struct {
	Limit int
	Per   time.Duration
}

// Source is polled and yields activities of several accounts.
type Source struct {
	Name      string
	Collector string // CollectorOkta, CollectorFile, CollectorSimulate or one that describes itself
	Every     time.Duration
	Fastest   time.Duration // between polls after an alert; 0: Every
	Slowest   time.Duration // between polls while nothing comes, the worst delay; 0: Every

	Credential string        // okta: name of a Credential
	Identity   string        // okta: which part of a user names the identity: IdentityEmailLocal, IdentityLogin or IdentityID
	Backfill   time.Duration // okta: how much history the first connection reads
	Overlap    time.Duration // okta: how long before the newest event events are read again

	Path    string // file: JSON lines of activities
	History bool   // file: what it holds at first teaches and raises nothing

	Accounts int     // simulate: connected accounts
	Seed     uint64  // simulate: chooses the world
	Speed    float64 // simulate: how fast its clock runs, 1 as in life

	Keyed // of collectors that describe themselves
}

// Values of Source.Identity; collectors/okta says what they mean.
const (
	IdentityEmailLocal = "email_local"
	IdentityLogin      = "login"
	IdentityID         = "id"
)

// Importance of an account to its organisation.
type Importance string

// Importances, from the least.
const (
	Low      Importance = "low"
	Normal   Importance = "normal"
	Critical Importance = "critical"
)

// Account is one connected account.
type Account struct {
	Name       string        // "x/acme"
	Collector  string        // that of its credential; "" when activities are only pushed
	Credential string        // name of a Credential, "" when activities are only pushed
	Every      time.Duration // between polls; 0 when activities are only pushed
	Fastest    time.Duration // between polls after an alert; 0: Every
	Slowest    time.Duration // between polls while nothing comes, the worst delay; 0: Every

	UserID    string        // x: the account's number, "" to look it up
	Username  string        // x: handle without @; mastodon: name without the first @, with the host where it is another's
	Mentions  bool          // also read posts that mention the account
	Messages  bool          // x: also read direct messages that the account sends
	Stream    bool          // mastodon: also hear the server's stream, so that polls come at once
	Rehydrate int           // x: newest own posts that are looked up for deletions; -1 for none
	Watch     int           // mastodon: newest own posts that are read again for edits and deletions; -1 for none
	Backfill  int           // posts of history read at first
	Overlap   time.Duration // how long before the last poll posts are read again

	Keyed // of collectors that describe themselves

	Owner             string
	Contact           string
	TimeZone          *time.Location // never nil
	WorkingHours      calendar.Hours // in TimeZone; zero when not stated
	Importance        Importance
	ApprovalsRequired bool
	// GuardedBy are the identities behind the account, "okta/editor-2": those
	// that its guarded_by names, then those whose guards name it.
	GuardedBy []string
}

// Identity is somebody whose logins belong to the accounts that it guards.
type Identity struct {
	Identity string   // "okta/editor-2"
	Guards   []string // accounts; those whose GuardedBy names it are not repeated
	Name     string   // of the person whose login it is
	Contact  string   // phone number, chat handle, e-mail address of the person
}

// Enrich holds paths of MaxMind DB files that tell where IP addresses are; ""
// for none. They need not exist yet.
type Enrich struct {
	Location  string // a Country or City file
	ASN       string
	Anonymous string // an Anonymous IP file
}

// Intake says how others push activities and approvals.
type Intake struct {
	Webhook       Webhook
	NATS          NATSIntake
	ApprovalsFile string // JSON lines of approvals, followed; "" for none
}

// Webhook says who may push over HTTP. Without tokens and signing keys nobody
// may.
type Webhook struct {
	Tokens  []Token
	Signing []SigningKey
	Rate    float64 // requests per second and sender
}

// Token lets its bearer push activities of some accounts.
type Token struct {
	Name     string
	Token    collectors.Secret
	Accounts []string // "x/acme", or "x/*" for all that start with "x/"; empty means all
}

// SigningKey verifies Standard Webhooks signatures.
type SigningKey struct {
	Name     string
	Secret   collectors.Secret // base64, with or without the prefix "whsec_"
	Accounts []string          // as in Token
}

// NATSIntake names the subjects that activities and approvals arrive on; both
// are empty when it is off.
type NATSIntake struct {
	Activities string
	Approvals  string
}

// Evidence says whether and how copies are kept of what flagged posts show.
type Evidence struct {
	Media     bool          // images, films and sound are fetched and kept
	Retention time.Duration // of copies
	MaxBytes  int64         // of each copy
}

// Detector holds what the engine needs beside rules.
type Detector struct {
	Lateness    time.Duration // late activities still count in their window
	Checkpoint  time.Duration // between checkpoints
	MaxAccounts int           // accounts and identities that each partition remembers; 0 for any number
}

// Account returns the account with this name.
func (c *Config) Account(name string) (Account, bool) {
	i, ok := c.src.accounts[name]
	if !ok {
		return Account{}, false
	}
	return c.Accounts[i], true
}

// Identity returns what the file says of an identity beside whom it guards.
func (c *Config) Identity(name string) (Identity, bool) {
	i, ok := c.src.identities[name]
	if !ok {
		return Identity{}, false
	}
	return c.Identities[i], true
}

// Credential returns the credential with this name.
func (c *Config) Credential(name string) (Credential, bool) {
	for _, cred := range c.Credentials {
		if cred.Name == name {
			return cred, true
		}
	}
	return Credential{}, false
}

// Guards returns the names of the accounts that an identity guards, in the
// file's order; none when it guards nothing.
func (c *Config) Guards(identity string) []string { return c.src.guards[identity] }

// Known tells whether activities of this account or identity are taken: it is
// in the file, or guards an account that is.
func (c *Config) Known(name string) bool {
	_, account := c.src.accounts[name]
	return account || len(c.src.guards[name]) > 0
}

// Secrets returns the distinct secrets of the file, for tests and scrubbers
// that assert that none is ever shown. They are gathered from the exported
// fields and kept nowhere else: fmt cannot call the methods that redact a
// Secret behind an unexported one.
func (c *Config) Secrets() []collectors.Secret {
	return appendSecrets(nil, reflect.ValueOf(*c))
}

func appendSecrets(all []collectors.Secret, v reflect.Value) []collectors.Secret {
	if v.Type() == reflect.TypeFor[collectors.Secret]() {
		if s := collectors.Secret(v.String()); s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
		return all
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				all = appendSecrets(all, v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			all = appendSecrets(all, v.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			all = appendSecrets(all, v.MapIndex(key))
		}
	default: // no secret is behind a pointer
	}
	return all
}

// Files returns the paths of the configuration file and of every secret file
// that was read with it: a change of any of them asks for a reload.
func (c *Config) Files() []string { return c.src.files }

// Stale tells of the secret files that Reload found nothing good in, so that
// the value before stays. It is empty where there is none.
func (c *Config) Stale() Faults { return c.src.stale.sorted() }

// Fault returns a fault about a field, "rules.packs[0]", for checks that only
// other rooms can make. It is placed at the field, or where the file says
// nothing of it, at the nearest thing around it.
func (c *Config) Fault(field, message string) Fault { return c.src.fault(field, message) }
