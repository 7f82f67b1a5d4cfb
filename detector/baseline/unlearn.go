package baseline

import "slices"

// Drop makes a value new again: somebody else used it. How long the account is
// known does not change.
func (n *NewValue) Drop(value string) {
	if at := n.Find(value); at.used {
		n.Texts.Release(n.Values[at.i].Text)
		n.Values = slices.Delete(n.Values, at.i, at.i+1)
	}
}

// Drop forgets the peak of a day, see DayOf: it was not the account's own.
func (p *Peaks) Drop(day int64) {
	p.Days = slices.DeleteFunc(p.Days, func(d Peak) bool { return int64(d.Day) == day })
}
