package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/internal/suggest"
	"github.com/picketd/picket/rules/sigma"
)

// Fault is one thing that is wrong with a rule file, with its place.
type Fault = sigma.Fault

// Faults are everything that is wrong with a set of rule files, sorted by
// place. It is the error that Compile returns.
type Faults = sigma.Faults

// What a rule gets where its document says nothing.
const (
	defaultLevel       = Medium
	defaultQuiet       = time.Hour
	profilePeriod      = 30 * 24 * time.Hour
	profileEvents      = 300
	defaultLearnPeriod = 14 * 24 * time.Hour
	defaultLearnEvents = 20
	defaultForget      = 90 * 24 * time.Hour
	defaultGrace       = 2 * time.Minute
	defaultFactor      = 1.5
	patience           = 3  // learning periods that an account with few activities waits
	versionLength      = 12 // hex digits
	maxCount           = 1 << 30
	maxEvents          = 1<<20 - 1 // what the detector counts of an account
)

// Compile compiles all documents of the files into one Program. It loads all
// or nothing: the error is a Faults that holds every fault of every file.
func Compile(files []File) (*Program, error) {
	c := &compiler{
		program: &Program{byKind: map[activity.Kind][]int32{}, byProduct: map[string][]int32{}, filters: map[int][]*sigma.Document{}},
		refs:    map[string]int{}, slots: map[string]int32{}, predicates: map[predicateKey]int32{},
		placeholders: map[string][]sigma.Value{}, filtered: map[int][]*filter{},
	}
	for _, k := range activity.Kinds() {
		c.program.byKind[k] = nil // a kind that no rule can match is still listed
	}
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	parsed := parseAll(files)
	c.shade(files, parsed)
	for _, f := range parsed {
		c.sort(f.docs)
		c.faults = append(c.faults, f.faults...)
	}
	c.register()
	c.takePlaceholders()
	c.takeFilters()
	for i, d := range c.docs {
		if d.Faulty {
			c.partial(c.program.rules[i], d)
		} else {
			c.rule(c.program.rules[i], d)
		}
	}
	c.feed()
	c.keyed()
	c.tune()
	if len(c.faults) > 0 {
		return nil, c.faults.Sort()
	}
	c.program.plan()
	for i := range c.docs {
		c.program.rules[i].Version = c.version(i)
		c.program.rules[i].Meaning = c.meaning(i)
	}
	return c.program, nil
}

type parsedFile struct {
	docs   []*sigma.Document
	faults Faults
}

// parseAll parses the files on all processors, since that is half of the work.
func parseAll(files []File) []parsedFile {
	out := make([]parsedFile, len(files))
	workers := min(len(files), runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			for i := worker; i < len(files); i += workers {
				out[i].docs, out[i].faults = sigma.Parse(files[i].Name, files[i].Data)
			}
		})
	}
	wait.Wait()
	return out
}

// sort tells rules from the documents that are for other rules. What a faulty
// document without any section is meant to be cannot be told; it is no rule.
func (c *compiler) sort(docs []*sigma.Document) {
	for _, d := range docs {
		switch {
		case d.Filter != nil:
			c.filters = append(c.filters, &filter{doc: d})
		case d.Tune != nil:
			c.tunes = append(c.tunes, d)
		case d.Placeholders != nil:
			c.values = append(c.values, d)
		default:
			c.docs = append(c.docs, d)
		}
	}
}

// compiler builds a program. Rules have the indexes of their documents.
type compiler struct {
	docs         []*sigma.Document // of rules
	filters      []*filter
	tunes        []*sigma.Document
	values       []*sigma.Document        // of placeholders
	placeholders map[string][]sigma.Value // by name
	filtered     map[int][]*filter        // by rule
	shadows      shadows
	faults       Faults
	program      *Program
	refs         map[string]int // id and name → rule
	slots        map[string]int32
	predicates   map[predicateKey]int32
}

func (c *compiler) fault(d *sigma.Document, at sigma.Pos, format string, args ...any) {
	c.faults = append(c.faults, Fault{File: d.File, At: at, Message: fmt.Sprintf(format, args...)})
}

// register makes a rule for each document and finds ids and names that are
// used twice.
func (c *compiler) register() {
	for i, d := range c.docs {
		r := &Rule{Index: i, Type: typeOf(d)}
		c.program.rules = append(c.program.rules, r)
		c.describe(r, d)
		for _, key := range []struct {
			what string
			t    sigma.Text
		}{{"id", d.ID}, {"name", d.Name}} {
			if key.t.S == "" {
				continue
			}
			first, taken := c.refs[key.t.S]
			if !taken {
				c.refs[key.t.S] = i
				continue
			}
			other := c.docs[first]
			c.fault(d, key.t.At, "%s %q is already used by %q at %s:%d; give each rule its own",
				key.what, key.t.S, other.Title.S, other.File, other.At.Line)
		}
	}
}

func typeOf(d *sigma.Document) Type {
	switch {
	case d.Correlation != nil:
		return Type(d.Correlation.Type.S)
	case d.Baseline != nil:
		return Type(d.Baseline.Type.S)
	}
	return TypeDetection
}

