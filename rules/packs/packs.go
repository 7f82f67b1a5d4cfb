// Package packs holds the rules that Picket brings along, embedded, one
// folder a pack. It only hands out the files: compiling them belongs in rules,
// and choosing packs in the configuration. A rule that needs new Go code does
// not belong here.
package packs

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/picketd/picket/rules"
)

//go:embed social/*.yml
var files embed.FS

// Names returns the names of all packs, sorted.
func Names() []string { return []string{"social"} }

// Load returns the files of a pack, sorted by name. Their names, as shown in
// faults, are "<pack>/<file>".
func Load(name string) ([]rules.File, error) {
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("rule pack %q is unknown; expected one of %s", name, strings.Join(Names(), ", "))
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
