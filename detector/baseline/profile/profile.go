package profile

import (
	"math"

	"github.com/picketd/picket/detector/internal/approx"
)

const (
	weights   = 224 // of the voice
	counters  = 128 // of names
	clients   = 4   // whose shares are known
	seenSets  = 12  // of four clients that were used at all
	languages = 4
	topSize   = 8
	paces     = 3
	bins      = 16
)

// State is what is known of one account. Its zero value has seen nothing; it
// has no pointers and a fixed size.
type State struct {
	voice    [weights]int8
	names    [counters / 2]uint8
	hours    [24]uint8 // hours of the calendar with posts, by hour of the day
	clients  [clients]slot
	seen     [seenSets][4]uint8 // fingerprints of clients, in each set the latest first
	langs    [languages]slot
	top      [topSize]peak         // the oddest sessions of late
	past     [channels][bins]uint8 // sessions by the largest of each channel
	most     [channels]uint8       // the largest of each channel in this session, in sixteenths of a bin
	gaps     [reach - 1]uint16     // seconds between its latest posts, the latest first
	newName  [nameKinds]uint16     // share of names that were new, of 65535
	nName    [nameKinds]uint8      // names counted for it, at most 200
	usualOdd uint16                // share of words that are not its own, of 65535

	bias       float32
	talk       float32 // evidence of the session's words, decayed
	oddHour    float32 // evidence of its hours, decayed
	heldClient float32 // what its clients gave, decayed
	peak       float32 // its highest score

	exposure     float32 // months that past is of
	hourExposure float32 // months that hours are of
	newClients   float32 // clients taken up in about a year
	tokens       float32 // alerts that the budget allows and were not had; negative where it is overdrawn

	posts, first, last, start, flagged uint32 // times in Unix seconds
	hourLearned                        uint32
	draws                              uint32
}

// The channels.
const (
	chWord = iota
	chTalk
	chBait
	chHour
	chPace
	channels = chPace + paces
)

const month = 30.44 * 86400 // seconds

// merge is how long a session lasts without a post, in seconds: what comes
// later is another one. Alerts nearer than this are one.
const merge = 3600

// Model are the numbers of the model. They are the same for all accounts but
// the budget.
type Model struct {
	Budget float64 // alerts in a month

	LR, L2, Step         float64 // of the voice: learning rate, decay, size of a weight's unit
	VoiceFloor, VoiceCap float64 // bounds of its evidence
	Name, NameFloor      float64
	Lang                 float64
	Decay                float64 // of a session's evidence, seconds

	// Weights and offsets of the channels, and how fast what lies beyond
	// everything seen becomes rarer, by bin.
	Word, Talk, Bait, Pace, Hour, Client                   float64
	WordOff, TalkOff, BaitOff, PaceOff, HourOff, ClientOff float64
	WordSlope, TalkSlope, BaitSlope, PaceSlope, HourSlope  float64

	HourSmooth   float64 // part of an hour's count that comes from those beside it
	HourMax      float64 // hours counted until all counts fall
	RareClient   float64
	Prior        float64 // sessions as large that are assumed besides those seen
	Memory       float64 // months until past is halved
	ClientMemory float64 // months in which a new client is forgotten
	SessionCap   float64 // longest session, seconds

	Horizon float64 // days that the threshold looks back
	Control float64 // how far the threshold moves by each alert that the budget is overdrawn
	Least   float64 // threshold
	First   float64 // threshold while nothing is known
}

// Weighs reports whether a new value of an activity's field is one of the things
// that Judge looks at by itself, so that a rule on it says nothing more.
func Weighs(field string) bool { return field == "app" }

// Verdict is a judgement of one post in its session.
type Verdict struct {
	Alert            bool
	Score, Threshold float64
	// What the channels gave to the score.
	Word, Talk, Bait, Hour, Client, Pace float64
}

// Known returns since when, in Unix seconds, and from how many posts an account
// is known.
func (s *State) Known() (since int64, posts int) { return int64(s.first), int(s.posts) }

