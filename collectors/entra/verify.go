package entra

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/picketd/picket/collectors"
)

// verifyEvents is how many of the newest events Verify asks for, of each log.
const verifyEvents = 100

// Verify reads the newest events of both logs, a request for each after one for a
// token, and so proves that the application may read them. It needs no cursor and
// moves none, keeps nothing of what it read, and its errors are those of Poll; a
// tenant without a licence for sign-ins is a warning.
func (c *Collector) Verify(ctx context.Context) (collectors.Seen, error) {
	var seen collectors.Seen
	for _, l := range logs() {
		if l.name == signIns && c.cfg.NoSignIns {
			seen.Warnings = append(seen.Warnings, "sign-ins are left out (sign_ins: false): nobody sees who came in")
			continue
		}
		line, err := c.look(ctx, l)
		if e, ok := errors.AsType[*APIError](err); ok && e.Code == codeNoLicence {
			seen.Warnings = append(seen.Warnings, "sign-ins cannot be read: the tenant has no Microsoft Entra ID P1 or P2; nobody sees who came in")
			continue
		}
		if err != nil {
			if ctx.Err() != nil {
				return collectors.Seen{}, ctx.Err()
			}
			return collectors.Seen{}, err
		}
		seen.Lines = append(seen.Lines, line)
	}
	return seen, nil
}

// look says what the newest events of a log are.
func (c *Collector) look(ctx context.Context, l log) (string, error) {
	since := c.deps.Now().Add(-c.cfg.Backfill).UTC().Format(timeForm)
	a, err := c.get(ctx, l, url.Values{"$filter": {l.time + " ge " + since}, "$top": {strconv.Itoa(verifyEvents)}}.Encode())
	if err != nil {
		return "", err
	}
	var newest time.Time
	known := map[string]bool{}
	guards, odd := 0, []error(nil)
	for i, raw := range a.events {
		e, err := l.decode(raw)
		if err != nil {
			odd = append(odd, at(a.endpoint, i, e.id, err))
			continue
		}
		if e.time.After(newest) {
			newest = e.time
		}
		if name := e.identity(c.cfg.Identity, func(string) bool { return true }); e.kind != "" && name != "" && !known[name] {
			known[name] = true
			if c.cfg.Accept(name) {
				guards++
			}
		}
	}
	if len(odd) > 0 && len(odd) == len(a.events) {
		return "", odd[0]
	}
	if len(a.events) == 0 {
		return fmt.Sprintf("%s can be read; nothing in it within %s", l.name, c.cfg.Backfill), nil
	}
	line := fmt.Sprintf("%s can be read; the newest %d are of %d people, %d of whom guard a configured account, the last of %s",
		l.name, len(a.events), len(known), guards, newest.Format(time.RFC3339))
	return line + collectors.Odd(len(odd)), nil
}