func (c *compiler) describe(r *Rule, d *sigma.Document) {
	r.ID, r.Name, r.Title, r.Description = d.ID.S, d.Name.S, d.Title.Line(), d.Description.S
	r.Level, r.Mode, r.Quiet = cmp.Or(Level(d.Level.S), defaultLevel), Enforce, defaultQuiet
	r.Tags, r.References, r.FalsePositives = plain(d.Tags), plain(d.References), plain(d.FalsePositives)
	if r.ID == "" {
		r.ID = deriveID(cmp.Or(r.Name, d.Title.S)) // as it is written: what was told under an id stays found
	}
	if k := d.Picket; k != nil {
		r.Mode, r.Quiet = cmp.Or(Mode(k.Mode.S), r.Mode), cmp.Or(k.Quiet.D, r.Quiet)
		r.Response = plain(k.Response)
	}
	if r.Shadow = c.shadows.has(d); r.Shadow && r.Mode == Enforce {
		r.Mode = Observe
	}
}

func plain(ts []sigma.Text) []string {
	var out []string
	for _, t := range ts {
		out = append(out, t.S)
	}
	return out
}

// deriveID makes a stable id for a document without one: a UUID of version 8
// (RFC 9562) from the SHA-256 of its name.
func deriveID(name string) string {
	sum := sha256.Sum256([]byte("picket rule " + name))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// rule compiles one document that has no faults of form.
func (c *compiler) rule(r *Rule, d *sigma.Document) {
	switch {
	case d.Correlation != nil:
		c.correlation(r, d)
	case d.Baseline != nil:
		c.baseline(r, d)
	default:
		c.detection(r, d)
	}
	if d.Picket != nil {
		c.joins(r, d)
		r.ResolvedBy = c.detections(d, d.Picket.ResolvedBy, "resolved-by")
		if slices.Contains(r.ResolvedBy, r.Index) {
			c.fault(d, d.Picket.ResolvedBy[0].At, "resolved-by: the rule would resolve itself; name a rule that says that all is well again")
		}
	}
}

// partial checks what is left of a document with faults of form, so that all
// faults are told at once.
func (c *compiler) partial(r *Rule, d *sigma.Document) {
	if d.Detection != nil && d.Logsource != nil {
		b := newDetectionBuilder(c, d)
		for _, s := range d.Detection.Searches {
			b.search(s)
		}
	}
	if d.Correlation != nil {
		c.events(d, feeders(d), string(r.Type)+" rules")
	} else {
		c.detections(d, feeders(d), string(r.Type)+" rules")
	}
	if d.Picket != nil {
		c.detections(d, d.Picket.ResolvedBy, "resolved-by")
	}
}

// references resolves the names and ids of other rules; fits tells of those
// that it does not take, which are left out.
func (c *compiler) references(d *sigma.Document, refs []sigma.Text, what string, fits func(ref sigma.Text, i int) bool) []int {
	var out []int
	for _, ref := range refs {
		i, known := c.resolve(ref.S)
		switch {
		case !known:
			c.fault(d, ref.At, "%s: no rule has the name or id %q; add it%s", what, ref.S, suggest.Hint(ref.S, c.names()))
		case slices.Contains(out, i):
			c.fault(d, ref.At, "%s: rule %q is listed twice; remove one", what, ref.S)
		case fits(ref, i):
			out = append(out, i)
		}
	}
	return out
}

// detections resolves references to detection rules.
func (c *compiler) detections(d *sigma.Document, refs []sigma.Text, what string) []int {
	return c.references(d, refs, what, func(ref sigma.Text, i int) bool {
		switch {
		case c.docs[i].Faulty && c.docs[i].Detection == nil:
			return false // what it is cannot be told before its own faults are mended
		case c.program.rules[i].Type != TypeDetection:
			c.chained(d, ref, i, what)
			return false
		}
		return true
	})
}

func (c *compiler) resolve(ref string) (int, bool) {
	if i, ok := c.refs[ref]; ok {
		return i, true
	}
	i, ok := c.refs[strings.ToLower(ref)] // ids are kept in lower case
	return i, ok
}

// names returns what rules can be referred to by, names before ids.
func (c *compiler) names() []string {
	var names, ids []string
	for _, d := range c.docs {
		if d.Name.S != "" {
			names = append(names, d.Name.S)
		}
		if d.ID.S != "" {
			ids = append(ids, d.ID.S)
		}
	}
	return append(names, ids...)
}

// steps resolves references of a sequence, to rules of any type but sequence.
func (c *compiler) steps(d *sigma.Document, refs []sigma.Text, what string) []int {
	return c.references(d, refs, what, func(ref sigma.Text, i int) bool {
		if c.program.rules[i].Type != TypeSequence {
			return true
		}
		if !c.circle(d, ref, i, what) {
			c.fault(d, ref.At, "%s: %q is a sequence itself, and sequences of sequences are not supported by this version of Picket; name its steps", what, ref.S)
		}
		return false
	})
}

// events resolves references of a correlation, to rules of any type.
func (c *compiler) events(d *sigma.Document, refs []sigma.Text, what string) []int {
	return c.references(d, refs, what, func(ref sigma.Text, i int) bool { return !c.circle(d, ref, i, what) })
}

// circle reports a rule that feeds itself.
func (c *compiler) circle(d *sigma.Document, ref sigma.Text, to int, what string) bool {
	path := c.cycle(to, d, map[int]bool{})
	if path != nil {
		c.fault(d, ref.At, "%s: rule %q feeds itself (%s); break the circle", what, ref.S, strings.Join(append([]string{title(d)}, path...), " → "))
	}
	return path != nil
}

// chained reports a reference to a rule that is no detection rule.
func (c *compiler) chained(d *sigma.Document, ref sigma.Text, to int, what string) {
	if c.circle(d, ref, to, what) {
		return
	}
	c.fault(d, ref.At, "%s: %q is a rule of type %s, and rules over such rules are not supported by this version of Picket; name detection rules",
		what, ref.S, c.program.rules[to].Type)
}

func title(d *sigma.Document) string { return cmp.Or(d.Name.S, d.Title.S) }

// cycle returns the way from rule i back to d, nil where there is none.
func (c *compiler) cycle(i int, d *sigma.Document, seen map[int]bool) []string {
	at := c.docs[i]
	if at == d {
		return []string{title(d)}
	}
	if seen[i] {
		return nil
	}
	seen[i] = true
	for _, ref := range feeders(at) {
		if j, ok := c.resolve(ref.S); ok {
			if path := c.cycle(j, d, seen); path != nil {
				return append([]string{title(at)}, path...)
			}
		}
	}
	return nil
}

// feeders returns the references to the rules that feed a correlation or
// baseline.
func feeders(d *sigma.Document) []sigma.Text {
	switch {
	case d.Correlation != nil:
		return d.Correlation.Rules
	case d.Baseline != nil:
		return slices.Concat(d.Baseline.Rules, d.Baseline.Then, d.Baseline.Without)
	}
	return nil
}

// refers returns the rules that a rule is about.
func (r *Rule) refers() []int { return slices.Concat(r.Inputs, r.Then, r.Without, r.ResolvedBy) }

// feed decides which rules are silent.
func (c *compiler) feed() {
	loud, fed := make([]bool, len(c.docs)), make([]bool, len(c.docs))
	for i, d := range c.docs {
		r := c.program.rules[i]
		for _, j := range r.refers() {
			if r.Shadow && !c.program.rules[j].Shadow {
				continue // what is in force goes on as before
			}
			c.program.rules[j].Silent = true
			loud[j] = loud[j] || generates(d) && slices.Contains(r.Inputs, j)
			fed[j] = true
		}
	}
	for i, d := range c.docs {
		r := c.program.rules[i]
		r.Silent = r.Silent && !loud[i]
		if d.Picket != nil && d.Picket.Generate != nil {
			r.Silent = !d.Picket.Generate.On
			if d.Detection == nil && r.Silent && !fed[i] {
				c.fault(d, d.Picket.Generate.At, `picket generate: false makes a rule that only feeds others, and no rule names this one of type %s; write "mode: off" to switch it off`, r.Type)
			}
		}
	}
}

func generates(d *sigma.Document) bool {
	return d.Generate != nil && d.Generate.On ||
		d.Correlation != nil && d.Correlation.Generate != nil && d.Correlation.Generate.On
}

// meaning hashes what a detection rule matches.
func (c *compiler) meaning(i int) string {
	d := c.docs[i]
	if d.Detection == nil {
		return ""
	}
	docs := []*sigma.Document{{Logsource: d.Logsource, Detection: d.Detection}}
	for _, f := range c.filtered[i] {
		docs = append(docs, &sigma.Document{Detection: f.doc.Filter.Detection})
	}
	sum := sha256.Sum256([]byte(sigma.Print(docs)))
	return hex.EncodeToString(sum[:])[:versionLength]
}

// version hashes a rule's document, those of the rules it refers to and of
// their filters, in canonical form.
func (c *compiler) version(i int) string {
	h := sha256.New()
	add := func(d *sigma.Document) {
		text := c.shadows.text(d)
		fmt.Fprintf(h, "%d\n%s", len(text), text)
	}
	for _, j := range c.reach(i) {
		add(c.docs[j])
		for _, f := range c.filtered[j] {
			add(f.doc)
		}
	}
	for _, d := range c.tunes {
		if j, ok := c.resolve(d.Tune.Rule.S); ok && slices.Contains(c.twins(j), i) {
			add(d)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:versionLength]
}

// reach returns a rule and all that it refers to, directly or by way of
// others, each once.
func (c *compiler) reach(i int) []int {
	out := []int{i}
	for next := 0; next < len(out); next++ {
		for _, j := range c.program.rules[out[next]].refers() {
			if !slices.Contains(out, j) {
				out = append(out, j)
			}
		}
	}
	return out
}
