// Package github reads the audit log of one GitHub organisation or enterprise:
// whose second factor, role or membership changed, who let an app or a token
// in, who switched a protection off, and, where an enterprise manages its users,
// who logged in and failed to. One source, "github/acme", yields the activities
// of many identities, "github/octocat"; those that guard no account are dropped
// here, before anything is stored, and counted. The package knows GitHub's wire
// format and limits. When to poll, how long to wait and which repeats to drop is
// decided by package collectors; what an odd login means belongs in rules; the
// geography that GitHub does not tell, all but the country, is added by package
// enrich.
//
// The requests are those of google/go-github; events are kept byte for byte in
// raw, so that public rules for "product: github, service: audit" match them
// unchanged. The library waits for nothing and follows no redirect here.
//
// # Actions
//
// What each action becomes. A trailing * is any continuation.
//
//	user.login                                  login
//	org.sso_response                            login
//	business.sso_response                       login
//	user.failed_login                           login_failure
//	user.two_factor_challenge_failure           login_failure
//	user.device_verification_failure            login_failure
//	user.logout                                 logout
//	user.change_password                        password_change, changed password_updated
//	user.reset_password                         password_change, changed password_reset
//	two_factor_authentication.enabled           mfa_change, changed mfa_added
//	two_factor_authentication.add_factor        mfa_change, changed mfa_added
//	security_key.register                       mfa_change, changed mfa_added
//	passkey.register                            mfa_change, changed mfa_added
//	trusted_device.register                     mfa_change, changed mfa_added
//	two_factor_authentication.disabled          mfa_change, changed mfa_removed
//	two_factor_authentication.remove_factor     mfa_change, changed mfa_removed
//	security_key.remove                         mfa_change, changed mfa_removed
//	passkey.remove                              mfa_change, changed mfa_removed
//	trusted_device.remove                       mfa_change, changed mfa_removed
//	two_factor_account_recovery.two_factor_destroy  mfa_change, changed mfa_removed
//	two_factor_authentication.update_fallback   mfa_change, changed mfa_updated
//	two_factor_authentication.recovery_codes_regenerated  mfa_change, changed mfa_updated
//	oauth_access.create                         token_grant, changed token_granted
//	oauth_access.regenerate                     token_grant, changed token_granted
//	oauth_authorization.create                  token_grant, changed token_granted
//	oauth_authorization.update                  token_grant, changed token_granted
//	org_credential_authorization.grant          token_grant, changed token_granted
//	personal_access_token.create                token_grant, changed token_granted
//	personal_access_token.access_granted        token_grant, changed token_granted
//	personal_access_token.credential_regenerated  token_grant, changed token_granted
//	integration_installation.create             token_grant, changed token_granted
//	integration_installation.repositories_added  token_grant, changed token_granted
//	integration_installation.unsuspend          token_grant, changed token_granted
//	oauth_application.generate_client_secret    token_grant, changed token_granted
//	oauth_application.reset_secret              token_grant, changed token_granted
//	org.oauth_app_access_approved               token_grant, changed token_granted
//	public_key.create                           token_grant, changed token_granted
//	public_key.verify                           token_grant, changed token_granted
//	oauth_access.destroy                        token_revoke, changed token_revoked
//	oauth_access.revoke                         token_revoke, changed token_revoked
//	oauth_authorization.destroy                 token_revoke, changed token_revoked
//	org_credential_authorization.revoke         token_revoke, changed token_revoked
//	org_credential_authorization.deauthorize    token_revoke, changed token_revoked
//	personal_access_token.destroy               token_revoke, changed token_revoked
//	personal_access_token.access_revoked        token_revoke, changed token_revoked
//	personal_access_token.credential_revoked    token_revoke, changed token_revoked
//	integration_installation.destroy            token_revoke, changed token_revoked
//	integration_installation.repositories_removed  token_revoke, changed token_revoked
//	integration_installation.suspend            token_revoke, changed token_revoked
//	oauth_application.remove_client_secret      token_revoke, changed token_revoked
//	oauth_application.revoke_tokens             token_revoke, changed token_revoked
//	oauth_application.revoke_all_tokens         token_revoke, changed token_revoked
//	org.oauth_app_access_denied                 token_revoke, changed token_revoked
//	public_key.delete                           token_revoke, changed token_revoked
//	public_key.unverify                         token_revoke, changed token_revoked
//	org.add_member                              role_change, changed role_granted
//	org.add_billing_manager                     role_change, changed role_granted
//	org.add_security_manager                    role_change, changed role_granted
//	org.add_outside_collaborator                role_change, changed role_granted
//	business.add_admin                          role_change, changed role_granted
//	business.add_billing_manager                role_change, changed role_granted
//	organization_role.assign                    role_change, changed role_granted
//	enterprise_role.assign                      role_change, changed role_granted
//	organization_moderators.add_user            role_change, changed role_granted
//	team.add_member                             role_change, changed role_granted
//	team.promote_maintainer                     role_change, changed role_granted
//	enterprise_team.add_member                  role_change, changed role_granted
//	external_group.add_member                   role_change, changed role_granted
//	external_identity.provision                 role_change, changed role_granted
//	repo.add_member                             role_change, changed role_granted
//	project_collaborator.add                    role_change, changed role_granted
//	user.promote                                role_change, changed role_granted
//	org.remove_member                           role_change, changed role_revoked
//	org.remove_billing_manager                  role_change, changed role_revoked
//	org.remove_security_manager                 role_change, changed role_revoked
//	org.remove_outside_collaborator             role_change, changed role_revoked
//	business.remove_admin                       role_change, changed role_revoked
//	business.remove_billing_manager             role_change, changed role_revoked
//	business.remove_member                      role_change, changed role_revoked
//	organization_role.revoke                    role_change, changed role_revoked
//	enterprise_role.revoke                      role_change, changed role_revoked
//	organization_moderators.remove_user         role_change, changed role_revoked
//	team.remove_member                          role_change, changed role_revoked
//	team.demote_maintainer                      role_change, changed role_revoked
//	enterprise_team.remove_member               role_change, changed role_revoked
//	external_group.remove_member                role_change, changed role_revoked
//	external_identity.deprovision               role_change, changed role_revoked
//	repo.remove_member                          role_change, changed role_revoked
//	project_collaborator.remove                 role_change, changed role_revoked
//	user.demote                                 role_change, changed role_revoked
//	user.suspend                                role_change, changed role_revoked
//	org.update_member                           role_change, changed role_changed
//	repo.update_member                          role_change, changed role_changed
//	project_collaborator.update                 role_change, changed role_changed
//	project.update_user_permission              role_change, changed role_changed
//	user.unsuspend                              role_change, changed role_changed
//	external_identity.update                    role_change, changed role_changed
//	organization_role.create                    role_change, changed role_changed
//	organization_role.update                    role_change, changed role_changed
//	organization_role.destroy                   role_change, changed role_changed
//	enterprise_role.create                      role_change, changed role_changed
//	enterprise_role.update                      role_change, changed role_changed
//	enterprise_role.destroy                     role_change, changed role_changed
//	role.create                                 role_change, changed role_changed
//	role.update                                 role_change, changed role_changed
//	role.destroy                                role_change, changed role_changed
//
// Other settings of organisations, enterprises, teams, repositories, apps, keys
// and protections become session: something that the identity did while logged
// in, about which only rules on raw say more. So do git.clone, git.fetch and
// git.push, which are there only where Include asks for them. What everyday
// work writes by the thousand, such as pull requests, workflow runs and runners
// that go on and off, is ignored and counted.
//
// # Whose activity it is
//
// A second factor, password, key or token is of the person in user, whom it
// happens to; an app that is let in, of who let it in. A change of roles is of
// the person in user where that guards something, and else of the actor: an
// owner who lets a stranger in did it with their own rights. Everything else is
// of the actor, or of user where no actor is named. The name is the login in
// lower case; a login that was changed is another identity.
//
// # Fields
//
// id is _document_id, time @timestamp, actor the actor's login, ip actor_ip
// where the organisation lets it be shown, geo.country
// actor_location.country_code, user_agent user_agent, app the application that
// is named, or the fine-grained token with which it was done. GitHub tells the
// outcome of logins only, by the name of the action. Everything else, among it
// operation_type, org, repo, programmatic_access_type and
// external_identity_nameid, is in raw. An event that is larger than an activity
// may be loses its raw, which is logged and counted.
//
// # What GitHub documents, and when that was read
//
// Read 2026-11-29:
//
//   - docs.github.com, REST API endpoints for audit logs of organizations and of
//     enterprises, and "Using the audit log API for your enterprise":
//     GET /orgs/{org}/audit-log and /enterprises/{enterprise}/audit-log, phrase,
//     include (web, git, all), after, order, per_page up to 100, the cursor in
//     the Link header; times in milliseconds since 1970; 1,750 queries an hour
//     for each user and IP address; a client that is limited gets 403 or 429;
//     180 days of retention and seven for Git; without created only three months
//     are given; the scope read:audit_log, or Administration: read of an
//     organisation (fine-grained). Enterprise Cloud and Enterprise Server only.
//   - github.blog, changelog of 2023-08-01: the limit counts for each
//     combination of user, address and log, beside the 5,000 requests an hour of
//     all other requests.
//   - docs.github.com, rate limits for the REST API: X-RateLimit-Limit,
//     -Remaining and -Reset in seconds since 1970, Retry-After; a minute's wait
//     after a secondary limit that names neither.
//   - docs.github.com, audit log events for an organization and for an
//     enterprise (their data in github/docs, src/audit-logs/data): the actions
//     and their fields. An organisation's log has no user.* and no
//     two_factor_authentication.*; an enterprise's has them of managed users.
//   - docs.github.com, displaying IP addresses in the audit log: off until an
//     owner switches it on, and then for members of that organisation only.
//
// How late an event may turn up is not documented for the API; the overlap of
// ten minutes is twenty times what a well-known reader of the log waits.
// Nor is said whether created takes a time of the day; readers in use send one,
// and where a server took the day alone, events would be met twice and dropped.
package github
