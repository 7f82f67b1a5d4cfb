package window

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
// one event (by its key) is one step only.
func (s *Sliding) Ordered(ev Event, span int64, steps int) (Span, bool) {
	chains := make([]chain, steps+1)
	events := s.Events
	for at := 0; at < len(events); {
		end := at
		for end < len(events) && events[end].Time == events[at].Time {
			end++
		}
		for step := 1; step <= steps; step++ {
			for _, e := range events[at:end] {
				if e.Value == uint64(step) {
					extend(chains, step, e, span)
				}
			}
		}
		c := chains[steps]
		if c.ok && c.first.Time <= ev.Time && ev.Time <= c.last.Time {
			return Span{Count: steps, First: c.first, Last: c.last}, true
		}
		at = end
	}
	return Span{}, false
}

// extend takes an event as the next step of the chains that lead to it, where
// it makes a later beginning than is known.
func extend(chains []chain, step int, e Event, span int64) {
	if step == 1 {
		chains[1] = chain{e, e, true}
		return
	}
	before := chains[step-1]
	if before.ok && before.last.Key != e.Key && e.Time-before.first.Time < span &&
		(!chains[step].ok || before.first.Time >= chains[step].first.Time) {
		chains[step] = chain{before.first, e, true}
	}
}
