package googleworkspace

import (
	"cmp"
	"strings"

	"github.com/picketd/picket/collectors/activity"
)

// log is one of Google's logs that is read: an application, or one event of it.
type log struct {
	name  string // in the cursor
	app   string // applicationName
	event string // eventName, empty for all
}

// logs lists what is read, in turn. Of the token log only what gives and takes
// access is asked for: each call of an API is an event there, too.
func logs() []log {
	return []log{
		{"login", "login", ""},
		{"user_accounts", "user_accounts", ""},
		{"token.authorize", "token", "authorize"},
		{"token.revoke", "token", "revoke"},
		{"admin", "admin", ""},
	}
}

// meaning is what an event becomes.
type meaning struct {
	kind    activity.Kind
	changed string
	failed  bool   // it was refused or prevented
	reason  string // why, in Google's words
}

// classify returns what an event of an application becomes, as the tables of the
// package comment say; no kind means that it is ignored.
func classify(app string, e *event) meaning {
	if e.Status != nil && strings.EqualFold(e.Status.Status, "SKIPPED") {
		return meaning{}
	}
	var m meaning
	switch app {
	case "login", "user_accounts":
		m = classifyLogin(e)
	case "token":
		m = classifyToken(e)
	case "admin":
		m = classifyAdmin(e)
	}
	if e.Status != nil && strings.EqualFold(e.Status.Status, "FAILED") {
		m.failed, m.changed = true, ""
		m.reason = cmp.Or(m.reason, e.Status.Message)
	}
	return m
}

func classifyLogin(e *event) meaning {
	switch e.Name {
	case "login_success":
		m := meaning{kind: activity.KindLogin}
		if e.truth("is_suspicious") {
			m.reason = "is_suspicious"
		}
		return m
	case "login_failure":
		m := meaning{kind: activity.KindLoginFailure, failed: true, reason: e.value("login_failure_type")}
		m.reason = cmp.Or(m.reason, e.value("login_challenge_method"))
		return m
	case "login_challenge", "login_verification":
		// Empty, when Google does not know how it ended. The documentation has the
		// words with "challenge" before them, logs have the others, too.
		switch strings.ToLower(strings.TrimSuffix(e.value("login_challenge_status"), ".")) {
		case "challenge passed", "passed":
			return meaning{kind: activity.KindLogin, reason: e.value("login_challenge_method")}
		case "challenge failed", "failed", "incorrect_answer_entered":
			return meaning{kind: activity.KindLoginFailure, failed: true, reason: e.value("login_challenge_method")}
		}
		return meaning{}
	case "risky_sensitive_action_allowed":
		return meaning{kind: activity.KindLogin, reason: e.value("sensitive_action_name")}
	case "risky_sensitive_action_blocked":
		return meaning{kind: activity.KindLoginFailure, failed: true, reason: e.value("sensitive_action_name")}
	case "suspicious_login", "suspicious_login_less_secure_app", "suspicious_programmatic_login":
		return meaning{kind: activity.KindLoginFailure, failed: true, reason: e.Name}
	case "gov_attack_warning":
		return meaning{kind: activity.KindSession, reason: e.Name}
	case "logout":
		return meaning{kind: activity.KindLogout}
	case "user_signed_out_due_to_suspicious_session_cookie":
		return meaning{kind: activity.KindLogout, reason: e.Name}
	case forwarding:
		return meaning{kind: activity.KindRoleChange, changed: "forwarding_added"}
	}
	if strings.HasPrefix(e.Name, "account_disabled_") {
		return meaning{kind: activity.KindRoleChange, changed: "user_deactivated", reason: e.Name}
	}
	return classifyOwn(e.Name)
}

// ownChange reports whether an event is what users change of their own account.
func ownChange(name string) bool { return classifyOwn(name).kind != "" || name == forwarding }

const forwarding = "email_forwarding_out_of_domain"

func classifyOwn(name string) meaning {
	switch name {
	case "2sv_enroll", "passkey_enrolled", "titanium_enroll":
		return meaning{kind: activity.KindMFAChange, changed: "mfa_added"}
	case "2sv_disable", "passkey_removed", "titanium_unenroll":
		return meaning{kind: activity.KindMFAChange, changed: "mfa_removed"}
	case "recovery_email_edit", "recovery_phone_edit", "recovery_secret_qa_edit":
		return meaning{kind: activity.KindMFAChange, changed: "recovery_updated"}
	case "password_edit":
		return meaning{kind: activity.KindPasswordChange, changed: "password_updated"}
	}
	return meaning{}
}

