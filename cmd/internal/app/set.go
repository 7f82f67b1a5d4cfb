package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/simulate"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/ruletest"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/packs"
)

// BuildSet gathers what decides findings: the rule files of packs and folders,
// the overrides and the facts about accounts. Faults of the configuration are
// told with their place in it; faults of rules are found by compiling the set.
func BuildSet(cfg *config.Config) (detector.Set, error) {
	set := detector.Set{Budget: cfg.Budget}
	var faults []error
	for i, pack := range cfg.Rules.Packs {
		files, err := RuleFiles([]string{pack}, nil)
		set.Rules = append(set.Rules, files...)
		faults = appendFault(faults, cfg, fmt.Sprintf("rules.packs[%d]", i), err)
	}
	for i, dir := range cfg.Rules.Dirs {
		files, err := RuleFiles(nil, []string{dir})
		set.Rules = append(set.Rules, files...)
		faults = appendFault(faults, cfg, fmt.Sprintf("rules.dirs[%d]", i), err)
	}
	for i, dir := range cfg.Rules.Shadow {
		files, err := RuleFiles(nil, []string{dir})
		for j := range files {
			files[j].Shadow = true
		}
		set.Rules = append(set.Rules, files...)
		faults = appendFault(faults, cfg, fmt.Sprintf("rules.shadow[%d]", i), err)
	}
	for i, o := range cfg.Rules.Overrides {
		over := detector.Override{Rule: o.Rule, Mode: o.Mode, Level: o.Level}
		set.Overrides = append(set.Overrides, over)
		faults = appendFault(faults, cfg, fmt.Sprintf("rules.overrides[%d].rule", i), overrides(set.Rules, over))
	}
	if len(faults) > 0 {
		return detector.Set{}, errors.Join(faults...)
	}
	for i := range cfg.Accounts {
		a := &cfg.Accounts[i]
		set.Accounts = append(set.Accounts, detector.Account{Name: a.Name, Approvals: a.ApprovalsRequired, GuardedBy: a.GuardedBy, TimeZone: a.TimeZone.String()})
	}
	for _, s := range simulated(cfg) {
		set.Accounts = append(set.Accounts, detector.Account{Name: s.Name, Approvals: s.ApprovalsRequired, GuardedBy: s.Identities, TimeZone: s.TimeZone})
	}
	return set, nil
}

func appendFault(faults []error, cfg *config.Config, field string, err error) []error {
	if err == nil {
		return faults
	}
	return append(faults, cfg.Fault(field, err.Error()))
}

// overrides tells where an override changes no rule of files. Faults of the
// rules themselves are not its matter.
func overrides(files []rules.File, o detector.Override) error {
	if _, err := detector.Compile(detector.Set{Rules: files}); err != nil {
		return nil //nolint:nilerr // found again, and told, when the set is compiled
	}
	_, err := detector.Compile(detector.Set{Rules: files, Overrides: []detector.Override{o}})
	return err
}

// RuleFiles reads the rule files of packs by name and of folders, with
// everything below them that ends in .yml or .yaml, in a fixed order, links
// followed, tests of rules left out. A file's name is its path below the folder
// as given. Every folder and file that cannot be read is told.
func RuleFiles(packNames, dirs []string) ([]rules.File, error) {
	var files []rules.File
	var faults []error
	for _, name := range packNames {
		more, err := packs.Load(name)
		if err != nil {
			faults = append(faults, err)
		}
		files = append(files, more...)
	}
	for _, dir := range dirs {
		found := false
		tree := ruleTree{file: func(path string) error {
			found = true
			data, err := readRules(path)
			if err == nil {
				files = append(files, rules.File{Name: path, Data: data})
			}
			return err
		}}
		switch err := tree.walk(dir); {
		case err != nil:
			faults = append(faults, fmt.Errorf("read rules of %s: %w", dir, err))
		case !found:
			faults = append(faults, fmt.Errorf("read rules of %s: no .yml or .yaml file in it", dir))
		}
	}
	return files, errors.Join(faults...)
}

// maxRuleFile bounds a file of rules, which is held whole and several times over
// while it is read.
const maxRuleFile = 16 << 20

// readRules reads a file of rules or of their tests. What may have no end, such
// as a pipe, is not read.
func readRules(path string) ([]byte, error) {
	switch info, err := os.Stat(path); {
	case err != nil: // told by ReadFile
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file, but a pipe or device; remove it", path)
	case info.Size() > maxRuleFile:
		return nil, fmt.Errorf("%s is larger than %d MiB; split it", path, maxRuleFile>>20)
	}
	return os.ReadFile(path)
}

// ruleTree is how a folder of rules is gone through: everything below it in the
// order of names, symbolic links followed, each folder once. Names that begin
// with ".." are passed over: behind them Kubernetes keeps the files that it
// links to by their own names.
type ruleTree struct {
	// enter is told of each folder before it is read, and may say not to; nil
	// reads all.
	enter func(folder string) bool
	file  func(path string) error // of a file of rules, or of those that wants names
	wants func(path string) bool  // nil: files of rules

	seen map[string]bool // folders, by the path behind links
}

// walk goes through path, a folder or one file. It tells of everything that
// cannot be read, by paths that begin with the one given.
func (t *ruleTree) walk(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return t.visit(path)
	}
	behind, err := filepath.EvalSymlinks(path)
	if err != nil || t.seen[behind] {
		return err
	}
	if t.seen == nil {
		t.seen = map[string]bool{}
	}
	t.seen[behind] = true
	if t.enter != nil && !t.enter(path) {
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	var faults []error
	for _, e := range entries {
		below := filepath.Join(path, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), ".."):
		case isFolder(below, e):
			faults = append(faults, t.walk(below))
		default:
			faults = append(faults, t.visit(below))
		}
	}
	return errors.Join(faults...)
}

func (t *ruleTree) visit(path string) error {
	wants := isRuleFile
	if t.wants != nil {
		wants = t.wants
	}
	if !wants(path) {
		return nil
	}
	return t.file(path)
}

// isFolder reports whether an entry is a folder or a link to one.
func isFolder(path string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// isRuleFile reports whether a path is named as files of rules are. Tests of
// rules lie among them and are none.
func isRuleFile(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return (ext == ".yml" || ext == ".yaml") && !ruletest.IsTest(path)
}

// simulated returns the accounts of all simulated sources.
func simulated(cfg *config.Config) []simulate.Account {
	var out []simulate.Account
	for _, s := range cfg.Sources {
		if s.Collector == config.CollectorSimulate {
			out = append(out, simulate.Live{Seed: s.Seed, Accounts: s.Accounts}.Members()...)
		}
	}
	return out
}

// warnSplit says what is not joined because the journal has several partitions.
func (a *App) warnSplit(cfg *config.Config) {
	guarded := slices.ContainsFunc(cfg.Accounts, func(acc config.Account) bool { return len(acc.GuardedBy) > 0 })
	if cfg.Journal.Partitions > 1 && (guarded || len(simulated(cfg)) > 0) {
		a.log.Warn("journal.partitions is above 1: a login is joined with what happens on the accounts that it guards only where both are in one partition; use 1 partition to join all",
			zap.Int("partitions", cfg.Journal.Partitions))
	}
}

// Raising returns how many rules of a plan can raise an alert about an account.
func Raising(plan *detector.Plan) int {
	n := 0
	for _, r := range plan.Rules() {
		if !r.Silent && !r.Shadow && r.Mode != rules.Off && !slices.Contains(r.Tags, rules.TagTest) {
			n++
		}
	}
	return n
}
