package simulate

import (
	"math"
	"math/rand/v2"
)

// director splices attacks into the lives of the others. It draws from a
// generator of its own and changes nothing that they draw from, so that a
// world without it is the same world.
type director struct {
	queue
	rng  *rand.Rand
	mean float64 // milliseconds between attacks
	// stretch scales how long attacks take: 1 is lifelike, less is for people
	// who watch.
	stretch float64
}

// newDirector makes a director of random attacks from begin on.
func newDirector(seed uint64, begin int64, mean float64) director {
	d := director{rng: rand.New(rand.NewPCG(seed, 0x6469726563746f72)), mean: mean, stretch: 1}
	d.await(begin)
	return d
}

// await plans the next random attack.
func (d *director) await(from int64) {
	d.plan(step{at: from + 1 + int64(d.rng.ExpFloat64()*d.mean), do: doAttack})
}

// scripted plans an attack of a given kind, by its place in Attacks.
func (d *director) scripted(at int64, what Attack) {
	for i, a := range Attacks() {
		if a == what {
			d.plan(step{at: at, do: doAttack, aux: uint8(i + 1)})
		}
	}
}

// lasting draws a duration between min and twice that, scaled.
func (d *director) lasting(least int64) int64 {
	return 1 + int64(float64(least+d.rng.Int64N(least))*d.stretch)
}

// attack carries out what the step says: a scripted attack, or a random one.
func (w *World) attack(s *step) {
	d := &w.director
	kinds := Attacks()
	if s.aux > 0 {
		from := d.rng.IntN(len(w.accounts))
		for i := range w.accounts {
			if w.attempt(kinds[s.aux-1], (from+i)%len(w.accounts), s.at) {
				return
			}
		}
		return
	}
	d.await(s.at)
	// Some attacks need approvals, a sibling, posts to delete: try others.
	const tries = 50
	for range tries {
		kind, account := kinds[d.rng.IntN(len(kinds))], d.rng.IntN(len(w.accounts))
		if w.attempt(kind, account, s.at) {
			return
		}
	}
}

// attempt plans an attack on account i from now on, if there is a way.
func (w *World) attempt(kind Attack, i int, now int64) bool {
	a := &w.accounts[i]
	if kind == NewCountryLogin {
		o := &w.orgs[a.org]
		return w.breakIn(int32(o.people.from+w.director.rng.IntN(o.people.to-o.people.from)), now)
	}
	if now < a.busy {
		return false
	}
	p := w.newPlot(&w.director.queue, kind, a.name)
	var ok bool
	switch who := int32(i); kind {
	case PostingBurst:
		ok = w.burst(p, who, now)
	case HijackedApp:
		ok = w.hijack(p, who, now)
	case ProfileTakeover:
		ok = w.takeOver(p, who, now)
	case MassDeletion:
		ok = w.massDelete(p, who, now)
	case CollectorBlind:
		ok = w.goBlind(p, who, now)
	default:
		ok = a.required && w.publishWrongly(p, who, now)
	}
	if !ok || !p.commit(w.end) {
		return false
	}
	a.busy = p.steps[len(p.steps)-1].at + 1
	if kind == HijackedApp {
		a.rogueApps++
	}
	return true
}

// learned tells whether a learned rule of the built-in pack knows a life of
// that length with so many activities: they want 14 days and 20 activities, or
// three times as long.
func learned(age int64, activities int) bool {
	const slack = day // activities trickle in after the first moment
	return age > 14*day+slack && activities > 20 || age > 42*day+slack && activities > 0
}

func (w *World) burst(p *plot, who int32, at int64) bool {
	d := &w.director
	for range 15 + d.rng.IntN(26) {
		p.add(step{at: at, who: who, do: doPost, flavour: spam})
		at += d.lasting(8 * second)
	}
	p.expect(RuleBurst)
	if w.accounts[who].required {
		p.expect(RuleUnapproved)
	}
	return true
}

func (w *World) hijack(p *plot, who int32, at int64) bool {
	d, a := &w.director, &w.accounts[who]
	if !a.app || !learned(at-w.begin, a.habits) || a.rogueApps > math.MaxUint8 {
		return false
	}
	p.aside(step{at: at, who: who, do: doTokenGrant, aux: uint8(a.rogueApps)})
	for range 1 + d.rng.IntN(3) {
		at += d.lasting(4 * minute)
		p.add(step{at: at, who: who, do: doPost, flavour: hijacked, aux: uint8(a.rogueApps)})
	}
	p.expect(RuleNewApp)
	if a.required {
		p.expect(RuleUnapproved)
	}
	return true
}

