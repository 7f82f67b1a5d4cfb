package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/internal/suggest"
	"github.com/picketd/picket/rules/sigma"
)

// group warns about the tests of one map.
func (l *linter) group(d *sigma.Document, g sigma.Group) {
	for _, t := range g.All {
		l.repeated(d, t)
		if isPicket(d) {
			l.openName(d, t)
			l.value(d, t)
		}
	}
	if isPicket(d) {
		l.contradiction(d, g)
	}
}

// repeated finds values that are listed twice. Unless cased, case is ignored.
func (l *linter) repeated(d *sigma.Document, t sigma.Test) {
	exact := slices.ContainsFunc(t.Modifiers, func(m sigma.Text) bool { return m.S == "cased" || m.S == "re" || strings.HasPrefix(m.S, "base64") })
	seen := map[string]sigma.Value{}
	for _, v := range t.Values {
		key := v.Text
		if !exact {
			key = strings.ToLower(key)
		}
		if first, ok := seen[key]; ok {
			same := ""
			if first.Text != v.Text {
				same = ", since case is ignored"
			}
			l.warn(d, v.At, RepeatedValue, "%s is already listed in line %d%s; remove one", v, first.At.Line, same)
			continue
		}
		seen[key] = v
	}
}

// openName checks names below profile, old and metrics, where any is allowed.
func (l *linter) openName(d *sigma.Document, t sigma.Test) {
	prefix, name, _ := strings.Cut(t.Field, ".")
	var known []string
	switch prefix {
	case "profile", "old":
		known = []string{"name", "picture", "link", "handle", "bio", "location"}
	case "metrics":
		known = []string{"followers", "following", "posts"}
	}
	if near, ok := suggest.Nearest(name, known); ok {
		l.warn(d, t.At, UnknownField, "no source tells %s; did you mean %q?", t.Field, prefix+"."+near)
	}
}

// enumerated returns the values that a field can have, nil where it is open.
func enumerated(field string) []string {
	switch field {
	case "kind":
		var out []string
		for _, k := range activity.Kinds() {
			out = append(out, string(k))
		}
		return out
	case "outcome", "outcome.result":
		return []string{"success", "failure"}
	case "poll.state":
		return activity.PollStates()
	case "media.type":
		return []string{"image", "video", "gif", "audio"}
	case "geo.proxy":
		return []string{"vpn", "tor", "hosting", "proxy", "none"}
	}
	return nil
}

// plainly reports whether a test asks for its values as they are, and the
// texts of those without wildcards.
func plainly(t sigma.Test) ([]string, bool) {
	if len(t.Modifiers) > 0 || t.Field == "" {
		return nil, false
	}
	var out []string
	for _, v := range t.Values {
		text, ok := sigma.ParsePattern(v.Text).Plain()
		if !ok || v.Kind == sigma.Null {
			return nil, false
		}
		out = append(out, strings.ToLower(text))
	}
	return out, true
}

// value checks values of fields that have few.
func (l *linter) value(d *sigma.Document, t sigma.Test) {
	known := enumerated(t.Field)
	values, plain := plainly(t)
	if !plain {
		return
	}
	for i, v := range values {
		at := t.Values[i].At
		switch {
		case known != nil && !slices.Contains(known, v):
			l.warn(d, at, UnknownValue, "%s is never %q; expected one of %s%s", t.Field, t.Values[i].Text, strings.Join(known, ", "), suggest.Hint(v, known))
		case t.Field == "geo.country" && len(v) != 2:
			l.warn(d, at, UnknownValue, "geo.country is never %q; write the two letters of ISO 3166, such as DE", t.Values[i].Text)
		case t.Field == "account" && !strings.Contains(v, "/"):
			l.warn(d, at, UnknownValue, "account is never %q; write network/name, such as x/%s", t.Values[i].Text, t.Values[i].Text)
		}
	}
}

// contradiction finds tests of one map that no activity can pass together.
func (l *linter) contradiction(d *sigma.Document, g sigma.Group) {
	allowed := map[string][]string{}
	if c := d.Logsource.Category.S; c != "" {
		allowed["kind"] = []string{c}
	}
	if s := d.Logsource.Service.S; s != "" {
		allowed["network"] = []string{strings.ToLower(s)}
	}
	lower, upper := map[string]float64{}, map[string]float64{}
	for _, t := range g.All {
		if why := boundsClash(t, lower, upper); why != "" {
			l.warn(d, t.At, DeadCondition, "%s", why)
		}
		values, plain := plainly(t)
		if !plain || several(t.Field) || strange(t.Field, values) {
			continue
		}
		before, ok := allowed[t.Field]
		if !ok {
			allowed[t.Field] = values
			continue
		}
		both := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !slices.Contains(before, v) })
		if len(both) == 0 {
			l.warn(d, t.At, DeadCondition, "%s is %s here and must be %s as well; the two never hold together", t.Field, strings.Join(values, " or "), strings.Join(before, " or "))
		}
		allowed[t.Field] = both
	}
	l.foreignPart(d, g, allowed["kind"])
}

