package rules

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"regexp/syntax"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/sigma"
)

// soak asks for many generated events:
//
//	go test ./rules -run TestGeneratedEvents -v -soak 1000 -timeout 2h
var soak = flag.Int("soak", 1, "events that TestGeneratedEvents generates for each domain of the public rules")

func TestWitness(t *testing.T) {
	for _, tt := range []struct{ name, detection, want string }{
		{"the rarest of all", "sel:\n  text|contains: a\n  app: studio\ncondition: sel", "app is \"studio\""},
		{"every one of any", "sel:\n  text|contains: [aaaa, bbbb]\ncondition: sel", "text contains \"aaaa\", text contains \"bbbb\""},
		{"no kind, since rules are sorted by it", "sel:\n  kind: post\n  text|contains: aaaa\ncondition: sel", "text contains \"aaaa\""},
		{"not what is excluded", "sel:\n  text|contains: aaaa\nno:\n  app: studio\ncondition: sel and not no", "text contains \"aaaa\""},
		{"none where anything else will do", "no:\n  app: studio\ncondition: not no", "none"},
		{"none of an alternative without", "sel:\n  text|contains: aaaa\nno:\n  app: studio\ncondition: sel or not no", "none"},
		{"not not", "sel:\n  app: studio\ncondition: not (not sel)", "app is \"studio\""},
		{"absence", "sel:\n  app: null\ncondition: sel", "none"},
		{"two of three leave no more than one out", "a:\n  app: x\nb:\n  app: y\nc:\n  app: z\ncondition: 2 of them", "app is \"x\", app is \"z\""},
		{"two of two", "a:\n  app: x\nb:\n  text: y\ncondition: 2 of them", "app is \"x\""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := compileRules(t, detectionRule(tt.detection))
			got := "none"
			if w, ok := p.detectionWitness(&p.detections[0]); ok {
				var words []string
				for _, q := range w.preds {
					words = append(words, p.slots[p.predicates[q].slot].field.Name+" "+p.predicates[q].words)
				}
				slices.Sort(words)
				got = strings.Join(words, ", ")
			}
			if got != tt.want {
				t.Errorf("witnesses: %s, want %s", got, tt.want)
			}
		})
	}
}

// corpus is the public rules that this version takes, compiled and as
// documents.
type corpus struct {
	program *Program
	docs    []*sigma.Document // by the index of the rule
}

