package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/picketd/picket/collectors/x/xtest"
)

// What a small install may cost.
const (
	goalResident = 150 << 20 // bytes
	goalIdle     = 0.01      // of one core
)

// smallOptions of one measurement of a small install.
type smallOptions struct {
	accounts int
	seed     uint64
	day      time.Duration // how long the simulated day takes to happen
	calm     time.Duration // between the day and the idle span
	idle     time.Duration // how long the idle daemon is measured
}

// cost is what a small install was measured to need.
type cost struct {
	played, changed  int     // posts of the day on the network, and its edits and deletions
	journaled        int     // posts of the day in the log
	alerts           int     // raised by the day
	activities       int     // of the day
	resident, anon   int64   // bytes while idle: the median, and of that what is no file
	peak             int64   // bytes, the highest since the start
	idle, busy       float64 // of one core: while idle, and while the day was played
	life             float64 // bytes that the day's activities took in the log
	ticks            float64 // bytes a day that the log grows by while nothing happens
	pages            float64 // bytes a day of alerts, kept and published
	kept, tickKept   float64 // days that the log keeps activities, the longest of them, and ticks
	checkpoint, data int64   // bytes on disk at the end: of checkpoints, of the whole data_dir
}

// small measures what a small install takes and prints it. It returns an error
// when that is more than it may be.
func small(ctx context.Context, o smallOptions, out io.Writer) error {
	c, err := measure(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(c.print(out, o), c.judge())
}

// measure plays a month's history and one day of simulated life of some
// accounts to a real daemon and leaves it polling every minute.
func measure(ctx context.Context, o smallOptions) (*cost, error) {
	dir, err := os.MkdirTemp("", "picket-small-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary, err := build(ctx, dir, false)
	if err != nil {
		return nil, err
	}
	l, err := newLife(o, time.Now().UTC())
	if err != nil {
		return nil, err
	}
	fake := xtest.New(xtest.Options{Limits: unlimited()})
	network := httptest.NewServer(fake)
	defer network.Close()
	d := &daemon{binary: binary, dir: filepath.Join(dir, "daemon")}
	if err := d.writeSmall(l, network.URL); err != nil {
		return nil, err
	}
	st := &stage{daemons: []*daemon{d}}
	defer st.close()
	return st.measure(ctx, o, l, fake)
}

// measure lets the day happen and watches the daemon during and after it.
func (st *stage) measure(ctx context.Context, o smallOptions, l *life, fake *xtest.Server) (*cost, error) {
	l.past(fake)
	if err := st.startAll(ctx); err != nil {
		return nil, err
	}
	d := st.daemons[0]
	pid := d.cmd.Process.Pid
	if err := awaitFirstPolls(ctx, fake, o.accounts); err != nil {
		return nil, err
	}
	before, err := st.look(ctx, pid)
	if err != nil {
		return nil, err
	}
	if err := l.happen(ctx, o.day, fake, st); err != nil {
		return nil, err
	}
	c := &cost{played: l.posts, changed: l.changed, activities: len(l.day)}
	if c.journaled, err = st.awaitPosts(ctx, l); err != nil {
		return nil, err
	}
	after, err := st.look(ctx, pid)
	if err != nil {
		return nil, err
	}
	if err := d.calm(ctx, l, o.calm); err != nil {
		return nil, err
	}
	return c, st.idle(ctx, o, c, before, after)
}

// idle watches the daemon while nothing happens and works the figures out.
func (st *stage) idle(ctx context.Context, o smallOptions, c *cost, before, after *look) error {
	pid := st.daemons[0].cmd.Process.Pid
	begin, err := st.look(ctx, pid)
	if err != nil {
		return err
	}
	resident, anon, err := sample(ctx, pid, o.idle)
	if err != nil {
		return err
	}
	end, err := st.look(ctx, pid)
	if err != nil {
		return err
	}
	c.resident, c.anon, c.peak = resident, anon, end.peak
	c.busy, c.idle = after.load(before), end.load(begin)
	rate := float64(end.log-begin.log) / end.at.Sub(begin.at).Seconds()
	c.ticks = rate * (24 * time.Hour).Seconds()
	c.life = float64(after.log-before.log) - rate*after.at.Sub(before.at).Seconds()
	c.pages = float64(end.alerts - before.alerts)
	c.alerts, c.kept, c.tickKept = end.raised, end.kept, end.tickKept
	c.checkpoint, err = size(filepath.Join(st.daemons[0].dir, "data", "checkpoints"))
	if err != nil {
		return err
	}
	c.data, err = size(filepath.Join(st.daemons[0].dir, "data"))
	return err
}

// calm has the daemon poll as it does by default and waits.
func (d *daemon) calm(ctx context.Context, l *life, wait time.Duration) error {
	if err := d.configureSmall(l, ""); err != nil {
		return err
	}
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	return pause(ctx, wait)
}

func pause(ctx context.Context, wait time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

const mebi = 1 << 20

// year returns the bytes of the log, of alerts and of everything after a year.
func (c *cost) year() (log, alerts, all float64) {
	log = min(c.kept, 365)*c.life + min(c.tickKept, 365)*c.ticks
	alerts = 365 * c.pages
	return log, alerts, log + alerts + float64(c.checkpoint)
}

// print writes one table.
func (c *cost) print(out io.Writer, o smallOptions) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(what, format string, args ...any) { fmt.Fprintf(w, what+"\t"+format+"\n", args...) }
	row("accounts polled", "%d", o.accounts)
	row("activities of the day", "%d, of them %d posts, %d edits and deletions; %d posts in the log; %d alerts", c.activities, c.played, c.changed, c.journaled, c.alerts)
	row("resident memory, idle", "%.1f MiB (%.1f of them no file); goal %d", mib(c.resident), mib(c.anon), goalResident/mebi)
	row("resident memory, peak", "%.1f MiB", mib(c.peak))
	row("CPU, idle for "+o.idle.String(), "%.2f %% of a core; goal %.0f", 100*c.idle, 100*goalIdle)
	row("CPU, a day within "+o.day.String(), "%.2f %% of a core", 100*c.busy)
	row("log a day", "%.2f MiB: activities %.2f, ticks %.2f", (c.life+c.ticks)/mebi, c.life/mebi, c.ticks/mebi)
	row("alerts a day", "%.2f MiB", c.pages/mebi)
	logged, alerts, all := c.year()
	row("disk after a year", "%.0f MiB: log %.0f (activities of %.0f days, ticks of %.0f), alerts %.0f, checkpoints %.1f",
		all/mebi, logged/mebi, min(c.kept, 365), min(c.tickKept, 365), alerts/mebi, mib(c.checkpoint))
	row("data_dir now", "%.1f MiB", mib(c.data))
	return w.Flush()
}

func mib(bytes int64) float64 { return float64(bytes) / mebi }

// judge holds the figures to the goals.
func (c *cost) judge() error {
	var missed []string
	if c.journaled > c.played || c.journaled < c.played-c.changed {
		missed = append(missed, fmt.Sprintf("%d posts in the log, want %d to %d", c.journaled, c.played-c.changed, c.played))
	}
	if most := max(c.peak, c.resident); most > goalResident {
		missed = append(missed, fmt.Sprintf("%.1f MiB resident, goal %d", mib(most), goalResident/mebi))
	}
	if c.idle > goalIdle {
		missed = append(missed, fmt.Sprintf("%.2f %% of a core while idle, goal %.0f", 100*c.idle, 100*goalIdle))
	}
	if len(missed) > 0 {
		return errors.New(strings.Join(missed, "; "))
	}
	return nil
}
