package reddit

import (
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Shows says what the API tells of an account that is read with this
// configuration.
func (c Config) Shows() collectors.Shows {
	s := collectors.Shows{
		Kinds: []activity.Kind{
			activity.KindPost, activity.KindRepost, activity.KindReply, activity.KindEdit, activity.KindDelete, activity.KindProfile, activity.KindFollowers,
		},
		Without: map[string]collectors.Lack{
			"actor":      {Why: "Reddit does not tell which of the people who use an account acted"},
			"app":        {Why: "Reddit does not tell with which app something was posted"},
			"ip":         {Why: "Reddit does not tell where a post came from"},
			"geo":        {Why: "Reddit does not tell where a post came from"},
			"device":     {Why: "Reddit does not tell with which device something was posted"},
			"user_agent": {Why: "Reddit does not tell with which device something was posted"},
			"lang":       {Why: "Reddit does not tell the language of a post"},
			"hashtags":   {Why: "Reddit has no hashtags"},
			"outcome":    {Why: "Reddit does not tell of attempts"},
		},
	}
	s.HideKinds(collectors.Lack{Why: "Reddit shows logins and sessions to the account's owner only, not to the API", Mend: "watch the identity provider that guards the people's e-mail, where password resets go"},
		activity.KindLogin, activity.KindLoginFailure, activity.KindLogout, activity.KindSession)
	s.HideKinds(collectors.Lack{Why: "the API shows no changes of password or second factor"}, activity.KindMFAChange, activity.KindPasswordChange)
	s.HideKinds(collectors.Lack{Why: "the API does not show which apps the account has authorised"}, activity.KindTokenGrant, activity.KindTokenRevoke)
	s.HideKinds(collectors.Lack{Why: "chat and private messages are not read"}, activity.KindMessage)
	if c.Mentions {
		s.Kinds = append(s.Kinds, activity.KindMention)
	} else {
		s.HideKinds(collectors.Lack{Why: "replies and mentions are not read", Mend: "set mentions: true; the grant needs the scope privatemessages"}, activity.KindMention)
	}
	if len(c.Moderates) > 0 {
		s.Kinds = append(s.Kinds, activity.KindRoleChange)
		delete(s.Without, "actor") // a change of moderators tells who made it
	} else {
		s.HideKinds(collectors.Lack{Why: "logs of moderators are not read", Mend: "set moderates to the subreddits that the account moderates; the grant needs the scope modlog"}, activity.KindRoleChange)
	}
	return s
}
