package github

import (
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Shows says what the log tells of an identity. It makes no request.
func (c Config) Shows() collectors.Shows {
	country := collectors.Lack{Why: "GitHub tells the country of an address, not its place", Mend: "configure a geography database (enrich)"}
	network := collectors.Lack{Why: "GitHub does not tell whose network an address is of", Mend: "configure a database of networks (enrich)"}
	s := collectors.Shows{
		Kinds: []activity.Kind{
			activity.KindLogin, activity.KindSession, activity.KindTokenGrant, activity.KindTokenRevoke, activity.KindRoleChange,
		},
		Without: map[string]collectors.Lack{
			"device":         {Why: "GitHub does not tell the device"},
			"outcome.reason": {Why: "GitHub does not tell why a login failed"},
			"geo.city":       country, "geo.region": country, "geo.lat": country, "geo.lon": country,
			"geo.asn": network, "geo.as_org": network, "geo.proxy": network,
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
