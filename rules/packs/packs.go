// Package packs holds the rules that Picket brings along, embedded, one
// folder a pack, with their tests in its folder tests. It only hands out the files: compiling them belongs in rules,
// and choosing packs in the configuration. A rule that needs new Go code does
// not belong here.
package packs

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/picketd/picket/rules"
)

//go:embed social/*.yml
var files embed.FS

//go:embed social/tests
var tests embed.FS

// Names returns the names of all packs, sorted.
func Names() []string { return []string{"social"} }

// Load returns the files of a pack, sorted by name. Their names, as shown in
// faults, are "<pack>/<file>".
func Load(name string) ([]rules.File, error) {
	if err := known(name); err != nil {
		return nil, err
	}
	entries, err := files.ReadDir(name)
	if err != nil {
		return nil, fmt.Errorf("read rule pack %s: %w", name, err)
	}
	out := make([]rules.File, 0, len(entries))
	for _, e := range entries {
		file := path.Join(name, e.Name())
		data, err := files.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read rule pack file %s: %w", file, err)
		}
		out = append(out, rules.File{Name: file, Data: data})
	}
	return out, nil
}

// Tests returns the tests of a pack, sorted by name, in the form of
// detector/ruletest. Their names are "<pack>/tests/<folder>/<file>".
func Tests(name string) ([]rules.File, error) {
	if err := known(name); err != nil {
		return nil, err
	}
	var out []rules.File
	err := fs.WalkDir(tests, path.Join(name, "tests"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := tests.ReadFile(file)
		out = append(out, rules.File{Name: file, Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read tests of rule pack %s: %w", name, err)
	}
	return out, nil
}

func known(name string) error {
	if !slices.Contains(Names(), name) {
		return fmt.Errorf("rule pack %q is unknown; expected one of %s", name, strings.Join(Names(), ", "))
	}
	return nil
}
