package sigma

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// Filter is an exception that is kept apart from the rules that it is for: its
// condition must hold, too.
type Filter struct {
	At        Pos
	Any       bool   // for every rule of the log source
	Rules     []Text // names or ids; nil where Any
	Detection *Detection
}

// Placeholder says what %name% stands for under the modifier expand.
type Placeholder struct {
	Name   Text
	Values []Value
}

// Tune sets numbers of one rule for some accounts, for a time.
type Tune struct {
	At       Pos
	Rule     Text // name or id
	Accounts []Text
	Set      []Setting
	Owner    Text // who answers for it
	Reason   Text
	From     Text // when it begins, as Until; empty where it holds already
	Until    Text // the first moment at which it no longer holds; see Moment
}

// Setting is a named number of a rule with its new value.
type Setting struct {
	Name  Text // condition.gte, floor, factor and the like
	Value Number
}

func (r *reader) filter(p pair) *Filter {
	f := &Filter{At: p.key.At}
	var searches []pair
	named := false
	for _, p := range r.mapping(p.value, "filter") {
		if p.key.S != "rules" {
			searches = append(searches, p)
			continue
		}
		named = true
		if p.value.Kind == yaml.ScalarNode && p.value.Value == "any" {
			f.Any = true
		} else {
			f.Rules = r.oneOrMore(p.value, "filter rules")
		}
	}
	if !named && p.value.Kind == yaml.MappingNode {
		r.fault(f.At, `filter has no rules; add the names or ids of the rules that it is for, or "rules: any"`)
	}
	f.Detection = r.searches(p, "filter", searches)
	return f
}

func (r *reader) placeholders(p pair) []Placeholder {
	var out []Placeholder
	pairs := r.mapping(p.value, "placeholders")
	if len(pairs) == 0 && p.value.Kind == yaml.MappingNode {
		r.fault(p.key.At, "placeholders is empty; add for example \"admins: [alice, bob]\"")
	}
	for _, p := range pairs {
		h := Placeholder{Name: p.key}
		items := []*yaml.Node{p.value}
		if p.value.Kind == yaml.SequenceNode {
			items = p.value.Content
		}
		for _, item := range items {
			v, ok := r.value(item, "placeholder "+p.key.S)
			if ok && v.Kind == Null {
				r.fault(v.At, "placeholder %s: a value is empty; write text or a number", p.key.S)
			} else if ok {
				h.Values = append(h.Values, v)
			}
		}
		if len(items) == 0 {
			r.fault(p.key.At, "placeholder %s has no value; add one or remove it", p.key.S)
		}
		if !isPlaceholder(p.key.S) {
			r.fault(p.key.At, "placeholder name %q: use letters, digits, _ and - only, without %%", p.key.S)
		}
		out = append(out, h)
	}
	return out
}

// isPlaceholder reports whether a name can stand between percent signs.
func isPlaceholder(name string) bool {
	return name != "" && !slices.ContainsFunc([]byte(name), func(c byte) bool { return !inPlaceholder(c) })
}

func inPlaceholder(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// Placeholders cuts text at its placeholders: even elements are text, odd ones
// the names of placeholders. A percent sign after a backslash stands for
// itself.
func Placeholders(text string) []string {
	out, start := []string{""}, 0
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i > 0 && text[i-1] == '\\' {
			continue
		}
		end := i + 1
		for end < len(text) && inPlaceholder(text[end]) {
			end++
		}
		if end == i+1 || end >= len(text) || text[end] != '%' {
			continue
		}
		out[len(out)-1] = text[start:i]
		out = append(out, text[i+1:end], "")
		i, start = end, end+1
	}
	out[len(out)-1] = text[start:]
	return out
}

func (r *reader) tune(p pair) *Tune {
	t := &Tune{At: p.key.At}
	for _, p := range r.mapping(p.value, "tune") {
		switch p.key.S {
		case "rule":
			t.Rule = r.text(p.value, "tune rule")
		case "accounts":
			t.Accounts = r.oneOrMore(p.value, "tune accounts")
		case "set":
			for _, p := range r.mapping(p.value, "tune set") {
				t.Set = append(t.Set, Setting{p.key, r.number(p.value, "tune set "+p.key.S)})
			}
		case "owner":
			t.Owner = r.text(p.value, "tune owner")
		case "reason":
			t.Reason = r.text(p.value, "tune reason")
		case "until":
			t.Until = r.moment(p.value, "tune until")
		case "from":
			t.From = r.moment(p.value, "tune from")
		default:
			r.unknown(p, "tune", append(tuneKeys(), "from"))
		}
	}
	r.needs(p, "tune", tuneKeys()...)
	if from, until := Moment(t.From.S), Moment(t.Until.S); !from.IsZero() && !until.IsZero() && !until.After(from) {
		r.fault(t.Until.At, "tune until %q is not after from %q; write a later time", t.Until.S, t.From.S)
	}
	return t
}

// tuneKeys are the keys that a tune document needs.
func tuneKeys() []string { return []string{"rule", "accounts", "set", "owner", "reason", "until"} }

// moment reads a day or a time of it.
func (r *reader) moment(n *yaml.Node, what string) Text {
	t := r.text(n, what)
	if t.S != "" && Moment(t.S).IsZero() {
		r.fault(t.At, "%s %q is neither a date nor a time; write YYYY-MM-DD, or a time with its offset such as 2026-03-06T09:00:00+01:00", what, t.S)
		return Text{}
	}
	return t
}

// Moment returns the moment that a text of a tune document means: that of RFC
// 3339, or the start of a day in UTC. It is zero for the empty text.
func Moment(s string) time.Time {
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func (p *printer) filter(f *Filter) {
	if f == nil {
		return
	}
	p.line(0, "filter:")
	if f.Any {
		p.line(1, "rules: any")
	}
	p.texts(1, "rules", f.Rules)
	p.searches(f.Detection)
}

func (p *printer) placeholders(hs []Placeholder) {
	if len(hs) == 0 {
		return
	}
	p.line(0, "placeholders:")
	for _, h := range hs {
		p.line(1, "%s:", quote(h.Name.S))
		for _, v := range h.Values {
			p.line(2, "- %s", v)
		}
	}
}

func (p *printer) tune(t *Tune) {
	if t == nil {
		return
	}
	p.line(0, "tune:")
	p.text(1, "rule", t.Rule)
	p.texts(1, "accounts", t.Accounts)
	p.line(1, "set:")
	for _, s := range t.Set {
		p.line(2, "%s: %s", quote(s.Name.S), s.Value.Text)
	}
	p.text(1, "owner", t.Owner)
	p.text(1, "reason", t.Reason)
	p.text(1, "from", t.From)
	p.text(1, "until", t.Until)
}
