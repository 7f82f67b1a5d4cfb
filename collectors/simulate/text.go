package simulate

import (
	"encoding/hex"
	"math/rand/v2"
	"strconv"

	"github.com/picketd/picket/collectors/activity"
)

// flavour says in which way a step is done: whose style a text has, where a
// login comes from, what a profile change changes.
type flavour uint8

const (
	plain    flavour = iota // in the organisation's own style
	linked                  // the same, always with a link
	amended                 // plain with a correction
	tampered                // linked, but the link leads elsewhere
	borrowed                // linked, in the name of a sibling account
	spam                    // a campaign
	rogue                   // spam once
	hijacked                // spam through an app of the intruder
	lapsed                  // an approval that ends before the post

	usual      // login from the person's own places
	travelling // from a hotel
	foreign    // by an intruder

	snapshot // the whole profile
	newBio
	newPicture
	takenOver
	restored
)

// sector is what an organisation talks about.
type sector struct {
	thing, does, tag []string
}

// phrases are the words that all sectors share, by slot letter of a template:
// %o opener, %w when, %c call, %g bait, %q question; %t, %d and %h are the
// sector's things, doings and hashtags, %n is a number, %l the link and %v a
// visitor's handle.
type phrases struct {
	house, linked, reply, mention, spam []string // templates
	open, when, call, bait, ask         []string
}

func newPhrases() phrases {
	return phrases{
		house: []string{
			"%o %t %d %w. %c",
			"%t: %n reasons why it %d %w. %h",
			"%o we show how our %t %d %w. %c %h",
			"After %n days of work our %t %d %w. Thank you to everybody who helped. %h",
			"A question before we plan on: do you like the %t best? %c",
		},
		linked: []string{
			"%o %t %d %w. %c %l",
			"%n places left: our %t %d %w. %l %h",
			"%o new on our pages: why our %t %d. %c %l %h",
		},
		reply: []string{
			"@%v Thank you! Our %t %d %w.",
			"@%v Good question. Please ask for number %n and we will look into it.",
			"@%v Sorry about that. The %t should be fine again %w.",
		},
		mention: []string{
			"%q the %t %w?",
			"Was there with %n friends, the %t was lovely. %h",
			"Not happy about the %t today, waited %n minutes.",
			"%q your %t? They say it %d %w.",
		},
		spam: []string{
			"%g The first %n people get it at once: %l",
			"%g Only %n left, hurry: %l",
			"We are giving back! %g %l",
			"%n winners already. %g Confirm your wallet here: %l",
		},
		open: []string{
			"Good news:", "Good morning!", "A small reminder:", "Save the date:", "Just in:", "Today only:",
			"For the curious:", "Back again:", "Behind the scenes:", "Did you know?", "Hello neighbours,", "At last:",
		},
		when: []string{
			"this weekend", "on Monday", "from 9 to 17 h", "all week", "tomorrow morning", "tonight",
			"until the end of the month", "on Thursday at noon", "next week", "in the spring",
		},
		call: []string{
			"Come and see!", "Tell us what you think.", "Bring a friend.", "Bookings are open.", "Everybody is welcome.",
			"More on our pages.", "Ask us anything.", "Children come free.", "We look forward to you.", "Please share.",
		},
		bait: []string{
			"Send one coin, get two back.", "Free badge for every follower.", "Your prize is waiting.",
			"Secret sale for followers only.", "Claim your refund before midnight.",
		},
		ask: []string{"Does anybody know", "When can we see", "Where do I find", "Who takes care of", "How much is"},
	}
}

func newSectors() []sector {
	return []sector{
		{
			[]string{"rye bread", "plum cake", "morning counter", "stone oven", "sourdough course", "poppy roll", "bake sale"},
			[]string{"comes out warm", "sells out early", "is back", "starts at seven", "smells of cinnamon", "feeds a family"},
			[]string{"freshbread", "baking", "slowdough"},
		},
		{
			[]string{"map exhibition", "night tour", "workshop for children", "reading room", "model ship", "glass collection"},
			[]string{"opens again", "tells an old story", "is free to visit", "moves upstairs", "gets a new light", "asks for helpers"},
			[]string{"museumnight", "localhistory", "openarchive"},
		},
		{
			[]string{"river ferry", "night bus", "bicycle hire", "ticket desk", "harbour line", "footpath", "winter timetable"},
			[]string{"runs every ten minutes", "stops at the old pier", "starts earlier", "takes a detour", "is on time", "carries bicycles"},
			[]string{"onthemove", "timetable", "harbourside"},
		},
		{
			[]string{"seed swap", "rose garden", "greenhouse", "compost course", "apple harvest", "bee meadow"},
			[]string{"is in bloom", "needs rain", "opens its gate", "grows well", "looks for patrons", "smells of summer"},
			[]string{"gardening", "seedswap", "beemeadow"},
		},
		{
			[]string{"choir rehearsal", "brass evening", "open stage", "winter concert", "drum class", "late show"},
			[]string{"begins at eight", "is sold out", "gets an encore", "plays outdoors", "looks for voices", "goes on tour"},
			[]string{"livemusic", "openstage", "choir"},
		},
		{
			[]string{"evening class", "study room", "language café", "science day", "summer school", "chess club"},
			[]string{"has free places", "starts on time", "moves to room 12", "needs tutors", "is for beginners", "ends with a party"},
			[]string{"learning", "scienceday", "eveningclass"},
		},
	}
}

