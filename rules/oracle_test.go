package rules

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/sigma"
)

// The oracle decides whether a rule matches by walking the document, as
// plainly as can be. It shares nothing with the compiled program but the
// parser and the values of fields.

func oracleMatch(d *sigma.Document, a *activity.Activity) bool {
	l := d.Logsource
	if strings.EqualFold(l.Product.S, "picket") {
		if l.Category.S != "" && string(a.Kind) != l.Category.S || l.Service.S != "" && a.Network != l.Service.S {
			return false
		}
	} else if a.Raw == nil || l.Product.S != "" && !slices.Contains(remembered("networks", l, "", networksOf), a.Network) {
		return false
	}
	return slices.ContainsFunc(d.Detection.Conditions, func(c sigma.Condition) bool { return oracleExpr(d, c.Expr, a) }) && !oracleLacks(d)
}

func oracleExpr(d *sigma.Document, e sigma.Expr, a *activity.Activity) bool {
	switch e := e.(type) {
	case sigma.And:
		return !slices.ContainsFunc(e.X, func(x sigma.Expr) bool { return !oracleExpr(d, x, a) })
	case sigma.Or:
		return slices.ContainsFunc(e.X, func(x sigma.Expr) bool { return oracleExpr(d, x, a) })
	case sigma.Not:
		return !oracleExpr(d, e.X, a)
	case sigma.Ref:
		return oracleSearch(d, d.Detection.Search(e.Name), a)
	case sigma.Of:
		n := 0
		all := d.Detection.Matching(e.Pattern)
		for _, s := range all {
			if oracleSearch(d, s, a) {
				n++
			}
		}
		return e.N == 0 && n == len(all) || e.N > 0 && n >= e.N
	}
	panic("unknown expression")
}

func oracleSearch(d *sigma.Document, s *sigma.Search, a *activity.Activity) bool {
	return slices.ContainsFunc(s.Any, func(g sigma.Group) bool {
		return !slices.ContainsFunc(g.All, func(t sigma.Test) bool { return !oracleTest(d, t, a) })
	})
}

func oracleTest(d *sigma.Document, t sigma.Test, a *activity.Activity) bool {
	has := func(m string) bool {
		return slices.ContainsFunc(t.Modifiers, func(x sigma.Text) bool { return x.S == m })
	}
	values := oracleField(d, t.Field, a)
	held := 0
	for _, v := range t.Values {
		if oracleValue(d, t, v, a, values, has) {
			held++
		}
	}
	ok := held > 0
	if has("all") {
		ok = held == len(t.Values)
	}
	return ok != has("neq")
}

// oracleField returns the values of a field, of everything where it is empty.
func oracleField(d *sigma.Document, field string, a *activity.Activity) []activity.Value {
	picket := strings.EqualFold(d.Logsource.Product.S, "picket")
	switch {
	case field == "" && picket:
		return appendKeywordValues(nil, a)
	case field == "":
		return []activity.Value{{Str: string(a.Raw)}, {Str: oracleUnescaped(a.Raw)}}
	}
	names := []string{field}
	if !picket {
		names = remembered("paths", d.Logsource, field, func(l *sigma.Logsource) []string { return paths(l, field) })
	}
	for _, name := range names {
		if !picket {
			name = "raw." + name
		}
		f, err := activity.LookupField(name)
		if err != nil {
			panic(err)
		}
		if values := f.Values(a, nil); len(values) > 0 {
			return values
		}
	}
	return nil
}

func oracleValue(d *sigma.Document, t sigma.Test, v sigma.Value, a *activity.Activity, values []activity.Value, has func(string) bool) bool {
	switch {
	case has("exists"):
		return (v.Text == "true") == (len(values) > 0)
	case has("expand"):
		return slices.ContainsFunc(oracleExpand(v), func(v sigma.Value) bool {
			return slices.ContainsFunc(values, func(x activity.Value) bool { return oracleCompare(t, v, x, has) })
		})
	case has("fieldref"):
		return oracleRelated(values, oracleField(d, v.Text, a), has)
	case v.Kind == sigma.Null:
		return len(values) == 0
	}
	return slices.ContainsFunc(values, func(x activity.Value) bool { return oracleCompare(t, v, x, has) }) || oracleMeant(d, t, v, a)
}

