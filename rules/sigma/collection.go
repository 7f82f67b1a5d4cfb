package sigma

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Old collections write several rules into one file with "action" documents:
// what "global" holds is merged into each document that follows until "reset";
// "repeat" is the document before it with some parts replaced.

// collection merges the documents of one file.
type collection struct {
	r      *reader
	global *yaml.Node // nil where there is none
	last   *yaml.Node // what a repeat repeats
	parts  int        // documents since the last global or reset
}

// next returns the document that n stands for, nil where it is only for
// others.
func (c *collection) next(n *yaml.Node) *yaml.Node {
	key, action := member(n, "action")
	if action == nil {
		if c.last = n; c.global != nil {
			c.last = c.part(overlay(c.global, n), n)
		}
		return c.last
	}
	body := without(n, key)
	switch action.Value {
	case "global":
		c.global, c.last, c.parts = overlay(c.global, body), nil, 0
		return nil
	case "reset":
		c.global, c.last, c.parts = nil, nil, 0
		if len(body.Content) == 0 {
			return nil
		}
		c.last = body
		return body
	case "repeat":
		if c.last == nil {
			c.r.fault(c.r.pos(action), "action repeat: no document comes before it; write the rule out")
			return nil
		}
		c.parts = max(c.parts, 1) // the one that is repeated
		c.last = c.part(overlay(c.last, body), body)
		return c.last
	}
	c.r.fault(c.r.pos(action), "action %s is not one of global, repeat, reset", describe(action))
	return nil
}

// part counts a document that was merged from body and others. The first keeps
// the id and name that it inherits; the others get an id made from it and
// their number, which stays the same as long as their order does, and no name.
func (c *collection) part(doc, body *yaml.Node) *yaml.Node {
	if c.parts++; c.parts < 2 {
		return doc
	}
	if _, own := member(body, "name"); own == nil {
		if key, name := member(doc, "name"); name != nil {
			doc = without(doc, key)
		}
	}
	if _, own := member(body, "id"); own != nil {
		return doc
	}
	_, source := member(c.global, "id")
	if source == nil {
		_, source = member(doc, "id")
	}
	if key, id := member(doc, "id"); id != nil {
		derived := *id
		derived.Value = derivedID(source.Value, c.parts)
		doc = without(doc, key)
		doc.Content = append(doc.Content, key, &derived)
	}
	return doc
}

// derivedID makes a UUID of version 8 from another id and a number.
func derivedID(id string, part int) string {
	sum := sha256.Sum256([]byte("part " + strconv.Itoa(part) + " of " + strings.ToLower(id)))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// member returns a key of a mapping and its value, nil where it has none.
func member(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// without returns a copy of a mapping that lacks a key.
func without(n, key *yaml.Node) *yaml.Node {
	out := *n
	out.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i] != key {
			out.Content = append(out.Content, n.Content[i], n.Content[i+1])
		}
	}
	return &out
}

// overlay returns base with the members of top, mappings merged, everything
// else replaced. Neither is changed.
func overlay(base, top *yaml.Node) *yaml.Node {
	if base == nil || base.Kind != yaml.MappingNode || top.Kind != yaml.MappingNode {
		return top
	}
	out := *top
	out.Content = nil
	for i := 0; i+1 < len(base.Content); i += 2 {
		key, value := base.Content[i], base.Content[i+1]
		if k, v := member(top, key.Value); v != nil {
			key, value = k, overlay(value, v)
		}
		out.Content = append(out.Content, key, value)
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		if _, v := member(base, top.Content[i].Value); v == nil {
			out.Content = append(out.Content, top.Content[i], top.Content[i+1])
		}
	}
	return &out
}

// shift moves the lines of a tree.
func shift(n *yaml.Node, lines int) {
	n.Line += lines
	for _, kid := range n.Content {
		shift(kid, lines)
	}
}
