// Package profile is the model of how an account posts.
package profile

import "math"

const (
	weights   = 256
	clients   = 12
	languages = 4
	topSize   = 8
	nameBytes = 64 // of two counters each
	paces     = 3
	bins      = 16
)

// State is what is known of one account.
type State struct {
	voice                                      [weights]int8
	names                                      [nameBytes]uint8
	hours                                      [24]uint8
	clients                                    [clients]slot
	langs                                      [languages]slot
	top                                        [topSize]peak
	hist                                       [channels][bins]uint8
	most                                       [channels]float32 // in this session
	pace                                       [paces]float32
	newName                                    [nameKinds]uint16
	nName                                      [nameKinds]uint8
	bias, content, heldClient, heldHour, peak  float32
	exposure, hourExposure, newClients, tokens float32
	posts, first, last, start, flagged         uint32
	random                                     uint32
}

const (
	chWord = iota // the strangest post
	chTalk        // the strangest run of posts
	chBait
	chPace
	channels = chPace + paces
)

type peak struct{ score, day uint16 }
type slot struct {
	hash        uint16
	week, count uint8
}

// Model are the numbers of the model, the same for all accounts.
type Model struct {
	LR, L2, Step                                                    float64
	Voice, VoiceFloor, VoiceCap                                     float64
	Name, NameFloor, Lang                                           float64
	Decay, Drift                                                    float64
	Word, Talk, Bait, Pace, Hour, Client                            float64 // weights
	WordOff, TalkOff, BaitOff, PaceOff, HourOff, ClientOff          float64
	WordSlope, TalkSlope, BaitSlope, PaceSlope                      float64
	HourSmooth, RareClient, Prior, Memory, SessionCap, ClientMemory float64
	Control, Horizon, Least, First                                  float64
	Budget                                                          float64
	WarmPosts, WarmDays                                             float64
	Negs                                                            float64
	HourMax, Both                                                   float64
}

// Default returns the numbers.
func Default() Model {
	return Model{LR: 0.6, L2: 0.0003, Step: 0.04, Voice: 1, VoiceFloor: -0.7, VoiceCap: 8, Name: 0.5, NameFloor: -0.3, Lang: 0.5,
		Decay: 5400, Drift: 0, Word: 1, Talk: 1, Bait: 1, Pace: 1, Hour: 1, Client: 1.5,
		WordOff: 1, TalkOff: 1, BaitOff: 1, PaceOff: 1, HourOff: 1, ClientOff: 3,
		WordSlope: 0.5, TalkSlope: 0.3, BaitSlope: 0.3, PaceSlope: 0.5, HourSmooth: 0.2, RareClient: 0.5, Prior: 0.4, Memory: 12, SessionCap: 6 * 3600, ClientMemory: 12,
		Control: 0.4, Horizon: 180, Least: 0.5, First: 6, Budget: 0.85, WarmPosts: 300, WarmDays: 30, Negs: 1, HourMax: 254, Both: 0.3}
}

// Verdict is a judgement.
type Verdict struct {
	Alert            bool
	Score, Threshold float64
	E                [8]float64
}

func (s *State) rnd() float64 {
	s.random += 0x9e3779b9
	return float64(mix(uint64(s.random))>>11) / (1 << 53)
}

func index(t uint16) int { return int(uint32(t) * weights >> 16) }

func (s *State) logit(tokens []uint16, step float64) float64 {
	sum := 0
	for _, t := range tokens {
		sum += int(s.voice[index(t)])
	}
	return float64(s.bias) + float64(sum)*step/math.Sqrt(float64(len(tokens)+1))
}

func (s *State) train(tokens []uint16, y float64, m *Model) {
	g := m.LR * (y - 1/(1+math.Exp(-s.logit(tokens, m.Step))))
	s.bias += float32(0.1 * g)
	d := g / math.Sqrt(float64(len(tokens)+1)) / m.Step
	for _, t := range tokens {
		w := &s.voice[index(t)]
		e := d - m.L2*float64(*w)
		fl := math.Floor(e)
		r := int(fl)
		if s.rnd() < e-fl {
			r++
		}
		*w = int8(max(-127, min(127, int(*w)+r)))
	}
}

