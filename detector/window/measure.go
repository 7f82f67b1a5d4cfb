package window

import "slices"

// Trailing returns the events of the window that ends at ev, ev included,
// oldest first: those less than span before it. They are shared with s.
func (s *Sliding) Trailing(ev Event, span int64) []Event {
	end := 0
	for end < len(s.Events) && compare(s.Events[end], ev) <= 0 {
		end++
	}
	start := end
	for start > 0 && ev.Time-s.Events[start-1].Time < span {
		start--
	}
	return s.Events[start:end]
}

// After returns the events of the window that starts at ev, ev included.
func (s *Sliding) After(ev Event, span int64) []Event {
	start := 0
	for start < len(s.Events) && compare(s.Events[start], ev) < 0 {
		start++
	}
	end := start
	for end < len(s.Events) && s.Events[end].Time-ev.Time < span {
		end++
	}
	return s.Events[start:end]
}

// chain is the latest beginning of the chains that have come this far.
type chain struct {
	first Event
	last  Event
	ok    bool
}

// Ordered looks for events with the values 1 to steps, in this order and
// within span, around ev: the chain lies less than span from it on either side
// and its bounds hold it. Of events at the same moment any order counts, but
// one event (by its key) is one step only. Of chains that end together it tells
// the one that begins last, so it finds the chain that ev completes.
func (s *Sliding) Ordered(ev Event, span int64, steps int) (Span, bool) {
	chains, before := make([]chain, steps+1), make([]chain, steps+1)
	m := moment{tried: make([]bool, steps+1)}
	events := s.Events
	for at := 0; at < len(events); {
		end := at
		for end < len(events) && events[end].Time == events[at].Time {
			end++
		}
		copy(before, chains)
		for step := 1; step <= steps; step++ {
			if b := before[step-1]; step > 1 && (!b.ok || events[at].Time-b.first.Time >= span) {
				continue
			}
			m.events, m.from, m.taken = events[at:end], step, m.taken[:0]
			m.follow(chains, before[step-1])
		}
		c := chains[steps]
		if c.ok && c.first.Time <= ev.Time && ev.Time <= c.last.Time {
			return Span{Count: steps, First: c.first, Last: c.last}, true
		}
		at = end
	}
	return Span{}, false
}

// moment gives events at one moment to consecutive steps, each key to one.
type moment struct {
	events []Event
	from   int
	taken  []Event // by step, the first of which is from
	tried  []bool  // by step, which the search at hand has moved already
}

// follow takes as many steps as the events of the moment allow after a chain
// that has come to the step before, and keeps what makes a later beginning than
// is known.
func (m *moment) follow(chains []chain, before chain) {
	clear(m.tried)
	for step := m.from; step < len(chains) && m.assign(step); step++ {
		clear(m.tried)
		c := chain{before.first, m.taken[step-m.from], true}
		if m.from == 1 {
			c.first = m.taken[0]
		}
		if !chains[step].ok || c.first.Time >= chains[step].first.Time {
			chains[step] = c
		}
	}
}

// assign finds an event for a step, and another one for a step that has it
// already, which is moved once.
func (m *moment) assign(step int) bool {
	for _, e := range slices.Backward(m.events) {
		if e.Value != uint64(step) {
			continue
		}
		if holder := m.holder(e.Key); holder > 0 && (m.tried[holder] || !m.move(holder)) {
			continue
		}
		if step-m.from == len(m.taken) {
			m.taken = append(m.taken, e)
		} else {
			m.taken[step-m.from] = e
		}
		return true
	}
	return false
}

func (m *moment) move(step int) bool {
	m.tried[step] = true
	return m.assign(step)
}

// holder returns the step that a key is given to, 0 where it is free.
func (m *moment) holder(key uint64) int {
	for i := range m.taken {
		if m.taken[i].Key == key {
			return m.from + i
		}
	}
	return 0
}
