package links

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
)

// beside returns the other alerts that a link acts on, as its incident is now:
// those that wait for somebody, of a link to acknowledge. Whoever takes what a
// message is about must not leave an alert of it that goes on to wake people.
func (l *Links) beside(ctx context.Context, c *claims) ([]string, error) {
	if c.Action != notify.ActAck || c.Incident == "" || l.cfg.Incidents == nil {
		return nil, nil
	}
	in, err := l.cfg.Incidents.Incident(ctx, c.Incident)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(in.For(alerting.ActionAck), func(id string) bool { return id == c.Subject }), nil
}

// rest is what became of the other alerts.
type rest struct {
	done int
	left bool // some may still wait
}

// takeRest does a deed on the other alerts too.
func (l *Links) takeRest(ctx context.Context, c *claims, d alerting.Deed) rest {
	ids, err := l.beside(ctx, c)
	r := rest{left: err != nil}
	for _, id := range ids {
		a, failed := l.cfg.Alerts.Act(ctx, id, d)
		switch {
		case failed == nil || a.ID != "": // it took effect
			r.done++
		case !errors.Is(failed, alerting.ErrState): // somebody was not just faster
			r.left, err = true, failed
		}
	}
	if err != nil {
		l.cfg.Log.Warn("link: other alerts of the incident", zap.String("incident", c.Incident), zap.Error(err))
	}
	return r
}

// others counts alerts beside one, "2 other alerts of its incident".
func others(n int) string {
	if n == 1 {
		return "1 other alert of its incident"
	}
	return fmt.Sprintf("%d other alerts of its incident", n)
}

// too says that a link acts on other alerts as well.
func too(n int) string {
	if n == 1 {
		return "So is " + others(n) + " that waits for somebody."
	}
	return "So are " + others(n) + " that wait for somebody."
}
