package app

import (
	"slices"

	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/sigma"
)

// Overlay returns rule files with the documents of newer ones in place of those
// with the same id or name. Documents without either, such as filters, are
// added. Faults of form are left for compiling to tell.
func Overlay(files, newer []rules.File) []rules.File {
	taken := map[string]bool{}
	for _, f := range newer {
		docs, _ := sigma.Parse(f.Name, f.Data)
		for _, d := range docs {
			for _, key := range []string{d.ID.S, d.Name.S} {
				if key != "" {
					taken[key] = true
				}
			}
		}
	}
	var out []rules.File
	for _, f := range files {
		docs, faults := sigma.Parse(f.Name, f.Data)
		left := slices.DeleteFunc(slices.Clone(docs), func(d *sigma.Document) bool { return taken[d.ID.S] || taken[d.Name.S] })
		switch {
		case len(faults) > 0 || len(left) == len(docs):
			out = append(out, f)
		case len(left) > 0:
			f.Data = []byte(sigma.Print(left))
			out = append(out, f)
		}
	}
	return append(out, newer...)
}
