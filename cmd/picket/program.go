package main

import (
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/detector"
)

// program reads a configuration and the rules that it names.
func (e *env) program(path string) (*config.Config, detector.Set, *detector.Plan, error) {
	cfg, err := config.Load(path, e.getenv)
	if err != nil {
		return nil, detector.Set{}, nil, err
	}
	set, err := app.BuildSet(cfg)
	if err != nil {
		return nil, detector.Set{}, nil, err
	}
	plan, err := detector.Compile(set)
	return cfg, set, plan, err
}
