package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/simulate"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/packs"
)

// BuildSet gathers what decides findings: the rule files of packs and folders,
// the overrides and the facts about accounts. It does not compile them.
func BuildSet(cfg *config.Config) (detector.Set, error) {
	files, err := RuleFiles(cfg.Rules.Packs, cfg.Rules.Dirs)
	if err != nil {
		return detector.Set{}, err
	}
	set := detector.Set{Rules: files}
	for _, o := range cfg.Rules.Overrides {
		set.Overrides = append(set.Overrides, detector.Override{Rule: o.Rule, Mode: o.Mode, Level: o.Level})
	}
	for i := range cfg.Accounts {
		set.Accounts = append(set.Accounts, detector.Account{Name: cfg.Accounts[i].Name, Approvals: cfg.Accounts[i].ApprovalsRequired})
	}
	for _, s := range simulated(cfg) {
		set.Accounts = append(set.Accounts, detector.Account{Name: s.Name, Approvals: s.ApprovalsRequired})
	}
	return set, nil
}

// RuleFiles reads the rule files of packs by name and of folders, with
// everything below them that ends in .yml or .yaml, in a fixed order. Every
// folder and file that cannot be read is told.
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
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			ext := strings.ToLower(filepath.Ext(path))
			if err != nil || d.IsDir() || ext != ".yml" && ext != ".yaml" {
				return err
			}
			found = true
			data, err := os.ReadFile(path)
			files = append(files, rules.File{Name: path, Data: data})
			return err
		})
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("read rules of %s: %w", dir, err))
		case !found:
			faults = append(faults, fmt.Errorf("read rules of %s: no .yml or .yaml file in it", dir))
		}
	}
	return files, errors.Join(faults...)
}

// simulated returns the accounts of all simulated sources.
func simulated(cfg *config.Config) []simulate.Account {
	var out []simulate.Account
	for _, s := range cfg.Sources {
		if s.Collector == config.CollectorSimulate {
			// The accounts of a world depend on its seed and size alone.
			if w, err := simulate.New(simulate.Config{Seed: s.Seed, Accounts: s.Accounts, Start: time.Unix(0, 0)}); err == nil {
				out = append(out, w.Accounts()...)
			}
		}
	}
	return out
}

// Raising returns how many rules of a plan can raise an alert.
func Raising(plan *detector.Plan) int {
	n := 0
	for _, r := range plan.Rules() {
		if !r.Silent && r.Mode != rules.Off {
			n++
		}
	}
	return n
}
