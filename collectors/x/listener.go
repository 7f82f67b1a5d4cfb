package x

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/picketd/picket/collectors"
)

// Listener is a Collector that also hears X's events of its account, so that a
// poll need not wait for its turn. It implements collectors.Watcher: what is
// heard only brings the next poll forward, and is read by it.
type Listener struct {
	*Collector
	hub  *Hub
	user atomic.Int64 // 0 before a poll

	mu       sync.Mutex
	owed     float64 // US dollars for events, which the next poll tells
	suspects []suspect
	asked    []int64 // those whose deletion is stored, newest last
	// found are those whose deletion the last page tells, and next its cursor:
	// a poll that begins there shows that the page was stored.
	found []int64
	next  json.RawMessage
}

// suspect is a post that X said was deleted. A poll asks whether it is so: the
// account's newest posts it looks up in any case, older ones only for this.
type suspect struct {
	post int64
	at   time.Time // when that was heard
}

const (
	// maxSuspects bounds those that are asked for in one look-up, and maxWaiting
	// those that are asked for in turn: an intruder may delete many at once.
	maxSuspects, maxWaiting = 100, 1000
	// maxAsked bounds those that are remembered, so that an event that is told
	// twice finds no deletion twice.
	maxAsked = 1000
	// suspectFor is how long X may still show a post that it says is deleted.
	suspectFor = 10 * time.Minute
	// secondLook is how long after the last event there is another poll: X tells
	// of a post within a second, and may show it some seconds later.
	secondLook = 15 * time.Second
)

// NewListener is New, for an account whose events the hub of its app hears too.
func NewListener(cfg Config, deps collectors.Deps, hub *Hub) (*Listener, error) {
	if cfg.Activity == "" || hub == nil {
		return nil, errors.New("x: activity: empty; want " + ActivityStream + " or " + ActivityWebhook)
	}
	c, err := New(cfg, deps)
	if err != nil {
		return nil, err
	}
	return &Listener{Collector: c, hub: hub}, nil
}

// Poll implements collectors.Collector.
func (l *Listener) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	owed, posts := l.heard(cursor)
	page, r, err := l.poll(ctx, cursor, posts)
	page.Cost += owed
	if err != nil {
		return page, err
	}
	l.user.Store(r.st.User)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !bytes.Equal(page.Cursor, cursor) { // else a poll from it would not show that
		l.found, l.next = r.settled, page.Cursor
	}
	return page, nil
}

// heard returns what events cost since the last poll, and the posts that they
// say were deleted, for a poll from cursor on.
func (l *Listener) heard(cursor json.RawMessage) (owed float64, posts []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if bytes.Equal(l.next, cursor) {
		l.settle(l.found)
	}
	l.found, l.next = nil, nil
	now := l.deps.Now()
	l.suspects = slices.DeleteFunc(l.suspects, func(s suspect) bool { return now.Sub(s.at) >= suspectFor })
	turn := l.suspects[:min(len(l.suspects), maxSuspects)]
	for _, s := range turn {
		posts = append(posts, s.post)
	}
	l.suspects = append(slices.Clone(l.suspects[len(turn):]), turn...)
	owed, l.owed = l.owed, 0
	return owed, posts
}

// settle forgets suspects whose deletion is stored. The caller holds the lock.
func (l *Listener) settle(posts []int64) {
	l.suspects = slices.DeleteFunc(l.suspects, func(s suspect) bool { return slices.Contains(posts, s.post) })
	l.asked = append(l.asked, posts...)
	if n := len(l.asked); n > maxAsked {
		l.asked = slices.Clone(l.asked[n-maxAsked:])
	}
}

// Watch implements collectors.Watcher. Its errors are those of Poll.
func (l *Listener) Watch(ctx context.Context, hint func()) error {
	user := l.user.Load()
	if user == 0 {
		return fmt.Errorf("x: activity of %s: its number is not known before a poll", l.cfg.Account)
	}
	again := time.AfterFunc(secondLook, hint) // once at the beginning, for what no stream told of before
	defer again.Stop()
	err := l.hub.attend(ctx, user, func(e *event) {
		l.note(e)
		hint()
		again.Reset(secondLook)
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("x: activity of %s: %w", l.cfg.Account, l.bare(err))
}

// note keeps what the next poll is to know of an event.
func (l *Listener) note(e *event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.costs() {
		l.owed += l.cfg.PricePost
	}
	known := func(s suspect) bool { return s.post == e.post }
	if e.post == 0 || len(l.suspects) >= maxWaiting || slices.ContainsFunc(l.suspects, known) || slices.Contains(l.asked, e.post) {
		return
	}
	l.suspects = append(l.suspects, suspect{e.post, l.deps.Now()})
}
