package linkedin

import "strings"

// little reads commentary, which the Posts API writes in LinkedIn's "little"
// format: \ before what stands for itself, @[Name](urn) for somebody mentioned,
// {hashtag|\#|tag} for a hashtag. It returns the text as people see it and who is
// mentioned in it. What is not well-formed stands as it is.
func little(s string) (out string, mentions []string) {
	var b strings.Builder
	for s != "" {
		switch {
		case s[0] == '\\' && len(s) > 1:
			b.WriteByte(s[1])
			s = s[2:]
			continue
		case strings.HasPrefix(s, "@["):
			if name, rest, ok := mentioned(s[2:]); ok {
				mentions = appendNew(mentions, text(name, 200))
				b.WriteString("@" + name)
				s = rest
				continue
			}
		case s[0] == '{':
			if tag, rest, ok := template(s[1:]); ok {
				b.WriteString("#" + tag)
				s = rest
				continue
			}
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String(), mentions
}

// mentioned reads Name](urn), behind @[.
func mentioned(s string) (name, rest string, ok bool) {
	name, rest, ok = until(s, ']')
	if !ok || !strings.HasPrefix(rest, "(") {
		return "", "", false
	}
	urn, rest, ok := until(rest[1:], ')')
	return name, rest, ok && strings.HasPrefix(urn, "urn:li:")
}

// template reads hashtag|\#|tag}, behind {.
func template(s string) (tag, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, "hashtag|")
	if !ok {
		return "", "", false
	}
	if _, s, ok = until(s, '|'); !ok { // the sign, of which there are two
		return "", "", false
	}
	return until(s, '}')
}

// maxElement bounds a part of a mention or a hashtag in bytes.
const maxElement = 1 << 10

// until returns what stands before the first end that no \ precedes, without the
// \ in it, and what follows.
func until(s string, end byte) (before, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < min(len(s), maxElement); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == end:
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}
