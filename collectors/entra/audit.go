package entra

import (
	"cmp"
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
	a.App = d.app()
	return nil
}

// app returns the application that got or lost access. Of a permission the first
// target is what may be used, such as Microsoft Graph, and properties of it say by
// whom; who is not named there is named by id.
func (d *audit) app() string {
	client := d.text("ServicePrincipal.ObjectID")
	for _, t := range d.Targets {
		named := t.Name != "" && (strings.EqualFold(t.Type, "ServicePrincipal") || strings.EqualFold(t.Type, "Application"))
		if named && (client == "" || strings.EqualFold(t.ID, client)) {
			return t.Name
		}
	}
	if client == "" {
		return ""
	}
	return cmp.Or(d.text("ServicePrincipal.DisplayName"), client)
}

// text returns the new value of a property, which is JSON in a text.
func (d *audit) text(property string) string {
	value, _ := d.modified(property)
	return strings.Trim(value, `"`)
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
// comment says; no kind means that it is ignored. Microsoft's reference and its
// logs differ in the case of names.
func classifyAudit(d *audit) (kind activity.Kind, changed string) {
	name := strings.ToLower(strings.TrimSpace(d.Activity))
	for _, classify := range []func(string) (activity.Kind, string){classifyFactor, classifyAccess, classifyPolicy, classifyConsent} {
		if kind, changed = classify(name); kind != "" {
			return kind, changed
		}
	}
	if name == "update user" {
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
	case "user registered security info", "admin registered security info", "enable strong authentication",
		"add fido2 security key", "add passwordless phone sign-in credential", "add windows hello for business credential",
		"add platform credential", "add users strong authentication phone app detail", "assign hardware oath token":
		return activity.KindMFAChange, "mfa_added"
	case "user deleted security info", "admin deleted security info", "disable strong authentication",
		"delete fido2 security key(s)", "delete passwordless phone sign-in credential", "remove users strong authentication phone app detail":
		return activity.KindMFAChange, "mfa_removed"
	case "user changed default security info", "admin updated security info", "user updated security info",
		"admin changed default security info", "security info saved for self-service password reset",
		"delete windows hello for business credential", "delete platform credential": // of a device that is given up
		return activity.KindMFAChange, "mfa_updated"
	case "change user password", "change password (self-service)":
		return activity.KindPasswordChange, "password_updated"
	case "reset user password", "reset password", "reset password (by admin)", "reset password (self-service)", "set force change user password":
		return activity.KindPasswordChange, "password_reset"
	case "update stsrefreshtokenvalidfrom timestamp", "revoke sign in sessions":
		return activity.KindLogout, ""
	case "suspicious activity reported", "fraud reported - no action taken", "fraud reported - user is blocked for mfa":
		return activity.KindSession, ""
	}
	switch { // of passkeys there are several spellings
	case strings.HasPrefix(name, "add passkey"):
		return activity.KindMFAChange, "mfa_added"
	case strings.HasPrefix(name, "delete passkey"):
		return activity.KindMFAChange, "mfa_removed"
	}
	return "", ""
}

func classifyAccess(name string) (activity.Kind, string) {
	switch name {
	case "add user":
		return activity.KindRoleChange, "user_created"
	case "disable account", "delete user":
		return activity.KindRoleChange, "user_deactivated"
	case "enable account", "restore user":
		return activity.KindRoleChange, "user_activated"
	case "assigns the caller to user access admin", "add app role assignment grant to user",
		"add owner to application", "add owner to service principal",
		"add role assignment to role definition", "add eligibleroleassignment to roledefinition":
		return activity.KindRoleChange, "role_granted"
	case "remove app role assignment from user", "remove owner from application", "remove owner from service principal",
		"remove role assignment from role definition", "remove eligibleroleassignment from roledefinition":
		return activity.KindRoleChange, "role_revoked"
	case "update role setting in pim", "update role definition", "add role definition", "delete role definition":
		return activity.KindRoleChange, "role_changed"
	case "add member to group":
		return activity.KindRoleChange, "group_added"
	case "remove member from group":
		return activity.KindRoleChange, "group_removed"
	}
	// Of roles there are many spellings: eligible, scoped, permanent, by PIM.
	switch {
	case strings.Contains(name, "request") || strings.Contains(name, "cancel"):
	case strings.HasPrefix(name, "add ") && strings.Contains(name, "member to role"):
		return activity.KindRoleChange, "role_granted"
	case strings.HasPrefix(name, "remove ") && strings.Contains(name, "member from role"):
		return activity.KindRoleChange, "role_revoked"
	}
	return "", ""
}

func classifyPolicy(name string) (activity.Kind, string) {
	switch name {
	case "add conditional access policy", "update conditional access policy", "delete conditional access policy",
		"add named location", "update named location", "delete named location", "update security defaults",
		"authentication methods policy update", "authentication methods policy reset",
		"update user risk and mfa registration policy", "update sign-in risk policy", "update authorization policy", "disable pim alert":
		return activity.KindRoleChange, "policy_changed"
	case "set domain authentication", "set federation settings on domain", "add unverified domain", "add verified domain", "verify domain":
		return activity.KindRoleChange, "idp_changed"
	}
	return "", ""
}

func classifyConsent(name string) (activity.Kind, string) {
	switch name {
	case "consent to application", "add oauth2permissiongrant", "add delegated permission grant",
		"add app role assignment to service principal", "add service principal", "add service principal credentials",
		"create application password for user":
		return activity.KindTokenGrant, "token_granted"
	case "revoke consent", "remove oauth2permissiongrant", "remove delegated permission grant",
		"remove app role assignment from service principal", "remove service principal", "remove service principal credentials",
		"delete application password for user":
		return activity.KindTokenRevoke, "token_revoked"
	}
	if strings.HasPrefix(name, "update application") && strings.HasSuffix(name, "certificates and secrets management") {
		return activity.KindTokenGrant, "token_granted"
	}
	return "", ""
}
