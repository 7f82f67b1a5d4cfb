package file

import (
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
)

// Shows says what comes of a file that is followed: whatever is written to it,
// or approvals.
func (c Config) Shows() collectors.Shows {
	if c.Content == intake.Approvals {
		return collectors.Shows{Kinds: []activity.Kind{activity.KindApproval}}
	}
	return collectors.Shows{Any: true}
}

// ArchiveShows says what the data archive that X gives to the owner of an
// account tells of it.
func ArchiveShows() collectors.Shows {
	s := collectors.Shows{
		Kinds: []activity.Kind{
			activity.KindPost, activity.KindRepost, activity.KindReply, activity.KindEdit, activity.KindDelete,
			activity.KindLogin, activity.KindProfile,
		},
		Without: map[string]collectors.Lack{
			"changed":    {Why: "the archive tells the profile as it was when the archive was made, and no change of it"},
			"actor":      {Why: "the archive does not tell which of several people acted"},
			"geo":        {Why: "the archive tells the IP address of a login, and not where that is", Mend: "name MaxMind DB files under enrich"},
			"device":     {Why: "the archive does not tell with which device somebody logged in"},
			"user_agent": {Why: "the archive does not tell with which device somebody logged in"},
		},
	}
	s.HideKinds(collectors.Lack{Why: "the archive shows no failed logins"}, activity.KindLoginFailure)
	s.HideKinds(collectors.Lack{Why: "the archive does not tell when an app was given access"}, activity.KindTokenGrant, activity.KindTokenRevoke)
	s.HideKinds(collectors.Lack{Why: "the archive shows no changes of password, second factor or roles"},
		activity.KindMFAChange, activity.KindPasswordChange, activity.KindRoleChange)
	return s
}
