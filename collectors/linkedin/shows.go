package linkedin

import (
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Shows says what LinkedIn's API tells of a page that is read with this
// configuration.
func (c Config) Shows() collectors.Shows {
	s := collectors.Shows{
		Kinds: []activity.Kind{
			activity.KindPost, activity.KindRepost, activity.KindEdit, activity.KindDelete, activity.KindProfile, activity.KindFollowers,
		},
		Without: map[string]collectors.Lack{
			"app":        {Why: "LinkedIn does not tell with which app something was posted"},
			"actor":      {Why: "LinkedIn does not tell which of a page's admins acted"},
			"ip":         {Why: "LinkedIn does not tell where a post came from"},
			"geo":        {Why: "LinkedIn does not tell where a post came from"},
			"device":     {Why: "LinkedIn does not tell with which device something was posted"},
			"user_agent": {Why: "LinkedIn does not tell with which device something was posted"},
			"lang":       {Why: "LinkedIn does not tell the language of a post"},
			"outcome":    {Why: "LinkedIn does not tell of attempts"},
		},
	}
	s.HideKinds(collectors.Lack{Why: "LinkedIn's API shows no logins", Mend: "watch the identity provider that guards the admins' mail accounts"},
		activity.KindLogin, activity.KindLoginFailure, activity.KindLogout, activity.KindSession, activity.KindMFAChange, activity.KindPasswordChange)
	s.HideKinds(collectors.Lack{Why: "LinkedIn's API does not show which apps act for a page"}, activity.KindTokenGrant, activity.KindTokenRevoke)
	s.HideKinds(collectors.Lack{Why: "messages of a page are not read"}, activity.KindMessage)
	choose(&s, c.People, collectors.Lack{Why: "who has a role on the page is not read", Mend: "set people: true; the token's member must be a super admin"}, activity.KindRoleChange)
	choose(&s, c.Mentions, collectors.Lack{Why: "comments are not read", Mend: "set mentions: true; the token needs r_organization_social_feed"}, activity.KindMention, activity.KindReply)
	return s
}

// choose lists kinds as shown, or hides them for a reason.
func choose(s *collectors.Shows, shown bool, lack collectors.Lack, kinds ...activity.Kind) {
	if shown {
		s.Kinds = append(s.Kinds, kinds...)
		return
	}
	s.HideKinds(lack, kinds...)
}
