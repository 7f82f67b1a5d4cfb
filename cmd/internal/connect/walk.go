package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/picketd/picket/alerting/calendar"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
)

// World is what a walk works with.
type World struct {
	In     io.Reader // of the person; a terminal, or a line for each answer
	Out    io.Writer
	Getenv func(string) string
	Now    func() time.Time
	Agent  string // User-Agent of requests
}

// Options are what the walks have in common. What is empty is asked for, or
// takes its default.
type Options struct {
	Config     string        // path of the configuration file, which need not be there
	Credential string        // name of one that is in the file, or for a new one
	TokenFile  string        // path of a file that holds the secret
	TokenEnv   string        // name of the environment variable that holds the secret
	TokenStdin bool          // read the secret from In even with Yes
	Every      time.Duration // between polls
	Yes        bool          // ask nothing
}

// Person says who answers for an account, and when people work on it.
type Person struct {
	Owner, Contact         string
	TimeZone, WorkingHours string
}

// walk is one account's way into the configuration.
type walk struct {
	World
	o       Options
	d       *dialog
	site    *site
	secrets []*secret // of a new credential
}

func newWalk(w World, o Options) (*walk, error) {
	if o.TokenEnv != "" && o.TokenFile != "" || o.TokenStdin && o.TokenEnv+o.TokenFile != "" {
		return nil, fault("Keep one of them", "--token-file, --token-env and --token-stdin exclude each other")
	}
	if o.Every < time.Second {
		return nil, fault("Give a second or more, such as 1m", "--every %s is too short", o.Every)
	}
	s, err := openSite(o.Config, w.Getenv)
	if err != nil {
		return nil, err
	}
	return &walk{World: w, o: o, d: &dialog{in: w.In, out: w.Out, yes: o.Yes}, site: s}, nil
}

// deps are what a collector works with while it is tried, and the budget that
// learns the network's limits.
func (w *walk) deps(endpoint func(*http.Request) string) (collectors.Deps, *collectors.Budget) {
	b := collectors.NewBudget("connect", collectors.BudgetOptions{Endpoint: endpoint})
	return collectors.Deps{
		HTTP: collectors.NewClient(b, collectors.ClientOptions{UserAgent: w.Agent, MaxWait: time.Second}),
		Now:  w.Now,
	}, b
}

// try looks at an account. The connection is closed when it has been seen.
func try[S any](deps collectors.Deps, verify func() (S, error)) (S, error) {
	defer deps.HTTP.CloseIdleConnections()
	return verify()
}

// named returns the name of a new credential.
func (w *walk) named(usual string) (string, error) {
	if w.o.Credential == "" {
		return w.site.freeCredential(usual), nil
	}
	if nameFrom(w.o.Credential) != strings.ToLower(w.o.Credential) {
		return "", fault("Give another --credential", "%q cannot be a credential's name: expected letters, digits, _ and -", w.o.Credential)
	}
	return w.o.Credential, nil
}

// reused returns the credential of the file that --credential names, or else
// one that fits if the person wants it; nil for a new one.
func (w *walk) reused(ctx context.Context, collector string, fits func(c *config.Credential) bool) (*config.Credential, error) {
	var c *config.Credential
	if name := w.o.Credential; name != "" {
		c = w.site.credential(func(c *config.Credential) bool { return c.Name == name })
		switch {
		case c == nil:
			return nil, nil
		case c.Collector != collector || !fits(c):
			return nil, fault("Give another --credential", "the credential %s of the file is for something else", name)
		case w.o.TokenEnv != "" || w.o.TokenFile != "" || w.o.TokenStdin:
			return nil, fault("Leave the token out, or give the name of a new --credential", "the credential %s is in the file already, with its secret", name)
		}
	} else {
		c = w.site.credential(func(c *config.Credential) bool { return c.Collector == collector && fits(c) })
		if c == nil || w.o.TokenEnv != "" || w.o.TokenFile != "" || w.o.TokenStdin {
			return nil, nil
		}
		if use, err := w.d.confirm(ctx, fmt.Sprintf("The file has the credential %s. Read this account with it, too?", c.Name), true); err != nil || !use {
			return nil, err
		}
	}
	for _, s := range []collectors.Secret{c.BearerToken, c.Token, c.ConsumerKey, c.ConsumerSecret, c.AccessToken, c.AccessSecret} {
		if s != "" && w.site.missing(s) {
			return nil, fault("Set it for this command as it is for the service", "an environment variable of the credential %s is not set here", c.Name)
		}
	}
	return c, nil
}

// polls returns how many there are in a window: of the account, and of those
// that a credential of the file reads already.
func (w *walk) polls(window time.Duration, shared *config.Credential) float64 {
	n := float64(window) / float64(w.o.Every)
	if shared == nil {
		return n
	}
	for i := range w.site.cfg.Accounts {
		if a := &w.site.cfg.Accounts[i]; a.Credential == shared.Name {
			n += float64(window) / float64(a.Every)
		}
	}
	return n
}

