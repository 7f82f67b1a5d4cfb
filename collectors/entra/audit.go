package entra

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/picketd/picket/collectors/activity"
)

// audit is one event of the directory's audit log.
type audit struct {
	ID       string `json:"id"`
	Time     string `json:"activityDateTime"`
	Activity string `json:"activityDisplayName"`
	Result   string `json:"result"`
	Reason   string `json:"resultReason"`
	By       *struct {
		User *struct {
			ID   string `json:"id"`
			Name string `json:"displayName"`
			UPN  string `json:"userPrincipalName"`
			IP   string `json:"ipAddress"`
		} `json:"user"`
		App *struct {
			Name string `json:"displayName"`
		} `json:"app"`
	} `json:"initiatedBy"`
	Targets []target `json:"targetResources"`
}

// target is what an audit is about.
type target struct {
	ID       string `json:"id"`
	Type     string `json:"type"` // "User", "ServicePrincipal", "Role"
	Name     string `json:"displayName"`
	UPN      string `json:"userPrincipalName"`
	Modified []struct {
		Name string `json:"displayName"`
		New  string `json:"newValue"`
	} `json:"modifiedProperties"`
}

// decodeAudit reads what every audit must have. On error the event holds what
// could be read.
func decodeAudit(raw json.RawMessage) (*event, error) {
	d := &audit{}
	err := json.Unmarshal(raw, d)
	e := &event{id: d.ID, raw: raw}
	if err != nil {
		return e, err
	}
	if e.time, err = checkEvent(d.ID, "activityDateTime", d.Time); err != nil {
		return e, err
	}
	if d.Activity == "" {
		return e, errors.New("activityDisplayName is missing; want one such as Add member to role")
	}
	e.kind, e.changed = classifyAudit(d)
	e.outcome.Result = "success"
	if r := strings.ToLower(d.Result); r == "failure" || r == "timeout" {
		e.outcome.Result, e.outcome.Reason, e.changed = "failure", d.Reason, ""
	}
	by := d.user()
	e.subject, e.by = by, d.actor()
	for _, t := range d.Targets {
		if strings.EqualFold(t.Type, "User") && (t.UPN != "" || t.ID != "") {
			e.subject = user{t.UPN, t.ID}
			break
		}
	}
	if !ofSubject(e.kind) || !e.subject.differs(by) {
		e.initiator = by // where the one it is done to guards nothing
	}
	e.fill = d.fill
	return e, nil
}

// ofSubject reports whether an audit is of nobody but the user that it is done
// to: an administrator who mends a stranger's second factor or password, or ends
// their sessions, has changed nothing of their own.
func ofSubject(kind activity.Kind) bool {
	switch kind {
	case activity.KindMFAChange, activity.KindPasswordChange, activity.KindLogout:
		return true
	default:
		return false
	}
}

// differs reports whether two users are told to be two people; of one without a
// name that is not known.
func (u user) differs(o user) bool {
	if u.upn != "" && o.upn != "" {
		return !strings.EqualFold(u.upn, o.upn)
	}
	return u.id != "" && o.id != "" && !strings.EqualFold(u.id, o.id)
}

func (d *audit) user() user {
	if d.By == nil || d.By.User == nil {
		return user{}
	}
	return user{d.By.User.UPN, d.By.User.ID}
}

// actor returns who did it, as a login or else a name.
func (d *audit) actor() string {
	if d.By == nil {
		return ""
	}
	if u := d.By.User; u != nil {
		if u.UPN != "" {
			return u.UPN
		}
		if u.Name != "" {
			return u.Name
		}
	}
	if d.By.App != nil {
		return d.By.App.Name
	}
	return ""
}

// fill fills in what else an audit tells.
func (d *audit) fill(a *activity.Activity) []string {
	if d.By != nil && d.By.User != nil {
		a.IP = address(d.By.User.IP)
	}
	if a.Kind != activity.KindTokenGrant && a.Kind != activity.KindTokenRevoke {
		return nil
	}
	for _, t := range d.Targets {
		if t.Name != "" && (strings.EqualFold(t.Type, "ServicePrincipal") || strings.EqualFold(t.Type, "Application")) {
			a.App = t.Name
			break
		}
	}
	return nil
}

