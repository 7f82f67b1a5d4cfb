package activity

import "strings"

// appendRawValues appends the values that stand at path in the JSON text raw.
// A text that is not JSON gives those before the fault.
func appendRawValues(dst []Value, raw []byte, path string) []Value {
	w := walker{scanner: scanner{data: raw}, dst: dst}
	w.walk(w.skip(0), path, 0)
	return w.dst
}

// walker collects values at a path. Its methods return positions as those of
// scanner do.
type walker struct {
	scanner
	dst []Value
}

// walk reads over the value at i and collects what path leads to in it, which
// is the value itself where path is empty.
func (w *walker) walk(i int, path string, depth int) int {
	if i >= len(w.data) {
		return -1
	}
	switch w.data[i] {
	case '[':
		if depth >= maxDepth {
			return -1
		}
		i, more := w.enter(i, '[', "a list")
		for more {
			i, more = w.after(w.walk(i, path, depth+1), ']')
		}
		return i
	case '{':
		if path != "" {
			return w.object(i, path, depth)
		}
	}
	if path != "" {
		return w.value(i, depth)
	}
	return w.leaf(i, depth)
}

func (w *walker) object(i int, path string, depth int) int {
	if depth >= maxDepth {
		return -1
	}
	i, more := w.enter(i, '{', "an object")
	for more {
		if i >= len(w.data) || w.data[i] != '"' {
			return -1
		}
		end := w.strEnd(i)
		if end < 0 {
			return end
		}
		rest, leads := leadsTo(path, w.unquote(i, end))
		if i = w.skip(end); i >= len(w.data) || w.data[i] != ':' {
			return -1
		}
		if i = w.skip(i + 1); leads {
			i = w.walk(i, rest, depth+1)
		} else {
			i = w.value(i, depth+1)
		}
		i, more = w.after(i, '}')
	}
	return i
}

// leadsTo tells whether the member name is the start of path, and what of it
// is left.
func leadsTo(path, name string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, name)
	switch {
	case !ok:
		return "", false
	case rest == "":
		return "", true
	case rest[0] == '.' && len(rest) > 1:
		return rest[1:], true
	}
	return "", false
}

// leaf collects the value at i.
func (w *walker) leaf(i, depth int) int {
	switch c := w.data[i]; c {
	case '"':
		end := w.strEnd(i)
		if end > 0 {
			w.dst = append(w.dst, Value{Str: w.unquote(i, end)})
		}
		return end
	case 'n':
		return w.value(i, depth)
	case '{', 't', 'f':
		end := w.value(i, depth)
		if end > 0 {
			w.dst = append(w.dst, Value{Str: stringOf(w.data[i:end])})
		}
		return end
	}
	v, end, ok := w.finite(i)
	if ok {
		w.dst = append(w.dst, Value{Num: v, IsNum: true})
	}
	return end
}

// unquote returns the content of the string from i to end, which is known to
// be well formed. Only one with escapes is copied.
func (w *walker) unquote(i, end int) string {
	content := stringOf(w.data[i+1 : end-1])
	if strings.IndexByte(content, '\\') < 0 {
		return content
	}
	return unescapeLoose(content)
}

// unescapeLoose decodes well-formed JSON string content. Half a surrogate
// pair becomes U+FFFD.
func unescapeLoose(content string) string {
	out := make([]byte, 0, len(content))
	for i := 0; i < len(content); {
		j := strings.IndexByte(content[i:], '\\')
		if j < 0 {
			out = append(out, content[i:]...)
			break
		}
		out = append(out, content[i:i+j]...)
		i += j
		s := scanner{data: bytesOf(content), arena: out}
		if end := s.escape(i); end > 0 {
			out, i = s.arena, end
		} else { // the content is well formed, so it is half a pair
			out, i = append(out, "\uFFFD"...), i+6
		}
	}
	return stringOf(out)
}
