package app

import (
	"slices"
	"testing"

	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/sigma"
)

// TestOverlay holds which documents newer ones take the place of.
func TestOverlay(t *testing.T) {
	const inForce = `title: Posts
name: posts
logsource: {product: picket}
detection: {s: {kind: post}, condition: s}
---
title: Deleted
id: 0b8e0f4c-2e5f-4f8e-9d0a-1f6c1d3e5a04
logsource: {product: picket}
detection: {s: {kind: delete}, condition: s}
---
title: No bots
logsource: {product: picket}
filter: {rules: [posts], no: {app: Bot}, condition: not no}
---
title: Names
placeholders: {admins: [jane]}
`
	for _, row := range []struct {
		name, newer string
		want        []string // titles, in order
	}{
		{"a whole copy", inForce, []string{"Posts", "Deleted", "No bots", "Names"}},
		{"by name", "title: Messages\nname: posts\nlogsource: {product: picket}\ndetection: {s: {kind: post}, condition: s}\n", []string{"Deleted", "No bots", "Names", "Messages"}},
		{"placeholders by title", "title: Names\nplaceholders: {admins: [joe]}\n", []string{"Posts", "Deleted", "No bots", "Names"}},
		{"another filter", "title: No tests\nlogsource: {product: picket}\nfilter: {rules: [posts], no: {app: Test}, condition: not no}\n", []string{"Posts", "Deleted", "No bots", "Names", "No tests"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			all := Overlay([]rules.File{{Name: "a.yml", Data: []byte(inForce)}}, []rules.File{{Name: "b.yml", Data: []byte(row.newer)}})
			for _, f := range all {
				docs, faults := sigma.Parse(f.Name, f.Data)
				if len(faults) > 0 {
					t.Fatal(faults)
				}
				for _, d := range docs {
					got = append(got, d.Title.S)
				}
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("documents %v, want %v", got, row.want)
			}
			if _, err := rules.Compile(all); err != nil {
				t.Error(err)
			}
		})
	}
}
