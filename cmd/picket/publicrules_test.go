package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/activity/recordedtest"
	"github.com/picketd/picket/collectors/github"
	"github.com/picketd/picket/collectors/github/githubtest"
	"github.com/picketd/picket/collectors/okta"
	"github.com/picketd/picket/collectors/okta/oktatest"
)

// Public rules for identity providers are written against the providers' own
// events. These tests take events in the form that each provider documents,
// values aside, let the provider's collector read them from a server that speaks
// its language, and hold which public rules fire on what comes out: those of the
// table, and no others of the 3,780.
//
// Three of the public rules for Okta are not in it. One looks for passwords that
// somebody typed for a name, and such a name guards no account, so that the
// event is dropped before it is stored; one needs an organisation's own words in
// place of a placeholder; and one names no event type, only a page of reports.

// provider is one whose events stand in a folder of testdata/publicrules, one a
// file; the file's name is the sample's.
type provider struct {
	folder    string
	collector bool // read reads with the provider's collector
	// read returns what the collector makes of the events, in their order.
	read func(t *testing.T, events []json.RawMessage) []activity.Activity
}

func providers() []provider {
	return []provider{
		{"okta", true, readOkta},
		{"github", true, readGitHub},
		{"entra", false, asTheyAre("entra")},
		{"googleworkspace", false, asTheyAre("googleworkspace")},
	}
}

