package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Type says how a rule decides.
type Type string

// The types of rule. Detection rules judge one activity; the others keep
// memory, which belongs to the detector.
const (
	TypeDetection  Type = "detection"
	TypeEventCount Type = "event_count"
	TypeValueCount Type = "value_count"

	TypeTemporal        Type = "temporal"         // matches of several rules in Timespan
	TypeTemporalOrdered Type = "temporal_ordered" // the same, in the order of Inputs
	TypeValueSum        Type = "value_sum"        // of Field in Timespan
	TypeValueAvg        Type = "value_avg"        // of Field in Timespan
	TypeValuePercentile Type = "value_percentile" // how many percent of Timespan's matches have the same Field

	TypeNewValue Type = "new_value"
	TypeApproval Type = "approval"
	TypeSequence Type = "sequence" // one of Inputs and then, Within, one of Then
	TypeWithout  Type = "without"  // one of Inputs that none of Without came before, Within
	TypePeak     Type = "peak"     // more of Inputs in Timespan than the account's own peaks

	TypeRareValue Type = "rare_value" // a value of Field that the account seldom uses
	TypeLoginRisk Type = "login_risk" // a login that is likelier somebody else's
	TypeTravel    Type = "travel"     // two logins too far apart for the time between them
	TypeRate      Type = "rate"       // more, or less, of Inputs than the account's own rhythm
	TypeProfile   Type = "profile"    // messages that are unlike the account's own
	TypeDrift     Type = "drift"      // followers, following or posts that fall or rise at once
	TypeStorm     Type = "storm"      // far more of the public's Inputs than usual
)

// Level is Sigma's rule level.
type Level string

// Levels from the least to the most urgent.
const (
	Informational Level = "informational"
	Low           Level = "low"
	Medium        Level = "medium"
	High          Level = "high"
	Critical      Level = "critical"
)

// Rank orders levels: 0 is the least urgent, -1 what is no level.
func (l Level) Rank() int {
	return slices.Index([]Level{Informational, Low, Medium, High, Critical}, l)
}

// TagTest is the tag of rules that fire on tests of an alert's way. They guard
// no account.
const TagTest = "picket.test"

// Mode says what a rule's findings do.
type Mode string

// Modes of a rule.
const (
	Enforce Mode = "enforce" // findings become alerts
	Observe Mode = "observe" // findings are recorded and page nobody
	Off     Mode = "off"     // the rule raises nothing and is no step of a sequence; its matches still feed counts and baselines
)

// File is one rule document file as read from disk or embedded.
type File struct {
	Name string `json:"name"` // as shown in faults: file:line:column
	Data []byte `json:"data"`
	// Shadow says that its rules run beside those of the other files and observe
	// only, under names of their own; see package rules.
	Shadow bool `json:"shadow,omitempty"`
}

// Rule is one compiled rule. It is immutable; its Index is its place in
// Program.Rules.
type Rule struct {
	Index       int
	ID          string // UUID of the document, or one derived from its name or title
	Name        string // Sigma `name`, how correlations refer to it; may be empty
	Title       string
	Description string
	Level       Level // medium where the document says nothing
	Mode        Mode
	Tags        []string
	References  []string
	// FalsePositives are the harmless reasons for which the rule may fire.
	FalsePositives []string
	Type           Type
	// Version is the first 12 hex digits of the SHA-256 of the rule's meaning
	// (its document and those of the rules it refers to, comments excluded).
	Version string
	// Meaning is a hash of what the rule's own detection matches, words and
	// level left aside; empty but for TypeDetection. Memory that a detection
	// rule feeds stays valid while it is the same.
	Meaning string
	// Shadow marks a rule of a shadowed file.
	Shadow bool
	// Silent marks a rule that only feeds correlations or baselines: it is
	// matched, and raises nothing itself.
	Silent bool
	// Lacks names the placeholders of a detection rule that have no values. Such
	// a rule is checked and matches nothing.
	Lacks []string
	// Keyed marks a correlation that is counted across accounts, for each value
	// of GroupBy: one address on many accounts. What it feeds is keyed, too.
	Keyed bool

	Inputs    []int               // indexes of the rules that feed this one: detection rules, for a sequence any; nil for TypeDetection
	Then      []int               // sequence: the second steps, rules of any type but sequence
	Without   []int               // the detection rules that excuse a match; of travel, whose matches say nothing of a place
	Within    time.Duration       // sequence, without: how far apart the two may be
	GroupBy   []activity.FieldRef // starts with account unless Keyed
	Timespan  time.Duration       // correlations, peak; storm: the intervals of the series
	Condition Condition           // correlations
	Aliases   []Alias             // correlations: names in GroupBy that are no fields
	Field     *activity.FieldRef  // value_count, new_value, rare_value: the field whose values count; drift: the count that is followed
	With      []activity.FieldRef // value_count: further fields, whose values count together with those of Field
	Learn     Learn               // new_value, peak, login_risk, rare_value
	Forget    time.Duration       // new_value: a value unseen for this long is new again; peak: peaks older than this do not count
	Floor     int                 // peak: fewer than this in Timespan are never a burst
	Factor    float64             // peak: how many times its own second-highest daily peak a burst is
	Verdict   string              // approval: missing | edited | expired | wrong_account
	Grace     time.Duration       // approval: how long a late approval still counts, log time

	Params Params // the other numbers of a baseline's model, by name

	Quiet      time.Duration // an episode closes after this long without a match, log time
	Joins      []int         // rules at least as urgent; an open alert of one of these takes up a match as a reason, so that it is none of its own
	ResolvedBy []int         // a match of one of these detection rules closes the episode at once
	Tunings    []Tuning      // thresholds of single accounts; see Rule.For
	Response   []string      // what to do now, one step each, for the person it wakes
}

