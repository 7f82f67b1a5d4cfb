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
			out = append(out, Reason{
				Field: field, Seen: seen, Expected: expected, Weight: weight,
				Detail: map[string]string{"weight": strconv.FormatFloat(weight, 'f', 1, 64)},
			})
		}
	}
	switch fresh := p.App != 0 && s.known(p.App) < 0; {
	case fresh:
		add(v.Client, "app", "app "+strings.Clone(a.App)+", new to the account", s.usualClients())
	default:
		add(v.Client, "app", "an app that is unusual, in this session", s.usualClients())
	}
	add(v.Hour, "time", fmt.Sprintf("%02d to %02d h", p.Hour, (p.Hour+1)%24), s.usualHour(p))
	add(v.Pace, "", s.seenPace(), "about once in "+months(v.Pace)+" or less")
	add(v.Bait, "text", "words that hijackers use", "seldom so many: about once in "+months(v.Bait))
	if odd := s.oddShare(p); p.words > 0 {
		add(max(v.Word, v.Talk), "text",
			fmt.Sprintf("%d of %d words are not the account's own", int(math.Round(float64(odd)*float64(p.words))), p.words),
			fmt.Sprintf("usually %.0f %%", 100*float64(s.usualOdd)/65535))
	} else {
		add(max(v.Word, v.Talk), "text", "not written as the account writes", "its own way in "+known)
	}
	slices.SortStableFunc(out, func(a, b Reason) int { return cmp.Compare(b.Weight, a.Weight) })
	return out
}

// usualClients tells how often the account takes up a client.
func (s *State) usualClients() string {
	switch n := s.newClients; {
	case n < 0.5:
		return "no new app in about a year"
	case n < 1.5:
		return "one new app in about a year"
	default:
		return fmt.Sprintf("%.0f new apps in about a year", n)
	}
}

func (s *State) usualHour(p *Post) string {
	return fmt.Sprintf("%d of %d hours with posts", s.hours[p.Hour%24], s.hoursSeen())
}

// seenPace tells the run of posts that is the most hasty.
func (s *State) seenPace() string {
	posts, span := s.fastest()
	if span < 120 {
		return fmt.Sprintf("%d posts in %d s", posts, span)
	}
	return fmt.Sprintf("%d posts in about %.0f min", posts, float64(span)/60)
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
