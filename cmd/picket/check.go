package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/cmd/internal/problems"
	"github.com/picketd/picket/detector/ruletest"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/lint"
)

// authored says which rules an author works on.
type authored struct {
	Paths  []string `arg:"" optional:"" name:"path" help:"Files and folders of rules; those of the configuration unless given."`
	Pack   []string `help:"Built-in packs, such as social."`
	Config string   `short:"c" help:"Configuration whose rules are meant where no path and no pack is given." default:"picket.yaml" type:"path"`
}

// sources returns the packs and paths that are meant. Without any of its own
// it takes those of the configuration.
func (a *authored) sources(e *env) (packs, paths []string, err error) {
	cfg, err := a.configuration(e)
	if err != nil || cfg == nil {
		return a.Pack, a.Paths, err
	}
	return cfg.Rules.Packs, nearby(cfg.Rules.Dirs), nil
}

// configuration returns the one whose rules are meant, nil where others are.
func (a *authored) configuration(e *env) (*config.Config, error) {
	if len(a.Paths)+len(a.Pack) > 0 {
		return nil, nil //nolint:nilnil // as said
	}
	if _, err := os.Stat(a.Config); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s here; name files or folders of rules, or a built-in pack with --pack", a.Config)
	}
	return config.Load(a.Config, e.getenv)
}

// nearby shortens paths to what lies below the folder that one is in.
func nearby(paths []string) []string {
	out := slices.Clone(paths)
	here, err := os.Getwd()
	if err != nil {
		return out
	}
	for i, p := range out {
		if rel, err := filepath.Rel(here, p); err == nil && filepath.IsLocal(rel) {
			out[i] = rel
		}
	}
	return out
}

type checkCmd struct {
	authored
	Strict bool     `help:"Fail on warnings, too."`
	Ignore []string `help:"Codes of warnings to leave out, such as no-test."`
	JSON   bool     `xor:"form" help:"Print JSON lines, one for each fault and warning."`
	SARIF  bool     `name:"sarif" xor:"form" help:"Print SARIF 2.1.0, for code hosts and editors."`
}

// Run prints every fault and warning of rules and their tests.
func (c *checkCmd) Run(e *env) error {
	if err := c.known(); err != nil {
		return err
	}
	packs, paths, err := c.sources(e)
	if err != nil {
		return err
	}
	files, tests, err := app.RulesAndTests(packs, paths)
	if err != nil {
		return err
	}
	expected, found := expectedRules(tests)
	found = append(found, lint.Check(files, lint.Options{Tested: func(r *rules.Rule) bool { return expected[r.ID] || expected[r.Name] }})...)
	report := problems.New(slices.Concat(files, tests), found, c.Ignore)
	faults, warnings := report.Count()
	switch {
	case c.JSON:
		err = report.JSON(e.out)
	case c.SARIF:
		err = report.SARIF(e.out, app.ReadBuild().Version)
	default:
		if err = report.Text(e.out); err == nil {
			_, err = fmt.Fprintf(e.out, "%s of rules, %s of tests: %s, %s\n", plural(len(files), "file", "files"), plural(len(tests), "file", "files"), plural(faults, "fault", "faults"), plural(warnings, "warning", "warnings"))
		}
	}
	if err == nil && (faults > 0 || c.Strict && warnings > 0) {
		return errReported
	}
	return err
}

// known refuses codes to ignore that there are not, which would hide nothing.
func (c *checkCmd) known() error {
	for _, code := range c.Ignore {
		if code == string(lint.Fault) {
			return errors.New("--ignore: faults cannot be ignored, the rules would not load")
		}
		if !slices.ContainsFunc(lint.Codes(), func(k struct{ Code, About string }) bool { return k.Code == code }) {
			return fmt.Errorf("--ignore: there is no warning %q; the code of each stands in brackets behind it", code)
		}
	}
	return nil
}

// expectedRules returns the names and ids of the rules that tests expect to
// fire, and the faults of the tests.
func expectedRules(tests []rules.File) (map[string]bool, []lint.Problem) {
	expected := map[string]bool{}
	var found []lint.Problem
	for _, f := range tests {
		s, err := ruletest.Parse(f.Name, f.Data)
		if faults, ok := errors.AsType[rules.Faults](err); ok {
			for _, fault := range faults {
				found = append(found, lint.Problem{Code: lint.Fault, File: fault.File, At: fault.At, Message: fault.Message})
			}
			continue
		}
		for _, x := range s.Expect {
			expected[x.Rule] = true
		}
	}
	delete(expected, "")
	return expected, found
}
