package entratest

import (
	"encoding/json"
	"strconv"
	"strings"
)

// SignInSamples are sign-ins in the form of Graph's documented example, with
// other names and addresses, one of each kind that public rules look for; all of
// them of jane.roe@acme.example.
func SignInSamples() []json.RawMessage {
	// The example of the documentation of List signIns, reworded.
	const form = `{"id":"66ea54eb-6301-4ee5-be62-ff5a759b01NN","createdDateTime":"2026-03-06T11:NN:41.6195833Z","userDisplayName":"Jane Roe",` +
		`"userPrincipalName":"jane.roe@acme.example","userId":"26be570a-ae82-4189-b4e2-a37c6808512d","appId":"de8bc8b5-d9f9-48b1-a8ad-b748da725064",` +
		`"appDisplayName":"Graph explorer","ipAddress":"192.0.2.59","clientAppUsed":"Browser","correlationId":"d79f5bee-5860-4832-928f-3133e22ae912",` +
		`"conditionalAccessStatus":"notApplied","isInteractive":true,"riskDetail":"none","riskLevelAggregated":"none","riskLevelDuringSignIn":"none",` +
		`"riskState":"none","riskEventTypes":[],"resourceDisplayName":"Microsoft Graph","resourceId":"00000003-0000-0000-c000-000000000000",` +
		`"status":{"errorCode":0,"failureReason":null,"additionalDetails":null},"deviceDetail":{"deviceId":"","displayName":null,"operatingSystem":"Windows 10",` +
		`"browser":"Edge 80.0.361","isCompliant":null,"isManaged":null,"trustType":null},"location":{"city":"Redmond","state":"Washington","countryOrRegion":"US",` +
		`"geoCoordinates":{"altitude":null,"latitude":47.68050003051758,"longitude":-122.12094116210938}},"appliedConditionalAccessPolicies":[` +
		`{"id":"de7e60eb-ed89-4d73-8205-2227def6b7c9","displayName":"SharePoint limited access for guest workers","enforcedGrantControls":[],"enforcedSessionControls":[],"result":"notEnabled"}]}`
	status := func(code int, reason string) []string {
		return []string{`"status":{"errorCode":0,"failureReason":null`, `"status":{"errorCode":` + strconv.Itoa(code) + `,"failureReason":"` + reason + `"`}
	}
	var out []json.RawMessage
	for i, change := range [][]string{
		nil,
		{`"isInteractive":true`, `"isInteractive":true,"authenticationRequirement":"singleFactorAuthentication"`},
		{`"isInteractive":true`, `"isInteractive":true,"authenticationProtocol":"deviceCode"`},
		{`"clientAppUsed":"Browser"`, `"clientAppUsed":"Other clients","userAgent":"BAV2ROPC","autonomousSystemNumber":64500`},
		status(50126, "Error validating credentials due to invalid username or password."),
		status(50053, "The account is locked, you've tried to sign in too many times with an incorrect user ID or password."),
		status(50057, "User account is disabled. The account has been disabled by an administrator."),
		status(50074, "Strong Authentication is required. (Strong Auth required)"),
		status(500121, "Authentication failed during strong authentication request."),
		status(50097, "Device authentication is required"),
		status(53003, "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."),
		status(50140, "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in."),
		status(65001, "The user or administrator has not consented to use the application."),
	} {
		text := strings.ReplaceAll(form, "NN", strconv.Itoa(10+i))
		if change != nil {
			text = strings.Replace(text, change[0], change[1], 1)
		}
		out = append(out, json.RawMessage(text))
	}
	return out
}

// AuditSamples are directory audits in the form of Graph's documented example;
// all of them are about jane.roe@acme.example or done by her.
func AuditSamples() []json.RawMessage {
	const form = `{"id":"Directory_NN_88453290","category":"CATEGORY","correlationId":"da159bfb-54fa-4092-8a38-6e1fa7870e30","result":"success","resultReason":"REASON",` +
		`"activityDisplayName":"ACTIVITY","activityDateTime":"2026-03-06T11:NN:02.7215374Z","loggedByService":"SERVICE","operationType":"Update","initiatedBy":{"user":{` +
		`"id":"728309ae-1a37-4937-9afe-e35d964db09b","displayName":"Audry Oliver","userPrincipalName":"jane.roe@acme.example","ipAddress":"192.0.2.60"},"app":null},` +
		`"targetResources":[TARGETS],"additionalDetails":[{"key":"User-Agent","value":"EvoSTS"}]}`
	const user = `{"id":"1f0e98f5-3161-4c6b-9b50-d488572f2bb7","displayName":null,"type":"User","modifiedProperties":[MODIFIED],"userPrincipalName":"jane.roe@acme.example"}`
	const app = `{"id":"ef7e527d-6c92-4234-8c6d-cf6fdfb57f95","displayName":"Post Planner","type":"ServicePrincipal","modifiedProperties":[]}`
	const role = `{"id":"ef7e527d-6c92-4234-8c6d-cf6fdfb57f95","displayName":"Helpdesk Administrator","type":"Role","modifiedProperties":[]}`
	var out []json.RawMessage
	for i, s := range []struct{ activity, category, service, reason, targets, modified string }{
		{"Add member to role", "RoleManagement", "Core Directory", "", user + "," + role, `{"displayName":"Role.DisplayName","oldValue":null,"newValue":"\"Helpdesk Administrator\""}`},
		{"Consent to application", "ApplicationManagement", "Core Directory", "", app, ""},
		{"Add delegated permission grant", "ApplicationManagement", "Core Directory", "", app, ""},
		{"Add app role assignment to service principal", "ApplicationManagement", "Core Directory", "", app, ""},
		{"User registered security info", "UserManagement", "Authentication Methods", "User registered Authenticator App with Code", user, ""},
		{"Admin registered security info", "UserManagement", "Authentication Methods", "Admin registered temporary access pass method for user", user, ""},
		{"Update user", "UserManagement", "Core Directory", "", user, `{"displayName":"StrongAuthenticationRequirement","oldValue":"[{\"State\":1}]","newValue":"[{\"State\":0}]"}`},
		{"Reset password (by admin)", "UserManagement", "Self-service Password Management", "None", user, ""},
		{"Add owner to application", "ApplicationManagement", "Core Directory", "", user + "," + app, ""},
		{"Update role setting in PIM", "RoleManagement", "PIM", "", role, ""},
	} {
		text := strings.NewReplacer("NN", strconv.Itoa(30+i), "CATEGORY", s.category, "REASON", s.reason, "ACTIVITY", s.activity, "SERVICE", s.service,
			"TARGETS", strings.Replace(s.targets, "MODIFIED", s.modified, 1)).Replace(form)
		out = append(out, json.RawMessage(text))
	}
	return out
}
