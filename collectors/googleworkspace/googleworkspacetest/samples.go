package googleworkspacetest

import "encoding/json"

// Samples are records in the form of Google's documented examples, with other
// names and addresses: what its pages on the login, token and admin reports show,
// and one record of each event that public rules look for. They are of one hour,
// all of them by or about jane.roe@acme.example.
func Samples() []json.RawMessage {
	record := func(minute, app, actor, events string) json.RawMessage {
		return json.RawMessage(`{"kind":"audit#activity","id":{"time":"2026-03-06T11:` + minute + `:18.460Z","uniqueQualifier":"-90640000000000` + minute +
			`","applicationName":"` + app + `","customerId":"C03az79cb"},"etag":"\"sample-` + minute + `\"","actor":{"callerType":"USER","email":"` + actor +
			`","profileId":"103538000000000000000"},"ownerDomain":"acme.example","ipAddress":"192.0.2.17",` +
			`"networkInfo":{"ipAsn":[64500],"regionCode":"DE","subdivisionCode":"DE-BE"},"events":[` + events + `]}`)
	}
	const jane, boss = "jane.roe@acme.example", "jane.roe@acme.example"
	return []json.RawMessage{
		record("01", "login", jane, `{"type":"login","name":"login_success","parameters":[{"name":"login_type","value":"google_password"},{"name":"login_challenge_method","multiValue":["password","security_key"]},{"name":"is_suspicious","boolValue":false}]}`),
		record("02", "login", jane, `{"type":"login","name":"login_failure","parameters":[{"name":"login_type","value":"google_password"},{"name":"login_failure_type","value":"login_failure_invalid_password"},{"name":"login_challenge_method","multiValue":["password"]}]}`),
		record("03", "login", jane, `{"type":"account_warning","name":"suspicious_login","parameters":[{"name":"affected_email_address","value":"jane.roe@acme.example"},{"name":"login_timestamp","intValue":"1772794998000000"}]}`),
		record("04", "login", jane, `{"type":"attack_warning","name":"gov_attack_warning"}`),
		record("05", "login", jane, `{"type":"email_forwarding_change","name":"email_forwarding_out_of_domain","parameters":[{"name":"email_forwarding_destination_address","value":"drop@mail.example"}]}`),
		record("06", "login", jane, `{"type":"2sv_change","name":"2sv_disable"}`),
		record("07", "token", jane, `{"type":"auth","name":"authorize","parameters":[{"name":"client_id","value":"407408718192.apps.googleusercontent.example"},{"name":"app_name","value":"Post Planner"},{"name":"scope","multiValue":["https://www.googleapis.com/auth/gmail.readonly"]},{"name":"client_type","value":"WEB"},{"name":"scope_data","multiMessageValue":[{"parameter":[{"name":"scope_name","value":"https://www.googleapis.com/auth/gmail.readonly"},{"name":"product_bucket","multiValue":["GMAIL"]}]}]}]}`),
		record("08", "admin", boss, `{"type":"DELEGATED_ADMIN_SETTINGS","name":"ASSIGN_ROLE","parameters":[{"name":"ROLE_NAME","value":"_SEED_ADMIN_ROLE"},{"name":"USER_EMAIL","value":"jane.roe@acme.example"},{"name":"ROLE_ID","value":"10353805000000000"}]}`),
		record("09", "admin", boss, `{"type":"USER_SETTINGS","name":"GRANT_ADMIN_PRIVILEGE","parameters":[{"name":"USER_EMAIL","value":"jane.roe@acme.example"}]}`),
		record("10", "admin", boss, `{"type":"DELEGATED_ADMIN_SETTINGS","name":"DELETE_ROLE","parameters":[{"name":"ROLE_NAME","value":"Helpdesk"},{"name":"ROLE_ID","value":"10353805000000001"}]}`),
		record("11", "admin", boss, `{"type":"DELEGATED_ADMIN_SETTINGS","name":"REMOVE_PRIVILEGE","parameters":[{"name":"ROLE_NAME","value":"Helpdesk"},{"name":"PRIVILEGE_NAME","value":"USERS_RETRIEVE"}]}`),
		record("12", "admin", boss, `{"type":"DOMAIN_SETTINGS","name":"AUTHORIZE_API_CLIENT_ACCESS","parameters":[{"name":"DOMAIN_NAME","value":"acme.example"},{"name":"API_CLIENT_NAME","value":"100000000000000000042"},{"name":"API_SCOPES","multiValue":["https://www.googleapis.com/auth/admin.directory.user"]}]}`),
		record("13", "admin", boss, `{"type":"DOMAIN_SETTINGS","name":"REMOVE_APPLICATION","parameters":[{"name":"DOMAIN_NAME","value":"acme.example"},{"name":"APPLICATION_NAME","value":"Post Planner"}]}`),
		record("14", "admin", boss, `{"type":"SECURITY_SETTINGS","name":"ENFORCE_STRONG_AUTHENTICATION","parameters":[{"name":"DOMAIN_NAME","value":"acme.example"},{"name":"OLD_VALUE","value":"true"},{"name":"NEW_VALUE","value":"false"}]}`),
		record("15", "admin", boss, `{"type":"APPLICATION_SETTINGS","name":"CHANGE_APPLICATION_SETTING","parameters":[{"name":"APPLICATION_NAME","value":"Security"},{"name":"SETTING_NAME","value":"ContextAwareAccess APP_ASSIGNMENTS"},{"name":"NEW_VALUE","value":"[]"}]}`),
		record("16", "admin", boss, `{"type":"USER_SETTINGS","name":"CHANGE_PASSWORD","parameters":[{"name":"USER_EMAIL","value":"jane.roe@acme.example"}]},{"type":"USER_SETTINGS","name":"TURN_OFF_2_STEP_VERIFICATION","parameters":[{"name":"USER_EMAIL","value":"jane.roe@acme.example"}]}`),
	}
}