// oracleMeant looks for what else a value is in the events of its product.
func oracleMeant(d *sigma.Document, t sigma.Test, v sigma.Value, a *activity.Activity) bool {
	plain := !slices.ContainsFunc(t.Modifiers, func(m sigma.Text) bool { return m.S != "all" && m.S != "neq" })
	return plain && slices.ContainsFunc(meant(d.Logsource, t.Field, v.Text), func(m meaning) bool {
		f, err := activity.LookupField("raw." + m.path)
		if err != nil {
			panic(err)
		}
		return slices.ContainsFunc(f.Values(a, nil), func(x activity.Value) bool { return strings.EqualFold(oracleText(x), m.is) })
	})
}

func oracleCompare(t sigma.Test, v sigma.Value, x activity.Value, has func(string) bool) bool {
	text := oracleText(x)
	for _, part := range []string{"minute", "hour", "day", "week", "month", "year"} {
		if has(part) {
			return oracleTimePart(part, text, v.Text, has)
		}
	}
	for _, op := range []string{"gt", "gte", "lt", "lte"} {
		if has(op) {
			return oracleOrder(op, x, text, v.Text)
		}
	}
	switch {
	case has("cidr"):
		addr, err := netip.ParseAddr(text)
		return err == nil && addr.Zone() == "" && netip.MustParsePrefix(v.Text).Contains(addr.Unmap())
	case has("re"):
		flags := ""
		for _, f := range []string{"i", "m", "s"} {
			if has(f) {
				flags += f
			}
		}
		if flags != "" {
			flags = "(?" + flags + ")"
		}
		return oracleRegexp(flags + v.Text).MatchString(text)
	}
	p := sigma.ParsePattern(v.Text)
	if v.Kind != sigma.String {
		p = sigma.Pattern{{Kind: sigma.Literal, Text: v.Text}}
	}
	whole := !slices.ContainsFunc(t.Modifiers, func(m sigma.Text) bool { return m.S != "all" && m.S != "neq" })
	if whole && x.IsNum && v.Kind == sigma.Num {
		n, err := strconv.ParseFloat(v.Text, 64)
		return err == nil && n == x.Num
	}
	return oracleEncoded(t, p, text, has)
}

// unescaped keeps the oracle from reading an event for every rule.
var unescaped sync.Map

// oracleUnescaped is an event with each of its strings as it is read.
func oracleUnescaped(raw []byte) string {
	if v, ok := unescaped.Load(string(raw)); ok {
		if s, ok := v.(string); ok {
			return s
		}
	}
	out := oracleRegexp(`"(?:[^"\\]|\\.)*"`).ReplaceAllStringFunc(string(raw), func(quoted string) string {
		var s string
		if err := json.Unmarshal([]byte(quoted), &s); err != nil {
			return quoted
		}
		return `"` + s + `"`
	})
	unescaped.Store(string(raw), out)
	return out
}

// lookedUp keeps the oracle from asking the taxonomy for every pair.
var lookedUp sync.Map

func remembered(what string, l *sigma.Logsource, field string, ask func(*sigma.Logsource) []string) []string {
	key := [...]string{what, l.Product.S, l.Category.S, l.Service.S, field}
	if v, ok := lookedUp.Load(key); ok {
		if names, ok := v.([]string); ok {
			return names
		}
	}
	names := ask(l)
	lookedUp.Store(key, names)
	return names
}

// compiledRegexps keeps the oracle from being slow.
var compiledRegexps sync.Map

func oracleRegexp(expr string) *regexp.Regexp {
	if v, ok := compiledRegexps.Load(expr); ok {
		if re, ok := v.(*regexp.Regexp); ok {
			return re
		}
	}
	re := regexp.MustCompile(expr)
	compiledRegexps.Store(expr, re)
	return re
}

