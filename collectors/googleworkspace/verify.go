package googleworkspace

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/picketd/picket/collectors"
)

// verifyEvents is how many of the newest logins Verify asks for.
const verifyEvents = 100

// Verify reads the newest logins in one request, after one for a token, and so
// proves that the service account may read on behalf of the administrator. It
// needs no cursor and moves none, keeps nothing of what it read, and its errors
// are those of Poll.
func (c *Collector) Verify(ctx context.Context) (collectors.Seen, error) {
	now := c.deps.Now()
	a, err := c.list(ctx, query{log: logs()[0], since: now.Add(-c.cfg.Backfill).UnixMilli(), size: verifyEvents})
	if err != nil {
		if ctx.Err() != nil {
			return collectors.Seen{}, ctx.Err()
		}
		return collectors.Seen{}, err
	}
	var newest time.Time
	var odd []error
	known := map[string]bool{}
	for i := range a.events {
		it, err := decodeItem(a.events[i])
		if err != nil {
			odd = append(odd, at(a.endpoint, fmt.Sprintf("items[%d]", i), it, err))
			continue
		}
		if it.time.After(newest) {
			newest = it.time
		}
		for _, raw := range it.Events {
			e, err := decodeEvent(raw)
			if err != nil {
				continue
			}
			kind := classify(it.ID.App, e).kind
			if kind == "" {
				continue
			}
			if identity := it.identity(e, kind, c.cfg.Identity, func(string) bool { return true }); identity != "" {
				known[identity] = c.cfg.Accept(identity)
			}
		}
	}
	if len(odd) > 0 && len(odd) == len(a.events) {
		return collectors.Seen{}, odd[0]
	}
	lines := c.lines(len(a.events), newest, known)
	lines[0] += collectors.Odd(len(odd))
	return collectors.Seen{Lines: lines}, nil
}

// lines says what was seen.
func (c *Collector) lines(n int, newest time.Time, known map[string]bool) []string {
	if n == 0 {
		return []string{fmt.Sprintf("the log of logins can be read; nobody logged in within %s", c.cfg.Backfill)}
	}
	guards := 0
	var names []string
	for name, accepted := range known {
		names = append(names, name)
		if accepted {
			guards++
		}
	}
	slices.Sort(names)
	lines := []string{
		fmt.Sprintf("the log of logins can be read; the newest %d are of %d people, the last of %s", n, len(known), newest.Format(time.RFC3339)),
		fmt.Sprintf("%d of these people guard a configured account", guards),
	}
	if len(names) > 0 {
		lines = append(lines, "they are named like "+names[0])
	}
	return lines
}
