// Package match says what an alert is called by: its labels, and the matchers
// in Alertmanager's syntax that select alerts by them. Silences, routes and
// inhibition match these labels and no others.
//
// What follows from a match belongs in the package that asks.
//
// # Labels
//
// A label has one value or several. A label without a value is as one that is
// empty, as in Alertmanager.
//
//	rule         id and name of the rule: either may be given
//	level        informational, low, medium, high, critical
//	type         type of the rule: detection, event_count, new_value, …
//	network      x, mastodon, okta, …; empty for alerts about no account
//	account      x/acme; empty for alerts across accounts
//	accounts     the account, or all that an alert across accounts names, which
//	             are at most detector.MaxAccounts of them
//	tag          tags of the rule: attack.t1078, picket.sre, …
//	drill        the drill that it is about, "test" for picket alerts test; empty
//	             when real
//	group.<name> the value of each field that the rule counts by: group.ip
//
// # Matchers
//
//	account="x/acme", level=~"low|medium"
//	{rule="post_burst", group.ip!="198.51.100.7"}
//
// All of them must match. With = and =~ one value of the label is enough; with
// != and !~ none may be equal or match. Regular expressions match a whole
// value. Names and values without white space and without any of {}!=~,\"'` need
// no quotes. The grammar is Alertmanager's "UTF-8 strict mode", read by its own
// parser.
package match
