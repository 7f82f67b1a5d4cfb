package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/picketd/picket/collectors/simulate"
)

type simulateCmd struct {
	Seed     uint64    `help:"Chooses the world; the same seed writes the same bytes." default:"1"`
	Accounts int       `help:"Connected accounts." default:"12"`
	Days     int       `help:"Days of life." default:"60"`
	Start    time.Time `help:"Time of the first activities (RFC 3339)." default:"2026-01-01T00:00:00Z"`
	Attacks  float64   `help:"Attacks per account in 30 days." default:"1"`
	Out      string    `short:"o" help:"File for the activities; standard output unless given." type:"path"`
	Truth    string    `help:"File for the truth about the attacks, one JSON object a line." type:"path"`
}

// Run writes the life of simulated accounts as JSON lines.
func (c *simulateCmd) Run(e *env) (err error) {
	if c.Days < 1 || c.Accounts < 1 || c.Attacks < 0 {
		return fmt.Errorf("--days %d, --accounts %d, --attacks %g: expected at least 1, 1 and 0", c.Days, c.Accounts, c.Attacks)
	}
	world, err := simulate.New(simulate.Config{
		Seed: c.Seed, Accounts: c.Accounts, Start: c.Start, End: c.Start.AddDate(0, 0, c.Days), AttackRate: c.Attacks,
	})
	if err != nil {
		return err
	}
	out, closeOut, err := create(c.Out, e.out)
	if err != nil {
		return err
	}
	truth, closeTruth, err := create(c.Truth, io.Discard)
	if err != nil {
		return errors.Join(err, closeOut())
	}
	n, err := simulate.WriteJSONL(out, truth, world)
	if err = errors.Join(err, closeOut(), closeTruth()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.errOut, "%d activities of %d accounts\n", n, c.Accounts)
	return err
}

// create opens a file for writing, or takes otherwise where no path is given.
func create(path string, otherwise io.Writer) (io.Writer, func() error, error) {
	if path == "" {
		w := bufio.NewWriterSize(otherwise, 1<<16)
		return w, w.Flush, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, nil, err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	return w, func() error { return errors.Join(w.Flush(), f.Close()) }, nil
}
