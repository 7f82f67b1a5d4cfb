// Package travel judges whether somebody can have come from the place of one
// login to that of the next. It reads no clock and does no I/O. Which logins
// say nothing of a place, aircraft and satellites for example, is a rule's
// matter, and so are the numbers in Params.
//
// The idea is old and public (impossible travel, superman); what it costs is
// false alarms where addresses are not where people are. Five things keep them
// away, in this order:
//
//   - Both accuracy radii are subtracted from the distance.
//   - A network in the place where the account has used it before is no journey:
//     people are on their phone and on their desk at once.
//   - A network that the account has used elsewhere in the country may be off by
//     Gateway more, and a phone's by any distance within it: carriers bring the
//     traffic of phones to the internet where they like.
//   - A VPN, proxy or rented server that the account has used before is no
//     journey, wherever it ends.
//   - Logins told out of order are judged by the time between them, and do not
//     become the place to leave from.
package travel

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/picketd/picket/detector/baseline/internal/tally"
	"github.com/picketd/picket/detector/internal/sphere"
)

// State is what is remembered of an account, 24 bytes. The zero value has seen
// nothing.
type State struct {
	last     uint32 // occurrence of the newest login with a place, seconds since 1970; 0 for none
	lat, lon int16  // 1/latSteps and 1/lonSteps of a degree
	radius   uint16 // km
	// places and relays are the networks used lately, the latest first; see place
	// and relay.
	places [4]uint16
	relays [3]uint16
}

const (
	latSteps = 360  // 0.3 km
	lonSteps = 180  // 0.6 km at the equator
	maxOff   = 1000 // km: no radius counts as more
	widest   = 5000 // km between two gateways of one carrier in one country
	// minSpan is the least time between two logins: clocks differ.
	minSpan = time.Minute
)

// Login is where and when somebody logged in.
type Login struct {
	Time     int64   // occurrence, Unix nanoseconds
	Lat, Lon float64 // degrees
	Radius   float64 // km within which it probably was
	ASN      uint32  // 0 where not known
	Country  string
	Relay    bool // a VPN, a proxy or a rented server: it is where it is, people are not
	Phone    bool
}

// Params say what is too far and too fast.
type Params struct {
	Distance float64 // km below which nothing is a journey
	Speed    float64 // km/h
	Gateway  float64 // km that a known network may be off within its country
}

// Jump is a journey that nobody made.
type Jump struct {
	Distance float64       // km between the two places
	Slack    float64       // km that both may be off, together
	Took     time.Duration // at least minSpan
}

// Speed is how fast it would have been at the full distance, in km/h.
func (j Jump) Speed() float64 { return j.Distance / j.Took.Hours() }

// Words tells a jump: "970 km in 41 min = 1,420 km/h".
func (j Jump) Words() string {
	return fmt.Sprintf("%s km in %s = %s km/h", thousands(j.Distance), span(j.Took), thousands(j.Speed()))
}

// Judge reports whether a login that Learn has not taken yet is one that the
// account's person cannot have come to.
func (s *State) Judge(l Login, p Params) (Jump, bool) {
	if s.last == 0 {
		return Jump{}, false
	}
	j := s.from(l)
	if !j.far(p) {
		return j, false
	}
	switch here := s.known(l); {
	case here == same, here == via, here == inCountry && l.Phone && j.Distance < widest:
		return j, false
	case here == inCountry:
		j.Slack += p.Gateway
	}
	return j, j.far(p)
}

// from is the journey to a login from the place of the newest one.
func (s *State) from(l Login) Jump {
	return Jump{
		Distance: sphere.Distance(float64(s.lat)/latSteps, float64(s.lon)/lonSteps, l.Lat, l.Lon),
		Slack:    float64(s.radius) + min(max(l.Radius, 0), maxOff),
		Took:     max(time.Duration(l.Time-int64(s.last)*int64(time.Second)).Abs(), minSpan),
	}
}

func (j Jump) far(p Params) bool {
	km := j.Distance - j.Slack
	return km > p.Distance && km/j.Took.Hours() > p.Speed
}

// Learn takes a login.
func (s *State) Learn(l Login, p Params) {
	floats := s.floats(l, p)
	switch {
	case l.ASN == 0:
	case l.Relay:
		use(s.relays[:], relay(l))
	default:
		use(s.places[:], place(l))
	}
	if at := uint32(max(l.Time, 0) / int64(time.Second)); at >= s.last && !floats {
		s.last, s.radius = at, uint16(min(max(l.Radius, 0), maxOff))
		s.lat, s.lon = int16(math.Round(l.Lat*latSteps)), int16(math.Round(l.Lon*lonSteps))
	}
}

// floats reports whether a login says nothing of where the person is: by a
// relay, or by a network which the account uses although it is too far, for a
// phone at any speed.
func (s *State) floats(l Login, p Params) bool {
	switch s.known(l) {
	case via:
		return true
	case same, inCountry:
		j := s.from(l)
		return s.last != 0 && (j.far(p) || l.Phone && j.Distance-j.Slack > p.Distance)
	default:
		return l.Relay
	}
}

// Latest returns when the newest login with a place was, Unix nanoseconds; 0
// where none is known.
func (s *State) Latest() int64 { return int64(s.last) * int64(time.Second) }

// Place returns where the newest login with a place was, and how many km it may be
// off.
func (s *State) Place() (lat, lon, radius float64) {
	return float64(s.lat) / latSteps, float64(s.lon) / lonSteps, float64(s.radius)
}

// use puts a network in front.
func use(networks []uint16, id uint16) {
	i := slices.Index(networks, id)
	if i < 0 {
		i = len(networks) - 1
	}
	copy(networks[1:i+1], networks[:i])
	networks[0] = id
}

type knowledge uint8

const (
	unknown   knowledge = iota
	inCountry           // elsewhere in it
	same                // in this place
	via                 // a relay, wherever it ends
)

func (s *State) known(l Login) knowledge {
	if l.ASN == 0 {
		return unknown
	}
	if slices.Contains(s.relays[:], relay(l)) {
		return via
	}
	here, out := place(l), unknown
	for _, id := range s.places {
		switch {
		case id == here:
			return same
		case id != 0 && id>>cellBits == here>>cellBits:
			out = inCountry
		}
	}
	return out
}

// cellBits of a place's id say where in the country it is.
const cellBits = 4

// cell is the size of a place, in degrees.
const cell = 2

// place is the id of a network in a place: the upper bits are those of the
// network in its country.
func place(l Login) uint16 {
	country := uint64(0)
	for i := range min(len(l.Country), 2) {
		country = country<<8 | uint64(l.Country[i])
	}
	at := uint64(int64(math.Floor(l.Lat/cell))+90)<<16 | uint64(int64(math.Floor(l.Lon/cell))+180)
	id := tally.Number(uint64(l.ASN)<<16|country)<<cellBits | tally.Number(at)&(1<<cellBits-1)
	return max(id, 1)
}

// relay is the id of a network whose ends are anywhere.
func relay(l Login) uint16 { return tally.Number(uint64(l.ASN) | 1<<63) }

// thousands writes a whole number with commas.
func thousands(v float64) string {
	s := strconv.Itoa(int(math.Round(v)))
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// span writes a time as people say it: 41 min, 3 h 20 min, 2 days.
func span(d time.Duration) string {
	switch {
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		if m := int(d.Minutes()) % 60; m > 0 {
			return fmt.Sprintf("%d h %d min", int(d.Hours()), m)
		}
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}
