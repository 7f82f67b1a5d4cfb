package detector_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// TestWordsOfWhatIsLeft: of an account that used many apps and now a few, a new
// one is told beside those few. When the others are forgotten, so is most of
// the room that they took.
func TestWordsOfWhatIsLeft(t *testing.T) {
	const rules = `
title: Post
name: post
logsource: {product: picket}
detection: {s: {kind: post}, condition: s}
picket: {generate: false}
---
title: New app
name: new_app
level: medium
baseline: {type: new_value, rules: [post], group-by: account, field: app, learn: {period: 1d, events: 3}, forget: 90d}
`
	l := &log{e: detector.NewEngine(0, plan(t, rules), detector.EngineOptions{})}
	day := 24 * time.Hour
	post := func(at time.Duration, app string) {
		l.put(at, activity.Activity{Kind: activity.KindPost, App: app})
	}
	l.batch(day, manyApps(60))
	for d := range 5 {
		post(time.Duration(90+d)*day, "Web")
	}
	post(100*day, "Bot")
	if len(l.found) != 1 {
		t.Fatalf("findings %v, want one", l.lines)
	}
	if got, want := l.found[0].Reasons[0].Expected, "Web 6 in 99 days"; got != want {
		t.Errorf("expected %q, want %q", got, want)
	}
}

// manyApps are posts of the past with so many apps, and with Web.
func manyApps(n int) activity.Batch {
	b := activity.Batch{Backfill: true}
	for i := range n {
		b.Activities = append(b.Activities, activity.Activity{Kind: activity.KindPost, App: fmt.Sprintf("app-%02d", i)})
	}
	b.Activities = append(b.Activities, activity.Activity{Kind: activity.KindPost, App: "Web"})
	return b
}
