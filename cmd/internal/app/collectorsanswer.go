package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/micro"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// CollectorsSubject is where the NATS service picket-collectors is asked how
// polled accounts and sources are doing. The payload is {"v":1}, with "source"
// for one, "network" for those of one network and "failing" true for those that
// are not read as they should be. A reply subject has to begin with an
// underscore, as inboxes do.
//
// Every daemon answers for what it polls, in one or more messages:
//
//	{"v":1,"daemon":"…","sources":3,"standby":1,"collectors":[…],"credentials":[…],"last":true}
//
// sources is how many there are in its configuration, and standby how many of
// them another daemon polls. collectors are of the form of CollectorStatus,
// credentials of CredentialStatus; those come with the last message, which
// "last" marks. No message is larger than 512 KiB. On the embedded server only
// the user admin may ask.
const CollectorsSubject = collectorsGroup + ".list"

const (
	collectorsService = "picket-collectors"
	collectorsVersion = 1
	collectorsGroup   = "picket.api.collectors"
	// collectorsPart is from how many bytes on a part of an answer is sent. A
	// cursor of 64 KiB, encoded, may come on top.
	collectorsPart = 256 << 10
	// collectorsWait is how long the next part is waited for, and othersWait
	// how long the daemons that may poll what those before did not.
	collectorsWait = 5 * time.Second
	othersWait     = time.Second
)

// CollectorStatus is how one polled account or source is doing.
type CollectorStatus struct {
	Source     string `json:"source"`
	Network    string `json:"network"`
	Credential string `json:"credential,omitempty"`
	Daemon     string `json:"daemon"` // that says so
	// State is the poll state reported last, "starting" before the first and
	// "standby" where another daemon polls.
	State    string     `json:"state"`
	Since    *time.Time `json:"since,omitempty"`     // when State began
	LastOK   *time.Time `json:"last_ok,omitempty"`   // last poll that succeeded
	NextPoll *time.Time `json:"next_poll,omitempty"` // absent while one is in progress
	Held     *time.Time `json:"held,omitempty"`      // until when its credential must wait
	Every    float64    `json:"every_seconds"`
	// Lag is how old the newest item was when it was journaled, in the last page
	// with items that were no history; absent before the first.
	Lag  *float64 `json:"lag_seconds,omitempty"`
	Skew *float64 `json:"skew_seconds,omitempty"` // that the network's clock is ahead
	// Items counts what this daemon has journaled.
	Items    uint64     `json:"items"`
	Failures int        `json:"failures,omitempty"` // consecutive
	Error    string     `json:"error,omitempty"`    // of the last poll
	ErrorAt  *time.Time `json:"error_at,omitempty"`
	Mend     string     `json:"mend,omitempty"` // what a person can do about Error
	// Cursor is where the next poll begins, as the collector wrote it; absent
	// before the first poll and while one is in progress.
	Cursor json.RawMessage `json:"cursor,omitempty"`
}

// Failing reports whether it is not read as it should be.
func (c *CollectorStatus) Failing() bool {
	switch c.State {
	case stateStandby:
		return false
	case stateStarting, activity.PollComplete, activity.PollGap: // a gap is over, what comes after it is read
		return c.Error != ""
	}
	return true
}

// CredentialStatus is what is left of what a credential may use.
type CredentialStatus struct {
	Name   string `json:"name"`
	Daemon string `json:"daemon"` // that says so
	// Quotas are its requests, by endpoint. Those of which nothing is known are
	// absent.
	Quotas []QuotaStatus `json:"quotas,omitempty"`
	Month  string        `json:"month,omitempty"` // of Spent, "2026-07"
	Spent  float64       `json:"spent_usd,omitempty"`
	// Dollars is the most that may be spent in Month, 0 for no bound.
	Dollars float64 `json:"budget_usd,omitempty"`
}

// QuotaStatus is what is left of one quota.
type QuotaStatus struct {
	// Endpoint is empty for all requests together, and "configured" for the
	// configuration's own bound.
	Endpoint  string     `json:"endpoint,omitempty"`
	Limit     int        `json:"limit,omitempty"` // 0 where the network does not say
	Remaining int        `json:"remaining"`
	Reset     *time.Time `json:"reset,omitempty"` // when Remaining is Limit again
}

// CollectorsRequest asks how collectors are doing. Empty fields ask for all.
type CollectorsRequest struct {
	V       int    `json:"v"`
	Source  string `json:"source,omitempty"`
	Network string `json:"network,omitempty"`
	Failing bool   `json:"failing,omitempty"`
}

func (r *CollectorsRequest) asks(c *CollectorStatus) bool {
	return (r.Source == "" || c.Source == r.Source) && (r.Network == "" || c.Network == r.Network) && (!r.Failing || c.Failing())
}

