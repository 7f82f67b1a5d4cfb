package metagraph

import (
	"fmt"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// CredentialKeys are the keys of a credential of Meta's networks.
func CredentialKeys(base string) []collectors.Key {
	return []collectors.Key{
		{Name: "token", Type: collectors.KeySecret, Required: true, Help: "an access token, best of a system user, such as {file: /run/secrets/meta}"},
		{Name: "app_secret", Type: collectors.KeySecret, Help: "the secret of the token's app; with it each request carries appsecret_proof"},
		{Name: "base_url", Type: collectors.KeyURL, Default: base, Help: "where the Graph API is, such as " + base},
		{Name: "api_version", Type: collectors.KeyText, Default: DefaultVersion, Check: CheckVersion, Help: "the version of the Graph API, such as " + DefaultVersion},
	}
}

// OptionKeys are the keys of an account of Meta's networks. What calls its
// items "posts".
func OptionKeys(what string) []collectors.Key {
	return []collectors.Key{
		{
			Name: "watch", Type: collectors.KeyNumber, Default: fmt.Sprint(DefaultWatch), Least: -1, Most: MaxWatch,
			Help: "how many of the newest " + what + " are read again every ten minutes for edits and deletions, -1 for none",
		},
		{
			Name: "backfill", Type: collectors.KeyNumber, Default: fmt.Sprint(DefaultBackfill), Least: 1, Most: MaxBackfill,
			Help: "how many " + what + " of history the first connection reads",
		},
		{
			Name: "overlap", Type: collectors.KeyDuration, Default: DefaultOverlap.String(), Least: 1, Most: int64(MaxOverlap.Seconds()),
			Help: "how long before the last poll " + what + " are read again, such as 15m",
		},
		{
			Name: "page_size", Type: collectors.KeyNumber, Default: fmt.Sprint(DefaultPageSize), Least: 1, Most: MaxPageSize,
			Help: "how many " + what + " a request asks for; fewer where Meta answers code 1",
		},
	}
}

// OptionsOf reads what stands at OptionKeys.
func OptionsOf(s collectors.Setting) Options {
	return Options{Watch: s.Number("watch"), Backfill: s.Number("backfill"), Overlap: s.Duration("overlap"), PageSize: s.Number("page_size")}
}

// AccessOf reads what stands at CredentialKeys.
func AccessOf(s collectors.Setting) Access {
	return Access{BaseURL: s.Text("base_url"), Version: s.Text("api_version"), Token: s.Secret("token"), AppSecret: s.Secret("app_secret")}
}

// Choose lists kinds as shown, or hides them for a reason.
func Choose(s *collectors.Shows, shown bool, lack collectors.Lack, kinds ...activity.Kind) {
	if shown {
		s.Kinds = append(s.Kinds, kinds...)
		return
	}
	s.HideKinds(lack, kinds...)
}
