package alertmanager

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// peer is one Alertmanager. It is told one thing at a time, so that an older
// one never arrives after a newer one.
type peer struct {
	url, host string
	turn      chan struct{}

	mu   sync.Mutex
	owed map[string]*debt // by incident
}

// debt is what an Alertmanager has missed of an incident.
type debt struct {
	incident string
	alerts   []alert
}

func newPeer(base string) *peer {
	p := &peer{url: strings.TrimRight(base, "/") + "/api/v2/alerts", turn: make(chan struct{}, 1), owed: map[string]*debt{}}
	if u, err := url.Parse(base); err == nil {
		p.host = u.Host
	}
	return p
}

// enter waits for the turn.
func (p *peer) enter(ctx context.Context) error {
	select {
	case p.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("alertmanager: %s: others wait for its answers: %w", p.host, ctx.Err())
	}
}

func (p *peer) leave() { <-p.turn }

// owe remembers what is to be told later, of at most maxHeld incidents.
func (p *peer) owe(incident string, alerts []alert) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.owed[incident]; known || len(p.owed) < maxHeld {
		p.owed[incident] = &debt{incident, alerts}
	}
}

// settled forgets what is owed of an incident, which something newer has made
// needless.
func (p *peer) settled(incident string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.owed, incident)
}

// debts returns what is owed, by incident.
func (p *peer) debts() []*debt {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]*debt, 0, len(p.owed))
	for _, incident := range sortedKeys(p.owed) {
		out = append(out, p.owed[incident])
	}
	return out
}

// paid forgets debts, but for those in whose place newer ones have come.
func (p *peer) paid(debts []*debt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range debts {
		if p.owed[d.incident] == d {
			delete(p.owed, d.incident)
		}
	}
}

// forgive forgets all that is owed.
func (p *peer) forgive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.owed)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
