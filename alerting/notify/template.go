package notify

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode/utf8"

	"github.com/picketd/picket/alerting"
)

// Bounds of what a template writes, in bytes and lines, and of how often its
// loops and its templates within may run for one message.
const (
	MaxTemplated      = 16 << 10
	MaxTemplatedLines = 100
	MaxTemplateSteps  = 10_000
)

// errSteps stops a template that would not end.
var errSteps = fmt.Errorf("takes more than %d steps", MaxTemplateSteps)

// Template is a text/template over a Message: "{{.Account}} since
// {{.Started.Format "15:04"}}". It has the functions of text/template alone,
// none of which sees anything but the message.
type Template struct {
	name string
	t    *template.Template
}

// inside is the template's own name, so that where a fault is can be told from
// the library's words whatever the file is called.
const inside = "t"

// ParseTemplate reads a template and tries it with messages of every kind, with
// and without all that a message may lack. An error begins with
// name:line:column, both from 1 and the column in bytes.
func ParseTemplate(name, text string) (*Template, error) {
	parsed, err := fresh().Parse(text)
	if err != nil {
		return nil, unparsed(name, text, err)
	}
	if err := count(parsed); err != nil {
		return nil, fmt.Errorf("%s:1:1: %w", name, err)
	}
	t := &Template{name: name, t: parsed}
	for _, m := range samples() {
		if _, err := t.Execute(m); err != nil {
			return nil, fmt.Errorf("%w (in a message of kind %s)", err, m.Kind)
		}
	}
	return t, nil
}

// Execute returns what the template writes of a message, at most MaxTemplated
// bytes.
func (t *Template) Execute(m *Message) (string, error) {
	counted, err := t.t.Clone()
	if err != nil {
		return "", fmt.Errorf("%s:1:1: %w", t.name, err)
	}
	steps := 0
	counted.Funcs(template.FuncMap{step: func() (string, error) {
		if steps++; steps > MaxTemplateSteps {
			return "", errSteps
		}
		return "", nil
	}})
	var b limited
	// A copy: a template can call methods of what it is given.
	given := *m
	if err := counted.Execute(&b, &given); err != nil {
		return "", unexecuted(t.name, err)
	}
	return b.String(), nil
}

// step is the function that counts.
const step = "step"

// fresh returns a template to read a text into.
func fresh() *template.Template {
	return template.New(inside).Option("missingkey=error").Funcs(template.FuncMap{
		step:    func() string { return "" },
		"print": bounded(fmt.Sprint), "println": bounded(fmt.Sprintln),
		"printf": func(format string, args ...any) (string, error) { return short(fmt.Sprintf(format, args...)) },
		"html":   bounded(template.HTMLEscaper), "js": bounded(template.JSEscaper), "urlquery": bounded(template.URLQueryEscaper),
	})
}

// bounded is a function of text/template that makes no text longer than a
// whole template may write: one that doubles a text in a loop would fill the
// memory.
func bounded(f func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) { return short(f(args...)) }
}

func short(s string) (string, error) {
	if len(s) > MaxTemplated {
		return "", fmt.Errorf("makes a text of more than %d bytes", MaxTemplated)
	}
	return s, nil
}

// count puts a call of step at the beginning of each loop and each template:
// text/template cannot be stopped from outside, and goes through a billion
// turns of {{range 1000000000}} without a word.
func count(t *template.Template) error {
	counter, err := fresh().Parse("{{" + step + "}}")
	if err != nil {
		return err
	}
	node := counter.Root.Nodes[0]
	for _, each := range t.Templates() {
		if each.Tree != nil && each.Root != nil {
			countIn(each.Root, node)
		}
	}
	return nil
}

// countIn puts the counting node into a list and all loops below it.
func countIn(list *parse.ListNode, node parse.Node) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.RangeNode:
			countIn(n.List, node)
			countIn(n.ElseList, node)
		case *parse.IfNode:
			countIn(n.List, node)
			countIn(n.ElseList, node)
		case *parse.WithNode:
			countIn(n.List, node)
			countIn(n.ElseList, node)
		}
	}
	list.Nodes = slices.Insert(list.Nodes, 0, node)
}

// limited is a buffer that takes no more than a template may write.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > MaxTemplated {
		return 0, fmt.Errorf("writes more than %d bytes", MaxTemplated)
	}
	return l.Buffer.Write(p)
}

