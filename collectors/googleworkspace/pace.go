package googleworkspace

import (
	"fmt"
	"time"

	"github.com/picketd/picket/collectors"
)

// What Google grants one user of one project is 2,400 requests a minute, of which
// 250 may filter. It sends no header from which a budget could learn that. A
// little is left: what was sent a minute apart may arrive closer together.
const (
	grantAll      = 2350
	grantFiltered = 245
	grantSpan     = time.Minute
)

// pace is when the last requests of one quota were sent, at most as many as are
// granted.
type pace struct {
	grant int
	sent  []time.Time
}

// until returns when one more request may be sent; now or earlier: now.
func (p *pace) until() time.Time {
	if n := len(p.sent); n >= p.grant {
		return p.sent[n-p.grant].Add(grantSpan)
	}
	return time.Time{}
}

// note counts a request.
func (p *pace) note(now time.Time) {
	if drop := len(p.sent) - p.grant + 1; drop > 0 {
		p.sent = append(p.sent[:0], p.sent[drop:]...)
	}
	p.sent = append(p.sent, now)
}

// paced refuses a request that would be one too many for Google. The scheduler
// waits.
func (c *Collector) paced(filters bool) error {
	now := c.deps.Now()
	quotas := []*pace{&c.all}
	if filters {
		quotas = append(quotas, &c.filtered)
	}
	for _, p := range quotas {
		if until := p.until(); now.Before(until) {
			return &collectors.RateLimited{Until: until, Err: fmt.Errorf(
				"%d requests in %s is what is sent, as Google grants hardly more", p.grant, grantSpan)}
		}
	}
	for _, p := range quotas {
		p.note(now)
	}
	return nil
}
