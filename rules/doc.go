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
//   - profile: a session of posts that is less like the account than its own
//     oddest ones: words, app, hour, pace and the words that hijackers use,
//     joined into one finding with reasons by weight. "budget" is how many false
//     alerts one account may cost in a month.
//
// "learn" says when new_value, peak and profile know an account: after "period" and
// "events" activities ("need: either" makes one of them enough), and at the
// latest after "at-most". Until then new_value and profile are silent and peak
// goes by its floor. A profile learns 30 days and 300 posts where nothing is
// said, at most 90 days.
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
// # Values
//
// All modifiers of specification 2.1 are compiled. Where the specification
// leaves room:
//
//   - Text is compared without regard to case unless the test says cased, also
//     what base64 and the other encodings make of it; regular expressions are
//     exact unless they say i.
//   - Modifiers that change text apply in the order in which they are written,
//     expand before all others. An encoding takes no wildcards.
//   - fieldref compares the texts of two fields and goes with contains,
//     startswith, endswith, cased and neq. A field without a value is the same
//     as no other.
//   - minute, hour, day, week (ISO 8601), month and year are parts of a time in
//     UTC and go with gt, gte, lt, lte and neq. Times are RFC 3339, with or
//     without a zone, or seconds or milliseconds since 1970.
//   - expand takes the values of %name% from documents with "placeholders:". A
//     rule with a placeholder that has no values is checked and matches nothing,
//     also where the placeholder stands under "not" (Rule.Lacks tells); a filter
//     with one is a fault, since nobody would notice that it excepts nothing.
//   - Keywords in rules for a source's own events are looked for in the event's
//     JSON text as it was recorded.
//
// Public rules name the fields of a product as one log store or another calls
// them. A field is looked for under its own name and then under the spellings
// of taxonomy.go, of which the first that the event has counts; what network a
// product's events come from is there, too.
//
// # Documents for other rules
//
// A filter's condition must hold beside that of each rule which it names ("not
// selection" makes an exception), as long as what its log source says is what
// the rule's says; "rules: any" names all of them.
//
// A tune document sets thresholds of one rule for some accounts until a day
// (log time, UTC), with who answers for it and why: "condition.gte" and the
// other bounds of a correlation, "floor" and "factor" of a peak.
//
// Old collections with "action: global", "repeat" and "reset" are merged while
// they are read. Documents that inherit one id get ids made from it and their
// number; the first keeps it.
//
// # Correlations
//
// A correlation is counted for each account apart: account belongs to each
// group. Rules for a source's own events, whose authors do not know of accounts,
// get it added to their group-by; other rules must write it. A match that lacks
// a field of group-by belongs to no group. A window is half-open: two matches
// exactly one timespan apart are not together.
//
//   - event_count and value_count need a lower bound, since "lt" alone would
//     hold for every account that does nothing.
//   - temporal wants a match of each of its rules, or of as many different ones
//     as its condition says, and temporal_ordered in the order in which they are
//     listed. Of matches at one moment any order counts; in temporal_ordered one
//     activity is one step only.
//   - value_sum and value_avg look at the window that ends at a match, and for
//     one that came late at those that end at the matches after it. What is no
//     number is left out.
//   - value_percentile compares how many percent of that window's matches have
//     the same value as the latest one: "lte: 1" finds what is rare.
//
// An alias in group-by stands for the field that it names for each rule.
//
// When a condition that holds goes on holding, one finding opens and every
// further match for which it holds updates it; it closes after "quiet" without
// such a match, and what comes then opens another one. A correlation, or a
// baseline but approval and sequence, that feeds a correlation counts there as
// one match when its finding opens and not when it is updated, at the time and
// with the fields of the activity that opened it. That it is silent makes no
// difference, that it is off does: then it feeds nothing. With "generate: true"
// the rules that a correlation names raise findings of their own, too, at the
// same moments.
//
// # What this version leaves out
//
// Conditions over several fields, group-by without account in rules for
// Picket's activities, correlations over sequences and approvals, and the other
// types of baseline. Each is refused by name, with its place. The category and
// service of a source's own events are not told apart: their network is.
package rules
