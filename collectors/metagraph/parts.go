package metagraph

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

const (
	// maxConfirm bounds the single look-ups of a poll. What is not confirmed in
	// this round is in the next.
	maxConfirm = 20
	// maxGrantPages bounds a list of who has access: each page has up to a hundred,
	// and with more than maxEntries nothing is compared.
	maxGrantPages = 10
	// followersEvery is how often counts are told.
	followersEvery = time.Hour
)

// profile reads the account's node and tells what has changed. The Graph API
// does not tell when a profile was changed; the time is that of the look.
func (r *round) profile() error {
	target := r.st.Me.ID
	if target == "" {
		target = r.rd.src.Object
	}
	a, err := r.get(r.ctx, url.Values{"fields": {r.rd.src.ProfileFields}}, target)
	if err != nil {
		return r.failed("profile", err)
	}
	p, err := r.rd.src.Profile(a.Body)
	if err == nil {
		err = CheckID("id", p.ID)
	}
	if err == nil && r.st.Me.ID != "" && p.ID != r.st.Me.ID {
		err = fmt.Errorf("asked for %s and got %s", r.st.Me.ID, p.ID)
	}
	if err != nil {
		return r.failed("profile", &collectors.Malformed{Field: a.Endpoint + " answer", Err: r.rd.client.bare(err)})
	}
	at := r.clock().Truncate(time.Second)
	r.seen, r.st.Me = true, Me{ID: p.ID, Handle: collectors.Clip(Plain(p.Handle), maxID)}
	r.compare(p, at)
	if p.Items >= 0 {
		if p.Items < r.st.Items && r.rd.opts.Watch > 0 { // something was deleted: find out what
			r.track(&r.rd.src.Timelines[0]).Swept, r.page.More = 0, true
		}
		r.st.Items = p.Items
	}
	if len(p.Metrics) > 0 && collectors.Due(at, r.st.Followers.At, followersEvery) {
		r.st.Followers = sample{N: r.st.Followers.N + 1, At: at.Unix()}
		f := r.activity(activity.KindFollowers, fmt.Sprintf("followers-%d", r.st.Followers.N), at)
		f.Metrics = p.Metrics
		r.emit(&f, true)
	}
	return nil
}

// compare emits a profile activity when the profile differs from the one kept.
// Its id is made of the count of changes and the content, so that the same
// cursor yields the same id, and a change back and forth yields several.
func (r *round) compare(p *Profile, at time.Time) {
	now := map[string]string{}
	for name, value := range p.Values {
		now[name] = collectors.Bounded(Text(value, activity.MaxText), maxValue)
	}
	before := r.st.Profile
	if before == nil {
		r.st.Profile = &snapshot{Values: now}
		return
	}
	var changed, content []string
	names := slices.Sorted(maps.Keys(now))
	for _, name := range names {
		content = append(content, name, now[name])
		if now[name] != before.Values[name] {
			changed = append(changed, name)
		}
	}
	if len(changed) == 0 {
		return
	}
	next := &snapshot{N: before.N + 1, Values: now}
	a := r.activity(activity.KindProfile, fmt.Sprintf("profile-%d-%s", next.N, collectors.Digest(content...)), at)
	a.Changed = changed
	for _, name := range names {
		if now[name] != "" {
			a.Profile = append(a.Profile, activity.Field{Name: name, Value: now[name]})
		}
	}
	for _, name := range changed {
		if before.Values[name] != "" {
			a.Old = append(a.Old, activity.Field{Name: name, Value: before.Values[name]})
		}
	}
	r.st.Profile = next
	r.emit(&a, true)
}

