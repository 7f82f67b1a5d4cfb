package simulate

import (
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// provider is the network of all identities.
const provider = "okta"

// Places of a person, in step.aux of an usual login.
const (
	atOffice = iota
	atHome
	onPhone
)

// beginPerson plans the first steps of person i.
func (w *World) beginPerson(i int, begin int64) {
	p, who := &w.people[i], int32(i)
	if p.joined > begin {
		plot := w.newPlot(&p.queue, NewColleague, p.name)
		plot.add(step{at: p.joined, who: who, do: doRoleChange})
		plot.add(step{at: p.joined + 5*minute, who: who, do: doLogin})
		plot.commit(w.end)
		begin = p.joined + hour
	}
	local := p.zone.local(begin)
	midnight := local - (local%day+day)%day
	p.plan(step{at: max(p.zone.utc(midnight), begin), who: who, do: doDay})
}

// planDay decides what a person does on the day that begins.
func (w *World) planDay(s *step) {
	p, r := &w.people[s.who], w.people[s.who].rng
	local := p.zone.local(s.at)
	midnight := local - (local%day+day)%day
	if local-midnight > 23*hour { // the clocks went back
		midnight += day
	}
	p.plan(step{at: p.zone.utc(midnight + day), who: s.who, do: doDay})
	if s.at < p.away {
		return
	}
	at := func(h float64) int64 { return p.zone.utc(midnight + int64(h*float64(hour))) }
	do := func(at int64, what action, place uint8) {
		if at > s.at { // a first day begins in the middle
			p.plan(step{at: at, who: s.who, do: what, aux: place})
		}
	}
	place := uint8(atOffice)
	if r.IntN(100) < 35 {
		place = atHome
	}
	weekday := (midnight/day + 3) % 7 // 0 is Monday
	works := weekday < 5 && r.IntN(100) < 93 || weekday >= 5 && r.IntN(100) < 7
	switch n := r.IntN(3000); {
	case n < 16 && weekday == 5:
		w.planTrip(s, midnight)
		return
	case n < 10 && works:
		if noon := at(12.5 + r.Float64()); noon > s.at {
			w.planPhone(s, noon)
		}
	}
	if !works {
		return
	}
	morning := at(min(max(8.75+0.6*r.NormFloat64(), 6), 11))
	if r.IntN(25) == 0 {
		do(morning-25*second, doLoginFailure, place)
	}
	do(morning, doLogin, place)
	if r.IntN(90) == 0 {
		do(morning+2*minute, doPasswordChange, place)
	}
	if r.IntN(10) < 6 {
		do(at(13.2+0.5*r.Float64()), doLogin, place)
	}
	if r.IntN(10) == 0 {
		do(at(19+3*r.Float64()), doLogin, onPhone)
	}
}

// planTrip sends a person to another country for one to two weeks.
func (w *World) planTrip(s *step, midnight int64) {
	p, r := &w.people[s.who], w.people[s.who].rng
	city := r.IntN(len(w.cat.cities))
	country := w.cat.cities[city].country
	if w.orgs[p.org].seen&(1<<country) != 0 {
		return // a trip to a known country looks like nothing
	}
	days := int64(7 + r.IntN(8))
	p.away, p.seen = p.zone.utc(midnight+days*day), p.seen|1<<country
	plot := w.newPlot(&p.queue, HolidayTrip, p.name)
	for d := range days {
		if r.IntN(100) < 35 || d == 1 {
			at := midnight + d*day + 16*hour + r.Int64N(6*hour)
			plot.add(step{at: max(p.zone.utc(at), s.at+second), who: s.who, do: doLogin, flavour: travelling, aux: uint8(city)})
		}
	}
	plot.commit(w.end)
}

// planPhone gives a person a new phone: a new second factor, then its first login.
func (w *World) planPhone(s *step, at int64) {
	p := &w.people[s.who]
	plot := w.newPlot(&p.queue, NewPhone, p.name)
	plot.add(step{at: at, who: s.who, do: doMFAChange, aux: onPhone})
	plot.add(step{at: at + 4*minute, who: s.who, do: doLogin, aux: onPhone})
	plot.commit(w.end)
}

// doPerson does a step of a person and tells whether anything was seen.
func (w *World) doPerson(s *step) (activity.Activity, bool) {
	if s.do == doDay {
		w.planDay(s)
		return activity.Activity{}, false
	}
	p := &w.people[s.who]
	out := activity.Activity{
		ID: idText(s), Network: provider, Account: p.name, Time: time.UnixMilli(s.at).UTC(),
		Actor: p.id, App: "Sim Single Sign-On", Outcome: activity.Outcome{Result: "success"},
	}
	switch s.do {
	case doLoginFailure:
		out.Kind = activity.KindLoginFailure
		out.Outcome = activity.Outcome{Result: "failure", Reason: "invalid credentials"}
	case doMFAChange:
		out.Kind = activity.KindMFAChange
		p.newDevice(p.rng, 1)
	case doPasswordChange:
		out.Kind = activity.KindPasswordChange
	case doRoleChange:
		out.Kind = activity.KindRoleChange
		out.Profile, out.Changed = []activity.Field{{Name: "role", Value: "social media"}}, []string{"role"}
	default:
		out.Kind = activity.KindLogin
		p.habits++
	}
	w.whereabouts(p, s, &out)
	return out, true
}

// whereabouts sets where the step's person, or who claims to be, is.
func (w *World) whereabouts(p *person, s *step, out *activity.Activity) {
	var from place
	var device string
	switch s.flavour {
	case travelling:
		from = place{ip: "203.0.113." + strconv.Itoa(1+int(s.aux)), city: s.aux, asn: hotelASN}
		device = p.device[0]
	case foreign:
		from = place{city: s.aux, asn: uint16(hostingASN + s.subject%2)}
		from.ip = "203.0.113." + strconv.FormatUint(100+s.subject/2%150, 10)
		if s.subject/2%3 == 0 {
			from.ip = address6(mix(s.subject))
		}
		device = "laptop-" + strconv.FormatUint(0x100+s.subject%0xf00, 16)
	default:
		from = p.places[s.aux]
		device = p.device[from.device]
	}
	c := &w.cat.cities[from.city]
	out.IP, out.Device, out.UserAgent = from.ip, device, w.cat.devices[from.device]
	out.Geo = activity.Geo{
		Country: w.cat.countries[c.country], Region: c.region, City: c.name,
		Lat: activity.Some(c.lat), Lon: activity.Some(c.lon),
		ASN: activity.Some(float64(from.asn)), ASOrg: w.asOrg(from.asn), Proxy: "none",
	}
	if from.asn >= hostingASN {
		out.Geo.Proxy = "hosting"
	}
}

func (w *World) asOrg(asn uint16) string {
	switch {
	case asn >= hostingASN:
		return "Example Hosting " + strconv.Itoa(int(asn)-hostingASN+1)
	case asn == hotelASN:
		return "Example Guest Network"
	case asn == mobileASN:
		return "Example Mobile"
	default:
		return "Example Broadband " + w.cat.countries[asn-firstASN]
	}
}

// do does one step of any stream.
func (w *World) do(s *step) (activity.Activity, bool) {
	switch {
	case s.do == doAttack:
		w.attack(s)
		return activity.Activity{}, false
	case s.do.ofPerson():
		return w.doPerson(s)
	default:
		return w.doAccount(s)
	}
}
