package app

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/picketd/picket/detector/ruletest"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/packs"
)

// RulesAndTests reads what rule authors work on: the rules of packs, of folders
// and of files, as RuleFiles does, and the tests that lie beside them. A test
// named alone brings the rules of its folder, but no other test.
func RulesAndTests(packNames, paths []string) (ruleFiles, tests []rules.File, err error) {
	var faults []error
	for _, name := range packNames {
		own, err := packs.Load(name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		more, err := packs.Tests(name)
		if err != nil {
			faults = append(faults, err)
		}
		ruleFiles, tests = append(ruleFiles, own...), append(tests, more...)
	}
	have := map[string]bool{} // a file below two of the paths is read once
	for _, path := range paths {
		found := false
		tree := ruleTree{
			wants: func(path string) bool { return isRuleFile(path) || ruletest.IsTest(path) },
			file: func(path string) error {
				found = true
				return readOnce(path, have, &ruleFiles, &tests)
			},
		}
		err := tree.walk(path)
		if err == nil && ruletest.IsTest(path) {
			beside := ruleTree{file: func(path string) error { return readOnce(path, have, &ruleFiles, &tests) }}
			err = beside.walk(filepath.Dir(path))
		}
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("read rules of %s: %w", path, err))
		case !found:
			faults = append(faults, fmt.Errorf("read rules of %s: no .yml or .yaml file in it", path))
		}
	}
	return ruleFiles, tests, errors.Join(faults...)
}

func readOnce(path string, have map[string]bool, ruleFiles, tests *[]rules.File) error {
	if have[path] {
		return nil
	}
	have[path] = true
	data, err := readRules(path)
	if err != nil {
		return err
	}
	into := ruleFiles
	if ruletest.IsTest(path) {
		into = tests
	}
	*into = append(*into, rules.File{Name: path, Data: data})
	return nil
}
