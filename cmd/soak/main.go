// Command soak proves, by hand and over minutes, that Picket loses nothing and says nothing twice: it runs
// a real `picket run` against a fake X, kills it again and again while it polls
// and detects, and compares what it found with an undisturbed run. It is run by
// hand; its test is a short version. It belongs to no room of the daemon.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	if os.Getenv(fakeEnv) != "" {
		if err := servePolls(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "soak: fake network:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.IntVar(&o.posts, "posts", 50_000, "posts in all")
	flag.IntVar(&o.accounts, "accounts", 25, "accounts, a multiple of 5")
	flag.IntVar(&o.kills, "kills", 20, "times that the daemon is killed")
	flag.IntVar(&o.daemons, "daemons", 1, "daemons on one external NATS server instead of one with its own")
	flag.Uint64Var(&o.seed, "seed", 1, "chooses the posts and the moments of the kills")
	flag.DurationVar(&o.during, "during", 90*time.Second, "how long the posts take to appear")
	flag.DurationVar(&o.settle, "settle", 90*time.Second, "how long to wait for alerts that are missing at the end")
	flag.BoolVar(&o.ablation, "ablation", false, "build the daemon with random alert ids: the comparison must fail")
	flag.BoolVar(&o.torn, "torn", false, "damage the newest checkpoint at every other kill: cut its end off or change a byte")
	measure := flag.Duration("latency", 0, "measure instead, for this long: activity appended to alert published, and to a page at its receiver, at 1,000 activities/s")
	idle := flag.Duration("small", 0, "measure instead what a small install takes: 50 accounts, a day of their life, then idle for this long")
	p := pollsOptions{credentials: 10, bare: 10 * time.Second}
	flag.IntVar(&p.accounts, "polls", 0, "measure instead how so many accounts of a fake network are polled, such as 100000")
	flag.DurationVar(&p.every, "every", time.Minute, "with -polls: interval of each account")
	flag.DurationVar(&p.warm, "warm", 2*time.Minute, "with -polls: how long they are polled before it counts")
	flag.DurationVar(&p.during, "count", 3*time.Minute, "with -polls: how long it counts")
	flag.BoolVar(&p.jetstream, "jetstream", false, "with -polls: write to a journal on disk instead of memory")
	flag.IntVar(&p.idle, "idle", 0, "with -polls: also measure what so many accounts cost that only wait, such as 1000000")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o.log = os.Stdout
	var err error
	switch {
	case p.accounts > 0:
		err = polls(ctx, p, os.Stdout)
	case *idle > 0:
		err = small(ctx, smallOptions{accounts: 50, seed: o.seed, day: 2 * time.Minute, calm: time.Minute, idle: *idle}, os.Stdout)
	case *measure > 0:
		for _, durability := range []string{"process", "power", external} {
			err = errors.Join(err, latency(ctx, *measure, durability, os.Stdout))
		}
	default:
		err = soak(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// soak plays the same script undisturbed and disturbed and compares.
func soak(ctx context.Context, o options) error {
	if o.settle == 0 {
		o.settle = 90 * time.Second
	}
	dir, err := os.MkdirTemp("", "picket-soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := build(ctx, dir, o.ablation)
	if err != nil {
		return err
	}
	s := newScript(o)
	quiet := o
	quiet.kills, quiet.daemons = 0, 1
	want, err := play(ctx, quiet, s, binary, dir+"/undisturbed")
	if err != nil {
		return fmt.Errorf("undisturbed run: %w", err)
	}
	fmt.Fprintf(o.log, "undisturbed: %s\n", want)
	if err := want.complete(s); err != nil {
		return fmt.Errorf("undisturbed run: %w", err)
	}
	got, err := play(ctx, o, s, binary, dir+"/disturbed")
	if err != nil {
		return fmt.Errorf("disturbed run: %w", err)
	}
	fmt.Fprintf(o.log, "disturbed:   %s\n", got)
	if err := got.complete(s); err != nil {
		return fmt.Errorf("disturbed run: %w", err)
	}
	if err := same(want, got); err != nil {
		return err
	}
	if err := shared(o, want, got); err != nil {
		return err
	}
	fmt.Fprintln(o.log, "the same alerts, each activity once")
	return nil
}
