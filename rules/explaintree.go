package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/internal/suggest"
	"github.com/picketd/picket/rules/sigma"
)

// Tree tells of one part of a rule whether it held for an activity, and of its
// parts in turn.
type Tree struct {
	Text string    `json:"text"` // the part as written, or what joins its parts: "all of"
	Line int       `json:"line"` // in the rule's file
	Hold bool      `json:"holds"`
	Seen []string  `json:"seen,omitempty"` // what the activity has where the part looks
	Test bool      `json:"test,omitempty"` // the part looks at a field or at keywords
	Kids []*Tree   `json:"parts,omitempty"`
	At   sigma.Pos `json:"-"`
}

// Explanation tells what a rule makes of one activity.
type Explanation struct {
	Rule *Rule
	File string
	At   sigma.Pos
	// Role is what the rule does for the one that it is explained for: "feeds",
	// "first step", "second step" or "excuses"; empty for the rule asked about.
	Role string
	// Matches tells of a detection rule whether it matches, of any other
	// whether one of its first steps or of the rules that feed it does.
	Matches bool
	Tree    *Tree          // detection rules only
	Feeds   []*Explanation // of other types: the rules that feed this one
	Needs   []string       // of other types: what it takes besides a match, in words
}

// Explainer explains rules activity by activity. It compiles parts of rules
// for each, so it is for people and not for speed.
type Explainer struct {
	program *Program
	docs    []*sigma.Document // one a rule
}

// NewExplainer prepares for the rules of files; its error is that of Compile.
func NewExplainer(files []File) (*Explainer, error) {
	program, err := Compile(files)
	if err != nil {
		return nil, err
	}
	return &Explainer{program: program, docs: documents(program, files)}, nil
}

// Find returns the rule of a name, id or title.
func (e *Explainer) Find(ref string) (*Rule, error) {
	var known []string
	for _, r := range e.program.rules {
		if ref == r.Name || ref == r.Title || strings.EqualFold(ref, r.ID) {
			return r, nil
		}
		if r.Name != "" {
			known = append(known, r.Name)
		}
	}
	return nil, fmt.Errorf("no rule has the name, id or title %q%s", ref, suggest.Hint(ref, known))
}

// Explain tells what a rule makes of an activity: every node of the condition
// of a detection rule; of any other, the rules that feed it and what it needs
// besides.
func (e *Explainer) Explain(r *Rule, a *activity.Activity) (*Explanation, error) {
	d := e.docs[r.Index]
	if d == nil {
		return nil, fmt.Errorf("rule %s has no document of its own", r.ID)
	}
	out := &Explanation{Rule: r, File: d.File, At: d.At}
	if r.Type == TypeDetection {
		var err error
		if out.Tree, err = detectionTree(d, a); err == nil {
			err = out.Tree.filter(e.program.filters[r.Index], a)
		}
		out.Matches = slices.Contains(e.program.Match(a, e.program.NewMatcher()), r.Index)
		return out, err
	}
	out.Needs = needs(r, a)
	first := "feeds"
	if r.Type == TypeSequence {
		first = "first step"
	}
	for _, feed := range []struct {
		role  string
		rules []int
	}{{first, r.Inputs}, {"second step", r.Then}, {"excuses", r.Without}} {
		for _, i := range feed.rules {
			x, err := e.Explain(e.program.rules[i], a)
			if err != nil {
				return nil, err
			}
			x.Role = feed.role
			out.Matches = out.Matches || x.Matches && feed.role == first
			out.Feeds = append(out.Feeds, x)
		}
	}
	return out, nil
}

// filter adds the filters that hold beside a detection rule to its tree.
func (t *Tree) filter(filters []*sigma.Document, a *activity.Activity) error {
	for _, f := range filters {
		sub, err := detectionTree(&sigma.Document{File: f.File, At: f.At, Logsource: f.Logsource, Detection: f.Filter.Detection}, a)
		if err != nil {
			return err
		}
		sub.Text = fmt.Sprintf("filter %s (%s:%d), %s", f.Title.S, f.File, f.At.Line, sub.Text)
		sub.Kids = sub.Kids[1:] // the rule has told its log source
		t.Hold = t.Hold && sub.Hold
		t.Kids = append(t.Kids, sub)
	}
	return nil
}

