package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
	"github.com/picketd/picket/rules"
)

const newCountry = `
title: Login
name: login
id: 00000000-0000-4000-8000-000000000001
logsource: {product: picket}
detection: {s: {kind: login}, condition: s}
picket: {generate: false}
---
title: New country
id: 00000000-0000-4000-8000-000000000002
level: high
baseline: {type: new_value, rules: [login], field: geo.country, learn: {period: 1d, events: 1}}
picket: {quiet: 1h}
`

// TestReplaySinceIsTheEndOfTheWhole: a replay that counts from a time on finds
// what the whole one finds there. What an alert before that time saw is as little
// learned as it was by the daemon.
func TestReplaySinceIsTheEndOfTheWhole(t *testing.T) {
	s := newSite(t, "")
	s.offline(t, func(js jetstream.JetStream) {
		j, err := journal.Open(t.Context(), js, journal.Config{Partitions: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		for i, country := range []string{"DE", "DE", "RO", "RO", "RO"} {
			at := time.Date(2026, 1, 1+i, 8, 0, 0, 0, time.UTC)
			a := activity.Activity{ID: fmt.Sprint(i), Network: "okta", Account: "okta/ann", Kind: activity.KindLogin, Time: at, Seen: at, Geo: activity.Geo{Country: country}}
			if err := j.Submit(t.Context(), []activity.Activity{a})[0]; err != nil {
				t.Fatal(err)
			}
		}
	})
	cfg, err := loadSite(s)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := detector.Compile(detector.Set{Rules: []rules.File{{Name: "r.yml", Data: []byte(newCountry)}}})
	if err != nil {
		t.Fatal(err)
	}
	run := func(since time.Time) (lines []string, counted int, at []time.Time) {
		src, err := OpenJournalReplay(t.Context(), cfg, since, false)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		res, err := replay.Run(t.Context(), plan, src, detector.EngineOptions{Ticked: true}, func(f detector.Finding) error {
			lines = append(lines, fmt.Sprintf("%s %s ×%d", f.LogTime.Format(time.RFC3339Nano), f.Phase, f.Count))
			at = append(at, f.LogTime)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return lines, res.Rules[0].Findings + res.Rules[0].Updates, at
	}
	whole, _, at := run(time.Time{})
	if len(whole) != 3 {
		t.Fatalf("the whole replay finds %s, want an alert of three logins", strings.Join(whole, ", "))
	}
	got, counted, _ := run(at[1])
	if d := cmp.Diff(slices.Clip(whole[1:]), got); d != "" || counted != 2 {
		t.Errorf("from the second on, %d counted (-end of the whole +got):\n%s", counted, d)
	}
}
