// Package loginrisk weighs one login: how much likelier is it that of somebody
// else than that of the account's person? It reads no clock and does no I/O.
// Which logins are weighed, and from which weight on somebody is told, is a
// rule's matter.
//
// # The formula
//
// Freeman, Jain, Dürmuth, Biggio and Giacinto ("Who Are You? A Statistical
// Approach to Measuring User Authenticity", NDSS 2016) compare p(x | attacker)
// with p(x | account) for the features x of a login, taken as independent, and
// so does Score, as a sum of logarithms:
//
//	Σ log p(x | attacker) − log p(x | account)
//
// A login without a user agent is not one for this package: what is left of it
// says little more than the rules on countries and networks do.
//
// The features are those that Wiefling, Lo Iacono and Dürmuth found in use and
// useful ("Is This Really You?", IFIP SEC 2019, and the RBA data set, 2022): the
// address with the network and the country as its coarser parts, the user agent
// as system with type of device and browser, and the hour.
//
// # Smoothing
//
// What an account was not seen with has a probability, too. It is as large as
// the account's own share of first uses (Witten and Bell, "The Zero-Frequency
// Problem", 1991), so that who travels is not told of each journey, and is
// spread over values as the organisation's accounts first used them (Kneser and
// Ney, "Improved Backing-off for M-gram Language Modeling", 1995): see Crowd.
// What nobody there used has the world's share: constants of this package. The
// coarser part of an address is what the finer one falls back to.
//
// # The attacker
//
// Nobody has a list of the attackers to come, so they are assumed: some share
// knows the victim and imitates a feature, the rest is spread over the world.
// The shares are constants, beside each how it was chosen.
package loginrisk

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/picketd/picket/detector/baseline/internal/tally"
	"github.com/picketd/picket/detector/internal/approx"
)

// State is what is remembered of an account, 96 bytes. The zero value has seen
// nothing.
type State struct {
	since uint32 // occurrence of the first login learned, seconds since 1970
	aged  uint32 // when the counts were last halved for their age
	n     uint16 // logins learned, no further than 65535

	prefix  [5]uint16
	asn     [5]uint16
	country [4]uint16
	system  [3]uint16
	browser [3]uint16

	prefixN  [5]uint8
	asnN     [5]uint8
	countryN [4]uint8
	systemN  [3]uint8
	browserN [3]uint8
	version  [3]uint8 // of each browser, the lower 8 bits of its first number

	total [features]uint8
	novel [features]uint8

	hours [12]uint8 // 4 bits an hour
}

// Features that are counted.
const (
	country = iota
	asn
	prefix
	system
	browser
	features
)

// Login is what is weighed. The zero of a feature is one that was not told.
type Login struct {
	Time    int64  // occurrence, Unix nanoseconds
	Country uint16 // Code
	ASN     uint16 // tally.Number or 0
	Prefix  uint16 // of the address: 24 bits of IPv4, 48 of IPv6
	System  uint16 // operating system and type of device
	Browser uint16 // with its system
	Version uint8  // of the browser: the lower 8 bits of its first number; 0 where not told
	Hour    int8   // of the day where the account's people work
	Relay   bool   // a VPN, a proxy or a rented server
}

// Params are the numbers of a rule.
type Params struct {
	HalfLife int64 // nanoseconds after which what was seen counts half
}

// Weight is what one feature says: the logarithm of how much likelier an
// attacker has its value. Seen of Of logins had it, both fading.
type Weight struct {
	Feature string // see the names below
	Nats    float64
	Seen    float64
	Of      float64
	Kinds   int // values that are known of the account
}

// Weights are all that is known of one login.
type Weights [6]Weight

// Score is the sum of the weights, in nats: 4.6 is a hundred times likelier
// somebody else.
func (w *Weights) Score() float64 {
	sum := 0.0
	for i := range w {
		sum += w[i].Nats
	}
	return sum
}

// Since returns the occurrence of the first login learned, Unix nanoseconds, and
// how many were learned.
func (s *State) Since() (at int64, logins int) { return int64(s.since) * 1e9, int(s.n) }

// counts is the view of one feature.
func (s *State) counts(f int) tally.Counts {
	c := tally.Counts{Total: &s.total[f], Novel: &s.novel[f]}
	switch f {
	case country:
		c.IDs, c.N = s.country[:], s.countryN[:]
	case asn:
		c.IDs, c.N = s.asn[:], s.asnN[:]
	case prefix:
		c.IDs, c.N = s.prefix[:], s.prefixN[:]
	case system:
		c.IDs, c.N = s.system[:], s.systemN[:]
	default:
		c.IDs, c.N = s.browser[:], s.browserN[:]
	}
	return c
}

// features returns the ids of a login in the order of the constants.
func (l *Login) features() [features]uint16 {
	return [...]uint16{country: l.Country, asn: l.ASN, prefix: l.Prefix, system: l.System, browser: l.Browser}
}

