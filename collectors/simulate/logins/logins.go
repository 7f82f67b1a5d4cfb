// Package logins invents the logins of people and of intruders, with known
// truth, to measure what finds the one among the other. It is a pure function
// of its configuration: the same seed gives the same logins. What a login means
// and which rule should notice it belongs in rules and detector; whole worlds
// with posts and approvals are in the package above.
//
// # People
//
// Organisations have some tens of people, one to three offices with one address
// each (everybody there shares it), half of them a company VPN whose exit is at
// the first office or abroad, known as a VPN in a third of the cases. A person
// has a home with a broadband connection whose address changes every 1 to 60
// days within the provider's prefixes, a laptop, mostly a phone, a working day
// with its own start, and a number of logins a day that is log-normal over
// people: of the 3.3 million users of the online service whose logins Wiefling
// et al. published (the RBA data set: "Pump Up Password Security! Evaluating
// and Enhancing Risk-Based Authentication on a Real-World Large-Scale Online
// Service", ACM TOPS 26(1), 2023) most log in seldom and few very often. Here a
// median of 1.2 a working day stands for people who work with an account.
//
// What makes honest logins look odd, each with its rate in rates:
//
//   - Phones: a carrier brings traffic to the internet at a few gateways, some
//     hundred km off, and changes them; databases know them to within 100 to
//     500 km. Abroad seven of ten carriers bring it home (home routing is the
//     rule for roaming, GSMA IR.88).
//   - Trips: on business for 1 to 4 days, on holiday for 7 to 14, at home or
//     abroad, over hotel and guest networks. Nobody logs in while on the way,
//     but for the wireless network of an aircraft, whose address is on another
//     continent.
//   - VPNs: the company's, and those that people rent, who switch their exits
//     among countries. Most exits are known as such, some are not.
//   - Networks of cafés and trains, a new home, a new provider.
//   - Browsers: a new version each four weeks, and each six for phones; a new
//     phone, a new laptop, another browser. Wiefling et al. name the browser,
//     the operating system and the type of device as the parts of a user agent
//     that tell people apart, and its versions as what changes.
//
// # Intruders
//
// Freeman et al. ("Who Are You? A Statistical Approach to Measuring User
// Authenticity", NDSS 2016, section 4) tell attackers by what they know of the
// victim: none, the country, the habits. See Attack for the kinds. Half of
// those from abroad come within 30 minutes after a login of the person and more
// than 1,000 km from where that login seemed to be: Login.Jump.
//
// Addresses are of ranges that nobody routes (240.0.0.0/4, RFC 1112), networks
// have private numbers (RFC 6996), cities are real, since rules measure
// distances.
package logins

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Config describes a population.
type Config struct {
	Seed   uint64
	People int       // at least 1
	Start  time.Time // of the first day, UTC
	Days   int       // at least 1
	// Quiet days at the beginning have no intruders, so that rules can learn.
	Quiet int
	// AttacksPerYear is the mean number of intruders of one person in a year; 0
	// means none. Honest logins are the same for every value.
	AttacksPerYear float64
}

// Attack is what an intruder knows and has; "" is an honest login.
type Attack string

// The kinds of intruder.
const (
	// Stuffing tries stolen passwords from a rented server abroad, with tools
	// that say they are a browser.
	Stuffing Attack = "stuffing"
	// Foreign is a person abroad on a home or phone connection or at the exit of a
	// VPN there, with a device of their own.
	Foreign Attack = "foreign"
	// Targeted comes by a VPN exit in the victim's own country, half of them with
	// the browser and system that the victim has, at the victim's hours.
	Targeted Attack = "targeted"
	// Near is somebody in the victim's city with a device of their own, half of
	// them with the victim's provider.
	Near Attack = "near"
	// Proxied uses a stolen session from a residential proxy in the victim's
	// country, under the victim's own user agent.
	Proxied Attack = "proxied"
)

