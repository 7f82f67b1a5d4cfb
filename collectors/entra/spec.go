package entra

import (
	"context"

	"github.com/picketd/picket/collectors"
)

// Spec describes the collector to the configuration.
func Spec() collectors.Spec {
	return collectors.Spec{
		Name: Network, Title: "Microsoft Entra ID", Multi: true,
		Credential: []collectors.Key{
			{Name: "tenant", Type: collectors.KeyText, Required: true, Check: checkTenant, Help: "the tenant's id or one of its domains, such as acme.onmicrosoft.com"},
			{Name: "client_id", Type: collectors.KeyText, Required: true, Check: checkClientID, Help: "the application (client) id, such as 11111111-2222-3333-4444-555555555555"},
			{Name: "client_secret", Type: collectors.KeySecret, Required: true, Help: "the value of a client secret of that application"},
			{Name: "base_url", Type: collectors.KeyURL, Default: DefaultBaseURL, Help: "where Microsoft Graph answers, such as " + DefaultBaseURL},
			{Name: "login_url", Type: collectors.KeyURL, Default: DefaultLoginURL, Help: "where tokens are given, such as " + DefaultLoginURL},
		},
		Own: []collectors.Key{
			{
				Name: "identity", Type: collectors.KeyText, Default: IdentityEmailLocal, Choices: []string{IdentityEmailLocal, IdentityLogin, IdentityID},
				Help: "which part of a user names the identity: email_local, jane.roe, login, jane.roe@acme.example, or id, the object id",
			},
			{Name: "sign_ins", Type: collectors.KeyTruth, Default: "true", Help: "whether sign-ins are read, which needs Microsoft Entra ID P1 or P2: true or false"},
			{Name: "overlap", Type: collectors.KeyDuration, Default: "3h", Least: 60, Most: 48 * 3600, Help: "how long events may turn up late, such as 3h"},
			{Name: "backfill", Type: collectors.KeyDuration, Default: "696h", Least: 3600, Most: 719 * 3600, Help: "how much history the first connection reads, such as 696h"},
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
		Limits:  "5 requests in 10 seconds per application and tenant, kept by Picket itself; sign-ins need P1 or P2; 30 days kept (7 without)",
		Hides:   "non-interactive, service principal and managed identity sign-ins (Graph's beta only); risk that is found after a sign-in",
		Library: "net/http",
	}
}

func configOf(s collectors.Setting) Config {
	accept := s.Accept
	if accept == nil { // picket connect asks before any account is configured
		accept = func(string) bool { return false }
	}
	return Config{
		Source: s.Source, BaseURL: s.Text("base_url"), LoginURL: s.Text("login_url"), Tenant: s.Text("tenant"),
		ClientID: s.Text("client_id"), ClientSecret: s.Secret("client_secret"), NoSignIns: s.Text("sign_ins") == "false",
		Accept: accept, Identity: s.Text("identity"), Overlap: s.Duration("overlap"), Backfill: s.Duration("backfill"),
	}
}

const guide = `1. Entra admin center, App registrations: register an application of this
   tenant alone. Its Application (client) ID is client_id.
2. API permissions: add the application permission AuditLog.Read.All of
   Microsoft Graph, remove User.Read, and grant admin consent. Add
   Directory.Read.All only where Graph still refuses.
3. Certificates and secrets: make a client secret. Its value is client_secret;
   note when it ends.
4. Sign-ins need Microsoft Entra ID P1 or P2. Without it, set sign_ins: false;
   the directory's audits are read all the same.`