var windows = [paces]float64{120, 600, 3600}

const month = 30.44 * 86400

// Judge judges, updating only the session.
func (s *State) Judge(p *Post, m *Model) Verdict {
	var v Verdict
	now := uint32(p.Time)
	if s.posts == 0 {
		s.start = now
		return v
	}
	gap := max(0, float64(p.Time-int64(s.last)))
	if gap >= 3600 || float64(p.Time-int64(s.start)) > m.SessionCap {
		s.close(m)
		s.start = now
	}
	d := float32(math.Exp(-gap / m.Decay))
	s.content *= d
	s.heldClient *= d
	s.heldHour *= d
	e := s.sound(p, m)*m.Voice + s.pointed(p, m)*m.Name + s.tongue(p)*m.Lang
	s.content = float32(max(0, float64(s.content)+e-m.Drift))
	word := m.Word * (s.often(chWord, s.note(chWord, linear(e)), m.WordSlope, m) + m.WordOff)
	talk := m.Talk * (s.often(chTalk, s.note(chTalk, logbin(float64(s.content))), m.TalkSlope, m) + m.TalkOff)
	s.note(chBait, min(15.5, float64(p.bait)))
	bt := m.Bait * (s.often(chBait, float64(s.most[chBait]), m.BaitSlope, m) + m.BaitOff)
	if p.bait == 0 {
		bt = 0
	}
	hour := m.Hour * (s.hour(p, m) + m.HourOff)
	client := m.Client * s.client(p, m)
	s.heldHour = max(s.heldHour, float32(hour))
	s.heldClient = max(s.heldClient, float32(client))
	pace := -10.0
	for i, w := range windows {
		r := float64(s.pace[i])*math.Exp(-gap/w) + 1
		pace = max(pace, s.often(chPace+i, s.note(chPace+i, paceBin(r)), m.PaceSlope, m))
	}
	pace = m.Pace * (pace + m.PaceOff)
	v.E = [8]float64{word, talk, bt, hour, client, pace}
	v.Score = max(0, word, talk) + m.Both*max(0, min(word, talk)) + max(0, bt) + max(0, float64(s.heldClient)) + max(0, float64(s.heldHour)) + max(0, pace)
	s.peak = max(s.peak, float32(v.Score))
	v.Threshold = s.threshold(p.Time, m)
	warm := float64(s.posts) >= m.WarmPosts && float64(p.Time-int64(s.first)) >= m.WarmDays*86400
	if v.Alert = warm && v.Score > v.Threshold; v.Alert {
		if p.Time-int64(s.flagged) >= 3600 {
			s.tokens--
		}
		s.flagged = now
	}
	return v
}

func linear(e float64) float64  { return max(0, min(15.99, e*1.5)) }
func logbin(c float64) float64  { return max(0, min(15.99, 3*math.Log2(1+c))) }
func paceBin(r float64) float64 { return max(0, min(15.99, 2.5*math.Log2(max(1, r)))) }

func (s *State) note(ch int, x float64) float64 {
	s.most[ch] = max(s.most[ch], float32(x))
	return x
}

// often is the log of the months after which something as large comes again.
func (s *State) often(ch int, x, slope float64, m *Model) float64 {
	h := &s.hist[ch]
	b := int(x)
	tail := 0
	for i := b + 1; i < bins; i++ {
		tail += int(h[i])
	}
	t := float64(tail) + float64(h[b])*(1-(x-float64(b)))
	prior := m.Prior
	if tail == 0 {
		top := b
		for top > 0 && h[top] == 0 {
			top--
		}
		if x > float64(top) {
			prior *= math.Exp(-slope * (x - float64(top)))
		}
	}
	return math.Log((float64(s.exposure) + 0.2) / (t + prior))
}

