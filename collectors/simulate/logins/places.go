package logins

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// city is a place where people live.
type city struct {
	name, country string
	lat, lon      float64
	zone          time.Duration // ahead of UTC; nobody here saves daylight
}

func cities() []city {
	return []city{
		{"Berlin", "DE", 52.52, 13.41, 1 * time.Hour},
		{"Hamburg", "DE", 53.55, 9.99, 1 * time.Hour},
		{"Munich", "DE", 48.14, 11.58, 1 * time.Hour},
		{"Frankfurt", "DE", 50.11, 8.68, 1 * time.Hour},
		{"Paris", "FR", 48.86, 2.35, 1 * time.Hour},
		{"Lyon", "FR", 45.76, 4.84, 1 * time.Hour},
		{"Toulouse", "FR", 43.6, 1.44, 1 * time.Hour},
		{"London", "GB", 51.51, -0.13, 0},
		{"Leeds", "GB", 53.8, -1.55, 0},
		{"Glasgow", "GB", 55.86, -4.25, 0},
		{"Madrid", "ES", 40.42, -3.7, 1 * time.Hour},
		{"Valencia", "ES", 39.47, -0.38, 1 * time.Hour},
		{"Palma", "ES", 39.57, 2.65, 1 * time.Hour},
		{"Rome", "IT", 41.9, 12.5, 1 * time.Hour},
		{"Milan", "IT", 45.46, 9.19, 1 * time.Hour},
		{"Vienna", "AT", 48.21, 16.37, 1 * time.Hour},
		{"Innsbruck", "AT", 47.27, 11.39, 1 * time.Hour},
		{"Zurich", "CH", 47.38, 8.54, 1 * time.Hour},
		{"Amsterdam", "NL", 52.37, 4.9, 1 * time.Hour},
		{"Stockholm", "SE", 59.33, 18.07, 1 * time.Hour},
		{"Warsaw", "PL", 52.23, 21.01, 1 * time.Hour},
		{"Athens", "GR", 37.98, 23.73, 2 * time.Hour},
		{"Istanbul", "TR", 41.01, 28.98, 3 * time.Hour},
		{"Lisbon", "PT", 38.72, -9.14, 0},
		{"New York", "US", 40.71, -74.01, -5 * time.Hour},
		{"Chicago", "US", 41.88, -87.63, -6 * time.Hour},
		{"Dallas", "US", 32.78, -96.8, -6 * time.Hour},
		{"San Francisco", "US", 37.77, -122.42, -8 * time.Hour},
		{"Seattle", "US", 47.61, -122.33, -8 * time.Hour},
		{"Miami", "US", 25.76, -80.19, -5 * time.Hour},
		{"Toronto", "CA", 43.65, -79.38, -5 * time.Hour},
		{"Vancouver", "CA", 49.28, -123.12, -8 * time.Hour},
		{"São Paulo", "BR", -23.55, -46.63, -3 * time.Hour},
		{"Recife", "BR", -8.05, -34.88, -3 * time.Hour},
		{"Mexico City", "MX", 19.43, -99.13, -6 * time.Hour},
		{"Buenos Aires", "AR", -34.6, -58.38, -3 * time.Hour},
		{"Mumbai", "IN", 19.08, 72.88, 330 * time.Minute},
		{"Bengaluru", "IN", 12.97, 77.59, 330 * time.Minute},
		{"Tokyo", "JP", 35.69, 139.69, 9 * time.Hour},
		{"Osaka", "JP", 34.69, 135.5, 9 * time.Hour},
		{"Sydney", "AU", -33.87, 151.21, 10 * time.Hour},
		{"Perth", "AU", -31.95, 115.86, 8 * time.Hour},
		{"Singapore", "SG", 1.35, 103.82, 8 * time.Hour},
		{"Cape Town", "ZA", -33.92, 18.42, 2 * time.Hour},
		{"Nairobi", "KE", -1.29, 36.82, 3 * time.Hour},
		// Where intruders are, too, and few of the people.
		{"Bucharest", "RO", 44.43, 26.1, 2 * time.Hour},
		{"Moscow", "RU", 55.76, 37.62, 3 * time.Hour},
		{"Hanoi", "VN", 21.03, 105.8, 7 * time.Hour},
		{"Lagos", "NG", 6.52, 3.38, 1 * time.Hour},
		{"Jakarta", "ID", -6.21, 106.85, 7 * time.Hour},
		{"Manila", "PH", 14.6, 120.98, 8 * time.Hour},
		{"Beijing", "CN", 39.9, 116.41, 8 * time.Hour},
		{"Karachi", "PK", 24.86, 67.0, 5 * time.Hour},
		{"Kyiv", "UA", 50.45, 30.52, 2 * time.Hour},
	}
}