// person asks who answers for the account and adds it to its entry.
func (w *walk) person(ctx context.Context, p Person, m *members) error {
	if !w.d.yes && p == (Person{}) {
		w.d.say("\nAn alert says whom to call. All of this can be changed later.")
	}
	var err error
	ask := func(q question) string {
		if err != nil {
			return ""
		}
		q.may = true
		var s string
		s, err = w.d.ask(ctx, q)
		return s
	}
	m.text("owner", ask(question{label: "Who answers for the account", flag: "--owner", given: p.Owner}))
	m.text("contact", ask(question{label: "How to reach that person", flag: "--contact", given: p.Contact}))
	zone := ask(question{label: "Time zone", flag: "--time-zone", given: p.TimeZone, usual: localZone(w.Getenv), check: checkZone})
	m.text("time_zone", zone)
	if zone == "" && p.WorkingHours != "" {
		return fault("Give --time-zone, too", "--working-hours: hours of which place")
	}
	if zone != "" {
		m.text("working_hours", ask(question{label: "Working hours, such as Mon-Fri 09:00-18:00", flag: "--working-hours", given: p.WorkingHours, check: checkHours}))
	}
	return err
}

func checkZone(s string) (string, error) {
	if _, err := time.LoadLocation(s); err != nil || s == "Local" {
		return "", fmt.Errorf("%q is not a time zone; expected one such as Europe/Berlin or UTC", s)
	}
	return s, nil
}

func checkHours(s string) (string, error) {
	_, err := calendar.ParseHours(s, time.UTC)
	return s, err
}

// localZone returns the name of this machine's time zone, "" where it has none.
func localZone(getenv func(string) string) string {
	name := strings.TrimPrefix(getenv("TZ"), ":")
	if name == "" {
		if to, err := os.Readlink("/etc/localtime"); err == nil {
			_, name, _ = strings.Cut(filepath.ToSlash(to), "/zoneinfo/")
		}
	}
	if name == "" {
		return ""
	}
	if _, err := checkZone(name); err != nil {
		return ""
	}
	return name
}

// finish shows what is added to the configuration, and writes it when the
// person agrees.
func (w *walk) finish(ctx context.Context, entries []entry) error {
	text, err := insert(w.site.text, entries)
	if err != nil {
		return w.byHand(entries, err)
	}
	before := w.site.text
	if w.site.fresh {
		before = nil
		w.d.say("\n%s is new:\n", w.site.path)
	} else {
		w.d.say("\nThis is added to %s:\n", w.site.path)
	}
	w.d.say("%s", changes(before, text))
	if agreed, err := w.d.confirm(ctx, "Write it?", true); err != nil {
		return err
	} else if !agreed {
		w.d.say("Nothing was changed.")
		return nil
	}
	if err := w.write(text); err != nil {
		return err
	}
	w.told()
	return nil
}

// write writes the secrets first, since the configuration counts on them, and
// takes them back if it cannot follow.
func (w *walk) write(text []byte) error {
	var written []string
	err := func() error {
		for _, s := range w.secrets {
			if !s.write {
				continue
			}
			if err := w.site.writeSecret(s.file, s.value); err != nil {
				return err
			}
			written = append(written, s.file)
		}
		if err := w.site.check(text); err != nil {
			return err
		}
		return w.site.replace(text)
	}()
	if err != nil {
		for _, path := range written {
			w.site.removeSecret(path)
		}
	}
	return err
}

// told says what was written and what comes next.
func (w *walk) told() {
	w.d.say("Written: %s", w.site.path)
	for _, s := range w.secrets {
		switch {
		case s.write:
			w.d.say("The secret is in %s, which only you may read:", filepath.Join(filepath.Dir(w.site.path), s.file))
			w.d.say("where Picket runs as another user, make that one the owner.")
		case s.env != "":
			w.d.say("The service that runs Picket needs the environment variable %s, too.", s.env)
		}
	}
	w.d.say("\nNext: picket run --config %s\nA Picket that runs with this file already takes it up by itself.", w.site.path)
}

// byHand is for files that are written in a way that cannot be added to.
func (w *walk) byHand(entries []entry, err error) error {
	var b strings.Builder
	for _, e := range entries {
		block, encodeErr := e.block(2)
		if encodeErr != nil {
			return encodeErr
		}
		fmt.Fprintf(&b, "\n%s:\n%s", e.section, strings.Join(block, "\n"))
	}
	f := fault("Add this by hand, and put the secret where it says:\n"+b.String(), "%s cannot be added to: %v", w.site.path, err)
	f.Err = errors.Unwrap(err)
	return f
}

// changes tells what differs in two texts, with the lines around it.
func changes(before, after []byte) string {
	hunk := regexp.MustCompile(`^@@ -\d+,\d+ \+(\d+),\d+ @@$`)
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(string(diff.Diff("", before, "", after)), "\n"), "\n") {
		if i < 3 { // the names of both
			continue
		}
		at := hunk.FindStringSubmatch(line)
		switch {
		case at != nil && before == nil:
			continue
		case at != nil:
			line = "line " + at[1]
		default:
			line = line[:1] + " " + line[1:] // the sign
		}
		b.WriteString("  " + strings.TrimRight(line, " \r") + "\n")
	}
	return b.String()
}
