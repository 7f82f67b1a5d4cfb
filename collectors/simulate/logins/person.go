package logins

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Rates of what makes honest logins look odd, for one person. They are guesses
// of somebody who manages accounts in a company, where no statistic is named;
// a measurement says how much of its result hangs on them.
const (
	remoteDays    = 0.35 // of working days are spent at home
	weekendDays   = 0.12 // of days off see a login
	phoneLogins   = 0.15 // of logins of those who use a phone
	phoneUsers    = 0.75 // of people
	cellular      = 0.6  // of phone logins do not go by the wireless network around
	cafes         = 0.02 // of logins in daily life
	companyVPN    = 0.3  // of logins away from the office, where there is one
	rentedVPN     = 0.08 // of people rent a VPN at the beginning
	newVPN        = 0.03 // of people begin to in a year
	useVPN        = 0.3  // of their logins away from the office
	awayExit      = 0.25 // of these leave by another exit than their own
	unknownExit   = 0.15 // of exits are not known as a VPN
	homeRouted    = 0.7  // of carriers bring traffic of roaming phones home
	flightLogins  = 0.1  // of flights see a login
	businessYear  = 2.0  // journeys on business in a year
	holidayYear   = 2.5  // holidays in a year
	movesYear     = 0.1  // new homes in a year
	providerYear  = 0.15 // new internet providers in a year
	phoneYear     = 0.35 // new phones in a year
	laptopYear    = 0.25 // new laptops in a year
	browserYear   = 0.3  // another browser in a year
	holidayLogins = 0.35 // of days on holiday see a login
)

// person is one person's life as it goes.
type person struct {
	w    *world
	r    *rand.Rand
	i    int
	name string
	org  *org

	office, home   site
	homeCity       int
	remote         bool // lives too far from the office to go there
	lease          int  // days between changes of the home's address
	carrier        uint32
	gateway        site
	roamsHome      bool
	laptop, phone  device
	hasPhone       bool
	service        int // VPN that they rent, -1 for none
	exit           int // its usual city
	perDay, starts float64

	out []Login
}

func (w *world) person(i int) *person {
	r := rand.New(rand.NewPCG(w.c.Seed, uint64(i)+1000))
	p := &person{w: w, r: r, i: i, name: "okta/person-" + strconv.Itoa(i+1), org: &w.orgs[i/perOrg]}
	p.office = p.org.offices[r.IntN(len(p.org.offices))]
	p.homeCity = p.office.city
	if chance(r, 0.2) {
		in := w.within(p.office.city)
		p.homeCity = in[r.IntN(len(in))]
	}
	p.remote = p.homeCity != p.office.city
	p.moveIn()
	p.carrier = asnMobile + uint32(r.IntN(3))
	p.roamsHome = chance(r, homeRouted)
	p.regate()
	p.laptop, p.phone, p.hasPhone = newLaptop(r), newPhone(r), chance(r, phoneUsers)
	p.service = -1
	if chance(r, rentedVPN) {
		p.rent()
	}
	p.perDay = min(max(1.2*math.Exp(0.6*r.NormFloat64()), 0.2), 6)
	p.starts = 8.75 + 1.2*r.NormFloat64()
	return p
}

func (p *person) moveIn() {
	p.home = p.w.site(p.r, p.homeCity, asnBroadband+uint32(p.r.IntN(4)), 30)
	p.lease = 1 + p.r.IntN(60)
}

func (p *person) rent() {
	p.service = p.r.IntN(services)
	near := p.w.near(p.homeCity, 2500)
	p.exit = near[p.r.IntN(len(near))]
}

// regate moves the gateway of the carrier to a city of its country.
func (p *person) regate() {
	in := p.w.within(p.homeCity)
	p.gateway = p.w.site(p.r, in[p.r.IntN(len(in))], p.carrier, 100+400*p.r.Float64())
}

// live goes through all days.
func (p *person) live() []Login {
	r := p.r
	yearly := func(rate float64) bool { return chance(r, rate/365) }
	for day := 0; day < p.w.c.Days; day++ {
		if day%p.lease == 0 {
			p.home.renumber(r)
		}
		if chance(r, 0.15) {
			p.regate()
		}
		switch {
		case yearly(movesYear):
			p.moveIn()
		case yearly(providerYear):
			p.home = p.w.site(r, p.homeCity, asnBroadband+uint32(r.IntN(4)), 30)
		case yearly(phoneYear):
			p.phone = newPhone(r)
		case yearly(laptopYear):
			p.laptop = newLaptop(r)
		case yearly(browserYear):
			p.laptop.browser = laptopBrowser(r, p.laptop.system)
		case yearly(newVPN) && p.service < 0:
			p.rent()
		case yearly(businessYear):
			day += p.travel(day, 1+r.IntN(4), false)
			continue
		case yearly(holidayYear):
			day += p.travel(day, 7+r.IntN(8), true)
			continue
		}
		p.ordinary(day)
	}
	slices.SortStableFunc(p.out, func(a, b Login) int { return a.Activity.Time.Compare(b.Activity.Time) })
	return p.out
}

// at is a time of a local day in a city.
func (p *person) at(city, day int, hour float64) time.Time {
	return p.w.c.Start.Add(time.Duration(day)*24*time.Hour - p.w.cities[city].zone + time.Duration(hour*float64(time.Hour))).Truncate(time.Second)
}

func (p *person) workday(day int) bool {
	d := p.w.c.Start.AddDate(0, 0, day).Weekday()
	return d != time.Saturday && d != time.Sunday
}

