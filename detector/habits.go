package detector

import (
	"slices"
	"time"
	"unsafe"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/habit"
	"github.com/picketd/picket/detector/state"
)

// habitSlots name the slots of what every account may have. They come first, in
// this order; another list is another version of a snapshot.
var habitSlots = [...]string{"posts", "domains", "today", "today_domains", "logins", "countries", "devices", "place", "seen"} //nolint:gochecknoglobals // a constant

// The numbers of these slots.
const (
	habitPosts = iota
	habitDomains
	habitToday
	habitTodayDomains
	habitLogins
	habitCountries
	habitDevices
	habitPlace
	habitSeen
)

// todayHead stands before the rhythm of a day.
type todayHead struct{ Day int64 }

// seenHead begins the kinds that an account has sent.
type seenHead struct{ N, _ uint32 }

// Items implements state.Head.
func (h seenHead) Items() int { return int(h.N) }

// With implements state.Head.
func (seenHead) With(items int) seenHead { return seenHead{N: uint32(items)} }

// habits are an account's habits of posting or of logging in, taken out. The
// other half of them is what was taken out before.
type habits struct {
	habit.Habits
	st    *accountState
	cells [len(habitSlots)]state.Ref
}

// half says which half of the habits an activity is about.
type half uint8

const (
	neither half = iota
	posting
	logging
	today // of posting what is counted of the latest day alone
)

func halfOf(a *activity.Activity) half {
	switch {
	case habit.Post(a.Kind):
		return posting
	case habit.Login(a):
		return logging
	}
	return neither
}

// habits takes out one half. There is room for one account's only.
func (st *accountState) habits(of half) *habits {
	h := &st.m.habits
	h.st = st
	switch of {
	case posting:
		h.rhythm(habitPosts, 0, &h.Posts)
		h.Domains = h.model(habitDomains)
		h.takeToday()
	case today:
		h.takeToday()
	case logging:
		h.rhythm(habitLogins, 0, &h.Logins)
		h.Countries, h.Devices = h.model(habitCountries), h.model(habitDevices)
		h.Last = habit.Place{}
		if r := h.cell(habitPlace); r != 0 {
			h.Last = *state.Read[habit.Place](st.m.store.Heap, r)
		}
	case neither:
	}
	return h
}

// put puts the half back.
func (h *habits) put(of half) {
	switch of {
	case posting:
		h.putRhythm(habitPosts, &h.Posts, 0)
		h.putModel(habitDomains, &h.Domains)
		h.putToday()
	case today:
		h.putToday()
	case logging:
		h.putRhythm(habitLogins, &h.Logins, 0)
		h.putModel(habitCountries, &h.Countries)
		h.putModel(habitDevices, &h.Devices)
		h.putPlace()
	case neither:
	}
}

func (h *habits) takeToday() {
	h.rhythm(habitToday, unsafe.Sizeof(todayHead{}), &h.Today.Posts)
	h.Today.Domains = h.model(habitTodayDomains)
	if r := h.cells[habitToday]; r != 0 {
		h.Today.Day = state.Read[todayHead](h.st.m.store.Heap, r).Day
	}
}

func (h *habits) putToday() {
	h.putRhythm(habitToday, &h.Today.Posts, unsafe.Sizeof(todayHead{}))
	h.putModel(habitTodayDomains, &h.Today.Domains)
	if r := h.cells[habitToday]; r != 0 {
		state.Edit[todayHead](h.st.m.store.Heap, r).Day = h.Today.Day
	}
}

func (h *habits) putPlace() {
	if h.Last.Time == 0 {
		return
	}
	heap := h.st.m.store.Heap
	if h.cells[habitPlace] == 0 {
		h.setCell(habitPlace, heap.Alloc(int(unsafe.Sizeof(h.Last))))
	}
	*state.Edit[habit.Place](heap, h.cells[habitPlace]) = h.Last
}

func (h *habits) cell(slot int) state.Ref {
	h.cells[slot] = h.st.slot(slot)
	return h.cells[slot]
}

func (h *habits) setCell(slot int, r state.Ref) {
	if r != h.cells[slot] {
		h.st.setSlot(slot, r)
		h.cells[slot] = r
	}
}

func (h *habits) model(slot int) baseline.NewValue {
	return h.st.m.values(h.cell(slot), &h.st.m.room.habits[slot])
}

// putModel puts a model back; one of which nothing is left has no cell.
func (h *habits) putModel(slot int, v *baseline.NewValue) {
	r := h.cells[slot]
	if v.Events == 0 {
		h.st.m.store.Free(r)
		h.setCell(slot, 0)
		return
	}
	h.setCell(slot, h.st.m.putValues(r, v))
}

// rhythm reads the hours after a head of so many bytes.
func (h *habits) rhythm(slot int, head uintptr, to *habit.Rhythm) {
	r := h.cell(slot)
	if r == 0 {
		*to = habit.Rhythm{}
		return
	}
	heap := h.st.m.store.Heap
	to.Unpack(unsafe.Slice((*byte)(unsafe.Add(heap.At(r), head)), heap.Size(r)-int(head)))
}

