package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting/delivery"
	"github.com/picketd/picket/cmd/internal/config"
)

// deliveryLease names the lease on telling receivers.
const deliveryLease = "delivery"

// stalledFor is how long ago the detector may have read its log, to which
// something is appended every ten seconds, before it counts as stuck.
const stalledFor = 30 * time.Second

// receivers are those of the configuration in force, built. Only the reloader
// and what comes before it use it.
type receivers struct {
	delivery *delivery.Delivery
	outputs  outputs
	of       map[string]builtReceiver // by name
}

// builtReceiver is a receiver and what it was made from.
type builtReceiver struct {
	from   config.Receiver
	people map[string]string // names by Slack user id
	*delivery.Receiver
}

// openDelivery opens the queue of messages, with the configured receivers.
func (a *App) openDelivery(ctx context.Context, cfg *config.Config, p *parts) error {
	if err := delivery.Ensure(ctx, p.js, delivery.StreamOptions{Replicas: cfg.Journal.Replicas}); err != nil {
		return err
	}
	d, err := delivery.New(ctx, delivery.Config{
		JS: p.js, Observer: a.metrics, Log: a.log, Damaged: a.damaged, Healthy: func(ctx context.Context) error { return a.healthy(ctx, p) },
	})
	if err != nil {
		return err
	}
	p.receivers = &receivers{delivery: d, outputs: outputs{p.manager, a.log}}
	built, err := p.receivers.build(cfg)
	if err != nil {
		return err
	}
	return p.receivers.use(built)
}

// build makes the receivers of a configuration. Those that have not changed are
// the ones in use, which go on undisturbed.
func (r *receivers) build(cfg *config.Config) (map[string]builtReceiver, error) {
	built := map[string]builtReceiver{}
	var faults []error
	for i := range cfg.Receivers {
		from := cfg.Receivers[i]
		var people map[string]string
		if from.AppToken != "" {
			people = inSlack(cfg.People)
		}
		if b, ok := r.of[from.Name]; ok && reflect.DeepEqual(b.from, from) && maps.Equal(b.people, people) {
			built[from.Name] = b
			continue
		}
		notifier, err := r.outputs.of(&from, people)
		if err != nil {
			faults = append(faults, cfg.Fault(fmt.Sprintf("receivers[%d]", i), err.Error()))
			continue
		}
		words, err := r.outputs.words(&from)
		if err != nil {
			faults = append(faults, cfg.Fault(fmt.Sprintf("receivers[%d].templates", i), err.Error()))
			continue
		}
		heartbeat := from.Heartbeat
		if heartbeat == 0 && from.Type == config.ReceiverAlertmanager {
			heartbeat = retell
		}
		built[from.Name] = builtReceiver{from, people, &delivery.Receiver{
			Name: from.Name, Type: from.Type, Notifier: notifier, Deadlines: delivery.Deadlines(from.Deadlines),
			Heartbeat: heartbeat, Words: words, Fallbacks: from.Fallback, LastResort: from.LastResort,
		}}
	}
	return built, errors.Join(faults...)
}

// use puts receivers in force, in the order of their names.
func (r *receivers) use(built map[string]builtReceiver) error {
	list := make([]*delivery.Receiver, 0, len(built))
	for _, name := range slices.Sorted(maps.Keys(built)) {
		list = append(list, built[name].Receiver)
	}
	r.of = built
	return r.delivery.Configure(list)
}

// CheckReceivers tells what the outputs find wrong with receivers.
func CheckReceivers(cfg *config.Config) error {
	_, err := (&receivers{outputs: outputs{nobody{}, zap.NewNop()}}).build(cfg)
	return err
}

// ownDelivery tells receivers while this daemon holds the lease on it: of
// several that did, each would keep its own order.
func (a *App) ownDelivery(ctx context.Context, p *parts) {
	held := func() bool { return p.leases.Held(deliveryLease) }
	for await(ctx, 50*time.Millisecond, held) {
		tending, lost := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- p.receivers.delivery.Run(tending) }()
		await(ctx, 50*time.Millisecond, func() bool { return !held() })
		lost()
		if err := <-done; err != nil {
			a.log.Error("receivers are not told", zap.Error(err))
		}
		if ctx.Err() == nil {
			a.log.Warn("telling receivers given up to another daemon")
		}
	}
}

// healthy says what keeps this daemon from seeing and telling. Heartbeats stop
// while it returns anything.
func (a *App) healthy(ctx context.Context, p *parts) error {
	if err := errors.Join(a.front.ready(ctx)...); err != nil {
		return err
	}
	if !p.nc.IsConnected() {
		return errors.New("the NATS server is away")
	}
	if p.leases.Held(dispatchLease) {
		if err := p.dispatch.Failing(); err != nil {
			return err
		}
	}
	for _, w := range p.workers {
		if !p.leases.Held(partitionLease(w.partition)) {
			continue // another daemon's, with a heartbeat of its own
		}
		if err := w.stalled(time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// stalled says that the detector of a partition does not read its log.
func (w *worker) stalled(now time.Time) error {
	last := w.lastSeen.Load()
	if last == 0 {
		return fmt.Errorf("partition %d: the detector has read nothing yet", w.partition)
	}
	if quiet := now.Sub(time.Unix(0, last)); quiet > stalledFor {
		return fmt.Errorf("partition %d: the detector has read nothing for %s", w.partition, quiet.Round(time.Second))
	}
	return nil
}
