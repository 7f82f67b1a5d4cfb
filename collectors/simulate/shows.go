package simulate

import (
	"slices"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Shows says what a world tells of its accounts on a network, or of its
// identities, whose network is that of an identity provider. A network that no
// world has shows nothing.
func (Live) Shows(on string) collectors.Shows {
	if on == provider {
		return collectors.Shows{Kinds: []activity.Kind{
			activity.KindLogin, activity.KindLoginFailure,
			activity.KindMFAChange, activity.KindPasswordChange, activity.KindRoleChange,
		}}
	}
	cat := newCatalogue()
	i := slices.IndexFunc(cat.networks, func(n network) bool { return n.name == on })
	if i < 0 {
		return collectors.Shows{}
	}
	n := &cat.networks[i]
	s := collectors.Shows{Kinds: []activity.Kind{
		activity.KindPost, activity.KindReply, activity.KindDelete, activity.KindMention,
		activity.KindFollowers, activity.KindProfile, activity.KindApproval,
	}}
	if n.boost {
		s.Kinds = append(s.Kinds, activity.KindRepost)
	}
	if n.edits {
		s.Kinds = append(s.Kinds, activity.KindEdit)
	} else {
		s.HideKinds(collectors.Lack{Why: on + " has no edits"}, activity.KindEdit)
	}
	if n.app {
		s.Kinds = append(s.Kinds, activity.KindTokenGrant)
	} else {
		s.HideKinds(collectors.Lack{Why: on + " does not show which apps have access"}, activity.KindTokenGrant, activity.KindTokenRevoke)
		s.Without = map[string]collectors.Lack{"app": {Why: on + " does not tell the app of a post"}}
	}
	s.HideKinds(collectors.Lack{Why: on + " shows no logins"}, activity.KindLogin, activity.KindLoginFailure, activity.KindLogout, activity.KindSession)
	return s
}
