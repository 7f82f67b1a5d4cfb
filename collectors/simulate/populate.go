package simulate

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// span is a half-open range of indexes.
type span struct{ from, to int }

// org is an organisation: accounts on several networks and the people who
// share them.
type org struct {
	name     string
	domain   string
	accounts span
	people   span
	seen     uint32 // countries that its people log in from, a bit each
}

// account is one connected account and what its stream needs to remember.
type account struct {
	queue
	rng  *rand.Rand
	seed uint64

	name, handle string // "x/amber-lantern", "amber-lantern"
	org          int
	sibling      int32 // another account of the organisation, -1 without one
	network
	importance string
	required   bool // approvals
	zone       *zone
	rhythm     *rhythm
	sector     *sector
	posts      pace
	mentions   pace
	apps       [2]string // most used first

	followers int64
	trend     int64 // mean change a day, in hundredths
	bio       int
	picture   int

	recent [64]uint64 // ids of the latest posts
	posted int        // posts so far
	habits int        // activities so far that showed an app

	blind     int64 // the collector sees nothing until then
	busy      int64 // under attack until then
	rogueApps int   // intruders' apps so far
}

// place is where somebody logs in from.
type place struct {
	ip     string
	city   uint8
	asn    uint16
	device uint8 // 0 laptop, 1 phone
}

// person is one identity at the identity provider.
type person struct {
	queue
	rng *rand.Rand

	name, id string // "okta/amber-lantern-editor-1", "editor-1"
	org      int
	zone     *zone
	places   [3]place // office, home, phone
	device   [2]string
	joined   int64  // Unix milliseconds
	away     int64  // on a trip until then
	seen     uint32 // countries, a bit each, trips included
	habits   int    // logins so far

	busy      int64  // under attack until then
	intruders uint32 // countries that intruders came from, a bit each
	rented    uint8  // rented networks that they came through, a bit each
}

// populate invents the organisations. What it makes of an organisation
// depends on the seed and its place only, not on how many follow.
func (w *World) populate(c *Config) {
	w.orgs = make([]org, 0, c.Accounts/2+1)
	w.accounts = make([]account, 0, c.Accounts)
	w.people = make([]person, 0, c.Accounts+4)
	begin, length := c.Start.UnixMilli(), 90*day
	if !c.End.IsZero() {
		length = c.End.UnixMilli() - begin
	}
	for i := 0; len(w.accounts) < c.Accounts; i++ {
		r := rand.New(rand.NewPCG(c.Seed, mix(uint64(i)+1)))
		want := 1 + r.IntN(len(w.cat.networks))
		if i == 0 {
			want = 3 // even the smallest useful world has an approval for a sibling
		}
		want = min(want, c.Accounts-len(w.accounts))
		w.found(r, i, want, begin, length)
	}
}

// found founds organisation i with that many accounts.
func (w *World) found(r *rand.Rand, i, accounts int, begin, length int64) {
	cat := w.cat
	o := org{name: w.orgName(i)}
	o.domain = o.name + ".example"
	home := r.IntN(len(cat.cities))
	rhythm, sector := cat.rhythms[r.IntN(len(cat.rhythms))], &cat.sectors[r.IntN(len(cat.sectors))]
	o.people = span{len(w.people), len(w.people) + 1 + min(accounts, 3)}
	o.accounts = span{len(w.accounts), len(w.accounts) + accounts}
	first := r.IntN(len(cat.networks))
	if i == 0 {
		first = 0
	}
	for j := range accounts {
		a := w.newAccount(r, cat.networks[(first+j)%len(cat.networks)])
		a.org, a.handle, a.name = i, o.name, a.network.name+"/"+o.name
		a.zone, a.rhythm, a.sector = &cat.cities[home].zone, rhythm, sector
		a.required = (o.accounts.from+j)%3 == 0
		a.sibling = -1
		if accounts > 1 {
			a.sibling = int32(o.accounts.from + (j+1)%accounts)
		}
		w.accounts = append(w.accounts, a)
		w.beginAccount(o.accounts.from+j, begin)
	}
	for j := o.people.from; j < o.people.to; j++ {
		p := w.newPerson(r, i, o.name, j-o.people.from, home)
		p.joined = begin
		if j == o.people.to-1 && j > o.people.from && r.IntN(10) < 3 {
			p.joined = begin + length/4 + r.Int64N(length/2)
		}
		o.seen |= p.seen
		w.people = append(w.people, p)
		w.beginPerson(j, begin)
	}
	w.orgs = append(w.orgs, o)
}

