// Package ruletest tests rules on stories. A scenario tells some weeks of an
// account's habits and the activities of one case, and lists every finding
// that must open; any other is a fault, so a scenario with an empty list tests
// silence. It runs on the daemon's own engine, through detector/replay.
//
// How a scenario is written and compared belongs here. Which rules it is run
// against is the caller's choice; what a rule means belongs in rules, what a
// finding is in detector.
//
// # Where tests lie
//
// A test is a file whose name ends in .test.yml or .test.yaml, anywhere below
// the folder of the rules that it tests; whoever reads rules passes over files
// of such names. It is played with all rules of that folder and those of the
// built-in packs that it names.
//
// # The form
//
// A scenario is one YAML document:
//
//	title: A holiday trip
//	about: What is tested and, of a real incident, what was known and what is assumed.
//	references: [https://…]          # of a real incident
//	packs: [social]                  # optional: built-in rules that are needed, too
//	connected: day 30 09:00          # optional; what was before arrives as history then, and only teaches
//	accounts:
//	- account: x/acme
//	  approvals: required            # or off, the default
//	  guarded_by: [okta/editor-2]
//	habits:
//	- account: okta/editor-2
//	  kind: login
//	  days: 1-30
//	  each: workday                  # day (the default), workday, weekend, or monday to sunday
//	  at: ["08:05", "13:10"]
//	  geo: {country: DE, asn: 64500}
//	case:
//	- {at: day 31 02:58, account: okta/editor-2, kind: login, geo: {country: RO}}
//	expect:
//	- {rule: login_new_country, account: okta/editor-2, level: high}
//
// Day 1 is a Monday; all times are UTC. An entry of habits or case is an
// activity in the form of package activity, without id, time and seen, and
//
//	days      habits only: on which days, "1-30"
//	each      habits only: on which of them
//	at        habits: times of day; case: one moment, "day 31 02:58" or "day 31 02:58:30"
//	repeat    how many follow one another, 1 if absent; {n} in a text is its number
//	every     time between them, "10s"
//	late      how much later than it happened Picket sees it, "3m"
//	approved  an approval of the same message comes this long before it, "1h"
//
// An entry of expect has
//
//	rule      its name or id
//	account   account or identity of the finding; absent for a rule across accounts, of which
//	group     its group, in the order of group-by: {ip: 198.51.100.7}
//	accounts  optional: the accounts that it is about in the end, as they came
//	level     of the rule
//	count     activities in the episode when it has closed, 1 if absent; of one that opens
//	          again within its window, all that the window holds
//	at        optional: log time at which it opens, "day 31 02:58"
//	why       optional: part of a reason's words
//	related   optional: rules of the earlier episodes that led to it, oldest first
package ruletest