// readCorpus compiles the public rules once for all tests.
func readCorpus(tb testing.TB) corpus {
	tb.Helper()
	files := publicRules(tb)
	theCorpus.once.Do(func() {
		p, used := compileMost(tb, files)
		slices.SortStableFunc(used, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
		var docs []*sigma.Document
		for _, f := range used {
			parsed, _ := sigma.Parse(f.Name, f.Data)
			docs = append(docs, parsed...)
		}
		theCorpus.corpus = corpus{p, docs}
	})
	c := theCorpus.corpus
	if c.program == nil || len(c.docs) != len(c.program.Rules()) {
		tb.Fatalf("%d documents do not make as many rules", len(c.docs))
	}
	return c
}

var theCorpus struct {
	once sync.Once
	corpus
}

// compare matches each activity against all rules at once and against each
// with the oracle, and returns how many pairs match.
func (c corpus) compare(t *testing.T, activities []activity.Activity) int {
	t.Helper()
	var wait sync.WaitGroup
	matched := make([]int, runtime.GOMAXPROCS(0))
	for worker := range matched {
		wait.Go(func() {
			m := c.program.NewMatcher()
			for i := worker; i < len(activities); i += len(matched) {
				matched[worker] += c.compareOne(t, m, &activities[i])
			}
		})
	}
	wait.Wait()
	sum := 0
	for _, n := range matched {
		sum += n
	}
	return sum
}

func (c corpus) compareOne(t *testing.T, m *Matcher, a *activity.Activity) int {
	t.Helper()
	got := c.program.Match(a, m)
	if !slices.IsSorted(got) {
		t.Errorf("matches %v are not in order", got)
	}
	at := 0
	for r, d := range c.docs {
		matches := at < len(got) && got[at] == r
		if matches {
			at++
		}
		if oracleMatch(d, a) != matches {
			t.Errorf("rule %q matches: %v, and the oracle says the opposite; event %s", d.Title.S, matches, a.Raw)
		}
	}
	if at != len(got) {
		t.Errorf("matches %v are not each a rule once", got)
	}
	return len(got)
}

// TestEveryPublicPair compares the program with the oracle on every pair of a
// public rule and a regression event.
func TestEveryPublicPair(t *testing.T) {
	t.Parallel()
	c := readCorpus(t)
	var activities []activity.Activity
	for i, e := range publicEvents(t) {
		if !raceEnabled || i%80 == 0 {
			activities = append(activities, e.activity)
		}
	}
	matched := c.compare(t, activities)
	t.Logf("%d pairs, %d of them match", len(activities)*len(c.docs), matched)
	if matched < len(activities) {
		t.Errorf("%d pairs match, want at least one an event: %d", matched, len(activities))
	}
}

// TestGeneratedEvents compares the program with the oracle on events that are
// made of what the rules look for.
func TestGeneratedEvents(t *testing.T) {
	t.Parallel()
	c := readCorpus(t)
	domains := map[string][]*sigma.Document{}
	for _, d := range c.docs {
		domains[domain(d.File)] = append(domains[domain(d.File)], d)
	}
	var activities []activity.Activity
	for i, name := range slices.Sorted(maps.Keys(domains)) {
		if raceEnabled && i%30 != 0 {
			continue
		}
		g := eventMaker{rand.New(rand.NewPCG(7, uint64(i))), domains[name]}
		for range *soak {
			activities = append(activities, g.activity(t))
		}
	}
	matched := c.compare(t, activities)
	t.Logf("%d events of %d domains, %d pairs, %d of them match", len(activities), len(domains), len(activities)*len(c.docs), matched)
	if matched < len(activities)/3 {
		t.Errorf("%d pairs match for %d events; the generator should make matches common", matched, len(activities))
	}
}

// domain is what a rule's file is filed under: rules/windows/process_creation.
func domain(file string) string {
	parts := strings.Split(path.Dir(file), "/")
	return strings.Join(parts[:min(3, len(parts))], "/")
}

// eventMaker makes events of what rules of one domain look for.
type eventMaker struct {
	*rand.Rand
	docs []*sigma.Document
}

func (g eventMaker) activity(t *testing.T) activity.Activity {
	t.Helper()
	members := map[string]any{}
	main := g.docs[g.IntN(len(g.docs))]
	for _, d := range []*sigma.Document{main, g.docs[g.IntN(len(g.docs))]} {
		for _, s := range d.Detection.Searches {
			if d != main && g.IntN(2) == 0 || strings.HasPrefix(s.Name.S, "filter") && g.IntN(3) > 0 {
				continue
			}
			group := s.Any[g.IntN(len(s.Any))]
			for _, test := range group.All {
				g.set(members, test)
			}
		}
	}
	raw, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	product := main.Logsource.Product.S
	if product == "" {
		product = "other"
	}
	return activity.Activity{Network: strings.ToLower(product), Kind: activity.KindSession, Raw: raw}
}

// set gives the field of a test a value that often passes it. A dotted name
// becomes nested objects as often as not.
func (g eventMaker) set(members map[string]any, t sigma.Test) {
	if g.IntN(12) == 0 || len(t.Values) == 0 {
		return
	}
	v := g.value(t)
	if v == nil {
		return
	}
	name := t.Field
	if name == "" {
		name = "Message"
	}
	if head, rest, dotted := strings.Cut(name, "."); dotted && g.IntN(2) == 0 {
		inner, ok := members[head].(map[string]any)
		if !ok {
			inner = map[string]any{}
			members[head] = inner
		}
		inner[rest] = v
		return
	}
	if old, taken := members[name]; taken && g.IntN(3) == 0 {
		members[name] = []any{old, v}
		return
	}
	members[name] = v
}

func (g eventMaker) value(t sigma.Test) any {
	has := func(m string) bool {
		return slices.ContainsFunc(t.Modifiers, func(x sigma.Text) bool { return x.S == m })
	}
	values := t.Values
	if !has("all") {
		values = []sigma.Value{t.Values[g.IntN(len(t.Values))]}
	}
	var text strings.Builder
	for _, v := range values {
		switch {
		case v.Kind == sigma.Null || has("exists") && v.Text == "false":
			return nil
		case v.Kind == sigma.Num && json.Valid([]byte(v.Text)) && g.IntN(2) == 0:
			return json.Number(v.Text)
		case has("re"):
			if tree, err := syntax.Parse(v.Text, syntax.Perl); err == nil {
				g.sample(&text, tree)
			}
		case has("cidr"):
			address, _, _ := strings.Cut(v.Text, "/")
			return address
		default:
			if has("contains") && !has("startswith") {
				text.WriteString(g.filler())
			}
			g.fill(&text, sigma.ParsePattern(v.Text))
			if has("contains") {
				text.WriteString(g.filler())
			}
		}
	}
	out := text.String()
	switch g.IntN(6) {
	case 0:
		return strings.ToUpper(out)
	case 1:
		return strings.ToLower(out)
	case 2:
		return out + g.filler()
	}
	return out
}

func (g eventMaker) filler() string {
	list := []string{"", "", "x", `C:\`, "É ", "10", "\u212a", `"`}
	return list[g.IntN(len(list))]
}

func (g eventMaker) fill(b *strings.Builder, p sigma.Pattern) {
	for _, piece := range p {
		switch piece.Kind {
		case sigma.Literal:
			b.WriteString(piece.Text)
		case sigma.One:
			b.WriteString("é")
		case sigma.Many:
			b.WriteString(g.filler())
		}
	}
}

// sample writes a text that the expression matches, assertions aside.
func (g eventMaker) sample(b *strings.Builder, re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		if len(re.Rune) > 0 {
			b.WriteRune(re.Rune[0])
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteString("x")
	case syntax.OpAlternate:
		g.sample(b, re.Sub[g.IntN(len(re.Sub))])
	case syntax.OpCapture, syntax.OpPlus, syntax.OpQuest, syntax.OpConcat:
		for _, sub := range re.Sub {
			g.sample(b, sub)
		}
	case syntax.OpRepeat:
		for range re.Min {
			g.sample(b, re.Sub[0])
		}
	default:
	}
}

// runGeneratedRaw compares generated rules for a source's own events with the
// oracle, and returns how many pairs match.
func runGeneratedRaw(t *testing.T, seed uint64, rules int, extra ...string) int {
	t.Helper()
	g := generator{rand.New(rand.NewPCG(seed, 2)), extra}
	var docs []string
	for range rules {
		doc := g.rule()
		for _, source := range []string{"{product: picket, category: post}", "{product: picket, service: x}", "{product: picket}"} {
			doc = strings.ReplaceAll(doc, source, pick(g, "{product: x}", "{product: x}", "{category: any}", "{product: y}"))
		}
		docs = append(docs, doc)
	}
	activities := make([]activity.Activity, 20)
	for i := range activities {
		activities[i] = activity.Activity{Network: pick(g, "x", "x", "y", "z"), Kind: "other", Raw: g.raw()}
	}
	return compareWithOracle(t, strings.Join(docs, "---\n"), activities)
}

// raw is an event with the fields that generated rules name.
func (g generator) raw() []byte {
	var value func(depth int) any
	value = func(depth int) any {
		switch g.IntN(8) {
		case 0:
			return pick(g, 0, 10, 2.5, -1, 1e21)
		case 1:
			return pick[any](g, nil, true, false)
		case 2:
			if depth > 0 {
				return []any{value(depth - 1), value(depth - 1)}
			}
		case 3:
			if depth > 0 {
				return map[string]any{"name": value(depth - 1), "n": value(depth - 1), "p": value(depth - 1)}
			}
		}
		return g.word()
	}
	members := map[string]any{}
	for _, name := range []string{"text", "app", "kind", "ip", "hashtags", "metrics", "metrics.n", "profile", "profile.p", "lang", "network"} {
		if g.IntN(3) > 0 {
			members[name] = value(2)
		}
	}
	raw, err := json.Marshal(members)
	if err != nil {
		panic(fmt.Sprintf("encode %v: %v", members, err))
	}
	return raw
}

func TestRawProgramEqualsOracle(t *testing.T) {
	t.Parallel()
	const seeds = 60
	matched := 0
	for seed := range uint64(seeds) {
		matched += runGeneratedRaw(t, seed, 15)
	}
	if pairs := seeds * 15 * 20; matched < pairs/20 || matched > pairs*9/10 {
		t.Errorf("%d of %d pairs match; the generator should make both outcomes common", matched, pairs)
	}
}

func FuzzRawProgramEqualsOracle(f *testing.F) {
	f.Add(uint64(1), "free money", "*")
	f.Add(uint64(2), `C:\*`, "İi̇ß")
	f.Add(uint64(3), "?", "1e3")
	f.Add(uint64(4), "\u212a\u017f", `"`)
	f.Fuzz(func(t *testing.T, seed uint64, one, two string) {
		one, two = strings.ToValidUTF8(one, "�"), strings.ToValidUTF8(two, "�")
		if len(one)+len(two) > 200 {
			return
		}
		runGeneratedRaw(t, seed, 5, one, two)
	})
}
