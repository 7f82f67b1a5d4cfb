package hijack

import (
	"cmp"
	"container/heap"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Subject is what watches an account: a model, or a whole engine with its
// rules.
type Subject interface {
	// Observe judges an activity first and learns it after, and reports
	// whether it raised an alert or added to one. The activity may not be kept.
	Observe(a *activity.Activity) bool
	// Fork returns a copy that shares nothing with the subject that either
	// changes.
	Fork() Subject
}

// Protocol says how attacks are played.
type Protocol struct {
	Attacks []Attack
	Seed    uint64
	Moments int           // attacks of each kind per account
	Posts   int           // of warm-up
	Period  time.Duration // of warm-up
	Merge   time.Duration // flags nearer than this are one alert
	Least   time.Duration // that a second half must last
	// Approve gives the subject an approval before each real post, as an
	// account has whose posts are all approved.
	Approve bool
}

// Standard returns the protocol as the table is measured with it.
func Standard() Protocol {
	return Protocol{
		Attacks: Attacks(), Seed: 1, Moments: 40,
		Posts: 300, Period: 30 * 24 * time.Hour, Merge: time.Hour, Least: 14 * 24 * time.Hour,
	}
}

// Month is the mean length of a month.
const Month = 30*24*time.Hour + 10*time.Hour + 33*time.Minute + 36*time.Second // 30.44 days

// Result is what one account's history gave.
type Result struct {
	Account string
	Hashed  bool
	Posts   int         // judged, of the second half
	Months  float64     // length of the second half
	Alerts  int         // on real posts of the second half, which are false
	False   []time.Time // when each of them began
	Attacks []Counts
}

// Counts says how often one attack was played on an account and noticed.
type Counts struct {
	Attack   string
	Campaign bool
	Played   int
	Within   [3]int // by Depths
	Missed   []Miss // what the deepest of Depths did not show
}

// Miss is an attack that was not noticed.
type Miss struct {
	Moment time.Time
	First  string // text of its first post
}

// Depths returns the numbers of posts within which an attack is noticed or not.
func Depths() [3]int { return [...]int{1, 3, 10} }

// split returns the index of the first post to judge and the time at which the
// second half begins, and whether the history is long enough.
func (p *Protocol) split(h *History) (half, end time.Time, ok bool) {
	n := h.Posts()
	if n <= p.Posts+burstPosts {
		return half, end, false
	}
	warm := h.time(0).Add(p.Period)
	if t := h.time(p.Posts); t.After(warm) {
		warm = t
	}
	end = h.time(n - 1)
	half = warm.Add(end.Sub(warm) / 2)
	return half, end, end.Sub(half) >= p.Least
}

// Long reports whether a history is long enough for the protocol.
func (p *Protocol) Long(h *History) bool {
	_, _, ok := p.split(h)
	return ok
}

// planned is an attack that waits for its time.
type planned struct {
	attack int
	at     time.Time
	posts  []activity.Activity
}

// Script is the protocol for one history: all its attacks, ready to be played
// on any number of subjects.
type Script struct {
	protocol Protocol
	victim   *History
	half     time.Time
	months   float64
	plans    []planned // by time
}

// Write prepares the attacks on a history. Donors are the histories that
// attacks take other accounts' posts from; the victim's own is passed over.
func (p *Protocol) Write(h *History, donors []*History) (*Script, error) {
	half, end, ok := p.split(h)
	if !ok {
		return nil, fmt.Errorf("%s: history too short: need more than %d posts and a second half of %v after %v of warm-up",
			h.Account, p.Posts+burstPosts, p.Least, p.Period)
	}
	plans, err := p.plan(h, donors, half)
	if err != nil {
		return nil, err
	}
	return &Script{protocol: *p, victim: h, half: half, months: float64(end.Sub(half)) / float64(Month), plans: plans}, nil
}

// Play plays scripts together, in the order of their time, each on its own
// subject that has seen nothing; subjects may share what they learn of the
// world. The results are in the order of the scripts.
func Play(scripts []*Script, subjects []Subject) []Result {
	games := make([]game, len(scripts))
	var due queue
	for i, sc := range scripts {
		games[i] = game{script: sc, subject: subjects[i], plans: sc.plans, result: sc.empty()}
		due = append(due, turn{at: sc.victim.kept[0].at, game: i})
	}
	heap.Init(&due)
	for len(due) > 0 {
		g := &games[due[0].game]
		g.step()
		if g.next == g.script.victim.Len() {
			heap.Pop(&due)
			continue
		}
		due[0].at = g.script.victim.kept[g.next].at
		heap.Fix(&due, 0)
	}
	results := make([]Result, len(games))
	for i := range games {
		results[i] = games[i].result
	}
	return results
}

func (sc *Script) empty() Result {
	r := Result{Account: sc.victim.Account, Hashed: sc.victim.Hashed, Months: sc.months}
	for i := range sc.protocol.Attacks {
		at := &sc.protocol.Attacks[i]
		r.Attacks = append(r.Attacks, Counts{Attack: at.Name, Campaign: at.Campaign})
	}
	return r
}

// game is a script that is being played.
type game struct {
	script  *Script
	subject Subject
	next    int // of the victim's activities
	plans   []planned
	last    time.Time // of a flag on a real post
	result  Result
}

// step plays the attacks that are due before the next activity, and then that.
func (g *game) step() {
	p, a := &g.script.protocol, g.script.victim.At(g.next)
	g.next++
	for len(g.plans) > 0 && !a.Time.Before(g.plans[0].at) {
		g.result.Attacks[g.plans[0].attack].add(g.plans[0].posts, g.subject.Fork())
		g.plans = g.plans[1:]
	}
	if p.Approve && published(a.Kind) {
		g.subject.Observe(approvalOf(a))
	}
	flagged := g.subject.Observe(a)
	if a.Time.Before(g.script.half) || !published(a.Kind) {
		return
	}
	r := &g.result
	r.Posts++
	if !flagged {
		return
	}
	if g.last.IsZero() || a.Time.Sub(g.last) >= p.Merge {
		r.Alerts++
		r.False = append(r.False, a.Time)
	}
	g.last = a.Time
}

// queue orders games by the time of their next activity, and equals by their
// number.
type queue []turn

type turn struct {
	at   time.Time
	game int
}

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, k int) bool {
	return cmp.Or(q[i].at.Compare(q[k].at), cmp.Compare(q[i].game, q[k].game)) < 0
}
func (q queue) Swap(i, k int) { q[i], q[k] = q[k], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(turn)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// plan prepares all attacks on a history, in the order of their times.
func (p *Protocol) plan(h *History, donors []*History, half time.Time) ([]planned, error) {
	others := slices.DeleteFunc(slices.Clone(donors), func(d *History) bool { return !d.Lends(h) })
	if len(others) == 0 {
		return nil, fmt.Errorf("%s: no other history to take an attacker's posts from", h.Account)
	}
	last := h.time(h.Posts() - burstPosts) // from here on too few own posts are left
	span := last.Sub(half)
	var out []planned
	for m := range p.Moments {
		moment := half
		if span > 0 {
			moment = half.Add(time.Duration(p.rng(h, "moment", m).Int64N(int64(span))))
		}
		for i := range p.Attacks {
			at := &p.Attacks[i]
			if at.NeedsApps && !h.HasApps() {
				continue
			}
			s := &site{victim: h, donors: others, moment: moment, at: h.before(moment), rng: p.rng(h, at.Name, m)}
			s.moment = at.start(s).Truncate(time.Second)
			s.at = min(h.before(s.moment), h.Posts()-splicePosts)
			posts := at.posts(s)
			s.signed(at.Name, posts)
			out = append(out, planned{attack: i, at: posts[0].Time, posts: posts})
		}
	}
	slices.SortStableFunc(out, func(a, b planned) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.attack, b.attack))
	})
	return out, nil
}