// publicRules is the table: which rules fire on which event, by their ids. A
// comment names what the rules are called.
func publicRules() map[string][]string {
	return map[string][]string{
		"okta/login":                           nil,
		"okta/login_failed":                    nil,
		"okta/factor_added":                    nil,
		"okta/login_via_proxy":                 {"bde30855-5c53-4c18-ae90-1ff79ebc9578"}, // Okta User Session Start Via An Anonymising Proxy Service
		"okta/admin_console_via_proxy":         {"9058ca8b-f397-4fd1-a9fa-2b7aad4d6309"}, // Okta Admin Functions Access Through Proxy
		"okta/admin_console_new_behaviours":    {"a0b38b70-3cb5-484b-a4eb-c4d8e7bcc0a9"}, // Okta New Admin Console Behaviours
		"okta/admin_role_granted":              {"413d4a81-6c98-4479-9863-014785fd579c"}, // Okta Admin Role Assigned to an User or Group
		"okta/admin_role_assigned":             {"139bdd4b-9cd7-49ba-a2f4-744d0a8f5d8c"}, // Okta Admin Role Assignment Created
		"okta/api_token_created":               {"19951c21-229d-4ccb-8774-b993c3ff3c5c"}, // Okta API Token Created
		"okta/api_token_revoked":               {"cf1dbc6b-6205-41b4-9b88-a83980d2255b"}, // Okta API Token Revoked
		"okta/application_deleted":             {"7899144b-e416-4c28-b0b5-ab8f9e0a541d"}, // Okta Application Modified or Deleted
		"okta/application_policy_rule_deleted": {"8f668cc4-c18e-45fe-ad00-624a981cf88a"}, // Okta Application Sign-On Policy Modified or Deleted
		"okta/phishing_declined":               {"ee39a9f7-5a79-4b0a-9815-d36b3cf28d3e"}, // Okta FastPass Phishing Detection
		"okta/identity_provider_created":       {"969c7590-8c19-4797-8c1b-23155de6e7ac"}, // Okta Identity Provider Created
		"okta/factors_reset":                   {"50e068d7-1e6b-4054-87e5-0a592c40c7e0"}, // Okta MFA Reset or Deactivated
		"okta/zone_deactivated":                {"9f308120-69ed-4506-abde-ac6da81f4310"}, // Okta Network Zone Deactivated or Deleted
		"okta/policy_deleted":                  {"1667a172-ed4c-463c-9969-efd92195319a"}, // Okta Policy Modified or Deleted
		"okta/policy_rule_updated":             {"0c97c1d3-4057-45c9-b148-1de94b631931"}, // Okta Policy Rule Modified or Deleted
		"okta/threat_detected":                 {"5c82f0b9-3c6d-477f-a318-0e14a1df73e0"}, // Okta Security Threat Detected
		"okta/suspicious_activity_reported":    {"07e97cc6-aed1-43ae-9081-b3470d2367f1"}, // Okta Suspicious Activity Reported by End-user
		"okta/application_without_assignment":  {"6cc2b61b-d97e-42ef-a9dd-8aa8dc951657"}, // Okta Unauthorized Access to App
		"okta/account_locked":                  {"14701da0-4b0f-4ee6-9c95-2ffb4e73bb9a"}, // Okta User Account Locked Out
		"okta/user_created":                    {"b6c718dd-8f53-4b9f-98d8-93fdca966969"}, // New Okta User Created
		"okta/user_of_the_2023_breach_created": {
			"00a8e92a-776b-425f-80f2-82d8f8fab2e5", // Okta 2023 Breach Indicator Of Compromise
			"b6c718dd-8f53-4b9f-98d8-93fdca966969", // New Okta User Created
		},

		"entra/sign_in":                        nil,
		"entra/sign_in_with_one_factor":        {"28eea407-28d7-4e42-b0be-575d5ba60b2c"}, // Azure AD Only Single Factor Authentication Required
		"entra/sign_in_from_unmanaged_device":  {"4f77e1d7-3982-4ee0-8489-abf2d6b75284"}, // Sign-ins from Non-Compliant Devices
		"entra/sign_in_locked_out":             {"2b7d6fc0-71ac-4cf7-8ed1-b5788ee5257a"}, // Account Lockout
		"entra/sign_in_blocked_by_policy":      {"9a60e676-26ac-44c3-814b-0c2a8b977adf"}, // User Access Blocked by Azure Conditional Access
		"entra/sign_in_to_disabled_account":    {"908655e0-25cf-4ae1-b775-1c8ce9cf43d8"}, // Login to Disabled Account
		"entra/sign_in_of_legacy_client":       {"53bb4f7f-48a8-4475-ac30-5a82ddfdf6fc"}, // Potential MFA Bypass Using Legacy Client Authentication
		"entra/sign_in_with_device_code":       {"248649b7-d64f-46f0-9fb2-a52774166fb5"}, // Application Using Device Code Authentication Flow
		"entra/sign_in_second_factor_failed":   {"5496ff55-42ec-4369-81cb-00f417029e25"}, // Multifactor Authentication Interrupted
		"entra/access_policy_deleted":          {"26e7c5e2-6545-481e-b7e6-050143459635"}, // CA Policy Removed by Non Approved Actor
		"entra/administrator_added":            {"ebbeb024-5b1d-4e16-9c0c-917f86c708a7"}, // User Added to an Administrator's Azure AD Role
		"entra/application_owner_added":        {"74298991-9fc4-460e-a92e-511aa60baec1"}, // Added Owner To Application
		"entra/security_info_registered":       {"4d78a000-ab52-4564-88a5-7ab5242b20c7"}, // Change to Authentication Method
		"entra/service_principal_added":        {"0ddcff6d-d262-40b0-804b-80eb592de8e3"}, // Azure Service Principal Created
		"entra/federation_changed":             {"352a54e1-74ba-4929-9d47-8193d67aba1e"}, // Azure Domain Federation Settings Modified
		"entra/strong_authentication_disabled": {"7ea78478-a4f9-42a6-9dcd-f861816122bf"}, // Disabled MFA to Bypass Authentication Mechanisms
		"entra/permission_delegated": {
			"a6355fbe-f36f-45d8-8efc-ab42465cbc52", // Delegated Permissions Granted For All Users
			"c1d147ae-a951-48e5-8b41-dcd0170c7213", // App Granted Microsoft Permissions
		},

		"googleworkspace/login":                      nil,
		"googleworkspace/suspicious_login":           {"38360161-76c4-4283-842e-efcf997dafc8"}, // Suspicious Login Activity Classified By Google
		"googleworkspace/attack_by_a_government":     {"eafe6f2b-cfec-4612-aec2-49563c33a087"}, // Google Workspace Government Attack Warning
		"googleworkspace/forwarding_out_of_domain":   {"2a0bb2dd-eb5f-4517-8cb9-404f8ba764a5"}, // Google Workspace Out Of Domain Email Forwarding
		"googleworkspace/admin_privilege_granted":    {"2d1b83e4-17c6-4896-a37b-29140b40a788"}, // Google Workspace User Granted Admin Privileges
		"googleworkspace/api_client_authorised":      {"04e2a23a-9b29-4a5c-be3a-3542e3f982ba"}, // Google Workspace Granted Domain API Access
		"googleworkspace/role_updated":               {"6aef64e3-60c6-4782-8db3-8448759c714e"}, // Google Workspace Role Modified or Deleted
		"googleworkspace/privilege_removed":          {"bf638ef7-4d2d-44bb-a1dc-a238252e6267"}, // Google Workspace Role Privilege Deleted
		"googleworkspace/application_removed":        {"ee2803f0-71c8-4831-b48b-a1fc57601ee4"}, // Google Workspace Application Removed
		"googleworkspace/second_factor_not_enforced": {"780601d1-6376-4f2a-884e-b8d45599f78c"}, // Google Workspace MFA Disabled
		"googleworkspace/access_level_changed":       {"22f2fb54-5312-435d-852f-7c74f81684ca"}, // Google Workspace Application Access Level Modified

		"github/login":                           nil,
		"github/login_failed":                    nil,
		"github/second_factor_removed":           nil,
		"github/app_authorised":                  nil,
		"github/repository_deleted":              {"16a71777-0b2e-4db7-9888-9d59cb75200b"}, // Github Delete Action Invoked
		"github/two_factor_requirement_disabled": {"8622c92d-c00e-463c-b09d-fd06166f6794"}, // Github High Risk Configuration Disabled
		"github/dependabot_alerts_disabled":      {"34e1c7d4-0cd5-419d-9f1b-1dad3f61018d"}, // Outdated Dependency Or Vulnerability Alert Disabled
		"github/private_forks_allowed":           {"69b3bd1e-b38a-462f-9a23-fbdbf63d2294"}, // Github Fork Private Repositories Setting Enabled/Cleared
		"github/member_added":                    {"3908d64a-3c06-4091-b503-b3a94424533b"}, // New Github Organization Member Added
		"github/secret_created":                  {"f9405037-bc97-4eb7-baba-167dad399b83"}, // Github New Secret Created
		"github/outside_collaborator_removed":    {"eaa9ac35-1730-441f-9587-25767bde99d7"}, // Github Outside Collaborator Detected
		"github/pages_made_public":               {"0c46d4f4-a2bf-4104-9597-8d653fc2bb55"}, // GitHub Repository Pages Site Changed to Public
		"github/push_protection_bypassed":        {"02cf536a-cf21-4876-8842-4159c8aee3cc"}, // Github Push Protection Bypass Detected
		"github/push_protection_disabled":        {"ccd55945-badd-4bae-936b-823a735d37dd"}, // Github Push Protection Disabled
		"github/repository_transferred":          {"04ad83ef-1a37-4c10-b57a-81092164bf33"}, // Github Repository/Organization Transferred
		"github/repository_archived":             {"dca8991c-cb16-4128-abf8-6b11e5cd156f"}, // GitHub Repository Archive Status Changed
		"github/secret_scanning_disabled":        {"3883d9a0-fd0f-440f-afbb-445a2a799bb8"}, // Github Secret Scanning Feature Disabled
		"github/runner_group_created":            {"f8ed0e8f-7438-4b79-85eb-f358ef2fbebd"}, // Github Self Hosted Runner Changes Detected
		"github/ssh_authority_created":           {"2f575940-d85e-4ddc-af13-17dad6f1a0ef"}, // Github SSH Certificate Configuration Changed
	}
}

