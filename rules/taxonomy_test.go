package rules

import (
	"slices"
	"testing"

	"github.com/picketd/picket/collectors/activity"
)

// TestDocumentedEvents matches events in the wire format that each product
// documents, written for this test, against the public rules.
func TestDocumentedEvents(t *testing.T) {
	t.Parallel()
	c := readCorpus(t)
	m := c.program.NewMatcher()
	for _, tt := range []struct {
		source  string // the documented format
		network string
		rule    string // title of a public rule that must match
		raw     string
	}{
		{
			"Okta System Log API, LogEvent", "okta", "Okta Admin Functions Access Through Proxy",
			`{"eventType":"user.session.access_admin_app","securityContext":{"asNumber":64510,"isProxy":true},"debugContext":{"debugData":{"requestUri":"/admin/sso/callback"}},"outcome":{"result":"SUCCESS"}}`,
		},
		{
			"Okta System Log API, LogEvent with targets", "okta", "Okta New Admin Console Behaviours",
			`{"eventType":"policy.evaluate_sign_on","target":[{"displayName":"Okta Admin Console","type":"AppInstance"}],"debugContext":{"debugData":{"behaviors":"{New Geo-Location=POSITIVE, New Device=NEGATIVE}"}}}`,
		},
		{
			"Google Cloud audit log, LogEntry with AuditLog", "gcp", "GCP Access Policy Deleted",
			`{"protoPayload":{"serviceName":"accesscontextmanager.googleapis.com","authorizationInfo":[{"permission":"accesscontextmanager.accessPolicies.delete","granted":true}]}}`,
		},
		{
			"Google Workspace in Cloud Logging, LogEntry with AuditLog", "gcp", "Suspicious Login Activity Classified By Google",
			`{"protoPayload":{"serviceName":"login.googleapis.com","metadata":{"event":[{"eventName":"suspicious_login","eventType":"login"}]}}}`,
		},
		{
			"Google Workspace Reports API, activity of login", "gworkspace", "Suspicious Login Activity Classified By Google",
			`{"kind":"admin#reports#activity","id":{"applicationName":"login"},"actor":{"email":"a@acme.example"},"events":[{"type":"account_warning","name":"suspicious_login"}]}`,
		},
		{
			"Google Workspace Reports API, activity of admin", "gworkspace", "Google Workspace Application Access Level Modified",
			`{"kind":"admin#reports#activity","id":{"applicationName":"admin"},"events":[{"name":"CHANGE_APPLICATION_SETTING","parameters":[{"name":"APPLICATION_NAME","value":"Security"},{"name":"SETTING_NAME","value":"ContextAwareAccess Level"}]}]}`,
		},
		{
			"Azure Monitor, SignInLogs", "azure", "Azure AD Only Single Factor Authentication Required",
			`{"category":"SignInLogs","operationName":"Sign-in activity","resultType":"0","location":"DE","properties":{"authenticationRequirement":"singleFactorAuthentication","status":{"errorCode":0}}}`,
		},
		{
			"Microsoft Graph, signIn", "entra", "Azure AD Only Single Factor Authentication Required",
			`{"createdDateTime":"2026-03-02T08:00:00Z","authenticationRequirement":"singleFactorAuthentication","status":{"errorCode":0,"failureReason":"Other."},"location":{"countryOrRegion":"DE"}}`,
		},
		{
			"Microsoft Graph, signIn of a legacy client", "entra", "Potential MFA Bypass Using Legacy Client Authentication",
			`{"userAgent":"BAV2ROPC","status":{"errorCode":0},"clientAppUsed":"Other clients"}`,
		},
		{
			"Microsoft Graph, signIn with a device code", "entra", "Application Using Device Code Authentication Flow",
			`{"authenticationProtocol":"deviceCode","status":{"errorCode":0}}`,
		},
		{
			"Azure Monitor, AuditLogs", "azure", "User Added to an Administrator's Azure AD Role",
			`{"category":"AuditLogs","operationName":"Add member to role","properties":{"activityDisplayName":"Add member to role","targetResources":[{"type":"User","modifiedProperties":[{"displayName":"Role.DisplayName","newValue":"\"Global Administrator\""}]}]}}`,
		},
		{
			"Microsoft Graph, directoryAudit", "entra", "Multi Factor Authentication Disabled For User Account",
			`{"loggedByService":"Core Directory","category":"UserManagement","activityDisplayName":"Update user","targetResources":[{"modifiedProperties":[{"displayName":"StrongAuthenticationRequirement","newValue":"[{\"State\":0}]"}]}]}`,
		},
		{
			"Microsoft Graph, directoryAudit of a role", "entra", "User Added to an Administrator's Azure AD Role",
			`{"activityDisplayName":"Add member to role","result":"success","targetResources":[{"displayName":"Helpdesk Administrator","type":"Role"}]}`,
		},
		{
			"Microsoft Graph, riskDetection", "entra", "SAML Token Issuer Anomaly",
			`{"riskEventType":"tokenIssuerAnomaly","riskState":"atRisk","detectionTimingType":"offline"}`,
		},
		{
			"Azure activity log, streamed", "azure", "Azure Firewall Rule Configuration Modified or Deleted",
			`{"category":"Administrative","operationName":"MICROSOFT.NETWORK/FIREWALLPOLICIES/RULEGROUPS/DELETE","resultType":"Success"}`,
		},
		{
			"Azure activity log, REST API EventData", "azure", "Azure Firewall Rule Configuration Modified or Deleted",
			`{"operationName":{"value":"Microsoft.Network/firewallPolicies/ruleGroups/delete","localizedValue":"Delete rule group"},"status":{"value":"Succeeded"}}`,
		},
		{
			"GitHub, audit log event", "github", "Github Secret Scanning Feature Disabled",
			`{"@timestamp":1770000000000,"action":"secret_scanning.disable","actor":"octocat","org":"acme"}`,
		},
		{
			"Office 365 Management Activity API, SecurityComplianceAlerts", "m365", "Microsoft 365 - Potential Ransomware Activity",
			`{"RecordType":40,"Operation":"AlertTriggered","Workload":"SecurityComplianceCenter","ResultStatus":"Succeeded","Name":"Potential ransomware activity","Status":"Active","Source":"Cloud App Security"}`,
		},
		{
			"Office 365 Management Activity API, Exchange admin", "m365", "New Federated Domain Added - Exchange",
			`{"RecordType":1,"Operation":"Add-FederatedDomain","Workload":"Exchange","ResultStatus":"True","UserId":"admin@acme.example"}`,
		},
		{
			"Office 365 Management Activity API, Exchange cmdlet with parameters", "m365", "Inbox Rules Creation Or Update Activity in O365",
			`{"RecordType":1,"Operation":"New-InboxRule","Workload":"Exchange","ResultStatus":"True","Parameters":[{"Name":"DeleteMessage","Value":"True"},{"Name":"Name","Value":"."}]}`,
		},
		{
			// The one public rule whose regression event is not published: its test
			// is commented out there, for want of a way to replay plain text.
			"Cisco IOS, a logged command in plain text, as a member of an object", "cisco", "Cisco Dot1x Disabled",
			`{"message":"<189>45: *Mar  2 08:00:00.000: %PARSER-5-CFGLOG_LOGGEDCMD: User:ann  logged command:no dot1x system-auth-control"}`,
		},
		{
			"OneLogin, Events API v1", "onelogin", "OneLogin User Assumed Another User",
			`{"id":123,"event_type_id":3,"actor_user_name":"Ann","assuming_acting_user_id":7,"user_name":"Bo","created_at":"2026-03-02T08:00:00Z"}`,
		},
		{
			"Duo Admin API, authentication log v2", "duo", "Cisco Duo Successful MFA Authentication Via Bypass Code",
			`{"event_type":"authentication","reason":"bypass_user","result":"success","factor":"not_available","user":{"name":"ann"},"isotimestamp":"2026-03-02T08:00:00+00:00"}`,
		},
		{
			"Duo Admin API, authentication log v1", "duo", "Cisco Duo Successful MFA Authentication Via Bypass Code",
			`{"eventtype":"authentication","reason":"bypass_user","result":"SUCCESS","username":"ann"}`,
		},
	} {
		t.Run(tt.source, func(t *testing.T) {
			a := activity.Activity{Network: tt.network, Kind: activity.KindSession, Raw: []byte(tt.raw)}
			var titles []string
			for _, i := range c.program.Match(&a, m) {
				titles = append(titles, c.program.Rules()[i].Title)
			}
			if !slices.Contains(titles, tt.rule) {
				t.Errorf("matches %q, want %q among them", titles, tt.rule)
			}
		})
	}
}

// TestFailedSignInIsNoSuccess: what a value means does not reach further than
// the value.
func TestFailedSignInIsNoSuccess(t *testing.T) {
	p := compileRules(t, "title: T\nlogsource: {product: azure, service: signinlogs}\ndetection: {s: {Status: Success}, condition: s}\n")
	m := p.NewMatcher()
	for raw, want := range map[string]int{
		`{"status":{"errorCode":0}}`: 1, `{"status":{"errorCode":50140}}`: 0, `{"status":{"failureReason":"0"}}`: 0,
		`{"Status":"success"}`: 1, `{"properties":{"status":{"errorCode":0}}}`: 1, `{}`: 0,
	} {
		if got := len(p.Match(&activity.Activity{Network: "entra", Raw: []byte(raw)}, m)); got != want {
			t.Errorf("%s gives %d matches, want %d", raw, got, want)
		}
	}
}
