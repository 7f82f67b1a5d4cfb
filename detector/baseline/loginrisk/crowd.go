package loginrisk

import "math"

// Crowd is what the accounts of an organisation first used, 12 KiB. Values share
// places by their hash, so a rare one may look more usual than it is, by as much
// as the table is full. The zero value has seen nothing.
type Crowd struct {
	country  [256]uint16
	asn      [1024]uint16
	prefix   [4096]uint16
	system   [64]uint16
	browser  [64]uint16
	total    [features]uint32
	asnIn    [256]uint16  // first uses of a network, by country
	prefixIn [1024]uint16 // first uses of a prefix, by network
}

// learn counts a first use.
func (c *Crowd) learn(f int, l *Login) {
	at, in := c.place(f, l.features()[f]), c.within(f, l)
	*at++
	c.total[f]++
	if in != nil {
		*in++
	}
	if *at == math.MaxUint16 || in != nil && *in == math.MaxUint16 {
		c.halve(f)
	}
}

// within is how many first uses there were within the coarser part of an
// address; nil where there is none.
func (c *Crowd) within(f int, l *Login) *uint16 {
	switch f {
	case asn:
		return &c.asnIn[(l.Country^l.Country>>8)&255]
	case prefix:
		return &c.prefixIn[l.ASN&1023]
	}
	return nil
}

// share is the probability that a first use is of this value, where one more
// coarse is given: of networks within the country, of prefixes within the
// network. world is what it is where nobody was seen.
func (c *Crowd) share(f int, id uint16, l *Login, world float64) float64 {
	of := float64(c.total[f])
	if in := c.within(f, l); in != nil {
		of = float64(*in)
	}
	return (float64(*c.place(f, id)) + spread*world) / (of + spread)
}

func (c *Crowd) place(f int, id uint16) *uint16 {
	switch f {
	case country:
		return &c.country[(id^id>>8)&255]
	case asn:
		return &c.asn[id&1023]
	case prefix:
		return &c.prefix[id&4095]
	case system:
		return &c.system[id&63]
	}
	return &c.browser[id&63]
}

func (c *Crowd) halve(f int) {
	all := [...][]uint16{country: c.country[:], asn: c.asn[:], prefix: c.prefix[:], system: c.system[:], browser: c.browser[:]}
	within := [features][]uint16{asn: c.asnIn[:], prefix: c.prefixIn[:]}
	c.total[f] /= 2
	for _, counts := range [...][]uint16{all[f], within[f]} {
		for i := range counts {
			counts[i] /= 2
		}
	}
}
