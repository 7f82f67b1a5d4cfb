package profile

import (
	"encoding/binary"
	"math/bits"
)

// Counts of one byte each, eight at once: each post asks every channel for the sum
// of such counts.

// word is the first eight counts, the first in the lowest byte.
func word(counts []uint8) uint64 { return binary.LittleEndian.Uint64(counts) }

// sumBytes adds up the eight bytes of a word.
func sumBytes(w uint64) int {
	const even = 0x00ff00ff00ff00ff
	return int((w&even + w>>8&even) * 0x0001000100010001 >> 48)
}

// highest returns the place of the last of sixteen counts that is not 0, or 0.
func highest(low, high uint64) int {
	if high != 0 {
		return 15 - bits.LeadingZeros64(high)/8
	}
	return max(0, 7-bits.LeadingZeros64(low)/8)
}
