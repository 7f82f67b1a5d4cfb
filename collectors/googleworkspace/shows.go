package googleworkspace

import (
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Shows says what Google's logs tell of an identity, whatever the configuration.
func (Config) Shows() collectors.Shows {
	noDevice := collectors.Lack{Why: "Google's login, token and admin logs name neither device nor user agent"}
	return collectors.Shows{
		Kinds: []activity.Kind{
			activity.KindLogin, activity.KindLoginFailure, activity.KindLogout, activity.KindSession,
			activity.KindTokenGrant, activity.KindTokenRevoke,
			activity.KindMFAChange, activity.KindPasswordChange, activity.KindRoleChange,
		},
		Without: map[string]collectors.Lack{
			"device": noDevice, "user_agent": noDevice,
			"geo.city":   {Why: "Google tells country, subdivision and network of an address, not its city"},
			"geo.lat":    {Why: "Google tells country, subdivision and network of an address, not its place", Mend: "configure a geography database (enrich)"},
			"geo.lon":    {Why: "Google tells country, subdivision and network of an address, not its place", Mend: "configure a geography database (enrich)"},
			"geo.as_org": {Why: "Google tells the number of a network, not its name", Mend: "configure a database of networks (enrich)"},
			"geo.proxy":  {Why: "Google does not tell proxies", Mend: "configure a database of networks (enrich)"},
		},
	}
}
