package rules

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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

// oracleLacks reports whether a placeholder of the rule has no values, as those
// of public rules.
func oracleLacks(d *sigma.Document) bool {
	placeholder := oracleRegexp(`%([\w-]+)%`)
	for _, s := range d.Detection.Searches {
		for _, g := range s.Any {
			for _, t := range g.All {
				for _, v := range t.Values {
					if !strings.HasSuffix(t.Key(), "|expand") {
						continue
					}
					for _, m := range placeholder.FindAllStringSubmatch(v.Text, -1) {
						if oraclePlaceholders[m[1]] == nil {
							return true
						}
					}
				}
			}
		}
	}
	return false
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
		return slices.ContainsFunc(oracleDashes(p), func(p sigma.Pattern) bool { return oracleSpelt(t, p, text, has) })
	}
	return oracleSpelt(t, p, text, has)
}

func oracleSpelt(t sigma.Test, p sigma.Pattern, text string, has func(string) bool) bool {
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

// oracleDashes spells a pattern with each dash before an option written in every
// way there is.
func oracleDashes(p sigma.Pattern) []sigma.Pattern {
	out := []sigma.Pattern{p}
	for i := range p {
		if p[i].Kind != sigma.Literal {
			continue
		}
		for _, at := range oracleOptions(p[i].Text) {
			var spelt []sigma.Pattern
			for _, q := range out {
				for _, dash := range []string{"-", "/", "–", "—", "―"} {
					fresh := slices.Clone(q)
					end := len(fresh[i].Text) - (len(p[i].Text) - at) // of what stands before, respelt
					_, size := utf8.DecodeRuneInString(p[i].Text[at:])
					fresh[i].Text = fresh[i].Text[:end] + dash + p[i].Text[at+size:]
					spelt = append(spelt, fresh)
				}
			}
			out = spelt
		}
	}
	return out
}

// oracleOptions returns where a dash stands that no word goes into and one
// comes out of.
func oracleOptions(text string) []int {
	word := oracleRegexp(`^[\pL\pN_]$`)
	var out []int
	runes, at := []rune(text), 0
	for i, r := range runes {
		before := i > 0 && word.MatchString(string(runes[i-1]))
		after := i+1 < len(runes) && word.MatchString(string(runes[i+1]))
		if strings.ContainsRune("-/\u2013\u2014\u2015", r) && !before && after {
			out = append(out, at)
		}
		at += utf8.RuneLen(r)
	}
	return out
}

// oracleAround encodes the texts between the wildcards of a pattern.
func oracleAround(t sigma.Test, p sigma.Pattern) sigma.Pattern {
	out := slices.Clone(p)
	for i, piece := range out {
		if piece.Kind == sigma.Literal {
			encoded := oracleEncodings(t, sigma.Pattern{piece})
			out[i].Text, _ = encoded[0].Plain()
		}
	}
	return out
}

// oracleEncodings encodes by the book: each byte of UTF-16 by hand, base64 by
// cutting what does not depend on the neighbours.
func oracleEncodings(t sigma.Test, p sigma.Pattern) []sigma.Pattern {
	text, plain := p.Plain()
	if !plain { // only UTF-16 takes wildcards: each text between them becomes one
		return []sigma.Pattern{oracleAround(t, p)}
	}
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
