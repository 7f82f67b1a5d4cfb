package intake

import (
	"errors"
	"fmt"
	"io"
)

// maxDepth bounds how deep brackets nest inside one element.
const maxDepth = 256

// ErrTooLong is wrapped by the Err of an Element longer than its bound.
var ErrTooLong = errors.New("item is too long")

// FormError says that a body's own structure is broken, and where: what
// follows cannot be told apart any more.
type FormError struct {
	Line, Column int // 1-based; columns count bytes
	Msg          string
}

func (e *FormError) Error() string { return fmt.Sprintf("line %d:%d: %s", e.Line, e.Column, e.Msg) }

// Element is one element of an array as it stands in the input.
type Element struct {
	Offset int64 // of its first byte, from the start of the input
	Len    int   // in bytes
	Line   int   // 1-based line of its first byte
	// Data is the element's text, without the white space around it. It is
	// valid until the next call of Next.
	Data []byte
	// Err is set, and Data is not, when the element is longer than the bound.
	Err error
}

// Elements splits a JSON array, or objects on lines of their own, into items
// as it streams by, looking only at quotes and brackets: whether an item is
// sound is for its reader to find out, so that a broken one does not cost its
// neighbours. Memory is bounded by the longest item allowed.
type Elements struct {
	in  io.Reader
	max int

	win  []byte // what is read and not yet looked at is win[pos:]
	pos  int
	buf  []byte // the element so far, at most max bytes of it
	size int    // its length

	off       int64 // of win[pos] in the input
	line      int
	lineStart int64

	lone    bool  // no array: objects on lines of their own
	open    bool  // "[", or the first object, has been read
	final   error // what Next returns from now on
	inText  bool
	escaped bool
	due     []byte // closing brackets
}

const windowSize = 64 << 10

// NewElements returns the splitter of the array that r starts with, white
// space before it allowed. Elements longer than longest bytes are passed over and
// reported.
func NewElements(r io.Reader, longest int) *Elements {
	return &Elements{in: r, max: longest, line: 1, win: make([]byte, 0, windowSize)}
}

// newObjects returns the splitter of objects with line breaks between them.
func newObjects(r io.Reader, longest int) *Elements {
	e := NewElements(r, longest)
	e.lone = true
	return e
}

// Skip counts bytes that were read from the same input before, so that
// offsets, lines and columns are those of the whole.
func (e *Elements) Skip(head []byte) {
	for _, c := range head {
		e.count(c)
	}
}

// Next returns the next element. It returns io.EOF after the array's end, a
// *FormError where the array is broken, and the reader's own error; each of
// these is final.
func (e *Elements) Next() (Element, error) {
	if e.final != nil {
		return Element{}, e.final
	}
	start := e.line
	c, err := e.nonSpace()
	switch {
	case e.lone && errors.Is(err, io.EOF):
		e.final = err
		return Element{}, err
	case err != nil:
		return Element{}, e.cut(err, "an array")
	case e.lone && c != '{':
		return Element{}, e.fail(`expected "{" or "[", found %q`, c)
	case e.lone && e.open && e.line == start:
		return Element{}, e.fail("a second object on the line of the first; put objects on lines of their own or in an array")
	case e.lone, e.open:
		e.open = true
		return e.element()
	case c != '[':
		return Element{}, e.fail(`expected "[", found %q`, c)
	}
	e.open = true
	e.take()
	if c, err = e.nonSpace(); err != nil {
		return Element{}, e.cut(err, "an array")
	}
	if c == ']' {
		e.take()
		e.end()
		return Element{}, e.final
	}
	return e.element()
}

