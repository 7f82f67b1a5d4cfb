package habit

import (
	"encoding/binary"
	"math"
)

// Packed returns how many bytes a rhythm takes: as few for each hour as its
// busiest one needs.
func (r *Rhythm) Packed() int {
	most := uint32(0)
	for _, n := range r.Hours {
		most = max(most, n)
	}
	switch {
	case most < 1<<8:
		return len(r.Hours)
	case most < 1<<16:
		return 2 * len(r.Hours)
	}
	return 4 * len(r.Hours)
}

// Pack writes a rhythm to as many bytes as Packed says.
func (r *Rhythm) Pack(to []byte) {
	width := len(to) / len(r.Hours)
	for i, n := range r.Hours {
		switch at := to[i*width:]; width {
		case 1:
			at[0] = byte(n)
		case 2:
			binary.LittleEndian.PutUint16(at, uint16(n))
		default:
			binary.LittleEndian.PutUint32(at, n)
		}
	}
}

// Bump counts one more activity in an hour of a packed rhythm. It reports false,
// and changes nothing, where the hour needs more bytes than it has.
func Bump(packed []byte, hour int) bool {
	width := len(packed) / len(Rhythm{}.Hours)
	for i, low := hour*width, hour*width; i < low+width; i++ {
		if packed[i] < math.MaxUint8 {
			packed[i]++
			clear(packed[low:i]) // they overflow
			return true
		}
	}
	return false
}

// Unpack reads what Pack wrote.
func (r *Rhythm) Unpack(from []byte) {
	r.Count = 0
	width := len(from) / len(r.Hours)
	for i := range r.Hours {
		switch at := from[i*width:]; width {
		case 1:
			r.Hours[i] = uint32(at[0])
		case 2:
			r.Hours[i] = uint32(binary.LittleEndian.Uint16(at))
		default:
			r.Hours[i] = binary.LittleEndian.Uint32(at)
		}
		r.Count += int(r.Hours[i])
	}
}
