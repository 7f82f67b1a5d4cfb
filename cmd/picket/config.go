package main

import (
	"errors"
	"fmt"

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
			_, err = fmt.Fprintf(e.out, "%s: no fault found (accounts: %d, sources: %d, rules: %d)\n", c.Config, len(cfg.Accounts), len(cfg.Sources), app.Raising(plan))
			return err
		}
	}
	fmt.Fprintln(e.errOut, err)
	return errReported
}
