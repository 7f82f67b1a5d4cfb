package okta

import (
	"strings"

	"github.com/picketd/picket/collectors/activity"
)

// classify returns the kind of an event and what it changed, as the table of
// the package comment says; no kind means that it is ignored.
func classify(e *event) (kind activity.Kind, changed string) {
	if e.result() == "SKIPPED" {
		return "", ""
	}
	kind, changed = classifyType(e.Type)
	result := e.outcome().Result
	if kind == activity.KindLogin {
		switch result {
		case "failure":
			kind = activity.KindLoginFailure
		case "":
			kind = ""
		}
	}
	if result == "failure" {
		changed = ""
	}
	return kind, changed
}

// classifyType looks an event type up in the tables, the whole name first, and
// then by how it begins or ends.
func classifyType(t string) (kind activity.Kind, changed string) {
	if kind, changed := classifyNamed(t); kind != "" {
		return kind, changed
	}
	switch {
	case strings.HasSuffix(t, ".privilege.grant"):
		return activity.KindRoleChange, "role_granted"
	case strings.HasSuffix(t, ".privilege.revoke"):
		return activity.KindRoleChange, "role_revoked"
	}
	for _, f := range families() {
		if rest, ok := strings.CutPrefix(t, f.prefix); ok && (strings.HasSuffix(f.prefix, ".") || rest == "" || rest[0] == '.') {
			return f.kind, f.changed
		}
	}
	return "", ""
}

// classifyNamed knows the event types that are named whole.
func classifyNamed(t string) (kind activity.Kind, changed string) {
	switch t {
	case "user.session.start":
		return activity.KindLogin, ""
	case "user.mfa.okta_verify.deny_push", "user.mfa.okta_verify.deny_push_upgrade_needed", "application.policy.sign_on.deny_access",
		"app.generic.unauth_app_access_attempt", "system.api_token.request_outside_allowed_range", "system.oauth2.token.request_outside_allowed_range":
		return activity.KindLoginFailure, ""
	case "user.session.end", "user.session.clear", "user.session.expire", "user.authentication.slo", "user.authentication.universal_logout":
		return activity.KindLogout, ""
	case "user.account.update_password":
		return activity.KindPasswordChange, "password_updated"
	case "user.account.reset_password":
		return activity.KindPasswordChange, "password_reset"
	case "user.mfa.factor.activate", "user.mfa.factor.unsuspend":
		return activity.KindMFAChange, "mfa_added"
	case "user.mfa.factor.deactivate", "user.mfa.factor.reset_all", "user.mfa.factor.suspend":
		return activity.KindMFAChange, "mfa_removed"
	case "user.mfa.attempt_bypass":
		return activity.KindMFAChange, "mfa_bypassed"
	case "system.api_token.create", "system.api_token.enable", "app.oauth2.credentials.lifecycle.create", "app.oauth2.credentials.lifecycle.activate":
		return activity.KindTokenGrant, "token_granted"
	case "system.api_token.revoke", "app.oauth2.credentials.lifecycle.deactivate", "app.oauth2.credentials.lifecycle.delete":
		return activity.KindTokenRevoke, "token_revoked"
	case "security.threat.detected", "security.session.detect_client_roaming", "security.breached_credential.detected",
		"security.request.blocked", "security.protected_action.attempt",
		"user.session.access_admin_app", "user.session.context.change", "user.session.impersonation.initiate", "user.session.impersonation.end",
		"user.account.report_suspicious_activity_by_enduser", "user.account.update_primary_email", "user.account.update_secondary_email",
		"user.account.use_token", "policy.evaluate_sign_on", "system.api_token.update", "system.idp.lifecycle.read_client_secret",
		"app.oauth2.token.detect_reuse", "app.oauth2.as.token.detect_reuse",
		"application.user_membership.show_password", "application.user_membership.change_password":
		return activity.KindSession, ""
	}
	return classifyRole(t)
}

