package rules

import (
	"slices"
	"strings"

	"github.com/picketd/picket/rules/sigma"
)

// Shadowed documents: a new version of some rules that runs beside the ones in
// force and only observes.
//
// A shadowed document keeps its words and gets names of its own, so that it
// takes nobody's place: the id becomes another one made from it, the name ends
// in ".shadow" and the title in " (shadow)". What it refers to is sought among
// the shadowed documents first and then among those in force; nothing in force
// refers to it. Filters and tune documents in force are for the shadowed
// version of their rule, too; those among the shadowed are for shadowed rules
// only, and values of placeholders are the ones in force where there are any.

const (
	shadowName  = ".shadow"
	shadowTitle = " (shadow)"
)

// shadows is what a compiler knows of shadowed documents.
type shadows struct {
	// written are the documents as they were before they got other names, which
	// is what versions are made of.
	written map[*sigma.Document]string
	keys    map[*sigma.Document][]string // their ids and names as written
}

func (s *shadows) has(d *sigma.Document) bool {
	_, ok := s.written[d]
	return ok
}

// text is a document as its author wrote it, in canonical form.
func (s *shadows) text(d *sigma.Document) string {
	if text, ok := s.written[d]; ok {
		return text
	}
	return d.String()
}

// shade gives the documents of shadowed files names of their own.
func (c *compiler) shade(files []File, parsed []parsedFile) {
	c.shadows = shadows{written: map[*sigma.Document]string{}, keys: map[*sigma.Document][]string{}}
	other := map[string]string{} // id or name as written → its own
	for i := range files {
		if !files[i].Shadow {
			continue
		}
		for _, d := range parsed[i].docs {
			c.shadows.written[d] = d.String()
			for _, key := range []*sigma.Text{&d.ID, &d.Name} {
				if key.S == "" {
					continue
				}
				c.shadows.keys[d] = append(c.shadows.keys[d], key.S)
				own := key.S + shadowName
				if key == &d.ID {
					own = deriveID("shadow of " + key.S)
				}
				other[key.S], key.S = own, own
			}
			if d.Title.S != "" {
				d.Title.S += shadowTitle
			}
		}
	}
	for d := range c.shadows.written {
		eachReference(d, func(ref *sigma.Text) {
			if own, ok := other[ref.S]; ok {
				ref.S = own
			} else if own, ok := other[strings.ToLower(ref.S)]; ok {
				ref.S = own
			}
		})
	}
}

// eachReference visits everywhere that a document names another rule.
func eachReference(d *sigma.Document, visit func(*sigma.Text)) {
	lists := [][]sigma.Text{}
	if k := d.Correlation; k != nil {
		lists = append(lists, k.Rules)
		for i := range k.Aliases {
			for j := range k.Aliases[i].For {
				visit(&k.Aliases[i].For[j].Rule)
			}
		}
	}
	if b := d.Baseline; b != nil {
		lists = append(lists, b.Rules, b.Then, b.Without)
	}
	if d.Picket != nil {
		lists = append(lists, d.Picket.ResolvedBy, d.Picket.Joins)
	}
	if d.Filter != nil {
		lists = append(lists, d.Filter.Rules)
	}
	if d.Tune != nil {
		visit(&d.Tune.Rule)
	}
	for _, list := range lists {
		for i := range list {
			visit(&list[i])
		}
	}
}

// twins returns a rule and its shadowed version, if there is one.
func (c *compiler) twins(i int) []int {
	out := []int{i}
	if len(c.shadows.written) == 0 {
		return out
	}
	for j, d := range c.docs {
		if c.shadows.has(d) && j != i && slices.ContainsFunc(c.shadows.keys[d], func(key string) bool {
			return key == c.docs[i].ID.S || key == c.docs[i].Name.S
		}) {
			out = append(out, j)
		}
	}
	return out
}

// foreignTo reports a shadowed filter or tune document for a rule in force,
// which it would change.
func (c *compiler) foreignTo(d *sigma.Document, at sigma.Pos, i int) bool {
	if !c.shadows.has(d) || c.shadows.has(c.docs[i]) {
		return false
	}
	c.fault(d, at, "a shadowed document changes nothing in force, and %q is; shadow that rule, too", title(c.docs[i]))
	return true
}
