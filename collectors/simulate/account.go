package simulate

import (
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// thread marks, in step.aux of a plain post, that it answers the one before.
const thread = 1

// beginAccount plans the first steps of account i.
func (w *World) beginAccount(i int, begin int64) {
	a, who := &w.accounts[i], int32(i)
	at := begin + a.rng.Int64N(minute)
	a.plan(step{at: at, who: who, do: doPollComplete})
	a.plan(step{at: at + 1, who: who, do: doProfile, flavour: snapshot})
	a.plan(step{at: at + a.rng.Int64N(day), who: who, do: doFollowers})
	a.plan(step{at: at + 3, who: who, do: doPlan})
	a.plan(step{at: next(a.rng, a.zone, a.rhythm, a.mentions.draw(a.rng), at), who: who, do: doMention})
}

// sometimes is true for one of n subjects, always for the same.
func (a *account) sometimes(subject, n uint64) bool { return mix(a.seed^subject)%n == 0 }

// planPosts decides what the account posts next, and when: mostly one thing,
// now and then a thread or a live event.
func (w *World) planPosts(s *step) {
	a, r := &w.accounts[s.who], w.accounts[s.who].rng
	at := next(a.rng, a.zone, a.rhythm, a.posts.draw(r), s.at)
	if a.required {
		at = max(at, s.at+minute) // somebody has to read it first
	}
	if at >= w.end {
		return
	}
	last := at
	switch n := r.IntN(1000); {
	case n < 2:
		last = w.planSeries(s, at, Thread)
	case n < 3:
		last = w.planSeries(s, at, LiveEvent)
	case n < 600:
		w.planPost(s, at)
	case n < 850 || !a.boost:
		a.plan(step{at: at, who: s.who, do: doReply})
	default:
		a.plan(step{at: at, who: s.who, do: doRepost})
	}
	a.plan(step{at: last + 1, who: s.who, do: doPlan})
}

// planPost plans one post with its approval, and perhaps what becomes of it.
func (w *World) planPost(s *step, at int64) {
	a, r := &w.accounts[s.who], w.accounts[s.who].rng
	post := a.plan(step{at: at, who: s.who, do: doPost})
	if a.required {
		a.plan(step{at: s.at + 1 + r.Int64N(at-s.at-1), who: s.who, do: doApprove, subject: post})
	}
	switch n := r.IntN(200); {
	case n < 5 && a.edits:
		edit := at + 5*minute + r.Int64N(hour/2)
		if a.required {
			a.plan(step{at: edit - minute - r.Int64N(3*minute), who: s.who, do: doApprove, flavour: amended, subject: post})
		}
		a.plan(step{at: edit, who: s.who, do: doEdit, flavour: amended, subject: post})
	case n < 7:
		a.plan(step{at: at + minute + r.Int64N(hour), who: s.who, do: doDelete, subject: post})
	}
}

// planSeries plans a thread or a live event and returns when it ends.
func (w *World) planSeries(s *step, at int64, what Attack) int64 {
	a, r := &w.accounts[s.who], w.accounts[s.who].rng
	p := w.lookalike(a, what)
	n, apart := 15, 20*second
	if what == LiveEvent {
		n, apart = 20+r.IntN(10), 9*minute
	}
	last := at
	for i := range n {
		post := step{at: last, who: s.who, do: doPost}
		if what == Thread && i > 0 {
			post.aux = thread
		}
		id := p.add(post)
		if a.required {
			// All were read before the first went out.
			p.queue.plan(step{at: s.at + 1 + int64(i)*(at-s.at-1)/int64(n), who: s.who, do: doApprove, subject: id})
		}
		last += apart/4 + r.Int64N(apart)
	}
	p.commit(w.end)
	return last
}

// doAccount does a step of an account and tells whether anything was seen.
func (w *World) doAccount(s *step) (activity.Activity, bool) {
	a := &w.accounts[s.who]
	out := activity.Activity{
		ID: idText(s), Network: a.network.name, Account: a.name, Time: time.UnixMilli(s.at).UTC(),
	}
	switch s.do {
	case doPlan:
		w.planPosts(s)
		return out, false
	case doApprove:
		w.approve(a, s, &out)
		return out, true // publishing tools see it even where the network is silent
	case doPost:
		w.post(a, s, &out)
	case doReply:
		c := w.reply(a, s.subject)
		out.Kind = activity.KindReply
		c.fill(&out)
		a.tool(s, &out, &w.orgs[a.org], w.people)
		out.ReplyTo = strconv.FormatUint(s.id()-uint64(10*minute)<<idBits, 10)
	case doRepost:
		out.Kind = activity.KindRepost
		a.tool(s, &out, &w.orgs[a.org], w.people)
		out.Object = strconv.FormatUint(s.id()-uint64(hour)<<idBits, 10)
	case doEdit:
		out.Kind = activity.KindEdit
		c := w.content(a, s.subject, s.flavour)
		c.fill(&out)
		a.tool(s, &out, &w.orgs[a.org], w.people)
		out.Object = strconv.FormatUint(s.subject, 10)
	case doDelete:
		out.Kind = activity.KindDelete
		a.forget(s.subject)
		out.Object = strconv.FormatUint(s.subject, 10)
	case doMention:
		a.plan(step{at: next(a.rng, a.zone, a.rhythm, a.mentions.draw(a.rng), s.at), who: s.who, do: doMention})
		out.Kind = activity.KindMention
		var c content
		c, out.Actor = w.mention(a, s.subject)
		c.fill(&out)
	case doFollowers:
		w.count(a, s, &out)
	case doProfile:
		a.profile(s, &out, &w.orgs[a.org])
	case doTokenGrant:
		out.Kind = activity.KindTokenGrant
		out.App = w.rogueApp(s)
	default:
		a.poll(s, &out)
		return out, true
	}
	visible := s.at >= a.blind
	if visible && out.App != "" {
		a.habits++
	}
	return out, visible
}

// idText writes the activity's id in the style of its source.
func idText(s *step) string {
	id := s.id()
	switch s.do {
	case doApprove:
		return "apr-" + strconv.FormatUint(id, 36)
	case doFollowers, doProfile, doPollComplete, doPollFailing, doPollForbidden, doPollGap:
		return "obs-" + strconv.FormatUint(id, 36)
	case doLogin, doLoginFailure, doMFAChange, doPasswordChange, doRoleChange, doTokenGrant:
		return "evt-" + strconv.FormatUint(id, 36)
	default:
		return strconv.FormatUint(id, 10)
	}
}

func (c *content) fill(out *activity.Activity) {
	out.Text, out.Lang = c.text, "en"
	out.Links, out.LinkDomains = c.links, c.domains
	out.Hashtags, out.Mentions, out.Media = c.hashtags, c.mentions, c.media
}

// tool sets who posted with what. Networks tell the app or not; the person is
// known where a publishing tool was used, which is most of the time.
func (a *account) tool(s *step, out *activity.Activity, o *org, people []person) {
	n := mix(s.subject ^ a.seed)
	app := a.apps[0]
	if n%5 == 0 {
		app = a.apps[1]
	}
	if a.app {
		out.App = app
	}
	if n%4 > 0 {
		out.Actor = o.somebody(people, n>>8, s.at)
	}
}

// somebody is one of the people who work there at that time.
func (o *org) somebody(people []person, n uint64, at int64) string {
	count := uint64(o.people.to - o.people.from)
	if p := &people[o.people.from+int(n%count)]; p.joined <= at {
		return p.id
	}
	return people[o.people.from].id
}

func (w *World) post(a *account, s *step, out *activity.Activity) {
	out.Kind = activity.KindPost
	c := w.content(a, s.subject, s.flavour)
	c.fill(out)
	a.tool(s, out, &w.orgs[a.org], w.people)
	if s.flavour == hijacked {
		out.App, out.Actor = w.rogueApp(s), ""
	}
	if s.flavour == plain && s.aux == thread {
		out.Kind = activity.KindReply // as networks tell an answer to oneself
		out.ReplyTo = strconv.FormatUint(a.recent[(a.posted-1)%len(a.recent)], 10)
	}
	if !s.spliced {
		a.recent[a.posted%len(a.recent)] = s.id()
		a.posted++
	}
}

// forget takes a post out of the recent ones: it cannot be deleted twice.
func (a *account) forget(post uint64) {
	for i := range a.recent {
		if a.recent[i] == post {
			a.recent[i] = 0
		}
	}
}

// rogueApp is an app that the account has not used; aux counts them.
func (w *World) rogueApp(s *step) string {
	apps := w.cat.rogueApps
	return apps[int(s.aux)%len(apps)] + "-" + strconv.Itoa(int(s.aux)+1)
}

func (w *World) approve(a *account, s *step, out *activity.Activity) {
	out.Kind = activity.KindApproval
	style := s.flavour
	if style == lapsed {
		style = linked
	}
	c := w.content(a, s.subject, style)
	o, n := &w.orgs[a.org], mix(s.subject)
	p := activity.Approval{Text: c.text, Links: c.links, Tool: "Sim Scheduler"}
	for i := range c.media {
		p.Media = append(p.Media, c.media[i].Hash)
	}
	p.Approvers = []string{o.somebody(w.people, n, s.at)}
	if second := o.somebody(w.people, n>>20, s.at); n%4 == 0 && second != p.Approvers[0] {
		p.Approvers = append(p.Approvers, second)
	}
	post := postTime(s.subject)
	switch {
	case s.flavour == lapsed:
		p.Until = time.UnixMilli((s.at + post) / 2).UTC()
	case n%2 == 0:
		p.From = out.Time
		p.Until = time.UnixMilli(max(post, s.at) + day).UTC().Truncate(time.Minute)
	}
	out.Actor = p.Approvers[0]
	out.Approval = p
}

// count counts followers once a day, and now and then lets the organisation
// touch up its profile or the network fail for some minutes.
func (w *World) count(a *account, s *step, out *activity.Activity) {
	r := a.rng
	change := a.trend + int64(r.NormFloat64()*float64(a.followers)/4)
	a.followers = max(a.followers+change/100, 3)
	out.Kind = activity.KindFollowers
	out.Metrics = []activity.Metric{
		{Name: "followers", Value: float64(a.followers)},
		{Name: "following", Value: float64(50 + a.seed%900)},
	}
	a.plan(step{at: s.at + day, who: s.who, do: doFollowers})
	later := s.at + hour + r.Int64N(20*hour)
	switch n := r.IntN(1000); {
	case n < 12:
		a.plan(step{at: later, who: s.who, do: doProfile, flavour: newBio})
	case n < 15:
		p := w.lookalike(a, NewPicture)
		p.add(step{at: later, who: s.who, do: doProfile, flavour: newPicture})
		p.commit(w.end)
	case n < 22:
		p := w.lookalike(a, NetworkHiccup)
		p.add(step{at: later, who: s.who, do: doPollFailing})
		p.add(step{at: later + 2*minute + r.Int64N(6*minute), who: s.who, do: doPollComplete})
		p.commit(w.end)
	}
}

// profile tells the profile as it is, or one change of it.
func (a *account) profile(s *step, out *activity.Activity, o *org) {
	link := "https://" + o.domain + "/"
	picture := func(n int) string { return "https://cdn." + o.domain + "/picture-" + strconv.Itoa(n) }
	bio := func(n int) string {
		t := a.sector.thing
		return "The " + t[n%len(t)] + " people. Also: " + t[(n/len(t)+n+1)%len(t)] + "."
	}
	out.Kind = activity.KindProfile
	now := []activity.Field{
		{Name: "description", Value: bio(a.bio)},
		{Name: "link", Value: link},
		{Name: "name", Value: a.handle},
		{Name: "picture", Value: picture(a.picture)},
	}
	stolen := []activity.Field{
		{Name: "link", Value: "https://verify-badge.example/" + a.handle},
		{Name: "name", Value: "Official giveaway"},
		{Name: "picture", Value: "https://cdn.verify-badge.example/" + idText(s)},
	}
	switch s.flavour {
	case newBio:
		out.Old = []activity.Field{now[0]}
		a.bio++
		now[0].Value = bio(a.bio)
		out.Profile = now[:1]
	case newPicture:
		out.Old = []activity.Field{now[3]}
		a.picture++
		now[3].Value = picture(a.picture)
		out.Profile = now[3:]
	case takenOver:
		out.Old, out.Profile = now[1:], stolen
	case restored:
		stolen[2].Value = "https://cdn.verify-badge.example/" + "obs-" + strconv.FormatUint(s.subject, 36)
		out.Old, out.Profile = stolen, now[1:]
	default:
		out.Profile = now
		return
	}
	for i := range out.Profile {
		out.Changed = append(out.Changed, out.Profile[i].Name)
	}
}

// poll reports how the collector of the account fares.
func (a *account) poll(s *step, out *activity.Activity) {
	out.Kind = activity.KindPoll
	p := &out.Poll
	switch s.do {
	case doPollFailing:
		p.State, p.Reason = activity.PollFailing, "the network answers 503; it is asked again with backoff"
	case doPollForbidden:
		p.State = activity.PollForbidden
		p.Reason = "the network refuses the credential; to mend it: connect the account again"
		p.LastOK = time.UnixMilli(s.at - minute).UTC()
		a.blind = postTime(s.subject)
	case doPollGap:
		p.State, p.Reason = activity.PollGap, "the network refused the credential"
		p.From = time.UnixMilli(postTime(s.subject)).UTC()
		p.Until = out.Time
	default:
		p.State, p.LastOK = activity.PollComplete, out.Time
	}
}
