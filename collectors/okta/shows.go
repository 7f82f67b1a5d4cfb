package okta

import (
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Shows says what Okta's log tells of an identity, whatever the configuration.
func (Config) Shows() collectors.Shows {
	return collectors.Shows{
		Kinds: []activity.Kind{
			activity.KindLogin, activity.KindLoginFailure, activity.KindLogout, activity.KindSession,
			activity.KindTokenGrant, activity.KindTokenRevoke,
			activity.KindMFAChange, activity.KindPasswordChange, activity.KindRoleChange,
		},
	}
}