// deletions tells which of the watched items that their timelines no longer
// show are deleted. Each is asked for by itself, and only the API's own word
// that there is none counts; it says the same of what the token may not see, so
// that the account itself has to be seen in the same poll. An item that is refused
// otherwise stays watched, and hides no other. Meta tells neither when nor by whom an item was
// deleted; the time is that of the look.
func (r *round) deletions() error {
	if !r.seen {
		return nil
	}
	asked := 0
	for i := range r.rd.src.Timelines {
		tr := r.track(&r.rd.src.Timelines[i])
		for _, p := range tr.missing() {
			if asked++; asked > maxConfirm {
				tr.find(p.ID).Missing = true // for the next round
				continue
			}
			_, err := r.get(r.ctx, url.Values{"fields": {"id"}}, p.ID)
			switch e, ok := errors.AsType[*Error](err); {
			case err == nil:
				continue
			case IsGone(err):
			case ok && e.Denied(): // of this one: the account itself was seen
				r.rd.deps.Log.Warn("a missing item is refused; it stays watched", zap.String("account", r.rd.src.Account), zap.Error(err))
				continue
			default:
				return r.failed("look-up of a missing item", err)
			}
			a := r.activity(activity.KindDelete, p.ID, r.clock().Truncate(time.Second))
			a.Object = p.ID
			tr.unwatch(p)
			r.emit(&a, true)
		}
	}
	return nil
}

// due reports whether it is time to look who has access.
func (r *round) due(g *Grant) bool {
	known := r.st.Grants[g.Name]
	return known == nil || collectors.Due(r.clock(), known.At, sweepEvery)
}