// Learn says how long a baseline learns an account before it judges.
type Learn struct {
	Period time.Duration // since the first activity
	Events int           // activities
	Either bool          // one of the two is enough; else both are needed
	AtMost time.Duration // an account with few activities stops waiting after this long
}

// Condition is a correlation's comparison; a bound that is absent does not
// limit. A count satisfies it when it holds; Min and Max say the same of whole
// numbers and are 0 for types that compare something else than a count.
type Condition struct {
	Min, Max int // Max 0: no upper bound
	Bounds   []Bound
	Text     string // as written, "gte: 12"
}

// Bound is one comparison of a condition.
type Bound struct {
	Op string // gt, gte, lt, lte, eq or neq
	V  float64
}

// Holds reports whether a value satisfies all bounds.
func (c *Condition) Holds(v float64) bool {
	for _, b := range c.Bounds {
		var ok bool
		switch b.Op {
		case "gt":
			ok = v > b.V
		case "gte":
			ok = v >= b.V
		case "lt":
			ok = v < b.V
		case "lte":
			ok = v <= b.V
		case "eq":
			ok = v == b.V
		default:
			ok = v != b.V
		}
		if !ok {
			return false
		}
	}
	return true
}

// Alias is a name in GroupBy that stands for a field of its own in the matches
// of each rule that feeds a correlation.
type Alias struct {
	Name string
	By   map[int]*activity.FieldRef // by the index of the rule
}

// GroupField returns what field i of GroupBy is in the matches of an input.
func (r *Rule) GroupField(i, input int) *activity.FieldRef {
	f := &r.GroupBy[i]
	for a := range r.Aliases {
		if r.Aliases[a].Name == f.Name {
			return r.Aliases[a].By[input]
		}
	}
	return f
}

// Counted names the fields whose values count: "ip", or "ip and app" where
// combinations do.
func (r *Rule) Counted() string {
	names := []string{r.Field.Name}
	for i := range r.With {
		names = append(names, r.With[i].Name)
	}
	return strings.Join(names, " and ")
}

// Kinds returns the kinds of activity that a rule, other than a sequence, can
// need, in the order of activity.Kinds. It is empty for rules on sources' own
// events.
func (p *Program) Kinds(r *Rule) []activity.Kind {
	var out []activity.Kind
	for _, k := range activity.Kinds() {
		if slices.ContainsFunc(p.byKind[k], func(id int32) bool {
			return p.feeds(p.detections[id].rule, r)
		}) {
			out = append(out, k)
		}
	}
	return out
}

// feeds reports whether rule i is r or feeds it, directly or by way of
// correlations.
func (p *Program) feeds(i int, r *Rule) bool {
	return i == r.Index || r.Type != TypeSequence && slices.ContainsFunc(r.Inputs, func(in int) bool { return p.feeds(i, p.rules[in]) })
}