// putRhythm stores hours after a head; none have no cell.
func (h *habits) putRhythm(slot int, hours *habit.Rhythm, head uintptr) {
	heap, r := h.st.m.store.Heap, h.cells[slot]
	if hours.Count == 0 {
		heap.Free(r)
		h.setCell(slot, 0)
		return
	}
	size := hours.Packed()
	if r == 0 || heap.Size(r) != size+int(head) {
		heap.Free(r)
		r = heap.Alloc(size + int(head))
		h.setCell(slot, r)
	}
	hours.Pack(unsafe.Slice((*byte)(unsafe.Add(heap.Mut(r), head)), size))
}

// learnHabits takes an activity into what is usual for its account.
func (e *Engine) learnHabits(st *accountState, a *activity.Activity, t int64) {
	if e.counting || a.Kind == activity.KindVerdict { // what people say about the account is none of its habits
		return
	}
	st.see(a.Kind, t)
	of := halfOf(a)
	if of == neither || e.odd {
		return
	}
	zone := e.zone(a)
	if of == posting && st.postedOn(baseline.DayOf(t)) {
		if len(a.LinkDomains) == 0 && st.postedAgain(habit.Hour(t, zone)) {
			return
		}
		of = today // no earlier day is counted, and none becomes a habit
	}
	h := st.habits(of)
	known := of != logging || loggedIn(&h.Habits, a, t)
	if !known {
		e.organisation.forget(&h.Habits)
	}
	h.Learn(a, t, zone)
	if !known {
		e.organisation.learn(&h.Habits)
	}
	h.put(of)
}

// loggedIn reports whether a login at t tells nothing new of the countries that
// an account has used on which day.
func loggedIn(h *habit.Habits, a *activity.Activity, t int64) bool {
	if h.Logins.Count == 0 {
		return false
	}
	if a.Geo.Country == "" {
		return true
	}
	v, used := h.Countries.Value(a.Geo.Country)
	return used && baseline.DayOf(t) <= baseline.DayOf(v.Last)
}

// postedAgain counts a post without links on the latest day of which posts are
// counted. It reports false where that has to be done at length.
func (st *accountState) postedAgain(hour int) bool {
	heap := st.m.store.Heap
	r, head := st.slot(habitToday), int(unsafe.Sizeof(todayHead{}))
	return habit.Bump(unsafe.Slice((*byte)(unsafe.Add(heap.Mut(r), head)), heap.Size(r)-head), hour)
}

// postedOn reports whether a day is the latest one of which posts are counted.
func (st *accountState) postedOn(day int64) bool {
	r := st.slot(habitToday)
	return r != 0 && state.Read[todayHead](st.m.store.Heap, r).Day == day
}

// see notes that an account sent something of a kind.
func (st *accountState) see(k activity.Kind, t int64) {
	texts, old := st.m.store.Texts, st.slot(habitSeen)
	_, list := state.EditList[seenHead, habit.SeenKind](st.m.store.Heap, old)
	seen := habit.Seen(list)
	if i := slices.IndexFunc(seen, func(s habit.SeenKind) bool { return texts.Text(s.Kind) == string(k) }); i >= 0 {
		seen[i].Learn(t)
		return
	}
	seen = withRoom(list, &st.m.room.seen)
	seen.Learn(texts.Hold(string(k)), t)
	if r := state.PutList(st.m.store.Heap, old, seenHead{}, seen); r != old {
		st.setSlot(habitSeen, r)
	}
}

// seen returns when which kinds were last sent.
func (st *accountState) seen() habit.Seen {
	_, list := state.ReadList[seenHead, habit.SeenKind](st.m.store.Heap, st.slot(habitSeen))
	return list
}

// organisation counts, for each country, the accounts that have logged in from
// it, by the day of their latest login there. It is derived from their habits.
type organisation struct {
	accounts int // that have logged in
	used     map[string]map[int64]int
}

// add counts an account's habits, or with -1 takes them back.
func (o *organisation) add(h *habit.Habits, n int) {
	if h.Logins.Count != 0 {
		o.count(h.Countries, n)
	}
}

// count is add for an account that has logged in from these countries.
func (o *organisation) count(countries baseline.NewValue, n int) {
	o.accounts += n
	for _, v := range countries.Values {
		country := countries.Texts.Text(v.Text)
		days := o.used[country]
		if days == nil {
			days = map[int64]int{}
			if o.used == nil {
				o.used = map[string]map[int64]int{}
			}
			o.used[clone(country)] = days
		}
		day := baseline.DayOf(v.Last)
		if days[day] += n; days[day] == 0 {
			delete(days, day)
		}
		if len(days) == 0 {
			delete(o.used, country)
		}
	}
}

func (o *organisation) learn(h *habit.Habits)  { o.add(h, 1) }
func (o *organisation) forget(h *habit.Habits) { o.add(h, -1) }

// from returns how many accounts have logged in from a country at most as long
// before t as habits are kept, to the day, and how many have logged in at all.
func (o *organisation) from(country string, t int64) (used, all int) {
	first := baseline.DayOf(t - int64(habitsFor))
	for day, n := range o.used[country] {
		if day >= first {
			used += n
		}
	}
	return used, o.accounts
}

// habitsFor is how long the habits of an account outlive its last activity.
const habitsFor = 180 * 24 * time.Hour