// grant reads who has access and tells what has changed since the last look.
func (r *round) grant(g *Grant) error {
	entries, whole, err := r.entries(g)
	if err != nil {
		return r.failed(g.Name, err)
	}
	at := r.clock().Truncate(time.Second)
	known := r.st.Grants[g.Name]
	if known == nil && !whole {
		return nil // who cannot be read yet would be told as new later
	}
	if g.Always && whole && len(entries) == 0 && known != nil && len(known.Entries) > 0 {
		return r.failed(g.Name, &collectors.Malformed{Field: "data", Err: errors.New("the list is empty: nobody has access; want somebody, as before")})
	}
	if !whole { // who cannot be read is not one who is gone
		entries = withMissed(entries, known.Entries)
	}
	if size := r.sizeWith(g, entries); len(entries) > maxEntries || size > maxEntryBytes {
		r.rd.deps.Log.Warn("more have access than can be compared; changes of it are not told",
			zap.String("account", r.rd.src.Account), zap.String("part", g.Name), zap.Int("entries", len(entries)), zap.Int("bytes", size), zap.Int("most_entries", maxEntries), zap.Int("most_bytes", maxEntryBytes))
		return nil
	}
	if known == nil {
		r.st.Grants[g.Name] = &grant{At: at.Unix(), Entries: entries}
		return nil
	}
	next := &grant{N: known.N, At: at.Unix(), Entries: entries}
	before := map[string]Entry{}
	for _, e := range known.Entries {
		before[e.ID] = e
	}
	for _, e := range entries {
		old, had := before[e.ID]
		delete(before, e.ID)
		if !had || old.Tasks != e.Tasks {
			r.granted(g, next, old, e, at)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		r.granted(g, next, before[id], Entry{}, at)
	}
	r.st.Grants[g.Name] = next
	return nil
}

// withMissed adds the known entries that were not met, by id.
func withMissed(entries, known []Entry) []Entry {
	for _, o := range known {
		if !slices.ContainsFunc(entries, func(e Entry) bool { return e.ID == o.ID }) {
			entries = append(entries, o)
		}
	}
	slices.SortFunc(entries, func(x, y Entry) int { return cmp.Compare(x.ID, y.ID) })
	return entries
}

// sizeWith returns what all edges of people and apps take of the cursor with
// these entries of one, in bytes.
func (r *round) sizeWith(g *Grant, entries []Entry) int {
	size := sizeOf(entries)
	for name, other := range r.st.Grants {
		if name != g.Name {
			size += sizeOf(other.Entries)
		}
	}
	return size
}

func sizeOf(entries []Entry) int {
	b, err := json.Marshal(entries)
	if err != nil {
		return maxEntryBytes + 1 // texts and nothing else: cannot be
	}
	return len(b)
}

// entries reads an edge of people or apps to its end. Whole says that all of it could be read.
func (r *round) entries(g *Grant) (out []Entry, whole bool, err error) {
	out, whole = []Entry{}, true
	after := ""
	for range maxGrantPages {
		a, err := r.get(r.ctx, paged(g.Params, MaxPageSize, after), r.st.Me.ID, g.Edge)
		if err != nil {
			return nil, false, err
		}
		l, err := decodeList(a)
		if err != nil {
			return nil, false, err
		}
		for i, raw := range l.Data {
			e, err := g.Entry(raw)
			if err == nil {
				err = CheckID("id", e.ID)
			}
			if err != nil {
				r.malformed(a, i, err)
				whole = false
				continue
			}
			e.Name, e.Tasks = collectors.Within(Plain(e.Name), 60), collectors.Bounded(Plain(e.Tasks), 300)
			out = append(out, e)
		}
		if after, err = l.next(after); err != nil {
			return nil, false, err
		}
		if after == "" || len(out) > maxEntries {
			slices.SortFunc(out, func(x, y Entry) int { return cmp.Compare(x.ID, y.ID) })
			return slices.CompactFunc(out, func(x, y Entry) bool { return x.ID == y.ID }), whole, nil
		}
	}
	return nil, false, &collectors.Malformed{Field: "paging", Err: fmt.Errorf("more than %d pages of %s; want people or apps on them", maxGrantPages, g.Name)}
}

// granted tells one change of who has access. Meta tells neither when nor by
// whom it was made.
func (r *round) granted(g *Grant, next *grant, old, now Entry, at time.Time) {
	next.N++
	id, name := now.ID, now.Name
	if id == "" {
		id, name = old.ID, old.Name
	}
	kind, given, taken := activity.KindRoleChange, "role_granted", "role_revoked"
	if g.Apps {
		kind, given, taken = activity.KindTokenGrant, "token_granted", "token_revoked"
		if now.ID == "" {
			kind = activity.KindTokenRevoke
		}
	}
	a := r.activity(kind, fmt.Sprintf("%s-%d-%s", g.Name, next.N, id), at)
	if gained(old, now) {
		a.Changed = append(a.Changed, given)
	}
	if gained(now, old) {
		a.Changed = append(a.Changed, taken)
	}
	if g.Apps {
		a.App = name
	} else {
		a.Profile = fields("member", name, "member_id", id, "roles", now.Tasks)
		a.Old = fields("roles", old.Tasks)
	}
	r.emit(&a, true)
}

// gained reports whether an entry has something that it had not before.
func gained(before, after Entry) bool {
	if before.ID == "" || after.ID == "" {
		return before.ID == "" && after.ID != ""
	}
	had := strings.Fields(before.Tasks)
	return slices.ContainsFunc(strings.Fields(after.Tasks), func(t string) bool { return !slices.Contains(had, t) })
}

func fields(pairs ...string) []activity.Field {
	var out []activity.Field
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, activity.Field{Name: pairs[i], Value: pairs[i+1]})
		}
	}
	return out
}

// since returns a lane for what others say, from now on where it is new: there
// is no history of others' posts.
func (r *round) since(l *lane) *lane {
	if l == nil {
		l = &lane{}
	}
	if l.Since == 0 {
		l.Since = max(1, r.clock().Add(-r.rd.opts.Overlap).UnixMilli())
	}
	return l
}

