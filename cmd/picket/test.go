package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/ruletest"
	"github.com/picketd/picket/rules"
)

type testCmd struct {
	authored
	Strict  bool   `help:"Fail where tests leave a rule or a selection untried, too."`
	Verbose bool   `short:"v" help:"List the tests that pass, too."`
	JUnit   string `name:"junit" help:"Write the results to this file in the form of JUnit." placeholder:"FILE"`
}

// Run plays the tests beside rules and tells what they leave untried.
func (c *testCmd) Run(e *env) error {
	packs, paths, err := c.sources(e)
	if err != nil {
		return err
	}
	overrides, err := c.overrides(e)
	if err != nil {
		return err
	}
	if len(c.Paths)+len(c.Pack) == 0 && len(paths) > 0 {
		packs = nil // the built-in ones are tested where they are made
	}
	var suites []*suite
	for _, name := range packs {
		suites = append(suites, &suite{name: name, packs: []string{name}})
	}
	if len(paths) > 0 {
		suites = append(suites, &suite{name: strings.Join(paths, " "), paths: paths})
	}
	out := totals{}
	for _, s := range suites {
		s.overrides = overrides
		if err := s.play(e); err != nil {
			return err
		}
		if err := s.tell(e.out, c.Verbose); err != nil {
			return err
		}
		out.add(s)
	}
	if c.JUnit != "" {
		if err := writeJUnit(c.JUnit, suites); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(e.out, "%s: %d passed, %d failed; %d of %d rules and %d of %d selections tried\n",
		plural(out.tests, "test", "tests"), out.tests-out.failed, out.failed, out.rules-out.idleRules, out.rules, out.selections-out.idleSelections, out.selections)
	if err == nil && (out.failed > 0 || c.Strict && out.idleRules+out.idleSelections > 0) {
		return errReported
	}
	return err
}

// overrides returns those of the configuration whose rules are meant.
func (c *testCmd) overrides(e *env) ([]detector.Override, error) {
	cfg, err := c.configuration(e)
	if err != nil || cfg == nil {
		return nil, err
	}
	var out []detector.Override
	for _, o := range cfg.Rules.Overrides {
		out = append(out, detector.Override{Rule: o.Rule, Mode: o.Mode, Level: o.Level})
	}
	return out, nil
}

// suite is rules and the tests beside them.
type suite struct {
	name         string
	packs, paths []string
	overrides    []detector.Override

	results    []testResult
	rules      int // those that can be tried
	selections int
	idle       []idle
}

type testResult struct {
	file, title string
	fault       string // why it could not be played; empty where it was
	diff        string // of the findings; empty where they are the expected ones
}

func (r *testResult) passed() bool { return r.fault == "" && r.diff == "" }

// idle is a rule or selection that no test tried.
type idle struct {
	file      string
	line      int
	selection bool
	what      string
}

// play runs all tests of the suite. Its error says that none can be run.
func (s *suite) play(e *env) error {
	files, tests, err := app.RulesAndTests(s.packs, s.paths)
	if err != nil {
		return err
	}
	if len(tests) == 0 {
		return fmt.Errorf("no test beside the rules of %s; write a file that ends in .test.yml", s.name)
	}
	exercise, err := rules.NewExercise(files)
	if err != nil {
		return err
	}
	fired := map[string]bool{} // ids of rules
	for _, t := range tests {
		s.results = append(s.results, s.playOne(e, t, files, exercise, fired))
	}
	s.untried(exercise, fired)
	return nil
}

func (s *suite) playOne(e *env, file rules.File, files []rules.File, exercise *rules.Exercise, fired map[string]bool) testResult {
	out := testResult{file: file.Name}
	scenario, err := ruletest.Parse(file.Name, file.Data)
	if err != nil {
		out.fault = err.Error()
		return out
	}
	out.title = scenario.Title
	all, err := withPacks(files, scenario.Packs)
	if err == nil {
		var result ruletest.Result
		if result, err = ruletest.Run(e.ctx, scenario, all, s.overrides); err == nil {
			out.diff = result.Diff()
			for _, o := range result.Opened {
				fired[o.Rule.ID] = true
			}
		}
	}
	if err != nil {
		out.fault = err.Error()
		return out
	}
	for i := range scenario.Events {
		exercise.Note(&scenario.Events[i].Activity)
	}
	return out
}

// withPacks adds the files of built-in packs that are not among them yet.
func withPacks(files []rules.File, packs []string) ([]rules.File, error) {
	if len(packs) == 0 {
		return files, nil
	}
	more, err := app.RuleFiles(packs, nil)
	out := slices.Clone(files)
	for _, f := range more {
		if !slices.ContainsFunc(files, func(g rules.File) bool { return g.Name == f.Name }) {
			out = append(out, f)
		}
	}
	return out, err
}

// untried lists the rules that did not fire and the selections that held for
// nothing. A rule that only feeds others is tried where it matches.
func (s *suite) untried(exercise *rules.Exercise, fired map[string]bool) {
	still := map[int]bool{} // rules that matched nothing
	for _, p := range exercise.Idle() {
		if p.Selection == "" {
			still[p.Rule.Index] = true
			continue
		}
		s.idle = append(s.idle, idle{p.File, p.At.Line, true, fmt.Sprintf("selection %s of %s: no activity of a test matches it", p.Selection, nameOf(p.Rule))})
	}
	for _, p := range exercise.Parts() {
		if p.Selection != "" {
			s.selections++
		}
	}
	for _, p := range exercise.Rules() {
		r := p.Rule
		switch {
		case r.Mode == rules.Off || r.Silent && r.Type != rules.TypeDetection:
			continue
		case r.Silent && still[r.Index]:
			s.idle = append(s.idle, idle{p.File, p.At.Line, false, nameOf(r) + ": no activity of a test matches it"})
		case !r.Silent && !fired[r.ID]:
			s.idle = append(s.idle, idle{p.File, p.At.Line, false, nameOf(r) + ": fires in no test"})
		}
		s.rules++
	}
	slices.SortStableFunc(s.idle, func(a, b idle) int { return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line)) })
}

func nameOf(r *rules.Rule) string { return cmp.Or(r.Name, r.Title) }

// tell prints the tests that failed, or all, and what is untried.
func (s *suite) tell(w io.Writer, verbose bool) error {
	var b strings.Builder
	for _, r := range s.results {
		switch {
		case r.fault != "":
			fmt.Fprintf(&b, "FAIL  %s\n%s", r.file, indented(r.fault))
		case r.diff != "":
			fmt.Fprintf(&b, "FAIL  %s: %s (- missing, + too much)\n%s", r.file, r.title, indented(r.diff))
		case verbose:
			fmt.Fprintf(&b, "ok    %s: %s\n", r.file, r.title)
		}
	}
	if len(s.idle) > 0 {
		b.WriteString("Not tried by any test:\n")
	}
	for _, i := range s.idle {
		fmt.Fprintf(&b, "  %s:%d: %s\n", i.file, i.line, i.what)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("      " + strings.TrimSuffix(line, "\n") + "\n")
	}
	return b.String()
}

type totals struct{ tests, failed, rules, idleRules, selections, idleSelections int }

func (t *totals) add(s *suite) {
	t.tests += len(s.results)
	t.rules += s.rules
	t.selections += s.selections
	for _, r := range s.results {
		if !r.passed() {
			t.failed++
		}
	}
	for _, i := range s.idle {
		if i.selection {
			t.idleSelections++
		} else {
			t.idleRules++
		}
	}
}

func writeJUnit(path string, suites []*suite) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(junit(f, suites), f.Close())
}
