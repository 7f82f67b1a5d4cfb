// Package okta reads the System Log of one Okta organisation: who logged in
// from where, who failed to, whose second factor, password or role changed, who
// was given a token. One source, "okta/<org>", yields the activities of many
// identities, "okta/editor-2"; those that guard no account are dropped here,
// before anything is stored, and counted. The package knows Okta's wire format
// and limits. When to poll, how long to wait and which repeats to drop is
// decided by package collectors; what an odd login means belongs in rules; the
// geography that Okta does not tell is added by package enrich.
//
// The client is plain net/http: Okta's SDK drops the port of an organisation's
// own URL. For the same reason, and so that the token goes nowhere else, a link
// to a next page is followed by its query only.
//
// # Event types
//
// What each event type becomes. A trailing * is any continuation; the result is
// Okta's outcome.result. Whatever is not listed, such as policy evaluation, is
// ignored and counted, and not asked for in the first place (DefaultFilter).
//
//	user.session.start                   login: SUCCESS, ALLOW; login_failure: FAILURE, DENY
//	user.authentication.*                the same, but for
//	  user.authentication.slo            logout
//	  user.authentication.universal_logout  logout
//	user.session.end                     logout
//	user.mfa.factor.activate             mfa_change, changed mfa_added
//	user.mfa.factor.unsuspend            mfa_change, changed mfa_added
//	user.mfa.factor.deactivate           mfa_change, changed mfa_removed
//	user.mfa.factor.reset_all            mfa_change, changed mfa_removed
//	user.mfa.factor.suspend              mfa_change, changed mfa_removed
//	user.mfa.factor.*                    mfa_change, changed mfa_updated
//	user.account.update_password         password_change, changed password_updated
//	user.account.reset_password          password_change, changed password_reset
//	*.privilege.grant                    role_change, changed role_granted
//	*.privilege.revoke                   role_change, changed role_revoked
//	app.oauth2.token.grant*              token_grant, changed token_granted
//	app.oauth2.as.token.grant*           token_grant, changed token_granted
//	app.oauth2.token.revoke*             token_revoke, changed token_revoked
//	app.oauth2.as.token.revoke*          token_revoke, changed token_revoked
//	system.api_token.create              token_grant, changed token_granted
//	system.api_token.revoke              token_revoke, changed token_revoked
//
// A login whose result is CHALLENGE, UNKNOWN, ABANDONED or absent has not ended
// and is ignored: the event that ends it follows. SKIPPED is ignored for every
// type. A change that failed is kept with outcome failure and without changed:
// rules on changed never fire for what did not happen.
//
// One person at a keyboard makes several login activities, for Okta writes one
// event for the session, one for each factor and one for each application that
// is opened (user.authentication.sso, whose success means that Okta did its
// part). An application opened from a new country with a stolen session is a
// login too, and the only sign of it.
//
// # Whose activity it is
//
// Changes, revocations and logouts belong to the user in target, whom they
// happen to; actor is who did it, such as an administrator. So do grants whose
// actor is an application. Everything else, and what names no user in target,
// belongs to the actor. Config.Identity says which part of a user is the name.
//
// # Fields
//
// id is uuid, time published, actor the actor's alternateId, ip
// client.ipAddress, geo what client.geographicalContext and securityContext
// tell (country names become codes, see Country; one that is not known is left
// out, logged and counted), device the event's device or else client.device,
// user_agent client.userAgent.rawUserAgent, app the application or client that
// is named, outcome outcome.result and outcome.reason. Everything else, among it
// authenticationContext and debugContext, is in raw, which is the event byte
// for byte. An event that is larger than an activity may be loses its raw, which
// is logged and counted.
//
// # What Okta documents, and when that was read
//
// Read 2026-11-23:
//
//   - developer.okta.com, docs/reference/system-log-query (its source at commit
//     0535076 of the public documentation): a request without until and with
//     sortOrder ASCENDING is a polling request. It is filtered by the time at
//     which events were stored, not by published, so that events that were
//     delayed are not skipped; it may return events out of order by published;
//     it always has a link with rel="next", even when it is empty. since and
//     after exclude each other; after is not to be made up. Filters with eq, sw
//     and ew; 90 days of retention; since before 180 days is refused with 400;
//     a query may take 30 s; the error bodies.
//   - The same page advises to follow next links and not to page by times, as
//     that may skip or repeat events. Within a walk links are followed. Each walk
//     begins Config.Overlap before the newest event that the last one met, so
//     that what became visible late is met again; the scheduler drops repeats.
//   - developer.okta.com, docs/api/openapi/okta-management, tag SystemLog:
//     objects, limit 0 to 1000, scope okta.logs.read.
//   - developer.okta.com, docs/reference/rl-best-practices: X-Rate-Limit-Limit,
//     -Remaining, and -Reset in seconds since 1970.
package okta
