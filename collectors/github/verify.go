package github

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// Verify reads the newest events in one request, and so proves that the token
// reads the log. It needs no cursor and moves none, keeps nothing of what it
// read, and its errors are those of Poll. Warnings tell rights that GitHub says
// a classic token has beyond reading the log; of a fine-grained one it says
// none.
func (c *Collector) Verify(ctx context.Context) (collectors.Seen, error) {
	var s collectors.Seen
	now := c.deps.Now()
	since := now.Add(-c.cfg.Backfill)
	a, err := c.get(ctx, query{since: since.UnixMilli(), limit: pageSize})
	if err != nil {
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
		return s, err
	}
	last, addresses, newest := map[string]time.Time{}, 0, time.Time{}
	var odd []error
	for i := range a.events {
		e, err := decodeEvent(a.events[i])
		if err != nil {
			odd = append(odd, at(a.endpoint, i, err))
			continue
		}
		if e.time.After(newest) {
			newest = e.time
		}
		if strings.Contains(string(a.events[i]), `"actor_ip"`) {
			addresses++
		}
		if kind, _ := classify(e.Action); kind != "" {
			if id := c.owner(e, kind); id != "" && e.time.After(last[id]) {
				last[id] = e.time
			}
		}
	}
	if len(odd) > 0 && len(odd) == len(a.events) {
		return s, odd[0]
	}
	s.Lines = []string{lineOf(len(a.events), newest, since) + collectors.Odd(len(odd))}
	for _, id := range sorted(last) {
		s.Lines = append(s.Lines, fmt.Sprintf("%s: last seen %s", id, last[id].Format(time.RFC3339)))
	}
	if !a.expires.IsZero() {
		s.Lines = append(s.Lines, "the token ends "+a.expires.UTC().Format("2006-01-02"))
	}
	if len(a.events) > 0 && addresses == 0 {
		s.Warnings = append(s.Warnings, "no event tells an IP address: switch on their display under Settings, Audit log, Settings, so that rules about addresses can see")
	}
	s.Warnings = append(s.Warnings, beyond(a.header.Get("X-Oauth-Scopes"))...)
	return s, nil
}

func lineOf(n int, newest, since time.Time) string {
	switch n {
	case 0:
		return "the log may be read, and holds nothing since " + since.UTC().Format("2006-01-02")
	case pageSize:
		return fmt.Sprintf("the log may be read; of its newest %d events the last is of %s", n, newest.Format(time.RFC3339))
	}
	return fmt.Sprintf("the log may be read; it holds %d events since %s, the last of %s", n, since.UTC().Format("2006-01-02"), newest.Format(time.RFC3339))
}

func sorted(last map[string]time.Time) []string {
	ids := make([]string, 0, len(last))
	for id := range last {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int {
		if n := last[b].Compare(last[a]); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	const most = 10
	return ids[:min(most, len(ids))]
}

// beyond names the scopes that reading the log does not need.
func beyond(scopes string) []string {
	var more []string
	for scope := range strings.SplitSeq(scopes, ",") {
		if scope = strings.TrimSpace(scope); scope != "" && scope != "read:audit_log" {
			more = append(more, collectors.Clip(scope, 60))
		}
	}
	if more == nil {
		return nil
	}
	return []string{fmt.Sprintf("the token may also %s: make one with read:audit_log alone, or a fine-grained one", strings.Join(more, ", "))}
}
