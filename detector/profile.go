package detector

import (
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/baseline/profile"
	"github.com/picketd/picket/detector/state"
	"github.com/picketd/picket/rules"
)

// worldAccount is the name under which the sample of what all accounts post is
// kept. No network gives such a name.
const worldAccount = "/world"

// withheldFor is how long the posts of an episode that does not end are kept
// from the model: an account that changed for good is not odd for ever.
const withheldFor = 6 * time.Hour

// worldMark makes a state key that of the sample: a slot holds one kind of
// model.
const worldMark = groupMark + "world"

// withheldPosts says in an episode's Learn that its posts wait to be learned: they
// are its evidence. The verdict true takes it away.
const withheldPosts = "posts"

// profiler is what judging profiles needs besides memory.
type profiler struct {
	reader *profile.Reader
	post   profile.Post
	judged *activity.Activity // the latest that was judged, and not found odd
	by     int                // the rule by which
}

// profile feeds a match to a rule that knows how an account posts: judge first,
// learn after. What an episode holds is withheld until it closes.
func (e *Engine) profile(st *accountState, k int, group []activity.Field, a *activity.Activity, t int64, backfill bool) {
	pl := &e.plan.rules[k]
	r := pl.rule
	model := pl.profile
	own := memoryOf[profile.State](st, pl.stateKey, "")
	p := e.readPost(a, t)
	since, posts := own.Known()
	ready := !backfill && baseline.Learn(r.Learn).Ready(since*second, posts, t)
	v := own.Judge(p, model, ready)
	if e.profiler.judged = nil; ready && !v.Alert {
		e.profiler.judged, e.profiler.by = a, k
	}
	if !v.Alert {
		e.learnPost(own, pl, p)
		return
	}
	ep := e.hit(st, r, group, match{a: a, t: t}, func() []Reason { return profileReasons(own, p, a, &v) })
	e.keepModel(st, r, ep)
	if ep == nil || t-ep.First > int64(withheldFor) { // silent: there is nothing whose end it could wait for
		e.learnPost(own, pl, p)
		return
	}
	ep.Learn = map[string]int{withheldPosts: 1}
}

// weighed reports whether what a rule finds in an activity has been judged already:
// by a profile that it joins, which keeps a budget, weighs an app that is new with
// everything else, and has not found the activity odd enough for it. Alone it would
// be an alert beyond the budget.
func (e *Engine) weighed(r *rules.Rule, a *activity.Activity) bool {
	return e.profiler.judged == a && a != nil && slices.Contains(r.Joins, e.profiler.by) &&
		(r.Type == rules.TypeNewValue || r.Type == rules.TypeRareValue) && profile.Weighs(r.Field.Name) && Budgeted(r) &&
		wakes(e.plan.rules[e.profiler.by].rule, r)
}

// readPost reads what the model looks at in an activity that occurred at t.
func (e *Engine) readPost(a *activity.Activity, t int64) *profile.Post {
	if e.profiler.reader == nil {
		e.profiler.reader = profile.NewReader()
	}
	hour := time.Unix(0, t).In(e.zone(a)).Hour()
	e.profiler.reader.Read(&e.profiler.post, a, t/second, hour)
	return &e.profiler.post
}

// learnPost takes a post into the habits of its account, and into the sample of
// what everybody posts.
func (e *Engine) learnPost(own *profile.State, pl *planned, p *profile.Post) {
	all := e.stateAt(e.memory.world, worldAccount)
	e.memory.world = all.row
	world := memoryOf[profile.World](all, pl.worldKey, "")
	own.Learn(p, world, pl.profile)
	world.Learn(p)
}

// releasePosts teaches a profile the posts of its closing episode, as far as
// they are kept. A verdict may take it back.
func (e *Engine) releasePosts(st *accountState, r *rules.Rule, ep *episode) {
	pl := &e.plan.rules[r.Index]
	own := memoryOf[profile.State](st, pl.stateKey, "")
	for i := range ep.Evidence {
		a := &ep.Evidence[i].Activity
		e.learnPost(own, pl, e.readPost(a, min(a.Time.UnixNano(), e.now)))
	}
}

// profileKnown returns since when, in Unix nanoseconds, and from how many posts
// a rule knows an account.
func (e *Engine) profileKnown(account string, r *rules.Rule) (since int64, posts int) {
	st := e.find(account)
	if st == nil {
		return 0, 0
	}
	cell := st.ref(slotModel, e.plan.rules[r.Index].stateKey, "")
	if cell == 0 {
		return 0, 0
	}
	own := state.Read[profile.State](e.memory.store.Heap, cell)
	since, posts = own.Known()
	return since * second, posts
}

func profileModel(r *rules.Rule) profile.Model { return profile.Default(r.Params["budget"]) }

func profileReasons(s *profile.State, p *profile.Post, a *activity.Activity, v *profile.Verdict) []Reason {
	var out []Reason
	for _, w := range s.Reasons(p, a, v) {
		out = append(out, Reason{Field: w.Field, Seen: w.Seen, Expected: w.Expected, Detail: w.Detail})
	}
	return out
}
