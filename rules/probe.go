package rules

import (
	"fmt"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/sigma"
)

// probes asks the engine about parts of rules: each part becomes a detection
// rule of its own, so that what is told about a part is what the engine does
// with it, whatever the engine is made of.
type probes struct {
	docs    []*sigma.Document
	program *Program
	matcher *Matcher
	holds   []bool
}

// probeName is the name of the only search of a probe.
const probeName = "part"

// add makes a probe of a condition over searches and returns its number.
func (p *probes) add(l *sigma.Logsource, searches []*sigma.Search, e sigma.Expr) int {
	p.docs = append(p.docs, &sigma.Document{
		Title:     sigma.Text{S: fmt.Sprintf("Probe %d", len(p.docs))},
		Logsource: l,
		Detection: &sigma.Detection{Searches: searches, Conditions: []sigma.Condition{{Expr: e}}},
	})
	return len(p.docs) - 1
}

// addGroups makes a probe that holds where one of the groups does.
func (p *probes) addGroups(l *sigma.Logsource, groups ...sigma.Group) int {
	s := &sigma.Search{Name: sigma.Text{S: probeName}, Any: groups}
	return p.add(l, []*sigma.Search{s}, sigma.Ref{Name: probeName})
}

func (p *probes) compile() error {
	program, err := Compile([]File{{Name: "probes.yml", Data: []byte(sigma.Print(p.docs))}})
	if err != nil {
		return fmt.Errorf("parts of rules cannot be looked at one by one: %w", err)
	}
	p.program, p.matcher, p.holds = program, program.NewMatcher(), make([]bool, len(p.docs))
	return nil
}

// ask evaluates all probes on an activity; the answers are in holds.
func (p *probes) ask(a *activity.Activity) {
	clear(p.holds)
	for _, i := range p.program.Match(a, p.matcher) {
		p.holds[i] = true
	}
}

// documents returns the document of each rule that files were compiled to.
func documents(program *Program, files []File) []*sigma.Document {
	var docs []*sigma.Document
	for _, f := range sortedFiles(files) {
		more, _ := sigma.Parse(f.Name, f.Data) // without faults, since they were compiled
		docs = append(docs, more...)
	}
	out := make([]*sigma.Document, len(program.rules))
	next := 0
	for i, r := range program.rules {
		for ; next < len(docs); next++ { // documents that are no rules are passed over
			d := docs[next]
			if d.Title.Line() == r.Title && d.Name.S == r.Name && (d.ID.S == "" || d.ID.S == r.ID) && typeOf(d) == r.Type {
				out[i] = d
				next++
				break
			}
		}
	}
	return out
}
