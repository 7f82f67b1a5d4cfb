package sigma

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// CorrelationTypes returns the correlation types of specification 2.1.
func CorrelationTypes() []string {
	return []string{
		"event_count", "value_count", "temporal", "temporal_ordered",
		"value_sum", "value_avg", "value_percentile",
	}
}

// BaselineTypes returns the types of baseline that Picket knows or will know.
func BaselineTypes() []string {
	return []string{
		"new_value", "approval", "sequence", "without", "peak",
		"rare_value", "login_risk", "travel", "rate", "profile", "drift", "storm",
	}
}

// Verdicts returns what an approval baseline can find about a message.
func Verdicts() []string { return []string{"missing", "edited", "expired", "wrong_account"} }

func modes() []string { return []string{"enforce", "observe", "off"} }

func (r *reader) correlation(p pair) *Correlation {
	c := &Correlation{At: p.key.At}
	for _, p := range r.mapping(p.value, "correlation") {
		switch p.key.S {
		case "type":
			c.Type = r.choice(p.value, "correlation type", CorrelationTypes())
		case "rules":
			c.Rules = r.texts(p.value, "correlation rules")
		case "aliases":
			c.Aliases = r.aliases(p)
		case "group-by":
			c.GroupBy = r.oneOrMore(p.value, "correlation group-by")
		case "timespan":
			c.Timespan = r.duration(p.value, "correlation timespan")
		case "condition":
			r.bounds(c, p)
		case "generate":
			c.Generate = r.flag(p.value, "correlation generate")
		default:
			r.unknown(p, "correlation", []string{"type", "rules", "aliases", "group-by", "timespan", "condition", "generate"})
		}
	}
	r.needs(p, "correlation", "type", "rules", "timespan")
	if counts := c.Type.S != "" && !strings.HasPrefix(c.Type.S, "temporal"); counts {
		r.needs(p, "correlation", "condition")
	}
	return c
}

// needs reports keys that a mapping must have.
func (r *reader) needs(p pair, what string, keys ...string) {
	if p.value.Kind != yaml.MappingNode {
		return
	}
	for _, key := range keys {
		found := false
		for i := 0; i < len(p.value.Content); i += 2 {
			found = found || p.value.Content[i].Value == key
		}
		if !found {
			r.fault(p.key.At, "%s has no %s; add it%s", what, key, example(key))
		}
	}
}

func example(key string) string {
	switch key {
	case "type":
		return `, for example "type: event_count"`
	case "rules":
		return `, a list of the names or ids of the rules that feed it`
	case "timespan":
		return `, for example "timespan: 10m"`
	case "condition":
		return `, for example "condition: {gte: 12}"`
	}
	return ""
}

func (r *reader) aliases(p pair) []Alias {
	var out []Alias
	for _, p := range r.mapping(p.value, "correlation aliases") {
		a := Alias{Name: p.key}
		for _, p := range r.mapping(p.value, "alias "+p.key.S) {
			a.For = append(a.For, AliasField{p.key, r.text(p.value, "alias field")})
		}
		out = append(out, a)
	}
	return out
}

func (r *reader) bounds(c *Correlation, p pair) {
	c.CondAt = p.key.At
	ops := []string{"gt", "gte", "lt", "lte", "eq", "neq"}
	for _, p := range r.mapping(p.value, "correlation condition") {
		switch p.key.S {
		case "gt", "gte", "lt", "lte", "eq", "neq":
			c.Bounds = append(c.Bounds, Bound{p.key, r.number(p.value, "correlation condition "+p.key.S)})
		case "field":
			c.Fields = r.oneOrMore(p.value, "correlation condition field")
		default:
			r.unknown(p, "correlation condition", append(ops, "field"))
		}
	}
	if len(c.Bounds) == 0 && p.value.Kind == yaml.MappingNode {
		r.fault(p.key.At, "correlation condition compares nothing; add one of %s, for example gte: 12", strings.Join(ops, ", "))
	}
}

func (r *reader) baseline(p pair) *Baseline {
	b := &Baseline{At: p.key.At}
	for _, p := range r.mapping(p.value, "baseline") {
		switch p.key.S {
		case "type":
			b.Type = r.choice(p.value, "baseline type", BaselineTypes())
		case "rules":
			b.Rules = r.texts(p.value, "baseline rules")
		case "group-by":
			b.GroupBy = r.oneOrMore(p.value, "baseline group-by")
		case "field":
			b.Field = r.text(p.value, "baseline field")
		case "learn":
			b.Learn = r.learn(p)
		case "forget":
			b.Forget = r.duration(p.value, "baseline forget")
		case "verdict":
			b.Verdict = r.choice(p.value, "baseline verdict", Verdicts())
		case "grace":
			b.Grace = r.duration(p.value, "baseline grace")
		case "then":
			b.Then = r.texts(p.value, "baseline then")
		case "without":
			b.Without = r.texts(p.value, "baseline without")
		case "within":
			b.Within = r.duration(p.value, "baseline within")
		case "timespan":
			b.Timespan = r.duration(p.value, "baseline timespan")
		case "floor":
			b.Floor = r.number(p.value, "baseline floor")
		case "factor":
			b.Factor = r.number(p.value, "baseline factor")
		default:
			if !isParam(p.key.S) {
				r.unknown(p, "baseline", append(baselineKeys(), "the numbers of its type"))
				break
			}
			if v := r.text(p.value, "baseline "+p.key.S); v.S != "" {
				b.Params = append(b.Params, Param{p.key, v})
			}
		}
	}
	r.needs(p, "baseline", "type", "rules")
	return b
}

func baselineKeys() []string {
	return []string{
		"type", "rules", "group-by", "field", "learn", "forget", "verdict", "grace",
		"then", "without", "within", "timespan", "floor", "factor",
	}
}

// isParam reports whether a key can name a number of a model: lower case words
// joined by hyphens. Which ones there are only the compiler knows.
func isParam(key string) bool {
	return key != "" && strings.Trim(key, "abcdefghijklmnopqrstuvwxyz-") == ""
}

func (r *reader) learn(p pair) *Learn {
	l := &Learn{At: p.key.At}
	for _, p := range r.mapping(p.value, "baseline learn") {
		switch p.key.S {
		case "period":
			l.Period = r.duration(p.value, "baseline learn period")
		case "events":
			l.Events = r.number(p.value, "baseline learn events")
		case "need":
			l.Need = r.choice(p.value, "baseline learn need", []string{"both", "either"})
		case "at-most":
			l.AtMost = r.duration(p.value, "baseline learn at-most")
		default:
			r.unknown(p, "baseline learn", []string{"period", "events", "need", "at-most"})
		}
	}
	r.needs(p, "baseline learn", "period", "events")
	return l
}

func (r *reader) picket(p pair) *Picket {
	k := &Picket{At: p.key.At}
	for _, p := range r.mapping(p.value, "picket") {
		switch p.key.S {
		case "quiet":
			k.Quiet = r.duration(p.value, "picket quiet")
		case "mode":
			k.Mode = r.choice(p.value, "picket mode", modes())
		case "resolved-by":
			k.ResolvedBy = r.oneOrMore(p.value, "picket resolved-by")
		case "joins":
			k.Joins = r.oneOrMore(p.value, "picket joins")
		case "response":
			k.Response = r.texts(p.value, "picket response")
		case "generate":
			k.Generate = r.flag(p.value, "picket generate")
		case "across-accounts":
			k.Across = r.flag(p.value, "picket across-accounts")
		default:
			r.unknown(p, "picket", []string{"quiet", "mode", "resolved-by", "joins", "response", "generate", "across-accounts"})
		}
	}
	return k
}
