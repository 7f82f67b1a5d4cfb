package bluesky

import (
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Shows says what Bluesky tells of an account that is read with this
// configuration. Whether the session is shown app passwords is not known before
// it asks; it is taken for one here.
func (c Config) Shows() collectors.Shows {
	const password = "give the credential an app_password of the account"
	s := collectors.Shows{
		Kinds: []activity.Kind{
			activity.KindPost, activity.KindRepost, activity.KindReply, activity.KindEdit, activity.KindDelete, activity.KindProfile,
		},
		Without: map[string]collectors.Lack{
			"actor":      {Why: "Bluesky does not tell which of several people, or which app password, posted"},
			"app":        {Why: "Bluesky does not tell with which app something was posted"},
			"ip":         {Why: "Bluesky does not tell where a post came from"},
			"geo":        {Why: "Bluesky does not tell where a post came from"},
			"device":     {Why: "Bluesky does not tell with which device something was posted"},
			"user_agent": {Why: "Bluesky does not tell with which device something was posted"},
		},
	}
	s.HideKinds(collectors.Lack{Why: "Bluesky shows no logins"},
		activity.KindLogin, activity.KindLoginFailure, activity.KindLogout, activity.KindSession)
	s.HideKinds(collectors.Lack{Why: "Bluesky shows no changes of password or second factor, and has no roles"},
		activity.KindMFAChange, activity.KindPasswordChange, activity.KindRoleChange)
	s.HideKinds(collectors.Lack{Why: "direct messages are not read: they take an app password that may also send them"}, activity.KindMessage)
	if c.AppView == none {
		s.HideKinds(collectors.Lack{Why: "no app view is asked", Mend: "leave app_view away"}, activity.KindFollowers)
	} else {
		s.Kinds = append(s.Kinds, activity.KindFollowers)
	}
	if c.Password == "" {
		s.HideKinds(collectors.Lack{Why: "Bluesky shows app passwords to the account itself only", Mend: password},
			activity.KindTokenGrant, activity.KindTokenRevoke)
	} else {
		// The app of a grant is the app password's name.
		delete(s.Without, "app")
		s.Kinds = append(s.Kinds, activity.KindTokenGrant, activity.KindTokenRevoke)
	}
	switch {
	case c.Mentions:
		s.Kinds = append(s.Kinds, activity.KindMention)
	case c.Password == "":
		s.HideKinds(collectors.Lack{Why: "Bluesky shows notifications to the account itself only", Mend: password + ", and set mentions: true"}, activity.KindMention)
	default:
		s.HideKinds(collectors.Lack{Why: "mentions are not read", Mend: "set mentions: true"}, activity.KindMention)
	}
	return s
}