// Judge judges a post that comes after all that were judged before. It moves
// the session on and learns no habit. Where ready is false, nothing alerts.
func (s *State) Judge(p *Post, m *Model, ready bool) Verdict {
	now := uint32(p.Time)
	if s.posts == 0 {
		s.first, s.last, s.start, s.draws = now, now, now, uint32(p.Owner)<<16
		s.gaps = noGaps()
	}
	gap := max(0, float64(p.Time-int64(s.last)))
	if gap >= merge || float64(p.Time-int64(s.start)) > m.SessionCap {
		s.close(m)
		s.start = now
	}
	decay := float32(approx.Exp(-gap / m.Decay))
	s.talk *= decay
	s.oddHour *= decay
	s.heldClient *= decay
	v := s.weigh(p, gap, m)
	s.peak = max(s.peak, float32(v.Score))
	v.Threshold = s.threshold(p.Time, m)
	if v.Alert = ready && v.Score > v.Threshold; v.Alert {
		if p.Time-int64(s.flagged) >= merge {
			s.tokens--
		}
		s.flagged = now
	}
	s.pass(p, gap, m)
	return v
}

// weigh asks all channels.
func (s *State) weigh(p *Post, gap float64, m *Model) Verdict {
	var v Verdict
	words := s.sound(p, m) + float64(s.pointed(p, m)*m.Name) + float64(s.tongue(p)*m.Lang)
	s.talk = float32(max(0, float64(s.talk)+words))
	v.Word = m.Word * (s.seldom(chWord, 1.5*words, m.WordSlope, m) + m.WordOff)
	v.Talk = m.Talk * (s.seldom(chTalk, octaves(1+float64(s.talk), 3), m.TalkSlope, m) + m.TalkOff)
	if p.bait > 0 {
		v.Bait = m.Bait * (s.seldom(chBait, float64(p.bait), m.BaitSlope, m) + m.BaitOff)
	}
	s.oddHour = float32(max(0, float64(s.oddHour)+s.hourOfPost(p, m)))
	hours := s.months(chHour, octaves(1+float64(s.oddHour), 3), m.HourSlope, m)
	v.Hour = m.Hour * (approx.Log(max(s.hourOnce(p, m), hours)) + m.HourOff)
	s.heldClient = max(s.heldClient, float32(m.Client*s.client(p, m)))
	v.Client = float64(s.heldClient)
	pace := s.hurry(gap, m)
	v.Pace = m.Pace * (pace + m.PaceOff)
	v.Score = join(max(v.Word, v.Talk), v.Bait, v.Hour, v.Client, v.Pace)
	return v
}

// pass lets the time of a post pass.
func (s *State) pass(p *Post, gap float64, m *Model) {
	s.follow(gap)
	months := gap / month
	s.exposure += float32(months)
	s.hourExposure += float32(months)
	s.newClients *= float32(1 - min(1, months/m.ClientMemory))
	s.tokens = float32(min(1.5, float64(s.tokens)+float64(months*m.Budget)))
	s.posts++
	s.last = max(s.last, uint32(p.Time))
}

// Learn takes a post that was judged into the habits of its account. World is
// what it is told apart from.
func (s *State) Learn(p *Post, w *World, m *Model) {
	s.usualOdd += uint16(int(float64(s.oddShare(p)*math.MaxUint16)-float64(s.usualOdd)) / 64)
	s.train(p.tokens[:p.n], 1, m)
	if o := w.other(p.Owner, mix(uint64(s.draws))); o != nil {
		s.train(o.Tokens[:o.N], 0, m)
	}
	for _, n := range p.names[:p.nNames] {
		s.learnName(n)
	}
	s.learnHour(p, m)
	week := uint8(p.Time / (7 * 86400))
	if p.App != 0 {
		s.learnClient(p.App, week)
	}
	if p.Lang != 0 {
		s.use(s.langs[:], p.Lang, week)
	}
}
