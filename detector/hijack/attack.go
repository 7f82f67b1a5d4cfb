package hijack

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Attack is one way of using a hijacked account. It is a pure function of the
// victim's history, a position in it, the donors' histories and a seeded
// source of random numbers.
type Attack struct {
	Name string
	// NeedsApps says that the attack shows in the client: histories without
	// clients cannot play it.
	NeedsApps bool
	// Campaign says that the words are those of documented hijacks.
	Campaign bool

	start func(s *site) time.Time
	posts func(s *site) []activity.Activity
}

// site is where an attack happens. The victim's posts before at have happened;
// from at on they are what it would have done next.
type site struct {
	victim *History
	donors []*History // other accounts, with clients if the victim's posts have them
	moment time.Time
	at     int
	rng    *rand.Rand
}

// Attacks returns the attacks of the protocol but Unapproved, which has a
// pass of its own.
func Attacks() []Attack {
	return []Attack{
		{Name: "splice", NeedsApps: true, start: now, posts: (*site).splice},
		{Name: "splice-mimic", start: ownHour, posts: (*site).spliceMimic},
		{Name: "campaign", NeedsApps: true, Campaign: true, start: now, posts: (*site).campaign},
		{Name: "campaign-mimic", Campaign: true, start: ownHour, posts: (*site).campaignMimic},
		{Name: "client-switch", NeedsApps: true, start: now, posts: (*site).clientSwitch},
		{Name: "odd-hour", start: oddHour, posts: (*site).oddHour},
		{Name: "burst", start: now, posts: (*site).burst},
	}
}

// Unapproved is one post outside an approval ledger that holds all the real
// ones: another account's, with the victim's most used client.
func Unapproved() Attack {
	return Attack{Name: "unapproved", start: now, posts: func(s *site) []activity.Activity { return s.spliceMimic()[:1] }}
}

// Lengths of attacks in posts, and the pace at which an intruder posts.
const (
	splicePosts  = 10
	oddHourPosts = 5
	burstPosts   = 30
	burstFor     = 10 * time.Minute
	pauseLeast   = 5 * time.Second
	pauseMean    = 3 * time.Minute // exponential, on top of pauseLeast
)

func now(s *site) time.Time { return s.moment }

// ownHour is the next time at which it is an hour drawn from the victim's own.
func ownHour(s *site) time.Time {
	return s.next(s.victim.time(s.rng.IntN(s.at)).Hour())
}

// oddHour is the next time at which it is the hour that the victim used least;
// of several the earliest in the day.
func oddHour(s *site) time.Time {
	var used [24]int
	for i := range s.at {
		used[s.victim.time(i).Hour()]++
	}
	least := 0
	for h := range used {
		if used[h] < used[least] {
			least = h
		}
	}
	return s.next(least)
}

// next returns a time within the next full hour after the moment that is that
// hour of the day, early enough for a session to stay in it.
func (s *site) next(hour int) time.Time {
	full := s.moment.Truncate(time.Hour).Add(time.Hour)
	wait := (hour - full.Hour() + 24) % 24
	return full.Add(time.Duration(wait)*time.Hour + time.Duration(s.rng.Int64N(int64(30*time.Minute))))
}

func (s *site) splice() []activity.Activity {
	return s.forged(splicePosts, func(donor *History, from, i int) activity.Activity {
		return *donor.post(from + i)
	})
}

func (s *site) spliceMimic() []activity.Activity {
	app := s.usualApp()
	return s.forged(splicePosts, func(donor *History, from, i int) activity.Activity {
		a := *donor.post(from + i)
		a.App = app
		return a
	})
}

func (s *site) campaign() []activity.Activity {
	donor := s.donor()
	return s.campaignFrom(donor.app(s.rng.IntN(donor.Posts())))
}

func (s *site) campaignMimic() []activity.Activity { return s.campaignFrom(s.usualApp()) }

func (s *site) campaignFrom(app string) []activity.Activity {
	all := Campaigns()
	c := all[s.rng.IntN(len(all))]
	out := make([]activity.Activity, len(c.Posts))
	for i := range c.Posts {
		out[i] = c.activity(i)
		out[i].App = app
		if !s.victim.codes {
			out[i].Lang = ""
		}
	}
	return s.paced(out)
}

// forged is a number of consecutive posts of a donor at an intruder's pace.
func (s *site) forged(n int, take func(donor *History, from, i int) activity.Activity) []activity.Activity {
	donor := s.donor()
	from := s.rng.IntN(donor.Posts() - n + 1)
	out := make([]activity.Activity, n)
	for i := range out {
		out[i] = take(donor, from, i)
		out[i].Metrics = nil // the donor's followers, not the victim's
	}
	return s.paced(out)
}

func (s *site) donor() *History { return s.donors[s.rng.IntN(len(s.donors))] }

// strangeApp is a client that no account uses.
const strangeApp = "an app of the attacker's"

// clientSwitch is the victim's own next posts from a client that it had not
// used, drawn as often as the donors use it; from strangeApp where they use none
// but the victim's, as accounts of one publishing tool do.
func (s *site) clientSwitch() []activity.Activity {
	used := map[string]bool{"": true}
	for i := range s.at {
		used[s.victim.app(i)] = true
	}
	app := strangeApp
	if s.useOther(used) {
		for app = ""; used[app]; {
			donor := s.donor()
			app = donor.app(s.rng.IntN(donor.Posts()))
		}
	}
	out := s.own(splicePosts)
	for i := range out {
		out[i].App = app
	}
	return out
}

// useOther reports whether a donor uses a client that is not in used.
func (s *site) useOther(used map[string]bool) bool {
	return slices.ContainsFunc(s.donors, func(d *History) bool {
		for app := range d.apps {
			if !used[app] {
				return true
			}
		}
		return false
	})
}

func (s *site) oddHour() []activity.Activity { return s.paced(s.own(oddHourPosts)) }

func (s *site) burst() []activity.Activity {
	out := s.own(burstPosts)
	step := burstFor / burstPosts
	for i := range out {
		out[i].Time = s.moment.Add(time.Duration(i)*step + time.Duration(s.rng.Int64N(int64(step))))
	}
	return out
}

// own returns the victim's next posts, as many as there are.
func (s *site) own(n int) []activity.Activity {
	n = min(n, s.victim.Posts()-s.at)
	out := make([]activity.Activity, n)
	for i := range out {
		out[i] = *s.victim.post(s.at + i)
	}
	return out
}

// usualApp is the client that most of the victim's posts came from; of equals
// the one used first.
func (s *site) usualApp() string {
	uses := map[string]int{}
	for i := range s.at {
		uses[s.victim.app(i)]++
	}
	best := s.victim.app(0)
	for i := range s.at {
		if app := s.victim.app(i); uses[app] > uses[best] {
			best = app
		}
	}
	return best
}

// paced sets the times of an intruder who begins at the moment.
func (s *site) paced(posts []activity.Activity) []activity.Activity {
	t := s.moment
	for i := range posts {
		if i > 0 {
			t = t.Add(pauseLeast + time.Duration(s.rng.ExpFloat64()*float64(pauseMean)))
		}
		posts[i].Time = t.Truncate(time.Second)
	}
	return posts
}

// signed makes posts the victim's, each with an id of its own.
func (s *site) signed(attack string, posts []activity.Activity) {
	model := s.victim.post(0)
	for i := range posts {
		p := &posts[i]
		p.Network, p.Account = model.Network, model.Account
		p.ID = "hijack-" + attack + "-" + strconv.FormatInt(s.moment.UnixNano(), 36) + "-" + strconv.Itoa(i)
		p.Seen = time.Time{}
	}
}
