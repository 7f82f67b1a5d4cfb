package googleworkspace

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/googleworkspace/googleworkspacetest"
)

// samples returns what the documented examples become, oldest first.
func samples(t *testing.T) []activity.Activity {
	t.Helper()
	w := newWorld(t, googleworkspacetest.Options{}, func(c *Config) {
		c.Accept = func(identity string) bool { return identity == "googleworkspace/jane.roe" }
		c.PageSize = 100
	})
	for _, raw := range googleworkspacetest.Samples() {
		var it struct {
			ID struct {
				Time time.Time `json:"time"`
				App  string    `json:"applicationName"`
			} `json:"id"`
			Events []struct {
				Name string `json:"name"`
			} `json:"events"`
		}
		if err := json.Unmarshal(raw, &it); err != nil {
			t.Fatal(err)
		}
		w.srv.Add(googleworkspacetest.Event{App: it.ID.App, Name: it.Events[0].Name, Raw: string(raw), Time: it.ID.Time})
	}
	all, _ := w.drain(nil)
	slicesSortByTime(all)
	return all
}

func slicesSortByTime(all []activity.Activity) {
	for i := range all {
		for j := i; j > 0 && (all[j].Time.Before(all[j-1].Time) || all[j].Time.Equal(all[j-1].Time) && all[j].ID < all[j-1].ID); j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
}

// TestGolden holds what Google's documented examples become. The file is written
// anew with PICKET_UPDATE=1, and read before it is kept.
func TestGolden(t *testing.T) {
	var got bytes.Buffer
	for _, a := range samples(t) {
		a.Seen = time.Time{}
		got.Write(activity.AppendActivity(nil, &a))
		got.WriteByte('\n')
	}
	file := filepath.Join("testdata", "samples.jsonl")
	if os.Getenv("PICKET_UPDATE") == "1" {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestFields(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	at := start().Add(-time.Hour)
	got := w.one(googleworkspacetest.Event{
		App: "token", Name: "authorize", Actor: "Editor-1@acme.example", IP: "2001:db8::7", Time: at,
		Region: "FR", Subdivision: "FR-75", ASN: 64501,
		Parameters: map[string]any{"app_name": "Post Planner", "client_id": "42.apps", "scope": []string{"a", "b"}},
	})
	if len(got.Raw) == 0 {
		t.Error("raw is missing")
	}
	got.Raw = nil
	want := activity.Activity{
		ID: "token/2026-03-06T11:00:00.000Z/-6999999999999999999", Network: "googleworkspace", Account: "googleworkspace/editor-1",
		Kind: activity.KindTokenGrant, Time: at, Seen: start(), Actor: "Editor-1@acme.example", App: "Post Planner", IP: "2001:db8::7",
		Geo:     activity.Geo{Country: "FR", Region: "FR-75", ASN: activity.Some(64501)},
		Changed: []string{"token_granted"}, Outcome: activity.Outcome{Result: "success"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEvents(t *testing.T) {
	const me = "editor-1@acme.example"
	user := map[string]any{"USER_EMAIL": me}
	challenge := func(status string) map[string]any {
		return map[string]any{"login_challenge_status": status, "login_challenge_method": []string{"password", "google_prompt"}}
	}
	rows := []struct {
		app, name  string
		parameters map[string]any
		status     string
		want       string // kind, changed, result, reason; empty: ignored
	}{
		{"login", "login_success", map[string]any{"is_suspicious": true}, "", "login  success is_suspicious"},
		{"login", "login_failure", map[string]any{"login_failure_type": "login_failure_invalid_password"}, "", "login_failure  failure login_failure_invalid_password"},
		{"login", "login_failure", challenge(""), "", "login_failure  failure password, google_prompt"},
		{"login", "login_challenge", challenge("Challenge Passed."), "", "login  success password, google_prompt"},
		{"login", "login_verification", challenge("Challenge Failed."), "", "login_failure  failure password, google_prompt"},
		{"login", "login_challenge", challenge("passed"), "", "login  success password, google_prompt"},
		{"login", "login_challenge", challenge("incorrect_answer_entered"), "", "login_failure  failure password, google_prompt"},
		{"login", "login_verification", challenge("failed"), "", "login_failure  failure password, google_prompt"},
		{"login", "login_challenge", challenge(""), "", ""},
		{"login", "risky_sensitive_action_allowed", map[string]any{"sensitive_action_name": "EDIT_RECOVERY"}, "", "login  success EDIT_RECOVERY"},
		{"login", "risky_sensitive_action_blocked", map[string]any{"sensitive_action_name": "EDIT_RECOVERY"}, "", "login_failure  failure EDIT_RECOVERY"},
		{"login", "suspicious_programmatic_login", map[string]any{"affected_email_address": me}, "", "login_failure  failure suspicious_programmatic_login"},
		{"login", "gov_attack_warning", nil, "", "session   gov_attack_warning"},
		{"login", "logout", nil, "", "logout  success "},
		{"login", "user_signed_out_due_to_suspicious_session_cookie", nil, "", "logout  success user_signed_out_due_to_suspicious_session_cookie"},
		{"login", "2sv_enroll", nil, "", "mfa_change mfa_added success "},
		{"login", "passkey_removed", nil, "", "mfa_change mfa_removed success "},
		{"user_accounts", "titanium_unenroll", nil, "", "mfa_change mfa_removed success "},
		{"user_accounts", "recovery_phone_edit", nil, "", "mfa_change recovery_updated success "},
		{"user_accounts", "password_edit", nil, "", "password_change password_updated success "},
		{"login", "account_disabled_hijacked", map[string]any{"affected_email_address": me}, "", "role_change user_deactivated success account_disabled_hijacked"},
		{"login", "email_forwarding_out_of_domain", nil, "", "role_change forwarding_added success "},
		{"login", "blocked_sender", nil, "", ""},
		{"token", "revoke", nil, "", "token_revoke token_revoked success "},
		{"admin", "ASSIGN_ROLE", user, "", "role_change role_granted success "},
		{"admin", "ASSIGN_ROLE", user, "FAILED", "role_change  failure "},
		{"admin", "ASSIGN_ROLE", user, "SKIPPED", ""},
		{"admin", "REVOKE_ADMIN_PRIVILEGE", user, "SUCCEEDED", "role_change role_revoked success "},
		{"admin", "UPDATE_ROLE", nil, "", "role_change role_changed success "},
		{"admin", "ADD_GROUP_MEMBER", user, "", "role_change group_added success "},
		{"admin", "CREATE_USER", user, "", "role_change user_created success "},
		{"admin", "UNSUSPEND_USER", user, "", "role_change user_activated success "},
		{"admin", "CHANGE_PASSWORD", user, "", "password_change password_reset success "},
		{"admin", "RESET_SIGNIN_COOKIES", user, "", "logout  success RESET_SIGNIN_COOKIES"},
		{"admin", "GENERATE_2SV_SCRATCH_CODES", user, "", "mfa_change mfa_added success "},
		{"admin", "TURN_OFF_2_STEP_VERIFICATION", user, "", "mfa_change mfa_removed success "},
		{"admin", "CHANGE_RECOVERY_EMAIL", user, "", "mfa_change recovery_updated success "},
		{"admin", "ALLOW_STRONG_AUTHENTICATION", nil, "", "role_change policy_changed success "},
		{"admin", "AUTHORIZE_API_CLIENT_ACCESS", nil, "", "token_grant token_granted success "},
		{"admin", "REVOKE_3LO_TOKEN", user, "", "token_revoke token_revoked success "},
		{"admin", "CHANGE_APPLICATION_SETTING", map[string]any{"SETTING_NAME": "ContextAwareAccess X"}, "", "role_change policy_changed success "},
		{"admin", "CHANGE_APPLICATION_SETTING", map[string]any{"SETTING_NAME": "Chat history"}, "", ""},
		{"admin", "CREATE_GROUP", nil, "", ""},
	}
	for _, row := range rows {
		t.Run(row.app+"/"+row.name+row.status, func(t *testing.T) {
			w := newWorld(t, googleworkspacetest.Options{})
			w.srv.Add(googleworkspacetest.Event{App: row.app, Name: row.name, Actor: me, Parameters: row.parameters, Status: row.status})
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
			got := strings.Join([]string{string(a.Kind), strings.Join(a.Changed, ","), a.Outcome.Result, a.Outcome.Reason}, " ")
			if got != row.want || a.Account != "googleworkspace/editor-1" {
				t.Errorf("%q of %s, want %q of editor-1", got, a.Account, row.want)
			}
		})
	}
}

// A record of several events becomes several activities, each with its own event
// in raw.
func TestSeveralEvents(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	user := func(n string) map[string]any { return map[string]any{"USER_EMAIL": n + "@acme.example"} }
	w.srv.Add(googleworkspacetest.Event{
		App: "admin", Name: "CHANGE_PASSWORD", Actor: "boss@acme.example", Parameters: user("editor-1"),
		And: []googleworkspacetest.Event{{Name: "SUSPEND_USER", Parameters: user("editor-2")}, {Name: "SUSPEND_USER", Parameters: user("intern")}},
	})
	as, _ := w.drain(nil)
	if len(as) != 2 || as[0].ID == as[1].ID || w.c.Counts().Unguarded != 1 {
		t.Fatalf("%d activities, %d unguarded; want 2 of different ids, and 1", len(as), w.c.Counts().Unguarded)
	}
	for i, want := range []struct{ account, has, hasNot string }{
		{"googleworkspace/editor-1", "CHANGE_PASSWORD", "SUSPEND_USER"},
		{"googleworkspace/editor-2", "SUSPEND_USER", "CHANGE_PASSWORD"},
	} {
		raw := string(as[i].Raw)
		if as[i].Account != want.account || !strings.Contains(raw, want.has) || strings.Contains(raw, want.hasNot) || !strings.Contains(raw, `"uniqueQualifier"`) {
			t.Errorf("%s has raw %s; want %s with %s only", as[i].Account, raw, want.account, want.has)
		}
	}
}

// A change that Google lists under two applications has one id.
func TestOwnChangeListedTwice(t *testing.T) {
	for _, name := range []string{"2sv_disable", "email_forwarding_out_of_domain"} {
		w := newWorld(t, googleworkspacetest.Options{})
		for _, app := range []string{"login", "user_accounts"} {
			w.srv.Add(googleworkspacetest.Event{App: app, Name: name, Actor: "editor-1@acme.example"})
		}
		as, _ := w.drain(nil)
		if len(as) != 2 || as[0].ID != as[1].ID {
			t.Errorf("%s: got %v; want two of one id, which the scheduler makes one", name, as)
		}
	}
}

func TestIdentity(t *testing.T) {
	for _, row := range []struct{ identity, actor, want string }{
		{IdentityEmailLocal, "Jane.Roe@acme.example", "googleworkspace/jane.roe"},
		{IdentityLogin, "Jane.Roe@acme.example", "googleworkspace/jane.roe@acme.example"},
		{IdentityEmailLocal, "", ""},
		{IdentityEmailLocal, "@acme.example", ""},
		{IdentityLogin, "a\u200bb@acme.example", ""},
		{IdentityLogin, strings.Repeat("a", 200) + "@acme.example", ""},
	} {
		it := &item{}
		if err := json.Unmarshal([]byte(`{"actor":{"email":"`+row.actor+`"}}`), it); err != nil {
			t.Fatal(err)
		}
		if got := identityOf(it.Actor.Email, row.identity); got != row.want {
			t.Errorf("%s of %q is %q, want %q", row.identity, row.actor, got, row.want)
		}
	}
}

// What administrators do is of the user whom they do it to, where that user guards
// an account, and else of themselves: their rights may be in wrong hands.
func TestWhose(t *testing.T) {
	for _, row := range []struct{ name, actor, user, want string }{
		{"ASSIGN_ROLE", "editor-1@acme.example", "editor-2@acme.example", "googleworkspace/editor-2"},
		{"ASSIGN_ROLE", "boss@acme.example", "editor-2@acme.example", "googleworkspace/editor-2"},
		{"ASSIGN_ROLE", "editor-1@acme.example", "stranger@acme.example", "googleworkspace/editor-1"},
		{"ASSIGN_ROLE", "boss@acme.example", "stranger@acme.example", ""},
		// A stranger whom an administrator helps: nothing of the administrator's own.
		{"TURN_OFF_2_STEP_VERIFICATION", "editor-1@acme.example", "stranger@acme.example", ""},
		{"CHANGE_PASSWORD", "editor-1@acme.example", "stranger@acme.example", ""},
		{"RESET_SIGNIN_COOKIES", "editor-1@acme.example", "stranger@acme.example", ""},
		{"REVOKE_3LO_TOKEN", "editor-1@acme.example", "stranger@acme.example", ""},
		{"TURN_OFF_2_STEP_VERIFICATION", "editor-1@acme.example", "editor-2@acme.example", "googleworkspace/editor-2"},
	} {
		w := newWorld(t, googleworkspacetest.Options{})
		w.srv.Add(googleworkspacetest.Event{App: "admin", Name: row.name, Actor: row.actor, Parameters: map[string]any{"USER_EMAIL": row.user}})
		got := ""
		for as, _ := w.drain(nil); len(as) > 0; as = as[1:] {
			got += as[0].Account
		}
		if got != row.want {
			t.Errorf("%s by %s of %s: of %q, want %q", row.name, row.actor, row.user, got, row.want)
		}
	}
}