// TestPublicRules runs the events through picket replay with a configuration
// whose rules are the folders of the public collection, as they are.
func TestPublicRules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unpackRules(t, filepath.Join(dir, "public"))
	samples, feed := publicSamples(t)
	for name, text := range map[string]string{
		"feed.jsonl": feed,
		"picket.yaml": `
data_dir: ./data
rules: {packs: [], dirs: [./public]}
accounts: [{account: x/acme, guarded_by: [okta/editor-1, github/editor-1, entra/editor-1, googleworkspace/editor-1]}]
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errOut bytes.Buffer
	args := []string{"replay", "--json", "--config", filepath.Join(dir, "picket.yaml"), filepath.Join(dir, "feed.jsonl")}
	if code := run(t.Context(), args, nil, &out, &errOut); code != 0 {
		t.Fatalf("exit code %d: %s", code, errOut.String())
	}
	got := map[string][]string{}
	for _, name := range samples {
		got[name] = nil // an event of which no rule tells is in the table, too
	}
	for line := range strings.Lines(out.String()) {
		var f struct {
			Phase    string   `json:"phase"`
			RuleID   string   `json:"rule_id"`
			Evidence []string `json:"evidence"`
		}
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, id := range f.Evidence {
			if name, ok := samples[id]; ok && !slices.Contains(got[name], f.RuleID) {
				got[name] = append(got[name], f.RuleID)
			}
		}
	}
	fired := map[string]map[string]bool{} // rules by provider
	for name, rules := range got {
		slices.Sort(rules)
		folder, _, _ := strings.Cut(name, "/")
		for _, id := range rules {
			if fired[folder] == nil {
				fired[folder] = map[string]bool{}
			}
			fired[folder][id] = true
		}
	}
	if diff := cmp.Diff(publicRules(), got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	read := 0 // rules that fire on what a collector read
	for _, p := range providers() {
		t.Logf("%s: %d public rules fire", p.folder, len(fired[p.folder]))
		if p.collector {
			read += len(fired[p.folder])
		}
	}
	if read < 20 {
		t.Errorf("%d public rules fire on what collectors read, want at least 20", read)
	}
}

// publicSamples lets each provider's collector read its events. It returns the
// samples' names by the ids of the activities, and those as a file.
func publicSamples(t *testing.T) (names map[string]string, feed string) {
	t.Helper()
	names = map[string]string{}
	var lines strings.Builder
	for _, p := range providers() {
		files, err := filepath.Glob(filepath.Join("testdata", "publicrules", p.folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no events of %s: %v", p.folder, err)
		}
		events := make([]json.RawMessage, len(files))
		for i, f := range files {
			if events[i], err = os.ReadFile(f); err != nil {
				t.Fatal(err)
			}
		}
		activities := p.read(t, events)
		if len(activities) != len(files) {
			t.Fatalf("%s: %d activities of %d events", p.folder, len(activities), len(files))
		}
		for i := range activities {
			a := &activities[i]
			if !bytes.Equal(bytes.TrimSpace(events[i]), bytes.TrimSpace(a.Raw)) {
				t.Fatalf("%s: raw is not the event:\n%s", files[i], a.Raw)
			}
			names[a.ID] = p.folder + "/" + strings.TrimSuffix(filepath.Base(files[i]), ".json")
			lines.Write(activity.AppendActivity(nil, a))
			lines.WriteByte('\n')
		}
	}
	return names, lines.String()
}

// drainInOrder polls a collector until there is no more, and returns what came in
// the order of their ids.
func drainInOrder(t *testing.T, c collectors.Collector, ids []string) []activity.Activity {
	t.Helper()
	var cursor json.RawMessage
	got := map[string]activity.Activity{}
	for range 100 {
		page, err := c.Poll(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range page.Malformed {
			t.Error(err)
		}
		for _, a := range page.Activities {
			got[a.ID] = a
		}
		if cursor = page.Cursor; !page.More {
			break
		}
	}
	var all []activity.Activity
	for _, id := range ids {
		a, ok := got[id]
		if !ok {
			t.Errorf("no activity came of the event %s", id)
			continue
		}
		all = append(all, a)
	}
	return all
}

// sampleTime is when the samples are read, an hour after the last happened.
func sampleTime() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

// depsOn returns what a collector needs to read from a server in this process.
func depsOn(t *testing.T, h http.Handler) (deps collectors.Deps, base string) {
	t.Helper()
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	return collectors.Deps{HTTP: web.Client(), Now: sampleTime}, web.URL
}

func decodeSample(t *testing.T, event json.RawMessage, into any) {
	t.Helper()
	if err := json.Unmarshal(event, into); err != nil {
		t.Fatalf("%s: %v", event, err)
	}
}

func readOkta(t *testing.T, events []json.RawMessage) []activity.Activity {
	t.Helper()
	srv := oktatest.New(oktatest.Options{Now: sampleTime})
	var ids []string
	for _, raw := range events {
		var e struct {
			UUID, EventType string
			Published       time.Time
		}
		decodeSample(t, raw, &e)
		srv.Add(oktatest.Event{Type: e.EventType, Published: e.Published, Stored: e.Published, Raw: raw})
		ids = append(ids, e.UUID)
	}
	deps, base := depsOn(t, srv)
	c, err := okta.New(okta.Config{Source: "okta/acme", BaseURL: base, Token: "00token", Accept: func(id string) bool { return id == "okta/editor-1" }}, deps)
	if err != nil {
		t.Fatal(err)
	}
	return drainInOrder(t, c, ids)
}

func readGitHub(t *testing.T, events []json.RawMessage) []activity.Activity {
	t.Helper()
	srv := githubtest.New(githubtest.Options{Now: sampleTime})
	var ids []string
	for _, raw := range events {
		var e struct {
			ID        string `json:"_document_id"`
			Timestamp int64  `json:"@timestamp"`
			Action    string
		}
		decodeSample(t, raw, &e)
		srv.Add(githubtest.Event{Action: e.Action, Created: time.UnixMilli(e.Timestamp), Raw: raw})
		ids = append(ids, e.ID)
	}
	deps, base := depsOn(t, srv)
	c, err := github.New(github.Config{BaseURL: base, Token: "github_pat_token", Enterprise: "acme-corp", Accept: func(id string) bool { return id == "github/editor-1" }}, deps)
	if err != nil {
		t.Fatal(err)
	}
	return drainInOrder(t, c, ids)
}

// asTheyAre stands in for a collector: each event is an activity of a session,
// with the event in raw.
func asTheyAre(network string) func(*testing.T, []json.RawMessage) []activity.Activity {
	return func(t *testing.T, events []json.RawMessage) []activity.Activity {
		t.Helper()
		var all []activity.Activity
		for i, raw := range events {
			all = append(all, activity.Activity{
				ID: fmt.Sprintf("%s-%d", network, i), Network: network, Account: network + "/editor-1", Kind: activity.KindSession,
				Time: sampleTime().Add(time.Duration(i-60) * time.Minute), Raw: raw,
			})
		}
		return all
	}
}

// unpackRules writes the folders of the public collection that are in use.
func unpackRules(t *testing.T, into string) {
	t.Helper()
	f, err := os.Open(filepath.Join(recordedtest.Path(t, "data/sigma"), "rules.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag != tar.TypeReg || !strings.HasPrefix(name, "rules") || !strings.HasSuffix(name, ".yml") || !filepath.IsLocal(name) {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(into, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 3780 {
		t.Fatalf("unpacked %d public rules, want 3780", n)
	}
}
