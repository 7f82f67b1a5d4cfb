package alertmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/notify/httpsend"
)

const (
	// maxHeld bounds the incidents that are told again with a heartbeat, and
	// those that one Alertmanager has missed. They are well above what people
	// can have open.
	maxHeld = 4096
	// batch is how many alerts one request holds.
	batch = 64
)

// Output is a notify.Notifier, a notify.Beater and a notify.Resumer.
type Output struct {
	cfg   Config
	send  *httpsend.Client
	peers []*peer

	mu    sync.Mutex
	since time.Time // of the first heartbeat
	held  map[string]held
}

// held is what fires of one incident.
type held struct {
	told   time.Time
	alerts []alert
}

// New returns an output, or what is wrong with its configuration.
func New(cfg Config) (*Output, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	o := &Output{
		cfg: cfg, held: map[string]held{},
		send: httpsend.New(httpsend.Options{HTTP: cfg.Client, Timeout: cfg.Timeout, Secrets: cfg.secrets()}),
	}
	for _, u := range cfg.URLs {
		o.peers = append(o.peers, newPeer(u))
	}
	return o, nil
}

// Notify tells every Alertmanager, and returns nil when at least one has taken
// the message. The receipt holds the labels of the incident's alert, and the
// alert as long as it fires.
func (o *Output) Notify(ctx context.Context, m *notify.Message) (receipt string, err error) {
	first := o.cfg.originOf(m)
	over := first.follow(m)
	alerts := o.cfg.alerts(m, &first)
	if over != nil {
		alerts = append(alerts, *over)
	}
	first.Firing, first.Told = nil, time.Time{}
	if lasting(m) {
		first.Firing, first.Told = &alerts[0], m.At
	}
	kept, err := json.Marshal(first)
	if err != nil {
		return "", notify.Permanent(fmt.Errorf("alertmanager: %w", err))
	}
	o.hold(m, alerts)
	faults := o.each(func(p *peer) error { return o.tell(ctx, p, m.Incident, alerts) })
	if slices.Contains(faults, nil) {
		return string(kept), nil
	}
	err = together(faults)
	if notify.IsPermanent(err) {
		o.forget(m.Incident)
	}
	return "", err
}

// Resume takes up what fired before a restart, so that heartbeats tell of it:
// Alertmanager keeps alerts in memory only, and forgets them when it is restarted
// itself. What was told longer ago than it is held for has ended there. What the
// output itself remembers, another daemon may have ended meanwhile: it is forgotten.
func (o *Output) Resume(receipts map[string]string) {
	for _, p := range o.peers {
		p.forgive()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.held)
	for _, incident := range sortedKeys(receipts) {
		var first origin
		err := json.Unmarshal([]byte(receipts[incident]), &first)
		if err != nil || first.Firing == nil || !o.cfg.Now().Before(first.Told.Add(o.cfg.Hold)) {
			continue
		}
		if len(o.held) >= maxHeld {
			o.forgetOldest()
		}
		o.held[incident] = held{first.Told, []alert{*first.Firing}}
	}
}

// Beat tells every Alertmanager that Picket works, again of all that fires, and
// of what it has missed. The error names those that have not taken it.
func (o *Output) Beat(ctx context.Context, at time.Time, every time.Duration) error {
	o.mu.Lock()
	if o.since.IsZero() {
		o.since = at
	}
	var first []alert
	if !o.cfg.WithoutHeartbeat {
		first = append(first, o.cfg.heartbeat(o.since, at, every))
	}
	o.mu.Unlock()
	faults := o.each(func(p *peer) error {
		if err := p.enter(ctx); err != nil {
			return err
		}
		defer p.leave()
		// Only now, so that nothing fires again that was resolved meanwhile.
		if err := o.post(ctx, p, append(slices.Clone(first), o.firing()...)); err != nil {
			return err
		}
		return o.settle(ctx, p)
	})
	return together(slices.DeleteFunc(faults, func(err error) bool { return err == nil }))
}

// each does something with all Alertmanagers at once, and returns what came of
// it in their order.
func (o *Output) each(do func(*peer) error) []error {
	faults := make([]error, len(o.peers))
	var group sync.WaitGroup
	for i, p := range o.peers {
		group.Go(func() { faults[i] = do(p) })
	}
	group.Wait()
	return faults
}

