package delivery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting/notify"
)

// Receivers that are not configured any more while messages wait for them. They
// are treated as receivers that do not work: metrics and the log tell of them,
// and what they are not told in time becomes a dead letter, which can be queued
// again once there is a receiver of that name.

// searchEvery is how often it is looked whether any have messages.
const searchEvery = time.Minute

// errNoReceiver is what such a receiver answers.
var errNoReceiver = errors.New("no receiver of this name is configured any more: configure it again, then run picket deadletters retry for what was given up")

// nowhere is the output of a receiver that is not configured any more.
type nowhere struct{}

func (nowhere) Notify(context.Context, *notify.Message) (string, error) { return "", errNoReceiver }

// search looks which receivers that are not configured have messages, and
// reports whether it could.
func (d *Delivery) search(ctx context.Context) bool {
	if d.waiting == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, lookEvery/2)
	defer cancel()
	waiting, err := d.waiting(ctx)
	if err != nil {
		if ctx.Err() == nil {
			d.cfg.Log.Warn("whether messages wait for receivers that are gone is not known", zap.Error(err))
		}
		return false
	}
	left := map[string]*Receiver{}
	for _, name := range slices.Sorted(maps.Keys(waiting)) {
		if waiting[name] == 0 || d.known(name) {
			continue
		}
		if left[name] = d.left[name]; left[name] == nil {
			left[name] = &Receiver{Name: name, Type: "not configured any more", Notifier: nowhere{}}
			d.cfg.Log.Error("messages wait for a receiver that is not configured any more; in time they become dead letters",
				zap.String("receiver", name), zap.Int("messages", waiting[name]))
		}
	}
	d.left = left
	return true
}

// waitingOn returns how many messages wait for each receiver that was ever read
// for, configured or not.
func waitingOn(js jetstream.JetStream) func(ctx context.Context) (map[string]int, error) {
	return func(ctx context.Context) (map[string]int, error) {
		s, err := js.Stream(ctx, Stream)
		if err != nil {
			return nil, fmt.Errorf("open stream %s: %w", Stream, err)
		}
		out := map[string]int{}
		all := s.ListConsumers(ctx)
		for info := range all.Info() {
			if name := info.Config.Metadata[metaReceiver]; name != "" {
				out[name] = int(info.NumPending) + info.NumAckPending //nolint:gosec // messages of one stream
			}
		}
		if err := all.Err(); err != nil {
			return nil, fmt.Errorf("list consumers of %s: %w", Stream, err)
		}
		return out, nil
	}
}
