package loginrisk

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/picketd/picket/detector/baseline/internal/tally"
)

// Crowd is what the accounts of an organisation used for the first time each, 5
// KiB. It counts accounts, not logins, so that those who log in often do not
// speak for all. Values share places by their hash, so a rare one may look more
// usual than it is, by as much as the table is full. The zero value has seen
// nothing.
type Crowd struct {
	country [256]uint16
	asn     [2048]uint16 // with their country
	system  [64]uint16
	browser [64]uint16
	asnIn   [256]uint16 // all networks, by country
	total   [features]uint32
}

// learn counts a first use. Prefixes are too many, and each of them few use.
func (c *Crowd) learn(f int, l *Login) {
	if f == prefix {
		return
	}
	at, in := c.place(f, l), &c.asnIn[fold(l.Country)]
	*at++
	c.total[f]++
	if f == asn {
		*in++
	}
	if max(*at, *in) == math.MaxUint16 {
		c.halve()
	}
}

// share is the probability that a first use is of a login's value, of networks
// among those of its country. world is what it is where nobody was seen.
func (c *Crowd) share(f int, l *Login, world float64) float64 {
	of := float64(c.total[f])
	if f == asn {
		of = float64(c.asnIn[fold(l.Country)])
	}
	return (float64(*c.place(f, l)) + float64(spread*world)) / (of + spread)
}

func (c *Crowd) place(f int, l *Login) *uint16 {
	switch f {
	case country:
		return &c.country[fold(l.Country)]
	case asn:
		return &c.asn[tally.Number(uint64(l.ASN)<<16|uint64(l.Country))&2047]
	case system:
		return &c.system[l.System&63]
	}
	return &c.browser[l.Browser&63]
}

func fold(code uint16) uint16 { return (code ^ code>>8*31) & 255 }

// tables are all counts but the totals.
func (c *Crowd) tables() [5][]uint16 {
	return [...][]uint16{c.country[:], c.asn[:], c.system[:], c.browser[:], c.asnIn[:]}
}

func (c *Crowd) halve() {
	for _, counts := range c.tables() {
		for i := range counts {
			counts[i] /= 2
		}
	}
	for f := range c.total {
		c.total[f] /= 2
	}
}

// MarshalText implements encoding.TextMarshaler: base64 of little-endian
// numbers, the totals first.
func (c *Crowd) MarshalText() ([]byte, error) {
	var raw []byte
	for _, n := range c.total {
		raw = binary.LittleEndian.AppendUint32(raw, n)
	}
	for _, counts := range c.tables() {
		for _, n := range counts {
			raw = binary.LittleEndian.AppendUint16(raw, n)
		}
	}
	return base64.StdEncoding.AppendEncode(nil, raw), nil
}

// UnmarshalText implements encoding.TextUnmarshaler. What another version wrote,
// of another size, begins anew.
func (c *Crowd) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("what all accounts used first is not base64: %w", err)
	}
	*c = Crowd{}
	size := 4 * len(c.total)
	for _, counts := range c.tables() {
		size += 2 * len(counts)
	}
	if len(raw) != size {
		return nil
	}
	for f := range c.total {
		c.total[f], raw = binary.LittleEndian.Uint32(raw), raw[4:]
	}
	for _, counts := range c.tables() {
		for i := range counts {
			counts[i], raw = binary.LittleEndian.Uint16(raw), raw[2:]
		}
	}
	return nil
}
