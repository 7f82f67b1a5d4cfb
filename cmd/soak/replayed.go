package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
)

// told is one alert in full: its id says rule, group and first activity.
type told struct {
	id, line string
}

func tellOf(id, rule string, count int, first, last time.Time, evidence []activity.Activity) told {
	var keys []string
	for i := range evidence {
		keys = append(keys, string(evidence[i].Kind)+" "+evidence[i].ID)
	}
	return told{id, fmt.Sprintf("%s %s ×%d %s to %s %q", id, rule, count, first.Format(time.RFC3339Nano), last.Format(time.RFC3339Nano), keys)}
}

// replayed plays the run's own journal through an engine that nobody kills and
// compares: two runs journal what came at the same moment in orders of their
// own, one run is held to its own order to the last activity of the evidence.
func (st *stage) replayed(ctx context.Context, o *outcome) error {
	cfg, err := config.Load(st.daemons[0].config(), os.Getenv)
	if err != nil {
		return err
	}
	src, err := app.OpenJournalReplay(ctx, cfg, time.Time{}, true)
	if err != nil {
		return err
	}
	defer src.Close()
	none, err := detector.Compile(detector.Set{}) // until the journal says which rules
	if err != nil {
		return err
	}
	want := map[string]told{}
	began := time.Now()
	res, err := replay.Run(ctx, none, src, detector.EngineOptions{Ticked: true, Lateness: cfg.Detector.Lateness, MaxAccounts: cfg.Detector.MaxAccounts}, func(f detector.Finding) error {
		want[f.Episode] = tellOf(f.Episode, f.Rule.Name, f.Count, f.First, f.Last, f.Evidence)
		return nil
	})
	if err != nil {
		return err
	}
	o.replay = fmt.Sprintf("%d activities, %.0f a second", res.Activities, float64(res.Activities)/time.Since(began).Seconds())
	var errs []error
	for _, got := range o.told {
		if want[got.id].line != got.line {
			errs = append(errs, fmt.Errorf("alert:  %s\nreplay: %s", got.line, want[got.id].line))
		}
		delete(want, got.id)
	}
	for _, w := range want {
		errs = append(errs, fmt.Errorf("not raised: %s", w.line))
	}
	slices.SortFunc(errs, func(a, b error) int { return slices.Compare([]byte(a.Error()), []byte(b.Error())) })
	return errors.Join(errs...)
}
