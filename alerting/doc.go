// Package alerting holds the life of an alert: findings of one episode become
// one alert, which fires, is acknowledged, is resolved by a person or by
// quiet, and is told to the outside. It decides when a revision is written,
// keeps two daemons and people from overwriting each other, and says in plain
// text what happened.
//
// What counts as odd belongs in rules and detector. Where revisions are stored
// and how they travel belongs in the folder of that output: natspub for NATS,
// promexport for metrics.
//
// # Life
//
//	            ack                  resolve, quiet
//	firing ───────────► acknowledged ──────────────► resolved
//	   ▲  └───────────────────────────────────────────► │
//	   └────────────────────────────────────────────────┘
//	                    a new match of the episode
//
// The detector opens and closes episodes by log time alone; what people do
// with an alert changes the alert, never which findings there are. A new match
// in an episode whose alert was resolved by hand reopens the alert: whoever
// resolved it cannot have seen that match. The end of such an episode is noted
// and told to nobody.
//
// Assigning an alert changes no state: who was asked is not on it yet. Whoever
// resolves one may say what it was, also when quiet has resolved it; that
// verdict stays until a new match opens the alert again, and is counted for the
// rule and account.
//
// Somebody whose login or account it was may be asked "was this you?". No raises
// how urgently people are told, whatever the rule's level; yes is told beside
// the alert and closes nothing by itself: who holds a stolen login would say so.
//
// How urgently people are told follows from the alert, the account and the
// hour; see [UrgencyOf]. What is known around an alert when it is told, see
// [Around], is no part of it: a revision is a function of findings and deeds.
//
// # Revisions
//
// Opening, closing, a transition and a change of level are written at once.
// Further matches are written at most once per alert and second of log time;
// the revision then carries all of them, since the newest finding of an
// episode says everything. What waits is written by the next finding of the
// episode, by [Manager.Flush] as log time moves on, and by [Manager.Sync]
// before a checkpoint that would skip it in a replay.
//
// An alert of a rule across accounts has no account: Group says by what it
// counts, "ip 198.51.100.7", and Accounts on whom.
//
// Every revision stores the Position of the last finding in it, so a finding
// that comes again after a crash is recognised and ignored.
package alerting