func (s *State) close(m *Model) {
	if s.posts > 50 {
		for ch := range s.hist {
			if n := &s.hist[ch][int(s.most[ch])]; *n < 255 {
				*n++
			}
		}
		if float64(s.exposure) > m.Memory {
			s.exposure /= 2
			for ch := range s.hist {
				for i := range s.hist[ch] {
					s.hist[ch][i] /= 2
				}
			}
		}
		s.remember(m)
	}
	s.most = [channels]float32{}
	s.peak = 0
}

func (s *State) remember(m *Model) {
	if s.peak <= 0 {
		return
	}
	day := uint16(s.last / 86400)
	q := uint16(min(65535, s.peak*1024))
	low := 0
	for i := range s.top {
		t := &s.top[i]
		if t.score > 0 && float64(day-t.day) > m.Horizon {
			*t = peak{}
		}
		if t.score < s.top[low].score {
			low = i
		}
	}
	if q > s.top[low].score {
		s.top[low] = peak{q, day}
	}
}

func (s *State) threshold(t int64, m *Model) float64 {
	day := uint16(t / 86400)
	var sc [topSize]float64
	n := 0
	for _, x := range s.top {
		if x.score > 0 && float64(day-x.day) <= m.Horizon {
			i := n
			for ; i > 0 && sc[i-1] < float64(x.score); i-- {
				sc[i] = sc[i-1]
			}
			sc[i] = float64(x.score) / 1024
			n++
		}
	}
	if n == 0 {
		return m.First
	}
	days := min(m.Horizon, max(10, float64(t-int64(s.first))/86400))
	k := m.Budget * days / 30.44
	var th float64
	switch {
	case k < 1:
		th = sc[0] * (1 + 0.3*(1-k))
	case int(k) >= n:
		th = sc[n-1]
	default:
		i := int(k) - 1
		f := k - float64(int(k))
		th = sc[i]*(1-f) + sc[i+1]*f
	}
	return max(m.Least, th) * (1 + m.Control*max(-1, min(6, -float64(s.tokens))))
}

func (s *State) sound(p *Post, m *Model) float64 {
	return max(m.VoiceFloor, min(m.VoiceCap, -s.logit(p.tokens[:p.n], m.Step)))
}

func (s *State) pointed(p *Post, m *Model) float64 {
	e := 0.0
	for _, n := range p.names[:p.nNames] {
		k := float64(s.nName[n.kind])
		own := (float64(s.newName[n.kind])/65535*k + 0.5) / (k + 1)
		own = min(0.98, max(0.01, own))
		if s.nibble(n.hash%(2*nameBytes)) == 0 {
			e += math.Log(0.9 / own)
		} else {
			e += math.Log(0.1 / (1 - own))
		}
	}
	if p.nNames > 1 {
		e /= math.Sqrt(float64(p.nNames))
	}
	return max(m.NameFloor, e)
}

func (s *State) nibble(i uint32) uint8 { return s.names[i/2] >> (4 * (i & 1)) & 15 }
func (s *State) setNibble(i uint32, v uint8) {
	sh := 4 * (i & 1)
	s.names[i/2] = s.names[i/2]&^(15<<sh) | v<<sh
}

func (s *State) hour(p *Post, m *Model) float64 {
	at := func(h int) float64 { return float64(s.hours[(h+24)%24]) }
	h := int(p.Hour)
	c := (1-m.HourSmooth)*at(h) + m.HourSmooth/2*(at(h-1)+at(h+1))
	return math.Log((float64(s.hourExposure) + 0.2) / (c + 0.3))
}

func uses(c uint8) float64 { return math.Exp2(float64(c)/8) - 0.9 }

func find(slots []slot, h uint16) (share float64, known bool) {
	tot, c := 0.0, -1.0
	for i := range slots {
		if slots[i].count == 0 {
			continue
		}
		n := uses(slots[i].count)
		tot += n
		if slots[i].hash == h {
			c = n
		}
	}
	if c < 0 {
		return 1 / (tot + 2), false
	}
	return (c + 0.5) / (tot + 1), true
}

