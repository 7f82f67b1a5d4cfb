package okta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/okta/oktatest"
)

func TestEventTypes(t *testing.T) {
	type row struct {
		event   string
		result  string
		kind    activity.Kind // "" is ignored
		changed string
	}
	rows := []row{
		{"user.session.start", "SUCCESS", activity.KindLogin, ""},
		{"user.session.start", "success", activity.KindLogin, ""},
		{"user.session.start", "ALLOW", activity.KindLogin, ""},
		{"user.session.start", "FAILURE", activity.KindLoginFailure, ""},
		{"user.session.start", "DENY", activity.KindLoginFailure, ""},
		{"user.session.start", "CHALLENGE", "", ""},
		{"user.session.start", "UNKNOWN", "", ""},
		{"user.session.start", "-", "", ""},
		{"user.authentication.sso", "SUCCESS", activity.KindLogin, ""},
		{"user.authentication.auth_via_mfa", "FAILURE", activity.KindLoginFailure, ""},
		{"user.authentication.auth_via_mfa", "SKIPPED", "", ""},
		{"user.authentication.slo", "SUCCESS", activity.KindLogout, ""},
		{"user.authentication.universal_logout", "SUCCESS", activity.KindLogout, ""},
		{"user.session.end", "SUCCESS", activity.KindLogout, ""},
		{"user.mfa.factor.activate", "SUCCESS", activity.KindMFAChange, "mfa_added"},
		{"user.mfa.factor.unsuspend", "SUCCESS", activity.KindMFAChange, "mfa_added"},
		{"user.mfa.factor.deactivate", "SUCCESS", activity.KindMFAChange, "mfa_removed"},
		{"user.mfa.factor.reset_all", "SUCCESS", activity.KindMFAChange, "mfa_removed"},
		{"user.mfa.factor.suspend", "SUCCESS", activity.KindMFAChange, "mfa_removed"},
		{"user.mfa.factor.update", "SUCCESS", activity.KindMFAChange, "mfa_updated"},
		{"user.mfa.factor.deactivate", "FAILURE", activity.KindMFAChange, ""},
		{"user.mfa.factor.deactivate", "-", activity.KindMFAChange, "mfa_removed"},
		{"user.account.update_password", "SUCCESS", activity.KindPasswordChange, "password_updated"},
		{"user.account.reset_password", "SUCCESS", activity.KindPasswordChange, "password_reset"},
		{"user.account.unlock", "SUCCESS", activity.KindSession, ""},
		{"user.account.unlock_failure", "FAILURE", "", ""},
		{"user.account.privilege.grant", "SUCCESS", activity.KindRoleChange, "role_granted"},
		{"group.privilege.grant", "SUCCESS", activity.KindRoleChange, "role_granted"},
		{"user.account.privilege.revoke", "SUCCESS", activity.KindRoleChange, "role_revoked"},
		{"app.oauth2.token.grant.access_token", "SUCCESS", activity.KindTokenGrant, "token_granted"},
		{"app.oauth2.as.token.grant.refresh_token", "SUCCESS", activity.KindTokenGrant, "token_granted"},
		{"app.oauth2.as.token.grant", "FAILURE", activity.KindTokenGrant, ""},
		{"app.oauth2.token.grants", "SUCCESS", "", ""},
		{"app.oauth2.token.revoke", "SUCCESS", activity.KindTokenRevoke, "token_revoked"},
		{"app.oauth2.as.token.revoke.implicit", "SUCCESS", activity.KindTokenRevoke, "token_revoked"},
		{"system.api_token.create", "SUCCESS", activity.KindTokenGrant, "token_granted"},
		{"system.api_token.revoke", "SUCCESS", activity.KindTokenRevoke, "token_revoked"},
		{"system.api_token.update", "SUCCESS", activity.KindSession, ""},
		{"system.api_token.request_outside_allowed_range", "FAILURE", activity.KindLoginFailure, ""},
		{"user.session.clear", "SUCCESS", activity.KindLogout, ""},
		{"user.session.access_admin_app", "SUCCESS", activity.KindSession, ""},
		{"user.session.access_admin_app", "FAILURE", activity.KindSession, ""},
		{"user.session.impersonation.grant", "SUCCESS", activity.KindRoleChange, "impersonation_granted"},
		{"user.session.impersonation.initiate", "SUCCESS", activity.KindSession, ""},
		{"user.mfa.okta_verify.deny_push", "FAILURE", activity.KindLoginFailure, ""},
		{"user.mfa.attempt_bypass", "SUCCESS", activity.KindMFAChange, "mfa_bypassed"},
		{"user.mfa.attempt_bypass", "FAILURE", activity.KindMFAChange, ""},
		{"user.account.lock", "FAILURE", activity.KindSession, ""},
		{"user.account.lock.limit", "SUCCESS", activity.KindSession, ""},
		{"user.account.locksmith", "SUCCESS", "", ""},
		{"user.account.report_suspicious_activity_by_enduser", "SUCCESS", activity.KindSession, ""},
		{"security.threat.detected", "DENY", activity.KindSession, ""},
		{"policy.evaluate_sign_on", "CHALLENGE", activity.KindSession, ""},
		{"policy.rule.update", "SUCCESS", activity.KindRoleChange, "policy_changed"},
		{"policy.rule.update", "FAILURE", activity.KindRoleChange, ""},
		{"policy.rule.action.execute", "SUCCESS", "", ""},
		{"zone.deactivate", "SUCCESS", activity.KindRoleChange, "zone_changed"},
		{"iam.resourceset.bindings.add", "SUCCESS", activity.KindRoleChange, "role_granted"},
		{"iam.role.update", "SUCCESS", activity.KindRoleChange, "role_changed"},
		{"user.lifecycle.create", "SUCCESS", activity.KindRoleChange, "user_created"},
		{"user.lifecycle.jit.error.read_only", "SUCCESS", "", ""},
		{"application.user_membership.add", "SUCCESS", activity.KindRoleChange, "app_assigned"},
		{"application.policy.sign_on.rule.delete", "SUCCESS", activity.KindRoleChange, "policy_changed"},
		{"application.policy.sign_on.deny_access", "DENY", activity.KindLoginFailure, ""},
		{"app.oauth2.admin.consent.grant", "SUCCESS", activity.KindTokenGrant, "token_granted"},
		{"app.oauth2.as.consent.revoke.implicit.user", "SUCCESS", activity.KindTokenRevoke, "token_revoked"},
		{"app.oauth2.token.detect_reuse", "FAILURE", activity.KindSession, ""},
		{"security.events.provider.receive_event", "SUCCESS", "", ""},
		{"user.mfa.okta_verify", "SUCCESS", "", ""},
	}
	for _, row := range rows {
		t.Run(row.event+" "+row.result, func(t *testing.T) {
			w := newWorld(t, oktatest.Options{}, func(c *Config) { c.Filter = `eventType sw ""` })
			w.srv.Add(oktatest.Event{Type: row.event, Result: row.result, Actor: "editor-1@acme.example"})
			page := w.poll(nil)
			if row.kind == "" {
				if len(page.Activities) != 0 || w.c.Counts() != (Counts{Ignored: 1}) {
					t.Errorf("activities %v, counts %+v; want it ignored", page.Activities, w.c.Counts())
				}
				return
			}
			if len(page.Activities) != 1 || page.Activities[0].Kind != row.kind {
				t.Fatalf("activities %v, want a %s", page.Activities, row.kind)
			}
			if got := strings.Join(page.Activities[0].Changed, ","); got != row.changed {
				t.Errorf("changed %q, want %q", got, row.changed)
			}
		})
	}
}

// The documented table and the filter sent to Okta say the same as the code.
func TestTableAndFilter(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.SplitSeq(string(doc), "\n") {
		fields := strings.Fields(strings.TrimPrefix(line, "//"))
		if !strings.HasPrefix(line, "//\t") || len(fields) < 2 {
			continue
		}
		rows++
		kind, changed := classifyType(strings.NewReplacer("*", ".any", "..", ".").Replace(fields[0]))
		want := strings.Join(fields[1:], " ")
		if !strings.HasPrefix(want, string(kind)) && !strings.HasPrefix(want, "the same") || kind == "" ||
			changed != "" && !strings.HasSuffix(want, changed) {
			t.Errorf("%q: the code makes %s, changed %q", strings.TrimSpace(line), kind, changed)
		}
		w := newWorld(t, oktatest.Options{})
		w.srv.Add(oktatest.Event{Type: strings.NewReplacer("*.", "user.account.", "*", ".any", "..", ".").Replace(fields[0]), Actor: "editor-1@acme.example"})
		if page := w.poll(nil); len(page.Activities) != 1 {
			t.Errorf("%s: the default filter leaves it out", fields[0])
		}
	}
	if rows != 101 {
		t.Errorf("%d rows in the table, want 101", rows)
	}
}

func TestWholeActivity(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	got := w.one(oktatest.Event{
		UUID: "dc9fd3c0-598c-11ef-8478-2b7584bf8d5a", Type: "user.session.start", Actor: "Editor-2@Acme.example",
		Result: "FAILURE", Reason: "INVALID_CREDENTIALS", IP: "::ffff:89.160.20.112", UserAgent: "Mozilla/5.0 (X11)", Device: "Computer",
		Country: "Korea, Republic of", State: "Seoul", City: "Seoul", Lat: new(37.57), Lon: new(126.98),
		ASN: 9009, ASOrg: "m247 europe srl", Proxy: new(true), App: "Okta Dashboard", Session: "102abc",
		Published: start().Add(-time.Minute + 123*time.Millisecond),
	})
	raw := got.Raw
	got.Raw = nil
	want := activity.Activity{
		ID: "dc9fd3c0-598c-11ef-8478-2b7584bf8d5a", Network: "okta", Account: "okta/editor-2", Kind: activity.KindLoginFailure,
		Time: start().Add(-time.Minute + 123*time.Millisecond), Seen: start(),
		Actor: "Editor-2@Acme.example", App: "Okta Dashboard", IP: "89.160.20.112",
		Geo: activity.Geo{
			Country: "KR", Region: "Seoul", City: "Seoul", Lat: activity.Some(37.57), Lon: activity.Some(126.98),
			ASN: activity.Some(9009), ASOrg: "m247 europe srl", Proxy: "proxy",
		},
		Device: "Computer", UserAgent: "Mozilla/5.0 (X11)",
		Outcome: activity.Outcome{Result: "failure", Reason: "INVALID_CREDENTIALS"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	ref, err := activity.LookupField("raw.authenticationContext.externalSessionId")
	if err != nil {
		t.Fatal(err)
	}
	got.Raw = raw
	if v := ref.Values(&got, nil); len(v) != 1 || v[0].Str != "102abc" {
		t.Errorf("raw session %v, want 102abc", v)
	}
}

// What decides about a sign-on stands in raw under Okta's own names, where public
// rules look for it.
func TestWhatRulesFindInRaw(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	got := w.one(oktatest.Event{
		Type: "policy.evaluate_sign_on", Message: "Evaluation of sign-on policy", Legacy: "core.policy.evaluate", Result: "CHALLENGE",
		Actor: "editor-1@acme.example", Proxy: new(true), Targets: map[string]string{"Rule": "Admins", "AppInstance": "Okta Admin Console"},
		Debug: map[string]string{"behaviors": "{New Device=POSITIVE}"},
	})
	if got.Kind != activity.KindSession || got.App != "Okta Admin Console" || got.Outcome != (activity.Outcome{}) {
		t.Errorf("%s of app %q with outcome %+v; want a session of the console without an outcome yet", got.Kind, got.App, got.Outcome)
	}
	for path, want := range map[string]string{
		"raw.displayMessage": "Evaluation of sign-on policy", "raw.legacyEventType": "core.policy.evaluate",
		"raw.debugContext.debugData.behaviors": "{New Device=POSITIVE}", "raw.securityContext.isProxy": "true",
		"raw.target.displayName": "Okta Admin Console,Admins", "raw.target.type": "AppInstance,Rule",
	} {
		ref, err := activity.LookupField(path)
		if err != nil {
			t.Fatal(err)
		}
		var values []string
		for _, v := range ref.Values(&got, nil) {
			values = append(values, v.Str)
		}
		if text := strings.Join(values, ","); text != want {
			t.Errorf("%s is %q, want %q", path, text, want)
		}
	}
}

func TestAbsentStaysAbsent(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	got := w.one(oktatest.Event{
		Raw: json.RawMessage(`{"uuid":"u1","published":"2026-03-06T12:00:00.000Z","eventType":"user.session.start",
			"actor":{"id":"1","type":"User","alternateId":"editor-1@acme.example","displayName":"Unknown"},
			"outcome":{"result":"SUCCESS"},"client":{"device":"Unknown","ipAddress":"not an ip","userAgent":null,
			"geographicalContext":{"city":null,"country":"unknown","geolocation":{"lat":91,"lon":0}}},
			"securityContext":{"asNumber":0,"asOrg":null,"isProxy":null}}`),
		Type: "user.session.start",
	})
	got.Raw = nil
	want := activity.Activity{
		ID: "u1", Network: "okta", Account: "okta/editor-1", Kind: activity.KindLogin, Time: start(), Seen: start(),
		Actor: "editor-1@acme.example", Outcome: activity.Outcome{Result: "success"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestWhoseActivity(t *testing.T) {
	const admin, editor = "admin@acme.example", "editor-1@acme.example"
	rows := []struct {
		name string
		e    oktatest.Event
		want string // identity, "" if of nobody guarded
	}{
		{"an administrator resets factors", oktatest.Event{Type: "user.mfa.factor.reset_all", Actor: admin, User: editor}, "okta/editor-1"},
		{"oneself", oktatest.Event{Type: "user.mfa.factor.activate", Actor: editor, User: editor}, "okta/editor-1"},
		{"no target", oktatest.Event{Type: "user.account.update_password", Actor: editor}, "okta/editor-1"},
		{"a guarded administrator gives somebody a role", oktatest.Event{Type: "user.account.privilege.grant", Actor: editor, User: admin}, "okta/editor-1"},
		{"somebody gives a guarded administrator a role", oktatest.Event{Type: "user.account.privilege.grant", Actor: admin, User: editor}, "okta/editor-1"},
		{"the system takes a role from nobody guarded", oktatest.Event{Type: "user.account.privilege.revoke", Actor: editor, ActorType: "SystemPrincipal", User: admin}, ""},
		{"a guarded administrator removes a factor of somebody", oktatest.Event{Type: "user.mfa.factor.reset_all", Actor: editor, User: admin}, ""},
		{"a new user", oktatest.Event{Type: "user.lifecycle.create", Actor: editor, User: "svc@acme.example"}, "okta/editor-1"},
		{"support takes over", oktatest.Event{Type: "user.session.impersonation.initiate", Actor: "system@okta.com", User: editor}, "okta/editor-1"},
		{"an account is locked", oktatest.Event{Type: "user.account.lock", Actor: "system@okta.com", ActorType: "SystemPrincipal", User: editor}, "okta/editor-1"},
		{"the console is opened", oktatest.Event{Type: "user.session.access_admin_app", Actor: editor, User: admin}, "okta/editor-1"},
		{"a role of a group", oktatest.Event{Type: "group.privilege.grant", Actor: editor}, "okta/editor-1"},
		{"an application gets a token of a user", oktatest.Event{
			Type: "app.oauth2.token.grant.access_token", Actor: "0oa1", ActorType: "PublicClientApp", ActorName: "Poster", User: editor,
		}, "okta/editor-1"},
		{"a user makes an API token", oktatest.Event{Type: "system.api_token.create", Actor: editor, Token: "CI"}, "okta/editor-1"},
		{"universal logout", oktatest.Event{Type: "user.authentication.universal_logout", Actor: admin, User: editor}, "okta/editor-1"},
		{"a login with a target", oktatest.Event{Type: "user.authentication.sso", Actor: editor, User: admin, App: "Mail"}, "okta/editor-1"},
		{"the system", oktatest.Event{Type: "user.session.start", Actor: "system@okta.com", ActorType: "SystemPrincipal"}, ""},
		{"nobody known", oktatest.Event{Type: "user.session.start", Result: "FAILURE", Actor: "unknown"}, ""},
		{"a name that is no name", oktatest.Event{Type: "user.session.start", Result: "FAILURE", Actor: "\u202eeditor-1@acme.example"}, ""},
		{"a long name", oktatest.Event{Type: "user.session.start", Result: "FAILURE", Actor: strings.Repeat("x", 300)}, ""},
		{"only a domain", oktatest.Event{Type: "user.session.start", Result: "FAILURE", Actor: "@acme.example"}, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, oktatest.Options{})
			w.srv.Add(row.e)
			page := w.poll(nil)
			got := ""
			for _, a := range page.Activities {
				got += a.Account
			}
			if got != row.want || len(page.Malformed) > 0 {
				t.Errorf("of %q (%v), want %q", got, page.Malformed, row.want)
			}
			if want := map[bool]uint64{true: 1, false: 0}[row.want == ""]; w.c.Dropped() != want {
				t.Errorf("%d dropped, want %d", w.c.Dropped(), want)
			}
		})
	}
}

func TestAppsAndActors(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	got := w.one(oktatest.Event{
		Type: "app.oauth2.as.token.grant.access_token", Actor: "0oa1", ActorType: "PublicClientApp", ActorName: "Poster", User: "editor-1@acme.example",
	})
	if got.App != "Poster" || got.Actor != "0oa1" {
		t.Errorf("app %q, actor %q; want Poster and 0oa1", got.App, got.Actor)
	}
	w = newWorld(t, oktatest.Options{})
	if got := w.one(oktatest.Event{Type: "system.api_token.create", Actor: "editor-1@acme.example", Token: "CI"}); got.App != "CI" {
		t.Errorf("app %q, want the token's name", got.App)
	}
}

func TestIdentityTemplates(t *testing.T) {
	for by, want := range map[string]string{
		"": "okta/editor-1", IdentityEmailLocal: "okta/editor-1", IdentityLogin: "okta/editor-1@acme.example", IdentityID: "okta/00uabc",
	} {
		w := newWorld(t, oktatest.Options{}, func(c *Config) {
			c.Identity = by
			c.Accept = func(identity string) bool { return identity == want }
		})
		if got := w.one(oktatest.Event{Type: "user.session.start", Actor: "Editor-1@Acme.Example", ActorID: "00uABC"}); got.Account != want {
			t.Errorf("identity %q: account %q, want %q", by, got.Account, want)
		}
	}
}

func TestRawIsKeptByteForByte(t *testing.T) {
	event := []byte("{ \"uuid\" : \"u1\",\n\t\"published\":\"2026-03-06T12:00:00Z\",\"eventType\":\"user.session.start\",\"z\":1.50,\"a\":\"\\u00fc<&\"," +
		`"actor":{"alternateId":"editor-1@acme.example"},"outcome":{"result":"SUCCESS"}}`)
	w := newWorld(t, oktatest.Options{})
	got := w.one(oktatest.Event{Type: "user.session.start", Raw: event})
	if !bytes.Equal(got.Raw, event) {
		t.Errorf("raw\n%s\nwant\n%s", got.Raw, event)
	}
}

func TestLargeRaw(t *testing.T) {
	rows := []struct {
		name    string
		padding int
		deep    int
		kept    bool
	}{
		{"100 KiB", 100 << 10, 0, true},
		{"300 KiB", 300 << 10, 0, false},
		{"100 levels", 0, 100, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, oktatest.Options{})
			e := oktatest.Event{Type: "user.session.start", Actor: "editor-1@acme.example", Padding: row.padding}
			if row.deep > 0 {
				e.Raw = json.RawMessage(fmt.Sprintf(`{"uuid":"u","published":"2026-03-06T12:00:00Z","eventType":"user.session.start",`+
					`"actor":{"alternateId":"editor-1"},"outcome":{"result":"SUCCESS"},"deep":%s1%s}`,
					strings.Repeat("[", row.deep), strings.Repeat("]", row.deep)))
			}
			got := w.one(e)
			if kept := len(got.Raw) > 0; kept != row.kept {
				t.Errorf("raw kept: %t, want %t", kept, row.kept)
			}
			if got.Account != "okta/editor-1" || got.Validate() != nil {
				t.Errorf("activity %+v is not whole: %v", got.Account, got.Validate())
			}
			dropped := w.c.Counts().RawDropped
			if said := w.logs.FilterMessageSnippet("raw form is left out").Len(); row.kept == (dropped == 1) || int(dropped) != said {
				t.Errorf("%d counted and %d said", dropped, said)
			}
		})
	}
}

func TestUnknownCountryIsSaid(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	for range 3 {
		w.login(oktatest.Event{Country: "Ruritania", City: "Streslau"})
	}
	page := w.poll(nil)
	for _, a := range page.Activities {
		if a.Geo.Country != "" || a.Geo.City != "Streslau" {
			t.Errorf("geo %+v, want no country and the city", a.Geo)
		}
	}
	if n := w.c.Counts().UnknownCountry; n != 3 || len(page.Activities) != 3 {
		t.Errorf("%d counted of %d, want 3", n, len(page.Activities))
	}
	if n := w.logs.FilterMessageSnippet("country name is not known").Len(); n != 1 {
		t.Errorf("said %d times, want once", n)
	}
}

func TestOddPartsAreLeftOut(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	for i := range 2 {
		w.srv.Add(oktatest.Event{Type: "user.session.start", Raw: json.RawMessage(fmt.Sprintf(
			`{"uuid":"u%d","published":"2026-03-06T12:00:00Z","eventType":"user.session.start","actor":{"alternateId":"editor-1"},`+
				`"outcome":{"result":"SUCCESS"},"client":{"ipAddress":"192.0.2.7","geographicalContext":"here"},"device":[],`+
				`"securityContext":{"asNumber":"9009","isProxy":false}}`, i))})
	}
	page := w.poll(nil)
	if len(page.Activities) != 2 || len(page.Malformed) != 0 {
		t.Fatalf("%d activities, malformed %v; want 2", len(page.Activities), page.Malformed)
	}
	a := page.Activities[0]
	if a.IP != "192.0.2.7" || a.Geo.Proxy != "none" || a.Geo.ASN.OK || a.Geo.Country != "" {
		t.Errorf("activity %+v, want ip and proxy, and no asn", a)
	}
	if n := w.c.Counts().Partial; n != 2 {
		t.Errorf("%d counted as partial, want 2", n)
	}
	if n := w.logs.FilterMessageSnippet("not of the documented type").Len(); n != 3 {
		t.Errorf("said %d times, want once for each of 3 parts", n)
	}
}
