package mastodontest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

func TestTokens(t *testing.T) {
	const list, other = "/api/v1/tokens", "/api/oauth_tokens"
	rows := []struct {
		software, path, token string
		status                int
		says                  string
	}{
		{"", list, "own", 404, "null"},
		{"", other, "own", 404, "null"},
		{mastodontest.GoToSocial, list, "", 401, "token not supplied"},
		{mastodontest.GoToSocial, list, "app", 401, "token not supplied"},
		{mastodontest.GoToSocial, list, "statuses", 403, "outside the authorized scopes"},
		{mastodontest.GoToSocial, list, "narrow", 200, `{"application":{"name":"Planner","website":"https://planner.example"},"created_at":"2026-03-06T11:00:00.000Z","id":"`},
		{mastodontest.GoToSocial, list, "own", 200, `"name":"` + mastodontest.AskingApp + `"`},
		{mastodontest.GoToSocial, list + "?limit=1", "own", 200, `[{"application":{"name":"` + mastodontest.AskingApp},
		{mastodontest.GoToSocial, other, "own", 404, "null"},
		{mastodontest.Pleroma, other, "statuses", 200, `{"app_name":"Planner","id":`},
		{mastodontest.Pleroma, other, "", 401, "token not supplied"},
		{mastodontest.Pleroma, list, "own", 404, "null"},
	}
	for _, row := range rows {
		r := newRig(t, mastodontest.Options{Software: row.software})
		r.srv.Grant("acme", mastodontest.Grant{App: "Planner", Website: "https://planner.example", Scope: "write", At: r.now.Add(-time.Hour)})
		r.srv.Grant("acme", mastodontest.Grant{App: "Revoked"})
		r.srv.Revoke("acme", "Revoked")
		status, _, body := r.get(row.path, row.token)
		text, err := json.Marshal(body)
		if err != nil || status != row.status || !strings.Contains(string(text), row.says) || strings.Contains(string(text), "Revoked") {
			t.Errorf("%q: %s with %q: status %d, %s; want %d and %s", row.software, row.path, row.token, status, text, row.status, row.says)
		}
	}
}
