package natspub

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/detector"
)

// BenchmarkPageInStorm lists the newest 50 open alerts of 1,000 accounts by a
// Manager that follows the store, while findings come in as fast as they are
// stored. It reports the p99 of one listing.
func BenchmarkPageInStorm(b *testing.B) {
	_, js := connect(b, false)
	s, p := open(b, js)
	m := manager(b, s, p)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{}, 2)
	storm := func(round int) {
		findings := make([]detector.Finding, 0, 1000)
		for i := range 1000 {
			phase := detector.Update
			if round == 0 {
				phase = detector.Open
			}
			f := finding(fmt.Sprintf("%08x%024x", i, i), phase, float64(round), round+1)
			f.Account = fmt.Sprintf("x/n%d", i)
			findings = append(findings, f)
		}
		for part := range slices.Chunk(findings, 64) {
			if err := m.Report(ctx, part); err != nil && ctx.Err() == nil {
				b.Error(err)
			}
		}
	}
	if err := m.Recover(ctx); err != nil {
		b.Fatal(err)
	}
	go func() { _ = m.Run(ctx); done <- struct{}{} }()
	storm(0)
	go func() {
		for round := 1; ctx.Err() == nil; round++ {
			storm(round)
		}
		done <- struct{}{}
	}()
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		page, err := m.Page(ctx, alerting.Filter{States: []alerting.State{alerting.Firing}, Limit: 50})
		if err != nil || len(page.Alerts) != 50 {
			b.Fatal(len(page.Alerts), err)
		}
		took = append(took, time.Since(begun))
	}
	cancel()
	<-done
	<-done
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