// classifyRole knows what changes who may do what.
func classifyRole(t string) (kind activity.Kind, changed string) {
	switch t {
	case "iam.resourceset.bindings.add":
		changed = "role_granted"
	case "iam.resourceset.bindings.delete":
		changed = "role_revoked"
	case "user.session.impersonation.grant", "user.session.impersonation.extend":
		changed = "impersonation_granted"
	case "user.session.impersonation.revoke":
		changed = "impersonation_revoked"
	case "group.user_membership.add":
		changed = "group_added"
	case "group.user_membership.remove":
		changed = "group_removed"
	case "application.user_membership.add", "application.user_membership.approve", "application.user_membership.restore":
		changed = "app_assigned"
	case "application.user_membership.remove", "application.user_membership.revoke":
		changed = "app_unassigned"
	case "user.lifecycle.create":
		changed = "user_created"
	case "user.lifecycle.activate", "user.lifecycle.reactivate", "user.lifecycle.unsuspend":
		changed = "user_activated"
	case "user.lifecycle.deactivate", "user.lifecycle.suspend", "user.lifecycle.delete.initiated", "user.lifecycle.delete.completed":
		changed = "user_deactivated"
	default:
		return "", ""
	}
	return activity.KindRoleChange, changed
}

// family is a kind of events that begin alike. A prefix without a dot at its end
// is a whole name, too, and ends at one.
type family struct {
	prefix  string
	kind    activity.Kind
	changed string
}

// families returns them; the first that fits counts.
func families() []family {
	return []family{
		{"user.authentication.", activity.KindLogin, ""},
		{"user.mfa.factor.", activity.KindMFAChange, "mfa_updated"},
		{"app.oauth2.token.grant", activity.KindTokenGrant, "token_granted"},
		{"app.oauth2.as.token.grant", activity.KindTokenGrant, "token_granted"},
		{"app.oauth2.consent.grant", activity.KindTokenGrant, "token_granted"},
		{"app.oauth2.as.consent.grant", activity.KindTokenGrant, "token_granted"},
		{"app.oauth2.admin.consent.grant", activity.KindTokenGrant, "token_granted"},
		{"app.oauth2.token.revoke", activity.KindTokenRevoke, "token_revoked"},
		{"app.oauth2.as.token.revoke", activity.KindTokenRevoke, "token_revoked"},
		{"app.oauth2.as.consent.revoke", activity.KindTokenRevoke, "token_revoked"},
		{"app.oauth2.admin.consent.revoke", activity.KindTokenRevoke, "token_revoked"},
		{"iam.", activity.KindRoleChange, "role_changed"},
		{"policy.lifecycle.", activity.KindRoleChange, "policy_changed"},
		{"policy.rule.action", "", ""}, // Okta's own schedule
		{"policy.rule.", activity.KindRoleChange, "policy_changed"},
		{"application.policy.sign_on.", activity.KindRoleChange, "policy_changed"},
		{"system.mfa.factor.", activity.KindRoleChange, "policy_changed"},
		{"security.authenticator.lifecycle.", activity.KindRoleChange, "policy_changed"},
		{"security.threat.configuration.", activity.KindRoleChange, "policy_changed"},
		{"security.behavior.settings.", activity.KindRoleChange, "policy_changed"},
		{"security.attack_protection.settings.", activity.KindRoleChange, "policy_changed"},
		{"security.protected_action.settings.", activity.KindRoleChange, "policy_changed"},
		{"security.session_protection.", activity.KindRoleChange, "policy_changed"},
		{"security.trusted_origin.", activity.KindRoleChange, "policy_changed"},
		{"security.zone.", activity.KindRoleChange, "zone_changed"},
		{"zone.", activity.KindRoleChange, "zone_changed"},
		{"system.idp.lifecycle.", activity.KindRoleChange, "idp_changed"},
		{"system.idp.key.", activity.KindRoleChange, "idp_changed"},
		{"application.lifecycle.", activity.KindRoleChange, "app_changed"},
		{"user.account.lock", activity.KindSession, ""},
		{"user.account.unlock", activity.KindSession, ""},
		{"user.account.unlock_by_admin", activity.KindSession, ""},
		{"user.risk.", activity.KindSession, ""},
	}
}
