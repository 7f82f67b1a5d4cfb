package connect

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// entry is what is added to a section of the configuration: an item of a list,
// or where key is not empty a member of a mapping.
type entry struct {
	section string
	key     string
	value   *yaml.Node
}

// insert adds entries behind what their sections hold, and sections that are
// not there at the end. Every other line stays as it is, byte by byte; only a
// section that is written in brackets is written anew as a block, since there
// is no good place within a line.
func insert(text []byte, entries []entry) ([]byte, error) {
	out := text
	for _, e := range entries {
		next, err := insertOne(out, e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.section, err)
		}
		if err := onlyAdds(out, next, e); err != nil {
			return nil, fmt.Errorf("%s: %w", e.section, err)
		}
		out = next
	}
	return out, nil
}

func insertOne(text []byte, e entry) ([]byte, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	f := splitLines(text)
	if root == nil {
		return f.appended(e, 0)
	}
	if root.Kind != yaml.MappingNode || root.Style&yaml.FlowStyle != 0 {
		return nil, errors.New("the file is one pair of brackets")
	}
	indent := root.Column - 1
	i := indexOf(root, e.section)
	if i < 0 {
		return f.appended(e, indent)
	}
	key, value := root.Content[i], root.Content[i+1]
	last := len(f.lines) // of the section, from 1
	if i+2 < len(root.Content) {
		last = root.Content[i+2].Line - 1
	}
	last = f.sectionEnd(key.Line, last, indent)
	switch {
	case value.Kind == yaml.AliasNode || value.Anchor != "":
		return nil, errors.New("is shared by an anchor")
	case value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null":
		return f.filled(e, key, value, last, indent)
	case value.Kind == yaml.MappingNode && e.key == "", value.Kind == yaml.SequenceNode && e.key != "", value.Kind == yaml.ScalarNode:
		return nil, errors.New("is of another kind than expected")
	case value.Style&yaml.FlowStyle != 0 || len(value.Content) == 0:
		return f.unfolded(e, key, value, last, indent)
	}
	block, err := e.block(value.Column - 1)
	if err != nil {
		return nil, err
	}
	return f.with(last, last, block), nil
}

// parse returns the content of a text's one document, nil where it has none.
func parse(text []byte) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 || document.Content[0].Kind == yaml.ScalarNode && document.Content[0].ShortTag() == "!!null" {
		return nil, nil
	}
	return document.Content[0], nil
}

// indexOf returns where a mapping holds a key, -1 where it does not.
func indexOf(m *yaml.Node, key string) int {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// block encodes the entry as lines of a block that stands at a column.
func (e entry) block(indent int) ([]string, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{e.value}}
	if e.key != "" {
		n = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{word(e.key), e.value}}
	}
	return encode(n, indent)
}

// encode writes a node as lines at a column.
func encode(n *yaml.Node, indent int) ([]string, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(n), enc.Close()); err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = strings.Repeat(" ", indent) + line
		}
	}
	return lines, nil
}

// file is a text as lines without their ends.
type file struct {
	lines []string
	end   string // of each line
}

func splitLines(text []byte) file {
	f := file{end: "\n"}
	if bytes.Contains(text, []byte("\r\n")) {
		f.end = "\r\n"
	}
	if len(text) > 0 {
		f.lines = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	}
	return f
}

// with returns the text with block in place of the lines behind from, up to and
// with until.
func (f file) with(from, until int, block []string) []byte {
	var b bytes.Buffer
	put := func(lines []string, end string) {
		for _, line := range lines {
			b.WriteString(line + end)
		}
	}
	put(f.lines[:from], "\n")
	if f.end == "\r\n" && from > 0 && !strings.HasSuffix(f.lines[from-1], "\r") { // the last line, without an end
		b.Truncate(b.Len() - 1)
		b.WriteString(f.end)
	}
	put(block, f.end)
	put(f.lines[until:], "\n")
	return b.Bytes()
}

