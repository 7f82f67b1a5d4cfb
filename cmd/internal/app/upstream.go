package app

import (
	"context"
	"net/http"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/cmd/internal/sessions"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/natsin"
	"github.com/picketd/picket/collectors/webhook"
)

// startUpstream starts everything that brings activities in. The function that
// it returns stops it and waits until nothing more comes.
func (a *App) startUpstream(ctx, inner context.Context, cfg *config.Config, p *parts) (stop func(), err error) {
	spend, err := journal.OpenSpend(ctx, p.js, cfg.Journal.Replicas)
	if err != nil {
		return nil, err
	}
	p.pollers = newPollers(a.cfg, spend, &a.places, a.metrics.Dropped, a.log)
	p.pollers.sessions = sessions.Open(cfg.DataDir)
	p.sched = collectors.NewScheduler(collectors.Options{
		Logs: p.journal, Leases: p.leases, Observer: pollMetrics{a.metrics}, Log: a.log,
	})
	p.hasten.sched.Store(p.sched)
	r := &reloader{app: a, parts: p}
	r.warnExposed(cfg)
	polls := p.pollers.prepare(cfg)
	for _, fault := range polls.faults {
		r.unapplied = true
		a.log.Error("source left out until it is mended; the others are polled", zap.Error(fault))
	}
	if err := p.pollers.commit(polls, p.sched); err != nil {
		return nil, err
	}
	in := knownOnly{a.cfg, &a.places, p.journal}
	input, err := a.openIntake(cfg, p, in)
	if err != nil {
		p.pollers.close()
		return nil, err
	}
	questions, err := a.answerCoverage(p)
	if err != nil {
		p.pollers.close()
		return nil, err
	}
	reviews, err := a.answerBaselines(p)
	if err != nil {
		p.pollers.close()
		return nil, err
	}
	told, err := a.answerCollectors(p)
	if err != nil {
		p.pollers.close()
		return nil, err
	}
	stopAPI, err := a.startAPI(p)
	if err != nil {
		p.pollers.close()
		return nil, err
	}
	collect, cancel := context.WithCancel(inner)
	var group errgroup.Group
	group.Go(func() error { return p.sched.Run(collect) })
	group.Go(func() error { r.run(collect); return nil })
	group.Go(func() error { a.keepVerdicts(collect, p); return nil })
	group.Go(func() error { a.tellBudget(collect, p); return nil })
	return func() {
		cancel()
		stopAPI()
		_ = told.Stop() // fails only on a connection that is closed
		for _, s := range append(reviews, questions) {
			_ = s.Unsubscribe() // fails only on a connection that is closed
		}
		if err := group.Wait(); err != nil {
			a.log.Warn("scheduler", zap.Error(err))
		}
		a.front.detach() // a reload may have attached its intake meanwhile
		p.pollers.close()
		if input != nil {
			drain, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer done()
			if err := input.Stop(drain); err != nil {
				a.log.Warn("NATS intake not drained", zap.Error(err))
			}
		}
	}, nil
}

// openIntake opens the ways in for what others push.
func (a *App) openIntake(cfg *config.Config, p *parts, in collectors.Intake) (*natsin.Input, error) {
	hook, err := a.pushed(cfg, p, in)
	if err != nil {
		return nil, err
	}
	var input *natsin.Input
	if n := cfg.Intake.NATS; n.Activities != "" || n.Approvals != "" {
		input, err = natsin.New(natsin.Config{Activities: n.Activities, Approvals: n.Approvals}, p.nc, in,
			natsin.Deps{Log: a.pushLog, Metrics: intakeMetrics{a.metrics, "nats"}})
		if err == nil {
			err = p.nc.Flush() // the subscriptions stand when the daemon says that it works
		}
		if err != nil {
			return nil, err
		}
	}
	a.front.attach(hook)
	return input, nil
}

// pushed returns the handler of all that others send over HTTP.
func (a *App) pushed(cfg *config.Config, p *parts, in collectors.Intake) (http.Handler, error) {
	hook, err := a.webhook(cfg, in)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc(xWebhook+"{credential}", p.pollers.takeCall)
	mux.Handle("/", hook)
	return mux, nil
}

// webhook returns the handler of activities and approvals.
func (a *App) webhook(cfg *config.Config, in collectors.Intake) (http.Handler, error) {
	w := cfg.Intake.Webhook
	if len(w.Tokens)+len(w.Signing) == 0 {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "nobody may send: intake.webhook has neither tokens nor signing keys", http.StatusForbidden)
		}), nil
	}
	return webhook.New(webhookConfig(cfg), in, webhook.Deps{Log: a.pushLog, Metrics: intakeMetrics{a.metrics, "webhook"}})
}

func webhookConfig(cfg *config.Config) webhook.Config {
	w := webhook.Config{Rate: cfg.Intake.Webhook.Rate}
	for _, t := range cfg.Intake.Webhook.Tokens {
		w.Tokens = append(w.Tokens, webhook.Token{Name: t.Name, Secret: t.Token, Accounts: t.Accounts})
	}
	for _, k := range cfg.Intake.Webhook.Signing {
		w.Signers = append(w.Signers, webhook.Signer{Name: k.Name, Secret: k.Secret, Accounts: k.Accounts})
	}
	return w
}
