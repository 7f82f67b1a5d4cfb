package entra

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/entra/entratest"
)

// TestGolden holds what the documented examples become. The file is written anew
// with PICKET_UPDATE=1, and read before it is kept.
func TestGolden(t *testing.T) {
	w := newWorld(t, entratest.Options{}, func(c *Config) {
		c.Accept = func(identity string) bool { return identity == "entra/jane.roe" }
		c.PageSize = 100
	})
	at := start().Add(-time.Hour)
	for _, raw := range entratest.SignInSamples() {
		w.srv.SignIn(entratest.SignIn{Raw: string(raw), Time: at})
	}
	for _, raw := range entratest.AuditSamples() {
		w.srv.Audit(entratest.Audit{Raw: string(raw), Time: at})
	}
	all, page := w.drain(nil)
	if len(page.Malformed) > 0 {
		t.Fatal(page.Malformed)
	}
	lines := make([]string, len(all))
	for i, a := range all {
		a.Seen = time.Time{}
		// Of one time, the fake gives the newest first.
		lines[len(all)-1-i] = string(activity.AppendActivity(nil, &a))
	}
	got := bytes.Join([][]byte{[]byte(strings.Join(lines, "\n")), nil}, []byte("\n"))
	file := filepath.Join("testdata", "samples.jsonl")
	if os.Getenv("PICKET_UPDATE") == "1" {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestSignInFields(t *testing.T) {
	w := newWorld(t, entratest.Options{})
	at := start().Add(-time.Hour)
	id := w.srv.SignIn(entratest.SignIn{
		User: "Editor-1@acme.example", App: "Exchange", IP: "2001:db8::7", Time: at, Risk: "high",
		Country: "FR", State: "Ile-de-France", City: "Paris", Lat: 48.85, Lon: 2.35, System: "MacOs",
	})
	as, _ := w.drain(nil)
	if len(as) != 1 || len(as[0].Raw) == 0 {
		t.Fatalf("activities %v; want one with raw", as)
	}
	as[0].Raw = nil
	want := activity.Activity{
		ID: id, Network: "entra", Account: "entra/editor-1", Kind: activity.KindLogin, Time: at, Seen: as[0].Seen,
		Actor: "Editor-1@acme.example", App: "Exchange", IP: "2001:db8::7", Device: "MacOs, Edge",
		Geo:     activity.Geo{Country: "FR", Region: "Ile-de-France", City: "Paris", Lat: activity.Some(48.85), Lon: activity.Some(2.35)},
		Outcome: activity.Outcome{Result: "success", Reason: "risk high"},
	}
	if diff := cmp.Diff(want, as[0]); diff != "" {
		t.Error(diff)
	}
}

// A browser that was updated is no new device.
func TestDevice(t *testing.T) {
	for _, row := range []struct{ detail, want string }{
		{`{"displayName":"LAPTOP-77","operatingSystem":"Windows 11","browser":"Edge 131.0.0"}`, "LAPTOP-77"},
		{`{"displayName":null,"operatingSystem":"Windows 10","browser":"Chrome 131.0.0"}`, "Windows 10, Chrome"},
		{`{"displayName":"","operatingSystem":"Windows 10","browser":"Chrome 132.0.0"}`, "Windows 10, Chrome"},
		{`{"operatingSystem":"Ios 17.5.1","browser":"Mobile Safari 17.4"}`, "Ios 17, Mobile Safari"},
		{`{"operatingSystem":"MacOs","browser":"Rich Client 4.61.0.0"}`, "MacOs, Rich Client"},
		{`{"operatingSystem":"Linux","browser":"Firefox"}`, "Linux, Firefox"},
		{`{"operatingSystem":"Windows","browser":""}`, "Windows"},
		{`{"operatingSystem":"","browser":"Chrome 131.0.0"}`, "Chrome"},
		{`{"operatingSystem":"11.2","browser":"7"}`, "11"},
		{`{"operatingSystem":null,"browser":null}`, ""},
		{``, ""},
	} {
		var a activity.Activity
		s := signIn{Device: []byte(row.detail)}
		if bad := s.fill(&a); len(bad) > 0 || a.Device != row.want {
			t.Errorf("%s is %q, %v left out; want %q", row.detail, a.Device, bad, row.want)
		}
	}
}

func TestErrorCodes(t *testing.T) {
	for _, row := range []struct {
		code int
		want activity.Kind
	}{
		{0, activity.KindLogin},
		{50126, activity.KindLoginFailure},
		{50034, activity.KindLoginFailure},
		{50053, activity.KindLoginFailure},
		{50057, activity.KindLoginFailure},
		{50074, activity.KindLoginFailure},
		{500121, activity.KindLoginFailure},
		{50158, activity.KindLoginFailure},
		{53003, activity.KindLoginFailure},
		{-1, activity.KindLoginFailure},
		{50055, activity.KindSession},
		{50058, activity.KindSession},
		{50076, activity.KindSession},
		{50097, activity.KindSession},
		{50125, activity.KindSession},
		{50140, activity.KindSession},
		{65001, activity.KindSession},
		{70044, activity.KindSession},
		{700082, activity.KindSession},
	} {
		kind, outcome := classifySignIn(row.code)
		if kind != row.want || (outcome.Result == "failure") != (kind == activity.KindLoginFailure) {
			t.Errorf("%d is %s with %q, want %s", row.code, kind, outcome.Result, row.want)
		}
	}
}

func TestAudits(t *testing.T) {
	const me = "editor-1@acme.example"
	rows := []struct {
		audit entratest.Audit
		want  string // kind, changed, result, reason, app; empty: ignored
	}{
		{entratest.Audit{Activity: "Add member to role", User: me}, "role_change role_granted success  "},
		{entratest.Audit{Activity: "Add eligible member to role in PIM completed (permanent)", User: me}, "role_change role_granted success  "},
		{entratest.Audit{Activity: "Add member to role requested (PIM activation)", User: me}, ""},
		{entratest.Audit{Activity: "Add member to role request canceled (timebound)", User: me}, ""},
		{entratest.Audit{Activity: "Remove eligible member from role in PIM completed (permanent)", User: me}, "role_change role_revoked success  "},
		{entratest.Audit{Activity: "Add member to role", User: me, Result: "failure", Reason: "no"}, "role_change  failure no "},
		{entratest.Audit{Activity: "Disable account", User: me}, "role_change user_deactivated success  "},
		{entratest.Audit{Activity: "Enable account", User: me}, "role_change user_activated success  "},
		{entratest.Audit{Activity: "Update role definition", By: me}, "role_change role_changed success  "},
		{entratest.Audit{Activity: "Set federation settings on domain", By: me}, "role_change idp_changed success  "},
		{entratest.Audit{Activity: "Consent to application", By: me, App: "Post Planner"}, "token_grant token_granted success  Post Planner"},
		{entratest.Audit{Activity: "Update application – Certificates and secrets management ", By: me, App: "Post Planner"}, "token_grant token_granted success  Post Planner"},
		{entratest.Audit{Activity: "Remove delegated permission grant", By: me, App: "Post Planner"}, "token_revoke token_revoked success  Post Planner"},
		{entratest.Audit{Activity: "User registered security info", User: me}, "mfa_change mfa_added success  "},
		{entratest.Audit{Activity: "Admin deleted security info", User: me}, "mfa_change mfa_removed success  "},
		{entratest.Audit{Activity: "Update user", User: me, Modified: "StrongAuthenticationRequirement", Value: `[{"State":0}]`}, "mfa_change mfa_removed success  "},
		{entratest.Audit{Activity: "Update user", User: me, Modified: "StrongAuthenticationMethod", Value: `[{"MethodType":6}]`}, "mfa_change mfa_updated success  "},
		{entratest.Audit{Activity: "Update user", User: me, Modified: "JobTitle", Value: `["Editor"]`}, ""},
		{entratest.Audit{Activity: "Delete conditional access policy", By: me}, "role_change policy_changed success  "},
		{entratest.Audit{Activity: "Add member to group", User: me}, "role_change group_added success  "},
		{entratest.Audit{Activity: "Add user", User: me}, "role_change user_created success  "},
		{entratest.Audit{Activity: "Change user password", User: me}, "password_change password_updated success  "},
		{entratest.Audit{Activity: "Reset password (by admin)", User: me}, "password_change password_reset success  "},
		{entratest.Audit{Activity: "Update StsRefreshTokenValidFrom Timestamp", User: me}, "logout  success  "},
		{entratest.Audit{Activity: "Reset password", User: me}, "password_change password_reset success  "},
		{entratest.Audit{Activity: "Add FIDO2 security key", User: me}, "mfa_change mfa_added success  "},
		{entratest.Audit{Activity: "Add Passkey (device-bound)", User: me}, "mfa_change mfa_added success  "},
		{entratest.Audit{Activity: "Add Passkey (device-bound) security key", User: me}, "mfa_change mfa_added success  "},
		{entratest.Audit{Activity: "Add passwordless phone sign-in credential", User: me}, "mfa_change mfa_added success  "},
		{entratest.Audit{Activity: "Add Windows Hello for Business credential", User: me}, "mfa_change mfa_added success  "},
		{entratest.Audit{Activity: "Add platform credential", User: me}, "mfa_change mfa_added success  "},
		{entratest.Audit{Activity: "Add users strong authentication phone app detail", User: me}, "mfa_change mfa_added success  "},
		{entratest.Audit{Activity: "Assign Hardware Oath Token", User: me}, "mfa_change mfa_added success  "},
		{entratest.Audit{Activity: "Delete FIDO2 security key(s)", User: me}, "mfa_change mfa_removed success  "},
		{entratest.Audit{Activity: "Delete Passkey (device-bound)", User: me}, "mfa_change mfa_removed success  "},
		{entratest.Audit{Activity: "Delete passwordless phone sign-in credential", User: me}, "mfa_change mfa_removed success  "},
		{entratest.Audit{Activity: "Remove users strong authentication phone app detail", User: me}, "mfa_change mfa_removed success  "},
		{entratest.Audit{Activity: "Delete Windows Hello for Business credential", User: me}, "mfa_change mfa_updated success  "},
		{entratest.Audit{Activity: "Delete platform credential", User: me}, "mfa_change mfa_updated success  "},
		{entratest.Audit{Activity: "Security info saved for self-service password reset", User: me}, "mfa_change mfa_updated success  "},
		{entratest.Audit{Activity: "Create application password for user", User: me}, "token_grant token_granted success  "},
		{entratest.Audit{Activity: "Delete application password for user", User: me}, "token_revoke token_revoked success  "},
		{entratest.Audit{Activity: "Add role assignment to role definition", By: me}, "role_change role_granted success  "},
		{entratest.Audit{Activity: "Add EligibleRoleAssignment to RoleDefinition", By: me}, "role_change role_granted success  "},
		{entratest.Audit{Activity: "Remove role assignment from role definition", By: me}, "role_change role_revoked success  "},
		{entratest.Audit{Activity: "Update Conditional Access policy", By: me}, "role_change policy_changed success  "},
		{entratest.Audit{Activity: "Add named location", By: me}, "role_change policy_changed success  "},
		{entratest.Audit{Activity: "Update security defaults", By: me}, "role_change policy_changed success  "},
		{entratest.Audit{Activity: "Disable PIM alert", By: me}, "role_change policy_changed success  "},
		{entratest.Audit{Activity: "Add verified domain", By: me}, "role_change idp_changed success  "},
		{entratest.Audit{Activity: "Suspicious activity reported", User: me}, "session  success  "},
		{entratest.Audit{Activity: "Fraud reported - user is blocked for MFA", User: me}, "session  success  "},
		{entratest.Audit{Activity: "Create group", By: me}, ""},
	}
	for _, row := range rows {
		t.Run(row.audit.Activity+row.audit.Modified, func(t *testing.T) {
			w := newWorld(t, entratest.Options{})
			if row.audit.By == "" {
				row.audit.By = "boss@acme.example"
			}
			row.audit.IP = "192.0.2.60"
			w.srv.Audit(row.audit)
			as, _ := w.drain(nil)
			if row.want == "" {
				if n := w.c.Counts().Ignored; len(as) != 0 || n != 1 {
					t.Fatalf("%v, %d ignored; want it ignored", as, n)
				}
				return
			}
			if len(as) != 1 {
				t.Fatalf("%d activities, want 1", len(as))
			}
			a := as[0]
			got := strings.Join([]string{string(a.Kind), strings.Join(a.Changed, ","), a.Outcome.Result, a.Outcome.Reason, a.App}, " ")
			if got != row.want || a.Account != "entra/editor-1" || a.Actor != row.audit.By || a.IP != "192.0.2.60" {
				t.Errorf("%q of %s by %s from %s, want %q of editor-1 by %s", got, a.Account, a.Actor, a.IP, row.want, row.audit.By)
			}
		})
	}
}

// Of a permission that an app is given the first target is what it may use, such
// as Microsoft Graph; the app is the other one.
func TestAppThatIsLetIn(t *testing.T) {
	const form = `{"id":"%ID%","activityDateTime":"%TIME%","activityDisplayName":"ACTIVITY","result":"success",` +
		`"initiatedBy":{"user":{"userPrincipalName":"editor-1@acme.example","ipAddress":"192.0.2.60"}},"targetResources":[` +
		`{"id":"sp-graph","displayName":"Microsoft Graph","type":"ServicePrincipal","modifiedProperties":[` +
		`{"displayName":"DelegatedPermissionGrant.Scope","newValue":"\" Mail.Read\""},` +
		`{"displayName":"ServicePrincipal.ObjectID","newValue":OBJECT},{"displayName":"ServicePrincipal.DisplayName","newValue":NAME}]},` +
		`{"id":"sp-planner","displayName":TARGET,"type":"ServicePrincipal","modifiedProperties":[]}]}`
	rows := []struct{ name, activity, object, display, target, want string }{
		{"named by the property", "Add app role assignment to service principal", `"\"sp-planner\""`, `"\"Post Planner\""`, `null`, "Post Planner"},
		{"named by the target", "Add delegated permission grant", `"\"sp-planner\""`, `null`, `"Post Planner"`, "Post Planner"},
		{"not named", "Add delegated permission grant", `"\"sp-planner\""`, `null`, `null`, "sp-planner"},
		{"taken away", "Remove delegated permission grant", `"\"sp-planner\""`, `null`, `"Post Planner"`, "Post Planner"},
		{"of another form", "Add delegated permission grant", `null`, `null`, `null`, "Microsoft Graph"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, entratest.Options{})
			w.srv.Audit(entratest.Audit{Raw: strings.NewReplacer("ACTIVITY", row.activity, "OBJECT", row.object, "NAME", row.display, "TARGET", row.target).Replace(form)})
			as, page := w.drain(nil)
			if len(as) != 1 {
				t.Fatalf("%d activities, %v; want one", len(as), page.Malformed)
			}
			if as[0].App != row.want {
				t.Errorf("app %q, want %q", as[0].App, row.want)
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	for _, row := range []struct {
		by   string
		user user
		want string
	}{
		{IdentityEmailLocal, user{"Jane.Roe@acme.example", "ID-1"}, "entra/jane.roe"},
		{IdentityLogin, user{"Jane.Roe@acme.example", "ID-1"}, "entra/jane.roe@acme.example"},
		{IdentityID, user{"Jane.Roe@acme.example", "ID-1"}, "entra/id-1"},
		{IdentityID, user{"Jane.Roe@acme.example", ""}, ""},
		{IdentityEmailLocal, user{"@acme.example", ""}, ""},
		{IdentityLogin, user{"a\u200bb@acme.example", ""}, ""},
		{IdentityLogin, user{strings.Repeat("a", 200), ""}, ""},
	} {
		if got := row.user.name(row.by); got != row.want {
			t.Errorf("%s of %v is %q, want %q", row.by, row.user, got, row.want)
		}
	}
}

// An audit of a user who has no name there, or guards nothing, belongs to who did
// it: their rights may be in wrong hands. One by an application alone is nobody's.
func TestWhose(t *testing.T) {
	w := newWorld(t, entratest.Options{})
	w.srv.Audit(entratest.Audit{Raw: `{"id":"a","activityDateTime":"%TIME%","activityDisplayName":"Change user password","result":"success",` +
		`"initiatedBy":{"user":{"userPrincipalName":"editor-2@acme.example"}},"targetResources":[{"type":"User","id":"x"}]}`})
	w.srv.Audit(entratest.Audit{Activity: "Add service principal", ByApp: "Sync", App: "Post Planner"})
	w.srv.Audit(entratest.Audit{Activity: "Add member to role", By: "editor-2@acme.example", User: "stranger@acme.example"})
	w.srv.Audit(entratest.Audit{Activity: "Add member to role", By: "boss@acme.example", User: "stranger@acme.example"})
	// A stranger whom an administrator helps: no factor of the administrator's own.
	for _, name := range []string{"Admin deleted security info", "Reset password (by admin)", "Revoke sign in sessions"} {
		w.srv.Audit(entratest.Audit{Activity: name, By: "editor-2@acme.example", User: "stranger@acme.example"})
	}
	as, _ := w.drain(nil)
	if len(as) != 2 || as[0].Account != "entra/editor-2" || as[1].Account != "entra/editor-2" || w.c.Counts().Unguarded != 5 {
		t.Errorf("%d activities, %d unguarded; want two of editor-2, and 5", len(as), w.c.Counts().Unguarded)
	}
}

// TestShows logs an event of every kind.
func TestShows(t *testing.T) {
	w := newWorld(t, entratest.Options{})
	for _, code := range []int{0, 50126, 50140} {
		w.login(entratest.SignIn{Code: code, IP: "192.0.2.7", App: "Exchange", Country: "DE", State: "Berlin", City: "Berlin", Lat: 52.5, Lon: 13.4, Device: "Laptop"})
	}
	for _, name := range []string{
		"Revoke sign in sessions", "Consent to application", "Revoke consent", "Admin deleted security info", "Change user password", "Add member to role",
	} {
		w.srv.Audit(entratest.Audit{Activity: name, By: "editor-1@acme.example", IP: "192.0.2.7", App: "Post Planner"})
	}
	all, _ := w.drain(nil)
	collectortest.Shown(t, w.cfg.Shows(), all)
}

// Parts that are not as documented are left out; what decides makes an event
// malformed, and is told once.
func TestOddParts(t *testing.T) {
	w := newWorld(t, entratest.Options{})
	const form = `{"id":"%ID%","createdDateTime":"%TIME%","userPrincipalName":"editor-1@acme.example",`
	for _, rest := range []string{
		`"status":{"errorCode":0},"deviceDetail":[],"location":7,"autonomousSystemNumber":"x","ipAddress":"none"}`,
		`"status":{"errorCode":0},"location":{"countryOrRegion":"Germany","geoCoordinates":{"latitude":91,"longitude":0}},"autonomousSystemNumber":0.5}`,
		`"status":{"errorCode":"0"}}`,
		`"status":null}`,
	} {
		w.srv.SignIn(entratest.SignIn{Raw: form + rest})
	}
	page := w.poll(nil)
	if len(page.Activities) != 2 || len(page.Malformed) != 2 || w.c.Counts().Partial != 1 {
		t.Fatalf("%d activities, malformed %v, %d partial; want 2, 2, 1", len(page.Activities), page.Malformed, w.c.Counts().Partial)
	}
	for _, a := range page.Activities {
		if a.IP != "" || a.Device != "" || a.Geo != (activity.Geo{}) {
			t.Errorf("address, device and place of %+v; want none", a)
		}
	}
	_, last := w.drain(page.Cursor)
	if again := w.poll(last.Cursor); len(again.Malformed) != 0 {
		t.Errorf("told again: %v", again.Malformed)
	}
}