// Learn takes a login, and tells the crowd what is new about it.
func (s *State) Learn(l Login, crowd *Crowd, p Params) {
	at := uint32(max(l.Time, 0) / 1e9)
	if s.n == 0 || at < s.since {
		s.since = at
	}
	s.n = min(s.n, math.MaxUint16-1) + 1
	s.age(at, p)
	for f, id := range l.features() {
		if id == 0 {
			continue
		}
		if s.counts(f).Add(id) {
			crowd.learn(f, &l)
		}
	}
	if i := slices.Index(s.browser[:], l.Browser); i >= 0 && l.Browser != 0 {
		s.version[i] = l.Version
	}
	s.learnHour(int(l.Hour))
}

// age halves all counts for each half-life that has passed.
func (s *State) age(at uint32, p Params) {
	half := uint32(p.HalfLife / 1e9)
	if s.aged == 0 || half == 0 {
		s.aged = max(s.aged, at)
		return
	}
	for times := 0; at > s.aged && at-s.aged >= half; times++ {
		if times == 8 { // all is forgotten
			s.aged = at
			return
		}
		s.aged += half
		for f := range features {
			s.counts(f).Halve()
		}
		for i, b := range s.hours {
			s.hours[i] = b >> 1 & 0x77
		}
	}
}

func (s *State) hour(h int) int { return int(s.hours[h/2]>>(h%2*4)) & 15 }

func (s *State) learnHour(h int) {
	if s.hour(h) == 15 {
		for i, b := range s.hours {
			s.hours[i] = b >> 1 & 0x77
		}
	}
	s.hours[h/2] += 1 << (h % 2 * 4)
}

// What is assumed of attackers and of the world.
const (
	// knowsCountry of attackers are in the victim's country, or say so by a VPN;
	// Freeman et al. tell attackers with this knowledge from those without.
	knowsCountry = 0.15
	// knowsNetwork of these find an address of the victim's provider: residential
	// proxies are sold by country, seldom by provider.
	knowsNetwork = 0.05
	// knowsPrefix of these share the victim's own prefix.
	knowsPrefix = 0.05
	// knowsAgent imitate the victim's system, or have it by chance beyond what the
	// organisation's own shares say.
	knowsAgent = 0.15
	// knowsHour come when the victim does.
	knowsHour = 0.3

	countries = 60  // from which most logins come, as many as are equally likely
	networks  = 40  // of a country, in the same sense
	prefixes  = 500 // of a network
	systems   = 8   // with types of device
	browsers  = 10

	// relayed of attackers' logins come through VPNs, proxies and rented servers,
	// and otherRelayed of the first uses of a network by others; a third of the
	// logins of attacks in the RBA data set come from addresses of attackers that
	// are known as such.
	relayed      = 0.6
	otherRelayed = 0.15

	// A browser has a new version each four weeks (Chrome's and Firefox's release
	// calendars); one that is soon ahead is the same, updated. Some devices are
	// behind for long, tools that say they are a browser always.
	soon       = 3
	ownStale   = 0.03
	theirStale = 0.4

	// firstUse is how much of a first use an account has without any: half.
	firstUse = tally.Use / 2
	// spread is how many first uses of the crowd weigh as much as the world.
	spread = 4.0
)

// Judge weighs a login that Learn has not taken yet.
func (s *State) Judge(l Login, crowd *Crowd) Weights {
	var w Weights
	for i, name := range [...]string{Country, Network, Address, System, Browser, Hour} {
		w[i].Feature = name
	}
	s.judgeAddress(&l, crowd, &w)
	s.judgeAgent(&l, crowd, &w)
	h := int(l.Hour)
	own := s.hourShare(h)
	w[5].Nats = approx.Log((float64(knowsHour*own) + (1-knowsHour)/24) / own)
	w[5].Seen, w[5].Of = float64(s.hour(h)), float64(s.logins())
	return w
}

// judgeAddress weighs country, network and address, each given the one before.
func (s *State) judgeAddress(l *Login, crowd *Crowd, w *Weights) {
	if l.Country != 0 {
		own := s.own(country, l.Country, crowd.share(country, l, 1.0/countries), &w[0])
		w[0].Nats = approx.Log((float64(knowsCountry*own) + (1-knowsCountry)/countries) / own)
	}
	if l.ASN != 0 {
		theirs, others := (1-relayed)/networks, (1-otherRelayed)/networks
		if l.Relay {
			theirs, others = relayed/networks, otherRelayed/networks
		}
		own := s.given(country, l.Country, asn, l.ASN, crowd.share(asn, l, others), &w[1])
		w[1].Nats = approx.Log((float64(knowsNetwork*own) + float64((1-knowsNetwork)*theirs)) / own)
	}
	if l.Prefix != 0 {
		own := s.given(asn, l.ASN, prefix, l.Prefix, 1.0/prefixes, &w[2])
		w[2].Nats = approx.Log((float64(knowsPrefix*own) + (1-knowsPrefix)/prefixes) / own)
	}
}

