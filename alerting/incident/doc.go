// Package incident joins alerts that belong together into incidents. It is a
// function of the alert revisions that it is given, in their order, and of what
// is known of accounts: it reads no clock, tells nobody anything and stores
// nothing. Who is told of an incident belongs in dispatch.
//
// # Joining
//
// An alert joins the incident of an alert that shares a subject with it, while
// that incident is not over, and for Config.Window after it was. Subjects are:
//
//   - the account, or all accounts that an alert across accounts names;
//   - the identities that guard the account and the accounts that an identity
//     guards, for the alerts of either;
//   - the actor who did it;
//   - the IP address and the app, where they are what is odd: the rule counts by
//     them or a reason names them. An office's address or a tool that everybody
//     uses joins nothing.
//
// Drills join only alerts of the same drill. Where several incidents would do, it
// is one with an alert of the same account, then the one that began first;
// incidents are never merged, since people have been told of both. One that holds
// MaxMembers alerts takes no more, and the next alert begins another.
//
// Alerts that only observe are in no incident until they enforce.
//
// # Life
//
// The state of an incident is the worst of its alerts': firing before
// acknowledged before resolved. Its level is the highest of its alerts that are
// not resolved, or of all once it is over.
//
//	       alert joins                      all acknowledged
//	───────────────────► firing ◄────────────────────────────► acknowledged
//	                      │  ▲   an alert opens or comes again      │
//	         all resolved │  │                                      │
//	                      ▼  │ within the window                    │
//	                    resolved ◄──────────────────────────────────┘
//
// Alerts resolve by themselves after quiet: the detector ends their episode, for
// each rule after its own time, and that resolves the alert. There is no second
// clock here.
package incident