// unparsed says where a template cannot be read. The library names the line;
// the column is that of the action there with which it begins to be wrong.
func unparsed(name, text string, err error) error {
	line, what := 1, err.Error()
	if n, rest, ok := position(what); ok {
		line, what = n, rest
	}
	start := 0
	for range line - 1 {
		if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
			start += i + 1
		}
	}
	end := len(text)
	if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
		end = start + i
	}
	return fmt.Errorf("%s:%d:%d: %s", name, line, wrongFrom(text, start, end)-start+1, what)
}

// wrongFrom returns where in text[start:end], one line, the first action begins
// without which everything before can be read.
func wrongFrom(text string, start, end int) int {
	for at := start; ; {
		i := strings.Index(text[at:end], "{{")
		if i < 0 {
			return start
		}
		at += i
		until := len(text)
		if k := strings.Index(text[at:], "}}"); k >= 0 {
			until = at + k + len("}}")
		}
		_, err := fresh().Parse(text[:until])
		if err != nil && (!strings.Contains(err.Error(), "unexpected EOF") || until == len(text)) {
			return at
		}
		at += len("{{")
	}
}

// unexecuted says where a template fails.
func unexecuted(name string, err error) error {
	if errors.Is(err, errSteps) {
		return fmt.Errorf("%s:1:1: %w", name, errSteps)
	}
	if failed, ok := errors.AsType[template.ExecError](err); ok {
		err = failed.Err
	}
	line, rest, ok := position(err.Error())
	if !ok { // of writing, which has no place in the template
		return fmt.Errorf("%s:1:1: %w", name, err)
	}
	column := 0
	if n, err := fmt.Sscanf(rest, "%d:", &column); n == 1 && err == nil {
		_, rest, _ = strings.Cut(rest, ": ")
	}
	return fmt.Errorf("%s:%d:%d: %s", name, line, column+1, strings.TrimPrefix(rest, `executing "`+inside+`" `))
}

// position takes the place apart that the library puts before an error:
// "template: t:3: what", "template: t:3:7: what".
func position(text string) (line int, rest string, ok bool) {
	text, ok = strings.CutPrefix(text, "template: "+inside+":")
	if !ok {
		return 0, "", false
	}
	if n, err := fmt.Sscanf(text, "%d:", &line); n != 1 || err != nil {
		return 0, "", false
	}
	_, rest, _ = strings.Cut(text, ":")
	return line, strings.TrimSpace(rest), true
}

// Templates are a receiver's own words; either may be nil.
type Templates struct {
	// Title is what follows "CRITICAL x/acme: " and precedes the number.
	Title *Template
	// Lines is a line each; what is before ": " is a label where it is one word.
	Lines *Template
}

// Apply returns the message in the receiver's own words. Where a template fails
// in spite of ParseTemplate, the message is as it was there, and the error says
// why: a page is told in any case. So it is where one writes nothing.
func (t Templates) Apply(m *Message) (*Message, error) {
	out := *m
	var failed error
	if t.Title != nil {
		tail, err := t.Title.Execute(m)
		if tail = alerting.Plain(tail); err == nil && tail != "" {
			out.Title = retitled(m, tail)
		}
		failed = err
	}
	if t.Lines != nil {
		text, err := t.Lines.Execute(m)
		if lines := linesOf(text); err == nil && len(lines) > 0 {
			out.Lines = lines
		}
		failed = errors.Join(failed, err)
	}
	return &out, failed
}

// retitled puts a tail in place of a title's, at most alerting.MaxTitle
// characters with the number.
func retitled(m *Message, tail string) string {
	head := ""
	if before, _, ok := strings.Cut(m.Title, ": "); ok {
		head = before + ": "
	}
	number := ""
	if m.Number != "" {
		number = " [" + m.Number + "]"
	}
	return head + shorten(tail, alerting.MaxTitle-utf8.RuneCountInString(head+number)) + number
}

// linesOf reads a line each.
func linesOf(text string) []Line {
	var out []Line
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || len(out) == MaxTemplatedLines {
			continue
		}
		label, rest, ok := strings.Cut(line, ": ")
		if !ok || strings.ContainsAny(label, " \t") {
			label, rest = "", line
		}
		out = append(out, Line{Label: label, Text: strings.TrimSpace(rest)})
	}
	return out
}
