package github

import (
	"slices"
	"strings"

	"github.com/picketd/picket/collectors/activity"
)

// What changed, as changed says it; the rest of Picket knows the same words
// from other identity providers.
const (
	mfaAdded, mfaRemoved, mfaUpdated         = "mfa_added", "mfa_removed", "mfa_updated"
	tokenGranted, tokenRevoked               = "token_granted", "token_revoked"
	roleGranted, roleRevoked, roleChanged    = "role_granted", "role_revoked", "role_changed"
	passwordUpdated, passwordReset, noChange = "password_updated", "password_reset", ""
)

// classify returns the kind of an event and what it changed, as the table of
// the package comment says; no kind means that it is ignored.
func classify(action string) (kind activity.Kind, changed string) {
	for _, named := range []func(string) (activity.Kind, string){classifyLogin, classifyMFA, classifyToken, classifyRole} {
		if kind, changed := named(action); kind != "" {
			return kind, changed
		}
	}
	if watched(action) {
		return activity.KindSession, noChange
	}
	return "", noChange
}

func classifyLogin(action string) (activity.Kind, string) {
	switch action {
	case "user.login", "org.sso_response", "business.sso_response":
		return activity.KindLogin, noChange
	case "user.failed_login", "user.two_factor_challenge_failure", "user.device_verification_failure":
		return activity.KindLoginFailure, noChange
	case "user.logout":
		return activity.KindLogout, noChange
	case "user.change_password":
		return activity.KindPasswordChange, passwordUpdated
	case "user.reset_password":
		return activity.KindPasswordChange, passwordReset
	}
	return "", noChange
}

func classifyMFA(action string) (activity.Kind, string) {
	switch action {
	case "two_factor_authentication.enabled", "two_factor_authentication.add_factor",
		"security_key.register", "passkey.register", "trusted_device.register":
		return activity.KindMFAChange, mfaAdded
	case "two_factor_authentication.disabled", "two_factor_authentication.remove_factor",
		"security_key.remove", "passkey.remove", "trusted_device.remove",
		"two_factor_account_recovery.two_factor_destroy":
		return activity.KindMFAChange, mfaRemoved
	case "two_factor_authentication.update_fallback", "two_factor_authentication.recovery_codes_regenerated":
		return activity.KindMFAChange, mfaUpdated
	}
	return "", noChange
}

func classifyToken(action string) (activity.Kind, string) {
	switch action {
	case "oauth_access.create", "oauth_access.regenerate",
		"oauth_authorization.create", "oauth_authorization.update",
		"org_credential_authorization.grant",
		"personal_access_token.create", "personal_access_token.access_granted", "personal_access_token.credential_regenerated",
		"integration_installation.create", "integration_installation.repositories_added", "integration_installation.unsuspend",
		"oauth_application.generate_client_secret", "oauth_application.reset_secret",
		"org.oauth_app_access_approved",
		"public_key.create", "public_key.verify":
		return activity.KindTokenGrant, tokenGranted
	case "oauth_access.destroy", "oauth_access.revoke",
		"oauth_authorization.destroy",
		"org_credential_authorization.revoke", "org_credential_authorization.deauthorize",
		"personal_access_token.destroy", "personal_access_token.access_revoked", "personal_access_token.credential_revoked",
		"integration_installation.destroy", "integration_installation.repositories_removed", "integration_installation.suspend",
		"oauth_application.remove_client_secret", "oauth_application.revoke_tokens", "oauth_application.revoke_all_tokens",
		"org.oauth_app_access_denied",
		"public_key.delete", "public_key.unverify":
		return activity.KindTokenRevoke, tokenRevoked
	}
	return "", noChange
}

func classifyRole(action string) (activity.Kind, string) {
	switch action {
	case "org.add_member", "org.add_billing_manager", "org.add_security_manager", "org.add_outside_collaborator",
		"business.add_admin", "business.add_billing_manager",
		"organization_role.assign", "enterprise_role.assign",
		"organization_moderators.add_user",
		"team.add_member", "team.promote_maintainer", "enterprise_team.add_member", "external_group.add_member",
		"repo.add_member", "project_collaborator.add", "user.promote", "external_identity.provision":
		return activity.KindRoleChange, roleGranted
	case "org.remove_member", "org.remove_billing_manager", "org.remove_security_manager", "org.remove_outside_collaborator",
		"business.remove_admin", "business.remove_billing_manager", "business.remove_member",
		"organization_role.revoke", "enterprise_role.revoke",
		"organization_moderators.remove_user",
		"team.remove_member", "team.demote_maintainer", "enterprise_team.remove_member", "external_group.remove_member",
		"repo.remove_member", "project_collaborator.remove", "user.demote", "user.suspend", "external_identity.deprovision":
		return activity.KindRoleChange, roleRevoked
	case "org.update_member", "repo.update_member", "project_collaborator.update", "project.update_user_permission",
		"user.unsuspend", "external_identity.update",
		"organization_role.create", "organization_role.update", "organization_role.destroy",
		"enterprise_role.create", "enterprise_role.update", "enterprise_role.destroy",
		"role.create", "role.update", "role.destroy":
		return activity.KindRoleChange, roleChanged
	}
	return "", noChange
}

// watched reports whether an event without a kind of its own is kept for rules
// about raw: what changes who may do what, or lets code and secrets out.
func watched(action string) bool {
	category, what, _ := strings.Cut(action, ".")
	if chatter(category, what) {
		return false
	}
	for _, prefix := range []string{"business", "dependabot_", "enterprise", "external_", "ip_allow_list", "members_can_", "org", "secret_scanning", "ssh_certificate_", "sso_", "team", "two_factor_", "user"} {
		if strings.HasPrefix(category, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"audit_log_streaming", "auto_approve_personal_access_token_requests", "codespaces", "environment", "git",
		"git_signing_ssh_public_key", "gpg_key", "hook", "integration", "integration_installation", "integration_installation_request",
		"migration", "oauth_application", "personal_access_token", "private_repository_forking", "profile_picture",
		"project", "protected_branch", "public_key", "repo", "repository_branch_protection_evaluation", "repository_invitation",
		"repository_ruleset", "repository_secret_scanning", "repository_secret_scanning_custom_pattern",
		"repository_secret_scanning_custom_pattern_push_protection", "repository_secret_scanning_push_protection",
		"repository_visibility_change", "repository_vulnerability_alerts", "security_key", "social_identity",
	}, category)
}

// chatter tells what machines and everyday work write by the thousand.
func chatter(category, what string) bool {
	switch category {
	case "user_content_edit", "user_status", "team_discussions", "organization_default_label":
		return true
	case "codespaces":
		return what != "destroy" && !strings.Contains(what, "secret") && !strings.Contains(what, "policy") && !strings.Contains(what, "trusted")
	case "project":
		return what != "delete" && what != "visibility_public" && !strings.HasPrefix(what, "update_")
	}
	return strings.Contains(what, "self_hosted_runner_o") || strings.HasSuffix(what, "self_hosted_runner_updated") // online, offline
}
