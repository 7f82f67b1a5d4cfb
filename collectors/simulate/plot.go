package simulate

import (
	"fmt"
	"slices"
	"time"
)

// plot is an attack or a look-alike being planned: its steps, and the truth
// about them.
type plot struct {
	w           *World
	queue       *queue
	label       Label
	steps       []step
	from, until int64
	blind       int64 // what happens before is not seen, so it has no label
}

func (w *World) newPlot(q *queue, what Attack, account string) *plot {
	return &plot{w: w, queue: q, label: Label{Attack: what, Account: account, Benign: q != &w.director.queue}}
}

// lookalike begins a plot of the account's own life.
func (w *World) lookalike(a *account, what Attack) *plot {
	p := w.newPlot(&a.queue, what, a.name)
	p.blind = a.blind
	return p
}

// add plans a step that gives the plot away, and returns its activity's id.
func (p *plot) add(s step) uint64 {
	if p.from == 0 || s.at < p.from {
		p.from = s.at
	}
	p.until = max(p.until, s.at)
	return p.aside(s)
}

// aside plans a step that gives nothing away: preparation or repair.
func (p *plot) aside(s step) uint64 {
	s.spliced = !p.label.Benign
	s.seq = p.queue.seq
	p.queue.seq++
	if s.subject == 0 {
		s.subject = s.id()
	}
	p.steps = append(p.steps, s)
	return s.id()
}

func (p *plot) expect(rules ...string) { p.label.ExpectRules = append(p.label.ExpectRules, rules...) }

// commit puts the steps into the stream. What the end of the world would cut
// short is cut from a look-alike; an attack then does not happen at all.
func (p *plot) commit(end int64) bool {
	slices.SortStableFunc(p.steps, func(a, b step) int { return int(a.at - b.at) })
	whole := len(p.steps)
	for len(p.steps) > 0 && p.steps[len(p.steps)-1].at >= end {
		p.steps = p.steps[:len(p.steps)-1]
	}
	if len(p.steps) == 0 || !p.label.Benign && len(p.steps) < whole {
		return false
	}
	l := &p.label
	switch {
	case p.from < p.blind:
		l = nil
	case l.Benign:
		p.w.lookalikes++
		l.ID = fmt.Sprintf("benign-%06d", p.w.lookalikes)
	default:
		p.w.attacks++
		l.ID = fmt.Sprintf("attack-%06d", p.w.attacks)
	}
	if l != nil {
		l.From = time.UnixMilli(p.from).UTC()
		l.Until = time.UnixMilli(min(p.until, p.steps[len(p.steps)-1].at)).UTC()
	}
	for i := range p.steps {
		s := &p.steps[i]
		if l != nil {
			l.ActivityIDs = append(l.ActivityIDs, idText(s))
		}
		s.label = l
		p.queue.insert(*s)
	}
	return true
}
