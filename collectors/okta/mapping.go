package okta

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"strings"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// activity maps an event of a guarded identity.
func (r *round) activity(e *event, kind activity.Kind, changed, identity string, fresh bool) (activity.Activity, error) {
	a := activity.Activity{
		ID: e.UUID, Network: Network, Account: identity, Kind: kind,
		Time: e.published, Seen: r.c.deps.Now().UTC(),
		Actor: e.actor(), App: e.app(), Outcome: e.outcome(), Raw: e.raw,
	}
	if changed != "" {
		a.Changed = []string{changed}
	}
	partial := false
	part := func(name string, raw json.RawMessage, into any) {
		if len(raw) == 0 {
			return
		}
		if err := json.Unmarshal(raw, into); err != nil {
			partial = true
			r.warnPart(name, e.UUID, err)
		}
	}
	var from client
	part("client", e.Client, &from)
	var dev device
	part("device", e.Device, &dev)
	var sec security
	part("securityContext", e.Security, &sec)
	if partial {
		r.count(fresh, &r.counts.Partial)
	}
	if ip, err := netip.ParseAddr(from.IPAddress); err == nil {
		a.IP = ip.WithZone("").Unmap().String()
	}
	a.UserAgent = known(from.UserAgent.Raw)
	a.Device = known(dev.Name)
	a.Device = cmp.Or(a.Device, known(from.Device))
	r.place(&a.Geo, &from, fresh)
	sec.place(&a.Geo)
	return a, r.check(&a, fresh)
}

// warnPart logs once of each field that it is not as documented.
func (r *round) warnPart(part, uuid string, err error) {
	field, is := part, "unreadable"
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		is = wrong.Value
		if wrong.Field != "" {
			field += "." + wrong.Field
		}
	}
	r.c.warnOnce("partial "+field, "a part of Okta's events is not of the documented type and is left out",
		zap.String("field", field), zap.String("is", is), zap.String("event", uuid))
}

// place fills in where Okta says that the address is.
func (r *round) place(g *activity.Geo, from *client, fresh bool) {
	geo := &from.Geo
	g.City, g.Region = known(geo.City), known(geo.State)
	if name := known(geo.Country); name != "" {
		g.Country = Country(name)
		if g.Country == "" {
			r.count(fresh, &r.counts.UnknownCountry)
			r.c.warnOnce("country "+collectors.Clip(name, 60), "country name is not known; geo.country is left out",
				zap.String("country", collectors.Clip(r.c.words(name), 60)))
		}
	}
	lat, lon := geo.Geolocation.Lat, geo.Geolocation.Lon
	if lat != nil && lon != nil && math.Abs(*lat) <= 90 && math.Abs(*lon) <= 180 {
		g.Lat, g.Lon = activity.Some(*lat), activity.Some(*lon)
	}
}

// place fills in whose network the address is of.
func (s *security) place(g *activity.Geo) {
	if n := s.ASNumber; n != nil && *n > 0 && *n <= math.MaxUint32 && *n == math.Trunc(*n) {
		g.ASN = activity.Some(*n)
	}
	g.ASOrg = known(s.ASOrg)
	if s.IsProxy != nil {
		g.Proxy = "none"
		if *s.IsProxy {
			g.Proxy = "proxy"
		}
	}
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

// known returns s unless it is one of the words that Okta has for nothing.
func known(s string) string {
	s = strings.TrimSpace(s)
	if strings.EqualFold(s, "unknown") {
		return ""
	}
	return s
}

// actor returns who did it, as a login or else a name.
func (e *event) actor() string {
	if e.Actor == nil {
		return ""
	}
	who := cmp.Or(known(e.Actor.AlternateID), known(e.Actor.DisplayName))
	return who
}

// app returns the application that a user opened, or that was given a token, or
// the token's name; the first one of several.
func (e *event) app() string {
	for _, t := range e.Target {
		if t.Type == "AppInstance" || t.Type == "Token" {
			return known(t.DisplayName)
		}
	}
	if e.Actor != nil && strings.HasSuffix(e.Actor.Type, "App") {
		return known(e.Actor.DisplayName)
	}
	return ""
}