func oracleOrder(op string, x activity.Value, text, bound string) bool {
	if !x.IsNum && !oracleRegexp(`^-?[0-9]+(\.[0-9]+)?$`).MatchString(text) {
		return false
	}
	n, errN := strconv.ParseFloat(text, 64)
	b, errB := strconv.ParseFloat(bound, 64)
	if errN != nil || errB != nil {
		return false
	}
	return op == "gt" && n > b || op == "gte" && n >= b || op == "lt" && n < b || op == "lte" && n <= b
}

func oracleGlob(p sigma.Pattern, text string, cased bool) bool {
	if len(p) == 0 {
		return text == ""
	}
	rest := p[1:]
	switch p[0].Kind {
	case sigma.Many:
		for i := range text { // characters, not bytes
			if oracleGlob(rest, text[i:], cased) {
				return true
			}
		}
		return oracleGlob(rest, "", cased)
	case sigma.One:
		_, size := utf8.DecodeRuneInString(text)
		return text != "" && oracleGlob(rest, text[size:], cased)
	case sigma.Literal:
	}
	for _, want := range p[0].Text {
		r, size := utf8.DecodeRuneInString(text)
		if size == 0 || r != want && (cased || !oracleSameFold(r, want)) {
			return false
		}
		text = text[size:]
	}
	return oracleGlob(rest, text, cased)
}

func oracleSameFold(a, b rune) bool {
	for f := unicode.SimpleFold(a); f != a; f = unicode.SimpleFold(f) {
		if f == b {
			return true
		}
	}
	return a == b
}

// generator makes random rules and activities over a small vocabulary, so
// that matches are common.
type generator struct {
	*rand.Rand
	extra []string // words of the fuzzer
}

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

