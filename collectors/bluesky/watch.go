package bluesky

import (
	"context"
	"errors"
	"sync"

	"github.com/picketd/picket/collectors"
)

var _ collectors.Watcher = (*Collector)(nil)

// heard is what Poll and Watch tell each other: whose events are wanted from
// where, and that the identity changed. Nothing of it need survive.
type heard struct {
	mu          sync.Mutex
	did, server string
	changed     chan struct{} // closed when the two above change
	identity    bool
}

// set notes which account of which server is read.
func (h *heard) set(did, server string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.did == did && h.server == server {
		return
	}
	h.did, h.server = did, server
	if h.changed != nil {
		close(h.changed)
	}
	h.changed = make(chan struct{})
}

// target returns what to listen for, and what is closed when that changes.
func (h *heard) target() (did, server string, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return h.did, h.server, h.changed
}

func (h *heard) noteIdentity() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.identity = true
}

// takeIdentity reports whether an event of the identity came since it was asked
// last.
func (h *heard) takeIdentity() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.identity
	h.identity = false
	return was
}

// errMoved says that the account is read from another server than before.
var errMoved = errors.New("bluesky: the account is on another server now")

// Watch implements collectors.Watcher. It listens to the event stream of the
// account's server, com.atproto.sync.subscribeRepos, and calls hint for every
// commit, deletions included, and every event of the account's identity or
// state. Accounts of one server share one connection. It begins when the first
// poll has found out which server that is; without Config.Firehose it only
// waits for ctx.
func (c *Collector) Watch(ctx context.Context, hint func()) error {
	if !c.cfg.Firehose {
		<-ctx.Done()
		return ctx.Err()
	}
	did, server, changed := c.heard.target()
	if did == "" {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
		did, server, changed = c.heard.target()
	}
	s := streams.join(server, c.cfg.Server == "", &listener{did: did, call: func(e event) {
		if e.kind == kindIdentity {
			c.heard.noteIdentity()
		}
		hint()
	}})
	defer s.leave()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
		return errMoved
	case <-s.done:
		return s.err
	}
}
