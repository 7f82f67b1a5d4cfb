package sigma

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/rules/internal/suggest"
)

// maxNesting bounds how deep a condition may nest, so that no file can exhaust
// the stack.
const maxNesting = 200

type token struct {
	text string
	off  int // byte offset in the condition
}

// keyword reports whether the token is the operator w. Operators are
// understood in any case, as older public rules write them in capitals.
func (t token) keyword(w string) bool { return strings.EqualFold(t.text, w) }

// condParser parses one condition by recursive descent:
//
//	or   = and {"or" and}
//	and  = not {"and" not}
//	not  = {"not"} atom
//	atom = "(" or ")" | count "of" pattern | name
type condParser struct {
	tokens []token
	next   int
	depth  int
	det    *Detection
	place  func(off int) Pos
	fault  func(at Pos, format string, args ...any)
	failed bool // stop: what follows cannot be understood
	wrong  bool // faults were reported
}

// parseCondition parses text, whose byte offsets place turns into positions,
// and reports what is wrong with it. It returns nil where it could not parse.
func parseCondition(text string, det *Detection, place func(int) Pos, fault func(Pos, string, ...any)) Expr {
	p := &condParser{tokens: lex(text), det: det, place: place, fault: fault}
	if len(p.tokens) == 0 {
		fault(place(0), `condition is empty; write for example "selection and not filter"`)
		return nil
	}
	e := p.or()
	if t, ok := p.peek(); ok && !p.failed {
		p.unexpected(t)
	}
	if p.wrong {
		return nil
	}
	return e
}

func lex(s string) []token {
	var out []token
	start := -1
	flush := func(end int) {
		if start >= 0 {
			out = append(out, token{s[start:end], start})
			start = -1
		}
	}
	for i, r := range s {
		switch {
		case unicode.IsSpace(r):
			flush(i)
		case r == '(' || r == ')' || r == '|':
			flush(i)
			out = append(out, token{s[i : i+utf8.RuneLen(r)], i})
		case start < 0:
			start = i
		}
	}
	flush(len(s))
	return out
}

func (p *condParser) peek() (token, bool) {
	if p.next >= len(p.tokens) {
		return token{}, false
	}
	return p.tokens[p.next], true
}

// accept takes the next token if it is the operator w.
func (p *condParser) accept(w string) bool {
	t, ok := p.peek()
	if ok && t.keyword(w) {
		p.next++
		return true
	}
	return false
}

// fail reports a fault after which parsing cannot go on.
func (p *condParser) fail(off int, format string, args ...any) {
	if !p.failed {
		p.report(off, format, args...)
	}
	p.failed = true
}

// report reports a fault that does not keep the rest from being parsed.
func (p *condParser) report(off int, format string, args ...any) {
	p.fault(p.place(off), format, args...)
	p.wrong = true
}

func (p *condParser) unexpected(t token) {
	switch t.text {
	case "|":
		p.fail(t.off, `condition: aggregations after "|" are obsolete; write a correlation document of type event_count or value_count instead`)
	case ")":
		p.fail(t.off, `condition: ")" closes nothing; remove it or add the "(" that it belongs to`)
	default:
		p.fail(t.off, `condition: unexpected %q; expected "and", "or" or the end`, t.text)
	}
}

func (p *condParser) end() int {
	if len(p.tokens) == 0 {
		return 0
	}
	t := p.tokens[len(p.tokens)-1]
	return t.off + len(t.text)
}

func (p *condParser) or() Expr {
	if p.depth++; p.depth > maxNesting {
		p.fail(0, "condition: nested deeper than %d; give parts of it names of their own", maxNesting)
	}
	defer func() { p.depth-- }()
	xs := []Expr{p.and()}
	for !p.failed && p.accept("or") {
		xs = append(xs, p.and())
	}
	if p.failed || len(xs) == 1 {
		return xs[0]
	}
	return Or{At: xs[0].Place(), X: xs}
}

func (p *condParser) and() Expr {
	xs := []Expr{p.not()}
	for !p.failed && p.accept("and") {
		xs = append(xs, p.not())
	}
	if p.failed || len(xs) == 1 {
		return xs[0]
	}
	return And{At: xs[0].Place(), X: xs}
}

func (p *condParser) not() Expr {
	if p.failed {
		return nil
	}
	t, ok := p.peek()
	if !ok || !p.accept("not") {
		return p.atom()
	}
	if p.depth++; p.depth > maxNesting {
		p.fail(t.off, "condition: nested deeper than %d; give parts of it names of their own", maxNesting)
	}
	defer func() { p.depth-- }()
	x := p.not()
	return Not{At: p.place(t.off), X: x}
}

func (p *condParser) atom() Expr {
	t, ok := p.peek()
	if !ok {
		p.fail(p.end(), `condition: ends where a search name was expected; name one or drop the last operator`)
		return nil
	}
	switch {
	case t.text == "(":
		p.next++
		e := p.or()
		if !p.failed && !p.accept(")") {
			p.fail(t.off, `condition: "(" is never closed; add the ")"`)
		}
		return e
	case t.text == ")" || t.text == "|" || t.keyword("and") || t.keyword("or"):
		p.fail(t.off, `condition: %q stands where a search name was expected; name a search before it`, t.text)
		return nil
	}
	p.next++
	if p.accept("of") {
		return p.of(t)
	}
	return p.ref(t)
}

func (p *condParser) ref(t token) Expr {
	if p.det.Search(t.text) == nil {
		p.report(t.off, "condition: no search is named %q; define it under detection%s",
			t.text, suggest.Hint(t.text, p.det.names()))
	}
	return Ref{At: p.place(t.off), Name: t.text}
}

func (p *condParser) of(count token) Expr {
	n := 0
	switch {
	case count.keyword("all"):
	case count.keyword("any"):
		n = 1
	default:
		var err error
		if n, err = strconv.Atoi(count.text); err != nil || n < 1 {
			p.fail(count.off, `condition: %q before "of" is not a count; write a number from 1, "all" or "any"`, count.text)
			return nil
		}
	}
	t, ok := p.peek()
	if !ok || t.text == "(" || t.text == ")" || t.text == "|" {
		p.fail(p.end(), `condition: "of" needs "them" or a pattern of search names after it, such as selection_*`)
		return nil
	}
	p.next++
	if t.keyword("them") {
		t.text = "them"
	}
	found := len(p.det.Matching(t.text))
	switch {
	case found == 0:
		p.report(t.off, "condition: no search is named like %q; define one under detection%s",
			t.text, suggest.Hint(t.text, p.det.names()))
	case n > found:
		p.report(count.off, "condition: %d of %s can never hold, there are only %d; lower the number or define more searches", n, t.text, found)
	}
	return Of{At: p.place(count.off), N: n, Pattern: t.text}
}

func (d *Detection) names() []string {
	out := make([]string, len(d.Searches))
	for i, s := range d.Searches {
		out[i] = s.Name.S
	}
	return out
}
