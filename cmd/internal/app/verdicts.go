package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors/activity"
)

// verdictSource is the log whose cursor says up to which revision of alerts the
// verdicts of people are activities.
const verdictSource = "picket/verdicts"

// verdictLease is held by the one daemon that makes activities of verdicts.
const verdictLease = "verdicts"

// verdictCursor is how far that is: the sequence of an alert's revision.
type verdictCursor struct {
	Alerts uint64 `json:"alerts"`
}

// keepVerdicts makes an activity of each verdict that a person gives on an alert,
// wherever they give it, until ctx ends. The detector learns by it, and a replay
// agrees.
func (a *App) keepVerdicts(ctx context.Context, p *parts) {
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 15*time.Second) {
		if p.leases.Held(verdictLease) {
			started := time.Now()
			err := a.followVerdicts(ctx, p)
			if ctx.Err() != nil {
				return
			}
			if time.Since(started) > time.Minute {
				wait = 250 * time.Millisecond
			}
			if err != nil {
				a.log.Warn("verdicts not in the journal yet; trying again", zap.Duration("in", wait), zap.Error(err))
			}
		} else {
			wait = 250 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// followVerdicts appends what people say of alerts until a fault, or until
// another daemon does it.
func (a *App) followVerdicts(ctx context.Context, p *parts) error {
	log, err := p.journal.Open(ctx, verdictSource)
	if err != nil {
		return err
	}
	at, err := log.Checkpoint(ctx)
	if err != nil {
		return err
	}
	var done verdictCursor
	if len(at.Cursor) > 0 {
		if err := json.Unmarshal(at.Cursor, &done); err != nil {
			return fmt.Errorf("cursor of %s: %w", verdictSource, err)
		}
	}
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	told := map[string]string{} // alerts whose verdict, by id, is in the journal; their later revisions say nothing new
	err = p.alerts.Watch(inner, func(h alerting.Head) {
		if h.Brief.Verdict == "" || h.Seq <= done.Alerts || inner.Err() != nil {
			return
		}
		if !p.leases.Held(verdictLease) {
			stop(errors.New("another daemon goes on with them"))
			return
		}
		alert, err := p.manager.Get(inner, h.ID)
		if err != nil {
			stop(err)
			return
		}
		said, ok := verdictOf(&alert, time.Now())
		if !ok || told[h.ID] == said.ID {
			return // it is open again, or a later revision of one that is known
		}
		cursor, err := json.Marshal(verdictCursor{h.Seq})
		if err == nil {
			err = log.Append(inner, &activity.Batch{Cursor: cursor, Activities: []activity.Activity{said}})
		}
		if err != nil {
			stop(err)
			return
		}
		done.Alerts, told[h.ID] = h.Seq, said.ID
	})
	if cause := context.Cause(inner); cause != nil {
		return cause
	}
	return err
}

// verdictOf is the activity that a verdict on an alert makes; false where there
// is none, or the alert is about no account.
func verdictOf(alert *alerting.Alert, now time.Time) (activity.Activity, bool) {
	j := alert.Judged
	if j == nil || alert.Account == "" {
		return activity.Activity{}, false
	}
	network, _, _ := strings.Cut(alert.Account, "/")
	return activity.Activity{
		ID:      alert.ID + "-" + strconv.FormatInt(j.At.UnixNano(), 36),
		Network: network, Account: alert.Account, Kind: activity.KindVerdict, Time: j.At, Seen: now.UTC(),
		Verdict: activity.Verdict{
			Alert: alert.ID, Rule: alert.Rule.ID, Says: string(j.Verdict), Until: j.Until, By: j.By, Reason: j.Reason,
		},
		Drill: alert.Drill(),
	}, true
}
