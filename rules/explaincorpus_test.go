package rules

import (
	"regexp"
	"testing"
)

// TestExplainPublicRules holds that what a tree says in the end is what the
// engine says, for each public event and its own rule, for some and another, and that
// the selections of public rules can be looked at one by one.
func TestExplainPublicRules(t *testing.T) {
	t.Parallel()
	events := publicEvents(t)
	own := map[string]bool{} // ids of the events' rules
	for _, event := range events {
		own[event.rule] = true
	}
	idLine := regexp.MustCompile(`(?m)^id: (\S+)`)
	var files []File
	for i, f := range publicRules(t) {
		// The events' own rules, and some others.
		id := idLine.FindSubmatch(f.Data)
		if i%20 != 0 && (id == nil || !own[string(id[1])]) {
			continue
		}
		if _, err := Compile([]File{f}); err == nil {
			files = append(files, f)
		}
	}
	e, err := NewExplainer(files)
	if err != nil {
		t.Fatal(err)
	}
	x, err := NewExercise(files)
	if err != nil {
		t.Fatal(err)
	}
	rules, held, asked := e.program.Rules(), 0, 0
	for i, event := range events {
		a := &event.activity
		if i%4 == 0 {
			x.Note(a)
		}
		var ask []*Rule
		if i%4 == 0 {
			ask = append(ask, rules[i*17%len(rules)])
		}
		if r, err := e.Find(event.rule); err == nil {
			ask = append(ask, r)
		}
		for _, r := range ask {
			got, err := e.Explain(r, a)
			if err != nil {
				t.Fatalf("%s: %v", r.Title, err)
			}
			if got.Tree == nil {
				continue // keeps memory
			}
			asked++
			if got.Tree.Hold != got.Matches {
				t.Errorf("event of %s: rule %q matches: %v, and its tree says the opposite:\n%s", event.rule, r.Title, got.Matches, got)
			}
			if got.Matches {
				held++
			}
		}
	}
	whole := 0
	for _, p := range x.Idle() {
		if p.Selection == "" {
			whole++
		}
	}
	t.Logf("%d explanations, %d of matches; of %d parts of rules %d held for no event", asked, held, len(x.Parts()), len(x.Idle()))
	if asked < 200 || held < 150 || len(x.Parts()) < 2*len(rules) || whole == len(rules) {
		t.Error("too little was asked for this to mean anything")
	}
}
