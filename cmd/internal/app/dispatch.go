package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting/delivery"
	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/cmd/internal/config"
)

// dispatchLease names the lease on deciding who is told. It spares work: two
// that decide do no harm.
const dispatchLease = "dispatch"

// openDispatch opens the incidents. They are kept where nobody is told, too.
func (a *App) openDispatch(ctx context.Context, cfg *config.Config, p *parts) error {
	if err := dispatch.Ensure(ctx, p.js, dispatch.StreamOptions{Replicas: cfg.Journal.Replicas}); err != nil {
		return err
	}
	store, err := dispatch.Open(ctx, p.js)
	if err != nil {
		return err
	}
	p.dispatch, err = dispatch.New(dispatch.Config{
		Alerts: p.alerts, Store: store, Outbox: delivery.NewOutbox(p.js), Policy: cfg.Policy(),
		Directory: a.cfg, Silences: &a.silences, Log: a.log,
	})
	return err
}

// ownDispatch decides who is told while this daemon holds the lease on it.
func (a *App) ownDispatch(ctx context.Context, p *parts) {
	held := func() bool { return p.leases.Held(dispatchLease) }
	for await(ctx, 50*time.Millisecond, held) {
		tending, lost := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- p.dispatch.Run(tending) }()
		await(ctx, 50*time.Millisecond, func() bool { return !held() })
		lost()
		if err := <-done; err != nil {
			a.log.Error("nobody decides who is told", zap.Error(err))
		}
		if ctx.Err() == nil {
			a.log.Warn("deciding who is told given up to another daemon")
		}
	}
}