// hold remembers what is told again with heartbeats.
func (o *Output) hold(m *notify.Message, alerts []alert) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !lasting(m) {
		delete(o.held, m.Incident)
		return
	}
	if _, known := o.held[m.Incident]; !known && len(o.held) >= maxHeld {
		o.forgetOldest()
	}
	o.held[m.Incident] = held{m.At, alerts[:1]} // those of other levels are over
}

// forgetOldest makes room; the lock is held.
func (o *Output) forgetOldest() {
	oldest := ""
	for incident, h := range o.held {
		if oldest == "" || h.told.Before(o.held[oldest].told) || (h.told.Equal(o.held[oldest].told) && incident < oldest) {
			oldest = incident
		}
	}
	delete(o.held, oldest)
}

func (o *Output) forget(incident string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.held, incident)
}

// firing returns the alerts that fire, each for Hold from now.
func (o *Output) firing() []alert {
	o.mu.Lock()
	defer o.mu.Unlock()
	ends := moment(o.cfg.Now().Add(o.cfg.Hold))
	var out []alert
	for _, incident := range sortedKeys(o.held) {
		for _, a := range o.held[incident].alerts {
			a.EndsAt = ends
			out = append(out, a)
		}
	}
	return out
}

// tell tells one Alertmanager of an incident, and then what it has missed. What
// it does not take it is owed.
func (o *Output) tell(ctx context.Context, p *peer, incident string, alerts []alert) error {
	if err := p.enter(ctx); err != nil {
		p.owe(incident, alerts)
		return err
	}
	defer p.leave()
	if err := o.post(ctx, p, alerts); err != nil {
		if !notify.IsPermanent(err) {
			p.owe(incident, alerts)
		}
		return err
	}
	p.settled(incident)
	_ = o.settle(ctx, p) // this message was taken; the rest stays owed
	return nil
}

// settle tells one Alertmanager what it has missed; the turn is ours.
func (o *Output) settle(ctx context.Context, p *peer) error {
	debts := p.debts()
	var alerts []alert
	for _, d := range debts {
		alerts = append(alerts, d.alerts...)
	}
	err := o.post(ctx, p, alerts)
	if err == nil || notify.IsPermanent(err) {
		p.paid(debts)
	}
	return err
}

// post sends alerts to one Alertmanager.
func (o *Output) post(ctx context.Context, p *peer, alerts []alert) error {
	for part := range slices.Chunk(alerts, batch) {
		body, err := json.Marshal(part)
		if err != nil {
			return notify.Permanent(fmt.Errorf("alertmanager: %w", err))
		}
		answer, err := o.send.Post(ctx, p.url, o.cfg.header(), body)
		if err != nil {
			return fmt.Errorf("alertmanager: %w", err)
		}
		if err := o.judge(answer); err != nil {
			return fmt.Errorf("alertmanager: %s: %w", p.host, err)
		}
	}
	return nil
}

func (o *Output) judge(answer *httpsend.Answer) error {
	if !answer.OK() {
		return o.send.Fault(answer, said(answer.Body))
	}
	body := bytes.TrimSpace(answer.Body)
	if len(body) == 0 {
		return nil
	}
	var told struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(body, &told) != nil || told.Status == "error" || httpsend.Lie(answer) != "" {
		return o.send.Refused(answer, string(body))
	}
	return nil
}

// said returns what the body of an error says: a string, or an object's message.
func said(body []byte) string {
	var text string
	if json.Unmarshal(body, &text) == nil {
		return text
	}
	var object struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &object) == nil {
		return object.Message
	}
	return ""
}

// together returns one error of several: one for ever only where all are, one
// until a setting is mended where that is all that can be done, and with a time
// to wait only where all ask for one.
func together(faults []error) error {
	switch len(faults) {
	case 0:
		return nil
	case 1:
		return faults[0]
	}
	texts := make([]string, len(faults))
	permanent, stuck, after := true, true, notify.After(faults[0])
	for i, err := range faults {
		texts[i] = err.Error()
		permanent = permanent && notify.IsPermanent(err)
		stuck = stuck && (notify.IsPermanent(err) || notify.IsDenied(err))
		after = min(after, notify.After(err))
	}
	err := errors.New(strings.Join(texts, "; "))
	switch {
	case permanent:
		return notify.Permanent(err)
	case stuck:
		return notify.Denied(err)
	case after > 0:
		return notify.RetryAfter(err, after)
	}
	return err
}
