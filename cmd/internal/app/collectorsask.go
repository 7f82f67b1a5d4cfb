package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// AskCollectors asks the daemons behind nc how collectors are doing. Of several
// daemons each source is told once, by the one that polls it.
func AskCollectors(ctx context.Context, nc *nats.Conn, req CollectorsRequest) ([]CollectorStatus, []CredentialStatus, error) {
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, nil, fmt.Errorf("wait for an answer: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	req.V = collectorsVersion
	data, err := json.Marshal(req)
	if err != nil {
		return nil, nil, err
	}
	if err := nc.PublishRequest(CollectorsSubject, inbox, data); err != nil {
		return nil, nil, fmt.Errorf("ask about collectors: %w", err)
	}
	var heard heardCollectors
	if err := heard.gather(ctx, sub); err != nil {
		return nil, nil, err
	}
	return heard.sources(), heard.credentials(), nil
}

// heardCollectors gathers the answers of daemons.
type heardCollectors struct {
	parts []collectorsAnswer
	ended int // daemons that have answered all
	// of is how many sources there are, and polled of how many the daemons that
	// have answered say that they poll them.
	of, polled int
}

func (h *heardCollectors) gather(ctx context.Context, sub *nats.Subscription) error {
	for !h.enough() {
		wait := collectorsWait
		if h.ended > 0 {
			wait = othersWait
		}
		next, cancel := context.WithTimeout(ctx, wait)
		m, err := sub.NextMsgWithContext(next)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, nats.ErrNoResponders):
			return ErrNobodyAnswers
		case errors.Is(err, context.DeadlineExceeded) && h.ended > 0:
			return nil // nobody polls the rest now
		case errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("a picket is there and did not answer within %s; see /-/ready of the daemon", wait)
		case err != nil:
			return fmt.Errorf("wait for an answer: %w", err)
		}
		if err := h.add(m); err != nil {
			return err
		}
	}
	return nil
}

// enough reports whether whoever polls has answered.
func (h *heardCollectors) enough() bool { return h.ended > 0 && h.polled >= h.of }

func (h *heardCollectors) add(m *nats.Msg) error {
	if refused := m.Header.Get(micro.ErrorHeader); refused != "" {
		return fmt.Errorf("the daemon does not answer: %s", refused)
	}
	var part collectorsAnswer
	if err := json.Unmarshal(m.Data, &part); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	if part.V != collectorsVersion {
		return fmt.Errorf("the daemon answers in version %d, this picket reads %d: use the same version of both", part.V, collectorsVersion)
	}
	h.parts = append(h.parts, part)
	if part.Last {
		h.ended++
		h.of = max(h.of, part.Sources)
		h.polled += part.Sources - part.Standby
	}
	return nil
}

// sources returns each source once: as the daemon tells it that polls it, or
// that has read it last.
func (h *heardCollectors) sources() []CollectorStatus {
	by := map[string]CollectorStatus{}
	for i := range h.parts {
		for _, c := range h.parts[i].Collectors {
			if before, ok := by[c.Source]; !ok || c.knows(&before) {
				by[c.Source] = c
			}
		}
	}
	out := make([]CollectorStatus, 0, len(by))
	for _, c := range by {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b CollectorStatus) int { return strings.Compare(a.Source, b.Source) })
	return out
}

// knows reports whether c says more of a source than another daemon does.
func (c *CollectorStatus) knows(other *CollectorStatus) bool {
	switch {
	case c.State == stateStandby || other.State == stateStandby:
		return c.State != stateStandby
	case c.LastOK == nil || other.LastOK == nil:
		return c.LastOK != nil
	}
	return c.LastOK.After(*other.LastOK)
}

// credentials returns those of the daemons that poll with them.
func (h *heardCollectors) credentials() []CredentialStatus {
	uses := map[[2]string]bool{}
	for _, c := range h.sources() {
		uses[[2]string{c.Daemon, c.Credential}] = true
	}
	var out []CredentialStatus
	for i := range h.parts {
		for _, c := range h.parts[i].Credentials {
			if uses[[2]string{c.Daemon, c.Name}] {
				out = append(out, c)
			}
		}
	}
	slices.SortFunc(out, func(a, b CredentialStatus) int { return strings.Compare(a.Name, b.Name) })
	return out
}