// detectionTree explains a detection document.
func detectionTree(d *sigma.Document, a *activity.Activity) (*Tree, error) {
	b := &treeBuilder{doc: d, activity: a, picket: isPicket(d.Logsource), logsource: d.Logsource, asks: map[*Tree]int{}, needs: map[*Tree]int{}}
	if b.picket { // whether the log source fits is told beside, not within each test
		b.logsource = &sigma.Logsource{Product: d.Logsource.Product}
	}
	source := b.source()
	var conditions []*Tree
	for _, c := range d.Detection.Conditions {
		conditions = append(conditions, b.expr(c.Expr))
	}
	root := conditions[0]
	if len(conditions) > 1 { // conditions of a list are linked by or
		root = b.joining(part("one of", root.At, conditions...), anyOf)
	}
	if err := b.probes.compile(); err != nil {
		return nil, err
	}
	b.probes.ask(a)
	for t, i := range b.asks {
		t.Hold = b.probes.holds[i]
	}
	b.decide(root)
	var text []string
	for _, c := range d.Detection.Conditions {
		text = append(text, c.Expr.String())
	}
	top := &Tree{Text: "condition: " + strings.Join(text, " | "), Line: root.Line, At: root.At, Hold: source.Hold && root.Hold, Kids: []*Tree{source}}
	if b.picket || source.Hold { // a foreign event has none of the fields
		top.Kids = append(top.Kids, root)
	}
	return top, nil
}

// How the parts of a joining node decide it. 1 and more is a count of them.
const (
	allOf  = 0
	noneOf = -1
	anyOf  = 1
)

type treeBuilder struct {
	doc       *sigma.Document
	activity  *activity.Activity
	picket    bool
	logsource *sigma.Logsource
	probes    probes
	asks      map[*Tree]int // a part's probe
	needs     map[*Tree]int // a joining part's count, see allOf
}

func (b *treeBuilder) joining(t *Tree, need int) *Tree {
	b.needs[t] = need
	return t
}

// decide fills in the parts that only join others.
func (b *treeBuilder) decide(t *Tree) {
	held := 0
	for _, k := range t.Kids {
		b.decide(k)
		if k.Hold {
			held++
		}
	}
	need, joins := b.needs[t]
	switch {
	case !joins:
	case need == noneOf:
		t.Hold = held == 0
	case need == allOf:
		t.Hold = held == len(t.Kids)
	default:
		t.Hold = held >= need
	}
}

func part(text string, at sigma.Pos, kids ...*Tree) *Tree {
	return &Tree{Text: text, Line: at.Line, At: at, Kids: kids}
}

// source tells whether the rule is for such activities at all.
func (b *treeBuilder) source() *Tree {
	l := b.doc.Logsource
	var words []string
	for _, w := range []struct{ key, value string }{{"product", l.Product.S}, {"category", l.Category.S}, {"service", l.Service.S}} {
		if w.value != "" {
			words = append(words, w.key+": "+w.value)
		}
	}
	t := part("logsource: {"+strings.Join(words, ", ")+"}", l.At)
	t.Test, t.Seen = true, []string{fmt.Sprintf("%s of %s", b.activity.Kind, b.activity.Network)}
	if !b.picket && b.activity.Raw == nil {
		t.Seen[0] += " without the source's own event"
	}
	// A condition that always holds leaves the log source alone to decide.
	field := "picket.no.such.field"
	if b.picket {
		field = "poll.reason"
	}
	some := sigma.Test{Field: field, Modifiers: []sigma.Text{{S: "exists"}}, Values: []sigma.Value{{Kind: sigma.Bool, Text: "true"}}}
	search := &sigma.Search{Name: sigma.Text{S: probeName}, Any: []sigma.Group{{All: []sigma.Test{some}}}}
	ref := sigma.Ref{Name: probeName}
	b.asks[t] = b.probes.add(l, []*sigma.Search{search}, sigma.Or{X: []sigma.Expr{ref, sigma.Not{X: ref}}})
	return t
}

