package logins

import (
	"math/rand/v2"
	"slices"
	"time"
)

// attack plans the intruders of person i, who logged in as told. They draw from
// a generator of their own.
func (w *world) attack(i int, own []Login) []Login {
	r := rand.New(rand.NewPCG(w.c.Seed^0x61747461636b, uint64(i)))
	if w.c.AttacksPerYear == 0 || len(own) == 0 {
		return nil
	}
	var out []Login
	var used []float64 // networks of earlier intruders
	kinds := Attacks()
	end := w.c.Start.AddDate(0, 0, w.c.Days)
	at := w.c.Start.AddDate(0, 0, w.c.Quiet)
	for n := 1; ; n++ {
		at = at.Add(time.Duration(r.ExpFloat64() / w.c.AttacksPerYear * 365 * 24 * float64(time.Hour))).Truncate(time.Second)
		if !at.Before(end) {
			return out
		}
		in := w.intrusion(r, kinds[r.IntN(len(kinds))], at, own)
		for k := range in {
			in[k].Incident = i*1000 + n
			in[k].Veiled = in[k].Veiled || in[k].Jump && slices.Contains(used, in[k].Activity.Geo.ASN.V)
		}
		used = append(used, in[0].Activity.Geo.ASN.V)
		out = append(out, in...)
		at = at.Add(48 * time.Hour) // one after the other
	}
}

// intrusion is one intruder: one to three logins from one place.
func (w *world) intrusion(r *rand.Rand, kind Attack, at time.Time, own []Login) []Login {
	k := 0
	for k+1 < len(own) && own[k+1].Activity.Time.Before(at) {
		k++
	}
	victim := &own[k].Activity // the latest login, or the first of all
	// What others can find out: where the person usually is, and with what.
	usual := &own[r.IntN(k+1)].Activity
	city := w.cityOf(usual.Geo.City)
	jump := false
	var s site
	d := newLaptop(r)
	switch kind {
	case Stuffing:
		s = w.site(r, w.abroad(r, victim.Geo.Country), asnHosting+uint32(r.IntN(hostings)), 20)
		s.proxy = [...]string{"hosting", "hosting", "hosting", "none"}[r.IntN(4)]
		d = device{system: [...]string{"Windows", "Linux"}[r.IntN(2)], browser: "Chrome", behind: 200 + r.IntN(500)}
	case Foreign:
		s = w.foreign(r, victim.Geo.Country)
		if r.IntN(3) == 0 {
			d = newPhone(r)
		}
	case Targeted:
		in := w.within(city)
		s = w.rented(r, r.IntN(services), in[r.IntN(len(in))])
		at = nearHour(r, at, usual.Time)
	case Near:
		s = w.site(r, city, asnBroadband+uint32(r.IntN(4)), 30)
		if r.IntN(2) == 0 && usual.Geo.ASN.V < asnMobile {
			s.asn = uint32(usual.Geo.ASN.V)
			s.renumber(r)
		}
		if r.IntN(2) == 0 {
			d = newPhone(r)
		}
	case Proxied:
		in := w.within(city)
		s = w.site(r, in[r.IntN(len(in))], asnBroadband+uint32(r.IntN(4)), 50)
		if r.IntN(3) > 0 {
			s.proxy = "proxy"
		}
	}
	if kind.Abroad() && r.IntN(2) == 0 && k > 0 && distance(victim.Geo.Lat.V, victim.Geo.Lon.V, s.lat, s.lon) > 1000 {
		at, jump = victim.Time.Add(time.Minute+time.Duration(r.Int64N(int64(28*time.Minute)))).Truncate(time.Second), true
		if k+1 < len(own) && !own[k+1].Activity.Time.After(at) {
			jump = false // the person moved on meanwhile
		}
	}
	copied := kind == Proxied || kind == Targeted && r.IntN(2) == 0
	var out []Login
	for n := range 1 + r.IntN(3) {
		l := w.login(victim.Account, at, &s, &d, "")
		l.Attack, l.Jump = kind, jump && n == 0
		l.Veiled = l.Jump && (own[k].veiled() || uses(own[:k+1], l.Activity.Geo.ASN.V))
		if copied {
			l.Activity.UserAgent, l.Activity.Device = usual.UserAgent, usual.Device
		}
		out = append(out, l)
		at = at.Add(time.Duration(5+r.IntN(180)) * time.Minute)
	}
	return out
}

// veiled reports whether a login does not tell where its person is.
func (l *Login) veiled() bool {
	switch l.Why {
	case "", "trip", "café":
		return false
	}
	return true
}

// uses reports whether one of some logins came by a network.
func uses(own []Login, asn float64) bool {
	return slices.ContainsFunc(own, func(l Login) bool { return l.Activity.Geo.ASN.V == asn })
}

// foreign is a home, a phone or the exit of a VPN abroad.
func (w *world) foreign(r *rand.Rand, country string) site {
	at := w.abroad(r, country)
	switch r.IntN(3) {
	case 0:
		return w.site(r, at, asnBroadband+uint32(r.IntN(4)), 50)
	case 1:
		return w.site(r, at, asnMobile+uint32(r.IntN(3)), 100+400*r.Float64())
	}
	return w.rented(r, r.IntN(services), at)
}

// abroad is a city outside a country; every other one is where many intruders
// are.
func (w *world) abroad(r *rand.Rand, country string) int {
	const many = 9 // at the end of the list
	for {
		at := r.IntN(len(w.cities))
		if r.IntN(2) == 0 {
			at = len(w.cities) - 1 - r.IntN(many)
		}
		if w.cities[at].country != country {
			return at
		}
	}
}

func (w *world) cityOf(name string) int {
	for i := range w.cities {
		if w.cities[i].name == name {
			return i
		}
	}
	return 0
}

// nearHour moves a time to the hour at which the person is known to come.
func nearHour(r *rand.Rand, at, usual time.Time) time.Time {
	day := at.Truncate(24 * time.Hour)
	return day.Add(usual.Sub(usual.Truncate(24 * time.Hour))).Add(time.Duration(r.IntN(90)) * time.Minute)
}
