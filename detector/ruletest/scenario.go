package ruletest

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/sigma"
)

// Scenario is a story and what must be found in it.
type Scenario struct {
	File       string // as shown in faults
	Title      string
	About      string
	References []string // where a real incident is documented
	Packs      []string // built-in packs whose rules it takes besides those beside it
	Accounts   []detector.Account
	Events     []Event       // in log order
	Expect     []Expectation // in the file's order
}

// Event is one activity at its place in the log.
type Event struct {
	Log      time.Time // log time at which it arrives, UTC
	Backfill bool      // history, which teaches and raises nothing
	Activity activity.Activity
}

// Expectation is a finding that must open.
type Expectation struct {
	Place   sigma.Pos // in the file
	Rule    string    // name or id
	Account string    // empty for a rule across accounts
	Level   rules.Level
	Count   int       // activities in the episode
	At      time.Time // log time at which it opens; zero: any
	Why     string    // part of a reason's words; "": any
	Related []string  // rules that led to it; nil: any
	// Of a rule across accounts: its group, and the accounts that it is about;
	// nil: any.
	Group    []activity.Field
	Accounts []string
}

// IsTest reports whether a file of that name is a test of rules: it ends in
// .test.yml or .test.yaml.
func IsTest(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".test.yml") || strings.HasSuffix(name, ".test.yaml")
}

// Start returns the first moment of day 1, a Monday.
func Start() time.Time { return time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC) }

// Parse reads a scenario. Its error is a rules.Faults with every fault of the
// file, each with line and column.
func Parse(name string, data []byte) (*Scenario, error) {
	r := &reader{file: name}
	s := &Scenario{File: name}
	if n := r.document(data); n != nil {
		r.scenario(n, s)
	}
	if r.beyond != nil {
		return nil, rules.Faults{*r.beyond}
	}
	if err := r.faults.Sort().Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// document returns the root of the file's only document, nil after a fault.
func (r *reader) document(data []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		r.faults = append(r.faults, rules.Fault{File: r.file, At: sigma.Pos{Line: 1, Column: 1}, Message: "the file is empty; expected a scenario"})
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		r.fault(&more, "a second document; write one scenario a file")
	}
	return doc.Content[0]
}

func (r *reader) scenario(n *yaml.Node, s *Scenario) {
	var connected time.Time
	var habits, course []recipe
	given := r.object(n, "a scenario", map[string]func(*yaml.Node){
		"title":      func(n *yaml.Node) { s.Title = r.text(n, "title") },
		"about":      func(n *yaml.Node) { s.About = r.text(n, "about") },
		"references": func(n *yaml.Node) { s.References = r.texts(n, "references") },
		"packs":      func(n *yaml.Node) { s.Packs = r.texts(n, "packs") },
		"connected":  func(n *yaml.Node) { connected = r.moment(n) },
		"accounts":   func(n *yaml.Node) { s.Accounts = r.accounts(n) },
		"habits":     func(n *yaml.Node) { habits = r.recipes(n, "habits", r.habit) },
		"case":       func(n *yaml.Node) { course = r.recipes(n, "case", r.incident) },
		"expect":     func(n *yaml.Node) { s.Expect = r.expectations(n) },
	})
	for _, key := range []string{"title", "about", "accounts", "case", "expect"} {
		if given != nil && !given[key] {
			r.fault(n, "a scenario has no %s; add it", key)
		}
	}
	recipes := slices.Concat(habits, course)
	total := 0
	for i := range recipes {
		r.known(&recipes[i], s.Accounts)
		if total += recipes[i].size(); total > maxCount {
			r.fault(recipes[i].node, "the entries up to this one make more than %d activities; make them fewer", maxCount)
			break
		}
	}
	if len(r.faults) == 0 {
		s.Events = events(recipes, connected)
	}
}

// known checks that an entry's account is one of the scenario's, so that a
// slip of the pen is not silence.
func (r *reader) known(rec *recipe, accounts []detector.Account) {
	name := rec.proto.Account
	if name != "" && !slices.ContainsFunc(accounts, func(a detector.Account) bool {
		return a.Name == name || slices.Contains(a.GuardedBy, name)
	}) {
		r.fault(find(rec.node, "account"), "account %s is neither among accounts nor guards one of them", name)
	}
}

func (r *reader) accounts(n *yaml.Node) []detector.Account {
	var out []detector.Account
	for _, item := range r.list(n, "accounts") {
		var a detector.Account
		r.object(item, "an account", map[string]func(*yaml.Node){
			"account": func(n *yaml.Node) { a.Name = r.text(n, "account") },
			"approvals": func(n *yaml.Node) {
				a.Approvals = r.choice(n, "approvals", "required", "off") == "required"
			},
			"guarded_by": func(n *yaml.Node) { a.GuardedBy = r.texts(n, "guarded_by") },
		})
		out = append(out, a)
	}
	return out
}

func (r *reader) expectations(n *yaml.Node) []Expectation {
	var out []Expectation
	for _, item := range r.list(n, "expect") {
		e := Expectation{Place: place(item), Count: 1}
		given := r.object(item, "an expected finding", map[string]func(*yaml.Node){
			"rule":    func(n *yaml.Node) { e.Rule = r.text(n, "rule") },
			"account": func(n *yaml.Node) { e.Account = r.text(n, "account") },
			"level": func(n *yaml.Node) {
				e.Level = rules.Level(r.choice(n, "level", "informational", "low", "medium", "high", "critical"))
			},
			"count":    func(n *yaml.Node) { e.Count = r.count(n, "count") },
			"at":       func(n *yaml.Node) { e.At = r.moment(n) },
			"why":      func(n *yaml.Node) { e.Why = r.text(n, "why") },
			"related":  func(n *yaml.Node) { e.Related = r.texts(n, "related") },
			"group":    func(n *yaml.Node) { e.Group = r.group(n) },
			"accounts": func(n *yaml.Node) { e.Accounts = r.texts(n, "accounts") },
		})
		r.whose(item, given)
		out = append(out, e)
	}
	return out
}

// whose checks that an expected finding says what it is about.
func (r *reader) whose(item *yaml.Node, given map[string]bool) {
	for _, key := range []string{"rule", "level"} {
		if given != nil && !given[key] {
			r.fault(item, "an expected finding has no %s; add it", key)
		}
	}
	switch {
	case given == nil:
	case !given["account"] && !given["group"]:
		r.fault(item, "an expected finding has no account; add it")
	case given["account"] && given["group"]:
		r.fault(item, "an expected finding has an account and a group; a rule across accounts has no account: remove one")
	case given["accounts"] && !given["group"]:
		r.fault(item, "accounts belong to the findings of rules across accounts, which have a group; write account")
	}
}

// group reads the names and values of a group, in the order of group-by.
func (r *reader) group(n *yaml.Node) []activity.Field {
	var out []activity.Field
	r.open(n, "group", nil, func(key, value *yaml.Node) {
		out = append(out, activity.Field{Name: key.Value, Value: r.text(value, "group "+key.Value)})
	})
	return out
}
