// Package tally counts how often an account used which value of a feature, in a
// few bytes: values are known by 16 bits of a hash, counts have eight and are
// halved when they are full, so that what is not used any more fades. What a
// share means belongs in the models that count.
package tally

import "slices"

// Use is what one use adds to a count: two, so that what was used once is still
// known after the first halving.
const Use = 2

// Counts is a view of the counts of one feature, which its model keeps. The
// slices have one length; an id of 0 is an empty place.
type Counts struct {
	IDs []uint16
	N   []uint8
	// Total is the sum over all values, also those that found no place.
	Total *uint8
	// Novel is how much of Total were first uses.
	Novel *uint8
}

// Of returns the count of a value.
func (c Counts) Of(id uint16) uint8 {
	if i := slices.Index(c.IDs, id); i >= 0 && id != 0 {
		return c.N[i]
	}
	return 0
}

// Add counts one use and reports whether the value was not known. A value that
// finds no place takes that of the one used least.
func (c Counts) Add(id uint16) (novel bool) {
	if *c.Total > 255-Use {
		c.Halve()
	}
	i := slices.Index(c.IDs, id)
	if novel = i < 0 || c.N[i] == 0; i < 0 {
		i = slices.Index(c.N, slices.Min(c.N))
		c.IDs[i], c.N[i] = id, 0
	}
	*c.Total += Use
	c.N[i] += Use
	if novel {
		*c.Novel += Use
	}
	return novel
}

// Halve forgets half of everything.
func (c Counts) Halve() {
	*c.Total /= 2
	*c.Novel /= 2
	for i := range c.N {
		if c.N[i] /= 2; c.N[i] == 0 {
			c.IDs[i] = 0
		}
	}
}

// Kinds returns how many values have a place.
func (c Counts) Kinds() int {
	n := 0
	for _, id := range c.IDs {
		if id != 0 {
			n++
		}
	}
	return n
}

// ID is 16 bits of a hash (FNV-1a, folded), never 0.
func ID(s string) uint16 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return Fold(h)
}

// Number is ID of a number.
func Number(n uint64) uint16 { return Fold(Mix(n)) }

// Mix scrambles a number: the finaliser of SplitMix64.
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Fold makes an id of a hash.
func Fold(h uint64) uint16 {
	id := uint16(h ^ h>>16 ^ h>>32 ^ h>>48)
	if id == 0 {
		return 1
	}
	return id
}
