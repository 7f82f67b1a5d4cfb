package journal

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors/activity"
)

// Retention is how long activities are kept, by class, counted from when they
// were appended; 0 keeps them for ever. JetStream counts in whole seconds.
//
// The longest is the age limit of the streams. A message of a class that is
// kept for less carries its own life, so a message holds activities of one life
// only. What a message was given when it was appended stays: a change counts
// for what comes after it, except that the longest counts at once.
type Retention struct {
	Logins, Posts, Mentions time.Duration
}

// of returns how long a class is kept.
func (r Retention) of(c activity.Class) time.Duration {
	switch c {
	case activity.ClassLogins:
		return r.Logins
	case activity.ClassMentions:
		return r.Mentions
	default:
		return r.Posts
	}
}

func (r Retention) longest() time.Duration {
	if min(r.Logins, r.Posts, r.Mentions) == 0 {
		return 0
	}
	return max(r.Logins, r.Posts, r.Mentions)
}

// shortest is 0 where everything is kept for ever.
func (r Retention) shortest() time.Duration {
	return shorter(shorter(r.Logins, r.Posts), r.Mentions)
}

// shorter returns the shorter of two lives, of which 0 has no end.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// life is what a message with activities of a kind carries: 0 where the
// stream's own age limit says it.
func (r Retention) life(k activity.Kind) time.Duration {
	if d := r.of(k.Class()); d != r.longest() {
		return d
	}
	return 0
}

// lifeOf is life for a page. Pages are of one class (see collectors); where one
// is not, nothing in it is kept for too long.
func (r Retention) lifeOf(activities []activity.Activity) time.Duration {
	var d time.Duration
	for i := range activities {
		d = shorter(d, r.life(activities[i].Kind))
	}
	return d
}

// expires adds a message's own life to the options of its publish.
func expires(life time.Duration, opts ...jetstream.PublishOpt) []jetstream.PublishOpt {
	if life > 0 {
		opts = append(opts, jetstream.WithMsgTTL(life))
	}
	return opts
}
