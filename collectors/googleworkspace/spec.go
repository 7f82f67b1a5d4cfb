package googleworkspace

import (
	"context"

	"github.com/picketd/picket/collectors"
)

// Spec describes the collector to the configuration.
func Spec() collectors.Spec {
	return collectors.Spec{
		Name: Network, Title: "Google Workspace", Multi: true,
		Credential: []collectors.Key{
			{Name: "service_account", Type: collectors.KeyDocument, Required: true, Help: "the JSON key of a service account with domain-wide delegation, whole"},
			{Name: "admin_email", Type: collectors.KeyText, Required: true, Check: checkEmail, Help: "the address of an administrator with the privilege Reports, such as reports@acme.example"},
			{Name: "base_url", Type: collectors.KeyURL, Default: DefaultBaseURL, Help: "where the Admin SDK answers, such as " + DefaultBaseURL},
		},
		Own: []collectors.Key{
			{
				Name: "identity", Type: collectors.KeyText, Default: IdentityEmailLocal, Choices: []string{IdentityEmailLocal, IdentityLogin},
				Help: "which part of a user's address names the identity: email_local, jane.roe, or login, jane.roe@acme.example",
			},
			{Name: "overlap", Type: collectors.KeyDuration, Default: "4h", Least: 60, Most: 48 * 3600, Help: "how long events may turn up late, such as 4h"},
			{Name: "backfill", Type: collectors.KeyDuration, Default: "720h", Least: 3600, Most: 179 * 24 * 3600, Help: "how much history the first connection reads, such as 720h"},
		},
		Lag: Lag, Endpoint: Endpoint,
		New: func(s collectors.Setting, deps collectors.Deps) (collectors.Collector, error) {
			return New(configOf(s), deps)
		},
		Shows: func(s collectors.Setting) collectors.Shows { return configOf(s).Shows() },
		Verify: func(ctx context.Context, s collectors.Setting, deps collectors.Deps) (collectors.Seen, error) {
			c, err := New(configOf(s), deps)
			if err != nil {
				return collectors.Seen{}, err
			}
			return c.Verify(ctx)
		},
		Guide:   guide,
		Limits:  "2,400 requests a minute per user and project, 250 of them filtered; 180 days kept; events up to hours late",
		Hides:   "sessions gone on with from stolen cookies, device, user agent, city; single wrong passwords before a right one; logins at others' services (SAML)",
		Library: "google.golang.org/api, golang.org/x/oauth2",
	}
}

func configOf(s collectors.Setting) Config {
	accept := s.Accept
	if accept == nil { // picket connect asks before any account is configured
		accept = func(string) bool { return false }
	}
	return Config{
		Source: s.Source, BaseURL: s.Text("base_url"), ServiceAccount: s.Secret("service_account"), AdminEmail: s.Text("admin_email"),
		Accept: accept, Identity: s.Text("identity"), Overlap: s.Duration("overlap"), Backfill: s.Duration("backfill"),
	}
}

const guide = `1. Google Cloud console: make a project, enable the Admin SDK API, and make a
   service account in it without any role. Under Keys add one as JSON.
2. Admin console, Security, Access and data control, API controls, Domain-wide
   delegation: add the service account's client id with this one scope:
   https://www.googleapis.com/auth/admin.reports.audit.readonly
   It may take a day to work.
3. Admin console, Account, Admin roles: make a role with the one privilege
   Reports, and give it to a user of its own. That is admin_email.
4. Give the JSON file as service_account, and delete the copy it came from.`
