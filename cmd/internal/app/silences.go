package app

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/alerting/silence"
	"github.com/picketd/picket/cmd/internal/config"
)

// openSilences opens the silences and reads them all, before anything is told.
func (a *App) openSilences(ctx context.Context, cfg *config.Config, js jetstream.JetStream) (*natspub.Silences, error) {
	if err := natspub.EnsureSilences(ctx, js, natspub.StreamOptions{Replicas: cfg.Journal.Replicas}); err != nil {
		return nil, err
	}
	store, err := natspub.OpenSilences(ctx, js)
	if err != nil {
		return nil, err
	}
	store.Damaged = a.damagedIn(natspub.SilenceStream)
	a.silences.SetWindows(cfg.Maintenance)
	return store, FillSilences(ctx, store, &a.silences)
}

// FillSilences puts all stored silences into a set.
func FillSilences(ctx context.Context, store silence.Store, set *silence.Set) error {
	all, err := store.List(ctx)
	for _, s := range all {
		set.Note(s)
	}
	return err
}

// watchSilences keeps the set of silences as the store has them, whoever writes
// them, until ctx ends, and tells of each change. A passing fault is waited out:
// those that are known hold meanwhile.
func (a *App) watchSilences(ctx context.Context, store silence.Store, changed func()) {
	for ctx.Err() == nil {
		known := false
		err := store.Watch(ctx, func(s silence.Silence) {
			a.silences.Note(s)
			changed()
			if known { // not again what was there before
				a.log.Info("silence "+string(s.Change), zap.String("number", s.Number()), zap.Stringer("matchers", s.Matchers),
					zap.String("state", string(s.State(time.Now()))), zap.String("author", s.Author), zap.Time("until", s.End))
			}
		}, func() { known = true })
		if ctx.Err() != nil {
			return
		}
		a.log.Warn("silences are not watched; trying again", zap.Error(err))
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}
