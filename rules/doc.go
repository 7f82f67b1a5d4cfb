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
//
//   - peak: more matches within "timespan" than "factor" times the account's own
//     second-busiest day, and at least "floor".
//
//   - approval: what the account's approvals say of a message; see "verdict".
//
//   - sequence: a match of one of "rules" and within "within" one of "then", on
//     an account or the identities that guard it, in whatever order they are
//     told. Its steps may be rules of any other type.
//
//   - rare_value: a value of a field that is less than "share" of what the
//     account used lately.
//
//   - login_risk: a login whose address, network, country, user agent and hour
//     are together "odds" times likelier somebody else's than the account's. One
//     without a user agent is passed over.
//
//   - travel: two logins further apart than "distance" and faster than "speed",
//     what both places may be off taken away ("radius" where the source does not
//     say). Networks that the account has used in that place, and VPNs, proxies
//     and rented servers that it has used anywhere, are no journey; one that it
//     has used elsewhere in the country may be off by "gateway". A login that one
//     of "without" matches, by a satellite for example, has no place.
//
//   - storm: far more matches within an interval of "timespan" than the account
//     has at that hour, by all that was learned of it since "warm-up", and at
//     least "least". "threshold" is the score, 0 to 1, from which it is one; each
//     storm of the last weeks makes the next one need more. An interval is judged
//     as it fills, and learned when nothing late can come for it: after the
//     lateness of the detector, or four intervals if that is less. Any detection
//     rule can feed it. What is history when Picket is connected is not learned,
//     as networks tell it backwards.
//
//   - drift: a count of the account, "field: metrics.followers" for one, that
//     falls or rises within about a day by "share" (0.05 is 5 percent) and
//     "least" at least, and by "times" its usual daily variation; "direction: -1"
//     reports falls only, 1 rises only. It judges once "days" daily changes are
//     known.
//
//   - rate: far more matches in ten minutes, an hour or a day, or a far longer
//     silence, than the account's own rhythm over the week explains: what it
//     reaches less often than once in "every". Fewer matches than "least" are
//     never too many, a silence shorter than "gap" is never too long; "direction:
//     -1" reports silences only, 1 too many only. It judges after "warm-up", and
//     silences once eight weeks had matches. A silence is told by log time alone,
//     ends with the next match, and is not told while the log itself stood still,
//     or as long again, a day at most. What comes later than the lateness is not
//     counted, so history that is told backwards teaches little.
//
//   - without: a match of one of "rules" that no match of "without" came before
//     within "within".
//
//   - profile: a session of posts that is less like the account than its own
//     oddest ones: words, app, hour, pace and the words that hijackers use,
//     joined into one finding with reasons by weight. "budget" is how many false
//     alerts one account may cost in a month.
//
// "learn" says when new_value, rare_value, login_risk, profile and peak know an account: after "period" and
// "events" activities ("need: either" makes one of them enough), and at the
// latest after "at-most". Until then they are silent, and peak goes by its
// floor. A profile learns 30 days and 300 posts where nothing is said, at most
// 90 days. What an account did before "half-life" ago counts half in rare_value
// and login_risk.
//
// What a match showed is not learned before its alert closes, and perhaps not
// then; see below.
//
// # One session, one alert
//
// Weak signals of one login belong together. A rule with "picket: {joins: [x]}"
// raises no alert of its own while rule x, a baseline grouped by account alone,
// has one open for the account, also one that the same activity has just opened:
// its reasons become reasons of that alert, in the place of one about the same
// field. It still feeds correlations and is a step of sequences. An alert of its
// own that is open already goes on.
//
// Nobody may be woken less for it. Rule x is at least as urgent, which Compile
// holds for what is written; where overrides make it less urgent, or one of the
// two observes, matches are alerts of their own. So is what a rule as urgent as x
// finds about a later activity for the first time: the alert may be acknowledged
// by then.
//
// # What is learned of an alert
//
// While an alert of a new_value is open, the values that it saw are kept from the
// model: an intruder's tenth login explains itself as the first one did. What
// becomes of them depends on what a person says (see activity.Verdict):
//
//   - expected, and false, make them the account's own; expected with an end until
//     then, and from then on they are new again.
//   - true ends the alert and makes them new again, also where they were learned
//     in the meantime: whoever comes with one is told of at once.
//   - Nothing, and the rule is of level high or critical: they stay new. For two
//     weeks people are not told of the same values again; what comes with them
//     meanwhile is one finding that observes, then people are told once more.
//   - Nothing, and the rule is of a lower level or observes: they are learned when
//     the alert has been quiet, but for those that the verdict on another alert
//     was about, true.
//
// What was said last holds, whichever alert or review it was said of. History that
// is told while an alert waits teaches nothing of what the alert is about.
//
// A peak learns a burst when its alert has been quiet, whatever its level, since
// one burst alone makes no next one usual, and unlearns it at the verdict true.
// So do travel, login_risk, rare_value and rate, which cannot unlearn: true keeps them
// from learning as long as their alert is open, and is too late afterwards. A
// silent rule has no alert that could be judged: it learns at once. People may
// trust and forget values without an alert, too ("picket baseline").
//
// A model with a number "budget" is given its part of the configuration's alert
// budget in its place: equal parts for all such rules that are enforced and not
// critical.
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
//     JSON text as it was recorded, and in the same text with its escapes
//     resolved.
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
// A tune document sets thresholds of one rule for some accounts until a day or
// a time (log time; a day begins in UTC), with who answers for it and why:
// "condition.gte" and the other bounds of a correlation, "floor" and "factor" of
// a peak. One with "from" is a plan, "campaign launch, Friday 9 to 12": it holds
// for one timespan of the rule longer, whose windows hold what was planned, and
// a peak learns no more from it than the rule would have let pass without it.
//
// Old collections with "action: global", "repeat" and "reset" are merged while
// they are read. Documents that inherit one id get ids made from it and their
// number; the first keeps it.
//
// # Correlations
//
// A correlation with account in its group-by is counted for each account apart.
// One without is counted across accounts, for each value of its group-by: one
// address that fails to log in to many accounts. Rules for a source's own
// events, whose authors do not know of accounts, get account added to their
// group-by unless they say "picket: {across-accounts: true}". What a correlation
// across accounts feeds is one across accounts, too; baselines learn accounts
// and a tune document sets thresholds of accounts, so neither takes it.
//
// A match that lacks a field of group-by belongs to no group. A window is
// half-open: two matches exactly one timespan apart are not together.
//
//   - value_count with a list of fields counts different combinations of their
//     values; an activity that lacks one of them shows none, and one that has
//     many in each at most 256.
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
// such a match, and what comes then opens another one. A correlation or baseline
// that feeds a correlation counts there as one match when its finding opens and
// not when it is updated, at the time and with the fields of the activity that
// opened it: of a sequence the second step, of an approval the message, when
// its grace is over. That it is silent makes no
// difference, that it is off does: then it feeds nothing. With "generate: true"
// the rules that a correlation names raise findings of their own, too, at the
// same moments.
//
// # Shadowed files
//
// A file with File.Shadow holds new versions of rules, or new rules, that run
// beside those in force and observe only. Each keeps its words and gets names
// of its own: an id made from the one written, NAME.shadow, and " (shadow)" in
// the title. It refers to shadowed documents first and then to those in force,
// and nothing in force refers to it or is changed by it: a rule that only feeds
// a shadowed one stays as loud as it was. Filters and tune documents in force
// are for the shadowed version of their rule, too. Its version is the one that
// it will have once it is in force; what it learns it learns from then on that
// it is shadowed.
//
// # What this version leaves out
//
// Group-by without account in baselines, and sequences of sequences. Each is refused by name,
// with its place. The category and
// service of a source's own events are not told apart: their network is.
package rules