// orgName gives each organisation another name. The hyphen keeps it from being
// anybody's handle on the networks that it is said to be on.
func (w *World) orgName(i int) string {
	a, n := len(w.cat.adjective), len(w.cat.noun)
	// Steps that share no factor with the lengths, so that neighbours differ.
	name := w.cat.adjective[i*7%a] + "-" + w.cat.noun[(i*11+i/a)%n]
	if round := i / (a * n); round > 0 {
		name += "-" + strconv.Itoa(round+1)
	}
	return name
}

func (w *World) newAccount(r *rand.Rand, n network) account {
	a := account{network: n, seed: r.Uint64()}
	a.rng = rand.New(rand.NewPCG(a.seed, 1))
	perDay := min(max(math.Exp(math.Log(3)+0.9*r.NormFloat64()), 0.5), 40)
	if len(w.accounts) == 0 {
		perDay = max(perDay, 4) // so that an attack of any kind has something to attack
	}
	a.posts = newPace(perDay, 1.3+0.6*r.Float64())
	a.mentions = newPace(perDay/2, 1)
	a.followers = int64(math.Exp(6 + 2*r.NormFloat64() + perDay/20))
	a.trend = int64(r.NormFloat64() * 3 * float64(a.followers) / 100)
	a.importance = [...]string{"high", "normal", "normal", "low"}[r.IntN(4)]
	i := r.IntN(len(w.cat.apps))
	a.apps = [2]string{w.cat.apps[i], w.cat.apps[(i+1+r.IntN(len(w.cat.apps)-1))%len(w.cat.apps)]}
	return a
}

func (w *World) newPerson(r *rand.Rand, org int, name string, nth, home int) person {
	p := person{org: org}
	p.id = [...]string{"editor", "editor", "press", "intern"}[nth] + "-" + strconv.Itoa(nth+1)
	p.name = "okta/" + name + "-" + p.id
	p.rng = rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
	office := home
	if r.IntN(8) == 0 {
		home = r.IntN(len(w.cat.cities)) // works from afar
		office = home
	} else if from, to := w.cat.citiesIn(w.cat.cities[home].country); r.IntN(4) == 0 {
		home = from + r.IntN(to-from)
	}
	p.zone = &w.cat.cities[home].zone
	asn := func(city int) uint16 { return uint16(firstASN + w.cat.cities[city].country) }
	p.places = [3]place{
		{ip: "192.0.2." + strconv.Itoa(1+org%254), city: uint8(office), asn: asn(office)},
		{ip: "198.51.100." + strconv.Itoa(1+r.IntN(254)), city: uint8(home), asn: asn(home)},
		{ip: address6(r.Uint64()), city: uint8(home), asn: mobileASN, device: 1},
	}
	p.newDevice(r, 0)
	p.newDevice(r, 1)
	p.seen = 1<<w.cat.cities[office].country | 1<<w.cat.cities[home].country
	return p
}

func (p *person) newDevice(r *rand.Rand, which int) {
	p.device[which] = [2]string{"laptop-", "phone-"}[which] + strconv.FormatUint(0x1000+r.Uint64()%0xefff, 16)
}

// address6 is an address in 2001:db8::/32 (RFC 3849).
func address6(n uint64) string {
	part := func(shift int) string { return strconv.FormatUint(0x1000+n>>shift%0xe000, 16) }
	return "2001:db8:" + part(0) + ":" + part(16) + "::" + part(32)
}
