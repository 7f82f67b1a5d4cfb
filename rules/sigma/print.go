package sigma

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Print returns the documents as one YAML file in canonical form: attributes
// in the specification's order, all text in double quotes, no comments. Two
// documents that mean the same to Parse print the same.
func Print(docs []*Document) string {
	var p printer
	for i, d := range docs {
		if i > 0 {
			p.b.WriteString("---\n")
		}
		p.document(d)
	}
	return p.b.String()
}

// String returns the document in canonical form; see Print.
func (d *Document) String() string { return Print([]*Document{d}) }

type printer struct{ b strings.Builder }

func (p *printer) line(indent int, format string, args ...any) {
	p.b.WriteString(strings.Repeat("  ", indent))
	fmt.Fprintf(&p.b, format, args...)
	p.b.WriteByte('\n')
}

func (p *printer) text(indent int, key string, t Text) {
	if t.S != "" {
		p.line(indent, "%s: %s", key, quote(t.S))
	}
}

func (p *printer) texts(indent int, key string, ts []Text) {
	if len(ts) == 0 {
		return
	}
	p.line(indent, "%s:", key)
	for _, t := range ts {
		p.line(indent+1, "- %s", quote(t.S))
	}
}

func (p *printer) flag(indent int, key string, f *Flag) {
	if f != nil {
		p.line(indent, "%s: %t", key, f.On)
	}
}

func (p *printer) document(d *Document) {
	p.text(0, "title", d.Title)
	p.text(0, "id", d.ID)
	p.text(0, "name", d.Name)
	if len(d.Related) > 0 {
		p.line(0, "related:")
		for _, r := range d.Related {
			p.line(1, "- {id: %s, type: %s}", quote(r.ID.S), quote(r.Type.S))
		}
	}
	p.text(0, "taxonomy", d.Taxonomy)
	p.text(0, "status", d.Status)
	p.text(0, "description", d.Description)
	p.text(0, "license", d.License)
	p.texts(0, "references", d.References)
	p.text(0, "author", d.Author)
	p.text(0, "date", d.Date)
	p.text(0, "modified", d.Modified)
	p.logsource(d.Logsource)
	p.detection(d.Detection)
	p.correlation(d.Correlation)
	p.baseline(d.Baseline)
	p.filter(d.Filter)
	p.tune(d.Tune)
	p.placeholders(d.Placeholders)
	p.texts(0, "fields", d.Fields)
	p.texts(0, "falsepositives", d.FalsePositives)
	p.text(0, "level", d.Level)
	p.texts(0, "tags", d.Tags)
	p.texts(0, "scope", d.Scope)
	p.flag(0, "generate", d.Generate)
	p.picket(d.Picket)
	for _, c := range d.Custom {
		p.line(0, "%s: %s", quote(c.Name.S), c.Value)
	}
}

func (p *printer) logsource(l *Logsource) {
	if l == nil {
		return
	}
	if l.Category.S+l.Product.S+l.Service.S+l.Definition.S == "" && len(l.Custom) == 0 {
		p.line(0, "logsource: {}")
		return
	}
	p.line(0, "logsource:")
	p.text(1, "category", l.Category)
	p.text(1, "product", l.Product)
	p.text(1, "service", l.Service)
	p.text(1, "definition", l.Definition)
	for _, c := range l.Custom {
		p.line(1, "%s: %s", quote(c.Name.S), c.Value)
	}
}

func (p *printer) detection(d *Detection) {
	if d == nil {
		return
	}
	p.line(0, "detection:")
	p.searches(d)
}

func (p *printer) searches(d *Detection) {
	for _, s := range d.Searches {
		p.search(s)
	}
	if len(d.Conditions) == 1 {
		p.line(1, "condition: %s", quote(d.Conditions[0].Expr.String()))
		return
	}
	p.line(1, "condition:")
	for _, c := range d.Conditions {
		p.line(2, "- %s", quote(c.Expr.String()))
	}
}

func (p *printer) search(s *Search) {
	p.line(1, "%s:", quote(s.Name.S))
	if len(s.Any) == 1 && !s.Any[0].plain() {
		for _, t := range s.Any[0].All {
			p.test(2, "", t)
		}
		return
	}
	for _, g := range s.Any {
		if g.plain() {
			for _, v := range g.All[0].Values {
				p.line(2, "- %s", v)
			}
			continue
		}
		lead := "- "
		for _, t := range g.All {
			p.test(2, lead, t)
			lead = "  "
		}
	}
}

// plain reports whether the group is a list of plain keywords.
func (g Group) plain() bool {
	return len(g.All) == 1 && g.All[0].Field == "" && len(g.All[0].Modifiers) == 0
}

func (p *printer) test(indent int, lead string, t Test) {
	if len(t.Values) == 1 {
		p.line(indent, "%s%s: %s", lead, quote(t.Key()), t.Values[0])
		return
	}
	p.line(indent, "%s%s:", lead, quote(t.Key()))
	for _, v := range t.Values {
		p.line(indent+2, "- %s", v)
	}
}

// Key returns the test's field and modifiers as written, "text|contains|all".
func (t Test) Key() string {
	var b strings.Builder
	b.WriteString(t.Field)
	for _, m := range t.Modifiers {
		b.WriteByte('|')
		b.WriteString(m.S)
	}
	return b.String()
}