// sectionEnd returns the last line of a section that reaches at most until
// last: blank lines and comments at its key's column or before belong to what
// follows.
func (f file) sectionEnd(first, last, indent int) int {
	for i, line := range f.lines[first:last] {
		if line := strings.TrimRight(line, "\r"); line == "..." || strings.HasPrefix(line, "... ") {
			last = first + i
			break
		}
	}
	for ; last > first; last-- {
		line := strings.TrimRight(f.lines[last-1], " \t\r")
		bare := strings.TrimLeft(line, " ")
		if line != "" && (bare[0] != '#' || len(line)-len(bare) > indent) {
			break
		}
	}
	return last
}

// appended adds a section that is not there.
func (f file) appended(e entry, indent int) ([]byte, error) {
	block, err := e.block(indent + 2)
	if err != nil {
		return nil, err
	}
	block = slices.Insert(block, 0, strings.Repeat(" ", indent)+e.section+":")
	last := f.sectionEnd(0, len(f.lines), -1)
	if last > 0 && f.lines[last-1] != "---" {
		block = slices.Insert(block, 0, "")
	}
	return f.with(last, last, block), nil
}

// filled adds to a section without a value, behind the comments in it.
func (f file) filled(e entry, key, value *yaml.Node, last, indent int) ([]byte, error) {
	if value.Line == key.Line && value.Value != "" { // ~ or null
		line := []rune(f.lines[key.Line-1])
		f.lines = slices.Clone(f.lines)
		f.lines[key.Line-1] = strings.TrimRight(string(line[:value.Column-1]), " ") + string(line[value.Column-1+len([]rune(value.Value)):])
	} else if value.Value != "" {
		return nil, errors.New("has its null in a line of its own")
	}
	block, err := e.block(indent + 2)
	if err != nil {
		return nil, err
	}
	return f.with(last, last, block), nil
}

// unfolded writes a section in brackets anew as a block with the entry at its
// end.
func (f file) unfolded(e entry, key, value *yaml.Node, last, indent int) ([]byte, error) {
	name, all := *key, *value
	name.HeadComment, name.FootComment = "", "" // they stand in other lines
	if all.LineComment != "" {
		name.LineComment, all.LineComment = all.LineComment, ""
	}
	all.Style &^= yaml.FlowStyle
	all.Content = slices.Clone(all.Content)
	if e.key != "" {
		all.Content = append(all.Content, word(e.key))
	}
	all.Content = append(all.Content, e.value)
	block, err := encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{&name, &all}}, indent)
	if err != nil {
		return nil, err
	}
	return f.with(key.Line-1, last, block), nil
}

// onlyAdds checks that an edited text means what it meant before, and the entry
// besides.
func onlyAdds(before, after []byte, e entry) error {
	var old, edited map[string]any
	var added any
	if err := errors.Join(yaml.Unmarshal(before, &old), yaml.Unmarshal(after, &edited), e.value.Decode(&added)); err != nil {
		return fmt.Errorf("cannot be edited here: %w", err)
	}
	if old == nil {
		old = map[string]any{}
	}
	switch section := old[e.section].(type) {
	case nil:
		old[e.section] = []any{added}
		if e.key != "" {
			old[e.section] = map[string]any{e.key: added}
		}
	case []any:
		old[e.section] = append(section, added)
	case map[string]any:
		section[e.key] = added
	}
	if !reflect.DeepEqual(old, edited) {
		return errors.New("cannot be edited here without changing something else")
	}
	return nil
}

// Nodes of YAML.

func word(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	return n
}

// plain is a value that is no text: a number, true, a duration.
func plain(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: s} }

func words(list []string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, s := range list {
		n.Content = append(n.Content, word(s))
	}
	return n
}

// members builds a mapping; put leaves out what is empty.
type members struct{ node yaml.Node }

func (m *members) put(key string, value *yaml.Node) {
	m.node.Kind = yaml.MappingNode
	m.node.Content = append(m.node.Content, word(key), value)
}

func (m *members) text(key, value string) {
	if value != "" {
		m.put(key, word(value))
	}
}