// judgeAgent weighs system and browser, each given the one before, and the
// browser's version.
func (s *State) judgeAgent(l *Login, crowd *Crowd, w *Weights) {
	if l.System != 0 {
		others := crowd.share(system, l, 1.0/systems)
		own := s.own(system, l.System, others, &w[3])
		w[3].Nats = approx.Log((float64(knowsAgent*own) + float64((1-knowsAgent)*(others+1.0/systems)/2)) / own)
	}
	if l.Browser != 0 {
		others := crowd.share(browser, l, 1.0/browsers)
		own := s.given(system, l.System, browser, l.Browser, others, &w[4])
		w[4].Nats = approx.Log((float64(knowsAgent*own)+float64((1-knowsAgent)*(others+1.0/browsers)/2))/own) + s.judgeVersion(l)
	}
}

// judgeVersion weighs the version of a browser that the account uses: it is the
// one that was seen last or comes soon after it.
func (s *State) judgeVersion(l *Login) float64 {
	i := slices.Index(s.browser[:], l.Browser)
	if i < 0 || s.version[i] == 0 || l.Version == 0 {
		return 0
	}
	if ahead := l.Version - s.version[i]; ahead <= soon {
		return approx.Log((1 - theirStale) / (1 - ownStale))
	}
	return approx.Log(theirStale / ownStale)
}

// own is the share of a value, where a first use has the probability first, and
// the weight's numbers.
func (s *State) own(f int, id uint16, first float64, w *Weight) float64 {
	c := s.counts(f)
	n, total, novel := float64(c.Of(id)), float64(*c.Total), float64(*c.Novel)+firstUse
	w.Seen, w.Of, w.Kinds = n/tally.Use, total/tally.Use, c.Kinds()
	return (n + float64(novel*first)) / (total + novel)
}

// given is own among the logins that had a value of a coarser feature. Where
// none had it, the finer one's is a first use in any case.
func (s *State) given(coarse int, with uint16, f int, id uint16, first float64, w *Weight) float64 {
	c, of := s.counts(f), float64(s.counts(coarse).Of(with))
	n := min(float64(c.Of(id)), of)
	w.Seen, w.Of, w.Kinds = n/tally.Use, float64(*c.Total)/tally.Use, c.Kinds()
	if with != 0 && of == 0 {
		return first
	}
	if with == 0 {
		of = float64(*c.Total)
	}
	// First uses that were not because the coarser part was new.
	novel := max(float64(*c.Novel)-float64(s.novel[coarse]), 0)
	novel = novel*of/max(float64(*c.Total), 1) + firstUse
	return (n + float64(novel*first)) / (of + novel)
}

func (s *State) logins() int {
	sum := 0
	for h := range 24 {
		sum += s.hour(h)
	}
	return sum
}

// hourShare is the probability of an hour, smoothed over its neighbours.
func (s *State) hourShare(h int) float64 {
	near := float64(s.hour((h+23)%24) + 2*s.hour(h) + s.hour((h+1)%24))
	const world = 2.0 // logins that are spread over all hours
	return (float64(near/4) + world/24) / (float64(s.logins()) + world)
}

// Code is the id of a country, which CountryOf turns back.
func Code(country string) uint16 {
	if len(country) != 2 {
		return 0
	}
	return uint16(country[0])<<8 | uint16(country[1])
}

// Usual returns the countries that the account uses, most used first, and their
// share of its logins.
func (s *State) Usual() (codes []string, shares []float64) {
	order := []int{0, 1, 2, 3}
	slices.SortStableFunc(order, func(a, b int) int { return int(s.countryN[b]) - int(s.countryN[a]) })
	for _, i := range order {
		if s.countryN[i] > 0 {
			codes = append(codes, string([]byte{byte(s.country[i] >> 8), byte(s.country[i])}))
			shares = append(shares, float64(s.countryN[i])/float64(max(s.total[country], 1)))
		}
	}
	return codes, shares
}

// Names of features in Weight.
const (
	Country = "country"
	Network = "network"
	Address = "address"
	System  = "system"
	Browser = "browser"
	Hour    = "hour"
)

// ID is the id of a text, 0 of one that is not told.
func ID(s string) uint16 {
	if strings.TrimSpace(s) == "" {
		return 0
	}
	return tally.ID(s)
}

// Number is the id of a number.
func Number(n uint64) uint16 { return tally.Number(n) }

// Prefix is the id of the part of an address that one household or office
// keeps: 24 bits of IPv4, 48 of IPv6.
func Prefix(ip netip.Addr) uint16 {
	bits := 48
	if ip = ip.Unmap(); ip.Is4() {
		bits = 24
	}
	p, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return 0
	}
	b := p.Addr().As16()
	return tally.Number(binary.BigEndian.Uint64(b[:8]) ^ tally.Mix(binary.BigEndian.Uint64(b[8:])))
}