func classifyToken(e *event) meaning {
	switch e.Name {
	case "authorize":
		return meaning{kind: activity.KindTokenGrant, changed: "token_granted"}
	case "revoke":
		return meaning{kind: activity.KindTokenRevoke, changed: "token_revoked"}
	}
	return meaning{}
}

func classifyAdmin(e *event) meaning {
	switch e.Name {
	case "ASSIGN_ROLE", "GRANT_ADMIN_PRIVILEGE", "GRANT_DELEGATED_ADMIN_PRIVILEGES":
		return meaning{kind: activity.KindRoleChange, changed: "role_granted"}
	case "UNASSIGN_ROLE", "REVOKE_ADMIN_PRIVILEGE":
		return meaning{kind: activity.KindRoleChange, changed: "role_revoked"}
	case "CREATE_ROLE", "DELETE_ROLE", "RENAME_ROLE", "UPDATE_ROLE", "ADD_PRIVILEGE", "REMOVE_PRIVILEGE":
		return meaning{kind: activity.KindRoleChange, changed: "role_changed"}
	case "ADD_GROUP_MEMBER":
		return meaning{kind: activity.KindRoleChange, changed: "group_added"}
	case "REMOVE_GROUP_MEMBER":
		return meaning{kind: activity.KindRoleChange, changed: "group_removed"}
	case "CREATE_USER":
		return meaning{kind: activity.KindRoleChange, changed: "user_created"}
	case "SUSPEND_USER", "DELETE_USER":
		return meaning{kind: activity.KindRoleChange, changed: "user_deactivated"}
	case "UNSUSPEND_USER", "UNDELETE_USER":
		return meaning{kind: activity.KindRoleChange, changed: "user_activated"}
	case "CHANGE_PASSWORD", "CHANGE_PASSWORD_ON_NEXT_LOGIN":
		return meaning{kind: activity.KindPasswordChange, changed: "password_reset"}
	case "RESET_SIGNIN_COOKIES":
		return meaning{kind: activity.KindLogout, reason: e.Name}
	case "CHANGE_APPLICATION_SETTING":
		if strings.HasPrefix(e.value("SETTING_NAME"), "ContextAwareAccess") {
			return meaning{kind: activity.KindRoleChange, changed: "policy_changed"}
		}
		return meaning{}
	}
	if m := classifyAdminFactor(e.Name); m.kind != "" {
		return m
	}
	return classifyAdminToken(e.Name)
}

func classifyAdminFactor(name string) meaning {
	switch name {
	case "GENERATE_2SV_SCRATCH_CODES":
		return meaning{kind: activity.KindMFAChange, changed: "mfa_added"}
	case "TURN_OFF_2_STEP_VERIFICATION", "DELETE_2SV_SCRATCH_CODES", "REVOKE_SECURITY_KEY",
		"UNENROLL_USER_FROM_STRONG_AUTH", "UNENROLL_USER_FROM_TITANIUM":
		return meaning{kind: activity.KindMFAChange, changed: "mfa_removed"}
	case "CHANGE_RECOVERY_EMAIL", "CHANGE_RECOVERY_PHONE":
		return meaning{kind: activity.KindMFAChange, changed: "recovery_updated"}
	case "ENFORCE_STRONG_AUTHENTICATION", "ALLOW_STRONG_AUTHENTICATION":
		return meaning{kind: activity.KindRoleChange, changed: "policy_changed"}
	}
	return meaning{}
}

func classifyAdminToken(name string) meaning {
	switch name {
	case "AUTHORIZE_API_CLIENT_ACCESS", "ADD_APPLICATION", "ADD_APPLICATION_TO_WHITELIST", "ADD_TO_TRUSTED_OAUTH2_APPS":
		return meaning{kind: activity.KindTokenGrant, changed: "token_granted"}
	case "REMOVE_API_CLIENT_ACCESS", "REMOVE_APPLICATION", "REMOVE_APPLICATION_FROM_WHITELIST", "REMOVE_FROM_TRUSTED_OAUTH2_APPS",
		"REVOKE_3LO_TOKEN", "REVOKE_3LO_DEVICE_TOKENS", "REVOKE_ASP":
		return meaning{kind: activity.KindTokenRevoke, changed: "token_revoked"}
	}
	return meaning{}
}

// app returns the application that was given or lost access.
func (e *event) app() string {
	for _, name := range []string{"app_name", "APP_NAME", "API_CLIENT_NAME", "APPLICATION_NAME", "OAUTH2_APP_NAME", "client_id"} {
		if v := e.value(name); v != "" {
			return v
		}
	}
	return ""
}