// modified returns the new value of a property that an audit names.
func (d *audit) modified(prefix string) (value string, ok bool) {
	for _, t := range d.Targets {
		for _, m := range t.Modified {
			if strings.HasPrefix(m.Name, prefix) {
				return m.New, true
			}
		}
	}
	return "", false
}

// classifyAudit returns what an audit becomes, as the table of the package
// comment says; no kind means that it is ignored.
func classifyAudit(d *audit) (kind activity.Kind, changed string) {
	name := strings.TrimSpace(d.Activity)
	for _, classify := range []func(string) (activity.Kind, string){classifyFactor, classifyAccess, classifyConsent} {
		if kind, changed = classify(name); kind != "" {
			return kind, changed
		}
	}
	if name == "Update user" {
		if state, ok := d.modified("StrongAuthentication"); ok {
			if strings.Contains(state, `State":0`) {
				return activity.KindMFAChange, "mfa_removed"
			}
			return activity.KindMFAChange, "mfa_updated"
		}
	}
	return "", ""
}

func classifyFactor(name string) (activity.Kind, string) {
	switch name {
	case "User registered security info", "Admin registered security info", "Enable Strong Authentication":
		return activity.KindMFAChange, "mfa_added"
	case "User deleted security info", "Admin deleted security info", "Disable Strong Authentication":
		return activity.KindMFAChange, "mfa_removed"
	case "User changed default security info", "Admin updated security info", "User updated security info",
		"Admin changed default security info":
		return activity.KindMFAChange, "mfa_updated"
	case "Change user password", "Change password (self-service)":
		return activity.KindPasswordChange, "password_updated"
	case "Reset user password", "Reset password (by admin)", "Reset password (self-service)", "Set force change user password":
		return activity.KindPasswordChange, "password_reset"
	case "Update StsRefreshTokenValidFrom Timestamp", "Revoke sign in sessions":
		return activity.KindLogout, ""
	}
	return "", ""
}

func classifyAccess(name string) (activity.Kind, string) {
	switch name {
	case "Add user":
		return activity.KindRoleChange, "user_created"
	case "Disable account", "Delete user":
		return activity.KindRoleChange, "user_deactivated"
	case "Enable account", "Restore user":
		return activity.KindRoleChange, "user_activated"
	case "Assigns the caller to user access admin", "Add app role assignment grant to user",
		"Add owner to application", "Add owner to service principal":
		return activity.KindRoleChange, "role_granted"
	case "Remove app role assignment from user", "Remove owner from application", "Remove owner from service principal":
		return activity.KindRoleChange, "role_revoked"
	case "Update role setting in PIM", "Update role definition", "Add role definition", "Delete role definition":
		return activity.KindRoleChange, "role_changed"
	case "Add member to group":
		return activity.KindRoleChange, "group_added"
	case "Remove member from group":
		return activity.KindRoleChange, "group_removed"
	case "Add conditional access policy", "Update conditional access policy", "Delete conditional access policy",
		"Authentication Methods Policy Update", "Update User Risk and MFA Registration Policy", "Disable PIM Alert":
		return activity.KindRoleChange, "policy_changed"
	case "Set domain authentication", "Set federation settings on domain", "Add unverified domain", "Verify domain":
		return activity.KindRoleChange, "idp_changed"
	}
	// Of roles there are many spellings: eligible, scoped, permanent, by PIM.
	switch {
	case strings.Contains(name, "request") || strings.Contains(name, "cancel"):
	case strings.HasPrefix(name, "Add ") && strings.Contains(name, "member to role"):
		return activity.KindRoleChange, "role_granted"
	case strings.HasPrefix(name, "Remove ") && strings.Contains(name, "member from role"):
		return activity.KindRoleChange, "role_revoked"
	}
	return "", ""
}

func classifyConsent(name string) (activity.Kind, string) {
	switch name {
	case "Consent to application", "Add OAuth2PermissionGrant", "Add delegated permission grant",
		"Add app role assignment to service principal", "Add service principal", "Add service principal credentials":
		return activity.KindTokenGrant, "token_granted"
	case "Revoke consent", "Remove OAuth2PermissionGrant", "Remove delegated permission grant",
		"Remove app role assignment from service principal", "Remove service principal", "Remove service principal credentials":
		return activity.KindTokenRevoke, "token_revoked"
	}
	if strings.HasPrefix(name, "Update application") && strings.HasSuffix(name, "Certificates and secrets management") {
		return activity.KindTokenGrant, "token_granted"
	}
	return "", ""
}
