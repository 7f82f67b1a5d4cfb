package reddit

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

const (
	// sweepEvery is how often watched items are looked at.
	sweepEvery = time.Minute
	// sweepWhole is within what all of them are looked at.
	sweepWhole = 9 * time.Minute
)

// sweep looks at watched items that no page of this poll showed: first those that
// a page should have shown, the others by turns, so many that all have had
// theirs within sweepWhole.
//
// Only what Reddit says of an item counts. What it leaves out of its answer, as
// all of a subreddit that goes private or is closed, is not gone.
func (r *round) sweep() error {
	if !r.due(r.st.Swept, sweepEvery) {
		return nil
	}
	names, rest := r.unmet()
	size := r.c.limit()
	since := max(0, min(r.clock().Unix()-r.st.Swept, seconds(sweepWhole)))
	part := (len(rest)*int(since) + int(seconds(sweepWhole)) - 1) / int(seconds(sweepWhole))
	requests := max(1, (min(len(names), size/2)+part+size-1)/size)
	if most := requests * size / 2; len(names) > most {
		names, rest = names[:most], append(names[most:len(names):len(names)], rest...)
	}
	next := r.st.Sweep
	if n := min(requests*size-len(names), len(rest)); n > 0 {
		begin := next % len(rest)
		for i := range n {
			names = append(names, rest[(begin+i)%len(rest)])
		}
		next = (begin + n) % len(rest)
	}
	for chunk := range slices.Chunk(names, size) {
		if err := r.look(chunk); err != nil {
			return r.failed("watched items", err)
		}
	}
	r.st.Sweep, r.st.Swept = next, r.clock().Unix()
	r.held = r.held || len(names) > 0
	return nil
}

// unmet returns the names of the watched items that no page of this poll showed:
// first those that are newer than one that a page showed. A comment that somebody
// else took away is one of them, since pages show it as it was.
func (r *round) unmet() (first, rest []string) {
	for _, lane := range r.lanes() {
		low, shown := r.low[lane.kind]
		for i := range lane.l.Watch {
			w := &lane.l.Watch[i]
			name := lane.kind + "_" + w.ID
			switch {
			case w.Gone == author || r.met[name] && (w.Gone == "" || lane.kind == kindSubmission):
			case shown && w.compare(low) > 0:
				first = append(first, name)
			default:
				rest = append(rest, name)
			}
		}
	}
	return first, rest
}

// ofKind is a list of the account's with the kind of its items.
type ofKind struct {
	kind string
	l    *lane
}

func (r *round) lanes() []ofKind {
	return []ofKind{{kindSubmission, &r.st.Posts}, {kindComment, &r.st.Comments}}
}

// look asks for items by name, and tells what changed of them.
func (r *round) look(names []string) error {
	a, err := r.listed(r.ctx, "/api/info", url.Values{"id": {strings.Join(names, ",")}})
	if half := len(names) / 2; half > 0 && r.c.shrink(err) {
		return errors.Join(r.look(names[:half]), r.look(names[half:]))
	}
	if err != nil {
		return err
	}
	there := 0
	for i, it := range a.items {
		t, err := readThing(it, r.c.cfg.name())
		if err != nil {
			r.malformed(a, i, err)
			continue
		}
		there++
		for _, lane := range r.lanes() {
			if lane.kind != t.kind {
				continue
			}
			if known := lane.l.find(t.place.ID); known != nil {
				r.compare(known, t)
			}
		}
	}
	r.c.deps.Log.Debug("looked at watched items", zap.String("account", r.c.cfg.Account), zap.Int("asked", len(names)), zap.Int("there", there))
	return nil
}
