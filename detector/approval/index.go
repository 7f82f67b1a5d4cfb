package approval

import (
	"math"
	"slices"
)

// index finds entries of a ledger by their id, text and account. It is derived
// from the entries, is not encoded, and is built when it is first needed. Its
// positions count from the first entry ever indexed, in log order, so that
// they stay right when entries leave at the front.
type index struct {
	first             int   // position of the ledger's first entry
	soonest           int64 // no entry has its last moment before it
	byText, byAccount map[string][]int
	byID              map[id]int
	grams             [][]uint64 // of each entry from first on; nil until needed
}

type id struct{ account, id string }

// ready returns the index of the entries as they are.
func (l *Ledger) ready() *index {
	if x := l.index; x != nil && len(x.grams) == len(l.Entries) {
		return x
	}
	x := &index{
		soonest: math.MaxInt64, byText: map[string][]int{}, byAccount: map[string][]int{},
		byID: make(map[id]int, len(l.Entries)), grams: make([][]uint64, 0, len(l.Entries)),
	}
	for i := range l.Entries {
		x.append(&l.Entries[i])
	}
	l.index = x
	return x
}

func (x *index) append(e *Entry) {
	at := x.first + len(x.grams)
	x.byText[e.Message.Text] = append(x.byText[e.Message.Text], at)
	x.byAccount[e.Account] = append(x.byAccount[e.Account], at)
	x.byID[id{e.Account, e.ID}] = at
	x.grams = append(x.grams, nil)
	x.soonest = min(x.soonest, e.last())
}

// replace follows an entry that takes the place of one with its id.
func (x *index) replace(at int, old, e *Entry) {
	x.grams[at-x.first] = nil
	x.soonest = min(x.soonest, e.last())
	if old.Message.Text == e.Message.Text {
		return
	}
	list := x.byText[old.Message.Text]
	i, _ := slices.BinarySearch(list, at)
	x.put(old.Message.Text, slices.Delete(list, i, i+1))
	list = x.byText[e.Message.Text]
	i, _ = slices.BinarySearch(list, at)
	x.put(e.Message.Text, slices.Insert(list, i, at))
}

func (x *index) put(text string, list []int) {
	if len(list) == 0 {
		delete(x.byText, text)
		return
	}
	x.byText[text] = list
}

// dropFirst forgets the oldest entry.
func (l *Ledger) dropFirst() {
	x, e := l.ready(), &l.Entries[0]
	x.put(e.Message.Text, x.byText[e.Message.Text][1:])
	if x.byAccount[e.Account] = x.byAccount[e.Account][1:]; len(x.byAccount[e.Account]) == 0 {
		delete(x.byAccount, e.Account)
	}
	delete(x.byID, id{e.Account, e.ID})
	x.first++
	x.grams[0] = nil
	x.grams = x.grams[1:]
	*e = Entry{} // its memory is no longer ours
	l.Entries = l.Entries[1:]
}

// nearest returns the approval of account that is most similar to a message,
// the first in log order of several.
func (l *Ledger) nearest(account string, m *Message) (near *Entry, best float64) {
	x := l.ready()
	words := grams(m)
	for _, at := range x.byAccount[account] {
		i := at - x.first
		if x.grams[i] == nil {
			x.grams[i] = grams(&l.Entries[i].Message)
		}
		n, o := len(words), len(x.grams[i])
		if near != nil && 2*float64(min(n, o)) <= best*float64(n+o) {
			continue // were all words of the shorter one common, it would not be nearer
		}
		if s := dice(words, x.grams[i]); s > best || near == nil {
			near, best = &l.Entries[i], s
		}
	}
	return near, best
}
