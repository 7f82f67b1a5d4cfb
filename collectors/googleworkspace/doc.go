// Package googleworkspace reads the audit logs of one Google Workspace (or Cloud
// Identity) organisation: who logged in from where, who failed to, whose second
// step, password or role changed, who gave an application access. One source,
// "googleworkspace/<name>", yields the activities of many identities,
// "googleworkspace/jane.roe"; those that guard no account are dropped here, before
// anything is stored, and counted. The package knows Google's wire format and
// limits. When to poll, how long to wait and which repeats to drop is decided by
// package collectors; what an odd login means belongs in rules; city, place and
// operator of an address, which Google does not tell, are added by package enrich.
//
// The client is Google's own (google.golang.org/api/admin/reports/v1), which
// builds the requests, and golang.org/x/oauth2, which signs the assertion for
// them. Both are given one http.RoundTripper that sends with Deps.HTTP, so that
// budget, time-outs and limits hold; neither retries these calls. Answers are read
// here event by event, so that a bad one spoils no other and raw keeps the bytes.
//
// # What it needs
//
// A service account with a JSON key, domain-wide delegation of the one scope
// admin.reports.audit.readonly, the Admin SDK API enabled in its project, and the
// address of an administrator with the privilege Reports to act for. Delegation
// lets whoever holds the key read the audit logs on behalf of any such
// administrator, and nothing else.
//
// # Logs
//
// Five, in turn, one page a poll: applications login and user_accounts, the events
// authorize and revoke of token, and admin. The events "activity" of token, one
// for each call of an API, are not asked for. Application saml (logins at others'
// services), drive, gmail and the rest are not read.
//
// # Late events
//
// Google documents how late events may turn up (support.google.com/a/answer/7061566):
//
//	admin           a couple of minutes
//	login           a couple of minutes
//	user_accounts   tens of minutes
//	token           up to a couple of hours
//
// and adds that in rare cases it may be longer, and that events may not be
// reported at all. So each walk begins Config.Overlap, four hours, before the last
// one began, and reads by the time of occurrence; the scheduler drops repeats.
// What turns up later than that is lost. History is read in spans of three days,
// oldest first, all logs side by side.
//
// # Events
//
// What each becomes. failed means outcome failure; a change that failed
// (eventStatus FAILED) is kept without changed, and SKIPPED is ignored. Whatever
// is not listed is ignored and counted.
//
// Applications login and user_accounts:
//
//	login_success                    login; reason is_suspicious where Google says so
//	login_failure                    login_failure; reason login_failure_type, or else login_challenge_method
//	login_challenge, login_verification  login or login_failure as login_challenge_status says; ignored when
//	                                 Google does not know
//	risky_sensitive_action_allowed   login; reason sensitive_action_name
//	risky_sensitive_action_blocked   login_failure; reason sensitive_action_name
//	suspicious_login, suspicious_login_less_secure_app, suspicious_programmatic_login
//	                                 login_failure (Google blocked it); reason is the name
//	gov_attack_warning               session, without a result; reason is the name
//	logout                           logout
//	user_signed_out_due_to_suspicious_session_cookie  logout; reason is the name
//	2sv_enroll, passkey_enrolled, titanium_enroll     mfa_change, changed mfa_added
//	2sv_disable, passkey_removed, titanium_unenroll   mfa_change, changed mfa_removed
//	recovery_email_edit, recovery_phone_edit, recovery_secret_qa_edit  mfa_change, changed recovery_updated
//	password_edit                    password_change, changed password_updated
//	account_disabled_*               role_change, changed user_deactivated; reason is the name
//	email_forwarding_out_of_domain   role_change, changed forwarding_added: another reads the mail
//
// The changes of one's own account are documented under both applications. Their
// id is made of time, name and address, so that one that is listed twice is one.
//
// Application token:
//
//	authorize   token_grant, changed token_granted
//	revoke      token_revoke, changed token_revoked
//
// Application admin:
//
//	ASSIGN_ROLE, GRANT_ADMIN_PRIVILEGE, GRANT_DELEGATED_ADMIN_PRIVILEGES  role_change, changed role_granted
//	UNASSIGN_ROLE, REVOKE_ADMIN_PRIVILEGE          role_change, changed role_revoked
//	CREATE_ROLE, DELETE_ROLE, RENAME_ROLE, UPDATE_ROLE, ADD_PRIVILEGE, REMOVE_PRIVILEGE
//	                                               role_change, changed role_changed
//	ADD_GROUP_MEMBER, REMOVE_GROUP_MEMBER          role_change, changed group_added, group_removed
//	CREATE_USER                                    role_change, changed user_created
//	SUSPEND_USER, DELETE_USER                      role_change, changed user_deactivated
//	UNSUSPEND_USER, UNDELETE_USER                  role_change, changed user_activated
//	CHANGE_APPLICATION_SETTING of ContextAwareAccess*, ENFORCE_STRONG_AUTHENTICATION,
//	ALLOW_STRONG_AUTHENTICATION                    role_change, changed policy_changed
//	CHANGE_PASSWORD, CHANGE_PASSWORD_ON_NEXT_LOGIN password_change, changed password_reset
//	RESET_SIGNIN_COOKIES                           logout; reason is the name
//	GENERATE_2SV_SCRATCH_CODES                     mfa_change, changed mfa_added
//	TURN_OFF_2_STEP_VERIFICATION, DELETE_2SV_SCRATCH_CODES, REVOKE_SECURITY_KEY,
//	UNENROLL_USER_FROM_STRONG_AUTH, UNENROLL_USER_FROM_TITANIUM  mfa_change, changed mfa_removed
//	CHANGE_RECOVERY_EMAIL, CHANGE_RECOVERY_PHONE   mfa_change, changed recovery_updated
//	AUTHORIZE_API_CLIENT_ACCESS, ADD_APPLICATION, ADD_APPLICATION_TO_WHITELIST,
//	ADD_TO_TRUSTED_OAUTH2_APPS                     token_grant, changed token_granted
//	REMOVE_API_CLIENT_ACCESS, REMOVE_APPLICATION, REMOVE_APPLICATION_FROM_WHITELIST,
//	REMOVE_FROM_TRUSTED_OAUTH2_APPS, REVOKE_3LO_TOKEN, REVOKE_3LO_DEVICE_TOKENS, REVOKE_ASP
//	                                               token_revoke, changed token_revoked
//
// # Whose activity it is
//
// Of the user whom the event names in USER_EMAIL or affected_email_address, else
// of the actor. What administrators do to the roles, groups and rights of somebody
// who guards nothing, or to the whole organisation, is theirs: their rights may be
// in wrong hands. A stranger's second factor, password, sessions or tokens are
// nobody's: the administrator has changed nothing of their own.
//
// # Fields
//
// id is made of applicationName, time and uniqueQualifier, time is id.time, actor
// the actor's address, else its key or application, ip ipAddress, geo.country,
// geo.region and geo.asn what networkInfo tells, app the application that got or
// lost access. Scopes, client ids and all else are in raw, which is the record
// byte for byte; of a record with several events each gets one with its own. Raw
// is what public rules for product gcp, services google_workspace.admin and
// google_workspace.login are tried on.
//
// # Limits
//
// 2,400 requests a minute for each user and project, and 250 of those that filter
// (the two of token do). Google sends no headers about them, so that the package
// counts what it sends and stays 2 % below. Over the limit, as with others who use
// the same project, Google answers 503, or 403 and 429 with a reason, which waits.
// 180 days are kept.
//
// # What Google documents, and when that was read
//
// Read 2026-11-29:
//
//   - developers.google.com/workspace/admin/reports/v1/limits: the limits.
//   - The discovery document of reports_v1, revision 20260929, as google.golang.org/api
//     v0.315.0 holds it: parameters, objects, networkInfo, eventStatus, scope.
//   - developers.google.com/workspace/admin/reports/v1/appendix/activity, pages
//     login, user-accounts, token and admin-user-settings: events. Their full lists
//     could be read in part only; of login the rest was taken from what others wrote
//     down of that page (its version of 2026-09-03), of admin from public rules and
//     memory. An event of another spelling would be ignored and counted.
//   - support.google.com/a/answer/7061566 (its version of 2026-09-25, in part, the
//     rest from what others wrote down of it): lags and retention. The lag of token
//     could not be read there; a couple of hours is what Google gave for it before.
package googleworkspace
