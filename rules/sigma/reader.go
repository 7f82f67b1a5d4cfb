package sigma

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/rules/internal/suggest"
)

// reader turns YAML nodes into the tree of one document and collects faults.
type reader struct {
	file   string
	lines  []string // of the whole file, to place parts of a scalar
	offset int      // lines before the chunk that is being read
	faults Faults
}

// chunk is the text of one or more YAML documents and the lines before it.
type chunk struct {
	line int
	data []byte
}

// split cuts a file at its document markers, so that a document that is not
// YAML does not take its neighbours with it. A line that starts with --- is
// always a marker: inside block scalars text is indented.
func split(data []byte) []chunk {
	var out []chunk
	start, startLine, line := 0, 0, 0
	for at := 0; at < len(data); {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		text := data[at:end]
		if at > start && isMarker(text) {
			out = append(out, chunk{startLine, data[start:at]})
			start, startLine = at, line
		}
		at = end
		line += len(splitLines(string(text))) - 1
	}
	return append(out, chunk{startLine, data[start:]})
}

// splitLines cuts text at what YAML takes for the end of a line.
func splitLines(s string) []string {
	if !strings.ContainsAny(s, "\r\u0085\u2028\u2029") {
		return strings.Split(s, "\n")
	}
	return strings.Split(strings.NewReplacer(
		"\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(s), "\n")
}

func isMarker(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

// nodes returns the document nodes of a chunk. A syntax error becomes a fault.
func (r *reader) nodes(data []byte) []*yaml.Node {
	var out []*yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			r.syntax(err)
			return out
		}
		if len(n.Content) == 1 && !isNull(n.Content[0]) {
			shift(n.Content[0], r.offset)
			out = append(out, n.Content[0])
		}
	}
}

// syntax reports what the YAML library says. It gives a line at best, and
// only in its message.
func (r *reader) syntax(err error) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := regexp.MustCompile(`^line (\d+): (.*)$`).FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = m[2]
	}
	line = min(max(line+r.offset, 1), max(len(r.lines), 1))
	r.fault(Pos{line, 1}, "not YAML: %s; check indentation, quotes and colons here and in the line before", msg)
}

func (r *reader) fault(at Pos, format string, args ...any) {
	r.faults = append(r.faults, Fault{File: r.file, At: at, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) pos(n *yaml.Node) Pos {
	return Pos{n.Line, max(n.Column, 1)}
}

// places returns a function that tells where a byte of a scalar's value was
// written. Where the value has white space, the file may have more of it, also
// the ends of lines. What stands behind an escape is told to be where the scalar
// starts.
func (r *reader) places(n *yaml.Node) func(off int) Pos {
	start := r.pos(n)
	at := start
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		at = Pos{start.Line + 1, 1}
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		at.Column++
	}
	known := make([]Pos, 0, len(n.Value)+1)
	rest, more := r.from(at)
	for i, c := range n.Value {
		if !unicode.IsSpace(c) {
			for more && (len(rest) == 0 || unicode.IsSpace(rest[0])) {
				if len(rest) > 0 {
					rest, at.Column = rest[1:], at.Column+1
					continue
				}
				at = Pos{at.Line + 1, 1}
				rest, more = r.from(at)
			}
			if !more || rest[0] != c {
				break
			}
		}
		for len(known) < i+utf8.RuneLen(c) {
			known = append(known, at)
		}
		if !unicode.IsSpace(c) {
			rest, at.Column = rest[1:], at.Column+1
		}
	}
	if len(known) == len(n.Value) {
		known = append(known, at)
	}
	return func(off int) Pos {
		if off >= len(known) {
			return start
		}
		return known[off]
	}
}

// from returns the rest of the line that begins at a place, and whether there is
// such a line.
func (r *reader) from(at Pos) ([]rune, bool) {
	if at.Line < 1 || at.Line > len(r.lines) {
		return nil, false
	}
	line := []rune(r.lines[at.Line-1])
	return line[min(at.Column-1, len(line)):], true
}

// pair is one entry of a mapping.
type pair struct {
	key   Text
	node  *yaml.Node // of the key
	value *yaml.Node
}

// mapping returns the entries of n, which what names. Keys written twice and
// keys that are no scalars are faults.
func (r *reader) mapping(n *yaml.Node, what string) []pair {
	if n.Kind != yaml.MappingNode {
		r.fault(r.pos(n), "%s is %s; expected a mapping (key: value lines)", what, describe(n))
		return nil
	}
	out := make([]pair, 0, len(n.Content)/2)
	seen := make(map[string]Pos, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode {
			r.fault(r.pos(k), "%s: a key is %s; expected a word", what, describe(k))
			continue
		}
		if first, twice := seen[k.Value]; twice {
			r.fault(r.pos(k), "%s: key %q is written twice (first in line %d); keep one or join their values in a list", what, k.Value, first.Line)
			continue
		}
		seen[k.Value] = r.pos(k)
		out = append(out, pair{Text{r.pos(k), k.Value}, k, v})
	}
	return out
}

// unknown reports a key of a mapping that takes only known ones.
func (r *reader) unknown(p pair, what string, known []string) {
	r.fault(p.key.At, "%s: unknown key %q; expected %s%s",
		what, p.key.S, strings.Join(known, ", "), suggest.Hint(p.key.S, known))
}

func (r *reader) sequence(n *yaml.Node, what string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		r.fault(r.pos(n), "%s is %s; expected a list", what, describe(n))
		return nil
	}
	return n.Content
}