// content is what a post says.
type content struct {
	text     string
	links    []string
	domains  []string
	hashtags []string
	mentions []string
	media    []activity.Media
}

// slots are the parts of a template that the caller decides.
type slots struct {
	sector  *sector
	link    string
	visitor string
}

// seeded returns the text generator, reset to what the subject determines.
func (w *World) seeded(a *account, subject uint64) *rand.Rand {
	w.textSrc.Seed(a.seed, subject)
	return w.text
}

// content writes the post with that id in that flavour. Plain and amended
// share one text, as do linked and tampered.
func (w *World) content(a *account, subject uint64, f flavour) content {
	if f == borrowed {
		a, f = &w.accounts[a.sibling], linked
	}
	r := w.seeded(a, subject)
	var c content
	if f == spam || f == rogue || f == hijacked {
		domain := w.cat.scams[r.IntN(len(w.cat.scams))]
		c.link(domain, r.Uint64()%10000)
		w.fill(&c, r, pick(r, w.cat.phrases.spam), slots{sector: a.sector, link: c.links[0]})
		return c
	}
	templates := w.cat.phrases.house
	if f == linked || f == tampered || a.sometimes(subject, 3) {
		templates = w.cat.phrases.linked
		domain := w.orgs[a.org].domain
		if r.IntN(12) == 0 {
			domain = "example.com"
		}
		page := r.Uint64() % 1_000_000
		if f == tampered {
			domain = w.cat.scams[page%uint64(len(w.cat.scams))]
		}
		c.link(domain, page)
	}
	s := slots{sector: a.sector}
	if c.links != nil {
		s.link = c.links[0]
	}
	w.fill(&c, r, pick(r, templates), s)
	if f == amended {
		c.text += " (Corrected.)"
	}
	if r.IntN(5) < 2 {
		c.media = []activity.Media{{Hash: hash(r), Type: "image"}}
	}
	return c
}

func (c *content) link(domain string, page uint64) {
	c.links = []string{"https://" + domain + "/n/" + strconv.FormatUint(page, 10)}
	c.domains = []string{domain}
}

// reply writes an answer to a visitor, mention what a visitor says.
func (w *World) reply(a *account, subject uint64) content {
	r := w.seeded(a, subject)
	var c content
	c.mentions = []string{visitor(r)}
	w.fill(&c, r, pick(r, w.cat.phrases.reply), slots{sector: a.sector, visitor: c.mentions[0]})
	return c
}

func (w *World) mention(a *account, subject uint64) (c content, who string) {
	r := w.seeded(a, subject)
	who = visitor(r)
	w.fill(&c, r, pick(r, w.cat.phrases.mention), slots{sector: a.sector})
	c.mentions = []string{a.handle}
	return c, who
}

func visitor(r *rand.Rand) string { return "visitor-" + strconv.Itoa(r.IntN(90000)+10000) }

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

func hash(r *rand.Rand) string {
	var sum [32]byte
	for i := 0; i < len(sum); i += 8 {
		v := r.Uint64()
		for j := range 8 {
			sum[i+j] = byte(v >> (8 * j))
		}
	}
	out := make([]byte, 0, 71)
	return string(hex.AppendEncode(append(out, "sha256:"...), sum[:]))
}

// fill writes the template's text into c, with the hashtags that it used.
func (w *World) fill(c *content, r *rand.Rand, template string, s slots) {
	p := &w.cat.phrases
	var room [320]byte
	b := room[:0]
	for i := 0; i < len(template); i++ {
		if template[i] != '%' {
			b = append(b, template[i])
			continue
		}
		i++
		start := len(b)
		switch template[i] {
		case 't':
			b = append(b, pick(r, s.sector.thing)...)
		case 'd':
			b = append(b, pick(r, s.sector.does)...)
		case 'h':
			tag := pick(r, s.sector.tag)
			c.hashtags = append(c.hashtags, tag)
			b = append(append(b, '#'), tag...)
		case 'o':
			b = append(b, pick(r, p.open)...)
		case 'w':
			b = append(b, pick(r, p.when)...)
		case 'c':
			b = append(b, pick(r, p.call)...)
		case 'g':
			b = append(b, pick(r, p.bait)...)
		case 'q':
			b = append(b, pick(r, p.ask)...)
		case 'n':
			b = strconv.AppendInt(b, int64(r.IntN(897)+3), 10)
		case 'l':
			b = append(b, s.link...)
		case 'v':
			b = append(b, s.visitor...)
		}
		if startsSentence(b[:start]) && b[start] >= 'a' && b[start] <= 'z' && template[i] != 'l' {
			b[start] -= 'a' - 'A'
		}
	}
	c.text = string(b)
}

func startsSentence(before []byte) bool {
	n := len(before)
	return n == 0 || n > 1 && before[n-1] == ' ' && (before[n-2] == '.' || before[n-2] == '!' || before[n-2] == '?')
}
