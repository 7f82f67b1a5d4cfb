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
// Okta's outcome.result. Whatever is not listed is ignored and counted, and as
// far as one filter can say it not asked for in the first place (DefaultFilter).
//
//	user.session.start                   login: SUCCESS, ALLOW; login_failure: FAILURE, DENY
//	user.authentication.*                the same, but for
//	  user.authentication.slo            logout
//	  user.authentication.universal_logout  logout
//	user.mfa.okta_verify.deny_push       login_failure
//	user.mfa.okta_verify.deny_push_upgrade_needed  login_failure
//	application.policy.sign_on.deny_access  login_failure
//	app.generic.unauth_app_access_attempt  login_failure
//	system.api_token.request_outside_allowed_range  login_failure
//	system.oauth2.token.request_outside_allowed_range  login_failure
//	user.session.end                     logout
//	user.session.clear                   logout
//	user.session.expire                  logout
//	user.mfa.factor.activate             mfa_change, changed mfa_added
//	user.mfa.factor.unsuspend            mfa_change, changed mfa_added
//	user.mfa.factor.deactivate           mfa_change, changed mfa_removed
//	user.mfa.factor.reset_all            mfa_change, changed mfa_removed
//	user.mfa.factor.suspend              mfa_change, changed mfa_removed
//	user.mfa.factor.*                    mfa_change, changed mfa_updated
//	user.mfa.attempt_bypass              mfa_change, changed mfa_bypassed
//	user.account.update_password         password_change, changed password_updated
//	user.account.reset_password          password_change, changed password_reset
//	*.privilege.grant                    role_change, changed role_granted
//	*.privilege.revoke                   role_change, changed role_revoked
//	iam.resourceset.bindings.add         role_change, changed role_granted
//	iam.resourceset.bindings.delete      role_change, changed role_revoked
//	iam.*                                role_change, changed role_changed
//	user.session.impersonation.grant     role_change, changed impersonation_granted
//	user.session.impersonation.extend    role_change, changed impersonation_granted
//	user.session.impersonation.revoke    role_change, changed impersonation_revoked
//	group.user_membership.add            role_change, changed group_added
//	group.user_membership.remove         role_change, changed group_removed
//	application.user_membership.add      role_change, changed app_assigned
//	application.user_membership.approve  role_change, changed app_assigned
//	application.user_membership.restore  role_change, changed app_assigned
//	application.user_membership.remove   role_change, changed app_unassigned
//	application.user_membership.revoke   role_change, changed app_unassigned
//	user.lifecycle.create                role_change, changed user_created
//	user.lifecycle.activate              role_change, changed user_activated
//	user.lifecycle.reactivate            role_change, changed user_activated
//	user.lifecycle.unsuspend             role_change, changed user_activated
//	user.lifecycle.deactivate            role_change, changed user_deactivated
//	user.lifecycle.suspend               role_change, changed user_deactivated
//	user.lifecycle.delete.initiated      role_change, changed user_deactivated
//	user.lifecycle.delete.completed      role_change, changed user_deactivated
//	policy.lifecycle.*                   role_change, changed policy_changed
//	policy.rule.*                        role_change, changed policy_changed
//	application.policy.sign_on.*         role_change, changed policy_changed
//	system.mfa.factor.*                  role_change, changed policy_changed
//	security.authenticator.lifecycle.*   role_change, changed policy_changed
//	security.threat.configuration.*      role_change, changed policy_changed
//	security.behavior.settings.*         role_change, changed policy_changed
//	security.attack_protection.settings.*  role_change, changed policy_changed
//	security.protected_action.settings.*  role_change, changed policy_changed
//	security.session_protection.*        role_change, changed policy_changed
//	security.trusted_origin.*            role_change, changed policy_changed
//	security.zone.*                      role_change, changed zone_changed
//	zone.*                               role_change, changed zone_changed
//	system.idp.lifecycle.*               role_change, changed idp_changed
//	system.idp.key.*                     role_change, changed idp_changed
//	application.lifecycle.*              role_change, changed app_changed
//	app.oauth2.token.grant*              token_grant, changed token_granted
//	app.oauth2.as.token.grant*           token_grant, changed token_granted
//	app.oauth2.consent.grant*            token_grant, changed token_granted
//	app.oauth2.as.consent.grant*         token_grant, changed token_granted
//	app.oauth2.admin.consent.grant*      token_grant, changed token_granted
//	app.oauth2.credentials.lifecycle.create  token_grant, changed token_granted
//	app.oauth2.credentials.lifecycle.activate  token_grant, changed token_granted
//	system.api_token.create              token_grant, changed token_granted
//	system.api_token.enable              token_grant, changed token_granted
//	app.oauth2.token.revoke*             token_revoke, changed token_revoked
//	app.oauth2.as.token.revoke*          token_revoke, changed token_revoked
//	app.oauth2.as.consent.revoke*        token_revoke, changed token_revoked
//	app.oauth2.admin.consent.revoke*     token_revoke, changed token_revoked
//	app.oauth2.credentials.lifecycle.deactivate  token_revoke, changed token_revoked
//	app.oauth2.credentials.lifecycle.delete  token_revoke, changed token_revoked
//	system.api_token.revoke              token_revoke, changed token_revoked
//	user.session.access_admin_app        session
//	user.session.context.change          session
//	user.session.impersonation.initiate  session
//	user.session.impersonation.end       session
//	user.account.report_suspicious_activity_by_enduser  session
//	user.account.update_primary_email    session
//	user.account.update_secondary_email  session
//	user.account.use_token               session
//	user.account.lock*                   session
//	user.account.unlock*                 session
//	user.account.unlock_by_admin         session
//	user.risk.*                          session
//	policy.evaluate_sign_on              session
//	security.threat.detected             session
//	security.session.detect_client_roaming  session
//	security.breached_credential.detected  session
//	security.request.blocked             session
//	security.protected_action.attempt    session
//	system.api_token.update              session
//	system.idp.lifecycle.read_client_secret  session
//	app.oauth2.token.detect_reuse        session
//	app.oauth2.as.token.detect_reuse     session
//	application.user_membership.show_password  session
//	application.user_membership.change_password  session
//
// A session is what somebody did, or Okta saw of them, while logged in or on the
// way there, of which no other kind tells: only rules on raw see more of it.
// Policies, zones, identity providers and applications are changes of roles,
// because they decide who gets in; what the new setting is stands in raw.
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
// actor is an application, and what Okta tells of an account: that it was locked,
// reported, taken over by support or put at risk. A change of roles of somebody
// who guards nothing belongs to the user in actor, who made it with rights of
// their own. Everything else, and what names no user in target, belongs to the
// actor. Config.Identity says which part of a user is the name.
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
//
// Read 2026-11-29, in the public documentation at commit 468de9c:
//
//   - docs/reference/api/event-types and its okta-event-types.csv: 1,178 event
//     types, of which the table above takes those about logins, factors, tokens,
//     roles, policies and threats.
//   - docs/reference/rl2-monitor: the headers are of the bucket that the request
//     counts in; the log has one of its own, so that Endpoint is its path. A
//     refusal for too many requests at once has 0 for limit and remaining, and a
//     suggested reset.
//   - docs/reference/rl2-token-oauth: one token gets half of a bucket unless an
//     administrator gives it more, 60 requests a minute of the log's usual 120.
package okta
