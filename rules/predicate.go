package rules

import (
	"bytes"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/sigma"
)

type operation uint8

const (
	opPresent operation = iota // the field has a value
	opAbsent                   // the field has none
	opEqual
	opPrefix
	opSuffix
	opContains
	opGlob
	opRegexp
	opCIDR
	opNumber // equals a number, as a number or as text
	opGreater
	opGreaterEqual
	opLess
	opLessEqual
	opField // stands in the relation "than" to a value of the other field
	opTime  // a part of a time stands in the relation "than" to num
)

// predicate compares one field with one value. It holds where it holds for one
// of the field's values. Rules share predicates, so that each is evaluated at
// most once for an activity.
type predicate struct {
	slot  int32
	op    operation
	cased bool
	lit   []byte // folded unless cased
	glob  glob
	re    *regexp.Regexp
	need  []byte // folded text that every match of re contains; empty where none is known
	cidr  netip.Prefix
	num   float64
	than  operation // opField, opTime
	other int32     // opField: the slot of the other field
	part  uint8     // opTime: which part, as in timeParts
	words string    // the test in words: contains "foo"

	rules  int32 // how many name it
	tabled bool  // the table of its slot notes whether it may hold
}

// predicateKey is the same for equal predicates.
type predicateKey struct {
	slot  int32
	op    operation
	cased bool
	words string
}

func (q *predicate) key() predicateKey { return predicateKey{q.slot, q.op, q.cased, q.words} }

// textPredicate compares text with a pattern.
func textPredicate(p sigma.Pattern, cased bool) predicate {
	prepare := func(s string) []byte {
		if cased {
			return []byte(s)
		}
		return appendFold(nil, s)
	}
	q := predicate{cased: cased}
	literal := func(op operation, verb, text string) predicate {
		q.op, q.lit, q.words = op, prepare(text), verb+" "+strconv.Quote(text)
		return q
	}
	if text, plain := p.Plain(); plain {
		return literal(opEqual, "is", text)
	}
	many := func(i int) bool { return p[i].Kind == sigma.Many }
	lit := func(i int) bool { return p[i].Kind == sigma.Literal }
	switch {
	case len(p) == 1 && many(0):
		q.op, q.words = opPresent, "is present"
		return q
	case len(p) == 2 && lit(0) && many(1):
		return literal(opPrefix, "starts with", p[0].Text)
	case len(p) == 2 && many(0) && lit(1):
		return literal(opSuffix, "ends with", p[1].Text)
	case len(p) == 3 && many(0) && lit(1) && many(2):
		return literal(opContains, "contains", p[1].Text)
	}
	q.op, q.glob, q.words = opGlob, newGlob(p, prepare), "matches "+strconv.Quote(p.String())
	return q
}

// numberPredicate compares a number. words is how the comparison reads.
func numberPredicate(op operation, verb string, v float64, text string) predicate {
	return predicate{op: op, num: v, lit: appendFold(nil, text), words: verb + " " + text}
}

// holds reports whether the predicate holds for one of the field's values,
// and for which.
func (m *Matcher) holds(q *predicate, a *activity.Activity) (which int, ok bool) {
	lo, hi := m.load(q.slot, a)
	if q.op == opAbsent {
		return -1, lo == hi
	}
	for i := lo; i < hi; i++ {
		if q.op == opField && m.related(q, i, a) || m.compare(q, i) {
			return i, true
		}
	}
	return -1, false
}

func (m *Matcher) compare(q *predicate, i int) bool {
	switch q.op {
	case opPresent:
		return true
	case opEqual:
		return bytes.Equal(m.text(i, q.cased), q.lit)
	case opPrefix:
		return bytes.HasPrefix(m.text(i, q.cased), q.lit)
	case opSuffix:
		return bytes.HasSuffix(m.text(i, q.cased), q.lit)
	case opContains:
		return bytes.Contains(m.text(i, q.cased), q.lit)
	case opGlob:
		return q.glob.match(m.text(i, q.cased))
	case opRegexp:
		// Looking for text is ten times as fast as a regular expression.
		if len(q.need) > 0 && !bytes.Contains(m.text(i, false), q.need) {
			return false
		}
		return q.re.Match(m.text(i, true))
	case opCIDR:
		return inPrefix(q.cidr, m.values[i].Str)
	case opNumber:
		if v := m.values[i]; v.IsNum {
			return v.Num == q.num
		}
		return bytes.Equal(m.text(i, false), q.lit)
	case opTime:
		return m.partHolds(q, m.values[i])
	case opAbsent, opField:
		return false
	case opGreater, opGreaterEqual, opLess, opLessEqual:
	}
	v, ok := number(m.values[i])
	return ok && ordered(q.op, v, q.num)
}

func ordered(op operation, v, bound float64) bool {
	switch op {
	case opGreater:
		return v > bound
	case opGreaterEqual:
		return v >= bound
	case opLess:
		return v < bound
	default:
		return v <= bound
	}
}

// needed returns the longest folded text that every match of a regular
// expression contains, nil where none is known.
func needed(re *syntax.Regexp) []byte {
	switch re.Op {
	case syntax.OpLiteral:
		if !slices.Contains(re.Rune, utf8.RuneError) { // which stands for bytes that are not UTF-8, too
			return appendFold(nil, string(re.Rune))
		}
	case syntax.OpCapture, syntax.OpPlus:
		return needed(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needed(re.Sub[0])
		}
	case syntax.OpConcat:
		var longest []byte
		for _, sub := range re.Sub {
			if n := needed(sub); len(n) > len(longest) {
				longest = n
			}
		}
		return longest
	default:
	}
	return nil
}

// number returns a value as a number: a number, or text that is nothing but a
// decimal one. Only text that strconv accepts is given to it, because its
// errors are allocated.
func number(v activity.Value) (float64, bool) {
	if v.IsNum {
		return v.Num, true
	}
	const longest = 64
	digits := strings.TrimPrefix(v.Str, "-")
	whole, fraction, dotted := strings.Cut(digits, ".")
	if len(v.Str) > longest || whole == "" || dotted && fraction == "" || !decimal(whole) || !decimal(fraction) {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.Str, 64)
	return f, err == nil
}

func decimal(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// inPrefix reports whether the text is an address within p.
func inPrefix(p netip.Prefix, s string) bool {
	addr, ok := address(s)
	return ok && p.Contains(addr)
}

// address returns the text as an address. IPv4 addresses written as IPv6 count
// as IPv4. What cannot be an address is not parsed, because the errors of
// netip are allocated.
func address(s string) (netip.Addr, bool) {
	if len(s) < 2 || len(s) > 45 || strings.IndexByte(s, ':') < 0 && strings.Count(s, ".") != 3 {
		return netip.Addr{}, false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') && c != '.' && c != ':' {
			return netip.Addr{}, false
		}
	}
	addr, err := netip.ParseAddr(s)
	return addr.Unmap(), err == nil
}
