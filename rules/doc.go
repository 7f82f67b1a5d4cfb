// Package rules compiles Sigma documents and Picket's baseline documents into
// one immutable Program that matches an activity against all of them. It
// parses nothing (that is rules/sigma) and keeps no memory between activities
// (that is detector).
//
// # What a rule matches
//
// Rules with "logsource: {product: picket}" are for Picket's activities. Their
// fields are those of activity.LookupField; category may name a kind of
// activity, service a network. Rules for any other product are for that
// source's own events: they are tried on activities of the network of that
// name which carry the event in raw, and their fields are looked up there.
//
// All documents of all files share one space of names and ids. A rule that
// feeds a correlation or baseline, or resolves another rule, is silent, unless
// the correlation says "generate: true" or the rule itself says
// "picket: {generate: true}".
//
// # Baselines
//
// What Sigma cannot say, in documents with "baseline:" and one of these types:
//
//   - new_value: a value of a field that the account has not used for "forget".
//   - peak: more matches within "timespan" than "factor" times the account's own
//     second-busiest day, and at least "floor".
//   - approval: what the account's approvals say of a message; see "verdict".
//   - sequence: a match of one of "rules" and within "within" one of "then", on
//     an account or the identities that guard it, in whatever order they are
//     told. Its steps may be rules of any other type.
//   - without: a match of one of "rules" that no match of "without" came before
//     within "within".
//
// "learn" says when new_value and peak know an account: after "period" and
// "events" activities ("need: either" makes one of them enough), and at the
// latest after "at-most". Until then new_value is silent and peak goes by its
// floor.
//
// # For rule authors
//
// Package lint warns about rules that compile and are odd; an Explainer tells
// what a rule makes of an activity, node by node; an Exercise tells which rules
// and selections tests leave untried. Tests lie beside the rules, in files that
// end in .test.yml: see detector/ruletest.
//
// # How an activity is matched
//
// Most rules are never looked at. A rule has witnesses where it can: a few of
// its tests of which at least one holds wherever it matches. Tests that hold
// by absence never are, and of a regular expression only the text that every
// match of it contains. Each field has a table that finds, in one look at a
// value, all witnesses that it shows; the rules of these are the candidates,
// with the few that have none. Each test is evaluated at most once for an
// activity, and most are settled by the tables.
//
// # What this version leaves out
//
// The modifiers base64, base64offset, expand, fieldref, utf16*, wide, windash
// and those of time; correlation types other than event_count and value_count,
// aliases, rules over correlations, group-by without account; filter and tune
// documents; the other types of baseline. Each is refused
// by name, with its place. Keywords in rules for a source's own events are
// looked for in the event's JSON text as it was recorded.
package rules
