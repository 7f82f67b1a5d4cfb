package okta

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// verifyEvents is how many of the newest events Verify asks for.
const verifyEvents = 100

// Standing is what a look into an organisation's log showed.
type Standing struct {
	Events int       // newest events that were read, at most 100
	Newest time.Time // when the newest of them happened, zero without one
	// Seen are the identities of those that Picket would map, newest first.
	Seen []Seen
	// Since is how far back was looked.
	Since time.Time
}

// Seen is an identity in the log.
type Seen struct {
	Identity string    // "okta/editor-2"
	Last     time.Time // newest event of those read
}

// Last returns when an identity was seen last, zero where it was not.
func (s *Standing) Last(identity string) time.Time {
	for _, seen := range s.Seen {
		if seen.Identity == identity {
			return seen.Last
		}
	}
	return time.Time{}
}

// Verify reads the newest events in one request, and so proves that the token
// reads the log. Which role the token's user has, Okta tells nobody but
// administrators of roles. It needs no cursor and moves none, keeps nothing of
// what it read, and its errors are those of Poll.
//
// The request is what Okta calls bounded (see the package comment): it is
// filtered by published, newest first.
func (c *Collector) Verify(ctx context.Context) (*Standing, error) {
	s := &Standing{Since: c.deps.Now().Add(-c.cfg.Backfill).UTC()}
	a, err := c.get(ctx, url.Values{
		"since":     {s.Since.Format(timeForm)},
		"sortOrder": {"DESCENDING"},
		"limit":     {strconv.Itoa(verifyEvents)},
		"filter":    {c.cfg.Filter},
	}.Encode())
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	last := map[string]time.Time{}
	var odd error // the first event that is not understood
	for i := range a.events {
		e, err := decodeEvent(a.events[i])
		if err != nil {
			odd = cmp.Or(odd, at(a.endpoint, i, e.UUID, err))
			continue
		}
		s.Events++
		if e.published.After(s.Newest) {
			s.Newest = e.published
		}
		kind, _ := classify(e)
		if kind == "" {
			continue
		}
		identity, err := e.owner(kind, c.cfg.Identity, anybody)
		if err == nil && identity != "" && e.published.After(last[identity]) {
			last[identity] = e.published
		}
	}
	if odd != nil && s.Events == 0 {
		return nil, odd
	}
	for identity, t := range last {
		s.Seen = append(s.Seen, Seen{identity, t})
	}
	slices.SortFunc(s.Seen, func(a, b Seen) int {
		if n := b.Last.Compare(a.Last); n != 0 {
			return n
		}
		return strings.Compare(a.Identity, b.Identity)
	})
	return s, nil
}

func anybody(string) bool { return true }
