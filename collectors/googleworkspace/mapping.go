package googleworkspace

import (
	"encoding/json"
	"errors"
	"math"
	"net/netip"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/activity"
)

// activity maps an event of a guarded identity.
func (r *round) activity(it *item, e *event, i int, m meaning, identity string, fresh bool) (activity.Activity, error) {
	a := activity.Activity{
		ID: it.id(e, i), Network: Network, Account: identity, Kind: m.kind,
		Time: it.time, Seen: r.c.deps.Now().UTC(),
		Actor: it.actor(), Outcome: activity.Outcome{Result: "success", Reason: m.reason}, Raw: it.rawOf(e),
	}
	switch {
	case m.failed:
		a.Outcome.Result = "failure"
	case m.kind == activity.KindSession:
		a.Outcome.Result = "" // nobody attempted anything
	}
	if m.changed != "" {
		a.Changed = []string{m.changed}
	}
	switch m.kind {
	case activity.KindTokenGrant, activity.KindTokenRevoke:
		a.App = e.app()
	default: // others name no application
	}
	if ip, err := netip.ParseAddr(it.IP); err == nil {
		a.IP = ip.WithZone("").Unmap().String()
	}
	r.place(&a, it, fresh)
	return a, r.check(&a, fresh)
}

// place fills in where Google says that the address is.
func (r *round) place(a *activity.Activity, it *item, fresh bool) {
	if len(it.Network) == 0 {
		return
	}
	var n network
	if err := json.Unmarshal(it.Network, &n); err != nil {
		r.count(fresh, &r.counts.Partial)
		r.c.warnOnce("networkInfo", "networkInfo of Google's events is not of the documented type and is left out",
			zap.String("event", a.ID))
		return
	}
	if isCountry(n.Region) {
		a.Geo.Country = n.Region
	}
	a.Geo.Region = n.Subdivision
	if len(n.ASN) > 0 { // of several the first: an address has one network at a time
		if v := n.ASN[0]; v > 0 && v <= math.MaxUint32 && v == math.Trunc(v) {
			a.Geo.ASN = activity.Some(v)
		}
	}
}

// isCountry tells codes of two capital letters, but for the one of no country.
func isCountry(code string) bool {
	return len(code) == 2 && code != "ZZ" && code[0]-'A' <= 25 && code[1]-'A' <= 25
}

// check makes sure that the activity may be stored. A raw event that does not
// fit is left out, since the rest is what most rules look at.
func (r *round) check(a *activity.Activity, fresh bool) error {
	err := a.Validate()
	if field, ok := errors.AsType[*activity.FieldError](err); ok && field.Field == "raw" {
		r.count(fresh, &r.counts.RawDropped)
		r.c.deps.Log.Warn("event does not fit an activity; its raw form is left out",
			zap.String("source", r.c.cfg.Source), zap.String("event", a.ID), zap.Int("bytes", len(a.Raw)), zap.Error(err))
		a.Raw = nil
		err = a.Validate()
	}
	return err
}
