package github

import (
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Shows says what the log tells of an identity. It makes no request.
func (c Config) Shows() collectors.Shows {
	s := collectors.Shows{
		Kinds: []activity.Kind{
			activity.KindLogin, activity.KindSession, activity.KindTokenGrant, activity.KindTokenRevoke, activity.KindRoleChange,
		},
	}
	own := []activity.Kind{activity.KindLoginFailure, activity.KindLogout, activity.KindMFAChange, activity.KindPasswordChange}
	if c.Enterprise != "" {
		s.Kinds = append(s.Kinds, own...)
		return s
	}
	s.HideKinds(collectors.Lack{
		Why:  "an organisation's audit log tells no more of logins than answers of its single sign-on",
		Mend: "read the log of the enterprise (enterprise in place of org), which has them of managed users",
	}, own...)
	return s
}
