package app

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/evidence"
	"github.com/picketd/picket/cmd/internal/config"
)

// keeping is what keeps copies of media; without a keeper none are kept.
type keeping struct {
	store  jetstream.ObjectStore
	keeper *evidence.Keeper
}

func (a *App) openEvidence(ctx context.Context, cfg *config.Config, js jetstream.JetStream) (keeping, error) {
	if !cfg.Evidence.Media {
		return keeping{}, nil
	}
	store, err := evidence.Open(ctx, js, evidence.Options{Retention: cfg.Evidence.Retention, Replicas: cfg.Journal.Replicas})
	if err != nil {
		return keeping{}, err
	}
	keep := evidence.Config{Store: store, MaxBytes: cfg.Evidence.MaxBytes, Log: a.log}
	if cfg.NATS.Embedded() { // copies end long before the reserve, where intake does
		path, reserve := cfg.DataDir, cfg.Journal.Reserve
		keep.Room = func() bool {
			free, err := freeBytes(path)
			return err != nil || free >= 2*reserve
		}
	}
	return keeping{store, evidence.NewKeeper(keep)}, nil
}

// run copies what is wanted until ctx ends.
func (k keeping) run(ctx context.Context) {
	if k.keeper != nil {
		k.keeper.Run(ctx)
	}
}

// want asks for copies of what an alert shows that has just begun, or has grown:
// further posts are as good a proof as the first. Nobody is to be told of what is
// only observed, and nothing of a drill is real.
func (k keeping) want(a *alerting.Alert) {
	grown := a.Change == alerting.ChangeOpened || a.Change == alerting.ChangeReopened || a.Change == alerting.ChangeUpdated
	if k.keeper != nil && grown && a.Announced() && a.Drill() == "" {
		k.keeper.Want(a)
	}
}

// count says how many of an alert's media are kept.
func (k keeping) count(ctx context.Context, a *alerting.Alert) int {
	if k.store == nil {
		return 0
	}
	return evidence.Count(ctx, k.store, a)
}