// text reads a scalar. Null and empty are faults.
func (r *reader) text(n *yaml.Node, what string) Text {
	switch {
	case n.Kind != yaml.ScalarNode:
		r.fault(r.pos(n), "%s is %s; expected text", what, describe(n))
	case isNull(n) || strings.TrimSpace(n.Value) == "":
		r.fault(r.pos(n), "%s is empty; write a value or remove the key", what)
	default:
		return Text{r.pos(n), n.Value}
	}
	return Text{}
}

// texts reads a list of scalars.
func (r *reader) texts(n *yaml.Node, what string) []Text {
	items := r.sequence(n, what)
	if n.Kind == yaml.SequenceNode && len(items) == 0 {
		r.fault(r.pos(n), "%s is an empty list; write at least one item or remove the key", what)
	}
	out := make([]Text, 0, len(items))
	for _, item := range items {
		if t := r.text(item, "an item of "+what); t.S != "" {
			out = append(out, t)
		}
	}
	return out
}

// oneOrMore reads a scalar or a list of scalars.
func (r *reader) oneOrMore(n *yaml.Node, what string) []Text {
	if n.Kind != yaml.ScalarNode {
		return r.texts(n, what)
	}
	if t := r.text(n, what); t.S != "" {
		return []Text{t}
	}
	return nil
}

// choice reads a scalar that must be one of allowed.
func (r *reader) choice(n *yaml.Node, what string, allowed []string) Text {
	t := r.text(n, what)
	if t.S == "" || slices.Contains(allowed, t.S) {
		return t
	}
	r.fault(t.At, "%s %q is not one of %s%s", what, t.S, strings.Join(allowed, ", "), suggest.Hint(t.S, allowed))
	return Text{}
}

func (r *reader) flag(n *yaml.Node, what string) *Flag {
	if n.Kind == yaml.ScalarNode {
		if b, ok := parseBool(n); ok {
			return &Flag{r.pos(n), b}
		}
	}
	r.fault(r.pos(n), "%s is %s; expected true or false", what, describe(n))
	return nil
}

func (r *reader) duration(n *yaml.Node, what string) Duration {
	t := r.text(n, what)
	if t.S == "" {
		return Duration{}
	}
	d, err := ParseDuration(t.S)
	if err != nil {
		r.fault(t.At, "%s: %v", what, err)
		return Duration{}
	}
	return Duration{t.At, d, t.S}
}

func (r *reader) number(n *yaml.Node, what string) Number {
	if n.Kind == yaml.ScalarNode {
		if v, ok := parseNumber(n); ok {
			return Number{r.pos(n), v, n.Value}
		}
	}
	r.fault(r.pos(n), "%s is %s; expected a number", what, describe(n))
	return Number{}
}

// describe names what a node is, for faults.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "a YAML alias, which rules do not use (write the value out)"
	default:
	}
	if isNull(n) {
		return "empty"
	}
	const most = 40
	if v := []rune(n.Value); len(v) > most {
		return strconv.Quote(string(v[:most]) + "…")
	}
	return strconv.Quote(n.Value)
}

func isNull(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!null" {
		return false
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

func parseBool(n *yaml.Node) (value, ok bool) {
	if n.ShortTag() != "!!bool" {
		return false, false
	}
	switch strings.ToLower(n.Value) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// parseNumber reads decimal, exponent and 0x notation; what else YAML takes
// for a number (octal, underscores, infinity) is text to a rule.
func parseNumber(n *yaml.Node) (float64, bool) {
	if tag := n.ShortTag(); tag != "!!int" && tag != "!!float" {
		return 0, false
	}
	if hex, ok := strings.CutPrefix(n.Value, "0x"); ok {
		v, err := strconv.ParseUint(hex, 16, 64)
		return float64(v), err == nil
	}
	if strings.Trim(n.Value, "0123456789+-.eE") != "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(n.Value, 64)
	return v, err == nil
}
