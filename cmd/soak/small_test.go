package main

import (
	"strings"
	"testing"
	"time"
)

// TestSmall is a short version of the measurement: what it counts is there.
// What it takes is not judged, since the machine of a test does other work.
func TestSmall(t *testing.T) {
	t.Parallel()
	o := smallOptions{accounts: 5, seed: 1, day: time.Second, calm: time.Second, idle: 2 * time.Second}
	c, err := measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if c.played == 0 || c.journaled > c.played || c.journaled < c.played-c.changed {
		t.Errorf("%d posts in the log, of %d played and %d edits and deletions", c.journaled, c.played, c.changed)
	}
	for what, n := range map[string]float64{
		"resident": float64(c.resident), "anonymous": float64(c.anon), "peak": float64(c.peak), "data_dir": float64(c.data),
		"activities": c.life, "kept": c.kept, "load": c.busy,
	} {
		if n <= 0 {
			t.Errorf("%s: %g, want more than nothing", what, n)
		}
	}
	if c.peak < c.resident || c.resident < c.anon {
		t.Errorf("peak %d, resident %d, of it no file %d: want them in this order", c.peak, c.resident, c.anon)
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	good := cost{
		played: 10, changed: 2, journaled: 9, activities: 20, alerts: 3, resident: 60 << 20, anon: 40 << 20, peak: 80 << 20,
		idle: 0.005, busy: 0.05, life: 1 << 20, ticks: 2 << 20, pages: 1 << 19, kept: 100, tickKept: 30, checkpoint: 1 << 20, data: 5 << 20,
	}
	var table strings.Builder
	if err := good.print(&table, smallOptions{accounts: 50, day: 2 * time.Minute, idle: 3 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	want := `accounts polled         50
activities of the day   20, of them 10 posts, 2 edits and deletions; 9 posts in the log; 3 alerts
resident memory, idle   60.0 MiB (40.0 of them no file); goal 150
resident memory, peak   80.0 MiB
CPU, idle for 3m0s      0.50 % of a core; goal 1
CPU, a day within 2m0s  5.00 % of a core
log a day               3.00 MiB: activities 1.00, ticks 2.00
alerts a day            0.50 MiB
disk after a year       344 MiB: log 160 (activities of 100 days, ticks of 30), alerts 182, checkpoints 1.0
data_dir now            5.0 MiB
`
	if table.String() != want {
		t.Errorf("got\n%s\nwant\n%s", table.String(), want)
	}
	for _, row := range []struct {
		name   string
		change func(*cost)
		want   string
	}{
		{"good", func(*cost) {}, ""},
		{"posts are missing", func(c *cost) { c.journaled = 7 }, "7 posts in the log, want 8 to 10"},
		{"too much memory", func(c *cost) { c.peak = 151 << 20 }, "151.0 MiB resident, goal 150"},
		{"too busy", func(c *cost) { c.idle = 0.02 }, "2.00 % of a core while idle, goal 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c, got := good, ""
			row.change(&c)
			if err := c.judge(); err != nil {
				got = err.Error()
			}
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}
