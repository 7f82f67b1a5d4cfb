package rules

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/sigma"
)

// The oracle's share of the modifiers that change values. Where the compiler
// looks for what a value becomes, the oracle undoes it in the text, or tries
// every place.

func oracleText(x activity.Value) string {
	if x.IsNum {
		return strconv.FormatFloat(x.Num, 'f', -1, 64)
	}
	return x.Str
}

// oraclePlaceholders are what placeholders stand for in generated rules.
var oraclePlaceholders = map[string][]string{"people": {"a", "b*"}, "none-here": {"zz", "10"}}

func placeholderDocument() string {
	out := "title: Places\nplaceholders:\n"
	for name, values := range oraclePlaceholders {
		out += "  " + name + ":\n"
		for _, v := range values {
			out += "    - " + quoteYAML(v) + "\n"
		}
	}
	return out
}

func oracleExpand(v sigma.Value) []sigma.Value {
	out := []string{v.Text}
	for name, values := range oraclePlaceholders {
		var next []string
		for _, text := range out {
			if !strings.Contains(text, "%"+name+"%") {
				next = append(next, text)
				continue
			}
			for _, value := range values {
				next = append(next, strings.ReplaceAll(text, "%"+name+"%", value))
			}
		}
		out = next
	}
	var values []sigma.Value
	for _, text := range out {
		values = append(values, sigma.Value{Text: text})
	}
	return values
}

// oracleLacks returns placeholders of public rules, which have no values.
func oracleLacks(d *sigma.Document) []string {
	var out []string
	for _, s := range d.Detection.Searches {
		for _, g := range s.Any {
			for _, t := range g.All {
				for _, v := range t.Values {
					for _, m := range oracleRegexp(`%([\w-]+)%`).FindAllStringSubmatch(v.Text, -1) {
						if strings.HasSuffix(t.Key(), "|expand") && oraclePlaceholders[m[1]] == nil {
							out = append(out, m[1])
						}
					}
				}
			}
		}
	}
	return out
}

func oracleRelated(values, others []activity.Value, has func(string) bool) bool {
	return slices.ContainsFunc(values, func(x activity.Value) bool {
		return slices.ContainsFunc(others, func(y activity.Value) bool {
			p := sigma.Pattern{{Kind: sigma.Literal, Text: oracleText(y)}}
			return oraclePlaced(p, oracleText(x), has)
		})
	})
}

// oraclePlaced looks for a pattern where the modifiers say.
func oraclePlaced(p sigma.Pattern, text string, has func(string) bool) bool {
	many := sigma.Piece{Kind: sigma.Many}
	if has("contains") || has("endswith") {
		p = append(sigma.Pattern{many}, p...)
	}
	if has("contains") || has("startswith") {
		p = append(slices.Clip(p), many)
	}
	return oracleGlob(p, text, has("cased"))
}

// oracleTime reads a time in one of the documented forms.
func oracleTime(text string) (time.Time, bool) {
	if len(text) <= 64 && oracleRegexp(`^-?[0-9]+(\.[0-9]+)?$`).MatchString(text) {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n < 0 || n >= 1e14 {
			return time.Time{}, false
		}
		if n < 1e11 {
			n *= 1000
		}
		return time.UnixMilli(int64(n)), true
	}
	form := oracleRegexp(`^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})([.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?$`)
	m := form.FindStringSubmatch(text)
	if m == nil || len(text) > 40 {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, m[1]+"T"+m[2]+cmp.Or(m[4], "Z"))
	return t, err == nil
}

func oracleTimePart(part, text, bound string, has func(string) bool) bool {
	t, ok := oracleTime(text)
	if !ok {
		return false
	}
	t = t.UTC()
	_, week := t.ISOWeek()
	n := map[string]int{
		"minute": t.Minute(), "hour": t.Hour(), "day": t.Day(), "week": week, "month": int(t.Month()), "year": t.Year(),
	}[part]
	for _, op := range []string{"gt", "gte", "lt", "lte"} {
		if has(op) {
			return oracleOrder(op, activity.Value{}, strconv.Itoa(n), bound)
		}
	}
	return strconv.Itoa(n) == bound
}

// oracleEncoded compares after undoing what the modifiers did to the value.
func oracleEncoded(t sigma.Test, p sigma.Pattern, text string, has func(string) bool) bool {
	if has("windash") {
		text, p = oracleDashes(p, text)
	}
	for _, m := range t.Modifiers {
		if encodes(m.S) {
			return slices.ContainsFunc(oracleEncodings(t, p), func(p sigma.Pattern) bool { return oraclePlaced(p, text, has) })
		}
	}
	if t.Field == "" {
		return oraclePlaced(p, text, func(m string) bool { return m == "contains" || has(m) })
	}
	return oraclePlaced(p, text, has)
}

// oracleDashes gives a pattern with a dash before an option one spelling, and
// text the same one at every dash.
func oracleDashes(p sigma.Pattern, text string) (string, sigma.Pattern) {
	form := oracleRegexp(`(^|[^\pL\pN_])[-/]([\pL\pN_])`)
	out := slices.Clone(p)
	for i := range out {
		for prev := ""; prev != out[i].Text; {
			prev = out[i].Text
			out[i].Text = form.ReplaceAllString(out[i].Text, "${1}\x01${2}")
		}
	}
	if !strings.ContainsFunc(out.String(), func(r rune) bool { return r == 1 }) {
		return text, p
	}
	return strings.NewReplacer("-", "\x01", "/", "\x01", "–", "\x01", "—", "\x01", "―", "\x01").Replace(text), out
}

// oracleEncodings encodes by the book: each byte of UTF-16 by hand, base64 by
// cutting what does not depend on the neighbours.
func oracleEncodings(t sigma.Test, p sigma.Pattern) []sigma.Pattern {
	text, _ := p.Plain()
	out := []string{text}
	for _, m := range t.Modifiers {
		for i, s := range out {
			switch m.S {
			case "wide", "utf16le", "utf16be":
				var b []byte
				for _, r := range s { // the generator's characters take one unit
					if m.S == "utf16be" {
						b = append(b, byte(r>>8), byte(r))
					} else {
						b = append(b, byte(r), byte(r>>8))
					}
				}
				out[i] = string(b)
			case "base64":
				out[i] = base64.StdEncoding.EncodeToString([]byte(s))
			}
		}
		if m.S == "base64offset" {
			s := out[0]
			out = nil
			for before := range 3 {
				one := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + s + "\x00\x00\x00"))
				two := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\xff", before) + s + "\xff\xff\xff"))
				from := 0
				for one[from] != two[from] {
					from++
				}
				to := from
				for to < len(one) && one[to] == two[to] {
					to++
				}
				out = append(out, one[from:to])
			}
		}
	}
	var patterns []sigma.Pattern
	for _, s := range out {
		patterns = append(patterns, sigma.Pattern{{Kind: sigma.Literal, Text: s}})
	}
	return patterns
}