// voice reads one page of what others say, and ends or goes on with its walk.
func (r *round) voice(v *Voice) error {
	l := r.since(r.st.Voices[v.Name])
	r.st.Voices[v.Name] = l
	var w walk
	if l.Walk != nil {
		w = *l.Walk
		w.Again %= maxAgain
	}
	a, err := r.get(collectors.ForMentions(r.ctx), paged(v.Params, r.rd.opts.PageSize, w.After), r.st.Me.ID, v.Edge)
	if w.After != "" && staleCursor(err) {
		l.Walk = r.again(&w, err)
		return nil
	}
	if err != nil {
		return r.failed(v.Name, err)
	}
	page, err := decodeList(a)
	if err != nil {
		return r.failed(v.Name, err)
	}
	next, err := page.next(w.After)
	if err != nil {
		return r.failed(v.Name, err)
	}
	if w.Start == 0 {
		w.Start = r.clock().UnixMilli()
	}
	w.Pages++
	w.Read += len(page.Data)
	for i, raw := range page.Data {
		item, err := v.Map(raw, r.st.Me)
		if err != nil {
			r.malformed(a, i, err)
			continue
		}
		if item != nil {
			w.Low = placeOf(item)
			w.meet(w.Low, l.Mark)
			r.say(l, &w, item)
		}
	}
	w.After = next
	switch {
	case next == "" || w.Low.ID != "" && w.Low.At <= l.Since:
	case w.Pages >= r.rd.maxPages:
		r.gap(l, &w, v.Name)
	default:
		l.Walk = &w
		return nil
	}
	l.advance(&w, r.rd.opts.Overlap)
	return nil
}

// say hands over what somebody said after the lane's place.
func (r *round) say(l *lane, w *walk, item *Item) {
	p := placeOf(item)
	if p.At <= l.Since {
		return
	}
	r.own(&item.Activity)
	r.emit(&item.Activity, l.isNew(w, p))
}

// thread is an item with its newest comments.
type thread struct {
	ID       string `json:"id"`
	Comments *list  `json:"comments"`
}

// comments reads the newest comments under the newest items, and where a network
// keeps them apart the replies to them, in one request. Of
// an item that had more comments since the last poll than one page of them
// holds, those in between are lost, which is told.
func (r *round) comments() error {
	first := r.st.Comments == nil
	l := r.since(r.st.Comments)
	r.st.Comments = l
	c := r.rd.src.Comments
	a, err := r.get(collectors.ForMentions(r.ctx), c.Params, r.st.Me.ID, c.Edge)
	if err != nil {
		return r.failed("comments", err)
	}
	page, err := decodeList(a)
	if err != nil {
		return r.failed("comments", err)
	}
	w := walk{Start: r.clock().UnixMilli()}
	lost := walk{}
	for i, raw := range page.Data {
		var t thread
		if err := json.Unmarshal(raw, &t); err != nil {
			r.malformed(a, i, err)
			continue
		}
		if t.Comments == nil {
			continue
		}
		own := walk{}
		for _, raw := range t.Comments.Data {
			if p, ok := r.comment(l, &w, a, i, raw, t.ID); ok {
				if own.Low.ID == "" || p.compare(own.Low) < 0 {
					own.Low = p
				}
				own.meet(p, l.Mark)
				w.meet(p, l.Mark)
			}
			var under struct {
				Replies *list `json:"replies"`
			}
			if json.Unmarshal(raw, &under) != nil || under.Replies == nil {
				continue
			}
			for _, raw := range under.Replies.Data {
				if p, ok := r.comment(l, &w, a, i, raw, t.ID); ok {
					w.meet(p, l.Mark)
				}
			}
		}
		own.Read = len(t.Comments.Data)
		if t.Comments.Paging.Next != "" && !own.Met && own.Low.At > lost.Low.At {
			lost = own
		}
	}
	if lost.Low.ID != "" && !first {
		r.gap(l, &lost, "comments under one post")
	}
	l.advance(&w, r.rd.opts.Overlap)
	return nil
}

// comment hands over one comment under an item, and returns its place.
func (r *round) comment(l *lane, w *walk, a *Answer, i int, raw json.RawMessage, under string) (place, bool) {
	item, err := r.rd.src.Comments.Map(raw, under, r.st.Me)
	if err != nil {
		r.malformed(a, i, fmt.Errorf("comments: %w", err))
		return place{}, false
	}
	r.say(l, w, item)
	return placeOf(item), true
}