// Attacks returns the kinds in their documented order.
func Attacks() []Attack { return []Attack{Stuffing, Foreign, Targeted, Near, Proxied} }

// Abroad reports whether an intruder knows nothing of the victim, not even the
// country.
func (a Attack) Abroad() bool { return a == Stuffing || a == Foreign }

// Login is one login and the truth about it.
type Login struct {
	Activity activity.Activity
	Attack   Attack
	// Incident numbers the logins of one intruder, from 1; 0 for honest ones.
	Incident int
	// Jump says that an intruder's first login came within 30 minutes after one
	// of the person and more than 1,000 km from where that one seemed to be.
	Jump bool
	// Veiled says of a Jump that two logins do not tell of two places: the
	// person's came by a VPN, an aircraft or the gateway of a phone company, or the
	// intruder's by a network that was used on the account before.
	Veiled bool
	// Why is what may make an honest login look odd: "phone", "trip", "vpn",
	// "company vpn", "flight", "café", "roaming"; "" where nothing does.
	Why string
}

// New returns all logins, in order of time. The error names the field at fault.
func New(c Config) ([]Login, error) {
	switch {
	case c.People < 1 || c.People > 1<<20:
		return nil, fmt.Errorf("logins: People is %d, want 1 to %d", c.People, 1<<20)
	case c.Days < 1 || c.Days > 36500:
		return nil, fmt.Errorf("logins: Days is %d, want 1 to 36500", c.Days)
	case c.Start.IsZero():
		return nil, fmt.Errorf("logins: Start is not set")
	case !(c.AttacksPerYear >= 0 && c.AttacksPerYear <= 1000):
		return nil, fmt.Errorf("logins: AttacksPerYear is %v, want 0 to 1000", c.AttacksPerYear)
	}
	w := newWorld(c)
	var out []Login
	for i := range c.People {
		own := w.person(i).live()
		out = append(out, w.attack(i, own)...)
		out = append(out, own...)
	}
	slices.SortStableFunc(out, func(a, b Login) int { return a.Activity.Time.Compare(b.Activity.Time) })
	for i := range out {
		a := &out[i].Activity
		a.ID = "login-" + strconv.Itoa(i+1)
		a.Seen = a.Time.Add(2 * time.Second)
	}
	return out, nil
}

// Flights returns the numbers of the networks of aircraft: what a list of such
// networks holds in real life.
func Flights() []uint32 { return []uint32{asnFlight, asnFlight + 1} }

// Exits returns the addresses of the companies' VPNs: what the people in charge
// know and would list.
func Exits(c Config) []string {
	var out []string
	for _, o := range newWorld(c).orgs {
		if o.vpn != nil {
			out = append(out, o.vpn.ip)
		}
	}
	return out
}

// world is what people share.
type world struct {
	c      Config
	cities []city
	orgs   []org
}

// org is an organisation.
type org struct {
	offices []site
	vpn     *site // exit of the company's VPN, nil without
}

const perOrg = 25

func newWorld(c Config) *world {
	w := &world{c: c, cities: cities()}
	r := rand.New(rand.NewPCG(c.Seed, 1))
	for n := 0; n < c.People; n += perOrg {
		var o org
		home := r.IntN(len(w.cities))
		for range 1 + r.IntN(3) {
			at := home
			if len(o.offices) > 0 && r.IntN(2) == 0 {
				at = r.IntN(len(w.cities))
			}
			o.offices = append(o.offices, w.site(r, at, asnBusiness+uint32(r.IntN(2)), 10))
		}
		if r.IntN(2) == 0 {
			at := home
			if r.IntN(3) == 0 {
				at = r.IntN(len(w.cities))
			}
			s := w.site(r, at, asnHosting+uint32(r.IntN(hostings)), 20)
			s.proxy = [...]string{"vpn", "none", "hosting"}[r.IntN(3)]
			o.vpn = &s
		}
		w.orgs = append(w.orgs, o)
	}
	return w
}

// chance is true in p of all cases.
func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }
