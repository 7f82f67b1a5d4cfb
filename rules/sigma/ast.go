package sigma

import (
	"strings"
	"time"
	"unicode"
)

// Document is one YAML document: a detection rule, a correlation, a baseline,
// or something that is for other rules: a filter, a tune document or values of
// placeholders. Exactly one of Detection, Correlation, Baseline, Filter, Tune
// and Placeholders is set, unless the document is Faulty.
type Document struct {
	File string
	At   Pos
	// Faulty says that Parse reported faults in this document: parts of it may
	// be missing. Its ID and Name still count when others refer to it.
	Faulty bool

	Title       Text
	ID          Text // UUID, lower case; empty where absent
	Name        Text
	Related     []Related
	Taxonomy    Text
	Status      Text
	Description Text
	License     Text
	References  []Text
	Author      Text
	Date        Text // YYYY-MM-DD
	Modified    Text // YYYY-MM-DD

	Logsource   *Logsource
	Detection   *Detection
	Correlation *Correlation
	Baseline    *Baseline

	Filter       *Filter
	Tune         *Tune
	Placeholders []Placeholder

	Fields         []Text
	FalsePositives []Text
	Level          Text
	Tags           []Text
	Scope          []Text
	Generate       *Flag // correlations: whether the rules referred to raise findings too
	Picket         *Picket
	Custom         []Custom // attributes that neither Sigma nor Picket defines, in order
}

// Text is a string with its place. The zero Text means absent.
type Text struct {
	At Pos
	S  string
}

// Line returns the text on one line, without what would steer a terminal.
func (t Text) Line() string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsControl(r) && !unicode.Is(unicode.Bidi_Control, r) {
			return r
		}
		return -1
	}, t.S)), " ")
}

// Flag is a boolean with its place.
type Flag struct {
	At Pos
	On bool
}

// Number is a number with its place and spelling.
type Number struct {
	At   Pos
	V    float64
	Text string
}

// Duration is a time span such as 10m, with its place and spelling.
type Duration struct {
	At   Pos
	D    time.Duration
	Text string
}

// Related names another rule that this one derives from, replaces or
// resembles.
type Related struct {
	At   Pos
	ID   Text
	Type Text // derived, obsolete, merged, renamed, similar
}

// Custom is an attribute that is only carried along.
type Custom struct {
	Name  Text
	Value string // in canonical YAML flow style
}

// Logsource says which events a rule is for.
type Logsource struct {
	At                         Pos
	Category, Product, Service Text
	Definition                 Text
	Custom                     []Custom
}

// Detection holds a rule's searches and the conditions that combine them.
type Detection struct {
	At         Pos
	Searches   []*Search
	Conditions []Condition // linked by or
}

// Search is one search identifier: an or of groups.
type Search struct {
	Name Text
	Any  []Group
}

// Group is an and of tests: one map of a detection, or plain strings, which
// make one test without a field.
type Group struct {
	At  Pos
	All []Test
}

// Test compares a field with values, which are linked by or, or by and under
// the modifier all. A test without a field looks for keywords in the whole
// event.
type Test struct {
	At        Pos
	Field     string
	Modifiers []Text
	Values    []Value
}

// ValueKind is the type of a value as YAML resolves it.
type ValueKind uint8

// Kinds of a value.
const (
	String ValueKind = iota
	Num
	Bool
	Null
)

// Value is one scalar of a test. Text of a Bool is "true" or "false", of a
// Null empty.
type Value struct {
	At   Pos
	Kind ValueKind
	Text string
}

// Condition is one condition of a detection.
type Condition struct {
	At   Pos
	Expr Expr
}

// Correlation counts matches of other rules.
type Correlation struct {
	At       Pos
	Type     Text
	Rules    []Text
	Aliases  []Alias
	GroupBy  []Text
	Timespan Duration
	Bounds   []Bound // of the condition, in document order
	Fields   []Text  // the condition's field
	CondAt   Pos     // of the condition
	Generate *Flag
}

// Alias is a field name that stands for different fields in different rules.
type Alias struct {
	Name Text
	For  []AliasField
}

// AliasField says which field an alias stands for in one rule's matches.
type AliasField struct{ Rule, Field Text }

// Bound is one comparison of a correlation's condition.
type Bound struct {
	Op    Text // gt gte lt lte eq neq
	Value Number
}

// Baseline is Picket's document type for what Sigma cannot say: behaviour
// learned from the account, and messages held against their approvals.
type Baseline struct {
	At      Pos
	Type    Text
	Rules   []Text
	GroupBy []Text
	Field   Text
	Learn   *Learn
	Forget  Duration
	Verdict Text
	Grace   Duration

	Then     []Text   // sequence
	Without  []Text   // without
	Within   Duration // sequence, without
	Timespan Duration // peak, storm
	Floor    Number   // peak
	Factor   Number   // peak

	// Params are the other numbers and spans of the models, as written. What
	// each type takes, and within which bounds, is the compiler's matter.
	Params []Param
}

// Param is one named number or span of a baseline, as written.
type Param struct{ Name, Value Text }

// Learn says how long a baseline learns before it judges.
type Learn struct {
	At     Pos
	Period Duration
	Events Number
	Need   Text     // "both" or "either"; empty where not said
	AtMost Duration // when an account with few activities stops waiting
}

// Picket is the block of settings that Picket adds to any rule.
type Picket struct {
	At         Pos
	Quiet      Duration
	Mode       Text
	ResolvedBy []Text
	Joins      []Text
	Response   []Text
	Generate   *Flag
	Across     *Flag // across-accounts
}
