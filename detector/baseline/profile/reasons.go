package profile

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/picketd/picket/collectors/activity"
)

// Reason is one part of a judgement: what was seen and what was expected, in
// words and numbers. Weight is how much it counted.
type Reason struct {
	Field    string
	Seen     string
	Expected string
	Weight   float64
	Detail   map[string]string
}

// Reasons tells why a post was judged odd, the weightiest first. It is asked
// right after Judge, before the post is learned.
func (s *State) Reasons(p *Post, a *activity.Activity, v *Verdict) []Reason {
	known := thousands(int(s.posts)) + " posts"
	var out []Reason
	add := func(weight float64, field, seen, expected string) {
		if weight > 0.1 {
			out = append(out, Reason{Field: field, Seen: seen, Expected: expected, Weight: weight,
				Detail: map[string]string{"weight": strconv.FormatFloat(weight, 'f', 1, 64)}})
		}
	}
	add(v.E[4], "app", "app "+strings.Clone(a.App), s.usualClients(p)+" in "+known)
	if v.E[4] <= 0 {
		add(float64(s.heldClient), "app", "an unusual app earlier in this session", "the account's own apps")
	}
	add(v.E[3], "time", fmt.Sprintf("%02d to %02d h", p.Hour, (p.Hour+1)%24), s.usualHour(p))
	if v.E[3] <= 0 {
		add(float64(s.heldHour), "time", "an unusual hour earlier in this session", "the account's own hours")
	}
	add(v.E[5], "", s.seenPace(), "about once in "+months(v.E[5])+" or less")
	add(v.E[2], "text", "words that hijackers use", "seldom so many: about once in "+months(v.E[2]))
	if odd := s.oddShare(p); p.words > 0 {
		add(max(v.E[0], v.E[1]), "text",
			fmt.Sprintf("%d of %d words are not the account's own", int(math.Round(float64(odd)*float64(p.words))), p.words),
			fmt.Sprintf("usually %.0f %%", 100*float64(s.usualOdd)/65535))
	} else {
		add(max(v.E[0], v.E[1]), "text", "not written as the account writes", "its own way in "+known)
	}
	slices.SortStableFunc(out, func(a, b Reason) int { return cmp.Compare(b.Weight, a.Weight) })
	return out
}

// oddShare is the part of a post's words that others use rather than the
// account.
func (s *State) oddShare(p *Post) float32 {
	odd := 0
	for _, t := range p.tokens[:p.words] {
		odd += b2i(s.voice[index(t)] <= 0)
	}
	return float32(odd) / float32(max(1, p.words))
}

func (s *State) usualClients(p *Post) string {
	if share, ok := find(s.clients[:], uint16(p.App>>16)); ok {
		return fmt.Sprintf("about %.1f %% of what it posts", 100*share)
	}
	n := 0
	for i := range s.clients {
		n += b2i(s.clients[i].count > 0)
	}
	if n == 1 {
		return "always the same other app"
	}
	return fmt.Sprintf("one of %d other apps", n)
}

func (s *State) usualHour(p *Post) string {
	all := 0
	for _, n := range s.hours {
		all += int(n)
	}
	return fmt.Sprintf("%d of %d hours with posts", s.hours[p.Hour], all)
}

// seenPace tells the pace that is furthest from usual.
func (s *State) seenPace() string {
	best, most := 0, float32(0)
	for i, r := range s.pace {
		if x := (r + 1) / float32(math.Sqrt(windows[i])); x > most {
			best, most = i, x
		}
	}
	return fmt.Sprintf("%.0f posts in about %.0f min", s.pace[best], windows[best]/60)
}

// months writes what e to the power of x months are.
func months(x float64) string {
	switch m := math.Exp(x); {
	case m < 1.5:
		return "a month"
	case m > 23:
		return "years"
	default:
		return fmt.Sprintf("%.0f months", m)
	}
}

// thousands writes a count with separators, "1,914".
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
