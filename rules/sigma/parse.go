package sigma

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/rules/internal/suggest"
)

// Parse reads all documents of a rule file; name is how faults call it. It
// returns every document that it could make something of, those with faults
// marked Faulty, and all faults, sorted. It never stops at the first one.
func Parse(name string, data []byte) ([]*Document, Faults) {
	r := &reader{file: name, lines: splitLines(string(data))}
	if !utf8.Valid(data) {
		r.fault(invalidAt(data), "not UTF-8; save the file in UTF-8")
		return nil, r.faults
	}
	var docs []*Document
	merged := &collection{r: r}
	for _, c := range split(data) {
		r.offset = c.line
		for _, n := range r.nodes(c.data) {
			before := len(r.faults)
			if n = merged.next(n); n == nil {
				continue
			}
			d := r.document(n)
			d.Faulty = len(r.faults) > before
			docs = append(docs, d)
		}
	}
	return docs, r.faults.Sort()
}

func invalidAt(data []byte) Pos {
	at := Pos{1, 1}
	for len(data) > 0 {
		c, size := utf8.DecodeRune(data)
		if c == utf8.RuneError && size == 1 {
			break
		}
		at.Column++
		if c == '\n' {
			at = Pos{at.Line + 1, 1}
		}
		data = data[size:]
	}
	return at
}

// topLevel returns the attributes that Sigma and Picket define, in the order
// in which they are printed.
func topLevel() []string {
	return []string{
		"title", "id", "name", "related", "taxonomy", "status", "description", "license", "references",
		"author", "date", "modified", "logsource", "detection", "correlation", "baseline",
		"filter", "tune", "placeholders",
		"fields", "falsepositives", "level", "tags", "scope", "generate", "picket",
	}
}

func levels() []string { return []string{"informational", "low", "medium", "high", "critical"} }
func statuses() []string {
	return []string{"stable", "test", "experimental", "deprecated", "unsupported"}
}

func relations() []string { return []string{"derived", "obsolete", "merged", "renamed", "similar"} }

func (r *reader) document(n *yaml.Node) *Document {
	d := &Document{File: r.file, At: r.pos(n)}
	before := len(r.faults)
	for _, p := range r.mapping(n, "document") {
		if !r.meta(d, p) && !r.section(d, p) {
			r.custom(d, p)
		}
	}
	r.required(d, n, len(r.faults) > before)
	return d
}

// meta reads the attributes that describe a rule.
func (r *reader) meta(d *Document, p pair) bool {
	switch v := p.value; p.key.S {
	case "title":
		d.Title = r.limited(v, "title", 256)
	case "id":
		d.ID = r.uuid(v, "id")
	case "name":
		d.Name = r.limited(v, "name", 256)
	case "related":
		d.Related = r.related(v)
	case "taxonomy":
		d.Taxonomy = r.limited(v, "taxonomy", 256)
	case "status":
		d.Status = r.choice(v, "status", statuses())
	case "description":
		d.Description = r.limited(v, "description", 65535)
	case "license":
		d.License = r.text(v, "license")
	case "references":
		d.References = r.texts(v, "references")
	case "author":
		d.Author = r.text(v, "author")
	case "date":
		d.Date = r.date(v, "date")
	case "modified":
		d.Modified = r.date(v, "modified")
	case "fields":
		d.Fields = r.texts(v, "fields")
	case "falsepositives":
		d.FalsePositives = r.oneOrMore(v, "falsepositives")
	case "level":
		d.Level = r.choice(v, "level", levels())
	case "tags":
		d.Tags = r.tags(v)
	case "scope":
		d.Scope = r.texts(v, "scope")
	default:
		return false
	}
	return true
}

// section reads the attributes that say what a rule does.
func (r *reader) section(d *Document, p pair) bool {
	switch p.key.S {
	case "logsource":
		d.Logsource = r.logsource(p)
	case "detection":
		d.Detection = r.detection(p)
	case "correlation":
		d.Correlation = r.correlation(p)
	case "baseline":
		d.Baseline = r.baseline(p)
	case "generate":
		d.Generate = r.flag(p.value, "generate")
	case "picket":
		d.Picket = r.picket(p)
	case "filter":
		d.Filter = r.filter(p)
	case "tune":
		d.Tune = r.tune(p)
	case "placeholders":
		d.Placeholders = r.placeholders(p)
	default:
		return false
	}
	return true
}

func (r *reader) custom(d *Document, p pair) {
	if near, ok := suggest.Nearest(p.key.S, topLevel()); ok {
		r.fault(p.key.At, "unknown attribute %q; did you mean %q? (attributes of your own need a name less like it)", p.key.S, near)
		return
	}
	if value, ok := r.flow(p.value, 0); ok {
		d.Custom = append(d.Custom, Custom{p.key, value})
	}
}

