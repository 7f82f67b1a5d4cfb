// Package natspub keeps alerts in NATS JetStream and publishes them there. It
// owns the subjects, headers and shapes of alerts on NATS; what an alert is and
// when it is revised belongs in alerting.
//
// # Layout, version 1
//
// One stream, ALERTS, holds two kinds of message. Parts of subjects that come
// from outside are written with activity.EncodeToken; an empty one is "_".
//
//	picket.alertstate.<alert-id>                      the state
//	picket.alert.<level>.<network>.<account>.<rule>   the public copy
//
// The state: one message per revision, its body the stored form of
// alerting.Alert (JSON, its own "v"). The last message of the subject is the
// alert's state. It is written by compare-and-set: header
// Nats-Expected-Last-Subject-Sequence names the last message's sequence, 0 for
// the first revision; of two writers one is refused with err_code 10071. Headers:
//
//	Picket-Version    1
//	Picket-Revision   from 1, without gaps
//	Picket-State      firing, acknowledged, resolved
//	Picket-Level      informational, low, medium, high, critical
//	Picket-Change     opened, updated, acknowledged, resolved, reopened,
//	                  assigned, noted
//	Picket-Brief      alerting.Brief as JSON: rule, title, account, first,
//	                  words, mode, drill, verdict, opened, fired, by_hand
//
// so that alerts can be listed, related and counted without their bodies.
//
// The public copy is for subscribers. It follows the state, once the state is
// durable. <account> is the account without its network ("acme" of "x/acme"),
// "_" for alerts about no account; <rule> is the rule's id. An alert of a rule
// across accounts is about none: its subject is picket.alert.<level>._._.<rule>,
// and its body names the accounts. Headers:
//
//	Nats-Msg-Id       <alert-id>.<revision>: the same copy published again
//	                  within an hour is stored once
//	Content-Type      application/cloudevents+json
//	Picket-Version    1
//	Picket-Urgency    page, hours, chat, digest, sre
//	Picket-Drill      the drill that it is about, written with
//	                  activity.EncodeToken; "test" for picket alerts test;
//	                  absent when real
//
// Its body is a CloudEvents 1.0 event in structured JSON mode:
//
//	specversion      "1.0"
//	id               <alert-id>.<revision>
//	source           "/picket", or "/picket/<instance>"
//	type             io.picket.alert.firing        opened or reopened
//	                 io.picket.alert.updated       more of the same, or assigned
//	                 io.picket.alert.acknowledged
//	                 io.picket.alert.resolved
//	subject          the account, "x/acme"; absent if none, as of an alert across
//	                 accounts: what it is about is in unmapped.picket.group, and
//	                 resources are its accounts
//	time             of the revision, RFC 3339
//	datacontenttype  "application/json"
//	data             an OCSF 1.8.0 Detection Finding, class 2004
//
// and these extension attributes:
//
//	urgency          how people are told, see alerting.UrgencyOf: page (wake
//	                 somebody), hours (page when the account's working hours
//	                 begin), chat, digest, sre (those who run Picket). It is
//	                 the same in every state: leave out alerts that are
//	                 acknowledged or resolved before you page
//	lateseconds      how long after it happened the newest activity was seen, in
//	                 seconds; absent below 15 minutes
//	drill            the drill that it is about; absent when real
//	silenceduntil    people need not be told before, RFC 3339; absent unless it
//	                 is silenced as it is published
//
// Of the finding, activity_id is 1 (Create) when opened, 3 (Close) when
// resolved, else 2 (Update); status_id is 1 (New) while firing, 2 (In
// Progress) while acknowledged, 4 (Resolved) when resolved; message is the
// text that a person reads; times are milliseconds since 1970; evidences[].data
// is the activity in the interchange form of collectors/activity. What OCSF
// has no place for is in unmapped.picket; see Picket. Fields may be added to
// version 1, never changed or taken away.
//
// Revisions of alerts whose rule only observes, and revisions that are merely
// noted (the end of an episode whose alert was resolved by hand, a verdict on a
// resolved alert), have no public copy.
//
// Retention is by age. Of each subject the newest 200 messages stay, so an
// alert keeps its last 200 revisions.
//
// Another stream, SILENCES, holds silences: one message per revision under
// picket.silence.<silence-id>, its body the stored form of silence.Silence (JSON,
// its own "v"), written by compare-and-set as alert states are, with the headers
// Picket-Version, Picket-Revision and Picket-Change (added, confirmed, expired).
package natspub