func (s *State) client(p *Post, m *Model) float64 {
	if p.App == 0 {
		return 0
	}
	share, known := find(s.clients[:], uint16(p.App>>16))
	if known {
		return m.RareClient * max(0, math.Log(0.05/share))
	}
	return math.Log((float64(s.exposure)+0.2)/(float64(s.newClients)+0.3)) + m.ClientOff
}

func (s *State) tongue(p *Post) float64 {
	if p.Lang == 0 {
		return 0
	}
	share, _ := find(s.langs[:], p.Lang)
	return max(-0.3, math.Log(0.2/share))
}

// Learn learns a post.
func (s *State) Learn(p *Post, w *World, m *Model) {
	if s.posts == 0 {
		s.first, s.random = uint32(p.Time), uint32(p.Owner)
	}
	gap := max(0, float64(p.Time-int64(s.last)))
	s.train(p.tokens[:p.n], 1, m)
	for range int(m.Negs) {
		if o := w.other(p.Owner, mix(uint64(s.random))); o != nil {
			s.train(o.Tokens[:o.N], 0, m)
		}
	}
	for _, n := range p.names[:p.nNames] {
		s.learnName(n)
	}
	if p.Time/3600 != int64(s.last)/3600 {
		h := &s.hours[p.Hour]
		if float64(*h) >= m.HourMax {
			for i := range s.hours {
				s.hours[i] = uint8((int(s.hours[i]) * 7) / 8)
			}
			s.hourExposure *= 7.0 / 8
		}
		*h++
	}
	week := uint8(p.Time / (7 * 86400))
	if p.App != 0 && s.use(s.clients[:], uint16(p.App>>16), week) {
		s.newClients++
	}
	if p.Lang != 0 {
		s.use(s.langs[:], p.Lang, week)
	}
	for i, w := range windows {
		s.pace[i] = float32(float64(s.pace[i])*math.Exp(-gap/w) + 1)
	}
	if s.posts > 0 {
		mo := gap / month
		s.exposure += float32(mo)
		s.hourExposure += float32(mo)
		s.newClients *= float32(1 - min(1, mo/m.ClientMemory))
		s.tokens = float32(min(1.5, float64(s.tokens)+mo*m.Budget))
	}
	s.posts++
	s.last = uint32(p.Time)
}

func (s *State) learnName(n name) {
	i := n.hash % (2 * nameBytes)
	x := s.nibble(i)
	nw := 0.0
	if x == 0 {
		nw = 65535
	}
	k := float64(s.nName[n.kind])
	s.newName[n.kind] = uint16(float64(s.newName[n.kind]) + (nw-float64(s.newName[n.kind]))/(k+1))
	if s.nName[n.kind] < 200 {
		s.nName[n.kind]++
	}
	if x < 15 {
		s.setNibble(i, min(15, x+2))
	}
	for range 3 {
		j := uint32(s.rnd() * (2 * nameBytes))
		if v := s.nibble(j); v > 0 {
			s.setNibble(j, v-1)
		}
	}
}

// use counts a use of a value and reports whether it is new.
func (s *State) use(slots []slot, h uint16, week uint8) bool {
	low := 0
	for i := range slots {
		c := &slots[i]
		if c.hash == h && c.count > 0 {
			if d := week - c.week; d > 0 {
				c.count = uint8(max(1, int(c.count)-int(d)/4))
			}
			c.week = week
			if c.count < 255 && s.rnd()*(uses(c.count+1)-uses(c.count)) < 1 {
				c.count++
			}
			return false
		}
		l := &slots[low]
		if l.count > 0 && (c.count == 0 || week-c.week > week-l.week) {
			low = i
		}
	}
	slots[low] = slot{h, week, 1}
	return true
}
