package linkedin

import (
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
	// followersEvery is how often followers are counted at most.
	followersEvery = time.Hour
	// maxConfirm bounds the single look-ups of a poll. What is not confirmed in
	// this round is in the next.
	maxConfirm = 10
	// confirmEvery is how often a post is asked for by itself that no page shows
	// although it is there.
	confirmEvery = time.Hour
)

// profile reads the organisation and tells what has changed. LinkedIn tells
// neither when nor by whom a page was changed; the time is that of the look.
func (r *round) profile() error {
	a, err := r.get(call{name: "organizations", path: "organizations/" + r.c.cfg.number()})
	if err != nil {
		return r.failed("profile", err)
	}
	o, err := readOrganization(a.body)
	if err == nil && o.id != r.c.cfg.number() {
		err = fmt.Errorf("id: asked for %s and got %s", r.c.cfg.number(), collectors.Clip(plain(o.id), 40))
	}
	if err != nil {
		return r.failed("profile", &collectors.Malformed{Field: a.endpoint + " answer", Err: r.c.bare(err)})
	}
	r.moved = true
	r.differ(o.values, r.second())
	return nil
}

// differ emits a profile activity when the profile differs from the one kept. Its
// id is made of the count of changes and the content, so that the same cursor
// yields the same id, and a change back and forth yields several.
func (r *round) differ(now map[string]string, at time.Time) {
	before := r.st.Profile
	if before == nil {
		r.st.Profile = &snapshot{At: at.Unix(), Values: now}
		return
	}
	for name, was := range before.Values { // what cannot be read is as it was
		if _, told := now[name]; !told {
			now[name] = was
		}
	}
	var changed, content []string
	names := slices.Sorted(maps.Keys(now))
	for _, name := range names {
		content = append(content, name, now[name])
		if now[name] != before.Values[name] {
			changed = append(changed, name)
		}
	}
	next := &snapshot{N: before.N, At: at.Unix(), Values: now}
	r.st.Profile = next
	if len(changed) == 0 {
		return
	}
	next.N++
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
	r.tell(&a)
}

// followers tells how many follow the page.
func (r *round) followers() error {
	n, err := r.countFollowers()
	if err != nil {
		return r.failed("followers", err)
	}
	at := r.second()
	r.moved = true
	r.st.Followers = sample{N: r.st.Followers.N + 1, At: at.Unix()}
	f := r.activity(activity.KindFollowers, fmt.Sprintf("followers-%d", r.st.Followers.N), at)
	f.Metrics = []activity.Metric{{Name: "followers", Value: n}}
	r.emit(&f)
	return nil
}

func (r *round) countFollowers() (float64, error) {
	a, err := r.get(call{
		name: "networkSizes", path: "networkSizes/" + escaped(r.c.cfg.urn()),
		query: url.Values{"edgeType": {"COMPANY_FOLLOWED_BY_MEMBER"}},
	})
	if err != nil {
		return 0, err
	}
	var said struct {
		Size *float64 `json:"firstDegreeSize"`
	}
	if err := json.Unmarshal(a.body, &said); err != nil || said.Size == nil || *said.Size < 0 {
		return 0, &collectors.Malformed{Field: a.endpoint + " answer", Err: errors.New("firstDegreeSize: want a number, 0 or more")}
	}
	return *said.Size, nil
}

// deletions tells which of the watched posts that no page shows are deleted. Each
// is asked for by itself, and only the API's own word that there is none counts:
// what the token may not see it refuses otherwise. LinkedIn tells neither when nor
// by whom a post was deleted; the time is that of the look.
func (r *round) deletions() error {
	asked := 0
	for _, o := range slices.Clone(r.st.Watch) {
		if !o.Missing || !r.due(o.Asked, confirmEvery) {
			continue
		}
		if asked++; asked > maxConfirm {
			r.page.More = r.page.More || r.fresh // the rest of a spree; where none was deleted, the next round asks for more
			return nil
		}
		_, err := r.get(call{name: "posts/{urn}", path: "posts/" + escaped(o.ID)})
		switch {
		case err == nil:
			r.st.find(o.ID).Asked = r.clock().Unix()
			r.moved = true
		case isGone(err):
			a := r.activity(activity.KindDelete, o.ID, r.second())
			a.Object = o.ID
			r.st.unwatch(o.place)
			r.tell(&a)
		default:
			return r.failed("look-up of a missing post", err)
		}
	}
	return nil
}

// maxRolePages bounds a list of who has a role: with more than maxEntries nothing
// is compared.
const maxRolePages = 5

// approved is the state of a role that somebody has.
const approved = "APPROVED"

