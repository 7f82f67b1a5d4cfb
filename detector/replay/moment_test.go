package replay_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
	"github.com/picketd/picket/rules"
)

const countryRules = `
title: Login
name: login
id: 00000000-0000-4000-8000-000000000001
logsource: {product: picket}
detection: {s: {kind: login}, condition: s}
picket: {generate: false}
---
title: New country
name: new_country
id: 00000000-0000-4000-8000-000000000002
baseline: {type: new_value, rules: [login], field: geo.country, learn: {period: 1d, events: 1}}
`

// TestMoment: what is seen last is what was known just before, also where other
// activities of the same message come after.
func TestMoment(t *testing.T) {
	plan, err := detector.Compile(detector.Set{Rules: []rules.File{{Name: "r.yml", Data: []byte(countryRules)}}})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	login := func(id, country string, day int) activity.Activity {
		return activity.Activity{ID: id, Network: "okta", Account: "okta/ann", Kind: activity.KindLogin, Time: start.AddDate(0, 0, day), Geo: activity.Geo{Country: country}}
	}
	log := func() *messages {
		return &messages{
			{Time: start, Batch: &activity.Batch{Activities: []activity.Activity{login("1", "DE", 0)}}},
			{Time: start.AddDate(0, 0, 2), Batch: &activity.Batch{Activities: []activity.Activity{
				login("2", "DE", 2), login("3", "RO", 2), login("4", "DE", 2),
			}}},
			{Time: start.AddDate(0, 0, 3), Batch: &activity.Batch{Activities: []activity.Activity{login("5", "DE", 3)}}},
		}
	}
	var alert detector.Finding
	if _, err := replay.Run(t.Context(), plan, log(), detector.EngineOptions{}, func(f detector.Finding) error {
		if f.Phase == detector.Open {
			alert = f
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var known []detector.Baseline
	looks := 0
	f, err := replay.Moment(t.Context(), plan, log(), detector.EngineOptions{}, replay.Opening{Episode: alert.Episode, From: alert.LogTime}, func(e *detector.Engine) {
		looks++
		known = e.Baselines("okta/ann", "new_country")
	})
	if err != nil || f.Evidence[0].ID != "3" {
		t.Fatalf("found %+v, %v", f, err)
	}
	if looks != 2 || len(known) != 1 || known[0].Events != 2 {
		t.Errorf("looked %d times, at last at %+v; want twice, at two logins", looks, known)
	}
	if _, err := replay.Moment(t.Context(), plan, log(), detector.EngineOptions{}, replay.Opening{Episode: "none"}, func(*detector.Engine) {}); !errors.Is(err, replay.ErrNotRaised) {
		t.Errorf("got %v, want ErrNotRaised", err)
	}
}

// messages is a log.
type messages []replay.Message

func (m *messages) Next(context.Context) (replay.Message, error) {
	if len(*m) == 0 {
		return replay.Message{}, io.EOF
	}
	next := (*m)[0]
	*m = (*m)[1:]
	return next, nil
}