// collectorsAnswer is one part of a daemon's answer.
type collectorsAnswer struct {
	V           int                `json:"v"`
	Daemon      string             `json:"daemon"`
	Sources     int                `json:"sources"`
	Standby     int                `json:"standby"`
	Collectors  []CollectorStatus  `json:"collectors"`
	Credentials []CredentialStatus `json:"credentials,omitempty"`
	Last        bool               `json:"last,omitempty"`
}

// answerCollectors serves questions about collectors until the service that it
// returns is stopped.
func (a *App) answerCollectors(p *parts) (micro.Service, error) {
	service, err := micro.AddService(p.nc, micro.Config{
		Name: collectorsService, Version: "1.0.0", QueueGroupDisabled: true, // every daemon polls something else
		Description: "How Picket's collectors are doing, and what is left of their credentials",
		ErrorHandler: func(_ micro.Service, fault *micro.NATSError) {
			a.log.Warn("NATS service of collectors", zap.String("subject", fault.Subject), zap.String("error", fault.Description))
		},
	})
	if err != nil {
		return nil, fmt.Errorf("NATS service %s: %w", collectorsService, err)
	}
	err = service.AddGroup(collectorsGroup).AddEndpoint("list", micro.HandlerFunc(func(r micro.Request) {
		var req CollectorsRequest
		var err error
		switch uerr := json.Unmarshal(r.Data(), &req); {
		case !strings.HasPrefix(r.Reply(), inboxMark): // Picket may publish where those who ask may not
			a.log.Warn("question about collectors without an inbox to answer to")
		case uerr != nil || req.V != collectorsVersion:
			err = r.Error("400", fmt.Sprintf("not understood: expected {\"v\":%d}, with source, network or failing at most", collectorsVersion), nil)
		default:
			err = a.collectors(p, &req, r.Respond)
		}
		if err != nil {
			a.log.Warn("answer about collectors not sent", zap.Error(err))
		}
	}))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("NATS service %s: %w", collectorsService, err), service.Stop())
	}
	return service, nil
}

// collectors sends what is asked for, in parts.
func (a *App) collectors(p *parts, req *CollectorsRequest, send func([]byte, ...micro.RespondOpt) error) error {
	all := p.sched.Status()
	part := collectorsAnswer{V: collectorsVersion, Daemon: a.holder, Sources: len(all)}
	for i := range all {
		if all[i].Standby {
			part.Standby++
		}
	}
	used := map[string]bool{}
	size := 0
	for i := range all {
		c := statusOf(&all[i], a.holder)
		if !req.asks(&c) {
			continue
		}
		used[c.Credential] = true
		part.Collectors = append(part.Collectors, c)
		if size += len(c.Cursor) + len(c.Error) + len(c.Mend) + 500; size >= collectorsPart {
			if err := sendPart(&part, send); err != nil {
				return err
			}
			part.Collectors, size = nil, 0
		}
	}
	for name, st := range p.pollers.left() {
		if used[name] {
			part.Credentials = append(part.Credentials, credentialOf(&st, a.holder))
		}
	}
	slices.SortFunc(part.Credentials, func(a, b CredentialStatus) int { return strings.Compare(a.Name, b.Name) })
	part.Last = true
	return sendPart(&part, send)
}

func sendPart(part *collectorsAnswer, send func([]byte, ...micro.RespondOpt) error) error {
	data, err := json.Marshal(part)
	if err != nil {
		return err
	}
	return send(data)
}

// left returns what is left of each credential's budget, by name.
func (p *pollers) left() map[string]collectors.BudgetStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := make(map[string]collectors.BudgetStatus, len(p.budgets))
	for name, b := range p.budgets {
		left[name] = b.budget.Status()
	}
	return left
}

// statusOf is the public form of a task's status.
func statusOf(s *collectors.TaskStatus, daemon string) CollectorStatus {
	c := CollectorStatus{
		Source: s.Source, Network: s.Network, Credential: s.Credential, Daemon: daemon, State: stateOf(s),
		Since: instant(s.Since), LastOK: instant(s.LastOK), NextPoll: instant(s.NextPoll), Held: instant(s.Held), ErrorAt: instant(s.ErrorAt),
		Every: s.Every.Seconds(), Items: s.Items, Failures: s.Failures, Cursor: s.Cursor,
	}
	c.Error, c.Mend, _ = strings.Cut(s.LastError, "; to mend it: ")
	if s.Lag > 0 {
		lag := s.Lag.Seconds()
		c.Lag = &lag
	}
	if s.Skew.OK {
		c.Skew = &s.Skew.V
	}
	return c
}

func credentialOf(st *collectors.BudgetStatus, daemon string) CredentialStatus {
	c := CredentialStatus{Name: st.Name, Daemon: daemon, Month: st.Month, Spent: st.Spent, Dollars: st.Dollars}
	for _, e := range st.Endpoints {
		c.Quotas = append(c.Quotas, QuotaStatus{Endpoint: e.Endpoint, Limit: max(0, e.Limit), Remaining: e.Remaining, Reset: instant(e.Reset)})
	}
	return c
}

// instant leaves out a time that is not known.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
