package x

import (
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Shows says what X tells of an account that is read with this configuration.
func (c Config) Shows() collectors.Shows {
	s := collectors.Shows{
		Kinds: []activity.Kind{
			activity.KindPost, activity.KindRepost, activity.KindReply, activity.KindEdit,
			activity.KindProfile, activity.KindFollowers,
		},
		Without: map[string]collectors.Lack{
			"app":        {Why: "X stopped telling the app of a post in December 2022"},
			"actor":      {Why: "X does not tell which of several people posted"},
			"ip":         {Why: "X does not tell where a post came from"},
			"geo":        {Why: "X does not tell where a post came from"},
			"device":     {Why: "X does not tell with which device something was posted"},
			"user_agent": {Why: "X does not tell with which device something was posted"},
		},
	}
	s.HideKinds(collectors.Lack{Why: "X shows no logins"},
		activity.KindLogin, activity.KindLoginFailure, activity.KindLogout, activity.KindSession)
	s.HideKinds(collectors.Lack{Why: "X does not show which apps have access"}, activity.KindTokenGrant, activity.KindTokenRevoke)
	s.HideKinds(collectors.Lack{Why: "X shows no changes of password, second factor or roles"},
		activity.KindMFAChange, activity.KindPasswordChange, activity.KindRoleChange)
	if c.DirectMessages {
		s.Kinds = append(s.Kinds, activity.KindMessage)
	} else {
		s.HideKinds(collectors.Lack{
			Why:  "direct messages are not read",
			Mend: "set direct_messages: true, with a credential of the account's own four secrets",
		}, activity.KindMessage)
	}
	if c.Rehydrate < 0 && c.Activity == "" {
		s.HideKinds(collectors.Lack{Why: "deletions are not looked for", Mend: "set rehydrate above 0"}, activity.KindDelete)
	} else {
		s.Kinds = append(s.Kinds, activity.KindDelete)
	}
	if c.Mentions {
		s.Kinds = append(s.Kinds, activity.KindMention)
	} else {
		s.HideKinds(collectors.Lack{Why: "mentions are not read", Mend: "set mentions: true"}, activity.KindMention)
	}
	return s
}
