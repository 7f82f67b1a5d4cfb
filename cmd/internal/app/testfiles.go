package app

import (
	"errors"
	"fmt"
	"os"

	"github.com/picketd/picket/detector/ruletest"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/packs"
)

// TestFiles reads the tests of rules that packs bring along and those that lie
// in folders, named and ordered as RuleFiles does with rules. There may be none.
func TestFiles(packNames, dirs []string) ([]rules.File, error) {
	var files []rules.File
	var faults []error
	for _, name := range packNames {
		more, err := packs.Tests(name)
		if err != nil {
			faults = append(faults, err)
		}
		files = append(files, more...)
	}
	for _, dir := range dirs {
		tree := ruleTree{wants: ruletest.IsTest, file: func(path string) error {
			data, err := os.ReadFile(path)
			if err == nil {
				files = append(files, rules.File{Name: path, Data: data})
			}
			return err
		}}
		if err := tree.walk(dir); err != nil {
			faults = append(faults, fmt.Errorf("read tests of %s: %w", dir, err))
		}
	}
	return files, errors.Join(faults...)
}
