package profile

import (
	"math/bits"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/collectors/activity"
)

const (
	maxTokens = 64 // of one post that are looked at
	maxNames  = 12
)

// Post is what the model looks at in one activity: hashes and counts, no text.
// It is filled by Read and may be used again.
type Post struct {
	Time  int64  // occurrence, Unix seconds
	Owner uint16 // hash of the account
	App   uint32 // hash of the client; 0 where the source did not say
	Lang  uint16 // hash of the language; 0 where the source did not say
	Hour  uint8  // of the day, in the account's time zone
	Kind  uint8

	tokens [maxTokens]uint16 // words first, then style
	words  uint8             // of tokens
	n      uint8             // of tokens
	names  [maxNames]name
	nNames uint8
	bait   uint8 // weight of the words that hijackers use
}

// name is somebody or something that a post points to.
type name struct {
	hash uint32
	kind uint8
}

const (
	domain = iota
	mention
	hashtag
	nameKinds
)

// Reader reads posts. It is made once.
type Reader struct {
	bait    map[uint64]uint8 // words that hijackers use
	baits   [1024]uint64     // bits of all that may be one, so that most words are not looked for
	letters [256]bool        // bytes that are a letter by themselves
}

// NewReader returns a reader.
func NewReader() *Reader {
	rd := &Reader{bait: bait()}
	for word := range rd.bait {
		rd.baits[word>>6%uint64(len(rd.baits))] |= 1 << (word % 64)
	}
	for b := range utf8.RuneSelf {
		rd.letters[b] = letter(rune(b))
	}
	return rd
}

// Read fills p from an activity. The hour is that of the account's own time
// zone, and at is the occurrence in Unix seconds.
func (rd *Reader) Read(p *Post, a *activity.Activity, at int64, hour int) {
	*p = Post{Time: at, Owner: uint16(hash(a.Account, 1) >> 16), Hour: uint8(hour), Kind: kindOf(a.Kind)}
	if a.App != "" {
		p.App = uint32(hash(a.App, 2)>>32) | 1
	}
	if a.Lang != "" {
		p.Lang = uint16(hash(a.Lang, 3)>>48) | 1
	}
	p.text(a.Text, rd)
	for _, d := range a.LinkDomains {
		p.name(d, domain)
	}
	for _, m := range a.Mentions {
		p.name(m, mention)
	}
	for _, h := range a.Hashtags {
		p.name(h, hashtag)
	}
	p.style(style{sort: sortKind, value: uint32(p.Kind)})
	p.style(style{sort: sortMentions, value: uint32(min(len(a.Mentions), 3))})
	p.style(style{sort: sortHashtags, value: uint32(min(len(a.Hashtags), 4))})
	p.style(style{sort: sortLinks, value: uint32(min(len(a.LinkDomains), 2))})
	p.style(style{sort: sortLang, value: uint32(p.Lang)})
}

func kindOf(k activity.Kind) uint8 {
	switch k {
	case activity.KindReply:
		return 1
	case activity.KindRepost:
		return 2
	default:
		return 0
	}
}

func (p *Post) name(s string, kind uint8) {
	h := hash(s, uint64(kind)+4)
	p.token(uint16(h >> 20))
	if int(p.nNames) < maxNames {
		p.names[p.nNames] = name{uint32(h >> 32), kind}
		p.nNames++
	}
}

func (p *Post) token(t uint16) {
	if int(p.n) < maxTokens {
		p.tokens[p.n] = t
		p.n++
	}
}

// style is a habit of writing that is not a word.
type style struct {
	sort  uint8
	value uint32
}

const (
	sortKind = iota
	sortMentions
	sortHashtags
	sortLinks
	sortLang
	sortLength
	sortCapitals
	sortBegin
	sortEnd
	sortSign
	sortLinkEnd
)

func (p *Post) style(s style) { p.token(uint16(mix(uint64(s.sort)<<32|uint64(s.value)) >> 24)) }