func (b *treeBuilder) expr(e sigma.Expr) *Tree {
	switch e := e.(type) {
	case sigma.And:
		return b.joining(part("all of", e.At, b.exprs(e.X)...), allOf)
	case sigma.Or:
		return b.joining(part("one of", e.At, b.exprs(e.X)...), anyOf)
	case sigma.Not:
		x := b.expr(e.X)
		return b.joining(part("not", e.At, x), noneOf)
	case sigma.Of:
		var kids []*Tree
		for _, s := range b.doc.Detection.Matching(e.Pattern) {
			kids = append(kids, b.search(s))
		}
		return b.joining(part(e.String(), e.At, kids...), e.N)
	case sigma.Ref:
		return b.search(b.doc.Detection.Search(e.Name))
	}
	return part(e.String(), e.Place())
}

func (b *treeBuilder) exprs(xs []sigma.Expr) []*Tree {
	out := make([]*Tree, len(xs))
	for i, x := range xs {
		out[i] = b.expr(x)
	}
	return out
}

func (b *treeBuilder) search(s *sigma.Search) *Tree {
	t := part(s.Name.S, s.Name.At)
	b.asks[t] = b.probes.addGroups(b.logsource, s.Any...)
	if len(s.Any) == 1 {
		t.Kids = b.tests(s.Any[0])
		return t
	}
	for _, g := range s.Any {
		kids := b.tests(g)
		if len(kids) == 1 {
			t.Kids = append(t.Kids, kids[0])
			continue
		}
		t.Kids = append(t.Kids, b.joining(part("all of", g.At, kids...), allOf))
	}
	return t
}

func (b *treeBuilder) tests(g sigma.Group) []*Tree {
	out := make([]*Tree, len(g.All))
	for i, t := range g.All {
		out[i] = b.test(t)
	}
	return out
}

func (b *treeBuilder) test(x sigma.Test) *Tree {
	key := x.Key()
	if x.Field == "" {
		key = "keywords" + key
	}
	t := part(key, x.At)
	t.Test, t.Seen = true, b.seen(x)
	b.asks[t] = b.probes.addGroups(b.logsource, sigma.Group{All: []sigma.Test{x}})
	if len(x.Values) == 1 {
		t.Text += ": " + written(x.Values[0])
		return t
	}
	for _, v := range x.Values {
		one := x
		one.Values = []sigma.Value{v}
		one.Modifiers = slices.DeleteFunc(slices.Clone(x.Modifiers), isAll)
		kid := part(written(v), v.At)
		b.asks[kid] = b.probes.addGroups(b.logsource, sigma.Group{All: []sigma.Test{one}})
		t.Kids = append(t.Kids, kid)
	}
	if slices.ContainsFunc(x.Modifiers, isAll) {
		t.Text += ", each of"
	} else {
		t.Text += ", one of"
	}
	return t
}

func isAll(m sigma.Text) bool { return m.S == "all" }

// written is a value as rule authors write it, quoted only where it must be.
func written(v sigma.Value) string {
	if v.Kind == sigma.String && v.Text != "" && strings.Trim(v.Text, " ") == v.Text && !strings.ContainsAny(v.Text, "\n\t\"'#{}[],&!|>%@`") {
		return v.Text
	}
	return v.String()
}

// seen returns what an activity has where a test looks.
func (b *treeBuilder) seen(x sigma.Test) []string {
	if x.Field == "" {
		return nil
	}
	names := []string{x.Field}
	if !b.picket {
		names = names[:0]
		for _, path := range paths(b.doc.Logsource, x.Field) { // the first with a value counts
			names = append(names, "raw."+path)
		}
	}
	for _, name := range names {
		f, err := activity.LookupField(name)
		if err != nil {
			return nil // names of other sources that no path of an event can have
		}
		if out := values(f, b.activity); len(out) > 0 {
			return out
		}
	}
	return nil
}

// values returns what an activity has in a field.
func values(f *activity.FieldRef, a *activity.Activity) []string {
	var out []string
	for _, v := range f.Values(a, nil) {
		out = append(out, shown(v))
	}
	return out
}

// maxShown bounds a value as shown, in characters.
const maxShown = 60

func shown(v activity.Value) string {
	if v.IsNum {
		return strconv.FormatFloat(v.Num, 'f', -1, 64)
	}
	if text := []rune(v.Str); len(text) > maxShown {
		return strconv.Quote(string(text[:maxShown])) + "…"
	}
	return strconv.Quote(v.Str)
}