// Kinds of network. A number is private (RFC 6996): the kind's first, and ten
// for each country where the kind has networks of its own there.
const (
	asnBroadband = 4_200_000_000 // four in each country
	asnMobile    = 4_200_100_000 // three in each country
	asnBusiness  = 4_200_200_000 // two in each country: offices
	asnGuest     = 4_200_300_000 // three in each country: hotels, cafés
	asnHosting   = 4_200_400_000 // rented servers, all over the world
	asnRented    = 4_200_500_000 // VPNs that people rent, all over the world: three for each service
	asnFlight    = 4_200_600_000 // aircraft

	hostings = 12
	services = 5
)

// site is where a login seems to be: an address and what databases say of it.
type site struct {
	ip     string
	city   int
	lat    float64
	lon    float64
	radius float64 // km
	asn    uint32
	proxy  string
}

// country numbers a city's country.
func (w *world) country(at int) uint32 {
	for i := range w.cities {
		if w.cities[i].country == w.cities[at].country {
			return uint32(i)
		}
	}
	return 0
}

// site makes an address of a network in a city, off by some of its radius. Of
// networks that belong to a country, kind is the first of their kind.
func (w *world) site(r *rand.Rand, at int, kind uint32, radius float64) site {
	if kind < asnHosting {
		kind += 10 * w.country(at)
	}
	s := site{city: at, asn: kind, radius: radius, proxy: "none"}
	c := &w.cities[at]
	s.lat, s.lon = move(c.lat, c.lon, radius*0.6*r.Float64(), 2*math.Pi*r.Float64())
	s.ip = address(kind, uint32(at), uint32(r.IntN(40)), uint32(1+r.IntN(254)))
	return s
}

// renumber gives a site another address of its network.
func (s *site) renumber(r *rand.Rand) {
	s.ip = address(s.asn, uint32(s.city), uint32(r.IntN(40)), uint32(1+r.IntN(254)))
}

// address is one of 240.0.0.0/4. The networks of one place are 40 prefixes of 24
// bits, apart from those of others but for chance.
func address(asn, at, prefix, host uint32) string {
	h := (asn*2654435761 + at*40503 + prefix) * 2246822519 >> 12
	return fmt.Sprintf("%d.%d.%d.%d", 240+h>>16&15, h>>8&255, h&255, host)
}

// geo is what an activity tells of a site.
func (w *world) geo(s *site) activity.Geo {
	c := &w.cities[s.city]
	org := "Example Network "
	if s.asn >= asnFlight {
		org = "Panasonic Avionics, network "
	}
	round := func(v float64) activity.Opt { return activity.Some(math.Round(v*1000) / 1000) }
	return activity.Geo{
		Country: c.country, City: c.name, Lat: round(s.lat), Lon: round(s.lon), Radius: activity.Some(s.radius),
		ASN: activity.Some(float64(s.asn)), ASOrg: org + strconv.Itoa(int(s.asn%1_000_000)), Proxy: s.proxy,
	}
}

const kmPerDegree = 111.2

// move goes some km from a place.
func move(lat, lon, km, direction float64) (float64, float64) {
	lat2 := math.Max(-89, math.Min(89, lat+km/kmPerDegree*math.Cos(direction)))
	lon2 := lon + km/kmPerDegree*math.Sin(direction)/math.Cos(lat*math.Pi/180)
	return lat2, math.Mod(lon2+540, 360) - 180
}

// distance is the great circle between two places, in km (haversine formula).
func distance(lat1, lon1, lat2, lon2 float64) float64 {
	rad := func(deg float64) float64 { return deg * math.Pi / 180 }
	a, b := math.Sin(rad(lat2-lat1)/2), math.Sin(rad(lon2-lon1)/2)
	h := a*a + math.Cos(rad(lat1))*math.Cos(rad(lat2))*b*b
	return 2 * 6371 * math.Asin(math.Min(1, math.Sqrt(h)))
}

// near returns the cities within some km of one, itself included.
func (w *world) near(at int, km float64) []int {
	var out []int
	for i := range w.cities {
		if distance(w.cities[at].lat, w.cities[at].lon, w.cities[i].lat, w.cities[i].lon) <= km {
			out = append(out, i)
		}
	}
	return out
}

// within returns the cities of a city's country.
func (w *world) within(at int) []int {
	var out []int
	for i := range w.cities {
		if w.cities[i].country == w.cities[at].country {
			out = append(out, i)
		}
	}
	return out
}
