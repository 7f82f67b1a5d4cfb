package mastodon

import (
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Shows says what a server tells of an account that is read with this
// configuration. Whether a token is the account's own is not known before it is
// used; it is taken for its own here.
func (c Config) Shows() collectors.Shows {
	const own = "a token of the account"
	s := collectors.Shows{
		Kinds: []activity.Kind{
			activity.KindPost, activity.KindRepost, activity.KindReply, activity.KindProfile, activity.KindFollowers,
		},
		Without: map[string]collectors.Lack{
			"actor":      {Why: "Mastodon does not tell which of several people posted"},
			"ip":         {Why: "Mastodon does not tell where a post came from"},
			"geo":        {Why: "Mastodon does not tell where a post came from"},
			"device":     {Why: "Mastodon does not tell with which device something was posted"},
			"user_agent": {Why: "Mastodon does not tell with which device something was posted"},
		},
	}
	s.HideKinds(collectors.Lack{Why: "Mastodon shows no logins"},
		activity.KindLogin, activity.KindLoginFailure, activity.KindLogout, activity.KindSession)
	// Which software a server runs is not known here. Where it does have a list,
	// its first one comes as history, and what has come counts as seen.
	apps := collectors.Lack{Why: "this server has shown no list of the apps that have access (Mastodon has none)"}
	if c.Token == "" {
		apps = collectors.Lack{
			Why:  "no server shows without a token which apps have access (Mastodon has no list of them at all)",
			Mend: "give the credential " + own + ", where the server is GoToSocial, Pleroma or Akkoma",
		}
	}
	s.HideKinds(apps, activity.KindTokenGrant, activity.KindTokenRevoke)
	s.HideKinds(collectors.Lack{Why: "Mastodon shows no changes of password, second factor or roles"},
		activity.KindMFAChange, activity.KindPasswordChange, activity.KindRoleChange)
	if c.Token == "" {
		s.Without["app"] = collectors.Lack{Why: "Mastodon tells the app of a post to the account itself only", Mend: "give the credential " + own}
		s.HideKinds(collectors.Lack{Why: "Mastodon shows direct messages to the account itself only", Mend: "give the credential " + own}, activity.KindMessage)
	} else {
		s.Kinds = append(s.Kinds, activity.KindMessage)
	}
	if c.Watch < 0 {
		s.HideKinds(collectors.Lack{Why: "edits and deletions are not looked for", Mend: "set watch above 0"}, activity.KindEdit, activity.KindDelete)
	} else {
		s.Kinds = append(s.Kinds, activity.KindEdit, activity.KindDelete)
	}
	switch {
	case c.Mentions:
		s.Kinds = append(s.Kinds, activity.KindMention)
	case c.Token == "":
		s.HideKinds(collectors.Lack{Why: "Mastodon shows mentions to the account itself only", Mend: "give the credential " + own + ", and set mentions: true"}, activity.KindMention)
	default:
		s.HideKinds(collectors.Lack{Why: "mentions are not read", Mend: "set mentions: true"}, activity.KindMention)
	}
	return s
}
