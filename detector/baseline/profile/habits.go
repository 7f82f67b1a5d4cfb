package profile

import (
	"math"

	"github.com/picketd/picket/detector/internal/approx"
)

// Habits besides the voice: whom the account names, its languages, its hours
// and its clients.

// pointed is the evidence of the domains, mentions and hashtags of a post, by
// how often the account points to something new.
func (s *State) pointed(p *Post, m *Model) float64 {
	e := 0.0
	for _, n := range p.names[:p.nNames] {
		seen := float64(s.nName[n.kind])
		own := (float64(float64(s.newName[n.kind])/math.MaxUint16*seen) + 0.5) / (seen + 1)
		own = min(0.98, max(0.01, own))
		if s.uses(n.hash%counters) == 0 {
			e += approx.Log(0.9 / own)
		} else {
			e += approx.Log(0.1 / (1 - own))
		}
	}
	if p.nNames > 1 {
		e /= math.Sqrt(float64(p.nNames))
	}
	return max(m.NameFloor, e)
}

// uses returns a counter of names, 0 to 15.
func (s *State) uses(i uint32) uint8 { return s.names[i/2] >> (4 * (i & 1)) & 15 }

func (s *State) setUses(i uint32, v uint8) {
	shift := 4 * (i & 1)
	s.names[i/2] = s.names[i/2]&^(15<<shift) | v<<shift
}

// learnName counts a name twice and takes three others down by one, so that
// what is not used is forgotten and room is left.
func (s *State) learnName(n name) {
	i := n.hash % counters
	was := s.uses(i)
	share := float64(s.newName[n.kind])
	fresh := 0.0
	if was == 0 {
		fresh = math.MaxUint16
	}
	s.newName[n.kind] = uint16(share + (fresh-share)/float64(s.nName[n.kind]+1))
	s.nName[n.kind] = min(s.nName[n.kind]+1, 200)
	s.setUses(i, min(15, was+2))
	for range 3 {
		k := uint32(s.random() * counters)
		if v := s.uses(k); v > 0 {
			s.setUses(k, v-1)
		}
	}
}

// slot is one value of which there are few, as a hash, and how often it was
// used: the count grows like eight times the logarithm to base two.
type slot struct {
	hash  uint16
	week  uint8 // of the latest use, modulo 256
	count uint8
}

// times is how often a value of a count was used, about.
func times(count uint8) float64 { return float64(float64((8+uint64(count)%8)<<(count/8))/8) - 0.9 }

// share returns which part of all uses a value has, at least what one more use
// would make of it.
func share(slots []slot, hash uint16) float64 {
	all, own := 0.0, 0.5
	for i := range slots {
		if slots[i].count == 0 {
			continue
		}
		n := times(slots[i].count)
		all += n
		if slots[i].hash == hash {
			own += n
		}
	}
	return own / (all + 1)
}

// use counts a use of a value. A new one takes the place of the one that was
// used longest ago.
func (s *State) use(slots []slot, hash uint16, week uint8) {
	oldest := 0
	for i := range slots {
		c := &slots[i]
		if c.hash == hash && c.count > 0 {
			c.count = uint8(max(1, int(c.count)-int(week-c.week)/4))
			c.week = week
			if c.count < math.MaxUint8 && s.random()*(times(c.count+1)-times(c.count)) < 1 {
				c.count++
			}
			return
		}
		if o := &slots[oldest]; o.count > 0 && (c.count == 0 || week-c.week > week-o.week) {
			oldest = i
		}
	}
	slots[oldest] = slot{hash, week, 1}
}

// tongue is the evidence of a post's language.
func (s *State) tongue(p *Post) float64 {
	if p.Lang == 0 {
		return 0
	}
	return max(-0.3, approx.Log(0.2/share(s.langs[:], p.Lang)))
}

// client is the log of the months after which the account takes up another new
// client, or something about a client that it uses seldom.
func (s *State) client(p *Post, m *Model) float64 {
	switch {
	case p.App == 0:
		return 0
	case s.known(p.App) >= 0:
		return m.RareClient * approx.Log(max(1, 0.05/share(s.clients[:], short(p.App))))
	}
	return approx.Log((float64(s.exposure)+0.2)/(float64(s.newClients)+0.3)) + m.ClientOff
}

func short(app uint32) uint16 { return uint16(app >> 16) }

func fingerprint(app uint32) (set uint32, mark uint8) {
	return app >> 8 % seenSets, uint8(app>>24%math.MaxUint8 + 1)
}

// known returns the place of a client in its set, -1 where it is new.
func (s *State) known(app uint32) int {
	set, mark := fingerprint(app)
	for i, f := range s.seen[set] {
		if f == mark {
			return i
		}
	}
	return -1
}

func (s *State) learnClient(app uint32, week uint8) {
	i := s.known(app)
	if i < 0 {
		if s.posts > settled { // the first ones are not taken up
			s.newClients++
		}
		i = len(s.seen[0]) - 1
	}
	set, mark := fingerprint(app)
	copy(s.seen[set][1:i+1], s.seen[set][:i])
	s.seen[set][0] = mark
	s.use(s.clients[:], short(app), week)
}

// atHour is how many hours with posts there were at an hour of the day, with a
// little of the hours beside it.
func (s *State) atHour(hour uint8, m *Model) float64 {
	at := func(h uint8) float64 { return float64(s.hours[h%24]) }
	return float64((1-m.HourSmooth)*at(hour)) + float64(m.HourSmooth/2*(at(hour+1)+at(hour+23)))
}

// hourOnce is the months after which the account posts at that hour again.
func (s *State) hourOnce(p *Post, m *Model) float64 {
	return (float64(s.hourExposure) + 0.2) / (s.atHour(p.Hour, m) + 0.3)
}

// hourOfPost is the evidence of the hour of one post, against somebody who
// posts at any hour.
func (s *State) hourOfPost(p *Post, m *Model) float64 {
	return approx.Log((float64(s.hoursSeen()) + 12) / 24 / (s.atHour(p.Hour, m) + 0.5))
}

func (s *State) hoursSeen() int {
	return sumBytes(word(s.hours[:8])) + sumBytes(word(s.hours[8:16])) + sumBytes(word(s.hours[16:]))
}

// learnHour counts an hour of the calendar in which there is a post. Old ones
// weigh less and less.
func (s *State) learnHour(p *Post, m *Model) {
	hour := uint32(p.Time / 3600)
	if hour == s.hourLearned {
		return
	}
	s.hourLearned = hour
	n := &s.hours[p.Hour%24]
	if float64(*n) >= m.HourMax {
		for i := range s.hours {
			s.hours[i] = uint8(int(s.hours[i]) * 7 / 8)
		}
		s.hourExposure *= 7.0 / 8
	}
	*n++
}