// text reads words and signs in one pass.
func (p *Post) text(s string, rd *Reader) {
	var (
		c           counts
		word        = uint64(fnvOffset)
		inWord      int
		begin, last rune
		link        bool // within an address
		signs       uint64
	)
	for i := 0; i < len(s); {
		if rd.letters[s[i]] { // most texts are little else
			if inWord == 0 && s[i] == 'h' && isLink(s[i:]) {
				link, c.links = true, c.links+1
			}
			from := i
			for ; i < len(s) && rd.letters[s[i]]; i++ {
				b := s[i]
				if 'A' <= b && b <= 'Z' {
					b, c.upper = b+32, c.upper+1
				}
				word = (word ^ uint64(b)) * fnvPrime
			}
			if begin == 0 {
				begin = rune(s[from])
			}
			last, inWord = rune(s[i-1]), inWord+i-from
			c.letters, c.runes = c.letters+i-from, c.runes+i-from
			continue
		}
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		i, c.runes = i+size, c.runes+1
		if space(r) {
			p.word(word, inWord, link, rd, &c)
			word, inWord, link = fnvOffset, 0, false
			continue
		}
		if begin == 0 {
			begin = r
		}
		last = r
		switch {
		case letter(r):
			if unicode.IsUpper(r) {
				r, c.upper = unicode.ToLower(r), c.upper+1
			}
			c.letters++
			word = (word ^ uint64(r)) * fnvPrime
			if inWord++; last >= 0x2e80 && inWord == 2 { // scripts without spaces: pairs of characters
				p.word(word, inWord, link, rd, &c)
				word, inWord = (fnvOffset^uint64(r))*fnvPrime, 1
			}
		case !link:
			if r != '\'' && r != '’' {
				p.word(word, inWord, link, rd, &c)
				word, inWord = fnvOffset, 0
			}
			signs |= uint64(1) << (mix(uint64(r)) >> 58)
		}
	}
	p.word(word, inWord, link, rd, &c)
	p.habits(&c, class(begin), class(last), link, signs)
}

// word takes a word that is over, unless it is part of an address.
func (p *Post) word(word uint64, letters int, link bool, rd *Reader, c *counts) {
	if letters == 0 || link {
		return
	}
	if int(p.n) < maxTokens-20 {
		p.token(uint16(mix(word) >> 20))
		p.words++
	}
	if rd.baits[word>>6%uint64(len(rd.baits))]>>(word%64)&1 == 0 {
		return
	}
	switch w := rd.bait[word]; {
	case w > 1:
		c.strong += int(w)
	case w == 1:
		c.weak++
	}
}

// habits takes what a text shows besides its words.
func (p *Post) habits(c *counts, begin, end uint32, link bool, signs uint64) {
	if p.bait = uint8(min(15, c.strong)); c.strong > 0 {
		p.bait = uint8(min(15, c.strong+c.weak))
	}
	p.style(style{sortLength, uint32(min(c.runes/20, 14))})
	p.style(style{sortCapitals, c.capitals()})
	p.style(style{sortBegin, begin})
	p.style(style{sortEnd, end})
	if c.links > 0 {
		p.style(style{sortLinkEnd, uint32(b2i(link))})
	}
	for ; signs != 0; signs &= signs - 1 {
		p.style(style{sortSign, uint32(bits.TrailingZeros64(signs))})
	}
}

// counts are what is counted in a text.
type counts struct {
	runes, letters, upper, links int
	strong, weak                 int // words that hijackers use
}

func (c *counts) capitals() uint32 {
	if c.letters == 0 {
		return 11
	}
	return uint32(10 * c.upper / c.letters)
}

func isLink(s string) bool {
	return len(s) > 7 && s[:4] == "http" && (s[4:7] == "://" || s[4:8] == "s://")
}

func class(r rune) uint32 {
	switch {
	case unicode.IsUpper(r):
		return 1
	case unicode.IsLower(r):
		return 2
	case unicode.IsDigit(r):
		return 3
	case letter(r):
		return 4
	}
	return uint32(r) + 5
}

func space(r rune) bool {
	return r == ' ' || r == '\n' || r == '\t' || r == '\r' || r >= utf8.RuneSelf && unicode.IsSpace(r)
}

func letter(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// hash is FNV-1a-64 with a seed, mixed.
func hash(s string, seed uint64) uint64 {
	h := uint64(fnvOffset) ^ seed<<56
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return mix(h)
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
