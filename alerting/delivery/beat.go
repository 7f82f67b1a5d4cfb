package delivery

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting/notify"
)

// errIdle is why no heartbeat is sent although the rest of Picket works.
var errIdle = errors.New("messages are not read from the queue")

// beat tells the receiver again and again that Picket works, as long as it
// does: a receiver that hears nothing raises the alarm that Picket cannot.
func (c *courier) beat(ctx context.Context, beater notify.Beater) {
	// A little early, since the receiver is told to expect the next within
	// heartbeat.
	every := c.heartbeat - c.heartbeat/10
	wait := min(every, c.pace.own) // until messages are read
	for {
		sleep(ctx, wait)
		if ctx.Err() != nil {
			return
		}
		wait = every
		if err := c.beatOnce(ctx, beater); err != nil && ctx.Err() == nil {
			c.log.Warn("no heartbeat was sent", zap.String("receiver", c.name), zap.Error(err))
		}
	}
}

func (c *courier) beatOnce(ctx context.Context, beater notify.Beater) error {
	ctx, cancel := context.WithTimeout(ctx, min(attemptTime, max(c.heartbeat/2, time.Second)))
	defer cancel()
	c.mu.Lock()
	alive := c.alive
	c.mu.Unlock()
	if !alive {
		return errIdle
	}
	if c.healthy != nil {
		if err := c.healthy(ctx); err != nil {
			return err
		}
	}
	return beater.Beat(ctx, c.now(), c.heartbeat)
}