// strange reports whether a field never has one of the values, which is told
// by itself.
func strange(field string, values []string) bool {
	known := enumerated(field)
	return known != nil && slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(known, v) })
}

// several reports whether a field has several values at a time.
func several(field string) bool {
	switch field {
	case "links", "link_domains", "mentions", "hashtags", "media", "changed", "approval.links", "approval.media", "approval.approvers":
		return true
	}
	return strings.HasPrefix(field, "media.") || strings.HasPrefix(field, "raw.")
}

// boundsClash notes a test's bound and tells where no number is left.
func boundsClash(t sigma.Test, lower, upper map[string]float64) string {
	if len(t.Modifiers) != 1 || len(t.Values) != 1 || several(t.Field) {
		return ""
	}
	var n float64
	if _, err := fmt.Sscan(t.Values[0].Text, &n); err != nil {
		return ""
	}
	switch t.Modifiers[0].S {
	case "gt", "gte":
		lower[t.Field] = n
	case "lt", "lte":
		upper[t.Field] = n
	}
	low, hasLow := lower[t.Field]
	high, hasHigh := upper[t.Field]
	if hasLow && hasHigh && low > high {
		return fmt.Sprintf("%s is above %v and below %v here; no number is", t.Field, low, high)
	}
	return ""
}

// foreignPart finds fields that only one kind of activity has, in a map that
// asks for other kinds.
func (l *linter) foreignPart(d *sigma.Document, g sigma.Group, kinds []string) {
	if len(kinds) == 0 {
		return
	}
	for _, t := range g.All {
		prefix, _, dotted := strings.Cut(t.Field, ".")
		if dotted && (prefix == "poll" || prefix == "approval") && !slices.Contains(kinds, prefix) && !absence(t) {
			l.warn(d, t.At, DeadCondition, "only activities of kind %s have %s, and this is about %s", prefix, t.Field, strings.Join(kinds, ", "))
		}
	}
}

// absence reports whether a test may hold where the field is absent.
func absence(t sigma.Test) bool {
	return slices.ContainsFunc(t.Modifiers, func(m sigma.Text) bool { return m.S == "exists" || m.S == "neq" }) ||
		slices.ContainsFunc(t.Values, func(v sigma.Value) bool { return v.Kind == sigma.Null })
}

// usual is how many rules of a product use a field that another rule's is
// taken for a misspelling of.
const usual = 3

// sourceFields finds fields of sources' own events that no other rule of the
// product uses and that look like one that many use: there, names are matched
// exactly and cannot be looked up.
func (l *linter) sourceFields() {
	uses := map[string]map[string]int{} // product → field → rules
	order := map[string][]string{}
	each := func(visit func(d *sigma.Document, t sigma.Test)) {
		for _, d := range l.docs {
			if d.Detection == nil || d.Logsource == nil || isPicket(d) {
				continue
			}
			for _, s := range d.Detection.Searches {
				for _, g := range s.Any {
					for _, t := range g.All {
						if t.Field != "" {
							visit(d, t)
						}
					}
				}
			}
		}
	}
	last := map[string]*sigma.Document{}
	each(func(d *sigma.Document, t sigma.Test) {
		p := strings.ToLower(d.Logsource.Product.S)
		if uses[p] == nil {
			uses[p] = map[string]int{}
		}
		if key := p + "\x00" + t.Field; last[key] != d {
			last[key] = d
			if uses[p][t.Field]++; uses[p][t.Field] == usual {
				order[p] = append(order[p], t.Field)
			}
		}
	})
	each(func(d *sigma.Document, t sigma.Test) {
		p := strings.ToLower(d.Logsource.Product.S)
		if uses[p][t.Field] != 1 {
			return
		}
		for _, known := range order[p] {
			if strings.EqualFold(known, t.Field) || oneSlip(t.Field, known) && !numbered(t.Field, known) {
				l.warn(d, t.At, UnknownField, "no other rule for product %q uses the field %s; did you mean %q?", d.Logsource.Product.S, t.Field, known)
				return
			}
		}
	})
}

// oneSlip reports whether one letter too many, too few or wrong, or two that
// are swapped, make a of b. Two slips make other words: Hive and File.
func oneSlip(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

// numbered reports whether two names differ only in digits, as param1 and
// param2 do.
func numbered(a, b string) bool {
	strip := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return -1
			}
			return r
		}, s)
	}
	return strip(a) == strip(b)
}
