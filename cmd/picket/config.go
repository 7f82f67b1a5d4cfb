package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/detector"
)

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Print every fault of the configuration and its rules."`
}

type configCheckCmd struct {
	Config string `arg:"" optional:"" help:"Configuration file." default:"picket.yaml" type:"path"`
}

// Run prints every fault of the configuration, or what it holds.
func (c *configCheckCmd) Run(e *env) error {
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		fmt.Fprintln(e.errOut, err)
		return errReported
	}
	set, err := app.BuildSet(cfg)
	if err = errors.Join(err, app.CheckReceivers(cfg)); err == nil {
		var plan *detector.Plan
		if plan, err = detector.Compile(set); err == nil {
			for _, f := range cfg.Exposed() {
				fmt.Fprintf(e.errOut, "warning: %v\n", f)
			}
			warnGaps(e, cfg)
			_, err = fmt.Fprintf(e.out, "%s: no fault found (accounts: %d, sources: %d, rules: %d)\n", c.Config, len(cfg.Accounts), len(cfg.Sources), app.Raising(plan))
			return err
		}
	}
	fmt.Fprintln(e.errOut, err)
	return errReported
}

// gapsWithin is how far ahead gaps in schedules are looked for.
const gapsWithin = 4 * 7 * 24 * time.Hour

// warnGaps tells of each schedule when nobody is on duty within the next weeks:
// the first of its gaps, and how many more there are.
func warnGaps(e *env, cfg *config.Config) {
	now := time.Now()
	gaps := cfg.Gaps(now, now.Add(gapsWithin))
	for i := 0; i < len(gaps); {
		first, n := gaps[i], 0
		for ; i < len(gaps) && gaps[i].Schedule == first.Schedule; i++ {
			n++
		}
		more := ""
		if n > 1 {
			more = fmt.Sprintf(" (%d gaps within 4 weeks)", n)
		}
		fmt.Fprintf(e.errOut, "warning: %v%s\n", first.Fault, more)
	}
}
