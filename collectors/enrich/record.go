package enrich

import (
	"math"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/picketd/picket/collectors/activity"
)

// place is what a Country or City file tells.
type place struct {
	country, region, city string
	lat, lon, radius      activity.Opt
}

func decodePlace(r maxminddb.Result) (place, error) {
	var rec struct {
		Country struct {
			ISOCode string `maxminddb:"iso_code"`
		} `maxminddb:"country"`
		Subdivisions []struct {
			ISOCode string `maxminddb:"iso_code"`
		} `maxminddb:"subdivisions"`
		City struct {
			Names struct {
				English string `maxminddb:"en"`
			} `maxminddb:"names"`
		} `maxminddb:"city"`
		Location struct {
			Latitude  *float64 `maxminddb:"latitude"`
			Longitude *float64 `maxminddb:"longitude"`
			Radius    *uint16  `maxminddb:"accuracy_radius"`
		} `maxminddb:"location"`
	}
	if err := r.Decode(&rec); err != nil {
		return place{}, err
	}
	p := place{country: countryCode(rec.Country.ISOCode), city: strings.Clone(rec.City.Names.English)}
	if len(rec.Subdivisions) > 0 && p.country != "" && rec.Subdivisions[0].ISOCode != "" {
		p.region = p.country + "-" + rec.Subdivisions[0].ISOCode
	}
	lat, lon := rec.Location.Latitude, rec.Location.Longitude
	if lat != nil && lon != nil && math.Abs(*lat) <= 90 && math.Abs(*lon) <= 180 {
		p.lat, p.lon = activity.Some(*lat), activity.Some(*lon)
		if km := rec.Location.Radius; km != nil {
			p.radius = activity.Some(float64(*km))
		}
	}
	return p, nil
}

// countryCode returns a code in the form that an activity may have, empty for
// anything else.
func countryCode(s string) string {
	if len(s) != 2 || s[0]-'A' > 25 || s[1]-'A' > 25 {
		return ""
	}
	return strings.Clone(s)
}

func (p place) useful() bool { return p.country != "" }

// fill fills in a place. The parts of two places are never mixed.
func (p place) fill(g *activity.Geo, override bool) {
	if override && p.country != "" && (p.country != g.Country || p.city != "" || p.region != "") {
		g.Country, g.Region, g.City, g.Lat, g.Lon, g.Radius = p.country, p.region, p.city, p.lat, p.lon, p.radius
		return
	}
	if g.Country != "" && p.country != "" && g.Country != p.country {
		return
	}
	if g.Country == "" {
		g.Country = p.country
	}
	if !p.agrees(g) {
		return
	}
	if g.City == "" {
		g.City = p.city
	}
	if g.Region == "" {
		g.Region = p.region
	}
	if !g.Lat.OK && !g.Lon.OK {
		g.Lat, g.Lon, g.Radius = p.lat, p.lon, p.radius
	}
}

// agrees reports whether what is known within the country may be of p. A
// provider's name of a region cannot be compared with p's code, so beside one
// nothing is filled in but for the city of the same name.
func (p place) agrees(g *activity.Geo) bool {
	switch {
	case g.City != "":
		return strings.EqualFold(g.City, p.city)
	case g.Region != "":
		return g.Region == p.region
	case g.Lat.OK || g.Lon.OK:
		return g.Lat == p.lat && g.Lon == p.lon
	}
	return true
}

// network is what an ASN file tells.
type network struct {
	number uint32
	org    string
}

func decodeNetwork(r maxminddb.Result) (network, error) {
	var rec struct {
		Number uint32 `maxminddb:"autonomous_system_number"`
		Org    string `maxminddb:"autonomous_system_organization"`
	}
	if err := r.Decode(&rec); err != nil {
		return network{}, err
	}
	return network{number: rec.Number, org: strings.Clone(rec.Org)}, nil
}

func (n network) useful() bool { return n.number != 0 }

func (n network) fill(g *activity.Geo, override bool) {
	if n.number == 0 {
		return
	}
	number := activity.Some(float64(n.number))
	switch {
	case override:
		g.ASN, g.ASOrg = number, n.org
	case !g.ASN.OK && g.ASOrg == "":
		g.ASN, g.ASOrg = number, n.org
	case !g.ASN.OK: // the provider's name may be of another network, the number is sure
		g.ASN = number
	case g.ASN == number && g.ASOrg == "":
		g.ASOrg = n.org
	}
}

// cover is what an Anonymous IP file tells, in Picket's words.
type cover struct{ proxy string }

func (c cover) useful() bool { return c.proxy != "none" }

func decodeCover(r maxminddb.Result) (cover, error) {
	var rec struct {
		Anonymous   bool `maxminddb:"is_anonymous"`
		VPN         bool `maxminddb:"is_anonymous_vpn"`
		Hosting     bool `maxminddb:"is_hosting_provider"`
		Public      bool `maxminddb:"is_public_proxy"`
		Residential bool `maxminddb:"is_residential_proxy"`
		Tor         bool `maxminddb:"is_tor_exit_node"`
	}
	if err := r.Decode(&rec); err != nil {
		return cover{}, err
	}
	switch {
	case rec.Tor:
		return cover{"tor"}, nil
	case rec.VPN:
		return cover{"vpn"}, nil
	case rec.Public, rec.Residential:
		return cover{"proxy"}, nil
	case rec.Hosting:
		return cover{"hosting"}, nil
	case rec.Anonymous:
		return cover{"proxy"}, nil
	}
	return cover{"none"}, nil
}
