package baseline

import "slices"

// Drop makes a value new again: somebody else used it. How long the account is
// known does not change.
func (n *NewValue) Drop(value string) {
	if at := n.Find(Shorten(value)); at.used {
		i := at.i
		n.Texts.Release(n.Values[i].Text)
		n.Values = slices.Delete(n.Values, i, i+1)
	}
}

// Drop forgets the peak of a day, see DayOf: it was not the account's own.
func (p *Peaks) Drop(day int64) {
	p.Days = slices.DeleteFunc(p.Days, func(d Peak) bool { return int64(d.Day) == day })
}