// required reports what is missing or does not go together. A document whose
// attributes have faults is not also told that it lacks a kind: the fault is
// most likely why.
func (r *reader) required(d *Document, n *yaml.Node, faulty bool) {
	if n.Kind != yaml.MappingNode {
		return
	}
	has := func(key string) bool {
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return true
			}
		}
		return false
	}
	if !has("title") && !faulty {
		r.fault(d.At, "document has no title; add one that says what the rule detects")
	}
	kinds := slices.DeleteFunc([]string{"detection", "correlation", "baseline", "filter", "tune", "placeholders"}, func(k string) bool { return !has(k) })
	switch {
	case len(kinds) == 0 && !faulty:
		r.fault(d.At, "document has no detection, correlation or baseline; add the one that says when the rule fires")
	case len(kinds) > 1:
		r.fault(d.At, "document has %s; keep one and put the other into a document of its own", strings.Join(kinds, " and "))
	case has("detection") && !has("logsource") && !faulty:
		r.fault(d.At, `rule has no logsource; add "logsource: {product: picket}", or the product whose own events it is for`)
	case has("filter") && !has("logsource") && !faulty:
		r.fault(d.At, `filter has no logsource; add that of the rules which it is for`)
	case has("logsource") && !has("detection") && !has("filter") && len(kinds) == 1:
		r.fault(d.Logsource.place(d.At), "logsource belongs to detection rules; remove it: a %s takes its events from the rules that it names", kinds[0])
	}
	if d.Generate != nil && !has("correlation") {
		r.fault(d.Generate.At, `generate belongs to correlations; write "picket: {generate: true}" in the rule that should raise findings`)
	}
}

func (l *Logsource) place(otherwise Pos) Pos {
	if l == nil {
		return otherwise
	}
	return l.At
}

func (r *reader) limited(n *yaml.Node, what string, most int) Text {
	t := r.text(n, what)
	if c := utf8.RuneCountInString(t.S); c > most {
		r.fault(t.At, "%s has %d characters, at most %d are allowed; shorten it", what, c, most)
	}
	return t
}

func (r *reader) uuid(n *yaml.Node, what string) Text {
	t := r.text(n, what)
	t.S = strings.ToLower(t.S)
	if t.S != "" && !isUUID(t.S) {
		r.fault(t.At, "%s %q is not a UUID; write 32 hexadecimal digits as 8-4-4-4-12", what, t.S)
		return Text{}
	}
	return t
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}

func (r *reader) date(n *yaml.Node, what string) Text {
	t := r.text(n, what)
	if t.S == "" {
		return t
	}
	if _, err := time.Parse(time.DateOnly, t.S); err != nil {
		r.fault(t.At, "%s %q is not a date; write YYYY-MM-DD", what, t.S)
		return Text{}
	}
	return t
}

func (r *reader) tags(n *yaml.Node) []Text {
	form := regexp.MustCompile(`^[a-z0-9_-]+\.[a-z0-9._-]+$`)
	tags := r.texts(n, "tags")
	for _, t := range tags {
		if !form.MatchString(t.S) {
			r.fault(t.At, "tag %q is not namespace.name in lower case; write for example attack.t1078", t.S)
		}
	}
	return tags
}

func (r *reader) related(n *yaml.Node) []Related {
	var out []Related
	for _, item := range r.sequence(n, "related") {
		rel := Related{At: r.pos(item)}
		for _, p := range r.mapping(item, "an item of related") {
			switch p.key.S {
			case "id":
				rel.ID = r.uuid(p.value, "related id")
			case "type":
				rel.Type = r.choice(p.value, "related type", relations())
			default:
				r.unknown(p, "an item of related", []string{"id", "type"})
			}
		}
		out = append(out, rel)
	}
	return out
}

func (r *reader) logsource(p pair) *Logsource {
	l := &Logsource{At: p.key.At}
	known := []string{"category", "product", "service", "definition"}
	for _, p := range r.mapping(p.value, "logsource") {
		switch p.key.S {
		case "category":
			l.Category = r.text(p.value, "logsource category")
		case "product":
			l.Product = r.text(p.value, "logsource product")
		case "service":
			l.Service = r.text(p.value, "logsource service")
		case "definition":
			l.Definition = r.text(p.value, "logsource definition")
		default:
			if _, ok := suggest.Nearest(p.key.S, known); ok {
				r.unknown(p, "logsource", known)
			} else if value, ok := r.flow(p.value, 0); ok {
				l.Custom = append(l.Custom, Custom{p.key, value})
			}
		}
	}
	return l
}
