package entra

import (
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Shows says what Entra's logs tell of an identity.
func (c Config) Shows() collectors.Shows {
	s := collectors.Shows{
		Kinds: []activity.Kind{
			activity.KindLogin, activity.KindLoginFailure, activity.KindLogout, activity.KindSession,
			activity.KindTokenGrant, activity.KindTokenRevoke,
			activity.KindMFAChange, activity.KindPasswordChange, activity.KindRoleChange,
		},
		Without: map[string]collectors.Lack{
			"geo.as_org": {Why: "Microsoft does not tell whose network an address is of", Mend: "configure a database of networks (enrich)"},
			"geo.proxy":  {Why: "Microsoft does not tell proxies", Mend: "configure a database of networks (enrich)"},
			"geo.asn":    {Why: "version v1.0 of Microsoft Graph does not tell whose network an address is of", Mend: "configure a database of networks (enrich)"},
			"user_agent": {Why: "version v1.0 of Microsoft Graph does not tell the user agent of a sign-in"},
		},
	}
	if c.NoSignIns {
		s.Kinds = []activity.Kind{
			activity.KindLogout, activity.KindTokenGrant, activity.KindTokenRevoke,
			activity.KindMFAChange, activity.KindPasswordChange, activity.KindRoleChange,
		}
		lack := collectors.Lack{Why: "sign-ins are not read", Mend: "set sign_ins: true, with Microsoft Entra ID P1 or P2"}
		s.Without["device"], s.Without["geo"] = lack, lack // audits tell neither
		s.HideKinds(lack, activity.KindLogin, activity.KindLoginFailure, activity.KindSession)
	}
	return s
}