// rng returns the source of random numbers of one attack at one moment: what
// one draws moves no other.
func (p *Protocol) rng(h *History, what string, moment int) *rand.Rand {
	f := fnv.New64a()
	fmt.Fprintf(f, "%s\x00%s\x00%d", h.Account, what, moment)
	return rand.New(rand.NewPCG(p.Seed, f.Sum64()))
}

// add plays an attack on a copy of the subject and counts what it noticed.
func (c *Counts) add(posts []activity.Activity, s Subject) {
	c.Played++
	depths := Depths()
	for i := range posts[:min(len(posts), depths[len(depths)-1])] {
		if !s.Observe(&posts[i]) {
			continue
		}
		for k, depth := range depths {
			if i < depth {
				c.Within[k]++
			}
		}
		return
	}
	c.Missed = append(c.Missed, Miss{posts[0].Time, posts[0].Text})
}

// approvalOf is the approval that a publishing tool would have given a post a
// minute before.
func approvalOf(a *activity.Activity) *activity.Activity {
	return &activity.Activity{
		Kind: activity.KindApproval, Network: a.Network, Account: a.Account, ID: "approval-" + a.ID,
		Time: a.Time.Add(-time.Minute),
		Approval: activity.Approval{
			Text: a.Text, Links: a.Links, From: a.Time.Add(-time.Minute), Until: a.Time.Add(time.Hour), Tool: "hijack protocol",
		},
	}
}
