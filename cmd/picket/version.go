package main

import (
	"fmt"

	"github.com/picketd/picket/cmd/internal/app"
)

type versionCmd struct{}

// Run prints the version, the commit and the Go version of this binary.
func (versionCmd) Run(e *env) error {
	_, err := fmt.Fprintln(e.out, app.ReadBuild())
	return err
}
