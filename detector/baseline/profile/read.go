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

// Reader reads posts. It holds the words that hijackers use, and is made once.
type Reader struct{ bait map[uint64]uint8 }

// NewReader returns a reader.
func NewReader() *Reader { return &Reader{bait: bait()} }

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
	p.text(a.Text, rd.bait)
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
func (p *Post) text(s string, baits map[uint64]uint8) {
	var (
		c             counts
		word          = uint64(fnvOffset)
		runes, inWord int
		begin, last   rune
		link          bool // within an address
		signs         uint64
		strong, weak  int
	)
	end := func() {
		if inWord > 0 && !link {
			if int(p.n) < maxTokens-20 {
				p.token(uint16(mix(word) >> 20))
				p.words++
			}
			if w := baits[word]; w > 0 {
				strong, weak = strong+b2i(w > 1)*int(w), weak+b2i(w == 1)
			}
		}
		word, inWord = fnvOffset, 0
	}
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		if begin == 0 && !space(r) {
			begin = r
		}
		switch {
		case space(r):
			end()
			link = false
		case letter(r):
			if inWord == 0 && r == 'h' && isLink(s[i:]) {
				link, c.links, c.linkAt = true, c.links+1, i
			}
			lower := r
			if 'A' <= r && r <= 'Z' {
				lower, c.upper = r+32, c.upper+1
			} else if r >= utf8.RuneSelf && unicode.IsUpper(r) {
				lower, c.upper = unicode.ToLower(r), c.upper+1
			}
			c.letters++
			word = (word ^ uint64(lower)) * fnvPrime
			inWord++
			if r >= 0x2e80 && inWord == 2 { // scripts without spaces: pairs of characters
				end()
				word, inWord = (word^uint64(lower))*fnvPrime, 1
			}
		default:
			if !link {
				if r != '\'' && r != '’' {
					end()
				}
				if bit := uint64(1) << (mix(uint64(r)) >> 58); signs&bit == 0 {
					signs |= bit
				}
			}
		}
		if !space(r) {
			last = r
		}
		runes++
		i += size
	}
	end()
	if p.bait = uint8(min(15, strong)); strong > 0 {
		p.bait = uint8(min(15, strong+weak))
	}
	p.style(style{sortLength, uint32(min(runes/20, 14))})
	p.style(style{sortCapitals, c.capitals()})
	p.style(style{sortBegin, class(begin)})
	p.style(style{sortEnd, class(last)})
	if c.links > 0 {
		p.style(style{sortLinkEnd, uint32(b2i(link))})
	}
	for ; signs != 0; signs &= signs - 1 {
		p.style(style{sortSign, uint32(bits.TrailingZeros64(signs))})
	}
}

type counts struct{ letters, upper, links, linkAt int }

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
