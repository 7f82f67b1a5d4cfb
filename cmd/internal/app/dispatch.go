package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/api/links"
	"github.com/picketd/picket/alerting/delivery"
	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/alerting/notify"
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
	store.Damaged = a.damagedIn(dispatch.Stream)
	p.incidents = store
	if err := a.openLinks(ctx, cfg, p); err != nil {
		return err
	}
	p.dispatch, err = dispatch.New(dispatch.Config{
		Alerts: p.alerts, Store: store, Outbox: delivery.NewOutbox(p.js), Policy: cfg.Policy(),
		Directory: a.cfg, Silences: &a.silences, Observer: a.metrics, Log: a.log,
		Links: func(alert *alerting.Alert, incident, receiver string, person notify.Person) []notify.Link {
			return linksOf(p.links, a.cfg, alert, incident, receiver, person)
		},
	})
	return err
}

// openLinks opens what makes and serves links that act on alerts. There are none
// in messages while the configuration has no http.public_url.
func (a *App) openLinks(ctx context.Context, cfg *config.Config, p *parts) error {
	book, err := links.Open(ctx, p.js, cfg.Journal.Replicas)
	if err != nil {
		return err
	}
	p.links = links.New(links.Config{
		Book: book, Alerts: p.manager, Incidents: p.incidents, Now: time.Now, Log: a.log,
		Base: func() string { return a.cfg.get().HTTP.PublicURL },
	})
	return nil
}

// linksOf returns what a message about an alert leads to: what can be done with
// it and, where it is about an identity whose owner is known, the question to
// pass on to that person.
func linksOf(made *links.Links, dir alerting.Directory, alert *alerting.Alert, incident, receiver string, person notify.Person) []notify.Link {
	out := made.For(alert, incident, receiver, person)
	info, _ := dir.Account(alert.Account)
	if len(info.Guards) == 0 || info.Owner == "" {
		return out
	}
	if ask, ok := made.Ask(alert, receiver, notify.Person{Name: info.Owner}); ok {
		out = append(out, ask)
	}
	return out
}

// damaged tells of a stored document of alerting that cannot be read.
func (a *App) damaged(stream, subject string, err error) {
	a.metrics.DamagedDocument(stream)
	a.log.Error("a stored document cannot be read; it is passed over, the others are not",
		zap.String("stream", stream), zap.String("subject", subject), zap.Error(err))
}

// damagedIn is damaged for one stream.
func (a *App) damagedIn(stream string) func(subject string, err error) {
	return func(subject string, err error) { a.damaged(stream, subject, err) }
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
