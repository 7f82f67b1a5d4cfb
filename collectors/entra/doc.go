// Package entra reads the sign-ins and directory audits of one Microsoft Entra ID
// tenant with Microsoft Graph: who logged in from where, who failed to, whose
// second factor, password or role changed, who gave an application access. One
// source, "entra/<name>", yields the activities of many identities,
// "entra/jane.roe"; those that guard no account are dropped here, before anything
// is stored, and counted. The package knows Graph's wire format and limits. When to
// poll, how long to wait and which repeats to drop is decided by package
// collectors; what an odd login means belongs in rules.
//
// The client is plain net/http: two lists and a token need no more, and Graph's SDK
// retries, sleeps and follows links on its own. Of a link to a next page only the
// query is followed, at the address that is configured, and a link to another host
// is a fault, so that the token goes nowhere else.
//
// # What it needs
//
// An application registration in the tenant with the application permission
// AuditLog.Read.All and a client secret (client credentials; certificates are not
// taken). Graph's pages named Directory.Read.All beside it until a known issue was
// mended; give it only where Graph still refuses. Sign-ins need Microsoft Entra ID
// P1 or P2: without, Graph answers 403 with the code
// Authentication_RequestFromNonPremiumTenantOrB2CTenant. That is told as Forbidden
// once a day, while the audits go on being read; Config.NoSignIns silences it.
//
// # What it shows, and what not
//
// Version v1.0 of Graph lists interactive sign-ins and successful federated ones.
// Non-interactive sign-ins, where a client renews a session without its user, and
// those of service principals and managed identities are in Graph's beta version
// only (signInEventTypes), which Microsoft does not support for production: they
// are not read, so that a stolen token that is used elsewhere goes unseen until
// somebody signs in. Risk that is found after a sign-in changes the event, which is
// read once.
//
// # Late events
//
// Microsoft gives no number today (entra/identity/monitoring-health/
// reference-log-latency says what delays depend on). Its former page on reporting
// latencies gave two minutes for 95 and five for 99 of 100 events of both logs, and
// up to two hours for the risk of sign-ins. So each walk begins Config.Overlap,
// three hours, before the last one began, and reads by the time of occurrence; the
// scheduler drops repeats. What turns up later than that is lost. History is read
// in spans of three days, oldest first, both logs side by side.
//
// # Limits
//
// Five requests in ten seconds of one application in one tenant. Graph sends no
// headers from which it could be learned, so that the collector refuses the sixth
// itself, as rate limited until it may be sent; beyond that 429 and Retry-After are
// heeded. What was sent is forgotten at a restart, and another program with the
// same application is not known of: there Graph's 429 is what holds. Pages of up to 1000. 30 days are kept, of audits 7 without a licence.
//
// # Sign-ins
//
// status.errorCode decides:
//
//	0                            login; reason "risk low", medium or high where riskLevelDuringSignIn says so
//	an interrupt, see below      session, without a result: no failure
//	any other                    login_failure
//
// The reason is the code and Microsoft's failureReason. Failures that are often
// seen: 50126 wrong password, 50034 no such user, 50053 locked or a malicious
// address, 50057 disabled, 50056 no password, 50074 the second factor was asked for
// and not given, 500121 it failed, 50158 an external challenge was not met, 53000 to
// 53003 Conditional Access, 50105 not assigned to the application.
//
// Interrupts are an expected part of many sign-ins; another one follows that tells
// how it ended:
//
//	16000, 16001                an account has to be selected
//	50055, 50144                the password is right and has expired
//	50058                       nobody is signed in yet
//	50072, 50076, 50078, 50079  a second factor has to be registered or given
//	50089, 50132, 50133, 50173, 70008, 70043, 70044, 700082, 700084
//	                            the session or token has ended, as by a policy of sign-in frequency
//	50097, 50129, 50168, 50187  the device has to be known
//	50125, 50135                the password has to be changed, or its reset registered
//	50127                       a broker app has to be installed
//	50140, 50199                "stay signed in?", "is this the app?"
//	65001                       consent has to be given
//
// The codes are of learn.microsoft.com, entra/identity-platform/reference-error-codes
// (its public source at commit 04f6554; 70044 from public lists of sign-in errors).
// That page warns that codes change; one that is not known is a failure.
//
// # Directory audits
//
// activityDisplayName decides, in any case; whatever is not listed is ignored and
// counted. An audit whose result is failure or timeout is kept with outcome failure
// and without changed.
//
//	Add … member to role …, Add app role assignment grant to user, Add owner to application or
//	service principal, Assigns the caller to user access admin, Add role assignment to role definition,
//	Add EligibleRoleAssignment to RoleDefinition                      role_change, changed role_granted
//	Remove … member from role …, Remove app role assignment from user, Remove owner from …,
//	Remove role assignment from role definition, Remove EligibleRoleAssignment from RoleDefinition
//	                                                                  role_change, changed role_revoked
//	Add, Update, Delete role definition, Update role setting in PIM    role_change, changed role_changed
//	Add member to group; Remove member from group                      role_change, changed group_added; group_removed
//	Add user                                                          role_change, changed user_created
//	Disable account, Delete user; Enable account, Restore user        role_change, changed user_deactivated; user_activated
//	Add, Update, Delete Conditional Access policy or named location, Update security defaults,
//	Authentication Methods Policy Update or Reset, Update User Risk and MFA Registration Policy,
//	Update Sign-In Risk Policy, Update authorization policy, Disable PIM alert
//	                                                                  role_change, changed policy_changed
//	Set domain authentication, Set federation settings on domain, Add unverified or verified domain,
//	Verify domain                                                     role_change, changed idp_changed
//	Consent to application, Add OAuth2PermissionGrant, Add delegated permission grant, Add app role
//	assignment to service principal, Add service principal, Add service principal credentials, Update
//	application – Certificates and secrets management, Create application password for user
//	                                                                  token_grant, changed token_granted
//	Revoke consent, Remove OAuth2PermissionGrant, Remove delegated permission grant, Remove app role
//	assignment from service principal, Remove service principal [credentials], Delete application
//	password for user                                                 token_revoke, changed token_revoked
//	User or Admin registered security info, Enable Strong Authentication, Add FIDO2 security key, Add
//	Passkey …, Add passwordless phone sign-in credential, Add Windows Hello for Business credential, Add
//	platform credential, Add users strong authentication phone app detail, Assign Hardware Oath Token
//	                                                                  mfa_change, changed mfa_added
//	User or Admin deleted security info, Disable Strong Authentication, Delete FIDO2 security key(s),
//	Delete Passkey …, Delete passwordless phone sign-in credential, Remove users strong authentication
//	phone app detail, Update user of StrongAuthentication* to "State":0  mfa_change, changed mfa_removed
//	User or Admin changed default or updated security info, Security info saved for self-service password
//	reset, Delete Windows Hello for Business or platform credential, which goes with its device, Update
//	user of StrongAuthentication* otherwise                           mfa_change, changed mfa_updated
//	Change user password, Change password (self-service)              password_change, changed password_updated
//	Reset user password, Reset password, Reset password (by admin), Reset password (self-service), Set
//	force change user password                                        password_change, changed password_reset
//	Update StsRefreshTokenValidFrom Timestamp, Revoke sign in sessions     logout
//	Suspicious activity reported, Fraud reported – …                  session
//
// Requests and cancellations of roles change nothing and are ignored.
//
// # Whose activity it is
//
// A sign-in is of its user. An audit is of the first user among targetResources. Of
// roles, tokens and policies it is, where that one guards nothing, of the user who
// did it: their rights may be in wrong hands. A change of a second factor or a
// password, and the end of sessions, is never theirs: an administrator who helps a
// stranger has changed nothing of their own.
//
// # Fields
//
// id is id, time createdDateTime or activityDateTime, actor the user who signed in
// or initiatedBy, ip ipAddress, geo location with its geoCoordinates, device
// deviceDetail's name, or else system and browser without what an update of theirs
// changes, app appDisplayName or the service principal that got or lost access, by
// its id where it is not named. userAgent and autonomousSystemNumber are documented
// for the beta version, and read where they come. Everything else is in raw, which
// is the event byte for byte: public rules for product azure, services signinlogs
// and auditlogs, are tried on it.
//
// # What Microsoft documents, and when that was read
//
// Read 2026-11-29, from the public source of learn.microsoft.com:
//
//   - graph/api/signin-list, directoryaudit-list, resources signIn and
//     directoryAudit of v1.0: parameters, answers, licences, the sample events. The
//     stored versions are of 2022 to 2024, and what is said of beta is of the page on
//     its signIn as others quote it.
//   - graph/throttling-limits, Identity and access reports service limits.
//   - entra/identity/monitoring-health/reference-log-latency (2024-09-27), and the
//     former reference-reports-latencies.
//   - Names of audits: entra/identity/monitoring-health/reference-audit-activities
//     (2024-04-15); those of passkeys, security info and domains beside it of public
//     rules for Entra.
package entra
