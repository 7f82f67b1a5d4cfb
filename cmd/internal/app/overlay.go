package app

import (
	"slices"

	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/sigma"
)

// Overlay returns rule files with the documents of newer ones in place of those
// with the same id or name; filters, tunings and placeholders without either go
// by their title, so that the newer files may be a whole copy. Other documents
// are added. Faults of form are left for compiling to tell.
func Overlay(files, newer []rules.File) []rules.File {
	taken := map[string]bool{}
	for _, f := range newer {
		docs, _ := sigma.Parse(f.Name, f.Data)
		for _, d := range docs {
			for _, key := range namesOf(d) {
				taken[key] = true
			}
		}
	}
	var out []rules.File
	for _, f := range files {
		docs, faults := sigma.Parse(f.Name, f.Data)
		left := slices.DeleteFunc(slices.Clone(docs), func(d *sigma.Document) bool {
			return slices.ContainsFunc(namesOf(d), func(key string) bool { return taken[key] })
		})
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

// namesOf returns what tells a document from others.
func namesOf(d *sigma.Document) []string {
	out := slices.DeleteFunc([]string{d.ID.S, d.Name.S}, func(s string) bool { return s == "" })
	if len(out) > 0 || d.Title.S == "" {
		return out
	}
	switch {
	case d.Filter != nil:
		return []string{"filter\x00" + d.Title.S}
	case d.Tune != nil:
		return []string{"tune\x00" + d.Title.S}
	case d.Placeholders != nil:
		return []string{"placeholders\x00" + d.Title.S}
	}
	return nil
}
