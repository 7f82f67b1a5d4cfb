package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/collectors"
)

// position is a place in the file, both from 1.
type position struct{ line, column int }

// source is what a Config remembers of its file.
type source struct {
	file     string
	where    map[string]position // of each field's value
	files    []string            // read with the file, itself included
	accounts map[string]int      // name → index
	guards   map[string][]string // identity → accounts

	identities map[string]int // identity → index, of those with an entry

	secrets *secretFiles
	stale   Faults // of secret files whose value before stays
	exposed Faults // of secret files that everybody can read
}

// fault places a message at a field or at what is nearest around it.
func (s *source) fault(field, message string) Fault {
	at, path := position{1, 1}, field
	for path != "" {
		if p, ok := s.where[path]; ok {
			at = p
			break
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return Fault{File: s.file, Line: at.line, Column: at.column, Message: field + ": " + message}
}

// decoder turns YAML nodes into a Config and collects every fault on the way:
// a value at fault keeps its default, and reading goes on behind it.
type decoder struct {
	src    *source
	dir    string // relative paths start here
	getenv func(string) string
	kept   *secretFiles // of the configuration before
	specs  []collectors.Spec
	faults Faults
	// guarded are the accounts that identities name, with their places.
	guarded []mention
	// schedules are made once people are known.
	steps     []rawStep // of escalations, whose people come later
	schedules []rawSchedule
	// visited, where set, is told which keys an object may have; it lets a
	// test hold the reference file against them.
	visited func(path string, keys []string)
}

// mention is a name that refers to something elsewhere in the file.
type mention struct{ name, path string }

// field is one key of an object and what reads its value.
type field struct {
	name string
	read func(n *yaml.Node, path string)
}

// object is what was present of a mapping.
type object struct {
	path  string
	node  *yaml.Node // nil when absent, empty or not a mapping
	empty bool       // there, without a value
	keys  map[string]*yaml.Node
}

// has tells whether a key was given, however wrong its value.
func (o object) has(key string) bool { return o.keys[key] != nil }

// bare tells whether a key was not given, or with nothing in it.
func (o object) bare(key string) bool {
	n := o.keys[key]
	if n == nil {
		return true
	}
	n = resolve(n)
	return isNull(n) || n.Kind != yaml.ScalarNode && len(n.Content) == 0
}

// at adds a fault about a node.
func (d *decoder) at(n *yaml.Node, path, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if path != "" {
		message = path + ": " + message
	}
	d.faults = append(d.faults, Fault{File: d.src.file, Line: max(n.Line, 1), Column: max(n.Column, 1), Message: message})
}

// on adds a fault about a field that was read, or that is missing.
func (d *decoder) on(path, format string, args ...any) {
	d.faults = append(d.faults, d.src.fault(path, fmt.Sprintf(format, args...)))
}

// resolve follows aliases. An alias of an alias does not exist in YAML.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// enter notes where a field's value is.
func (d *decoder) enter(n *yaml.Node, path string) *yaml.Node {
	n = resolve(n)
	d.src.where[path] = position{n.Line, n.Column}
	return n
}

// object reads a mapping strictly. An empty value stands for an empty mapping,
// so that all keys of a section can be commented out.
func (d *decoder) object(n *yaml.Node, path string, fields ...field) object {
	n = d.enter(n, path)
	o := object{path: path}
	names := make([]string, len(fields))
	readers := make(map[string]field, len(fields))
	for i, f := range fields {
		names[i], readers[f.name] = f.name, f
	}
	if d.visited != nil {
		d.visited(path, names)
	}
	switch {
	case isNull(n):
		o.empty = true
		return o
	case n.Kind != yaml.MappingNode:
		d.at(n, path, "expected a mapping with keys such as %s, got %s", names[0], describe(n))
		return o
	}
	o.node, o.keys = n, d.keys(n, path)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if o.keys[key.Value] != value {
			continue // told by keys
		}
		f, ok := readers[key.Value]
		switch {
		case ok:
			f.read(value, join(path, f.name))
		case key.Value == "<<":
			d.at(key, path, "merge keys are not supported; write the keys out, or share whole values with an anchor")
		default:
			d.at(key, path, "unknown key %s%s", shown(key.Value), suggest(key.Value, names))
		}
	}
	return o
}

// keys returns the first value of each key, and tells of keys that are no text
// or come twice.
func (d *decoder) keys(n *yaml.Node, path string) map[string]*yaml.Node {
	values := make(map[string]*yaml.Node, len(n.Content)/2)
	lines := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch line, again := lines[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			d.at(key, path, "a key is %s; expected text", describe(key))
		case again:
			d.at(key, path, "key %s is given again, first at line %d; keep one", shown(key.Value), line)
		default:
			values[key.Value], lines[key.Value] = n.Content[i+1], key.Line
		}
	}
	return values
}

// section is a key whose value is an object.
func (d *decoder) section(name string, fields ...field) field {
	return field{name, func(n *yaml.Node, path string) { d.object(n, path, fields...) }}
}

// list is a key whose value is a sequence; each reads one item.
func (d *decoder) list(name string, each func(n *yaml.Node, path string)) field {
	return field{name, func(n *yaml.Node, path string) { d.items(n, path, each) }}
}

func (d *decoder) items(n *yaml.Node, path string, each func(n *yaml.Node, path string)) {
	n = d.enter(n, path)
	switch {
	case isNull(n):
	case n.Kind != yaml.SequenceNode:
		d.at(n, path, "expected a list, got %s; put - before each item, or brackets around them", describe(n))
	default:
		for i, item := range n.Content {
			each(item, fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

// scalar returns a value that is neither empty, a list nor a mapping.
func (d *decoder) scalar(n *yaml.Node, path, expected string) (*yaml.Node, bool) {
	n = d.enter(n, path)
	switch {
	case isNull(n):
		d.at(n, path, "has no value; expected %s, or remove the key", expected)
	case n.Kind != yaml.ScalarNode:
		d.at(n, path, "expected %s, got %s", expected, describe(n))
	case n.Style&yaml.TaggedStyle != 0:
		d.at(n, path, "has a tag; expected %s without one", expected)
	default:
		return n, true
	}
	return nil, false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func isNull(n *yaml.Node) bool {
	return n.Kind == 0 || n.Kind == yaml.ScalarNode && n.Style&yaml.TaggedStyle == 0 && n.ShortTag() == "!!null"
}

// describe names what a node is without repeating its value.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	default: // a scalar
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "a date"
	}
	return "text"
}