// String returns the value as YAML.
func (v Value) String() string {
	switch v.Kind {
	case Num, Bool:
		return v.Text
	case Null:
		return "null"
	case String:
	}
	return quote(v.Text)
}

func (p *printer) correlation(c *Correlation) {
	if c == nil {
		return
	}
	p.line(0, "correlation:")
	p.text(1, "type", c.Type)
	p.texts(1, "rules", c.Rules)
	if len(c.Aliases) > 0 {
		p.line(1, "aliases:")
		for _, a := range c.Aliases {
			if len(a.For) == 0 {
				p.line(2, "%s: {}", quote(a.Name.S))
				continue
			}
			p.line(2, "%s:", quote(a.Name.S))
			for _, f := range a.For {
				p.line(3, "%s: %s", quote(f.Rule.S), quote(f.Field.S))
			}
		}
	}
	p.texts(1, "group-by", c.GroupBy)
	p.text(1, "timespan", Text{S: c.Timespan.Text})
	if len(c.Bounds)+len(c.Fields) > 0 {
		p.line(1, "condition:")
		p.texts(2, "field", c.Fields)
		for _, b := range c.Bounds {
			p.line(2, "%s: %s", b.Op.S, b.Value.Text)
		}
	}
	p.flag(1, "generate", c.Generate)
}

func (p *printer) baseline(b *Baseline) {
	if b == nil {
		return
	}
	p.line(0, "baseline:")
	p.text(1, "type", b.Type)
	p.texts(1, "rules", b.Rules)
	p.texts(1, "group-by", b.GroupBy)
	p.text(1, "field", b.Field)
	if b.Learn != nil {
		p.learn(b.Learn)
	}
	p.text(1, "forget", Text{S: b.Forget.Text})
	p.text(1, "verdict", b.Verdict)
	p.text(1, "grace", Text{S: b.Grace.Text})
	p.texts(1, "then", b.Then)
	p.texts(1, "without", b.Without)
	p.text(1, "within", Text{S: b.Within.Text})
	p.text(1, "timespan", Text{S: b.Timespan.Text})
	p.number(1, "floor", b.Floor)
	p.number(1, "factor", b.Factor)
	for _, v := range b.Params {
		p.text(1, v.Name.S, v.Value)
	}
}

func (p *printer) learn(l *Learn) {
	p.line(1, "learn:")
	p.text(2, "period", Text{S: l.Period.Text})
	p.number(2, "events", l.Events)
	p.text(2, "need", l.Need)
	p.text(2, "at-most", Text{S: l.AtMost.Text})
}

func (p *printer) number(depth int, key string, n Number) {
	if n.Text != "" {
		p.line(depth, "%s: %s", key, n.Text)
	}
}

func (p *printer) picket(k *Picket) {
	if k == nil {
		return
	}
	if k.Quiet.Text+k.Mode.S == "" && len(k.ResolvedBy)+len(k.Joins)+len(k.Response) == 0 && k.Generate == nil && k.Across == nil {
		p.line(0, "picket: {}")
		return
	}
	p.line(0, "picket:")
	p.text(1, "quiet", Text{S: k.Quiet.Text})
	p.text(1, "mode", k.Mode)
	p.texts(1, "resolved-by", k.ResolvedBy)
	p.texts(1, "joins", k.Joins)
	p.texts(1, "response", k.Response)
	p.flag(1, "generate", k.Generate)
	p.flag(1, "across-accounts", k.Across)
}

// quote writes s as a YAML double-quoted scalar.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(c):
			b.WriteRune(c)
		case c > 0xffff:
			fmt.Fprintf(&b, `\U%08X`, c)
		default:
			fmt.Fprintf(&b, `\u%04X`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// maxCustomDepth bounds how deep an attribute that is only carried along may
// nest.
const maxCustomDepth = 32

// flow returns a node in canonical YAML flow style.
func (r *reader) flow(n *yaml.Node, depth int) (string, bool) {
	if depth > maxCustomDepth {
		r.fault(r.pos(n), "attribute nests deeper than %d; flatten it", maxCustomDepth)
		return "", false
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return r.flowScalar(n), true
	case yaml.SequenceNode:
		items := make([]string, len(n.Content))
		for i, item := range n.Content {
			var ok bool
			if items[i], ok = r.flow(item, depth+1); !ok {
				return "", false
			}
		}
		return "[" + strings.Join(items, ", ") + "]", true
	case yaml.MappingNode:
		pairs := r.mapping(n, "attribute")
		items := make([]string, len(pairs))
		for i, p := range pairs {
			v, ok := r.flow(p.value, depth+1)
			if !ok {
				return "", false
			}
			items[i] = quote(p.key.S) + ": " + v
		}
		return "{" + strings.Join(items, ", ") + "}", true
	default:
		r.fault(r.pos(n), "attribute is %s", describe(n))
		return "", false
	}
}

func (r *reader) flowScalar(n *yaml.Node) string {
	if isNull(n) {
		return "null"
	}
	if b, ok := parseBool(n); ok {
		return strconv.FormatBool(b)
	}
	if _, ok := parseNumber(n); ok {
		return n.Value
	}
	return quote(n.Value)
}
