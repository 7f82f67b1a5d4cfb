package xtest

import (
	"encoding/base32"
	"fmt"
	"hash/fnv"
	"strings"
	"unicode/utf8"
)

// entity is a part of a rendered text, in characters.
type entity struct {
	start, end int
	kind       string // url, mention, hashtag, media
	value      string // expanded URL, handle, tag
	short      string // t.co URL
	mediaKey   string
}

// rendered is a text as X shows it.
type rendered struct {
	text     string
	entities []entity
}

// tokenForm matches what becomes an entity.
const tokenForm = `https?://[^\s]+|@[A-Za-z0-9_]{1,15}|#[\pL\pN_]+`

// render shortens links, escapes, finds entities and appends the address of
// the attachments.
func (s *Server) render(p *post) rendered {
	var out rendered
	var b strings.Builder
	chars := 0
	add := func(text string) {
		b.WriteString(text)
		chars += utf8.RuneCountInString(text)
	}
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	last := 0
	for _, at := range s.tokens.FindAllStringIndex(p.Text, -1) {
		add(escape.Replace(p.Text[last:at[0]]))
		token := p.Text[at[0]:at[1]]
		e := entity{start: chars}
		switch token[0] {
		case '@':
			e.kind, e.value = "mention", token[1:]
			add(token)
		case '#':
			e.kind, e.value = "hashtag", token[1:]
			add(token)
		default:
			e.kind, e.value, e.short = "url", token, shorten(token)
			add(e.short)
		}
		e.end = chars
		out.entities = append(out.entities, e)
		last = at[1]
	}
	add(escape.Replace(p.Text[last:]))
	if len(p.Media) > 0 {
		page := fmt.Sprintf("https://x.com/%s/status/%d/photo/1", s.byID(p.author).profile.Handle, p.id)
		if chars > 0 {
			add(" ")
		}
		start := chars
		add(shorten(page))
		for i := range p.Media {
			out.entities = append(out.entities, entity{
				kind: "media", start: start, end: chars, value: page, short: shorten(page), mediaKey: p.mediaKey(i),
			})
		}
	}
	out.text = b.String()
	return out
}

// cut returns the text's first n characters with an ellipsis and the entities
// that are whole in them.
func (r rendered) cut(n int) rendered {
	runes := []rune(r.text)
	if len(runes) <= n {
		return r
	}
	out := rendered{text: string(runes[:n-1]) + "…"}
	for _, e := range r.entities {
		if e.end < n {
			out.entities = append(out.entities, e)
		}
	}
	return out
}

// shorten makes a t.co address of ten characters out of a link.
func shorten(link string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(link))
	return "https://t.co/" + base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil))[:10]
}

func (p *post) mediaKey(i int) string {
	prefix := map[string]int{"photo": 3, "video": 7, "animated_gif": 16}[p.Media[i].Type]
	return fmt.Sprintf("%d_%d", prefix, p.mediaBase+int64(i))
}

// mentioned returns the handles that a text names.
func (s *Server) mentioned(text string) []string {
	var out []string
	for _, token := range s.tokens.FindAllString(text, -1) {
		if token[0] == '@' {
			out = append(out, token[1:])
		}
	}
	return out
}