func (g generator) word() string {
	words := append([]string{
		"a", "A", "b", "ab", "aB", "abba", "é", "É", "k", "K", "ſ", "s", "10", "2.5", "-1", "x y", "*", "?", `\`,
		"10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1", "新", "Ω", "",
		"-a", "/b x", "–k", "a-b", "YWI=", "eGFiYmE=", "YWFiYmE=", "YWFhYmJh", "a\x00b\x00", "\x00a\x00b", "2024-03-05T07:08:09Z", "1709622489",
	}, g.extra...)
	return pick(g, words...)
}

func (g generator) pattern() string {
	var b strings.Builder
	for range 1 + g.IntN(3) {
		b.WriteString(pick(g, g.word(), g.word(), "*", "?", `\*`, `\?`, `\\`))
	}
	return b.String()
}

func quoteYAML(s string) string { return sigma.Value{Text: s}.String() }

func (g generator) test() string {
	field := pick(g, "kind", "text", "app", "ip", "hashtags", "metrics.n", "profile.p", "lang", "")
	mod := pick(g, "", "", "|contains", "|startswith", "|endswith", "|cased", "|contains|cased", "|neq", "|contains|neq",
		"|windash", "|contains|windash", "|base64", "|base64|contains", "|base64offset|contains", "|wide|base64offset|contains|cased",
		"|wide", "|utf16be|contains", "|fieldref", "|fieldref|contains", "|fieldref|startswith|cased", "|endswith|fieldref|neq",
		"|hour", "|minute|gte", "|week|neq", "|year", "|expand", "|contains|expand",
		"|exists", "|re", "|re|i", "|cidr", "|gt", "|gte", "|lt", "|lte", "|gt|neq", "null", "|contains|all")
	value := func() string { return quoteYAML(g.pattern()) }
	many := g.IntN(3) == 0
	switch mod {
	case "", "|neq":
		if field == "kind" {
			value = func() string { return pick(g, "post", "edit", "'p*'", "POST", "login", "'*'") }
		} else if g.IntN(4) == 0 {
			value = func() string { return pick(g, "10", "2.5", "-1", "true") }
		}
	case "null":
		return quoteYAML(pick(g, "lang", "text", "kind")) + ": null"
	case "|exists":
		value, many = func() string { return pick(g, "true", "false") }, false
	case "|re", "|re|i":
		value = func() string { return pick(g, "'^a'", "'b$'", "'a.?b'", "É", "'(ab)+'", "'k|s'", "'.'", "'x{2}y'") }
	case "|cidr":
		value = func() string { return pick(g, "10.0.0.0/8", "'2001:db8::/32'", "0.0.0.0/0", "'::/0'") }
	case "|gt", "|gte", "|lt", "|lte", "|gt|neq":
		value = func() string { return pick(g, "0", "2.5", "10", "-1") }
	case "|contains|all":
		many = true
	default:
		value = g.special(mod, value)
	}
	if field == "" { // keywords take few modifiers
		mod, many = "|all", true
		value = func() string { return quoteYAML(g.pattern()) }
	}
	if !many {
		return quoteYAML(field+mod) + ": " + value()
	}
	return fmt.Sprintf("%s: [%s, %s]", quoteYAML(field+mod), value(), value())
}

// special returns the values for the modifiers that change them.
func (g generator) special(mod string, value func() string) func() string {
	switch mod {
	case "|windash", "|contains|windash":
		return func() string { return quoteYAML(pick(g, "-a", "/b", "x -k", " /b x", "a", "-ab", "*-a", "-")) }
	case "|base64", "|base64|contains", "|base64offset|contains", "|wide|base64offset|contains|cased", "|wide", "|utf16be|contains":
		return func() string { return quoteYAML(pick(g, "ab", "abba", "aé", "新a", "bba", `\*a`)) }
	case "|fieldref", "|fieldref|contains", "|fieldref|startswith|cased", "|endswith|fieldref|neq":
		return func() string { return pick(g, "text", "app", "hashtags", "profile.p", "metrics.n", "lang") }
	case "|hour", "|minute|gte", "|week|neq", "|year":
		return func() string { return pick(g, "7", "8", "10", "2024") }
	case "|expand", "|contains|expand":
		return func() string { return pick(g, "'%people%'", "'x%people%y'", "'%none-here%'", "'%people% %none-here%'") }
	}
	return value
}

func (g generator) condition(depth int) string {
	if depth == 0 {
		return pick(g, "a", "b", "c", "1 of *", "all of them", "2 of them", "any of a*")
	}
	x, y := g.condition(depth-1), g.condition(depth-1)
	return pick(g, x, "not "+"("+x+")", "("+x+") and ("+y+")", "("+x+") or ("+y+")")
}

func (g generator) rule() string {
	maps := func() string { // keys of a map must differ
		one, two := g.test(), g.test()
		if strings.Split(one, ": ")[0] == strings.Split(two, ": ")[0] {
			return "{" + one + "}"
		}
		return "{" + one + ", " + two + "}"
	}
	logsource := pick(g, "{product: picket}", "{product: picket}", "{product: picket, category: post}", "{product: picket, service: x}")
	return fmt.Sprintf("title: T\nlogsource: %s\ndetection:\n  a: %s\n  b: [%s, %s]\n  c: [%s, %s]\n  condition: %s\n",
		logsource, maps(), maps(), maps(), quoteYAML(g.pattern()), quoteYAML(g.pattern()), g.condition(3))
}

func (g generator) activity() activity.Activity {
	a := activity.Activity{
		Network: pick(g, "x", "y"), Kind: pick(g, activity.KindPost, activity.KindEdit, activity.KindLogin, "other", ""),
		Text: g.word() + g.word(), App: g.word(), IP: g.word(), Lang: pick(g, "", "", g.word()),
	}
	for range g.IntN(3) {
		a.Hashtags = append(a.Hashtags, g.word())
	}
	if g.IntN(2) == 0 {
		a.Metrics = []activity.Metric{{Name: "n", Value: pick(g, 0, 10, 2.5, -1, 1e21)}}
		a.Profile = []activity.Field{{Name: "p", Value: g.word()}}
	}
	return a
}

// compareWithOracle matches activities against all rules at once and against
// each with the oracle. It returns how many pairs matched.
func compareWithOracle(t *testing.T, src string, activities []activity.Activity) int {
	t.Helper()
	p, docs := compileBoth(t, src)
	return compareProgram(t, p, docs, activities)
}

// compileBoth compiles rules and parses them for the oracle.
func compileBoth(t testing.TB, src string) (*Program, []*sigma.Document) {
	t.Helper()
	docs, faults := sigma.Parse("gen.yml", []byte(src))
	p, err := Compile([]File{{Name: "gen.yml", Data: []byte(src)}, {Name: "places.yml", Data: []byte(placeholderDocument())}})
	if err != nil || len(faults) > 0 {
		t.Fatalf("generated rules have faults: %v\n%s", err, src)
	}
	return p, docs
}

func compareProgram(t *testing.T, p *Program, docs []*sigma.Document, activities []activity.Activity) int {
	t.Helper()
	m, matched := p.NewMatcher(), 0
	for i := range activities {
		a := &activities[i]
		var want []int
		for j, d := range docs {
			if oracleMatch(d, a) {
				want = append(want, j)
			}
		}
		got := p.Match(a, m)
		for j, d := range docs {
			if slices.Contains(got, j) != slices.Contains(want, j) {
				t.Fatalf("rule %d: program matches %v, oracle %v, activity %+v\n%s", j, got, want, a, d)
			}
		}
		for _, j := range got {
			if p.Explain(p.Rules()[j], a) == nil && !strings.Contains(docs[j].String(), "not") && !strings.Contains(docs[j].String(), "neq") {
				t.Errorf("no explanation of rule %d for %+v\n%s", j, a, docs[j])
			}
		}
		matched += len(want)
	}
	return matched
}

func runGenerated(t *testing.T, seed uint64, rules int, extra ...string) int {
	t.Helper()
	g := generator{rand.New(rand.NewPCG(seed, 1)), extra}
	docs := make([]string, rules)
	for i := range docs {
		docs[i] = g.rule()
	}
	activities := make([]activity.Activity, 20)
	for i := range activities {
		activities[i] = g.activity()
	}
	return compareWithOracle(t, strings.Join(docs, "---\n"), activities)
}

func TestProgramEqualsOracle(t *testing.T) {
	t.Parallel()
	const seeds = 60
	matched := 0
	for seed := range uint64(seeds) {
		matched += runGenerated(t, seed, 15)
	}
	if pairs := seeds * 15 * 20; matched < pairs/10 || matched > pairs*9/10 {
		t.Errorf("%d of %d pairs match; the generator should make both outcomes common", matched, pairs)
	}
}

func FuzzProgramEqualsOracle(f *testing.F) {
	f.Add(uint64(1), "free money", "*")
	f.Add(uint64(2), `C:\*`, "İi̇ß")
	f.Add(uint64(3), "\xff\xfe", "?")
	f.Add(uint64(4), "\u212a\u017f", "1e3")
	f.Fuzz(func(t *testing.T, seed uint64, one, two string) {
		// What is not UTF-8 cannot stand in a rule file.
		one, two = strings.ToValidUTF8(one, "�"), strings.ToValidUTF8(two, "�")
		if len(one)+len(two) > 200 {
			return
		}
		runGenerated(t, seed, 5, one, two)
	})
}

func TestFold(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			if foldRune(f) != foldRune(r) {
				t.Errorf("%U and %U fold to %U and %U", r, f, foldRune(r), foldRune(f))
			}
		}
		if f := foldRune(r); f != r && !oracleSameFold(f, r) {
			t.Errorf("%U folds to %U, which differs in more than case", r, f)
		}
		if got, want := string(appendFold(nil, string(r))), string(foldRune(r)); r < utf8.RuneSelf && got != want {
			t.Errorf("%U folds to %q as text, to %q as a character", r, got, want)
		}
	}
	for _, tt := range []struct{ in, want string }{
		{"ABCxyz09", "abcxyz09"},
		{"ÉTÉ", "ÉtÉ"},
		{"été", "ÉtÉ"},
		{"\u212a", "k"},
		{"ſS", "ss"},
		{"ß", "ß"},
		{"İ", "İ"},
		{"\xffA", "\xffa"},
		{"新季節🎉", "新季節🎉"},
	} {
		if got := string(appendFold(nil, tt.in)); got != tt.want {
			t.Errorf("fold %q = %q, want %q", tt.in, got, tt.want)
		}
		if got := string(appendFold(nil, []byte(tt.in))); got != tt.want {
			t.Errorf("fold bytes of %q = %q, want %q", tt.in, got, tt.want)
		}
	}
}
