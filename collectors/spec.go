package collectors

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Spec describes a collector to the configuration, the daemon and picket
// connect, so that one entry in collectors/builtin makes it known to all of
// them. Each collector's folder has its own, as func Spec() collectors.Spec.
type Spec struct {
	// Name is the collector in the configuration, the network label of metrics
	// and the first part of its accounts or identities: "bluesky".
	Name string
	// Title is what people call it: "Bluesky".
	Title string
	// Multi says that it reads a log of many identities, so that it stands
	// under sources; else it reads one account, and stands under accounts.
	Multi bool
	// Credential lists the keys of its credentials, beside those that all have
	// (collector, requests).
	Credential []Key
	// Own lists the keys of an account or a source, beside those that all have.
	// No name is in both lists.
	Own []Key
	// Every is the usual interval between polls; 0 means a minute.
	Every time.Duration
	// Lag is how late the network documents that items may turn up; 0 where
	// they do not. Whoever reads "nothing came" must wait that long.
	Lag time.Duration
	// Name of the quota of a request, see BudgetOptions.Endpoint; may be nil.
	Endpoint func(*http.Request) string
	// Units is what the network grants a credential a day beside requests; the
	// zero value for nothing.
	Units Units
	// CheckAccount refuses what cannot be an account's name there: the part
	// after the slash. Nil takes every name. It is not called where Multi.
	CheckAccount func(name string) error
	// New makes the collector of one account or source. Its error names the
	// key at fault.
	New func(Setting, Deps) (Collector, error)
	// Shows says what it tells with these settings. It makes no request.
	Shows func(Setting) Shows
	// Verify makes one real call with a credential and says what was seen and
	// what the credential may do, for picket connect. Its errors are those of
	// Poll.
	Verify func(context.Context, Setting, Deps) (Seen, error)
	// Guide tells a person where the credential is made and with which least
	// rights, in lines of at most 80 characters, without a newline at the end.
	Guide string
	// Limits, Hides and Library are the words for people's table of collectors:
	// documented limits, what it cannot show, the client that it stands on.
	Limits, Hides, Library string
}

// Units is what a network grants a credential in a day, of which requests take
// different amounts. A key of the credential named "units" overrides PerDay.
type Units struct {
	PerDay int
	// Zone is where the day begins at midnight, "America/Los_Angeles"; empty
	// for UTC.
	Zone string
	// Cost is what a request takes, nil for one each.
	Cost func(*http.Request) int
}

// KeyType says what is written at a key.
type KeyType string

// The types of keys.
const (
	KeyText     KeyType = "text"
	KeySecret   KeyType = "secret"   // {file: path} or {env: NAME}, in one line
	KeyDocument KeyType = "document" // likewise, in any number of lines: a key file
	KeyURL      KeyType = "url"      // http or https, without a slash at the end
	KeyList     KeyType = "list"     // of texts
	KeyTruth    KeyType = "truth"    // true or false
	KeyNumber   KeyType = "number"   // whole
	KeyDuration KeyType = "duration"
)

// Key is one key of a collector's settings.
type Key struct {
	Name     string
	Type     KeyType
	Required bool
	// Default is the value where none is given, written as in a file.
	Default string
	// Help is one line for people: what it is, with an example. It follows
	// "expected" in messages: "the handle or DID, such as acme.example".
	Help string
	// Choices are the texts that may be given; nil allows all.
	Choices []string
	// Least and Most bound a number, or a duration in seconds, where Most is
	// not 0.
	Least, Most int64
	// Check refuses a text; nil takes all. Its error says what was expected.
	Check func(string) error
}

// Setting is what a configuration says to one collector.
type Setting struct {
	// Source is the name of the log: the account, "bluesky/acme.example", or
	// collector and name of the source, "entra/acme".
	Source string
	// Credential is the name of the credential, under which sessions are kept.
	Credential string
	// Values holds what was given or is the default, by key, as in the file;
	// items of lists stand in lines of their own.
	Values map[string]string
	// Secrets holds the values of keys of type KeySecret and KeyDocument.
	Secrets map[string]Secret
	// Accept reports whether an identity guards an account, where Multi; what
	// it refuses is dropped before anything is stored, and counted.
	Accept func(identity string) bool
}

// Account returns the part of Source after the slash.
func (s Setting) Account() string {
	_, name, _ := strings.Cut(s.Source, "/")
	return name
}

// Text returns the value of a key, empty where there is none.
func (s Setting) Text(key string) string { return s.Values[key] }

// Secret returns the secret of a key, empty where there is none.
func (s Setting) Secret(key string) Secret { return s.Secrets[key] }

// Truth reports whether a key is true.
func (s Setting) Truth(key string) bool { return s.Values[key] == "true" }

// Number returns the number at a key, 0 where there is none.
func (s Setting) Number(key string) int {
	n, _ := strconv.Atoi(s.Values[key])
	return n
}

// Duration returns the duration at a key, written as time.Duration does; 0
// where there is none.
func (s Setting) Duration(key string) time.Duration {
	d, _ := time.ParseDuration(s.Values[key])
	return d
}

// List returns the items at a key.
func (s Setting) List(key string) []string {
	if s.Values[key] == "" {
		return nil
	}
	return strings.Split(s.Values[key], "\n")
}

// Seen is what one real call showed of an account or a log, for a person.
type Seen struct {
	// Name is the account as the network spells it, "acme.example": what the
	// configuration calls it. Empty where Multi.
	Name string
	// Lines say what was seen: "Acme Inc., 1,204 posts, 15,331 followers".
	Lines []string
	// Warnings say what the credential may do beyond reading, and how to take
	// that away.
	Warnings []string
}

// Sessions keeps what networks hand out and take back at every use, such as
// refresh tokens, over restarts. It is safe for concurrent use.
type Sessions interface {
	// Load returns what was saved last under a name, empty when nothing was.
	Load(ctx context.Context, name string) (Secret, error)
	// Save replaces it; when it returns, it survives a crash.
	Save(ctx context.Context, name string, s Secret) error
}

// A Watcher is a Collector that can also hear, between polls, that there is
// something to read: over a stream. What it hears is a hint that brings the
// next poll forward and nothing else; the poll reads it, so that nothing
// depends on a stream that breaks. Watch calls hint until ctx ends or the
// stream breaks, and then returns the reason; the scheduler calls it again
// with backoff. It runs beside Poll and leaves no goroutine behind.
//
// Requests of Watch have no time-out once their answer has begun, and its size
// is not bounded; a connection that is upgraded may be written to. A collector
// around another one names that by a method Inner() Collector.
type Watcher interface {
	Collector
	Watch(ctx context.Context, hint func()) error
}

// mentionsKey marks contexts whose requests read mentions.
type mentionsKey struct{}

// ForMentions marks requests that read what others say of an account. A part
// of every quota is kept back from them, so that a public storm cannot blind
// Picket to the account itself.
func ForMentions(ctx context.Context) context.Context {
	return context.WithValue(ctx, mentionsKey{}, true)
}

// forMentions reports whether ForMentions marked a context.
func forMentions(ctx context.Context) bool { return ctx.Value(mentionsKey{}) != nil }