// people reads who has a role on the page and tells what has changed since the
// last look.
func (r *round) people() error {
	entries, whole, err := r.entries()
	if err != nil {
		return r.failed("people", err)
	}
	at := r.second()
	known := r.st.Roles
	if known == nil && !whole { // who cannot be read yet would be told as new later
		return r.failed("people", &collectors.Malformed{Field: "organizationAcls answer", Err: errors.New("some roles cannot be read, so that none can be compared yet")})
	}
	r.moved = true
	if known == nil {
		r.st.Roles = &roles{At: at.Unix(), Entries: entries}
		return nil
	}
	if !whole { // who cannot be read is not one who has no role any more
		entries = withMissed(entries, known.Entries)
	}
	next := &roles{N: known.N, At: at.Unix(), Entries: entries}
	before := map[string]string{}
	for _, e := range known.Entries {
		before[e.ID] = e.Roles
	}
	for _, e := range entries {
		if e.Roles != before[e.ID] {
			r.role(next, e.ID, before[e.ID], e.Roles, at)
		}
		delete(before, e.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		r.role(next, id, before[id], "", at)
	}
	r.st.Roles = next
	return nil
}

// entries reads all who have a role, by id. Whole says that all could be read.
// Everybody can ask for one: where too many do, they are left out.
func (r *round) entries() (out []entry, whole bool, err error) {
	held, whole, err := r.holders("")
	if err != nil {
		return nil, false, err
	}
	out = entriesOf(held)
	if whole && len(out) == 0 {
		// Whoever made the token is one of them.
		return nil, false, &collectors.Malformed{Field: "organizationAcls answer", Err: errors.New("nobody has a role; want at least the member whose token this is")}
	}
	if !tooMany(out) {
		return out, whole, nil
	}
	if held, whole, err = r.holders(approved); err != nil {
		return nil, false, err
	}
	if out = entriesOf(held); tooMany(out) || len(out) == 0 {
		return nil, false, &collectors.Malformed{Field: "organizationAcls answer", Err: fmt.Errorf(
			"%d people have a role, %d bytes of them; Picket compares 1 to %d and %d bytes at most: set people: false", len(out), sizeOf(out), maxEntries, maxEntryBytes)}
	}
	r.c.deps.Log.Warn("more people ask for a role on the page than are compared; those who have one are compared",
		zap.String("account", r.c.cfg.Account), zap.Int("have", len(out)))
	return out, whole, nil
}

// holders reads the roles of one state, of all where it is empty, by member. It
// stops where there are too many to compare.
func (r *round) holders(state string) (held map[string][]string, whole bool, err error) {
	held, whole = map[string][]string{}, true
	query := url.Values{"q": {"organization"}, "organization": {r.c.cfg.urn()}}
	if state != "" {
		query.Set("state", state)
	}
	start, more := 0, true
	for page := 0; more && len(held) <= maxEntries; page++ {
		if page >= maxRolePages {
			return nil, false, &collectors.Malformed{Field: "paging", Err: fmt.Errorf("more than %d pages of roles; Picket compares %d people at most: set people: false", maxRolePages, maxEntries)}
		}
		l, err := r.list(r.ctx, call{name: "organizationAcls", query: query}, start, DefaultPageSize)
		if err != nil {
			return nil, false, err
		}
		for i, raw := range l.Elements {
			id, role, err := readRole(raw, r.c.cfg.urn())
			if err != nil {
				r.malformed(l, i, err)
				whole = false
				continue
			}
			if role != "" && (state != approved || !requested(role)) {
				held[id] = appendNew(held[id], role)
			}
		}
		start, more = start+len(l.Elements), l.more(DefaultPageSize)
	}
	return held, whole, nil
}

func entriesOf(held map[string][]string) []entry {
	var out []entry
	for _, id := range slices.Sorted(maps.Keys(held)) {
		slices.Sort(held[id])
		out = append(out, entry{ID: id, Roles: collectors.Bounded(strings.Join(held[id], " "), 300)})
	}
	return out
}

func tooMany(entries []entry) bool {
	return len(entries) > maxEntries || sizeOf(entries) > maxEntryBytes
}

func sizeOf(entries []entry) int {
	n := 0
	for _, e := range entries {
		n += len(e.ID) + len(e.Roles) + len(`{"id":"","r":""},`)
	}
	return n
}

// withMissed adds the known entries that were not met, by id.
func withMissed(entries, known []entry) []entry {
	for _, o := range known {
		if !slices.ContainsFunc(entries, func(e entry) bool { return e.ID == o.ID }) && len(entries) < maxEntries {
			entries = append(entries, o)
		}
	}
	slices.SortFunc(entries, func(x, y entry) int { return strings.Compare(x.ID, y.ID) })
	return entries
}

// role tells one change of who has which roles. LinkedIn tells neither when nor
// by whom it was made, and of the member nothing but the id.
func (r *round) role(next *roles, id, before, now string, at time.Time) {
	next.N++
	a := r.activity(activity.KindRoleChange, fmt.Sprintf("roles-%d-%s", next.N, id), at)
	had, has := strings.Fields(before), strings.Fields(now)
	for _, change := range []struct {
		name     string
		from, to []string
	}{{"role_granted", had, has}, {"role_revoked", has, had}} {
		if slices.ContainsFunc(change.to, func(s string) bool { return !requested(s) && !slices.Contains(change.from, s) }) {
			a.Changed = append(a.Changed, change.name)
		}
	}
	if slices.ContainsFunc(has, func(s string) bool { return requested(s) && !slices.Contains(had, s) }) {
		a.Changed = append(a.Changed, "role_requested")
	}
	if len(a.Changed) == 0 { // a request that was withdrawn
		return
	}
	a.Profile = append(a.Profile, activity.Field{Name: "member_id", Value: id})
	if now != "" {
		a.Profile = append(a.Profile, activity.Field{Name: "roles", Value: now})
	}
	if before != "" {
		a.Old = append(a.Old, activity.Field{Name: "roles", Value: before})
	}
	r.tell(&a)
}
