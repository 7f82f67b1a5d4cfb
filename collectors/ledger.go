package collectors

import (
	"cmp"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// admit returns the activities of a page that are not in the log yet, ordered
// by (time, id, kind, account) so that the log does not depend on the order in
// which a network answers, and counts the others by reason. Activities without
// Seen get now. A source that is not multi holds activities of one account
// only.
func (l *ledger) admit(as []activity.Activity, source string, multi bool, now time.Time) ([]activity.Activity, map[string]int) {
	drops := map[string]int{}
	known := make(map[uint64]struct{}, len(l.recent)+len(as))
	for _, it := range l.recent {
		known[it.key] = struct{}{}
	}
	fresh := make([]activity.Activity, 0, len(as))
	order := make([]placed, 0, len(as))
	for i := range as {
		a := as[i]
		if reason := misfit(&a, source, multi); reason != "" {
			drops[reason]++
			continue
		}
		if a.Seen.IsZero() {
			a.Seen = now
		}
		key := keyOf(&a, multi)
		if _, dup := known[key]; dup {
			drops[DropDuplicate]++
			continue
		}
		known[key] = struct{}{}
		at := markOf(&a)
		if l.horizon != (mark{}) && at.compare(l.horizon) <= 0 {
			drops[DropHorizon]++
			continue
		}
		order = append(order, placed{at, len(fresh)})
		fresh = append(fresh, a)
	}
	return inOrder(fresh, order), drops
}

// placed is an activity's place in the journal, and in its page.
type placed struct {
	mark
	i int
}

// inOrder returns as in order. Activities are large, so that their places are
// sorted in their stead.
func inOrder(as []activity.Activity, order []placed) []activity.Activity {
	byPlace := func(a, b placed) int { return cmp.Or(a.compare(b.mark), cmp.Compare(a.i, b.i)) }
	if slices.IsSortedFunc(order, byPlace) {
		return as
	}
	slices.SortFunc(order, byPlace)
	sorted := make([]activity.Activity, len(as))
	for i := range order {
		sorted[i] = as[order[i].i]
	}
	return sorted
}

func misfit(a *activity.Activity, source string, multi bool) string {
	switch {
	case a.ID == "" || len(a.ID) > maxID || a.Kind == "" || a.Account == "":
		return DropInvalid
	case !multi && a.Account != source:
		return DropForeign
	}
	return ""
}

const maxID = 1024

// keyOf identifies an activity within its source. Ids are unique within an
// account only, so the key of a source with many accounts holds the account.
func keyOf(a *activity.Activity, multi bool) uint64 {
	if multi {
		return mix(a.Key() ^ hashString(a.Account))
	}
	return a.Key()
}

// remember adds items that were journaled. It may grow beyond MaxRecent; see
// bounded.
func (l *ledger) remember(as []activity.Activity, multi bool) {
	if len(as) == 0 {
		return
	}
	all := slices.Grow(slices.Clone(l.recent), len(as))
	for i := range as {
		all = append(all, item{key: keyOf(&as[i], multi), at: occurred(&as[i]).Unix()})
	}
	slices.SortFunc(all, compareItems)
	l.recent = slices.Compact(all)
}

// forget drops what the source will not repeat: everything before overlap, or
// everything when overlap is zero.
func (l *ledger) forget(overlap time.Time) {
	l.mentions.forget(overlap)
	if overlap.IsZero() {
		l.recent, l.horizon = nil, mark{}
		return
	}
	from := overlap.Unix() // whole seconds: rather one too many than one too few
	i, _ := slices.BinarySearchFunc(l.recent, item{at: from}, compareItems)
	l.recent = slices.Clone(l.recent[i:])
	if l.horizon.Nano < from*int64(time.Second) {
		l.horizon = mark{}
	}
}

// bounded returns l with at most MaxRecent recent items. When the oldest must
// go, the horizon moves over them: to inside, the place up to which the page in
// progress is journaled, or, where that is not enough, past the second of the
// newest one that goes.
func (l ledger) bounded(inside mark) *ledger {
	over := len(l.recent) - MaxRecent
	if over <= 0 {
		return &l
	}
	if past := (l.recent[over-1].at + 1) * int64(time.Second); inside.Nano < past-int64(time.Second) {
		inside = mark{Nano: past}
	}
	if inside.compare(l.horizon) > 0 {
		l.horizon = inside
	}
	l.recent = slices.Clone(l.recent[over:])
	return &l
}

// occurred is when an activity counts as having happened: its time, or when it
// was seen if the source did not say or said what no clock shows.
func occurred(a *activity.Activity) time.Time {
	if y := a.Time.Year(); a.Time.IsZero() || y < 1900 || y > 2200 {
		return a.Seen
	}
	return a.Time
}

// fit measures activities against the room of one batch. It takes raw from
// those that are too large and drops those that still are; it returns the rest,
// their encoded sizes and how many were dropped.
func fit(as []activity.Activity, room int) (kept []activity.Activity, sizes []int, dropped int) {
	var buf []byte
	kept, sizes = as[:0], make([]int, 0, len(as))
	for i := range as {
		a := &as[i]
		buf = activity.AppendActivity(buf[:0], a)
		if len(buf) > room && len(a.Raw) > 0 {
			a.Raw = nil
			buf = activity.AppendActivity(buf[:0], a)
		}
		if len(buf) > room {
			dropped++
			continue
		}
		kept, sizes = append(kept, *a), append(sizes, len(buf)+1)
	}
	return kept, sizes, dropped
}

// chunk returns how many of the items with these sizes fit one batch, at least
// one.
func chunk(sizes []int, room int) int {
	total := 0
	for i, size := range sizes {
		total += size
		if total > room && i > 0 {
			return i
		}
	}
	return len(sizes)
}

// ofOneClass returns how many of the first items are of one class. Items stay
// in their order, since rules judge in the order of the log.
func ofOneClass(as []activity.Activity) int {
	for i := range as {
		if as[i].Kind.Class() != as[0].Kind.Class() {
			return i
		}
	}
	return len(as)
}

// room returns how many bytes of a batch are left for activities when it
// carries a cursor of that size and up to n recent keys: 11 bytes a key and at
// most 5 for its time, and 16 KiB for poll activities, the shares of sampled
// minutes and the rest of the envelope.
func room(cursor, n int) int {
	return MaxBatch - cursor - 16*min(n, MaxRecent) - 16<<10 - maxID
}