// element reads the item at the window's position, and the comma or bracket
// that ends it.
func (e *Elements) element() (Element, error) {
	el := Element{Offset: e.off, Line: e.line}
	e.buf, e.size, e.due, e.inText, e.escaped = e.buf[:0], 0, e.due[:0], false, false
	for {
		n, done := e.scan()
		if room := e.max - len(e.buf); room > 0 {
			e.buf = append(e.buf, e.win[e.pos:e.pos+min(n, room)]...)
		}
		e.size += n
		e.pos += n
		if e.final != nil {
			return Element{}, e.final
		}
		if done {
			break
		}
		if err := e.refill(); err != nil {
			return Element{}, e.cut(err, "an item")
		}
	}
	if !e.lone && e.take() == ']' {
		e.end()
	}
	if e.size > e.max {
		el.Len = e.size
		el.Err = fmt.Errorf("%w: %d bytes, expected at most %d", ErrTooLong, e.size, e.max)
		return el, nil
	}
	el.Data = trimSpace(e.buf)
	el.Len = len(el.Data)
	return el, nil
}

// scan looks at the window up to the item's end, or to the window's, and
// returns how many bytes that is. A fault is left in final.
func (e *Elements) scan() (n int, done bool) {
	win := e.win[e.pos:]
	for i, c := range win {
		switch {
		case c == '\n':
			e.count(c)
			e.escaped = false
			continue
		case e.inText:
			e.inText = e.escaped || c != '"'
			e.escaped = !e.escaped && c == '\\'
		case c == '"':
			e.inText = true
		case (c == ',' || c == ']') && len(e.due) == 0:
			return i, true
		case c|0x20 == '{' || c|0x20 == '}': // and the square ones
			if e.bracket(c) != nil {
				return i, true
			}
			if e.lone && len(e.due) == 0 {
				e.off++
				return i + 1, true
			}
		}
		e.off++
	}
	return len(win), false
}

// bracket keeps account of the brackets that are due.
func (e *Elements) bracket(c byte) error {
	if c == '{' || c == '[' {
		if len(e.due) == maxDepth {
			return e.fail("brackets nest more than %d deep; flatten the item", maxDepth)
		}
		e.due = append(e.due, c+2) // '[' and ']', '{' and '}' are two apart
		return nil
	}
	if len(e.due) == 0 {
		return e.fail("found %q that nothing opens", c)
	}
	if due := e.due[len(e.due)-1]; c != due {
		return e.fail("expected %q, found %q", due, c)
	}
	e.due = e.due[:len(e.due)-1]
	return nil
}

// end checks that nothing follows the array.
func (e *Elements) end() {
	c, err := e.nonSpace()
	if err == nil {
		err = e.fail("expected the end after the array, found %q", c)
	}
	e.final = err
}

// nonSpace moves to the next byte that is not white space and returns it.
func (e *Elements) nonSpace() (byte, error) {
	for {
		for ; e.pos < len(e.win); e.take() {
			if c := e.win[e.pos]; !isSpace(c) {
				return c, nil
			}
		}
		if err := e.refill(); err != nil {
			return 0, err
		}
	}
}

// take moves past one byte of the window and returns it.
func (e *Elements) take() byte {
	c := e.win[e.pos]
	e.pos++
	e.count(c)
	return c
}

func (e *Elements) count(c byte) {
	e.off++
	if c == '\n' {
		e.line++
		e.lineStart = e.off
	}
}

// cut makes a reader's error final, and the end of the input one that says
// where it ended.
func (e *Elements) cut(err error, inside string) error {
	if errors.Is(err, io.EOF) {
		return e.fail("the input ends inside %s", inside)
	}
	e.final = err
	return err
}

// refill reads the next window.
func (e *Elements) refill() error {
	e.pos = 0
	for {
		n, err := e.in.Read(e.win[:cap(e.win)])
		e.win = e.win[:n]
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fail makes a fault at the current byte final.
func (e *Elements) fail(format string, args ...any) error {
	e.final = &FormError{Line: e.line, Column: int(e.off-e.lineStart) + 1, Msg: fmt.Sprintf(format, args...)}
	return e.final
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// trimSpace removes JSON's white space from the end; the start has none.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}