// hours draws when somebody logs in on a day: about the beginning of work, then
// somewhere in it, seldom in the evening.
func (p *person) hours(n int) []float64 {
	var out []float64
	for i := range n {
		switch {
		case i == 0:
			out = append(out, p.starts+0.5*p.r.NormFloat64())
		case chance(p.r, 0.12):
			out = append(out, 19+4*p.r.Float64())
		default:
			out = append(out, p.starts+1+7.5*p.r.Float64())
		}
	}
	return out
}

// poisson draws a number with a mean.
func (p *person) poisson(mean float64) int {
	n, left := 0, math.Exp(-mean)
	for product := p.r.Float64(); product > left; product *= p.r.Float64() {
		n++
	}
	return n
}

// ordinary is a day in daily life.
func (p *person) ordinary(day int) {
	n := p.poisson(p.perDay)
	atHome := chance(p.r, remoteDays) || p.remote
	if !p.workday(day) {
		atHome = true
		if !chance(p.r, weekendDays) {
			n = 0
		}
	}
	for _, hour := range p.hours(n) {
		around := &p.home
		if !atHome && hour < p.starts+9 {
			around = &p.office
		}
		p.login(day, hour, p.homeCity, around, around == &p.office)
	}
}

// login logs in once, over the network around or another one.
func (p *person) login(day int, hour float64, city int, around *site, office bool) {
	r := p.r
	t := p.at(city, day, hour)
	switch {
	case p.hasPhone && chance(r, phoneLogins):
		if !chance(r, cellular) {
			p.add(t, around, &p.phone, "")
			return
		}
		why, gate := "phone", &p.gateway
		if p.w.cities[city].country != p.w.cities[p.homeCity].country {
			why = "roaming"
			if !p.roamsHome {
				gate = new(p.w.site(r, city, asnMobile+uint32(r.IntN(3)), 150))
			}
		}
		p.add(t, gate, &p.phone, why)
	case !office && p.service >= 0 && chance(r, useVPN):
		p.add(t, new(p.tunnel()), &p.laptop, "vpn")
	case !office && p.org.vpn != nil && chance(r, companyVPN):
		p.add(t, p.org.vpn, &p.laptop, "company vpn")
	case !office && chance(r, cafes):
		p.add(t, new(p.w.site(r, city, asnGuest+uint32(r.IntN(3)), 30)), &p.laptop, "café")
	default:
		p.add(t, around, &p.laptop, "")
	}
}

// tunnel is an exit of the VPN that they rent.
func (p *person) tunnel() site {
	at := p.exit
	if chance(p.r, awayExit) {
		at = p.r.IntN(len(p.w.cities))
	}
	return p.w.rented(p.r, p.service, at)
}

// rented is an exit of a service in a city. Whether it is known as one stays.
func (w *world) rented(r *rand.Rand, service, at int) site {
	asn := uint32(asnRented + 3*service + (at+service)%3)
	s := w.site(r, at, asn, 20)
	s.ip = address(asn, uint32(at), uint32(r.IntN(3)), uint32(1+r.IntN(254)))
	if float64((asn*31+uint32(at)*17)%100) >= 100*unknownExit {
		s.proxy = "vpn"
	}
	return s
}

func (p *person) add(t time.Time, s *site, d *device, why string) {
	p.out = append(p.out, p.w.login(p.name, t, s, d, why))
}

func (w *world) login(name string, t time.Time, s *site, d *device, why string) Login {
	kind := "Computer"
	if d.phone() {
		kind = "Mobile"
	}
	return Login{Why: why, Activity: activity.Activity{
		Network: "okta", Account: name, Kind: activity.KindLogin, Time: t, IP: s.ip, Geo: w.geo(s),
		Device: kind, UserAgent: d.agent(int(t.Unix() / 86400)), Outcome: activity.Outcome{Result: "success"},
	}}
}

// travel is a journey. It returns how many days after the first it ended.
func (p *person) travel(day, days int, holiday bool) int {
	r, w := p.r, p.w
	to := w.within(p.homeCity)
	if chance(r, 0.6) {
		to = w.near(p.homeCity, 3000)
	}
	if chance(r, 0.2) {
		to = w.near(p.homeCity, 20000)
	}
	city := to[r.IntN(len(to))]
	hotel := w.site(r, city, asnGuest+uint32(r.IntN(3)), 30)
	from, there := w.cities[p.homeCity], w.cities[city]
	km := distance(from.lat, from.lon, there.lat, there.lon)
	takes := 1.5 + km/750 // hours, with the way to the airport
	leaves := 6 + 6*r.Float64()
	if chance(r, 0.5) {
		p.login(day, leaves-0.3-1.5*r.Float64(), p.homeCity, &p.home, false)
	}
	begin, until := p.at(p.homeCity, day, leaves), p.at(p.homeCity, day, leaves+takes)
	if km > 800 && chance(r, flightLogins) {
		s := w.site(r, 24+r.IntN(4), asnFlight+uint32(r.IntN(2)), 500)
		p.add(begin.Add(until.Sub(begin)/2), &s, &p.laptop, "flight")
	}
	for d := range days {
		n := p.poisson(p.perDay)
		if holiday && !chance(r, holidayLogins) || !holiday && !p.workday(day+d) {
			n = 0
		}
		for _, hour := range p.hours(n) {
			if t := p.at(city, day+d, hour); t.After(until) {
				first := len(p.out)
				p.login(day+d, hour, city, &hotel, false)
				if l := &p.out[first]; l.Why == "" {
					l.Why = "trip"
				}
			}
		}
	}
	// Back on the last evening, after everything there.
	last := p.at(city, day+days-1, 23.5)
	back := last.Add(time.Duration(takes * float64(time.Hour)))
	for next := day + days; ; next++ {
		if p.at(p.homeCity, next, 4).After(back) {
			return next - day - 1
		}
	}
}
