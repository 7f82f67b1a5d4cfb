package replay

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// Episode is what one replay says of one finding in the end.
type Episode struct {
	ID      string `json:"alert"`
	RuleID  string `json:"-"`
	Account string `json:"account"`
	// Group is that of a rule across accounts, which has no account.
	Group  map[string]string `json:"group,omitempty"`
	Level  rules.Level       `json:"level"`
	Mode   rules.Mode        `json:"mode"`
	Opened time.Time         `json:"opened"` // log time
	First  time.Time         `json:"first"`  // occurrence of its first and latest activity
	Last   time.Time         `json:"last"`
	Count  int               `json:"count"`
	Seen   string            `json:"seen"` // its first reason

	group string
	about string // the group in words
	held  bool   // from people, up to the end
	nth   int    // how often its alert had opened before
}

// About names what the episode is about: its account, or the group of a rule
// across accounts.
func (ep *Episode) About() string { return cmp.Or(ep.Account, ep.about) }

// Episodes gathers the episodes of a replay; give its Report to Run.
type Episodes struct {
	byID map[string][]*Episode // those of one id, which may open again, in their order
	all  []*Episode
}

// Report takes one finding; those of an episode whose opening is not among them
// are passed over.
func (e *Episodes) Report(f detector.Finding) error {
	same := e.byID[f.Episode]
	var ep *Episode
	switch {
	case f.Phase != detector.Open && len(same) == 0:
		return nil // it opened before findings count
	case f.Phase != detector.Open:
		ep = same[len(same)-1]
	default:
		if e.byID == nil {
			e.byID = map[string][]*Episode{}
		}
		ep = &Episode{nth: len(same), held: true, ID: f.Episode, RuleID: f.Rule.ID, Account: f.Account, Opened: f.LogTime}
		for _, g := range f.Group {
			ep.group += g.Name + "\x00" + g.Value + "\x00"
			if f.Rule.Keyed {
				if ep.Group == nil {
					ep.Group = map[string]string{}
				}
				ep.Group[g.Name] = g.Value
			}
		}
		e.byID[f.Episode], e.all = append(same, ep), append(e.all, ep)
	}
	if f.Phase != detector.Close && f.Held == "" {
		ep.held = false
	}
	if f.Rule.Keyed {
		ep.about = f.About()
	}
	ep.Level, ep.Mode, ep.First, ep.Last, ep.Count = f.Rule.Level, f.Rule.Mode, f.First, f.Last, f.Count
	if len(f.Reasons) > 0 {
		ep.Seen = f.Reasons[0].Seen
	}
	return nil
}

// like returns the episode of the same id and number, nil where there is none of
// which people are told.
func (e *Episodes) like(ep *Episode) *Episode {
	if same := e.byID[ep.ID]; ep.nth < len(same) && !same[ep.nth].held {
		return same[ep.nth]
	}
	return nil
}

// RuleDiff says what another set of rules changes about one rule.
type RuleDiff struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Title string `json:"title"`
	// Versions of the rule; empty where a set does not have it.
	VersionBefore string `json:"version_before,omitempty"`
	VersionAfter  string `json:"version_after,omitempty"`
	Before        int    `json:"before"` // findings of which people are told, or the rule only observes
	After         int    `json:"after"`
	// Those that an enforced rule kept to itself, which the lists leave out.
	HeldBefore int `json:"held_before,omitempty"`
	HeldAfter  int `json:"held_after,omitempty"`

	Appear []Episode     `json:"appear"`
	Vanish []Episode     `json:"vanish"`
	Change []EpisodePair `json:"change"`
}

// EpisodePair is one finding under both sets.
type EpisodePair struct {
	Before Episode  `json:"before"`
	After  Episode  `json:"after"`
	What   []string `json:"what"` // what differs, in words
}

// Same reports whether neither the rule nor any of its findings differ.
func (d *RuleDiff) Same() bool {
	return d.VersionBefore == d.VersionAfter && d.HeldBefore == d.HeldAfter && len(d.Appear)+len(d.Vanish)+len(d.Change) == 0
}

// Diff compares what two sets of rules made of one log, rule by rule in the
// order of the new set, rules that only the old one has last. Two findings are
// one where they have the same id, or where the windows of one rule and group
// overlap: with another threshold an episode opens at another activity.
func Diff(before, after *detector.Plan, was, is *Episodes) []RuleDiff {
	var order []string
	byID := map[string]*RuleDiff{}
	list := func(p *detector.Plan, version func(*RuleDiff) *string) {
		for _, r := range p.Rules() {
			d := byID[r.ID]
			if d == nil {
				d = &RuleDiff{ID: r.ID, Name: r.Name, Title: r.Title, Appear: []Episode{}, Vanish: []Episode{}, Change: []EpisodePair{}}
				byID[r.ID] = d
				order = append(order, r.ID)
			}
			*version(d) = r.Version
		}
	}
	list(after, func(d *RuleDiff) *string { return &d.VersionAfter })
	list(before, func(d *RuleDiff) *string { return &d.VersionBefore })
	gone := map[string][]*Episode{} // by rule, those without a partner of the same id
	for _, old := range was.all {
		d := byID[old.RuleID]
		if old.held {
			d.HeldBefore++
			continue
		}
		d.Before++
		if now := is.like(old); now != nil {
			d.pair(old, now)
			continue
		}
		gone[old.RuleID] = append(gone[old.RuleID], old)
	}
	for _, now := range is.all {
		d := byID[now.RuleID]
		if now.held {
			d.HeldAfter++
			continue
		}
		d.After++
		if was.like(now) != nil {
			continue
		}
		i := slices.IndexFunc(gone[now.RuleID], func(old *Episode) bool { return overlap(old, now) })
		if i < 0 {
			d.Appear = append(d.Appear, *now)
			continue
		}
		d.pair(gone[now.RuleID][i], now)
		gone[now.RuleID] = slices.Delete(gone[now.RuleID], i, i+1)
	}
	out := make([]RuleDiff, 0, len(order))
	for _, id := range order {
		d := byID[id]
		for _, old := range gone[id] {
			d.Vanish = append(d.Vanish, *old)
		}
		slices.SortStableFunc(d.Change, func(a, b EpisodePair) int { return cmp.Compare(a.Before.Opened.UnixNano(), b.Before.Opened.UnixNano()) })
		out = append(out, *d)
	}
	return out
}

func overlap(a, b *Episode) bool {
	return a.Account == b.Account && a.group == b.group && !a.First.After(b.Last) && !b.First.After(a.Last)
}

// pair notes a finding of both sets where it differs.
func (d *RuleDiff) pair(old, now *Episode) {
	var what []string
	differs := func(name, a, b string) {
		if a != b {
			what = append(what, strings.TrimSpace(fmt.Sprintf("%s %s → %s", name, a, b)))
		}
	}
	differs("level", string(old.Level), string(now.Level))
	differs("mode", string(old.Mode), string(now.Mode))
	differs("activities", fmt.Sprint(old.Count), fmt.Sprint(now.Count))
	differs("opens", clockTime(old.Opened), clockTime(now.Opened))
	if len(what) == 0 {
		differs("", old.Seen, now.Seen)
	}
	if len(what) > 0 {
		d.Change = append(d.Change, EpisodePair{*old, *now, what})
	}
}

func clockTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