func (w *World) takeOver(p *plot, who int32, at int64) bool {
	taken := p.add(step{at: at, who: who, do: doProfile, flavour: takenOver})
	p.aside(step{
		at: at + w.director.lasting(2*hour), who: who, do: doProfile, flavour: restored, subject: taken,
	})
	p.expect(RuleProfile)
	return true
}

// massDelete deletes the newest posts that are old enough for nobody else to
// be deleting them.
func (w *World) massDelete(p *plot, who int32, at int64) bool {
	const least = 15
	d, a := &w.director, &w.accounts[who]
	settled := uint64(at-2*hour) << idBits
	var ids []uint64
	for i := range min(a.posted, len(a.recent)) {
		id := a.recent[(a.posted-1-i)%len(a.recent)]
		if id != 0 && id < settled {
			ids = append(ids, id)
		}
	}
	if len(ids) < least {
		return false
	}
	for _, id := range ids[:min(len(ids), least+d.rng.IntN(26))] {
		p.add(step{at: at, who: who, do: doDelete, subject: id})
		at += d.lasting(3 * second)
	}
	p.expect(RuleDeletions)
	return true
}

// goBlind has the network refuse the collector; it says so at once and hourly.
func (w *World) goBlind(p *plot, who int32, at int64) bool {
	for _, s := range w.accounts[who].steps {
		if s.label != nil {
			return false // a look-alike is under way, whose label would be half true
		}
	}
	until := at + w.director.lasting(hour)
	for t := at; t < until; t += hour {
		p.add(step{at: t, who: who, do: doPollForbidden, subject: uint64(until) << idBits})
	}
	p.aside(step{at: until, who: who, do: doPollGap, subject: uint64(at) << idBits})
	p.aside(step{at: until + second, who: who, do: doPollComplete})
	p.expect(RuleBlind)
	return true
}

// publishWrongly posts against the rules of approval.
func (w *World) publishWrongly(p *plot, who int32, at int64) bool {
	d, a := &w.director, &w.accounts[who]
	post := step{at: at + d.lasting(hour), who: who, do: doPost}
	approval := step{at: at, who: who, do: doApprove, flavour: linked}
	switch p.label.Attack {
	case EditedAfterApproval:
		post.flavour = tampered
		p.expect(RuleEdited)
	case ExpiredApproval:
		post.flavour, approval.flavour = linked, lapsed
		p.expect(RuleExpired)
	case WrongAccountPost:
		if a.sibling < 0 {
			return false
		}
		post.flavour, approval.who = borrowed, a.sibling
		p.expect(RuleWrongAccount)
	default:
		post.at, post.flavour = at, rogue
		p.expect(RuleUnapproved)
		p.add(post)
		return true
	}
	approval.subject = p.add(post)
	p.aside(approval)
	return true
}

// breakIn logs in as a person from a country that nobody there used.
func (w *World) breakIn(who int32, at int64) bool {
	d, p := &w.director, &w.people[who]
	known := p.seen | p.intruders | w.orgs[p.org].seen
	country := d.rng.IntN(len(w.cat.countries))
	if at < p.busy || !learned(at-p.joined, p.habits) || known&(1<<country) != 0 {
		return false
	}
	from, to := w.cat.citiesIn(country)
	login := step{who: who, do: doLogin, flavour: foreign, aux: uint8(from + d.rng.IntN(to-from)), subject: 2 + d.rng.Uint64()%1e12}
	plot := w.newPlot(&d.queue, NewCountryLogin, p.name)
	for range d.rng.IntN(4) {
		fail := login
		fail.at, fail.do = at, doLoginFailure
		plot.aside(fail)
		at += d.lasting(10 * second)
	}
	login.at = at
	plot.add(login)
	plot.expect(RuleNewCountry)
	asn := uint8(1) << (login.subject % 2)
	if p.rented&asn == 0 {
		plot.expect(RuleNewNetwork)
	}
	if !plot.commit(w.end) {
		return false
	}
	p.busy, p.intruders, p.rented = at+1, p.intruders|1<<country, p.rented|asn
	return true
}
